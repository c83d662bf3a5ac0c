"""Reads a Snowflake stream: every change of its table, deletes included, however late it was committed.

A stream gives its changes once, to a statement that writes them somewhere. So they are first moved, by one statement
that moves the stream's own offset too, into a table beside it, `<STREAM>_PUBLISHING`, and published from there; what is
published is taken out again. A change is therefore in the stream, in that table, or behind the place, and never in two
of them.

Each move has a number, and the place is a number and a key as it is a stamp and a key for a table. The numbers of a
process begin above those of any other: it writes the first of them into its place before it moves anything. A process
that was taken over and does not know it yet may still move changes once; they carry its old number and are taken up
under a new one.

A stream does not say in what order rows of one move came about. Where several share a key, the optional `column` says.

An inserted or changed row is its new value. A deleted one is a message without a value (a tombstone), unless the same
move holds a new row of that key. Headers say which (`infra.change`: insert, update, delete).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby

from modules.connectors.source.columns import SourceColumn, source_columns
from modules.connectors.source.place import Place
from modules.connectors.source.settings import SourceSettings
from modules.connectors.source.snowflake import Session, text_literal
from modules.connectors.source.table import (
    Batch,
    Row,
    key_column,
    literal,
    named_column,
    qualified,
    shape_of,
    whole_groups,
)
from modules.errors import SourceError

__all__ = ["StreamReader"]

_BATCH, _ACTION, _UPDATE, _ROW_ID = "METADATA_BATCH", "METADATA_ACTION", "METADATA_ISUPDATE", "METADATA_ROW_ID"
_EXTRA = ((_ACTION, "VARCHAR(10)"), (_UPDATE, "BOOLEAN"), (_ROW_ID, "VARCHAR(100)"), (_BATCH, "NUMBER(18,0)"))
"""Behind the table's columns, in the order in which a stream has them behind its own."""
_SWEEP_EVERY = 60.0
_EPOCH = 10**9
"""Moves a process may make before its numbers would reach the next one's: thirty years of one a second."""


class StreamReader:
    """One stream.

    Raises:
        ConfigError: its table has no such key, or it does not do.
        SourceError: the stream is stale, or may not be read.
    """

    def __init__(self, settings: SourceSettings, session: Session) -> None:
        self._settings = settings
        self._session = session
        self._stream = qualified(settings.origin)
        self._staging = qualified(f"{settings.origin}_PUBLISHING")
        self.columns: tuple[SourceColumn, ...] = self._prepare()
        self._key = key_column(settings, self.columns)
        self._key_position = self.columns.index(self._key)
        named = settings.source.column
        self._order = named_column(named, self.columns, settings, "column").quoted if named else None
        self._place: Place | None = None
        self._first: int | None = None
        self._next = 0
        self._enter = self._took = False
        self._swept_at = -1e9
        self._clean = False
        self._boundary: int | None = None

    # -- what a reader does ---------------------------------------------------------------------------------------

    def look(self) -> None:
        place = self._place
        assert place is not None  # the runner tells it before the first look
        if self._clean and self._is_quiet():
            self._took = True
            return
        self._boundary = self._pending(place)
        self._clean = self._boundary is None
        if self._boundary is not None:
            return
        self._forget(place)
        if self._first is None:
            self._first = (_number(place) // _EPOCH + 1) * _EPOCH
        if _number(place) < self._first:
            self._enter = True  # `read` gives the place to be committed first
            return
        self._swept_at = time.monotonic()
        self._took = self._take(self._first) or self._took
        self._boundary = self._pending(place)
        self._clean = self._took and self._boundary is None

    def read(self, place: Place) -> Batch | None:
        if self._enter and self._first is not None:
            self._enter = False
            return Batch((), (), place.after(str(self._first), "", 0))
        if self._boundary is None:
            return None
        limit = self._settings.source.batch
        while True:
            rows = self._session.rows(self._query(place, limit))
            whole = whole_groups(rows, limit, self._group)
            if whole or len(rows) < limit:
                break
            limit *= 2
        if not whole:
            return None
        changes = list(self._changes(whole))
        batch, key = self._group(whole[-1])
        behind = place.after(str(batch), str(key), len(changes))
        headers = [{"infra.change": change} for _, _, change in changes]
        return Batch([row for row, _, _ in changes], [key for _, key, _ in changes], behind, headers)

    def published(self, place: Place) -> None:
        self._place = place

    def drained(self, place: Place) -> bool:
        """What was there at the start is what the first move took."""
        return self._took

    def unseen(self) -> int:
        return 0

    def outdated(self) -> bool:
        """Only where nothing waits: what waits was moved whole, with the columns of its time."""
        return self._boundary is None and self._has_changed()

    def _has_changed(self) -> bool:
        return shape_of(_columns(self._described(), self._settings)) != shape_of(self.columns)

    # -- the table changes wait in --------------------------------------------------------------------------------

    def _prepare(self) -> tuple[SourceColumn, ...]:
        """Make the table; make it anew when the stream's table has changed and nothing waits in it."""
        (stream,) = self._session.records(f"DESCRIBE STREAM {self._stream}")
        if str(stream.get("stale", "")).lower() == "true":
            raise SourceError(
                f"the stream {self._settings.origin} is stale: changes are lost that nobody read in time, or its table "
                "was dropped",
                where=self._settings.snowflake.url,
                do="make the stream anew, with SHOW_INITIAL_ROWS to publish all rows again",
            )
        wanted = self._described()
        self._create(wanted)
        there = [each[:4] for each in self._session.rows(f"DESCRIBE TABLE {self._staging}")][: -len(_EXTRA)]
        if there != wanted and not self._session.rows(f"SELECT 1 FROM {self._staging} LIMIT 1"):  # noqa: S608
            self._session.rows(f"DROP TABLE {self._staging}")
            self._create(wanted)
            there = wanted
        return _columns(there, self._settings)

    def _described(self) -> list[Row]:
        """Name, type, kind and NULL of each column the stream has, which it takes from its table."""
        table = qualified(str(self._settings.source.table).upper())
        described = {str(row[0]).lower(): row[:4] for row in self._session.rows(f"DESCRIBE TABLE {table}")}
        names = self._session.names(f"SELECT * FROM {self._stream} LIMIT 0")  # noqa: S608
        return [described[name] for name in names if name in described]

    def _create(self, wanted: Sequence[Row]) -> None:
        columns = [f"{_quoted(str(row[0]))} {row[1]}{'' if row[3] == 'Y' else ' NOT NULL'}" for row in wanted]
        columns += [f'"{name}" {type_} NOT NULL' for name, type_ in _EXTRA]
        self._session.rows(f"CREATE TRANSIENT TABLE IF NOT EXISTS {self._staging} ({', '.join(columns)})")

    def _take(self, first: int) -> bool:
        """Move what the stream has; False where it is not known whether that worked: then it is tried again, and what
        waits is published either way."""
        late, new = first + self._next + 1, first + self._next + 2
        self._next += 2
        try:
            return self._session.attempt(
                f'UPDATE {self._staging} SET "{_BATCH}" = {late} WHERE "{_BATCH}" < {first}',  # noqa: S608
                # All columns, so that one the table has got meanwhile fails the statement instead of being left behind.
                f"INSERT INTO {self._staging} SELECT *, {new} FROM {self._stream}",  # noqa: S608
            )
        except SourceError:
            if not self._has_changed():
                raise
            return False  # the runner opens the stream anew

    def _is_quiet(self) -> bool:
        """Whether the stream holds nothing, which is asked first since it takes no warehouse. Now and then the table is
        looked at all the same, for changes that a process moved which was taken over."""
        if time.monotonic() - self._swept_at > _SWEEP_EVERY:
            return False
        ((has,),) = self._session.rows(f"SELECT SYSTEM$STREAM_HAS_DATA({text_literal(self._settings.origin)})")
        return str(has).lower() in ("0", "false")

    def _forget(self, place: Place) -> None:
        """Take out what is published: of this place's own numbers, since older ones may be somebody's late move."""
        number = _number(place)
        own = f'"{_BATCH}" >= {number // _EPOCH * _EPOCH} AND "{_BATCH}" <= {number}'
        self._session.rows(f"DELETE FROM {self._staging} WHERE {own}")  # noqa: S608

    def _pending(self, place: Place) -> int | None:
        """The last move that waits to be published."""
        sql = f'SELECT MAX("{_BATCH}") FROM {self._staging} WHERE {self._behind(place)}'  # noqa: S608
        ((last,),) = self._session.rows(sql)
        return None if last is None else int(last)

    # -- changes --------------------------------------------------------------------------------------------------

    def _behind(self, place: Place) -> str:
        number = _number(place)
        if not place.key:
            return f'"{_BATCH}" > {number}'
        key = literal(self._key, place.key)
        return f'("{_BATCH}" > {number} OR ("{_BATCH}" = {number} AND {self._key.quoted} > {key}))'

    def _query(self, place: Place, limit: int) -> str:
        columns = ", ".join([*(column.quoted for column in self.columns), *(f'"{name}"' for name, _ in _EXTRA)])
        # DELETE comes before INSERT by its name: what a key becomes is last.
        order = [f'"{_BATCH}"', self._key.quoted, f'"{_ACTION}"', *([self._order] if self._order else [])]
        return (
            f"SELECT {columns} FROM {self._staging} WHERE {self._behind(place)} "  # noqa: S608
            f'AND "{_BATCH}" <= {self._boundary} ORDER BY {", ".join(order)} LIMIT {limit}'
        )

    def _group(self, row: Row) -> tuple[str | None, ...]:
        return row[-1], row[self._key_position]

    def _changes(self, rows: list[Row]) -> Iterator[tuple[Row | None, str, str]]:
        """What each key becomes: value (None: deleted), key, what happened."""
        for (_, key), group in groupby(rows, self._group):
            every = list(group)
            inserted = [row for row in every if row[-len(_EXTRA)] == "INSERT"]
            if not inserted:
                yield None, str(key), "delete"
            changed = len(inserted) < len(every)
            for row in inserted:
                update = changed or str(row[1 - len(_EXTRA)]).lower() in ("1", "true")
                yield row[: -len(_EXTRA)], str(key), "update" if update else "insert"


def _columns(described: Sequence[Row], settings: SourceSettings) -> tuple[SourceColumn, ...]:
    return source_columns(((str(row[0]), str(row[1]), row[3] == "Y") for row in described), settings.origin)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _number(place: Place) -> int:
    return int(place.stamp or 0)
