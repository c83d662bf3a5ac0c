"""Columns of a Snowflake table as fields of an Avro record: types, names, and values off the wire.

Values are read as Snowflake sends them, as text (`reader.py` asks for JSON results without conversion), and go into
Avro without passing through Python's dates or floats, so none loses a digit:

| Snowflake | Avro |
|---|---|
| NUMBER(p,0), p ≤ 9 / p ≤ 18 | int / long |
| other NUMBER(p,s) | bytes, decimal(p,s) |
| FLOAT | double |
| VARCHAR | string |
| BOOLEAN | boolean |
| BINARY | bytes |
| DATE | int, date |
| TIME(p), p ≤ 3 / p ≤ 6 / more | int, time-millis / long, time-micros / long, nanoseconds since midnight |
| TIMESTAMP_NTZ(p), p ≤ 3 / 6 / 9 | long, local-timestamp-millis / -micros / -nanos |
| TIMESTAMP_LTZ(p), TIMESTAMP_TZ(p) | long, timestamp-millis / -micros / -nanos (the instant; the offset is not kept) |
| VARIANT, OBJECT, ARRAY, MAP, VECTOR, GEOGRAPHY, GEOMETRY | string, JSON text |
| UUID, DECFLOAT | string |

A column that may be NULL is a union with null, whose default is null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from modules.errors import ConfigError

__all__ = ["SourceColumn", "avro_schema", "nanoseconds", "source_columns"]

_TYPE = re.compile(r"\s*([A-Za-z_]+(?: [A-Za-z_]+)*)\s*(?:\(\s*([^)]*)\))?(.*)", re.DOTALL)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INT64 = 2**63

_TEXTS = frozenset({
    "VARCHAR", "STRING", "TEXT", "CHAR", "CHARACTER", "UUID", "DECFLOAT", "VARIANT", "OBJECT", "ARRAY", "MAP", "VECTOR",
    "GEOGRAPHY", "GEOMETRY",
})  # fmt: skip
_NUMBERS = frozenset({"NUMBER", "DECIMAL", "NUMERIC", "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"})
_FLOATS = frozenset({"FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"})
_ZONES = {"TIMESTAMP_NTZ": "local-timestamp", "TIMESTAMP_LTZ": "timestamp", "TIMESTAMP_TZ": "timestamp"}
_UNITS = ((3, "millis", 10**6), (6, "micros", 10**3), (9, "nanos", 1))
"""Up to how many digits, name, nanoseconds."""


@dataclass(frozen=True)
class SourceColumn:
    """A column and the field it becomes."""

    name: str
    """As Snowflake has it."""
    kind: str
    """NUMBER, VARCHAR, TIMESTAMP_NTZ …"""
    scale: int
    """Of a NUMBER, digits behind the point; of times, of a second."""
    nullable: bool
    collated: bool
    field: str
    avro: Any
    """The Avro type of a value that is not null."""
    convert: Callable[[str], Any]
    """From Snowflake's text to what is written."""

    @property
    def quoted(self) -> str:
        return '"' + self.name.replace('"', '""') + '"'

    @property
    def field_type(self) -> Any:
        return ["null", self.avro] if self.nullable else self.avro


def source_columns(described: Iterable[tuple[str, str, bool]], where: str) -> tuple[SourceColumn, ...]:
    """The columns of a table: name, type as DESCRIBE TABLE shows it, nullable.

    Raises:
        ConfigError: a type that cannot be published, or two columns that would be one field.
    """
    columns: list[SourceColumn] = []
    fields: dict[str, str] = {}
    for name, type_, nullable in described:
        column = _column(name, type_, nullable, where)
        other = fields.setdefault(column.field.lower(), name)
        if other != name:
            raise ConfigError(
                f"the columns {other} and {name} would both be the field `{column.field}`",
                where=where,
                do="rename one of them",
            )
        columns.append(column)
    return tuple(columns)


def avro_schema(columns: Sequence[SourceColumn], name: str, namespace: str | None) -> dict[str, Any]:
    """The record's schema."""
    schema: dict[str, Any] = {"type": "record", "name": name}
    if namespace:
        schema["namespace"] = namespace
    schema["fields"] = [_field(column) for column in columns]
    return schema


def _field(column: SourceColumn) -> Mapping[str, Any]:
    field: dict[str, Any] = {"name": column.field, "type": column.field_type}
    if column.nullable:
        field["default"] = None
    if column.field.upper() != column.name:
        field["doc"] = f'Column "{column.name}".'
    return field


def nanoseconds(text: str) -> int:
    """`1700000000.123456789` (and ` 1500` for an offset, which is dropped) as nanoseconds since 1970, exactly."""
    return int(Decimal(text.split(" ")[0]).scaleb(9))


def _column(name: str, type_: str, nullable: bool, where: str) -> SourceColumn:
    match = _TYPE.fullmatch(type_)
    kind, arguments, rest = (match[1].upper(), match[2] or "", match[3]) if match else (type_, "", "")
    numbers = [int(each) for each in re.findall(r"\d+", arguments)]
    collated = "COLLATE" in rest.upper()
    field = name.lower() if name == name.upper() else name
    field = field if _FIELD.fullmatch(field) else re.sub(r"[^A-Za-z0-9_]", "_", re.sub(r"^(\d)", r"_\1", field))

    def column(avro: Any, convert: Callable[[str], Any], scale: int = 0) -> SourceColumn:
        return SourceColumn(name, kind, scale, nullable, collated, field, avro, convert)

    if kind in _TEXTS:
        return column("string", str)
    if kind in _NUMBERS:
        precision, scale = [*numbers, 38, 0][:2] if numbers else (38, 0)
        scale = 0 if len(numbers) < 2 else scale
        return column(*_number(precision, scale), scale)
    if kind in _FLOATS:
        return column("double", _float)
    if kind == "BOOLEAN":
        return column("boolean", lambda text: text.lower() in ("1", "true"))
    if kind in ("BINARY", "VARBINARY"):
        return column("bytes", bytes.fromhex)
    if kind == "DATE":
        return column({"type": "int", "logicalType": "date"}, int)
    if kind == "TIME" or kind in _ZONES:
        scale = numbers[0] if numbers else 9
        return column(*_time(kind, scale, f"{where}.{name}"), scale)
    raise ConfigError(
        f"column {name} is a {type_}, which cannot be published",
        where=where,
        do="publish a table without it, or make it one of the types in docs/snowflake-source.md",
    )


def _number(precision: int, scale: int) -> tuple[Any, Callable[[str], Any]]:
    if scale == 0 and precision <= 18:
        return ("int" if precision <= 9 else "long"), int
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}, Decimal


def _float(text: str) -> float:
    return float(text)  # Snowflake writes NaN, inf and -inf as Python reads them


def _time(kind: str, scale: int, where: str) -> tuple[Any, Callable[[str], int]]:
    _, unit, factor = next(each for each in _UNITS if scale <= each[0])

    def convert(text: str) -> int:
        value = nanoseconds(text) // factor
        if not -_INT64 <= value < _INT64:
            raise ConfigError(
                f"the time {text} (seconds since 1970) does not fit into 64 bits of nanoseconds",
                where=where,
                do="make the column one with six digits, as TIMESTAMP_NTZ(6)",
            )
        return value

    if kind == "TIME":
        if unit == "nanos":
            return "long", convert
        return {"type": "int" if unit == "millis" else "long", "logicalType": f"time-{unit}"}, convert
    return {"type": "long", "logicalType": f"{_ZONES[kind]}-{unit}"}, convert
