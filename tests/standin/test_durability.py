"""What was acknowledged outlives a restart and a SIGKILL; rows and offset tokens never part."""

from __future__ import annotations

import signal
import threading
from typing import Any

import httpx
import pytest

from modules.errors import ServiceError
from tests.standin.harness import StandIn, records, run
from tests.standin.rest import Rest


def test_a_restart_keeps_everything(own_standin: StandIn) -> None:
    server = own_standin
    with server.connect() as admin:
        run(admin, "CREATE DATABASE D COMMENT = 'kept'")
        run(admin, "CREATE DATABASE GONE")
        run(admin, "DROP DATABASE GONE")
        run(admin, "CREATE TABLE D.PUBLIC.T (A NUMBER(10,0) NOT NULL, V VARIANT) COMMENT = 'it''s kept'")
        run(admin, "INSERT INTO D.PUBLIC.T SELECT 1, PARSE_JSON('{}')")
        key = server.user(admin, "SVC", "SVC_ROLE")
        run(admin, "GRANT USAGE ON DATABASE D TO ROLE SVC_ROLE")
        run(admin, "GRANT SELECT ON FUTURE TABLES IN SCHEMA D.PUBLIC TO ROLE SVC_ROLE")
        run(admin, "DROP WAREHOUSE COMPUTE_WH")
        run(admin, "CREATE WAREHOUSE W WAREHOUSE_SIZE = LARGE")
    assert server.stop() == 0
    assert not list((server.folder / "data" / "databases").glob("*.wal"))
    server.start()
    with server.connect(warehouse="W") as admin:
        assert [d["name"] for d in records(admin, "SHOW DATABASES")] == ["D"]
        assert [(w["name"], w["size"]) for w in records(admin, "SHOW WAREHOUSES")] == [("W", "Large")]
        assert records(admin, "SHOW TABLES IN SCHEMA D.PUBLIC")[0]["comment"] == "it's kept"
        assert [c["type"] for c in records(admin, "DESC TABLE D.PUBLIC.T")] == ["NUMBER(10,0)", "VARIANT"]
        assert run(admin, "SELECT A, V FROM D.PUBLIC.T") == [(1, "{}")]
        assert len(records(admin, "SHOW FUTURE GRANTS IN SCHEMA D.PUBLIC")) == 1
        run(admin, "CREATE TABLE D.PUBLIC.T2 (A NUMBER(10,0))")
        assert {g["grantee_name"] for g in records(admin, "SHOW GRANTS ON TABLE D.PUBLIC.T2")} == {
            "ACCOUNTADMIN",
            "SVC_ROLE",
        }
    server.connect("SVC", "SVC_ROLE", key).close()


def test_a_kill_loses_no_acknowledged_statement(own_standin: StandIn) -> None:
    server = own_standin
    with server.connect() as admin:
        run(admin, "CREATE DATABASE D")
        run(admin, "CREATE TABLE D.PUBLIC.T (A NUMBER(10,0), V VARIANT)")
        run(admin, "INSERT INTO D.PUBLIC.T SELECT 1, PARSE_JSON('[1]')")
        run(admin, "ALTER TABLE D.PUBLIC.T ADD COLUMN B VARCHAR")
        run(admin, "CREATE SCHEMA D.S")
        server.stop(signal.SIGKILL)
    server.start()
    with server.connect() as admin:
        assert run(admin, "SELECT * FROM D.PUBLIC.T") == [(1, "[1]", None)]
        assert [s["name"] for s in records(admin, "SHOW SCHEMAS IN DATABASE D")] == ["PUBLIC", "S"]
        run(admin, "CREATE TABLE D.S.T (A NUMBER(10,0))")


def _stream(server: StandIn, channel: str, size: int, acknowledged: list[int], stop: threading.Event) -> None:
    """Append batches in order until the server dies; note the last offset acknowledged."""
    rest = Rest(server.url, "INFRA_ADMIN", server.admin_key, "D.PUBLIC.T").login()
    answer = rest.open(channel).raise_for_status().json()
    committed = answer["channel_status"]["last_committed_offset_token"]
    token, at = answer["next_continuation_token"], int(committed) + 1 if committed is not None else 0
    while not stop.is_set():
        rows = [{"CHANNEL": channel, "N": n} for n in range(at, at + size)]
        try:
            done = rest.append(channel, token, rows, at + size - 1)
        except httpx.HTTPError:
            return
        token = done.raise_for_status().json()["next_continuation_token"]
        at += size
        acknowledged.append(at - 1)


def test_kills_during_appends_keep_rows_and_tokens_together(own_standin: StandIn) -> None:
    server = own_standin
    channels = {"P0": 7, "P1": 50, "P2": 333}
    with server.connect() as admin:
        run(admin, "CREATE DATABASE D")
        run(admin, "CREATE TABLE D.PUBLIC.T (CHANNEL VARCHAR, N NUMBER(10,0))")
    for _ in range(3):
        acknowledged: dict[str, list[int]] = {name: [] for name in channels}
        stop = threading.Event()
        threads = [
            threading.Thread(target=_stream, args=(server, name, size, acknowledged[name], stop))
            for name, size in channels.items()
        ]
        for thread in threads:
            thread.start()
        while not all(len(seen) >= 3 for seen in acknowledged.values()):
            stop.wait(0.01)
        server.stop(signal.SIGKILL)
        for thread in threads:
            thread.join()
        server.start()
        rest = Rest(server.url, "INFRA_ADMIN", server.admin_key, "D.PUBLIC.T").login()
        statuses = rest.statuses(*channels)
        with server.connect() as admin:
            rows = run(admin, "SELECT CHANNEL, COUNT(*), COUNT(DISTINCT N), MAX(N) FROM D.PUBLIC.T GROUP BY CHANNEL")
        assert len(rows) == len(channels)
        for name, count, distinct, highest in rows:
            token = int(statuses[name]["last_committed_offset_token"])
            assert count == distinct == highest + 1 == token + 1 == statuses[name]["rows_inserted"]
            assert token >= acknowledged[name][-1]


def test_a_continuation_token_from_before_a_kill_is_still_good_or_stale_never_doubled(own_standin: StandIn) -> None:
    server = own_standin
    with server.connect() as admin:
        run(admin, "CREATE DATABASE D")
        run(admin, "CREATE TABLE D.PUBLIC.T (N NUMBER(10,0))")
    rest = Rest(server.url, "INFRA_ADMIN", server.admin_key, "D.PUBLIC.T").login()
    first = rest.open("c").json()["next_continuation_token"]
    second = rest.append("c", first, [{"N": 1}], 1).json()["next_continuation_token"]
    server.stop(signal.SIGKILL)
    server.start()
    assert rest.append("c", second, [{"N": 2}], 2).status_code == 401
    rest.login()
    assert rest.append("c", first, [{"N": 1}], 1).status_code == 400
    assert rest.append("c", second, [{"N": 2}], 2).status_code == 200
    with server.connect() as admin:
        assert run(admin, "SELECT N FROM D.PUBLIC.T ORDER BY N") == [(1,), (2,)]


def test_an_interrupted_change_of_columns_is_put_right(own_standin: StandIn) -> None:
    import duckdb

    server = own_standin
    with server.connect() as admin:
        run(admin, "CREATE DATABASE D")
        run(admin, "CREATE TABLE D.PUBLIC.T (A NUMBER(10,0), B VARCHAR(7))")
    server.stop()
    (file,) = (server.folder / "data" / "databases").glob("*.duckdb")
    with duckdb.connect(str(file)) as database:
        database.execute("ALTER TABLE PUBLIC.T ADD COLUMN C DECIMAL(5,2)")
        database.execute("ALTER TABLE PUBLIC.T DROP COLUMN A")
    server.start()
    with server.connect() as admin:
        assert [(c["name"], c["type"]) for c in records(admin, "DESC TABLE D.PUBLIC.T")] == [
            ("B", "VARCHAR(7)"),
            ("C", "NUMBER(5,2)"),
        ]


def test_an_interrupted_rename_keeps_the_rows(own_standin: StandIn) -> None:
    import json
    import sqlite3

    import duckdb

    server = own_standin
    with server.connect() as admin:
        run(admin, "CREATE DATABASE D")
        run(admin, "CREATE TABLE D.PUBLIC.T (A NUMBER(10,0))")
        run(admin, "INSERT INTO D.PUBLIC.T VALUES (1)")
    server.stop()
    # As a kill leaves it: the intention noted, DuckDB's table renamed, the catalogue's not yet.
    with sqlite3.connect(server.folder / "data" / "catalog.sqlite") as catalog:
        ((key, value),) = catalog.execute(
            "SELECT key, value FROM records WHERE key LIKE '%TABLE%' AND bucket = 'entity'"
        )
        entity = json.loads(value)
        entity["props"]["renaming_to"] = "T2"
        catalog.execute("UPDATE records SET value = ? WHERE key = ?", (json.dumps(entity), key))
    catalog.close()
    (file,) = (server.folder / "data" / "databases").glob("*.duckdb")
    with duckdb.connect(str(file)) as database:
        database.execute("ALTER TABLE PUBLIC.T RENAME TO T2")
    server.start()
    with server.connect() as admin:
        assert run(admin, "SELECT A FROM D.PUBLIC.T2") == [(1,)]
        run(admin, "ALTER TABLE D.PUBLIC.T2 RENAME TO D.PUBLIC.T3")
    server.stop(signal.SIGKILL)
    server.start()
    with server.connect() as admin:
        assert run(admin, "SELECT A FROM D.PUBLIC.T3") == [(1,)]


def test_an_interrupted_create_and_drop_are_put_right(own_standin: StandIn) -> None:
    import duckdb

    server = own_standin
    with server.connect() as admin:
        run(admin, "CREATE DATABASE D")
        run(admin, "CREATE TABLE D.PUBLIC.KEPT (A NUMBER(10,0))")
        run(admin, "CREATE TABLE D.PUBLIC.LOST (A NUMBER(10,0))")
    server.stop()
    (file,) = (server.folder / "data" / "databases").glob("*.duckdb")
    with duckdb.connect(str(file)) as database:
        database.execute("DROP TABLE PUBLIC.LOST")
        database.execute("CREATE TABLE PUBLIC.HALF (A INTEGER)")
    server.start()
    with server.connect() as admin:
        assert [t["name"] for t in records(admin, "SHOW TABLES IN SCHEMA D.PUBLIC")] == ["KEPT"]
        run(admin, "CREATE TABLE D.PUBLIC.HALF (B VARCHAR)")


def test_sessions_end_with_the_server_and_say_so(own_standin: StandIn) -> None:
    connection: Any = own_standin.connect()
    own_standin.stop()
    with pytest.raises(ServiceError, match="does not answer"):
        own_standin.connect()
    own_standin.start()
    from tests.standin.harness import refusal

    assert refusal(connection, "SELECT 1")[0] == 390104
