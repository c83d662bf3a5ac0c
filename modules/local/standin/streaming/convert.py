"""NDJSON rows → typed Arrow columns, as Snowflake's MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE with ON_ERROR = CONTINUE.

Conversion goes column by column; a value that does not fit marks its row bad and the others go on. Messages name the
column and its type, never the value: they end up in logs.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from modules.local.standin.columns import ColumnSpec, ColumnType

__all__ = ["Batch", "convert"]

_VARCHAR_BYTES = 16777216
_MILLIS_FROM, _MICROS_FROM, _NANOS_FROM = 31_536_000_000, 31_536_000_000_000, 31_536_000_000_000_000
"""Snowflake's bounds (milliseconds in a year and its thousandfolds) by which an integer timestamp's unit is told."""
_EPOCH = dt.datetime(1970, 1, 1)
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})
_DECIMALS = Context(prec=80)


class _Bad(Exception):
    """A value that does not fit its column."""


@dataclass
class Batch:
    """Converted rows. `table` has the table's columns in order and only good rows."""

    table: Any
    parsed: int
    errors: dict[int, str] = field(default_factory=dict)
    """Row number in the request → what is wrong with it."""


def convert(payload: bytes, columns: Sequence[ColumnSpec], defaults: dict[str, Any]) -> Batch:
    """Parse a request's rows.

    Args:
        defaults: for columns with a DEFAULT, the value of a row that does not have the column.
    """
    import pyarrow as pa

    errors: dict[int, str] = {}
    rows, parsed = _parse(payload, errors)
    cells = _by_column(rows, columns, defaults, errors)
    arrays, names = [], []
    for column, values in zip(columns, cells, strict=True):
        arrays.append(_array(column, values, errors))
        names.append(column.name)
    table = pa.table(arrays, names=[str(index) for index in range(len(names))])
    if errors:
        table = table.filter(pa.array([index not in errors for index in range(parsed)], pa.bool_()))
    return Batch(table, parsed, errors)


def _parse(payload: bytes, errors: dict[int, str]) -> tuple[list[dict[str, Any]], int]:
    lines = [line for line in payload.split(b"\n") if line and not line.isspace()]
    rows: list[dict[str, Any]] = []
    # Numbers with a fraction stay exact: 0.1 must reach NUMBER(12,2) as 0.1.
    decode = json.JSONDecoder(parse_float=Decimal).decode
    at_once = _all_at_once(lines, decode)
    if at_once is not None:
        return at_once, len(at_once)
    for index, line in enumerate(lines):
        try:
            row = decode(line.decode())
        except ValueError:
            row = None
        if not isinstance(row, dict):
            errors[index] = "Error parsing JSON: the row is not a JSON object"
            row = {}
        rows.append(row)
    return rows, len(rows)


def _all_at_once(lines: list[bytes], decode: Callable[[str], Any]) -> list[dict[str, Any]] | None:
    """The rows parsed in one go as a JSON array; None where a line is not exactly one object."""
    if not all(line[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines):
        return None
    try:
        rows = decode("[" + b",".join(lines).decode() + "]")
    except ValueError:
        return None
    return rows if len(rows) == len(lines) and all(type(row) is dict for row in rows) else None


def _by_column(
    rows: list[dict[str, Any]], columns: Sequence[ColumnSpec], defaults: dict[str, Any], errors: dict[int, str]
) -> list[list[Any]]:
    """Values column by column; keys match ignoring case, an exact match first."""
    places = {column.name: index for index, column in enumerate(columns)}
    by_upper = {column.name.upper(): index for index, column in reversed(list(enumerate(columns)))}
    found: dict[str, int | None] = {}
    cells: list[list[Any]] = [[defaults.get(column.name)] * len(rows) for column in columns]
    for index, row in enumerate(rows):
        for key, value in row.items():
            try:
                place = found[key]
            except KeyError:
                place = found[key] = places.get(key, by_upper.get(key.upper()))
            if place is None:
                errors.setdefault(index, f"Extra column: {key[:100]!r} is not in the table")
            else:
                cells[place][index] = value
    return cells


def _array(column: ColumnSpec, values: list[Any], errors: dict[int, str]) -> Any:
    """One column as an Arrow array; what does not fit becomes null and is noted."""
    kind = column.column_type
    arrow_type, one, fast = _converter(kind)
    array = fast(values) if fast is not None else None
    if array is None:
        array = _slowly(column, kind, values, one, arrow_type, errors)
    if not column.nullable and array.null_count:
        for index, missing in enumerate(array.is_null().to_pylist()):
            if missing:
                errors.setdefault(index, f"Missing value for the NOT NULL column {column.name}")
    return array


def _slowly(
    column: ColumnSpec,
    kind: ColumnType,
    values: list[Any],
    one: Callable[[Any], Any],
    arrow_type: Any,
    errors: dict[int, str],
) -> Any:
    import pyarrow as pa

    converted: list[Any] = []
    for index, value in enumerate(values):
        if value is None:
            converted.append(None)
            continue
        try:
            converted.append(one(value))
        except (_Bad, ValueError, OverflowError, TypeError, InvalidOperation) as error:
            detail = f": {error}" if isinstance(error, _Bad) else ""
            errors.setdefault(index, f"The value of column {column.name} cannot be converted to {kind}{detail}")
            converted.append(None)
    return pa.array(converted, arrow_type)


def _converter(kind: ColumnType) -> tuple[Any, Callable[[Any], Any], Callable[[list[Any]], Any] | None]:
    """The Arrow type, the conversion of one value, and a whole-column shortcut that may decline with None."""
    import pyarrow as pa

    args = kind.args
    if kind.base == "VARCHAR":
        return pa.string(), lambda value: _varchar(value, args[0]), lambda values: _strings(values, args[0])
    if kind.base == "NUMBER":
        precision, scale = args
        fast = (lambda values: _integers(values, precision)) if scale == 0 else (lambda values: _exact(values, args))
        return pa.decimal128(precision, scale), lambda value: _number(value, precision, scale), fast
    if kind.base.startswith("TIMESTAMP"):
        zoned = kind.base != "TIMESTAMP_NTZ"
        quick = None if zoned or args[0] < 6 else _utc_texts
        return pa.timestamp("us", "UTC" if zoned else None), lambda value: _timestamp(value, zoned, args[0]), quick
    simple: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        "FLOAT": (pa.float64(), _float),
        "BOOLEAN": (pa.bool_(), _boolean),
        "DATE": (pa.date32(), _date),
        "TIME": (pa.time64("us"), _time),
        "BINARY": (pa.binary(), lambda value: _binary(value, args[0])),
        "VARIANT": (pa.string(), _variant),
        "OBJECT": (pa.string(), _object),
        "ARRAY": (pa.string(), lambda value: _variant(value if isinstance(value, list) else [value])),
    }
    arrow_type, one = simple[kind.base]
    return arrow_type, one, None


def _strings(values: list[Any], limit: int) -> Any:
    """All strings (or null) and none too long: no need to look at each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        array = pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    longest = pc.max(pc.binary_length(array)).as_py() or 0
    return array if longest <= min(limit, _VARCHAR_BYTES) else None


def _integers(values: list[Any], precision: int) -> Any:
    """All whole numbers and within the precision."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not all(value is None or type(value) is int for value in values):
        return None
    try:
        array = pa.array(values, pa.int64())
    except (pa.ArrowInvalid, OverflowError):
        return None
    largest = pc.max(pc.abs(array)).as_py() or 0
    return (
        array.cast(pa.decimal128(max(precision, 19), 0)).cast(pa.decimal128(precision, 0))
        if (largest < 10 ** min(precision, 18))
        else None
    )


def _exact(values: list[Any], args: tuple[int, ...]) -> Any:
    """All decimals written as strings that fit without rounding."""
    import pyarrow as pa

    try:
        return pa.array(values, pa.string()).cast(pa.decimal128(*args))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None


def _utc_texts(values: list[Any]) -> Any:
    """All ISO 8601 texts in UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        texts = pa.array(values, pa.string())
        return pc.replace_substring_regex(texts, r"(\+00:00|Z)$", "").cast(pa.timestamp("us"))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None


def _varchar(value: Any, limit: int) -> str:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = value
    else:
        text = format(value, "f") if isinstance(value, Decimal) else _variant(value)
    if len(text) > limit or len(text.encode()) > _VARCHAR_BYTES:
        raise _Bad("it is too long")
    return text


def _number(value: Any, precision: int, scale: int) -> Decimal:
    if isinstance(value, (bool, int, Decimal)):
        number = Decimal(value)
    elif isinstance(value, str):
        number = Decimal(value.strip())
    else:
        raise _Bad("not a number")
    if not number.is_finite():
        raise _Bad("not a number")
    if number.adjusted() >= precision - scale and number:
        raise _Bad("out of range")
    rounded = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _DECIMALS)
    if rounded.adjusted() >= precision - scale and rounded:
        raise _Bad("out of range")
    return rounded


def _float(value: Any) -> float:
    if isinstance(value, (list, dict)):
        raise _Bad("not a number")
    number = float(value)
    if math.isinf(number) and not isinstance(value, str):
        raise _Bad("out of range")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, Decimal)):
        return bool(value)
    text = str(value).strip().lower() if isinstance(value, str) else ""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise _Bad("not a boolean")


def _epoch(value: int) -> dt.datetime:
    size = abs(value)
    if size < _MILLIS_FROM:
        micros = value * 1_000_000
    elif size < _MICROS_FROM:
        micros = value * 1_000
    elif size < _NANOS_FROM:
        micros = value
    else:
        micros = value // 1_000
    return _EPOCH + dt.timedelta(microseconds=micros)


def _instant(value: Any) -> dt.datetime:
    """A point in time, with its offset where it has one."""
    if isinstance(value, bool):
        raise _Bad("not a timestamp")
    if isinstance(value, int):
        return _epoch(value)
    if isinstance(value, str):
        text = value.strip()
        if text.lstrip("-").isdigit() and len(text) != 8:
            return _epoch(int(text))
        return dt.datetime.fromisoformat(text)
    raise _Bad("not a timestamp")


def _timestamp(value: Any, zoned: bool, digits: int) -> dt.datetime:
    """TIMESTAMP_NTZ keeps the wall clock and forgets the offset; the others keep the instant."""
    at = _instant(value)
    if zoned:
        at = at.astimezone(dt.UTC) if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
    else:
        at = at.replace(tzinfo=None)
    if digits < 6:
        step = 10 ** (6 - digits)
        at = at.replace(microsecond=at.microsecond // step * step)
    return at


def _date(value: Any) -> dt.date:
    return _instant(value).date()


def _time(value: Any) -> dt.time:
    if isinstance(value, str):
        text = value.strip()
        if ":" in text:
            return dt.time.fromisoformat(text).replace(tzinfo=None)
    return _instant(value).time()


def _binary(value: Any, limit: int) -> bytes:
    if not isinstance(value, str):
        raise _Bad("not hexadecimal text")
    data = bytes.fromhex(value)
    if len(data) > limit:
        raise _Bad("it is too long")
    return data


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else str(value)
    raise TypeError(type(value).__name__)


_dump = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=_plain).encode


def _variant(value: Any) -> str:
    text = _dump(value)
    if len(text) > _VARCHAR_BYTES:
        raise _Bad("it is too long")
    return text


def _object(value: Any) -> str:
    if not isinstance(value, dict):
        raise _Bad("not an object")
    return _variant(value)
