"""Tables and the SQL on them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from tests.standin.harness import StandIn, records, refusal, run

COLUMNS = """("EVENT_ID" VARCHAR NOT NULL COMMENT 'it''s a UUID', "QUANTITY" NUMBER(10,0), "AMOUNT" NUMBER(12,2),
    "EVENT_TIME" TIMESTAMP_NTZ(6), "OK" BOOLEAN, "F" FLOAT, "D" DATE, "RECORD_METADATA" VARIANT, "RAW" BINARY)"""


def test_values_of_every_type_come_back_as_python_has_them(admin: Any, database: str) -> None:
    run(admin, f"CREATE TABLE T {COLUMNS} COMMENT = 'rows'")
    run(
        admin,
        "INSERT INTO T SELECT 'a', 1, 2.50, '2026-01-02 03:04:05.678901', TRUE, 0.5, '2026-01-02', "
        "PARSE_JSON('{\"partition\": 3}'), TO_BINARY('c0ffee', 'HEX')",
    )
    (row,) = run(admin, "SELECT *, RECORD_METADATA:partition::INT AS P FROM T")
    assert row == (
        "a", 1, Decimal("2.50"), dt.datetime(2026, 1, 2, 3, 4, 5, 678901), True, 0.5, dt.date(2026, 1, 2),
        '{"partition":3}', bytes.fromhex("c0ffee"), 3,
    )  # fmt: skip


def test_describe_and_show_as_the_provider_reads_them(admin: Any, database: str) -> None:
    run(admin, f"CREATE TABLE T {COLUMNS} CLUSTER BY (EVENT_ID) DATA_RETENTION_TIME_IN_DAYS = 2 CHANGE_TRACKING = TRUE")
    described = {c["name"]: c for c in records(admin, f'DESCRIBE TABLE "{database}"."PUBLIC"."T" TYPE = COLUMNS')}
    assert described["EVENT_ID"]["type"] == "VARCHAR(16777216)"
    assert (described["EVENT_ID"]["null?"], described["EVENT_ID"]["comment"]) == ("N", "it's a UUID")
    types = [described[name]["type"] for name in ("QUANTITY", "AMOUNT", "EVENT_TIME", "RECORD_METADATA", "RAW")]
    assert types == ["NUMBER(10,0)", "NUMBER(12,2)", "TIMESTAMP_NTZ(6)", "VARIANT", "BINARY(8388608)"]
    (row,) = records(admin, f'SHOW TABLES LIKE \'T\' IN SCHEMA "{database}"."PUBLIC"')
    assert (row["kind"], row["change_tracking"], row["retention_time"], row["rows"]) == ("TABLE", "ON", "2", 0)
    assert row["enable_schema_evolution"] == "N"


def test_columns_can_be_altered(admin: Any, database: str) -> None:
    run(admin, "CREATE TABLE T (A NUMBER(10,2) NOT NULL, B VARCHAR(10))")
    run(admin, "INSERT INTO T VALUES (1.25, 'x')")
    run(admin, 'ALTER TABLE T ADD COLUMN IF NOT EXISTS "B" VARCHAR, IF NOT EXISTS "C" NUMBER(5,0)')
    run(admin, "ALTER TABLE T ALTER COLUMN A SET DATA TYPE NUMBER(12,2)")
    run(admin, "ALTER TABLE T ALTER COLUMN A DROP NOT NULL")
    run(admin, "ALTER TABLE T RENAME COLUMN B TO B2")
    run(admin, "ALTER TABLE T SET ENABLE_SCHEMA_EVOLUTION = TRUE COMMENT = 'c'")
    assert refusal(admin, "ALTER TABLE T ALTER COLUMN A SET DATA TYPE VARCHAR")[0] == 40052
    assert refusal(admin, "ALTER TABLE T ADD COLUMN A VARCHAR")[0] == 1430
    assert refusal(admin, "ALTER TABLE T DROP COLUMN NOPE")[0] == 904
    described = [(c["name"], c["type"], c["null?"]) for c in records(admin, "DESC TABLE T")]
    assert described == [("A", "NUMBER(12,2)", "Y"), ("B2", "VARCHAR(10)", "Y"), ("C", "NUMBER(5,0)", "Y")]
    run(admin, "ALTER TABLE T DROP COLUMN C")
    assert run(admin, "SELECT * FROM T") == [(Decimal("1.25"), "x")]
    run(admin, "ALTER TABLE T RENAME TO T2")
    assert run(admin, "SELECT B2 FROM T2") == [("x",)]
    assert refusal(admin, "SELECT * FROM T")[0] == 2003


def test_tables_made_of_others(admin: Any, database: str) -> None:
    run(admin, "CREATE TABLE T (A NUMBER(10,0), V VARIANT)")
    run(admin, "INSERT INTO T SELECT 1, PARSE_JSON('[1]')")
    run(admin, "CREATE TABLE T_AS AS SELECT A * 2 AS B, V FROM T")
    run(admin, "CREATE TABLE T_LIKE LIKE T")
    run(admin, "CREATE TABLE T_CLONE CLONE T")
    assert [c["name"] for c in records(admin, "DESC TABLE T_AS")] == ["B", "V"]
    assert run(admin, "SELECT COUNT(*) FROM T_LIKE") == [(0,)]
    assert run(admin, "SELECT A FROM T_CLONE") == [(1,)]
    assert refusal(admin, "CREATE TABLE T (X VARCHAR)")[0] == 2002
    run(admin, "CREATE OR REPLACE TABLE T (X VARCHAR)")
    assert run(admin, "SELECT * FROM T") == []


def test_what_a_statement_changed_is_counted(admin: Any, database: str) -> None:
    run(admin, "CREATE TABLE T (A NUMBER(10,0), B VARCHAR)")
    with admin.cursor() as cursor:
        cursor.executemany("INSERT INTO T (A, B) VALUES (%s, %s)", [(i, f"it's {i}") for i in range(5)])
        assert cursor.rowcount == 5
        cursor.execute("UPDATE T SET B = 'x' WHERE A < 2")
        assert cursor.rowcount == 2
        cursor.execute("DELETE FROM T WHERE A = 0")
        assert cursor.rowcount == 1
        cursor.execute("SELECT A FROM T WHERE B = %s", ("it's 4",))
        assert cursor.fetchall() == [(4,)]
    assert refusal(admin, "INSERT INTO T (NOPE) VALUES (1)")[0] == 904


def test_array_bindings_are_one_statement(standin: StandIn, database: str) -> None:
    import snowflake.connector

    before = snowflake.connector.paramstyle
    snowflake.connector.paramstyle = "qmark"
    try:
        with standin.connect(database=database, schema="PUBLIC") as connection:
            run(connection, "CREATE TABLE Q (A NUMBER(10,0), B VARCHAR NOT NULL)")
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO Q (A, B) VALUES (?, ?)", [(1, "a"), (2, "b")])
            with connection.cursor() as cursor, _fails():
                cursor.executemany("INSERT INTO Q (A, B) VALUES (?, ?)", [(3, "c"), (4, None)])
            assert run(connection, "SELECT A, B FROM Q ORDER BY A") == [(1, "a"), (2, "b")]
            assert run(connection, "SELECT B FROM Q WHERE A = ?", (2,)) == [("b",)]
    finally:
        snowflake.connector.paramstyle = before


def _fails() -> Any:
    import pytest
    from snowflake.connector.errors import Error

    return pytest.raises(Error, match="NULL result in a non-nullable column")


def test_transactions_roll_back(admin: Any, database: str) -> None:
    run(admin, "CREATE TABLE T (A NUMBER(10,0))")
    run(admin, "BEGIN")
    run(admin, "INSERT INTO T VALUES (1)")
    run(admin, "ROLLBACK")
    run(admin, "BEGIN")
    run(admin, "INSERT INTO T VALUES (2)")
    run(admin, "COMMIT")
    assert run(admin, "SELECT A FROM T") == [(2,)]


def test_names_without_an_alias_are_snowflakes(admin: Any, database: str) -> None:
    run(admin, "CREATE TABLE T (A NUMBER(10,0))")
    (row,) = records(admin, "select count(*), max(a), current_role() from t")
    assert list(row) == ["COUNT(*)", "MAX(A)", "CURRENT_ROLE()"]
