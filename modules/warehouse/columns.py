"""Table columns from a topic's Avro schema: upper-case names, one Snowflake type for each Avro type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.warehouse.estate import Column

__all__ = ["CHANGE", "METADATA", "columns_from_avro", "untyped_columns", "with_changes"]

METADATA = Column("RECORD_METADATA", "VARIANT", comment="Topic, partition, offset, key, time and headers.")

CHANGE = (
    Column("__OP", "VARCHAR", comment="c: inserted, u: updated, d: deleted, r: read by the snapshot."),
    Column("__LSN", "NUMBER(19,0)", comment="Where in PostgreSQL's log; it grows."),
    Column("__SOURCE_TS_MS", "NUMBER(19,0)", comment="When, in milliseconds since 1970."),
    Column("__DELETED", "VARCHAR", comment="true: the row is gone; its other columns are what was known of it."),
)
"""What `modules/connectors/settings/debezium.py` asks of the transform."""

_PLAIN_TYPES = {
    "string": "VARCHAR",
    "int": "NUMBER(10,0)",
    "long": "NUMBER(19,0)",
    "float": "FLOAT",
    "double": "FLOAT",
    "boolean": "BOOLEAN",
    "bytes": "BINARY",
    "enum": "VARCHAR",
    "fixed": "BINARY",
    "record": "VARIANT",
    "array": "VARIANT",
    "map": "VARIANT",
}
_LOGICAL_TYPES = {
    "timestamp-millis": "TIMESTAMP_NTZ(3)",
    "timestamp-micros": "TIMESTAMP_NTZ(6)",
    "local-timestamp-millis": "TIMESTAMP_NTZ(3)",
    "local-timestamp-micros": "TIMESTAMP_NTZ(6)",
    "date": "DATE",
    "time-millis": "TIME(3)",
    "time-micros": "TIME(6)",
    "uuid": "VARCHAR",
}


def columns_from_avro(schema: Mapping[str, Any], named: Mapping[str, Any] | None = None) -> tuple[Column, ...]:
    """Table columns for an Avro record: upper-case names, `RECORD_METADATA VARIANT` first.

    A union with null is a nullable column; a union of several other types is VARIANT. RECORD_METADATA is first, so that
    a field at the schema's end is a column at the table's end, where Snowflake adds it: the provider compares columns
    in their order.

    Args:
        named: types the schema uses and other files define, by full name.
    """
    types = {**(named or {}), **_relative(named or {}, schema.get("namespace"))}
    return (METADATA, *(_column(field, types) for field in schema["fields"]))


def with_changes(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns of a captured table: also what happened to the row, as Debezium's unwrap transform adds it."""
    return (columns[0], *CHANGE, *columns[1:])


def untyped_columns() -> tuple[Column, ...]:
    """What the Snowflake connector writes with schematization off: the whole event in one column."""
    return (METADATA, Column("RECORD_CONTENT", "VARIANT", comment="The event."))


def _relative(named: Mapping[str, Any], namespace: str | None) -> dict[str, Any]:
    """Types of the schema's own namespace, by the short names it may use."""
    prefix = f"{namespace}."
    return {name.removeprefix(prefix): each for name, each in named.items() if name.startswith(prefix)}


def _column(field: Mapping[str, Any], named: Mapping[str, Any]) -> Column:
    nullable, kind = _unwrap(field["type"])
    kind = named.get(kind, kind) if isinstance(kind, str) else kind
    return Column(field["name"].upper(), _snowflake_type(kind), nullable, field.get("doc"))


def _unwrap(kind: Any) -> tuple[bool, Any]:
    if not isinstance(kind, list):
        return False, kind
    others = [branch for branch in kind if branch != "null"]
    return len(others) < len(kind), others[0] if len(others) == 1 else "record"


def _snowflake_type(kind: Any) -> str:
    if isinstance(kind, str):
        return _PLAIN_TYPES.get(kind, "VARIANT")
    logical = kind.get("logicalType")
    if logical == "decimal":
        return f"NUMBER({kind['precision']},{kind.get('scale', 0)})"
    return _LOGICAL_TYPES.get(logical) or _snowflake_type(kind["type"])
