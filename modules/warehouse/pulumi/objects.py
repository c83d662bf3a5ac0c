"""Pulumi resources for what is in schemas: tables, views, dynamic and Iceberg tables, stages, pipes, tags on them."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pulumi_snowflake as snowflake

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
from modules.warehouse.pulumi.resources import Made, Maker

__all__ = ["declare_schema_objects"]

_DOWNSTREAM = "DOWNSTREAM"


def declare_schema_objects(make: Maker, estate: Estate, depends_on: Made) -> Made:
    """All of them, in an order that lets queries read what is there."""
    made: list[Any] = [_table(make, table, depends_on) for table in estate.tables]
    made += [_evolution(make, table, made) for table in estate.tables if table.schema_evolution]
    made += [_iceberg_table(make, table, depends_on) for table in estate.iceberg_tables]
    made += _queries(make, estate, [*depends_on, *made])
    made += [_stage(make, stage, depends_on) for stage in estate.stages]
    made += [
        make(
            snowflake.Pipe,
            pipe.dotted,
            list(made),
            **_place(pipe),
            copy_statement=pipe.copy_statement,
            auto_ingest=pipe.auto_ingest,
            aws_sns_topic_arn=pipe.sns_topic,
        )
        for pipe in estate.pipes
    ]
    for use in estate.tags:
        make(
            snowflake.TagAssociation,
            f"{use.tag}={use.value} {use.object_type.lower()}",
            [*depends_on, *made],
            tag_id=quoted(*use.tag.split(".")),
            tag_value=use.value,
            object_type=use.object_type,
            object_identifiers=[quoted(*name) for name in use.objects],
        )
    return made


def _place(one: SchemaObject) -> dict[str, Any]:
    return {"database": one.database, "schema": one.schema, "name": one.name, "comment": one.comment or None}


def _table(make: Maker, table: Table, depends_on: Made) -> Any:
    return make(
        snowflake.Table,
        table.dotted,
        depends_on,
        # What a connector adds by itself is no drift, and Pulumi would drop it.
        ignore_changes=["columns"] if table.schema_evolution else None,
        **_place(table),
        columns=[_column(column) for column in table.columns],
        cluster_bies=list(table.cluster_by) or None,
        change_tracking=table.change_tracking or None,
        data_retention_time_in_days=table.retention_days,
    )


def _column(column: Column) -> dict[str, Any]:
    rendered: dict[str, Any] = {"name": column.name, "type": column.type, "nullable": column.nullable}
    if column.comment:
        rendered["comment"] = column.comment
    if column.masking_policy:
        rendered["masking_policy"] = quoted(*column.masking_policy.split("."))
    return rendered


def _evolution(make: Maker, table: Table, tables: Made) -> Any:
    """Schema evolution, for which the table resource has no argument."""
    return make(
        snowflake.Execute,
        f"schema evolution of {table.dotted}",
        list(tables),
        execute=f"ALTER TABLE {table.qualified} SET ENABLE_SCHEMA_EVOLUTION = TRUE",
        revert=f"ALTER TABLE {table.qualified} SET ENABLE_SCHEMA_EVOLUTION = FALSE",
    )


def _iceberg_table(make: Maker, table: IcebergTable, depends_on: Made) -> Any:
    return make(
        snowflake.IcebergTable,
        table.dotted,
        depends_on,
        **_place(table),
        columns=[_iceberg_column(column) for column in table.columns],
        catalog="SNOWFLAKE",
        external_volume=table.external_volume,
        base_location=table.base_location,
        cluster_bies=list(table.cluster_by) or None,
    )


def _iceberg_column(column: Column) -> dict[str, Any]:
    rendered: dict[str, Any] = {"name": column.name, "type": column.type}
    if not column.nullable:
        rendered["not_null"] = "true"
    if column.comment:
        rendered["comment"] = column.comment
    return rendered


def _queries(make: Maker, estate: Estate, depends_on: Made) -> Made:
    """Views and dynamic tables, level by level: what is read comes before what reads it."""
    made: list[Any] = []
    both: list[View | DynamicTable] = sorted([*estate.views, *estate.dynamic_tables], key=lambda one: one.level)
    for _, these in groupby(both, key=lambda one: one.level):
        waits = [*depends_on, *made]
        made += [_query(make, one, waits) for one in these]
    return made


def _query(make: Maker, one: View | DynamicTable, depends_on: Made) -> Any:
    if isinstance(one, View):
        return make(
            snowflake.View,
            one.dotted,
            depends_on,
            **_place(one),
            statement=one.query,
            is_secure="true" if one.secure else None,
            copy_grants=True,
        )
    downstream = one.target_lag == _DOWNSTREAM
    return make(
        snowflake.DynamicTable,
        one.dotted,
        depends_on,
        **_place(one),
        query=one.query,
        target_lag={"downstream": True} if downstream else {"maximum_duration": one.target_lag},
        warehouse=one.warehouse,
        refresh_mode=one.refresh_mode,
    )


def _stage(make: Maker, stage: Stage, depends_on: Made) -> Any:
    if stage.url is None:
        return make(
            snowflake.StageInternal, stage.dotted, depends_on, **_place(stage), directory={"enable": stage.directory}
        )
    return make(
        snowflake.StageExternalS3,
        stage.dotted,
        depends_on,
        **_place(stage),
        url=stage.url,
        storage_integration=stage.storage_integration,
        directory={"enable": stage.directory},
    )
