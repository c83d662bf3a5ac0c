"""Which rows are read: ties, limits, boundaries, and the statements they are asked for with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modules.connectors.source.columns import source_columns
from modules.connectors.source.place import Place, parse_place
from modules.connectors.source.settings import SourceSettings
from modules.connectors.source.table import TableReader, literal
from modules.environment.source import SnowflakeSource
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError, SourceError
from modules.platforms.base import RegistryClient, SnowflakeClient
from modules.project import Project

DESCRIBED = [
    ("ID", "NUMBER(18,0)", "COLUMN", "N"),
    ("WHO", "VARCHAR(100)", "COLUMN", "N"),
    ("AT", "TIMESTAMP_NTZ(6)", "COLUMN", "Y"),
    ("NOTE", "VARCHAR(100)", "COLUMN", "Y"),
]


class Snowflake:
    """A session that answers from a list of (id, who, at): sorted and cut as the statement asks."""

    def __init__(self, rows: list[tuple[int, str, str]], described: Any = DESCRIBED) -> None:
        self.rows_there = rows
        self.described = described
        self.asked: list[str] = []
        self.clock = "2000000000.000000000"

    def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        self.asked.append(sql)
        if sql.startswith("DESCRIBE"):
            return list(self.described)
        if "CURRENT_TIMESTAMP" in sql:
            by = 0 if '"ID"' in sql else 2
            newest = max((row[by] for row in self.rows_there), default=None)
            return [(self.clock, None if newest is None else str(newest))]
        if "COUNT(*)" in sql:
            return [("3",)]
        return self.select(sql)

    def select(self, sql: str) -> list[tuple[str | None, ...]]:
        limit = int(sql.rsplit("LIMIT ", 1)[1])
        where = sql.split("WHERE ")[1].split(" ORDER BY")[0]
        from re import findall

        numbers = [int(each) for each in findall(r'"ID" (?:<=|=) (-?\d+)', where)]
        found = [row for row in self.rows_there if row[0] <= numbers[0]]
        if " OR " in where:
            (key,) = findall(r"\"WHO\" > '([^']*)'", where)
            found = [row for row in found if (row[0], row[1]) > (numbers[1], key)]
        found = sorted(found, key=lambda row: row[:2])[:limit]
        return [(str(row[0]), row[1], row[2], None) for row in found]


def settings(**given: Any) -> SourceSettings:
    source = {"kind": "snowflake", "table": "DB.S.T", "mode": "id", "column": "id", "key": "who", "topic": "t"}
    return SourceSettings(
        name="one",
        source=SnowflakeSource.model_validate({**source, "settle": "0s", "batch": 4, **given}),
        kafka={},
        registry=RegistryClient("http://127.0.0.1:1"),
        snowflake=SnowflakeClient("O", "A", "U", "R", SecretRefValue("file", "x"), "127.0.0.1"),
        project=Project(Path()),
        declared_schema=None,
    )


START = Place("DB.S.T", "id", "ID", "WHO")


def read_all(rows: list[tuple[int, str, str]], **given: Any) -> tuple[list[list[tuple[int, str]]], Snowflake]:
    there = Snowflake(rows)
    reader = TableReader(settings(**given), there)  # type: ignore[arg-type]
    reader.look()
    place, batches = START, []
    while batch := reader.read(place):
        batches.append([(int(str(row[0])), str(row[1])) for row in batch.rows if row])
        place = batch.place
    assert reader.drained(place)
    assert place.rows == len(rows)
    return batches, there


def test_rows_equal_in_stamp_are_told_apart_by_their_key_and_none_is_read_twice() -> None:
    rows = [(1, key, "0") for key in "abcdefg"] + [(2, key, "0") for key in "ab"]
    batches, _ = read_all(rows)
    assert [each for batch in batches for each in batch] == [(row[0], row[1]) for row in rows]


def test_rows_equal_in_stamp_and_key_are_never_parted() -> None:
    rows = [(1, "a", "0")] * 3 + [(1, "b", "0")] * 3 + [(2, "a", "0")]
    batches, _ = read_all(rows)
    assert sum(len(batch) for batch in batches) == 7
    for batch in batches[:-1]:
        assert not set(batch) & {each for other in batches if other is not batch for each in other}


def test_more_rows_equal_in_stamp_and_key_than_a_batch_holds_are_read_as_one() -> None:
    batches, there = read_all([(1, "a", "0")] * 30 + [(2, "b", "0")] * 3)
    assert [len(batch) for batch in batches] == [30, 3]
    assert [sql.rsplit(" ", 1)[1] for sql in there.asked[2:6]] == ["4", "8", "16", "32"]


def test_where_nothing_is_new_only_the_clock_and_the_newest_are_asked_for() -> None:
    there = Snowflake([(1, "a", "0"), (2, "a", "0")])
    reader = TableReader(settings(), there)  # type: ignore[arg-type]
    reader.look()
    batch = reader.read(START)
    assert batch is not None and reader.read(batch.place) is None
    asked = len(there.asked)
    reader.look()
    assert reader.read(batch.place) is None and len(there.asked) == asked + 1
    there.rows_there.append((3, "a", "0"))
    reader.look()
    assert reader.read(batch.place) is not None


def test_by_id_nothing_is_read_that_was_not_there_a_while_ago() -> None:
    there = Snowflake([(1, "a", "0")])
    reader = TableReader(settings(settle="1h"), there)  # type: ignore[arg-type]
    reader.look()
    assert reader.read(START) is None and not reader.drained(START)


def test_by_time_nothing_is_read_behind_the_databases_clock_less_the_time_to_settle() -> None:
    there = Snowflake([(1, "a", "1999999999.500000000")])
    there.select = lambda sql: []  # type: ignore[method-assign]
    reader = TableReader(settings(mode="timestamp", column="at", settle="10s"), there)  # type: ignore[arg-type]
    reader.look()
    assert reader.read(START) is None
    assert "\"AT\" <= '2033-05-18 03:33:10.000000'::TIMESTAMP_NTZ" in there.asked[-1]
    assert reader.unseen() == 3


@pytest.mark.parametrize(
    ("given", "message", "do"),
    [
        ({"column": "nope"}, "DB.S.T has no column NOPE", "choose one of: ID, WHO, AT, NOTE"),
        ({"key": "nope"}, "DB.S.T has no column NOPE", "choose one of: ID, WHO, AT, NOTE"),
        (
            {"column": "who"},
            "column WHO is a VARCHAR, not a whole number: new rows cannot be found by it",
            "name a NUMBER(p,0) that grows with each row, as AUTOINCREMENT ORDER does",
        ),
        (
            {"mode": "timestamp", "column": "id"},
            "column ID is a NUMBER, not a time: new rows cannot be found by it",
            "name a TIMESTAMP_NTZ (in UTC), TIMESTAMP_LTZ or TIMESTAMP_TZ that each insert and update sets",
        ),
        (
            {"key": "note"},
            "the key column NOTE may be NULL, and a message without a key has no order",
            "ALTER TABLE DB.S.T ALTER COLUMN NOTE SET NOT NULL, or choose another key",
        ),
    ],
)
def test_a_column_that_does_not_do_is_refused_in_words(given: dict[str, str], message: str, do: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TableReader(settings(**given), Snowflake([]))  # type: ignore[arg-type]
    assert (caught.value.what, caught.value.do) == (message, do)


def test_a_key_whose_order_is_not_certain_is_refused() -> None:
    described = [*DESCRIBED[:1], ("WHO", "VARCHAR(10) COLLATE 'en-ci'", "COLUMN", "N"), *DESCRIBED[2:]]
    with pytest.raises(ConfigError, match="the key column WHO has a collation"):
        TableReader(settings(), Snowflake([], described))  # type: ignore[arg-type]


def test_values_go_back_into_sql_as_they_came() -> None:
    kinds = {"A": "VARCHAR", "B": "DATE", "C": "TIMESTAMP_TZ(9)", "D": "NUMBER(10,2)", "E": "TIMESTAMP_NTZ(3)"}
    a, b, c, d, e = source_columns([(name, kind, False) for name, kind in kinds.items()], "T")
    assert literal(a, "it's \\ here") == r"'it''s \\ here'"
    assert literal(b, "-1") == "'1969-12-31'::DATE"
    assert literal(c, "1700000000.123456789 1500") == "'2023-11-14 22:13:20.123456789 +00:00'::TIMESTAMP_TZ"
    assert literal(d, "-1.50") == "-1.50"
    assert literal(e, "0.001000000") == "'1970-01-01 00:00:00.001000'::TIMESTAMP_NTZ"
    with pytest.raises(ConfigError):
        literal(d, "1 OR 1=1")


def test_a_place_is_read_back_as_it_was_and_one_of_another_table_is_refused() -> None:
    place = START.after("5", "ü", 7)
    assert parse_place(place.encode(), "t") == place
    START.check(place, "t", "one")
    with pytest.raises(SourceError, match=r"the place of source one is one in DB.S.T by ID with the key WHO"):
        Place("DB.S.OTHER", "id", "ID", "WHO").check(place, "t", "one")
    with pytest.raises(SourceError, match="is no place"):
        parse_place(b"hello", "t")
    assert parse_place(None, "t") is None
