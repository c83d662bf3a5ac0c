"""Terraform for what is in schemas: tables, views, dynamic tables, Iceberg tables, stages, pipes, tags on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from modules.resources.base import Lifecycle, Resource, Stack
from modules.resources.expressions import each, literal
from modules.resources.snowflake import (
    SnowflakeDynamicTable,
    SnowflakeExecute,
    SnowflakeIcebergTable,
    SnowflakeIcebergTable_Column,
    SnowflakePipe,
    SnowflakeStageExternalS3,
    SnowflakeStageInternal,
    SnowflakeTable,
    SnowflakeTable_Column,
    SnowflakeTagAssociation,
    SnowflakeView,
)
from modules.warehouse.estate import (
    Column,
    DynamicTable,
    Estate,
    IcebergTable,
    SchemaObject,
    Stage,
    Table,
    View,
    quoted,
)

__all__ = ["declare_schema_objects", "resource_id", "said"]

_DOWNSTREAM = "DOWNSTREAM"


def resource_id(name: str) -> str:
    """A name of the estate as an address: `streaming_public_order_events`."""
    return name.lower().replace(".", "_").replace("$", "_")


def said(comment: str | None) -> str | None:
    """A comment as Terraform reads it."""
    return literal(comment) if comment else None


def declare_schema_objects(stack: Stack, estate: Estate, depends_on: Sequence[Resource]) -> list[Resource]:
    """All of them, in an order that lets queries read what is there."""
    made: list[Resource] = [_table(stack, table, depends_on) for table in estate.tables]
    made += _evolving(stack, estate, made)
    made += [_iceberg_table(stack, table, depends_on) for table in estate.iceberg_tables]
    made += _queries(stack, estate, [*depends_on, *made])
    made += _stages(stack, estate.stages, depends_on)
    if estate.pipes:
        made.append(
            SnowflakePipe(
                stack,
                "pipe",
                for_each={
                    pipe.dotted: {
                        **_place(pipe),
                        "statement": literal(pipe.copy_statement),
                        "auto_ingest": pipe.auto_ingest,
                        "sns_topic": pipe.sns_topic,
                    }
                    for pipe in estate.pipes
                },
                database=each.value("database"),
                schema=each.value("schema"),
                name=each.value("name"),
                comment=each.value("comment"),
                copy_statement=each.value("statement"),
                auto_ingest=each.value("auto_ingest"),
                aws_sns_topic_arn=each.value("sns_topic"),
                depends_on=list(made),
            )
        )
    _tags(stack, estate, [*depends_on, *made])
    return made


def _place(one: SchemaObject) -> dict[str, str | None]:
    return {"database": one.database, "schema": one.schema, "name": one.name, "comment": said(one.comment)}


def _table(stack: Stack, table: Table, depends_on: Sequence[Resource]) -> SnowflakeTable:
    # What a connector adds by itself is no drift, and Terraform would drop it.
    evolving: Lifecycle | None = {"ignore_changes": ["column"]} if table.schema_evolution else None
    return SnowflakeTable(
        stack,
        resource_id(table.dotted),
        database=table.database,
        schema=table.schema,
        name=table.name,
        comment=said(table.comment),
        column=[_column(column) for column in table.columns],
        cluster_by=[literal(key) for key in table.cluster_by] or None,
        change_tracking=table.change_tracking or None,
        data_retention_time_in_days=table.retention_days,
        depends_on=depends_on,
        lifecycle=evolving,
    )


def _column(column: Column) -> SnowflakeTable_Column:
    rendered: SnowflakeTable_Column = {"name": column.name, "type": column.type, "nullable": column.nullable}
    if column.comment:
        rendered["comment"] = literal(column.comment)
    if column.masking_policy:
        rendered["masking_policy"] = quoted(*column.masking_policy.split("."))
    return rendered


def _evolving(stack: Stack, estate: Estate, tables: Sequence[Resource]) -> list[Resource]:
    """Schema evolution, for which the table resource has no argument."""
    evolving = {table.dotted: {"table": table.qualified} for table in estate.tables if table.schema_evolution}
    if not evolving:
        return []
    table = each.value("table").inner
    return [
        SnowflakeExecute(
            stack,
            "schema_evolution",
            for_each=evolving,
            execute=f"ALTER TABLE ${{{table}}} SET ENABLE_SCHEMA_EVOLUTION = TRUE",
            revert=f"ALTER TABLE ${{{table}}} SET ENABLE_SCHEMA_EVOLUTION = FALSE",
            depends_on=tables,
        )
    ]


def _iceberg_table(stack: Stack, table: IcebergTable, depends_on: Sequence[Resource]) -> SnowflakeIcebergTable:
    return SnowflakeIcebergTable(
        stack,
        resource_id(table.dotted),
        database=table.database,
        schema=table.schema,
        name=table.name,
        comment=said(table.comment),
        column=[_iceberg_column(column) for column in table.columns],
        catalog="SNOWFLAKE",
        external_volume=table.external_volume,
        base_location=literal(table.base_location),
        cluster_by=[literal(key) for key in table.cluster_by] or None,
        depends_on=depends_on,
    )


def _iceberg_column(column: Column) -> SnowflakeIcebergTable_Column:
    rendered: SnowflakeIcebergTable_Column = {"name": column.name, "type": column.type}
    if not column.nullable:
        rendered["not_null"] = "true"
    if column.comment:
        rendered["comment"] = literal(column.comment)
    return rendered


def _queries(stack: Stack, estate: Estate, depends_on: Sequence[Resource]) -> list[Resource]:
    """Views and dynamic tables, one resource a level: what is read comes before what reads it."""
    made: list[Resource] = []
    both: list[View | DynamicTable] = sorted([*estate.views, *estate.dynamic_tables], key=lambda one: one.level)
    for level, these in groupby(both, key=lambda one: one.level):
        queries = list(these)
        waits = [*depends_on, *made]
        suffix = f"_{level}" if level else ""
        views = [one for one in queries if isinstance(one, View)]
        dynamic_tables = [one for one in queries if isinstance(one, DynamicTable)]
        if views:
            made.append(_views(stack, f"view{suffix}", views, waits))
        if dynamic_tables:
            made.append(_dynamic_tables(stack, f"dynamic_table{suffix}", dynamic_tables, waits))
    return made


def _views(stack: Stack, id_: str, views: Sequence[View], depends_on: Sequence[Resource]) -> Resource:
    return SnowflakeView(
        stack,
        id_,
        for_each={
            view.dotted: {
                **_place(view),
                "query": literal(view.query),
                "secure": "true" if view.secure else None,
            }
            for view in views
        },
        database=each.value("database"),
        schema=each.value("schema"),
        name=each.value("name"),
        comment=each.value("comment"),
        statement=each.value("query"),
        is_secure=each.value("secure"),
        copy_grants=True,
        depends_on=depends_on,
    )


def _dynamic_tables(stack: Stack, id_: str, tables: Sequence[DynamicTable], depends_on: Sequence[Resource]) -> Resource:
    return SnowflakeDynamicTable(
        stack,
        id_,
        for_each={
            table.dotted: {
                **_place(table),
                "query": literal(table.query),
                "lag": None if table.target_lag == _DOWNSTREAM else table.target_lag,
                "downstream": True if table.target_lag == _DOWNSTREAM else None,
                "warehouse": table.warehouse,
                "refresh_mode": table.refresh_mode,
            }
            for table in tables
        },
        database=each.value("database"),
        schema=each.value("schema"),
        name=each.value("name"),
        comment=each.value("comment"),
        query=each.value("query"),
        target_lag={"maximum_duration": each.value("lag"), "downstream": each.value("downstream")},
        warehouse=each.value("warehouse"),
        refresh_mode=each.value("refresh_mode"),
        depends_on=depends_on,
    )


def _stages(stack: Stack, stages: Sequence[Stage], depends_on: Sequence[Resource]) -> list[Resource]:
    made: list[Resource] = []
    inside: Mapping[str, object] = {
        stage.dotted: {**_place(stage), "directory": stage.directory} for stage in stages if not stage.url
    }
    if inside:
        made.append(
            SnowflakeStageInternal(
                stack,
                "stage",
                for_each=inside,
                database=each.value("database"),
                schema=each.value("schema"),
                name=each.value("name"),
                comment=each.value("comment"),
                directory={"enable": each.value("directory")},
                depends_on=depends_on,
            )
        )
    outside: Mapping[str, object] = {
        stage.dotted: {
            **_place(stage),
            "url": literal(stage.url),
            "integration": stage.storage_integration,
            "directory": stage.directory,
        }
        for stage in stages
        if stage.url
    }
    if outside:
        made.append(
            SnowflakeStageExternalS3(
                stack,
                "stage_s3",
                for_each=outside,
                database=each.value("database"),
                schema=each.value("schema"),
                name=each.value("name"),
                comment=each.value("comment"),
                url=each.value("url"),
                storage_integration=each.value("integration"),
                directory={"enable": each.value("directory")},
                depends_on=depends_on,
            )
        )
    return made


def _tags(stack: Stack, estate: Estate, depends_on: Sequence[Resource]) -> None:
    if not estate.tags:
        return
    SnowflakeTagAssociation(
        stack,
        "tag",
        for_each={
            f"{use.tag}={use.value} {use.object_type.lower()}": {
                "tag": quoted(*use.tag.split(".")),
                "value": literal(use.value),
                "type": use.object_type,
                "objects": [quoted(*name) for name in use.objects],
            }
            for use in estate.tags
        },
        tag_id=each.value("tag"),
        tag_value=each.value("value"),
        object_type=each.value("type"),
        object_identifiers=each.value("objects"),
        depends_on=depends_on,
    )
