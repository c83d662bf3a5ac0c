"""DuckDB values as Snowflake's JSON rows: everything a string, times as seconds with nine decimals."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from modules.local.standin.results import Column

__all__ = ["encode_columns"]

_TEXT_LENGTH = 16777216
_EPOCH = dt.datetime(1970, 1, 1)
_EPOCH_UTC = _EPOCH.replace(tzinfo=dt.UTC)
_INTEGERS = frozenset(
    {"BIGINT", "HUGEINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT", "UHUGEINT"}
)


def _fixed(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(int(value))


def _real(value: float) -> str:
    return repr(float(value))


def _boolean(value: bool) -> str:
    return "1" if value else "0"


def _date(value: dt.date) -> str:
    return str((value - _EPOCH.date()).days)


def _time(value: dt.time) -> str:
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return f"{seconds}.{value.microsecond * 1000:09d}"


def _instant(delta: dt.timedelta) -> str:
    micros = (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds
    sign = "-" if micros < 0 else ""
    return f"{sign}{abs(micros) // 1_000_000}.{abs(micros) % 1_000_000 * 1000:09d}"


def _ntz(value: dt.datetime) -> str:
    return _instant(value.replace(tzinfo=None) - _EPOCH)


def _tz(value: dt.datetime) -> str:
    return f"{_instant(value - _EPOCH_UTC)} 1440"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _column(name: str, duck_type: str) -> tuple[Column, Callable[[Any], str]]:
    decimal = re.match(r"DECIMAL\((\d+),(\d+)\)", duck_type)
    if decimal:
        return Column(name, "fixed", int(decimal[1]), int(decimal[2])), _fixed
    if duck_type in _INTEGERS:
        return Column(name, "fixed", 38, 0), _fixed
    if duck_type in ("DOUBLE", "FLOAT", "REAL"):
        return Column(name, "real"), _real
    simple: dict[str, tuple[Column, Callable[[Any], str]]] = {
        "BOOLEAN": (Column(name, "boolean"), _boolean),
        "DATE": (Column(name, "date"), _date),
        "TIME": (Column(name, "time", 0, 9), _time),
        "TIMESTAMP WITH TIME ZONE": (Column(name, "timestamp_tz", 0, 9), _tz),
        "BLOB": (Column(name, "binary", length=8388608), lambda value: value.hex().upper()),
        "JSON": (Column(name, "variant"), _text),
    }
    if duck_type.startswith("TIMESTAMP") and duck_type not in simple:
        return Column(name, "timestamp_ntz", 0, 9), _ntz
    return simple.get(duck_type, (Column(name, "text", length=_TEXT_LENGTH), _text))


def encode_columns(table: Any, duck_types: Sequence[str]) -> tuple[list[Column], list[list[str | None]]]:
    """An Arrow table and its DuckDB types → wire columns and rows."""
    columns, encoded = [], []
    for name, duck_type, values in zip(table.column_names, duck_types, table.columns, strict=True):
        column, encode = _column(name, duck_type)
        columns.append(column)
        encoded.append([None if value is None else encode(value) for value in values.to_pylist()])
    return columns, [list(row) for row in zip(*encoded, strict=True)]
