"""A decoded record and its message become one line of NDJSON, as the table expects it.

Field names go upper case. Nothing loses precision on the way: decimals travel as strings, timestamps as ISO 8601 with
their offset (UTC, as Avro keeps them), bytes as hexadecimal, NaN and infinity as the strings Snowflake knows.
`RECORD_METADATA` has the shape Snowflake's own connector writes.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

__all__ = ["Message", "encode_row", "text_of"]


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka message. `time` is milliseconds since 1970, as its producer or broker set it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    time: int
    headers: Sequence[tuple[str, bytes | None]] = ()

    @property
    def size(self) -> int:
        return len(self.value or b"") + len(self.key or b"") + 64


def text_of(data: bytes | None) -> str | None:
    """A key or header as text; what is not UTF-8 is given as `base64:…`."""
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(data).decode()


def encode_row(record: dict[str, Any], topic: str, message: Message) -> bytes:
    """The row as one line, with its newline."""
    row = {name.upper(): value for name, value in record.items()}
    row["RECORD_METADATA"] = {
        "topic": topic,
        "partition": message.partition,
        "offset": message.offset,
        "key": text_of(message.key),
        "CreateTime": message.time,
        "headers": {name: text_of(value) for name, value in message.headers},
    }
    try:
        line = _encode(row)
    except ValueError:
        line = _encode(_finite(row))
    return line.encode() + b"\n"


def _exact(value: object) -> Any:
    """What JSON has no type for."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime.timedelta):
        return str(value)
    return str(value)


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_exact).encode


def _finite(value: Any) -> Any:
    """The same value with NaN and infinity as strings, which RFC 8259 has no numbers for."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
