"""The warehouse side of a run: which of the run's events are queryable rows by now.

A poll asks only for rows at or after the offset up to which each partition is known to be complete, so that a run of
many events does not read the same rows again and again. The sink's metadata column carries partition, offset and the
headers with the run id and the event's number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.errors import InfraError, ServiceError, SmokeError
from modules.smoke.transport import RUN_HEADER, SEQUENCE_HEADER

__all__ = ["WarehouseRows", "Watermarks", "new_rows_query"]

_OBJECT_MISSING = 2003
"""Snowflake's error for an object that does not exist or may not be seen."""
_MOST_CONDITIONS = 1000
"""From so many partitions on, a poll reads all rows of the run: the statement would grow too long."""


class Watermarks:
    """Up to where each partition is complete: every offset below was this run's and was seen, or came before the run.

    Rows of other producers in between are not this run's and would hold a mark back for ever, so a mark moves to the
    highest offset seen. A row that becomes visible behind it is found by the sweep at the end of the run.
    """

    def __init__(self, offsets: Mapping[int, int]) -> None:
        self.next = dict(offsets)

    def saw(self, partition: int, offset: int) -> None:
        self.next[partition] = max(self.next.get(partition, 0), offset + 1)


def new_rows_query(table: str, next_offsets: Mapping[int, int]) -> str:
    """The statement that finds rows at or after `next_offsets`; its one parameter is the run id."""
    text = (
        f"SELECT RECORD_METADATA:headers:{SEQUENCE_HEADER}::NUMBER, RECORD_METADATA:partition::NUMBER, "  # noqa: S608
        f"RECORD_METADATA:offset::NUMBER FROM {table} WHERE {_of_this_run()}"
    )
    if not 0 < len(next_offsets) <= _MOST_CONDITIONS:
        return text
    # A CASE reads partition and offset once a row; a chain of ORs would read them again for every partition.
    marks = " ".join(f"WHEN {int(partition)} THEN {int(offset)}" for partition, offset in sorted(next_offsets.items()))
    after = f"CASE RECORD_METADATA:partition::NUMBER {marks} ELSE 0 END"
    return f"{text} AND RECORD_METADATA:offset::NUMBER >= {after}"


class WarehouseRows:
    """Polls one table through snowflake-connector-python. Used by one thread."""

    def __init__(self, connection: Any, table: str, run_id: str, environment: str) -> None:
        self._connection = connection
        self._table = table
        self._run = run_id
        self._environment = environment
        self._marks = Watermarks({})

    def check(self) -> None:
        """See that the table is there, has the sink's metadata column, and may be read.

        Raises:
            SmokeError: it is not deployed.
            ServiceError: the warehouse does not answer.
        """
        self._ask(f"SELECT RECORD_METADATA FROM {self._table} LIMIT 0", ())  # noqa: S608

    def start(self, offsets: Mapping[int, int]) -> None:
        self._marks = Watermarks(offsets)

    def new(self) -> Sequence[int]:
        rows = self._ask(new_rows_query(self._table, self._marks.next), (self._run,))
        for _, partition, offset in rows:
            self._marks.saw(int(partition), int(offset))
        return [int(number) for number, _, _ in rows]

    def counts(self) -> Mapping[int, int]:
        text = (
            f"SELECT RECORD_METADATA:headers:{SEQUENCE_HEADER}::NUMBER, COUNT(*) FROM {self._table} "  # noqa: S608
            f"WHERE {_of_this_run()} GROUP BY 1"
        )
        return {int(number): int(copies) for number, copies in self._ask(text, (self._run,))}

    def close(self) -> None:
        self._connection.close()

    def _ask(self, text: str, parameters: tuple[str, ...]) -> list[tuple[Any, ...]]:
        from snowflake.connector import errors

        try:
            with self._connection.cursor() as cursor:
                cursor.execute(text, parameters)
                return list(cursor.fetchall())
        except errors.ProgrammingError as error:
            raise self._refused(error) from None
        except errors.Error as error:
            raise ServiceError(
                "the warehouse does not answer",
                where="Snowflake",
                details=[_first_line(error)],
                do="see whether it is up and reachable from here (on a laptop: `infra local status`)",
            ) from None

    def _refused(self, error: Any) -> InfraError:
        if error.errno == _OBJECT_MISSING:
            return SmokeError(
                f"the table {self._table} is not there, or may not be read",
                where="Snowflake",
                do=f"run `infra deploy --env {self._environment}` first",
            )
        return ServiceError("the warehouse refused a query", where="Snowflake", details=[_first_line(error)])


def _of_this_run() -> str:
    return f"RECORD_METADATA:headers:{RUN_HEADER}::VARCHAR = %s"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
