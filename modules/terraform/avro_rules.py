"""Says in plain words why an Avro schema may not follow another one under a compatibility level.

The verdict is that of PyPI avro's `ReaderWriterCompatibilityChecker` (the rules of the Avro specification, "Schema
Resolution"); this module finds the field and the words. Levels are the Schema Registry's: BACKWARD, new readers meet
old events; FORWARD, old readers meet new events; FULL, both.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["LEVELS", "SchemaUnreadableError", "incompatibilities"]

LEVELS = (
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
)


class SchemaUnreadableError(ValueError):
    """A schema text is not Avro; the message says why."""


@functools.lru_cache(maxsize=4096)
def incompatibilities(old: str, new: str, level: str) -> tuple[str, ...]:
    """Why `new` may not follow `old`, a sentence each; empty when it may. Remembered: a review and a summary ask alike.

    Raises:
        SchemaUnreadableError: `new` is no Avro schema. (An unreadable `old` binds nobody.)
    """
    level = level.upper()
    after = _parse(new)
    try:
        before = _parse(old)
    except SchemaUnreadableError:
        return ()
    found: list[str] = []
    if level.startswith(("BACKWARD", "FULL")):
        found += _Side(level, backward=True).sentences(reader=after, writer=before)
    if level.startswith(("FORWARD", "FULL")):
        found += _Side(level, backward=False).sentences(reader=before, writer=after)
    return tuple(dict.fromkeys(found))


def _parse(text: str) -> Any:
    import avro.errors
    import avro.schema

    try:
        with warnings.catch_warnings():
            # An unknown logical type is read as its base type, which is what compatibility is about.
            warnings.simplefilter("ignore")
            return avro.schema.parse(text)
    except (avro.errors.AvroException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SchemaUnreadableError(" ".join(str(error).split())[:300]) from None


def _compatible(reader: Any, writer: Any) -> bool:
    from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

    checker: Any = ReaderWriterCompatibilityChecker
    result = checker().get_compatibility(reader, writer)
    return bool(result.compatibility is not SchemaCompatibilityType.incompatible)


@dataclass(frozen=True)
class _Side:
    """One direction of a level, with its words."""

    level: str
    backward: bool

    def sentences(self, *, reader: Any, writer: Any) -> list[str]:
        if _compatible(reader, writer):
            return []
        found = list(self._walk(reader, writer, "", set()))
        return found or [f"the schema as a whole does not fit: {self.level} forbids it, because {self._because()}"]

    def _because(self) -> str:
        return "new readers meet old events" if self.backward else "old readers meet new events"

    def _walk(self, reader: Any, writer: Any, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
        pair = (id(reader), id(writer))
        if pair in seen or _compatible(reader, writer):
            return
        seen.add(pair)
        if reader.type == writer.type == "union":
            yield from self._unions(reader, writer, path, seen)
        elif writer.type == "union":
            yield from self._from_union(reader, writer, path, seen)
        elif reader.type == "union":
            yield from self._into_union(reader, writer, path, seen)
        elif reader.type != writer.type:
            yield self._retyped(reader, writer, path)
        elif reader.type == "record":
            yield from self._records(reader, writer, path, seen)
        elif reader.type in ("array", "map"):
            inner = ("items", "[]") if reader.type == "array" else ("values", "{}")
            yield from self._walk(getattr(reader, inner[0]), getattr(writer, inner[0]), path + inner[1], seen)
        elif reader.type == "enum":
            yield from self._enums(reader, writer, path)
        else:
            yield self._fixed(reader, writer, path)

    def _records(self, reader: Any, writer: Any, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
        if reader.name != writer.name and writer.fullname not in (reader.props.get("aliases") or ()):
            yield self._renamed(reader, writer, path)
        for field in reader.fields:
            inner = f"{path}.{field.name}" if path else field.name
            names = [field.name, *(field.props.get("aliases") or ())]
            other = next((writer.fields_dict[name] for name in names if name in writer.fields_dict), None)
            if other is not None:
                yield from self._walk(field.type, other.type, inner, seen)
            elif not field.has_default:
                yield self._without_default(inner)

    def _without_default(self, path: str) -> str:
        if self.backward:
            return (
                f'field "{path}" has no default: {self.level} needs one, because new readers meet old events without it'
            )
        return (
            f'field "{path}" was removed and had no default: {self.level} needs one, '
            "because old readers meet new events without it"
        )

    def _unions(self, reader: Any, writer: Any, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
        for branch in writer.schemas:
            yield from self._into_union(reader, branch, path, seen)

    def _into_union(self, reader: Any, branch: Any, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
        if _compatible(reader, branch):
            return
        alike = [item for item in reader.schemas if _same(item, branch)]
        if len(alike) == 1:
            # `["null", Record]` on both sides: what is wrong is inside the record.
            yield from self._walk(alike[0], branch, path, seen)
        else:
            yield self._unread(branch, path)

    def _from_union(self, reader: Any, writer: Any, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
        for branch in writer.schemas:
            if _compatible(reader, branch):
                continue
            if _same(reader, branch):
                yield from self._walk(reader, branch, path, seen)
            else:
                yield self._unread(branch, path)

    def _unread(self, branch: Any, path: str) -> str:
        """Of a type that the writer may write and the reader does not take."""
        if self.backward:
            return (
                f"{_at(path)} no longer takes {_name(branch)}: {self.level} forbids it, "
                f"because new readers meet old events that hold {_name(branch)}"
            )
        return (
            f"{_at(path)} may now be {_name(branch)}: {self.level} forbids it, "
            f"because old readers do not know {_name(branch)} there"
        )

    def _retyped(self, reader: Any, writer: Any, path: str) -> str:
        old, new = (writer, reader) if self.backward else (reader, writer)
        cannot = (
            f"new readers cannot read {_name(old)} in old events as {_name(new)}"
            if self.backward
            else f"old readers cannot read {_name(new)} in new events as {_name(old)}"
        )
        return f"{_at(path)} changes from {_name(old)} to {_name(new)}: {self.level} forbids it, because {cannot}"

    def _renamed(self, reader: Any, writer: Any, path: str) -> str:
        old, new = (writer, reader) if self.backward else (reader, writer)
        return (
            f'{_at(path)}: its {new.type} is renamed from "{old.name}" to "{new.name}": {self.level} forbids it, '
            f"because {self._because()} and names must agree (an alias keeps the old one readable)"
        )

    def _enums(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        if reader.name != writer.name and writer.fullname not in (reader.props.get("aliases") or ()):
            yield self._renamed(reader, writer, path)
        lost = ", ".join(symbol for symbol in writer.symbols if symbol not in reader.symbols)
        if not lost or reader.props.get("default") in reader.symbols:
            return
        if self.backward:
            yield (
                f"{_at(path)} loses the symbol {lost}: {self.level} forbids it, "
                "because new readers meet old events that hold it (a default of the enum would allow it)"
            )
        else:
            yield (
                f"{_at(path)} gains the symbol {lost}: {self.level} forbids it, "
                "because old readers do not know it and their enum has no default"
            )

    def _fixed(self, reader: Any, writer: Any, path: str) -> str:
        if reader.size == writer.size:
            return self._renamed(reader, writer, path)
        old, new = (writer, reader) if self.backward else (reader, writer)
        return (
            f"{_at(path)} changes its fixed size from {old.size} to {new.size} bytes: {self.level} forbids it, "
            f"because {self._because()}"
        )


def _same(reader: Any, writer: Any) -> bool:
    """The same complex type, so that the fault lies inside it."""
    return bool(
        reader.type == writer.type
        and reader.type in ("record", "enum", "fixed", "array", "map")
        and getattr(reader, "name", None) == getattr(writer, "name", None)
    )


def _name(schema: Any) -> str:
    if schema.type in ("record", "enum", "fixed"):
        return f"{schema.type} {schema.name}"
    if schema.type == "union":
        return " or ".join(_name(branch) for branch in schema.schemas)
    return str(schema.type)


def _at(path: str) -> str:
    return f'field "{path}"' if path else "the schema"
