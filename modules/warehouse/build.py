"""From an environment to its estate: what the YAML and its preset say, written out in full.

Adds what follows by itself: PUBLIC in every database, the roles each schema brings with their privileges, the
connector's rights by its matrix, columns from topics' Avro schemas, the order in which views read each other. What is
wrong in the YAML was said when it was loaded; here only what cannot be known without reading schema files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from modules.environment import warehouse as section
from modules.environment.capture import unwrapped_topics
from modules.environment.connect import kind_of, version_of
from modules.environment.identifiers import parse_target
from modules.environment.model import Environment
from modules.environment.source import snowflake_sources
from modules.environment.warehouse import days
from modules.environment.warehouse_presets import completed, schematized, sink_tables
from modules.errors import ConfigError
from modules.warehouse import estate as data
from modules.warehouse.columns import columns_from_avro, untyped_columns, with_changes
from modules.warehouse.estate import Column, Estate, Table
from modules.warehouse.roles import estate_grants, estate_role_grants, estate_roles

__all__ = ["connector_of", "estate_of", "topic_columns"]


def estate_of(environment: Environment, environments_folder: Path) -> Estate:
    """The estate an environment needs.

    Raises:
        ConfigError: two topics write to one table, a sink's topic has no value schema, or a query's columns are
            those of no table.
    """
    return _Builder(environment, environments_folder).estate()


def topic_columns(environment: Environment, topic: str, environments_folder: Path) -> tuple[Column, ...]:
    """The columns a topic's events need in their table.

    Raises:
        ConfigError: the topic has no value schema.
    """
    value = environment.topics[topic].value
    if not schematized(environment):
        return untyped_columns()
    if not value:
        raise ConfigError(
            f"topic {topic} has a sink but no value schema",
            where=environment.source,
            do=f"give topics.{topic}.value a schema, or remove its sink",
        )
    avro = json.loads((environments_folder / value.schema_).read_text())
    named = {
        type_: json.loads((environments_folder / each.schema_).read_text()) for type_, each in value.references.items()
    }
    columns = columns_from_avro(avro, named)
    return with_changes(columns) if topic in unwrapped_topics(environment) else columns


def connector_of(environment: Environment) -> tuple[str, str | None]:
    """The connector's kind and version, as `matrix.rights_of` takes them."""
    kind = kind_of(environment)
    # MSK Connect runs the program it is given; only Confluent's is its own.
    return "kafka-connect" if kind == "managed" and environment.platform != "confluent" else kind, version_of(
        environment
    )


class _Builder:
    def __init__(self, environment: Environment, folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self._whole = completed(environment)

    def estate(self) -> Estate:
        whole = self._whole
        schemas = tuple(self._schemas())
        views, dynamic_tables = self._queries()
        kind, version = connector_of(self._environment)
        estate = Estate(
            databases=tuple(
                data.Database(name, each.transient, days(each.retention), each.comment)
                for name, each in whole.databases.items()
            ),
            schemas=schemas,
            resource_monitors=tuple(_monitor(*each) for each in whole.resource_monitors.items()),
            warehouses=tuple(self._warehouse(*each) for each in whole.warehouses.items()),
            network_rules=tuple(_network_rule(*each) for each in whole.network_rules.items()),
            network_policies=tuple(_network_policy(*each) for each in whole.network_policies.items()),
            storage_integrations=tuple(_integration(*each) for each in whole.storage_integrations.items()),
            external_volumes=tuple(_volume(*each) for each in whole.external_volumes.items()),
            users=tuple(
                data.ServiceUser(name, each.role, each.warehouse, each.network_policy, each.comment)
                for name, each in whole.users.items()
            ),
            tables=self._tables,
            iceberg_tables=tuple(_iceberg_table(*each) for each in whole.iceberg_tables.items()),
            views=views,
            dynamic_tables=dynamic_tables,
            stages=tuple(_stage(*each) for each in whole.stages.items()),
            pipes=tuple(_pipe(*each) for each in whole.pipes.items()),
            tags=tuple(_tags(whole)),
        )
        roles, database_roles = estate_roles(estate, whole)
        estate = replace(estate, roles=roles, database_roles=database_roles)
        sources = snowflake_sources(self._environment).values()
        grants, ownership = estate_grants(estate, whole, kind, version, sources)
        return replace(estate, role_grants=estate_role_grants(estate, whole), grants=grants, ownership=ownership)

    def _schemas(self) -> Iterator[data.Schema]:
        for database, its in self._whole.databases.items():
            for name, each in {"PUBLIC": section.SchemaSettings(access_roles=False), **its.schemas}.items():
                yield data.Schema(
                    database, name, each.transient, each.managed_access, days(each.retention), each.comment
                )

    @cached_property
    def _tables(self) -> tuple[Table, ...]:
        topics = sink_tables(self._environment)
        for table, names in topics.items():
            if len(names) > 1:
                raise ConfigError(
                    f"two topics write to the table {table}",
                    where=self._environment.source,
                    do="give each sink its own table",
                )
        return tuple(self._table(name, each, topics.get(name)) for name, each in self._whole.tables.items())

    def _table(self, dotted: str, its: section.TableSettings, topics: list[str] | None) -> Table:
        columns = tuple(Column(name, each.type, each.nullable, each.comment) for name, each in its.columns.items())
        if not columns and topics:
            columns = topic_columns(self._environment, topics[0], self._folder)
        masked = {
            column.name: Column(column.name, column.type, column.nullable, column.comment, its.masked[column.name])
            for column in columns
            if column.name in its.masked
        }
        database, schema, name = dotted.split(".")
        return Table(
            database=database,
            schema=schema,
            name=name,
            comment=its.comment,
            columns=tuple(masked.get(column.name, column) for column in columns),
            cluster_by=tuple(its.cluster_by),
            schema_evolution=its.schema_evolution,
            change_tracking=its.change_tracking,
            retention_days=days(its.retention),
            topic=topics[0] if topics else None,
        )

    def _warehouse(self, name: str, its: section.VirtualWarehouse) -> data.WarehouseSpec:
        whole = self._whole
        return data.WarehouseSpec(
            name,
            its.size or whole.size,
            round((its.auto_suspend or whole.auto_suspend).seconds),
            its.comment,
            its.resource_monitor,
            round(its.statement_timeout.seconds) if its.statement_timeout else None,
            round(its.queue_timeout.seconds) if its.queue_timeout else None,
            its.min_clusters,
            its.max_clusters,
            its.scaling_policy,
        )

    def _queries(self) -> tuple[tuple[data.View, ...], tuple[data.DynamicTable, ...]]:
        whole = self._whole
        queries = {name: self._expanded(each.query) for name, each in whole.views.items()}
        queries |= {name: self._expanded(each.query) for name, each in whole.dynamic_tables.items()}
        levels = _levels(queries, self._environment.source)
        views = tuple(
            data.View(**_place(name), comment=each.comment, query=queries[name], secure=each.secure, level=levels[name])
            for name, each in whole.views.items()
        )
        dynamic_tables = tuple(
            data.DynamicTable(
                **_place(name),
                comment=each.comment,
                query=queries[name],
                target_lag=_lag(each.target_lag),
                warehouse=each.warehouse,
                refresh_mode=each.refresh_mode,
                level=levels[name],
            )
            for name, each in whole.dynamic_tables.items()
        )
        return views, dynamic_tables

    def _expanded(self, query: str) -> str:
        """`{columns DATABASE.SCHEMA.TABLE}` written out, so that a view follows its table."""
        tables = {each.dotted: each for each in self._tables}

        def columns(match: re.Match[str]) -> str:
            table = tables.get(match[1])
            if table is None:
                raise ConfigError(
                    f"a query asks for the columns of {match[1]}, which the estate does not have",
                    where=self._environment.source,
                    do="declare the table under warehouse.tables, or name the columns",
                )
            return ", ".join(column.name for column in table.columns)

        return re.sub(r"\{columns ([\w$.]+)\}", columns, query)


def _place(dotted: str) -> dict[str, str]:
    return dict(zip(("database", "schema", "name"), dotted.split("."), strict=True))


def _levels(queries: Mapping[str, str], where: str) -> dict[str, int]:
    """How deep each query stands on others, by the full names it mentions."""
    mentions = {
        name: [
            other for other in queries if other != name and re.search(rf"(?<![\w$.]){re.escape(other)}(?![\w$])", text)
        ]
        for name, text in queries.items()
    }
    levels: dict[str, int] = {}

    def level(name: str, above: tuple[str, ...]) -> int:
        if name in above:
            circle = " → ".join([*above[above.index(name) :], name])
            raise ConfigError(f"queries read each other in a circle: {circle}", where=where, do="take one of them out")
        if name not in levels:
            levels[name] = max((level(other, (*above, name)) + 1 for other in mentions[name]), default=0)
        return levels[name]

    for name in queries:
        level(name, ())
    return levels


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _lag(text: str) -> str:
    if text == "downstream":
        return "DOWNSTREAM"
    number, unit = text[:-1], _UNITS[text[-1]]
    return f"{int(number)} {unit}"


def _monitor(name: str, its: section.ResourceMonitor) -> data.ResourceMonitor:
    return data.ResourceMonitor(
        name,
        its.credits,
        its.frequency,
        tuple(sorted(its.notify_at)),
        its.suspend_at,
        its.suspend_now_at,
        tuple(its.notify_users),
    )


def _network_rule(name: str, its: section.NetworkRule) -> data.NetworkRule:
    return data.NetworkRule(**_place(name), comment=its.comment, type=its.type, mode=its.mode, values=tuple(its.values))


def _network_policy(name: str, its: section.NetworkPolicy) -> data.NetworkPolicy:
    return data.NetworkPolicy(
        name,
        tuple(its.allowed_rules),
        tuple(its.blocked_rules),
        tuple(its.allowed_cidrs),
        tuple(its.blocked_cidrs),
        its.comment,
    )


def _integration(name: str, its: section.StorageIntegration) -> data.StorageIntegration:
    return data.StorageIntegration(
        name,
        its.role_arn,
        tuple(its.allowed_locations),
        tuple(its.blocked_locations),
        its.external_id,
        its.enabled,
        its.comment,
    )


def _volume(name: str, its: section.ExternalVolume) -> data.ExternalVolume:
    locations = tuple(
        data.VolumeLocation(location, each.base_url, each.role_arn, each.external_id, each.kms_key_id)
        for location, each in its.locations.items()
    )
    return data.ExternalVolume(name, locations, its.allow_writes, its.comment)


def _iceberg_table(name: str, its: section.IcebergTable) -> data.IcebergTable:
    return data.IcebergTable(
        **_place(name),
        comment=its.comment,
        columns=tuple(Column(column, each.type, each.nullable, each.comment) for column, each in its.columns.items()),
        external_volume=its.external_volume,
        base_location=its.base_location,
        cluster_by=tuple(its.cluster_by),
    )


def _stage(name: str, its: section.Stage) -> data.Stage:
    return data.Stage(
        **_place(name),
        comment=its.comment,
        url=its.url,
        storage_integration=its.storage_integration,
        directory=its.directory,
    )


def _pipe(name: str, its: section.Pipe) -> data.Pipe:
    return data.Pipe(
        **_place(name),
        comment=its.comment,
        copy_statement=its.copy_statement,
        auto_ingest=its.auto_ingest,
        sns_topic=its.sns_topic,
    )


def _tags(whole: section.Warehouse) -> Iterator[data.TagUse]:
    for each in whole.tags:
        kinds: dict[str, list[tuple[str, ...]]] = {}
        for target in map(parse_target, each.on):
            kinds.setdefault(target.kind, []).append(target.name)
        for kind, names in kinds.items():
            yield data.TagUse(each.tag, each.value, kind, tuple(names))
