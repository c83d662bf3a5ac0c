"""What the warehouse is asked."""

from __future__ import annotations

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
    connection = Connection([(0, 0, 100), (2, 0, 101), (1, 1, 7)], [])
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
