"""The warehouse side of a run: which of the run's events are queryable rows by now.

A poll reads as little as it can: rows that were made after the oldest event that is still missing (where the schema has
a time, which the warehouse keeps least and greatest of for each of its partitions, so the rest is not even opened), and
of those only what lies at or after the offset up to which each Kafka partition is known to be complete. The sink's
metadata column carries partition, offset and the headers with the run id and the event's number.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from modules.errors import InfraError, ServiceError, SmokeError
from modules.smoke.credits import Warehouse, WarehouseUse, read_warehouse
from modules.smoke.payloads import Stamps
from modules.smoke.transport import RUN_HEADER, SEQUENCE_HEADER

__all__ = ["WarehouseRows", "Watermarks", "new_rows_query"]

_OBJECT_MISSING = 2003
"""Snowflake's error for an object that does not exist or may not be seen."""
_NOT_ALLOWED = 3001
_NO_WAREHOUSE = 606
_SUSPENDED = 90073
"""A warehouse that a resource monitor has suspended is not resumed."""
_UNKNOWN_COLUMN = 904
_ZONES = timedelta(hours=26)
"""Farther than this no two time zones are apart."""
_DOUBTFUL = 10.0
"""Seconds without a single row, after which it may be that times are moved into some time zone on the way."""
_MOST_CONDITIONS = 1000
"""From so many partitions on, a poll reads all rows of the run: the statement would grow too long."""
_SEQUENCE = f"RECORD_METADATA:headers:{SEQUENCE_HEADER}::NUMBER"
_OF_THIS_RUN = f"RECORD_METADATA:headers:{RUN_HEADER}::VARCHAR = %s"


class Watermarks:
    """Up to where each partition is complete: every offset below was this run's and was seen, or came before the run.

    Rows of other producers in between are not this run's and would hold a mark back for ever, so a mark moves to the
    highest offset seen. A row that becomes visible behind it is found by the sweep at the end of the run.
    """

    def __init__(self, offsets: Mapping[int, int]) -> None:
        self.next = dict(offsets)

    def saw(self, partition: int, offset: int) -> None:
        self.next[partition] = max(self.next.get(partition, 0), offset + 1)


def new_rows_query(table: str, next_offsets: Mapping[int, int], since: str = "", told: str = "TRUE") -> str:
    """The statement that finds rows at or after `next_offsets`; its one parameter is the run id.

    Args:
        since: a further condition, on the time.
        told: what else is asked of each row.
    """
    text = (
        f"SELECT {_SEQUENCE}, RECORD_METADATA:partition::NUMBER, RECORD_METADATA:offset::NUMBER, {told} "  # noqa: S608
        f"FROM {table} WHERE {since}{_OF_THIS_RUN}"
    )
    if not 0 < len(next_offsets) <= _MOST_CONDITIONS:
        return text
    # A CASE reads partition and offset once a row; a chain of ORs would read them again for every partition.
    marks = " ".join(f"WHEN {int(partition)} THEN {int(offset)}" for partition, offset in sorted(next_offsets.items()))
    after = f"CASE RECORD_METADATA:partition::NUMBER {marks} ELSE 0 END"
    return f"{text} AND RECORD_METADATA:offset::NUMBER >= {after}"


class WarehouseRows:
    """Polls one table through snowflake-connector-python. Used by one thread.

    Args:
        columns: which column holds the run's `time`, `mark` and `key`, as far as there are such.
        stamps: what the run's events are stamped with.
        warehouse: the virtual warehouse that answers; None where nothing is paid for.
    """

    def __init__(
        self,
        connection: Any,
        table: str,
        run_id: str,
        environment: str,
        columns: Mapping[str, str] | None = None,
        stamps: Stamps | None = None,
        warehouse: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._table = table
        self._run = run_id
        self._environment = environment
        self._columns = dict(columns or {})
        self._stamps = stamps
        self._marks = Watermarks({})
        self._began = 0
        self._found, self._exact = False, True
        """Whether a row was seen, and whether rows have the very times they were stamped with."""
        self._clock = clock
        self._waits_since: float | None = None
        self._warehouse_name = warehouse
        self._warehouse: Warehouse | None = None
        self._first = self._last = 0.0

    def check(self) -> None:
        """See that the table is there, has the sink's metadata column, and may be read.

        Raises:
            SmokeError: it is not deployed, or may not be read.
            ServiceError: the warehouse does not answer.
        """
        if self._warehouse_name is not None:
            self._warehouse = read_warehouse(self._connection, self._warehouse_name)
        self._ask(f"SELECT RECORD_METADATA FROM {self._table} LIMIT 0", ())  # noqa: S608
        for use in list(self._columns):
            if not self._has(self._column(use)):
                del self._columns[use]

    def start(self, offsets: Mapping[int, int], at: int) -> None:
        self._marks = Watermarks(offsets)
        self._began = at

    def new(self, oldest: int) -> Sequence[int]:
        since = self._since(max(oldest, self._began))
        self._waits_since = self._waits_since or self._clock()
        rows = self._ask(new_rows_query(self._table, self._marks.next, since, self._as_stamped()), (self._run,))
        for _, partition, offset, as_stamped in rows:
            self._marks.saw(int(partition), int(offset))
            self._exact = self._exact and bool(as_stamped)
        self._found = self._found or bool(rows)
        return [int(number) for number, _, _, _ in rows]

    def between(self, first: int, last: int) -> Sequence[int]:
        text = (
            f"SELECT {_SEQUENCE} FROM {self._table} "  # noqa: S608
            f"WHERE {_OF_THIS_RUN} AND {_SEQUENCE} BETWEEN {int(first)} AND {int(last)}"
        )
        return [int(number) for (number,) in self._ask(text, (self._run,))]

    def flaws(self) -> Mapping[int, tuple[int, int]]:
        altered = f"SUM(CASE WHEN {self._altered()} THEN 1 ELSE 0 END)"
        text = (
            f"SELECT {_SEQUENCE}, COUNT(*), {altered} FROM {self._table} "  # noqa: S608
            f"WHERE {self._since(self._began)}{_OF_THIS_RUN} GROUP BY 1 HAVING COUNT(*) > 1 OR {altered} > 0"
        )
        found = self._ask(text, (self._run,))
        return {int(number): (int(copies), int(wrong)) for number, copies, wrong in found if number is not None}

    def delete(self, text: str, parameters: tuple[str, ...]) -> int:
        """Run a DELETE; how many rows went.

        Raises:
            InfraError: it is not allowed, or the warehouse does not answer.
        """
        return int(self._ask(text, parameters, right="DELETE")[0][0])

    def used(self) -> WarehouseUse | None:
        """What the questions so far kept awake; None where nothing is paid for or the warehouse is not known."""
        return None if self._warehouse is None else WarehouseUse(self._warehouse, self._last - self._first)

    def close(self) -> None:
        self._connection.close()

    def _since(self, reading: int) -> str:
        """The condition on the time, with its AND; empty where events have none."""
        if "time" not in self._columns or self._stamps is None:
            return ""
        doubtful = not self._found and self._clock() - (self._waits_since or self._clock()) > _DOUBTFUL
        slack = timedelta() if self._exact and not doubtful else _ZONES
        return f"{self._column('time')} >= '{self._text(reading, slack)}' AND "

    def _as_stamped(self) -> str:
        """Whether a row's time is the one it was stamped with, and not moved into some time zone on the way."""
        if "time" not in self._columns or self._stamps is None:
            return "TRUE"
        return f"{self._column('time')} >= '{self._text(self._began, timedelta())}'"

    def _text(self, reading: int, slack: timedelta) -> str:
        assert self._stamps is not None
        return (self._stamps.at(reading) - slack).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

    def _altered(self) -> str:
        """Whether a row says something else than was sent: its mark, and its key beside the message's."""
        conditions = ["FALSE"]
        if "mark" in self._columns:
            sent = f"CONCAT('{self._run}-', LPAD(RECORD_METADATA:headers:{SEQUENCE_HEADER}::VARCHAR, 10, '0'))"
            conditions.append(f"{self._column('mark')} <> {sent}")
        if "key" in self._columns:
            conditions.append(f"{self._column('key')}::VARCHAR <> RECORD_METADATA:key::VARCHAR")
        return " OR ".join(conditions)

    def _column(self, use: str) -> str:
        """Quoted, since a field may be called ORDER."""
        return '"' + self._columns[use].replace('"', '""') + '"'

    def _has(self, column: str) -> bool:
        try:
            self._ask(f"SELECT {column} FROM {self._table} LIMIT 0", ())  # noqa: S608
        except _NoColumn:
            return False
        return True

    def _ask(self, text: str, parameters: tuple[str, ...], right: str = "SELECT") -> list[tuple[Any, ...]]:
        from snowflake.connector import errors

        self._first = self._first or self._clock()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(text, parameters)
                return list(cursor.fetchall())
        except errors.ProgrammingError as error:
            raise self._refused(error, right) from None
        except errors.Error as error:
            raise self._silent(error) from None
        finally:
            self._last = self._clock()

    def _silent(self, error: Any) -> InfraError:
        return ServiceError(
            "the warehouse does not answer",
            where="Snowflake",
            details=[_first_line(error)],
            do="see whether it is up and reachable from here (on a laptop: `infra local status`)",
        )

    def _refused(self, error: Any, right: str) -> Exception:
        if error.errno == _UNKNOWN_COLUMN:
            return _NoColumn(_first_line(error))
        deploy = f"run `infra deploy --env {self._environment}` first"
        if error.errno == _OBJECT_MISSING:
            return SmokeError(
                f"there is no table {self._table}, or the right {right} on it (with USAGE on its database and schema) "
                f"is missing for {self._role()}",
                where="Snowflake",
                do=deploy,
            )
        if error.errno == _NOT_ALLOWED:
            return SmokeError(
                f"the right {right} on table {self._table} is missing for {self._role()}",
                where="Snowflake",
                details=[_first_line(error)],
                do=f"GRANT {right} ON TABLE {self._table} TO {self._role()}",
            )
        if error.errno == _SUSPENDED:
            return SmokeError(
                f"the warehouse {self._warehouse_name or ''} is suspended by a resource monitor, so rows cannot be "
                "read".replace("  ", " "),
                where="Snowflake",
                details=[_first_line(error)],
                do="raise the monitor's CREDIT_QUOTA, or wait for its next period; what was sent is in Kafka",
            )
        if error.errno == _NO_WAREHOUSE:
            return SmokeError(
                f"no warehouse answers {self._role()}: it has none, or the right USAGE on it is missing",
                where="Snowflake",
                do=deploy,
            )
        return ServiceError("the warehouse refused a query", where="Snowflake", details=[_first_line(error)])

    def _role(self) -> str:
        role = getattr(self._connection, "role", None)
        return f"role {role}" if role else "this role"


class _NoColumn(Exception):
    """The table has no such column."""


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
