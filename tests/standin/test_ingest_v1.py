"""The classic Snowpipe Streaming protocol, as Snowflake's Kafka connector 2.5.0 was seen to speak it."""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.standin.harness import StandIn, run
from tests.standin.ingest_v1_client import Classic
from tests.standin.rest import key_pair_jwt

TABLE = "K.PUBLIC.T"


@pytest.fixture(scope="module")
def sql(standin: StandIn) -> Iterator[Any]:
    connection = standin.connect()
    run(connection, "CREATE DATABASE K")
    run(connection, f"CREATE TABLE {TABLE} (ID NUMBER(10,0) NOT NULL, NAME VARCHAR)")
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def client(standin: StandIn, sql: Any) -> Classic:
    key = standin.user(sql, "CLASSIC", "CLASSIC_ROLE")
    run(sql, "GRANT USAGE ON DATABASE K TO ROLE CLASSIC_ROLE")
    run(sql, "GRANT USAGE ON SCHEMA K.PUBLIC TO ROLE CLASSIC_ROLE")
    run(sql, f"GRANT INSERT ON TABLE {TABLE} TO ROLE CLASSIC_ROLE")
    return Classic(standin.url, "CLASSIC", key, TABLE, "CLASSIC_ROLE")


def rows(*ids: int, name: str = "n") -> pa.Table:
    numbers = pa.array([Decimal(each) for each in ids], pa.decimal128(10, 0))
    return pa.table({"ID": numbers, "NAME": [name] * len(ids)})


def found(sql: Any, name: str) -> list[int]:
    return [row[0] for row in run(sql, f"SELECT ID FROM {TABLE} WHERE NAME = '{name}' ORDER BY ID")]


def test_opening_tells_the_columns_and_where_the_channel_stands(client: Classic) -> None:
    first, again = client.open("told"), client.open("told")
    assert (first["client_sequencer"], first["row_sequencer"], first["offset_token"]) == (1, 0, None)
    assert again["client_sequencer"] == 2
    assert (first["database"], first["schema"], first["table"], first["channel"]) == ("K", "PUBLIC", "T", "told")
    number, text = first["table_columns"]
    assert (number["logical_type"], number["physical_type"], number["precision"], number["scale"]) == (
        "FIXED", "SB16", 10, 0
    )  # fmt: skip
    assert (number["nullable"], number["ordinal"]) == (False, 1)
    assert (text["name"], text["logical_type"], text["physical_type"], text["length"]) == (
        "NAME", "TEXT", "LOB", 16777216
    )  # fmt: skip


@pytest.mark.parametrize("offset", [0, 4096])
def test_rows_are_there_with_the_registration_and_the_blob_is_gone(client: Classic, sql: Any, offset: int) -> None:
    name = f"at{offset}"
    channel = client.open(name)
    blob = client.write(rows(1, 2, 3, name=name), channel["encryption_key"], offset=offset)
    assert client.register(blob, (name, channel["client_sequencer"], 1, "41")) == [0]
    assert found(sql, name) == [1, 2, 3]
    assert not (client.stage() / blob["path"]).exists()
    status = client.status(name, channel["client_sequencer"])
    assert (status["status_code"], status["persisted_row_sequencer"], status["persisted_offset_token"]) == (0, 1, "41")
    reopened = client.open(name)
    assert (reopened["offset_token"], reopened["row_sequencer"]) == ("41", 0)


def test_a_registration_sent_twice_is_refused_the_second_time(client: Classic, sql: Any) -> None:
    channel = client.open("twice")
    blob = client.write(rows(1, name="twice"), channel["encryption_key"])
    sequencer = channel["client_sequencer"]
    assert client.register(blob, ("twice", sequencer, 1, "0")) == [0]
    assert client.register(blob, ("twice", sequencer, 1, "0")) == [21]
    skipped = client.write(rows(9, name="twice"), channel["encryption_key"])
    assert client.register(skipped, ("twice", sequencer, 3, "2")) == [21]
    assert found(sql, "twice") == [1]


def test_a_client_that_was_opened_over_writes_nothing_more(client: Classic, sql: Any) -> None:
    old = client.open("over")
    new = client.open("over")
    blob = client.write(rows(1, name="over"), old["encryption_key"])
    assert client.register(blob, ("over", old["client_sequencer"], 1, "0")) == [20]
    assert client.status("over", old["client_sequencer"])["status_code"] == 20
    blob = client.write(rows(2, name="over"), new["encryption_key"])
    assert client.register(blob, ("over", new["client_sequencer"], 1, "0")) == [0]
    assert found(sql, "over") == [2]


def test_channels_of_one_chunk_go_on_together_or_not_at_all(client: Classic, sql: Any) -> None:
    left, right = client.open("left"), client.open("right")
    blob = client.write(rows(1, 2, name="both"), left["encryption_key"])
    one = ("left", left["client_sequencer"], 1, "5")
    assert 0 not in client.register(blob, one, ("right", right["client_sequencer"], 2, "7"))
    assert found(sql, "both") == []
    assert client.status("left", left["client_sequencer"])["persisted_offset_token"] is None
    blob = client.write(rows(1, 2, name="both"), left["encryption_key"])
    assert client.register(blob, one, ("right", right["client_sequencer"], 1, "7")) == [0, 0]
    assert found(sql, "both") == [1, 2]
    assert client.status("right", right["client_sequencer"])["persisted_offset_token"] == "7"


def test_a_blob_that_is_not_what_it_is_said_to_be_changes_nothing(client: Classic, sql: Any) -> None:
    channel = client.open("wrong")
    sequencer, key = channel["client_sequencer"], channel["encryption_key"]
    at = ("wrong", sequencer, 1, "0")
    other_key = client.write(rows(1, name="wrong"), "c29tZXRoaW5nIGVsc2U=")
    short = client.write(rows(1, name="wrong"), key)
    file = client.stage() / short["path"]
    file.write_bytes(file.read_bytes()[:-5])
    miscounted = client.write(rows(1, name="wrong"), key)
    miscounted["chunks"][0]["eps"] = {"rows": 2}
    missing = client.write(rows(1, name="wrong"), key)
    (client.stage() / missing["path"]).unlink()
    null = client.write(pa.table({"ID": pa.array([None], pa.decimal128(10, 0)), "NAME": ["wrong"]}), key)
    unknown = client.write(pa.table({"ID": rows(1).column(0), "ELSE": ["x"]}), key)
    for blob in (other_key, short, miscounted, missing, null, unknown):
        assert client.register(blob, at) != [0]
    assert found(sql, "wrong") == []
    assert client.register(client.write(rows(1, name="wrong"), key), at) == [0]


def test_a_path_out_of_the_stage_is_refused(client: Classic, standin: StandIn) -> None:
    channel = client.open("out")
    blob = client.write(rows(1), channel["encryption_key"])
    before = standin.public.read_bytes()
    blob["path"] = os.path.relpath(standin.public, client.stage())
    answer = client.post(
        "channels/write/blobs",
        blobs=[{**blob, "chunks": [{**blob["chunks"][0], "channels": []}]}],
    ).json()
    assert answer["status_code"] != 0
    assert standin.public.read_bytes() == before


def test_without_the_right_to_insert_there_is_no_table(standin: StandIn, sql: Any) -> None:
    key = standin.user(sql, "CLASSIC_READER", "CLASSIC_READER_ROLE")
    run(sql, "GRANT USAGE ON DATABASE K TO ROLE CLASSIC_READER_ROLE")
    run(sql, "GRANT USAGE ON SCHEMA K.PUBLIC TO ROLE CLASSIC_READER_ROLE")
    run(sql, f"GRANT SELECT ON TABLE {TABLE} TO ROLE CLASSIC_READER_ROLE")
    reader = Classic(standin.url, "CLASSIC_READER", key, TABLE, "CLASSIC_READER_ROLE")
    refused = reader.open("reader")
    assert (refused["status_code"], "does not exist or not authorized" in refused["message"]) == (4, True)
    reader.role = "ACCOUNTADMIN"
    assert reader.post("channels/open", channel="reader", **reader.place).status_code == 401
    assert reader.http.post("/v1/streaming/client/configure/", json={}).status_code == 401


def test_who_may_not_log_in_from_here_streams_nothing_either(standin: StandIn, sql: Any) -> None:
    key = standin.user(sql, "CLASSIC_AFAR", "CLASSIC_ROLE")
    run(sql, "CREATE NETWORK POLICY AFAR ALLOWED_IP_LIST = ('192.0.2.0/24')")
    run(sql, "ALTER USER CLASSIC_AFAR SET NETWORK_POLICY = AFAR")
    afar = Classic(standin.url, "CLASSIC_AFAR", key, TABLE, "CLASSIC_ROLE")
    assert afar.post("channels/open", channel="afar", **afar.place).status_code == 401
    bearer = {"Authorization": f"Bearer {key_pair_jwt('CLASSIC_AFAR', key)}"}
    assert afar.http.get("/v2/streaming/hostname", headers=bearer).status_code == 401
    run(sql, "ALTER USER CLASSIC_AFAR UNSET NETWORK_POLICY")
    assert afar.open("afar")["status_code"] == 0


def test_a_dropped_channel_begins_anew(client: Classic) -> None:
    channel = client.open("dropped")
    blob = client.write(rows(1, name="dropped"), channel["encryption_key"])
    client.register(blob, ("dropped", channel["client_sequencer"], 1, "9"))
    assert client.told("channels/drop", channel="dropped", **client.place)["status_code"] == 0
    assert client.open("dropped")["offset_token"] is None


def test_a_kill_between_blob_and_registration_loses_and_doubles_nothing(own_standin: StandIn) -> None:
    with own_standin.connect() as connection:
        run(connection, "CREATE DATABASE K")
        run(connection, f"CREATE TABLE {TABLE} (ID NUMBER(10,0) NOT NULL, NAME VARCHAR)")
    client = Classic(own_standin.url, "INFRA_ADMIN", own_standin.admin_key, TABLE, "ACCOUNTADMIN")
    channel = client.open("kept")
    sequencer, key = channel["client_sequencer"], channel["encryption_key"]
    assert client.register(client.write(rows(1), key), ("kept", sequencer, 1, "0")) == [0]
    waiting = client.write(rows(2), key)
    own_standin.stop(signal.SIGKILL)
    own_standin.start()
    assert client.status("kept", sequencer)["persisted_offset_token"] == "0"
    assert client.register(waiting, ("kept", sequencer, 2, "1")) == [0]
    with own_standin.connect() as connection:
        assert found(connection, "n") == [1, 2]


TYPES = (
    ("MONEY NUMBER(12,2)", pa.array([Decimal("-1.05"), None], pa.decimal128(12, 2)), Decimal("-1.05")),
    ("WIDE NUMBER(38,20)", pa.array([Decimal("1." + "0" * 19 + "1"), None]), Decimal("1." + "0" * 19 + "1")),
    ("F FLOAT", pa.array([1.5, None]), 1.5),
    ("OK BOOLEAN", pa.array([True, None]), True),
    ("D DATE", pa.array([dt.date(1900, 1, 1), None]), dt.date(1900, 1, 1)),
    ("T TIME(6)", pa.array([Decimal("86399.123456"), None], pa.decimal128(18, 6)), dt.time(23, 59, 59, 123456)),
    (
        "N TIMESTAMP_NTZ(9)",
        pa.array([Decimal("-0.000001999"), None], pa.decimal128(38, 9)),
        dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
    ),
    (
        "Z TIMESTAMP_TZ(9)",
        pa.array([Decimal((1_709_250_899_123_456_789 << 14) | 1770).scaleb(-9), None], pa.decimal128(38, 9)),
        dt.datetime(2024, 2, 29, 23, 54, 59, 123456, tzinfo=dt.UTC),
    ),
    (
        "Z3 TIMESTAMP_TZ(3)",
        pa.array([Decimal((1_709_250_899_123 << 14) | 1440).scaleb(-3), None], pa.decimal128(38, 3)),
        dt.datetime(2024, 2, 29, 23, 54, 59, 123000, tzinfo=dt.UTC),
    ),
    ("V VARIANT", pa.array(['{"a":[1]}', None]), '{"a":[1]}'),
    ("B BINARY", pa.array([b"\x00\xff", None]), b"\x00\xff"),
    ('"Mixed" VARCHAR', pa.array(["m", None]), "m"),
)


def test_every_type_is_unpacked(client: Classic, sql: Any) -> None:
    run(sql, f"CREATE TABLE K.PUBLIC.TYPES ({', '.join(column for column, _, _ in TYPES)})")
    run(sql, "GRANT INSERT ON TABLE K.PUBLIC.TYPES TO ROLE CLASSIC_ROLE")
    typed = Classic(str(client.http.base_url), client.user, client.key, "K.PUBLIC.TYPES", client.role)
    channel = typed.open("types")
    names = [column.split()[0] for column, _, _ in TYPES]
    table = pa.table([array for _, array, _ in TYPES], names=names)
    blob = typed.write(table, channel["encryption_key"])
    assert typed.register(blob, ("types", channel["client_sequencer"], 1, "0")) == [0]
    full, empty = run(sql, "SELECT * FROM K.PUBLIC.TYPES ORDER BY F NULLS LAST")
    assert full == tuple(value for _, _, value in TYPES)
    assert empty == (None,) * len(TYPES)
