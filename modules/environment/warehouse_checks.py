"""What is wrong with an estate before Snowflake is asked: names it refuses or folds, references to what is not there,
tables that lost a column their topic still has, settings that contradict each other. Rights: `warehouse_roles.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from modules.environment.document import Problem
from modules.environment.identifiers import Use, fold, name_problem, parse_target, path_problem
from modules.environment.types import DurationValue
from modules.environment.warehouse import TableSettings, Warehouse
from modules.environment.warehouse_declared import Declared, Said, closest
from modules.environment.warehouse_presets import NEEDED, completed, given_by_preset, schematized, sink_tables
from modules.environment.warehouse_roles import check_roles

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["check"]

_DAY = 86_400_000
_METADATA = "RECORD_METADATA"
_IN_SCHEMA: Mapping[str, Use] = {
    "tables": "table", "views": "table", "dynamic_tables": "table", "iceberg_tables": "table",
    "stages": "other", "pipes": "other", "network_rules": "other",
}  # fmt: skip
_OF_ACCOUNT: Mapping[str, Use] = {
    "databases": "container", "warehouses": "other", "resource_monitors": "other", "roles": "other", "users": "other",
    "network_policies": "other", "storage_integrations": "other", "external_volumes": "other",
}  # fmt: skip


def check(environment: Environment, positions: Positions, schemas: Mapping[str, Any]) -> Iterator[Problem]:
    """Every problem of the `warehouse:` section, and of what topics mean for it.

    Args:
        schemas: the Avro schemas that could be read, by their file as topics name it.
    """
    said, own = Said(positions), environment.warehouse
    names = [*_without(environment, said), *_names(own, said), *_sink_names(environment, said)]
    yield from names
    yield from _sections(own, said)
    yield from _fields(environment, schemas, said)
    if names:
        return  # what refers to a wrong name would only be said twice
    whole = completed(environment)
    declared = Declared(whole)
    yield from _placed(own, declared, said)
    yield from _columns(environment, whole, schemas, said)
    yield from _references(whole, declared, said)
    yield from check_roles(whole, own, declared, said)


def _without(environment: Environment, said: Said) -> Iterator[Problem]:
    own = environment.warehouse
    given = given_by_preset(environment.model_copy(update={"warehouse": own.model_copy(update={"without": []})}))
    known = {f"{section}.{name}" for section, names in given.items() for name in names}
    for number, each in enumerate(own.without):
        if each in NEEDED:
            yield said.problem(f"the connector needs `{each}`; it cannot be left out", "without", number)
        elif each.startswith("tables."):
            yield said.problem("a sink's table goes with its topic's `sink`", "without", number)
        elif each not in known:
            yield said.problem(f"the preset has no `{each}`{closest(each, known)}", "without", number)


def _names(own: Warehouse, said: Said) -> Iterator[Problem]:
    for section, use in _OF_ACCOUNT.items():
        for name in getattr(own, section):
            if wrong := name_problem(name, use):
                yield said.problem(wrong, section, name)
    for database, its in own.databases.items():
        for schema in its.schemas:
            wrong = name_problem(schema, "container")
            if schema == "INFORMATION_SCHEMA":
                wrong = "INFORMATION_SCHEMA is Snowflake's own; take it out"
            if wrong:
                yield said.problem(wrong, "databases", database, "schemas", schema)
    for section, use in _IN_SCHEMA.items():
        for name in getattr(own, section):
            if wrong := path_problem(name, ("DATABASE", "SCHEMA", "NAME"), use):
                yield said.problem(wrong, section, name)
    for name in own.database_roles:
        if wrong := path_problem(name, ("DATABASE", "ROLE")):
            yield said.problem(wrong, "database_roles", name)
    for section in ("tables", "iceberg_tables"):
        for name, table in getattr(own, section).items():
            for column in table.columns:
                if wrong := name_problem(column, "column"):
                    yield said.problem(wrong, section, name, "columns", column)


def _sink_names(environment: Environment, said: Said) -> Iterator[Problem]:
    for name, topic in environment.topics.items():
        if topic.sink and (wrong := path_problem(fold(topic.sink.table), ("DATABASE", "SCHEMA", "TABLE"), "table")):
            yield said.elsewhere(wrong, "topics", name, "sink", "table")


def _fields(environment: Environment, schemas: Mapping[str, Any], said: Said) -> Iterator[Problem]:
    """Fields that cannot become columns."""
    if not schematized(environment):
        return
    for name, topic in environment.topics.items():
        if not topic.sink or not topic.value:
            continue
        at = ("topics", name, "value", "schema")
        seen: dict[str, str] = {}
        for field in _fields_of(schemas.get(topic.value.schema_)):
            other = seen.setdefault(fold(field), field)
            if other != field:
                yield said.elsewhere(f"fields `{other}` and `{field}` would be one column, {fold(field)}", *at)
            elif wrong := name_problem(fold(field), "column"):
                yield said.elsewhere(f"field `{field}` cannot be a column: {wrong}", *at)
            elif fold(field) == _METADATA:
                yield said.elsewhere(f"field `{field}` cannot be a column: {_METADATA} holds offset and key", *at)


def _fields_of(schema: Any) -> list[str]:
    record = isinstance(schema, Mapping) and schema.get("type") == "record"
    return [field["name"] for field in schema.get("fields", [])] if record else []


def _placed(own: Warehouse, declared: Declared, said: Said) -> Iterator[Problem]:
    """Everything in a schema that is there, each name once."""
    for section in _IN_SCHEMA:
        for name in getattr(own, section):
            schema = name.rpartition(".")[0]
            if schema not in declared.schemas:
                hint = closest(schema, declared.schemas)
                yield said.problem(f"there is no schema `{schema}` in this estate{hint}", section, name)
    for name in own.database_roles:
        if missing := declared.missing("DATABASE", name.partition(".")[0]):
            yield said.problem(missing, "database_roles", name)
    for name, sections in declared.objects().items():
        if len(sections) > 1:
            yield said.problem(f"the name is taken already, in warehouse.{sections[0]}", sections[1], name)


def _columns(environment: Environment, whole: Warehouse, schemas: Mapping[str, Any], said: Said) -> Iterator[Problem]:
    topics = sink_tables(environment)
    for name, table in whole.tables.items():
        fields: list[str] = []
        if name in topics:
            value = environment.topics[topics[name][0]].value
            fields = [fold(each) for each in _fields_of(schemas.get(value.schema_))] if value else []
            if table.columns:
                yield from _lost(name, table, fields, topics[name][0], said)
        elif not table.columns:
            yield said.problem("no topic lands here, so its columns must be written (`columns:`)", "tables", name)
        known = [*table.columns] or [*fields, _METADATA]
        for column in table.masked:
            if (fields or table.columns) and column not in known:
                yield said.problem(
                    f"the table has no column `{column}`{closest(column, known)}", "tables", name, "masked", column
                )
            elif wrong := path_problem(table.masked[column], ("DATABASE", "SCHEMA", "POLICY")):
                yield said.problem(wrong, "tables", name, "masked", column)


def _lost(name: str, table: TableSettings, fields: list[str], topic: str, said: Said) -> Iterator[Problem]:
    """A field that events still carry and that has no column would be dropped row by row, unseen."""
    for field in fields:
        if field not in table.columns:
            yield said.problem(
                f"column {field} is missing: events of `{topic}` still carry it; add it, or take the field out of "
                "the schema",
                "tables", name, "columns",
            )  # fmt: skip
    if _METADATA not in table.columns:
        yield said.problem(
            f"column {_METADATA} (VARIANT) is missing: offset and key are written there", "tables", name, "columns"
        )


def _references(whole: Warehouse, declared: Declared, said: Said) -> Iterator[Problem]:
    for name, warehouse in whole.warehouses.items():
        monitor = warehouse.resource_monitor
        if monitor and (missing := declared.missing("RESOURCE MONITOR", monitor)):
            yield said.problem(missing, "warehouses", name, "resource_monitor")
    for name, table in whole.dynamic_tables.items():
        if missing := declared.missing("WAREHOUSE", table.warehouse):
            yield said.problem(missing, "dynamic_tables", name, "warehouse")
    for name, iceberg in whole.iceberg_tables.items():
        if missing := declared.missing("EXTERNAL VOLUME", iceberg.external_volume):
            yield said.problem(missing, "iceberg_tables", name, "external_volume")
    for name, policy in whole.network_policies.items():
        for key, rules in (("allowed_rules", policy.allowed_rules), ("blocked_rules", policy.blocked_rules)):
            for number, rule in enumerate(rules):
                if missing := declared.missing("NETWORK RULE", rule):
                    yield said.problem(missing, "network_policies", name, key, number)
    yield from _stages(whole, declared, said)
    yield from _queries(whole, declared, said)
    yield from _tags(whole, declared, said)


def _stages(whole: Warehouse, declared: Declared, said: Said) -> Iterator[Problem]:
    for name, stage in whole.stages.items():
        if stage.storage_integration is None:
            if stage.url:
                yield said.problem("a stage in S3 is reached through a `storage_integration`", "stages", name, "url")
            continue
        if not stage.url:
            yield said.problem(
                "a stage in Snowflake needs none; give a `url`, or take it out", "stages", name, "storage_integration"
            )
        elif missing := declared.missing("INTEGRATION", stage.storage_integration):
            yield said.problem(missing, "stages", name, "storage_integration")
        else:
            allowed = whole.storage_integrations[stage.storage_integration].allowed_locations
            if not any(place == "*" or stage.url.startswith(place) for place in allowed):
                places = ", ".join(allowed)
                yield said.problem(
                    f"{stage.storage_integration} allows {places}, not {stage.url}", "stages", name, "url"
                )


def _queries(whole: Warehouse, declared: Declared, said: Said) -> Iterator[Problem]:
    sections: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("views", whole.views), ("dynamic_tables", whole.dynamic_tables),
    )  # fmt: skip
    for section, queries in sections:
        for name, each in queries.items():
            for table in re.findall(r"\{columns ([^}]*)\}", each.query):
                if missing := declared.missing("TABLE", table):
                    yield said.problem(missing, section, name, "query")
            if not re.match(r"\s*(SELECT|WITH)\b", each.query, re.IGNORECASE):
                yield said.problem("a query begins with SELECT or WITH", section, name, "query")


def _tags(whole: Warehouse, declared: Declared, said: Said) -> Iterator[Problem]:
    for number, use in enumerate(whole.tags):
        if wrong := path_problem(use.tag, ("DATABASE", "SCHEMA", "TAG")):
            yield said.problem(wrong, "tags", number, "tag")
        for place, on in enumerate(use.on):
            try:
                target = parse_target(on)
            except ValueError as error:
                yield said.problem(str(error), "tags", number, "on", place)
                continue
            if target.scope != "one":
                yield said.problem("a tag is put on objects one by one", "tags", number, "on", place)
            elif missing := declared.missing_target(target):
                yield said.problem(missing, "tags", number, "on", place)


def _sections(own: Warehouse, said: Said) -> Iterator[Problem]:
    """Settings that contradict each other, or that Snowflake would refuse."""
    yield from _retentions(own, said)
    yield from _networks(own, said)
    for name, warehouse in own.warehouses.items():
        if warehouse.min_clusters > warehouse.max_clusters:
            yield said.problem(
                f"min_clusters ({warehouse.min_clusters}) is more than max_clusters ({warehouse.max_clusters})",
                "warehouses", name, "min_clusters",
            )  # fmt: skip
        for key in ("auto_suspend", "statement_timeout", "queue_timeout"):
            yield from _whole_seconds(getattr(warehouse, key), said, "warehouses", name, key)
    yield from _whole_seconds(own.auto_suspend, said, "auto_suspend")
    for name, table in own.dynamic_tables.items():
        if table.target_lag != "downstream" and DurationValue.parse(table.target_lag).milliseconds < 60_000:
            yield said.problem(f"the least lag is 60s, got {table.target_lag}", "dynamic_tables", name, "target_lag")
    for name, monitor in own.resource_monitors.items():
        if monitor.suspend_at and monitor.suspend_now_at and monitor.suspend_now_at < monitor.suspend_at:
            message = f"suspend_now_at ({monitor.suspend_now_at}) is below suspend_at ({monitor.suspend_at})"
            yield said.problem(message, "resource_monitors", name, "suspend_now_at")


def _retentions(own: Warehouse, said: Said) -> Iterator[Problem]:
    for name, database in own.databases.items():
        yield from _retention(database.retention, database.transient, said, "databases", name)
        for schema, its in database.schemas.items():
            transient = its.transient or database.transient
            yield from _retention(its.retention, transient, said, "databases", name, "schemas", schema)
    for name, table in own.tables.items():
        yield from _retention(table.retention, False, said, "tables", name)


def _retention(retention: DurationValue | None, transient: bool, said: Said, *at: str) -> Iterator[Problem]:
    if retention is None:
        return
    count, rest = divmod(retention.milliseconds, _DAY)
    if rest:
        yield said.problem(f"time travel is counted in whole days, got {retention}", *at, "retention")
    elif count > 90:
        yield said.problem(f"time travel goes back 90 days at most, got {retention}", *at, "retention")
    elif transient and count > 1:
        yield said.problem(f"what is transient keeps one day at most, got {retention}", *at, "retention")


def _whole_seconds(value: DurationValue | None, said: Said, *at: str) -> Iterator[Problem]:
    if value is not None and value.milliseconds % 1000:
        yield said.problem(f"Snowflake counts it in whole seconds, got {value}", *at)


def _networks(own: Warehouse, said: Said) -> Iterator[Problem]:
    yield from _cidrs(own.allowed_cidrs, said, "allowed_cidrs")
    for name, rule in own.network_rules.items():
        if rule.type == "IPV4":
            yield from _cidrs(rule.values, said, "network_rules", name, "values")
    for name, policy in own.network_policies.items():
        if not policy.allowed_rules and not policy.allowed_cidrs:
            yield said.problem(
                "it allows no address; give `allowed_cidrs` or `allowed_rules`", "network_policies", name
            )
        yield from _cidrs(policy.allowed_cidrs, said, "network_policies", name, "allowed_cidrs")
        yield from _cidrs(policy.blocked_cidrs, said, "network_policies", name, "blocked_cidrs")


def _cidrs(values: list[str], said: Said, *at: str) -> Iterator[Problem]:
    for number, value in enumerate(values):
        try:
            network = ip_network(value)
        except ValueError as error:
            yield said.problem(f"'{value}' is no CIDR block: {error}", *at, number)
            continue
        if network.version != 4:
            yield said.problem(f"Snowflake takes IPv4 addresses, not {value}", *at, number)
