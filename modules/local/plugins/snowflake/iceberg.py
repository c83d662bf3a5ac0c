"""`snowflake_iceberg_table`, for tables in Snowflake's own catalogue.

As in the official plugin another list of columns is another table; types are compared by their meaning.
"""

from __future__ import annotations

from typing import Any

from modules.local.plugins.protocol.resource import Plan, State
from modules.local.plugins.snowflake.client import Row
from modules.local.plugins.snowflake.names import literal, qualified
from modules.local.plugins.snowflake.objects import Property, SqlObject
from modules.local.plugins.snowflake.tables import normal_type

__all__ = ["IcebergTableResource"]

_CREATE_ONLY = frozenset({"external_volume", "catalog", "catalog_sync", "storage_serialization_policy"})


class IcebergTableResource(SqlObject):
    kind = "ICEBERG TABLE"
    containers = ("database", "schema")
    replace_on = frozenset({"database", "schema", "column", "base_location", "iceberg_version", *_CREATE_ONLY})
    unsupported = (
        "aggregation_policy", "row_access_policy", "partition_by", "check_constraint", "foreign_key_constraint",
        "primary_key_constraint", "unique_constraint", "path_layout",
    )  # fmt: skip
    properties = (
        Property("base_location", "BASE_LOCATION", column="base_location", normal=lambda text: text.strip("/"),
                 alterable=False),
        Property("change_tracking", "CHANGE_TRACKING", "word"),
        Property("iceberg_version", "ICEBERG_VERSION", "word", alterable=False),
        Property("comment", "COMMENT", column="comment"),
    )  # fmt: skip

    reads_unstated = False  # Snowflake sets catalogue and volume on the table itself, whoever named them

    @property
    def parameters_of(self) -> str:
        return "TABLE"

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        if prior is not None and _columns(prior) == _columns(planned):
            changed -= {"column"}
        return super().plan(prior, planned, config, changed)

    def create_modifiers(self, planned: State) -> str:
        columns = ", ".join(_column(one) for one in planned["column"])
        cluster = f" CLUSTER BY ({', '.join(planned['cluster_by'])})" if planned["cluster_by"] else ""
        return f"({columns}){cluster}"

    def read_more(self, state: State, row: Row) -> State:
        name = qualified(row["database_name"], row["schema_name"], row["name"])
        described = self._session.rows(f"DESCRIBE ICEBERG TABLE {name}")
        stated = {one["name"]: one for one in state.get("column") or ()}
        return {"column": [_seen(stated.get(one["name"]), one) for one in described]}

    def update_more(self, prior: State, planned: State) -> None:
        if prior["cluster_by"] != planned["cluster_by"]:
            keys = ", ".join(planned["cluster_by"] or ())
            change = f"CLUSTER BY ({keys})" if keys else "DROP CLUSTERING KEY"
            self._session.run(f"ALTER ICEBERG TABLE {self.name_of(planned)} {change}")


def _column(column: State) -> str:
    null = " NOT NULL" if column["not_null"] == "true" else ""
    comment = f" COMMENT {literal(column['comment'])}" if column["comment"] else ""
    return f"{qualified(column['name'])} {column['type']}{null}{comment}"


def _columns(state: State) -> list[tuple[Any, ...]]:
    return [
        (one["name"], normal_type(one["type"]), one["not_null"] == "true", one["comment"] or "")
        if isinstance(one, dict) and isinstance(one["type"], str)
        else (one,)
        for one in state["column"]
    ]


def _seen(stated: State | None, row: Row) -> State:
    required, comment = row["null?"] == "N", row["comment"] or None
    if (
        stated is not None
        and normal_type(stated["type"]) == normal_type(row["type"])
        and (stated["not_null"] == "true") is required
        and (stated["comment"] or None) == comment
    ):
        return stated
    return {"name": row["name"], "type": row["type"], "not_null": "true" if required else None, "comment": comment}
