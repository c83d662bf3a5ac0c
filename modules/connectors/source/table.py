"""Reads a table by a column that grows: a time, or a number.

Rows are read in the order of that column and then of the key, and the place is both of the last row read. So rows with
equal stamps are told apart by their keys; rows equal in both are never parted. Nothing is read beyond a boundary behind
which no more rows are to be expected:

- mode `timestamp`: stamps up to the database's clock less `settle`;
- mode `id`: numbers up to the largest one seen at least `settle` ago.

A row is published if its transaction is committed within `settle` of its stamp (or of its number being drawn); one that
is committed later, with a stamp that has been passed, is not found. A stream knows no such limit.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from modules.connectors.source.columns import SourceColumn, nanoseconds, source_columns
from modules.connectors.source.place import Place
from modules.connectors.source.settings import SourceSettings
from modules.connectors.source.snowflake import Session, text_literal
from modules.errors import ConfigError

__all__ = [
    "Batch",
    "Reader",
    "Row",
    "TableReader",
    "describe",
    "key_column",
    "literal",
    "named_column",
    "qualified",
    "whole_groups",
]

_KEY_KINDS = ("VARCHAR", "STRING", "TEXT", "CHAR", "NUMBER", "DECIMAL", "NUMERIC", "INT", "INTEGER", "BIGINT", "DATE",
              "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ")  # fmt: skip
_TIMES = ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ")
_SECOND = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE = re.compile(r"-?\d+")

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Batch:
    """Rows to publish in one transaction. `keys` are the messages' keys; a value of None is a tombstone."""

    rows: Sequence[Row | None]
    keys: Sequence[str]
    place: Place
    headers: Sequence[dict[str, str]] = ()


class Reader(Protocol):
    """Where rows come from."""

    columns: tuple[SourceColumn, ...]

    def look(self) -> None:
        """See how far rows may be read now."""

    def read(self, place: Place) -> Batch | None:
        """The next rows behind a place; None if there are none up to where `look` saw."""

    def published(self, place: Place) -> None:
        """Told when a place has been committed."""

    def drained(self, place: Place) -> bool:
        """Whether all rows that were there at the first look have been read."""

    def unseen(self) -> int:
        """Rows that will not be published as they are."""

    def outdated(self) -> bool:
        """Whether the table has other columns by now, so that what was read may lack one."""


def describe(session: Session, table: str, where: str) -> tuple[SourceColumn, ...]:
    """A table's columns."""
    described = session.rows(f"DESCRIBE TABLE {qualified(table)}")
    return source_columns(((str(row[0]), str(row[1]), row[3] == "Y") for row in described), where)


def shape_of(columns: Sequence[SourceColumn]) -> list[tuple[object, ...]]:
    """What makes two readings of a table's columns the same."""
    return [(each.name, each.avro, each.scale, each.nullable) for each in columns]


class TableReader:
    """One table in mode `timestamp` or `id`.

    Raises:
        ConfigError: the table has no such column or key, or they are of a type that does not do.
    """

    def __init__(self, settings: SourceSettings, session: Session) -> None:
        self._settings = settings
        self._session = session
        self._source = settings.source
        self.columns = describe(session, settings.origin, settings.origin)
        self._by = stamp_column(settings, self.columns)
        self._key = key_column(settings, self.columns)
        self._positions = [self.columns.index(self._by), self.columns.index(self._key)]
        self._boundary: str | None = None
        self._goal: int | None = None
        self._seen: deque[tuple[float, str]] = deque()
        self._looked = False
        self._newest: int | None = None
        self._unfinished = True

    def look(self) -> None:
        by = self._by.quoted
        # Where nothing is new this is all that is asked for.
        ((clock, newest),) = self._session.rows(f"SELECT CURRENT_TIMESTAMP(), MAX({by}) FROM {self._table}")  # noqa: S608
        self._newest = None if newest is None else self._number(newest)
        now, settle = nanoseconds(str(clock)), self._source.settle.milliseconds * 10**6
        if self._source.mode == "timestamp":
            self._boundary = _seconds(now - settle)
        else:
            self._boundary = self._settled(newest)
        if not self._looked:
            self._looked = True
            self._goal = self._newest
            if self._goal is not None and self._source.mode == "timestamp":
                self._goal = min(self._goal, now)

    def read(self, place: Place) -> Batch | None:
        if self._boundary is None or not self._has_more(place):
            return None
        limit = self._source.batch
        while True:
            rows = self._session.rows(self._query(place, limit))
            whole = whole_groups(rows, limit, self._group)
            if whole or len(rows) < limit:
                break
            limit *= 2  # all of them equal in stamp and key: read on until they end
        self._unfinished = bool(whole)
        if not whole:
            return None
        stamp, key = (str(whole[-1][position]) for position in self._positions)
        keys = [str(row[self._positions[1]]) for row in whole]
        return Batch(whole, keys, place.after(stamp, key, len(whole)))

    def _has_more(self, place: Place) -> bool:
        """Whether the table's newest row is one that was not read yet."""
        if self._newest is None:
            return False
        return place.stamp is None or self._newest > self._number(place.stamp) or self._unfinished

    def published(self, place: Place) -> None:
        """Nothing is to be done: the place is all there is."""

    def drained(self, place: Place) -> bool:
        if self._goal is None:
            return True
        if place.stamp is not None and self._number(place.stamp) >= self._goal:
            return True
        # The goal itself may have been changed or deleted meanwhile: then it is enough to have looked past it.
        return self._boundary is not None and self._number(self._boundary) >= self._goal

    def unseen(self) -> int:
        if not self._by.nullable:
            return 0
        by = self._by.quoted
        ((count,),) = self._session.rows(f"SELECT COUNT(*) - COUNT({by}) FROM {self._table}")  # noqa: S608
        return int(count or 0)

    def outdated(self) -> bool:
        table = self._settings.origin
        return shape_of(describe(self._session, table, table)) != shape_of(self.columns)

    # -- statements -----------------------------------------------------------------------------------------------

    @property
    def _table(self) -> str:
        return qualified(self._settings.origin)

    def _query(self, place: Place, limit: int) -> str:
        by, key = self._by.quoted, self._key.quoted
        wanted = [f"{by} <= {literal(self._by, str(self._boundary))}"]
        if place.stamp is not None and place.key is not None:
            stamp = literal(self._by, place.stamp)
            behind = f"({by} = {stamp} AND {key} > {literal(self._key, place.key)})"
            wanted.append(f"({by} > {stamp} OR {behind})")
        columns = ", ".join(column.quoted for column in self.columns)
        return (
            f"SELECT {columns} FROM {self._table} WHERE {' AND '.join(wanted)} "  # noqa: S608
            f"ORDER BY {by}, {key} LIMIT {limit}"
        )

    def _group(self, row: Row) -> tuple[str | None, ...]:
        return tuple(row[position] for position in self._positions)

    # -- boundaries -----------------------------------------------------------------------------------------------

    def _settled(self, newest: str | None) -> str | None:
        """The largest number that was there `settle` ago. What has been seen before a restart is forgotten, so that
        the first rows after it wait once more."""
        now = time.monotonic()
        if newest is not None:
            self._seen.append((now, newest))
        found = self._boundary
        while self._seen and self._seen[0][0] <= now - self._source.settle.seconds:
            found = self._seen.popleft()[1]
        return found

    def _number(self, stamp: str) -> int:
        return int(stamp) if self._source.mode == "id" else nanoseconds(stamp)


def whole_groups(rows: list[Row], limit: int, group: Callable[[Row], tuple[str | None, ...]]) -> list[Row]:
    """The rows without the last ones, where the limit may have parted those of one group."""
    if len(rows) < limit:
        return rows
    last = group(rows[-1])
    end = len(rows)
    while end and group(rows[end - 1]) == last:
        end -= 1
    return rows[:end]


def stamp_column(settings: SourceSettings, columns: Sequence[SourceColumn]) -> SourceColumn:
    """The column new rows are found by.

    Raises:
        ConfigError: there is none, or its type does not grow.
    """
    source = settings.source
    column = named_column(str(source.column), columns, settings, "column")
    if source.mode == "timestamp" and column.kind not in _TIMES:
        raise ConfigError(
            f"column {column.name} is a {column.kind}, not a time: new rows cannot be found by it",
            where=f"{settings.origin} (sources.{settings.name}.column)",
            do="name a TIMESTAMP_NTZ (in UTC), TIMESTAMP_LTZ or TIMESTAMP_TZ that each insert and update sets",
        )
    if source.mode == "id" and column.avro not in ("int", "long") and not _whole_decimal(column):
        raise ConfigError(
            f"column {column.name} is a {column.kind}{f' with {column.scale} decimals' if column.scale else ''}, not a "
            "whole number: new rows cannot be found by it",
            where=f"{settings.origin} (sources.{settings.name}.column)",
            do="name a NUMBER(p,0) that grows with each row, as AUTOINCREMENT ORDER does",
        )
    return column


def key_column(settings: SourceSettings, columns: Sequence[SourceColumn]) -> SourceColumn:
    """The column that is the message key.

    Raises:
        ConfigError: there is none, it may be NULL, or its type has no certain order.
    """
    column = named_column(settings.source.key, columns, settings, "key")
    where = f"{settings.origin} (sources.{settings.name}.key)"
    if column.nullable:
        raise ConfigError(
            f"the key column {column.name} may be NULL, and a message without a key has no order",
            where=where,
            do=f"ALTER TABLE {settings.origin} ALTER COLUMN {column.name} SET NOT NULL, or choose another key",
        )
    if column.kind not in _KEY_KINDS or column.collated:
        what = "has a collation" if column.collated else f"is a {column.kind}"
        raise ConfigError(
            f"the key column {column.name} {what}, so its values cannot be put in order for certain",
            where=where,
            do="choose a VARCHAR without a collation, a NUMBER, a DATE or a TIMESTAMP",
        )
    return column


def literal(column: SourceColumn, value: str) -> str:
    """A value off the wire as SQL takes it back."""
    if column.kind in _TIMES:
        zone = "" if column.kind == "TIMESTAMP_NTZ" else " +00:00"
        return f"'{_written(nanoseconds(value))}{zone}'::{column.kind}"
    if column.kind == "DATE":
        return f"'{(_EPOCH + timedelta(days=int(value))).date().isoformat()}'::DATE"
    if column.kind in ("VARCHAR", "STRING", "TEXT", "CHAR"):
        return text_literal(value)
    if not re.fullmatch(r"-?\d+(\.\d+)?", value):
        raise ConfigError(f"{value!r} is no number", where=column.name, do="report this: it should not happen")
    return value


def _written(nanos: int) -> str:
    """`2026-11-21 19:00:00.123456`, with nine digits only where the last three say something."""
    seconds, rest = divmod(nanos, _SECOND)
    digits = f"{rest:09d}"
    moment = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")
    return f"{moment}.{digits.removesuffix('000')}"


def _seconds(nanos: int) -> str:
    """Nanoseconds as Snowflake writes an instant."""
    sign = "-" if nanos < 0 else ""
    return f"{sign}{abs(nanos) // _SECOND}.{abs(nanos) % _SECOND:09d}"


def _whole_decimal(column: SourceColumn) -> bool:
    return isinstance(column.avro, dict) and column.avro.get("logicalType") == "decimal" and column.scale == 0


def named_column(name: str, columns: Sequence[SourceColumn], settings: SourceSettings, at: str) -> SourceColumn:
    """A column as the YAML names it: unquoted, so in upper case."""
    for column in columns:
        if column.name == name.upper():
            return column
    raise ConfigError(
        f"{settings.origin} has no column {name.upper()}",
        where=f"sources.{settings.name}.{at}",
        do=f"choose one of: {', '.join(column.name for column in columns)}",
    )


def qualified(name: str) -> str:
    """Each part quoted."""
    return ".".join('"' + part + '"' for part in name.split("."))
