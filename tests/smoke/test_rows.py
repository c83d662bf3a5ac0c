"""What the warehouse is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from snowflake.connector import errors

from modules.errors import ServiceError, SmokeError
from modules.smoke.rows import WarehouseRows, new_rows_query


class Cursor:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None: ...

    def execute(self, text: str, parameters: tuple[str, ...]) -> None:
        self.connection.asked.append((text, parameters))
        if self.connection.error:
            raise self.connection.error

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.connection.answers.pop(0)


class Connection:
    def __init__(self, *answers: list[tuple[Any, ...]], error: Exception | None = None) -> None:
        self.answers = list(answers)
        self.error = error
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def cursor(self) -> Cursor:
        return Cursor(self)


def test_a_poll_asks_only_for_what_lies_behind_the_rows_it_has_seen() -> None:
    connection = Connection([(0, 0, 100, True), (2, 0, 101, True), (1, 1, 7, True)], [])
    rows = WarehouseRows(connection, "D.S.T", "r1", "local")
    rows.start({0: 100, 1: 7}, 0)
    assert rows.new(0) == [0, 2, 1]
    assert rows.new(0) == []
    first, second = connection.asked
    assert "WHEN 0 THEN 100 WHEN 1 THEN 7 ELSE" in first[0]
    assert "WHEN 0 THEN 102 WHEN 1 THEN 8 ELSE" in second[0]
    assert first[1] == ("r1",)


def test_with_very_many_partitions_the_statement_stays_short() -> None:
    assert " AND " not in new_rows_query("T", dict.fromkeys(range(1001), 0))
    assert "\n" not in new_rows_query("T", {0: 0})


def test_doubled_rows_show_in_the_counts() -> None:
    connection = Connection([(1, 2, 0), (5, 1, 1)])
    assert WarehouseRows(connection, "D.S.T", "r1", "local").flaws() == {1: (2, 0), 5: (1, 1)}


def test_a_missing_table_says_to_deploy() -> None:
    connection = Connection(error=errors.ProgrammingError("no such table", errno=2003))
    with pytest.raises(SmokeError) as caught:
        WarehouseRows(connection, "D.S.T", "r1", "dev").check()
    assert "D.S.T" in caught.value.what
    assert "infra deploy --env dev" in str(caught.value.do)


def test_a_warehouse_that_went_away_is_a_service_error() -> None:
    connection = Connection(error=errors.OperationalError("connection reset"))
    with pytest.raises(ServiceError, match="does not answer"):
        WarehouseRows(connection, "D.S.T", "r1", "dev").new(0)


class Stamped:
    """A clock reading of n seconds is n seconds after midnight."""

    def at(self, reading: int) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC) + timedelta(microseconds=reading // 1000)


@pytest.mark.parametrize(
    ("as_stamped", "then"), [(True, "2026-01-02 00:00:09.000"), (False, "2025-12-31 22:00:09.000")]
)
def test_a_poll_opens_nothing_older_than_the_oldest_row_that_is_missing(as_stamped: bool, then: str) -> None:
    now = 100.0
    connection = Connection([], [], [(0, 0, 5, as_stamped)], [])
    rows = WarehouseRows(
        connection, "D.S.T", "r1", "dev", {"time": "AT"}, Stamped(), clock=lambda: now  # type: ignore[arg-type]
    )  # fmt: skip
    rows.start({0: 5}, 4 * 10**9)
    for later, oldest in ((0, 0), (5, 6 * 10**9), (10, 6 * 10**9), (1, 9 * 10**9)):
        now += later
        rows.new(oldest)
    conditions = [text.split('WHERE "AT" >= \'')[1].split("'")[0] for text, _ in connection.asked]
    # Not one row after so long: perhaps their times are in another time zone. A row tells.
    assert conditions == ["2026-01-02 00:00:04.000", "2026-01-02 00:00:06.000", "2025-12-31 22:00:06.000", then]


def test_a_topic_without_a_time_is_read_by_run_id_alone() -> None:
    connection = Connection([])
    rows = WarehouseRows(connection, "D.S.T", "r1", "dev", {}, Stamped())  # type: ignore[arg-type]
    rows.start({0: 5}, 0)
    rows.new(0)
    assert "WHERE RECORD_METADATA:headers:infra_run_id::VARCHAR = %s AND" in connection.asked[0][0]


REFUSALS = [
    (90073, "the warehouse WH is suspended by a resource monitor, so rows cannot be read"),
    (606, "no warehouse answers this role: it has none, or the right USAGE on it is missing"),
    (3001, "the right SELECT on table D.S.T is missing for this role"),
]


@pytest.mark.parametrize(("number", "words"), REFUSALS)
def test_a_refusal_says_what_is_missing(number: int, words: str) -> None:
    connection = Connection(error=errors.ProgrammingError("Snowflake's own words", errno=number))
    rows = WarehouseRows(connection, "D.S.T", "r1", "dev", warehouse="WH")
    with pytest.raises(SmokeError) as caught:
        rows.between(0, 1)
    assert caught.value.what == words
    assert caught.value.do


def test_a_column_that_the_table_lacks_is_not_asked_for() -> None:
    class Asking(Cursor):
        def execute(self, text: str, parameters: tuple[str, ...]) -> None:
            self.connection.asked.append((text, parameters))
            if "NOPE" in text:
                raise errors.ProgrammingError("invalid identifier 'NOPE'", errno=904)

    connection = Connection([], [], [])
    connection.cursor = lambda: Asking(connection)  # type: ignore[method-assign]
    rows = WarehouseRows(connection, "D.S.T", "r1", "dev", {"mark": "NOPE", "key": "K"})
    rows.check()
    rows.flaws()
    assert "NOPE" not in connection.asked[-1][0]
    assert '"K"::VARCHAR <> RECORD_METADATA:key::VARCHAR' in connection.asked[-1][0]
