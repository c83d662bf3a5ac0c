"""What a run may do with a record schema: which fields it sets itself, and a valid value for every other.

A run sets the key, the time, a mark that says which event it is, and, to reach a size, one field that it fills up.
"""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

__all__ = ["Shape", "kind_of_field", "shape_of", "value_of"]

_FILLED = ("note", "notes", "padding", "payload", "comment", "text", "description", "message", "body", "data")
"""Names of fields that people put longer text in; without one, the last text field is filled."""
_MARKED = ("event_id", "id", "message_id")
_STAMPS = ("timestamp-micros", "timestamp-millis")


@dataclass(frozen=True)
class Shape:
    """The fields a run sets; None where the schema has no such field."""

    key: str | None
    mark: str | None
    fill: str | None
    time: str | None

    @property
    def columns(self) -> dict[str, str]:
        """Each one's column in the table."""
        its = {"key": self.key, "mark": self.mark, "time": self.time}
        return {use: name.upper() for use, name in its.items() if name is not None}


def shape_of(schema: Mapping[str, Any], key: str | None, *, filled: bool) -> Shape:
    """The fields of a parsed record schema.

    Args:
        key: the topic's key field.
        filled: whether a field is needed to reach a size; it is chosen before the mark.
    """
    fields = {field["name"]: field["type"] for field in schema["fields"]}
    texts = [name for name, type_ in fields.items() if name != key and kind_of_field(type_) == "string"]
    fill = None
    if filled:
        binary = [name for name, type_ in fields.items() if name != key and kind_of_field(type_) == "bytes"]
        fill = next((name for name in _FILLED if name in (*texts, *binary)), None)
        fill = fill or next(reversed([*binary, *texts]), None)
    rest = [name for name in texts if name != fill and name not in _FILLED]
    mark = next((name for name in _MARKED if name in rest), next(iter(rest), None))
    times = [name for name, type_ in fields.items() if kind_of_field(type_) in _STAMPS and name != key]
    time = "event_time" if "event_time" in times else next(iter(times), None)
    return Shape(key if key in fields else None, mark, fill, time)


def kind_of_field(type_: Any) -> str:
    """A field's type in a word, its logical type if it has one; of a union, that of its first branch but null."""
    if isinstance(type_, list):
        return next((kind_of_field(branch) for branch in type_ if branch != "null"), "null")
    if isinstance(type_, dict):
        return str(type_.get("logicalType") or kind_of_field(type_["type"]))
    return str(type_)


def value_of(type_: Any, rng: random.Random, named: Mapping[str, Any], depth: int = 0) -> Any:
    """A valid value of an Avro type; of a union the first branch but null, below a few levels null if it may."""
    if isinstance(type_, list):
        branches = [branch for branch in type_ if branch != "null"]
        return None if not branches or (depth > 3 and "null" in type_) else value_of(branches[0], rng, named, depth)
    if isinstance(type_, str):
        return _plain(type_, rng) if type_ not in named else value_of(named[type_], rng, named, depth)
    kind = type_["type"]
    if "logicalType" in type_ and (value := _logical(type_, rng)) is not None:
        return value
    if kind in ("record", "error"):
        return {field["name"]: value_of(field["type"], rng, named, depth + 1) for field in type_["fields"]}
    if kind == "enum":
        return rng.choice(type_["symbols"])
    if kind == "array":
        return [] if depth > 3 else [value_of(type_["items"], rng, named, depth + 1)]
    if kind == "map":
        return {} if depth > 3 else {"one": value_of(type_["values"], rng, named, depth + 1)}
    return rng.randbytes(type_["size"]) if kind == "fixed" else value_of(kind, rng, named, depth)


def _plain(kind: str, rng: random.Random) -> Any:
    values: dict[str, Any] = {
        "null": None,
        "boolean": rng.random() < 0.5,
        "int": rng.randrange(1_000_000),
        "long": rng.randrange(10**12),
        "float": float(rng.randrange(1000)),
        "double": rng.random() * 1000,
        "bytes": rng.randbytes(8),
        "string": f"smoke-{rng.randrange(10**9):09d}",
    }
    return values[kind]


def _logical(type_: Mapping[str, Any], rng: random.Random) -> Any:
    now = datetime.datetime.now(datetime.UTC)
    kind = type_["logicalType"]
    if kind == "decimal":
        scale, digits = type_.get("scale", 0), min(type_["precision"], 6)
        return Decimal(rng.randrange(1, 10**digits)).scaleb(-scale)
    values: dict[str, Any] = {
        "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "date": now.date(),
        "time-millis": datetime.time(now.hour, now.minute, now.second),
        "time-micros": datetime.time(now.hour, now.minute, now.second, now.microsecond),
        "timestamp-millis": now,
        "timestamp-micros": now,
        "local-timestamp-millis": now.replace(tzinfo=None),
        "local-timestamp-micros": now.replace(tzinfo=None),
    }
    return values.get(kind)
