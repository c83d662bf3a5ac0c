"""Snowpipe Streaming's REST API, as documented."""

from __future__ import annotations

import datetime as dt
import gzip
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from snowflake.connector.errors import ProgrammingError

from modules.warehouse.connection import make_key_pair
from tests.standin.harness import StandIn, run
from tests.standin.rest import GRANT, Rest, key_pair_jwt

TABLE = "S.PUBLIC.T"


@pytest.fixture(scope="module")
def loader(standin: StandIn) -> Iterator[tuple[Any, Rest]]:
    """The administrator's connection and the connector's REST client on a table it may insert into."""
    admin = standin.connect()
    run(admin, "CREATE DATABASE S")
    run(
        admin,
        f"CREATE TABLE {TABLE} (ID NUMBER(10,0) NOT NULL, NAME VARCHAR(5), AMOUNT NUMBER(12,2), TS TIMESTAMP_NTZ(6), "
        "META VARIANT, STATE VARCHAR DEFAULT 'new')",
    )
    key = standin.user(admin, "LOADER", "LOADER_ROLE")
    run(admin, "GRANT USAGE ON DATABASE S TO ROLE LOADER_ROLE")
    run(admin, "GRANT USAGE ON SCHEMA S.PUBLIC TO ROLE LOADER_ROLE")
    run(admin, f"GRANT INSERT ON TABLE {TABLE} TO ROLE LOADER_ROLE")
    yield admin, Rest(standin.url, "LOADER", key, TABLE.lower()).login()
    admin.close()


def opened(rest: Rest, channel: str) -> str:
    token: str = rest.open(channel).raise_for_status().json()["next_continuation_token"]
    return token


def test_rows_are_visible_once_acknowledged_with_their_offset(loader: tuple[Any, Rest]) -> None:
    admin, rest = loader
    answer = rest.open("first").raise_for_status().json()
    assert answer["channel_status"]["last_committed_offset_token"] is None
    assert answer["channel_status"]["pipe_name"] == "T-STREAMING"
    token = answer["next_continuation_token"]
    for start in (0, 2):
        rows = [{"id": i, "Name": f"n{i}", "AMOUNT": "1.10", "meta": {"k": [i]}} for i in (start, start + 1)]
        done = rest.append("first", token, rows, start + 1).raise_for_status().json()
        assert list(done) == ["next_continuation_token"]
        token = done["next_continuation_token"]
        assert rest.statuses("first")["first"]["last_committed_offset_token"] == str(start + 1)
    found = run(admin, f"SELECT ID, NAME, AMOUNT, META:k[0]::INT, STATE FROM {TABLE} ORDER BY ID")
    assert found == [(i, f"n{i}", Decimal("1.10"), i, "new") for i in range(4)]
    status = rest.statuses("FIRST", "nowhere")
    assert list(status) == ["FIRST"]
    assert (status["FIRST"]["rows_inserted"], status["FIRST"]["rows_parsed"], status["FIRST"]["rows_errors"]) == (
        4,
        4,
        0,
    )


def test_reopening_ends_the_older_client(loader: tuple[Any, Rest]) -> None:
    _, rest = loader
    old = opened(rest, "fenced")
    rest.append("fenced", old, [{"ID": 100}], 7).raise_for_status()
    again = rest.open("fenced").raise_for_status().json()
    assert again["channel_status"]["last_committed_offset_token"] == "7"
    refused = rest.append("fenced", old, [{"ID": 101}], 8)
    assert (refused.status_code, refused.json()["code"]) == (400, "STALE_CONTINUATION_TOKEN_SEQUENCER")
    assert (
        refused.json()["message"] == "Channel sequencer in the continuation token is stale. Please reopen the channel"
    )
    assert rest.statuses("fenced")["fenced"]["last_committed_offset_token"] == "7"


def test_a_continuation_token_is_good_for_one_append(loader: tuple[Any, Rest]) -> None:
    admin, rest = loader
    token = opened(rest, "twice")
    rest.append("twice", token, [{"ID": 200}], 1).raise_for_status()
    refused = rest.append("twice", token, [{"ID": 200}], 1)
    assert (refused.status_code, refused.json()["code"]) == (400, "ERR_CHANNEL_HAS_INVALID_ROW_SEQUENCER")
    assert run(admin, f"SELECT COUNT(*) FROM {TABLE} WHERE ID = 200") == [(1,)]
    for bad in ("", "rubbish", "1_2"):
        assert rest.append("twice", bad, [{"ID": 201}], 2).json()["code"] == "STALE_CONTINUATION_TOKEN_SEQUENCER"


def test_of_two_appends_with_one_token_exactly_one_is_taken(loader: tuple[Any, Rest]) -> None:
    admin, rest = loader
    token = opened(rest, "race")
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(rest.append("race", token, [{"ID": 300}], 1).status_code))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200, 400, 400, 400]
    assert run(admin, f"SELECT COUNT(*) FROM {TABLE} WHERE ID = 300") == [(1,)]


BAD = [
    ({"ID": "x"}, "ID"),
    ({"ID": 99999999999}, "ID"),
    ({"ID": 1.5e400}, "JSON"),
    ({"NAME": "no id"}, "NOT NULL column ID"),
    ({"ID": None}, "NOT NULL column ID"),
    ({"ID": 400, "NAME": "too long"}, "NAME"),
    ({"ID": 400, "AMOUNT": "12345678901.00"}, "AMOUNT"),
    ({"ID": 400, "TS": "yesterday"}, "TS"),
    ({"ID": 400, "NOPE": 1}, "Extra column"),
    ("[1]", "JSON"),
    ("{not json", "JSON"),
]


@pytest.mark.parametrize(("row", "words"), BAD, ids=[str(number) for number in range(len(BAD))])
def test_a_bad_row_is_skipped_and_counted_while_the_offset_moves_on(
    loader: tuple[Any, Rest], request: pytest.FixtureRequest, row: Any, words: str
) -> None:
    import json

    admin, rest = loader
    channel = f"bad-{request.node.callspec.id}"
    good = 1000 + int(request.node.callspec.id)
    text = row if isinstance(row, str) else json.dumps(row).replace("Infinity", "1.5e")
    payload = f'{text}\n{{"ID": {good}}}\r\n'.encode()
    rest.append(channel, opened(rest, channel), payload, 41).raise_for_status()
    status = rest.statuses(channel)[channel]
    assert (status["rows_parsed"], status["rows_inserted"], status["rows_error_count"]) == (2, 1, 1)
    assert status["last_committed_offset_token"] == status["last_error_offset_upper_bound"] == "41"
    assert words in status["last_error_message"]
    assert run(admin, f"SELECT COUNT(*) FROM {TABLE} WHERE ID = {good}") == [(1,)]
    assert run(admin, f"SELECT COUNT(*) FROM {TABLE} WHERE ID = 400") == [(0,)]


def test_timestamps_come_as_text_or_as_epoch_of_any_unit(loader: tuple[Any, Rest]) -> None:
    admin, rest = loader
    texts = [
        "2026-01-02T03:04:05.678901+00:00",
        "2026-01-02T03:04:05.678901Z",
        "2026-01-02 03:04:05.678901",
        1767323045,
    ]
    texts += [1767323045678, 1767323045678901, 1767323045678901000, "2026-01-02T05:04:05.678901+02:00"]
    rows = [{"ID": 500 + i, "TS": value} for i, value in enumerate(texts)]
    rest.append("times", opened(rest, "times"), rows, 1).raise_for_status()
    exact = dt.datetime(2026, 1, 2, 3, 4, 5, 678901)
    found = [at for (at,) in run(admin, f"SELECT TS FROM {TABLE} WHERE ID BETWEEN 500 AND 599 ORDER BY ID")]
    assert found == [
        exact, exact, exact, exact.replace(microsecond=0), exact.replace(microsecond=678000), exact, exact,
        exact.replace(hour=5),
    ]  # fmt: skip


def test_amounts_are_exact_and_rounded_half_up(loader: tuple[Any, Rest]) -> None:
    admin, rest = loader
    amounts = ("0.1", '"1.005"', "9999999999.99", "7")
    rows = "".join(f'{{"ID":{600 + i},"AMOUNT":{amount}}}\n' for i, amount in enumerate(amounts)).encode()
    rest.append("money", opened(rest, "money"), rows, 1).raise_for_status()
    found = [amount for (amount,) in run(admin, f"SELECT AMOUNT FROM {TABLE} WHERE ID BETWEEN 600 AND 699 ORDER BY ID")]
    assert found == [Decimal("0.10"), Decimal("1.01"), Decimal("9999999999.99"), Decimal("7.00")]


def test_payloads_may_be_compressed(loader: tuple[Any, Rest]) -> None:
    import pyarrow as pa

    admin, rest = loader
    token = opened(rest, "packed")
    for number, (name, packed) in enumerate(
        (("gzip", gzip.compress(b'{"ID":700}\n')), ("zstd", pa.compress(b'{"ID":701}\n', "zstd", asbytes=True)))
    ):
        done = rest.append("packed", token, packed, number, **{"Content-Encoding": name})
        token = done.raise_for_status().json()["next_continuation_token"]
    assert run(admin, f"SELECT COUNT(*) FROM {TABLE} WHERE ID BETWEEN 700 AND 799") == [(2,)]
    assert rest.append("packed", token, b"no gzip", 9, **{"Content-Encoding": "gzip"}).status_code == 400


def test_more_than_16_mb_is_refused(loader: tuple[Any, Rest]) -> None:
    _, rest = loader
    token = opened(rest, "large")
    huge = b'{"ID":800}\n' * (16 * 1024 * 1024 // 11 + 2)
    assert rest.append("large", token, huge, 1).status_code == 413
    assert rest.append("large", token, gzip.compress(huge, 1), 1, **{"Content-Encoding": "gzip"}).status_code == 413
    assert rest.append("large", token, b'{"ID":801}\n', 1).status_code == 200


def test_a_dropped_channel_starts_anew(loader: tuple[Any, Rest]) -> None:
    _, rest = loader
    token = opened(rest, "dropped")
    rest.append("dropped", token, [{"ID": 900}], 5).raise_for_status()
    rest.drop("dropped").raise_for_status()
    assert rest.statuses("dropped") == {}
    gone = rest.append("dropped", token, [{"ID": 901}], 6)
    assert (gone.status_code, gone.json()["code"]) == (400, "ERR_CHANNEL_DOES_NOT_EXIST_OR_IS_NOT_AUTHORIZED")
    assert rest.open("dropped").json()["channel_status"]["last_committed_offset_token"] is None


def test_a_table_made_anew_has_no_channels(standin: StandIn, loader: tuple[Any, Rest]) -> None:
    admin, _ = loader
    run(admin, "CREATE TABLE S.PUBLIC.AGAIN (A NUMBER(10,0))")
    rest = Rest(standin.url, "INFRA_ADMIN", standin.admin_key, "S.PUBLIC.AGAIN").login()
    token = opened(rest, "c")
    rest.append("c", token, [{"A": 1}], 1).raise_for_status()
    run(admin, "CREATE OR REPLACE TABLE S.PUBLIC.AGAIN (A NUMBER(10,0))")
    assert rest.statuses("c") == {}
    assert rest.append("c", token, [{"A": 1}], 1).status_code == 400
    assert rest.open("c").json()["channel_status"]["last_committed_offset_token"] is None


def test_without_the_right_the_table_does_not_exist(standin: StandIn, loader: tuple[Any, Rest]) -> None:
    admin, rest = loader
    token = opened(rest, "rights")
    run(admin, f"REVOKE INSERT ON TABLE {TABLE} FROM ROLE LOADER_ROLE")
    try:
        for answer in (rest.open("rights"), rest.append("rights", token, [{"ID": 1}], 1)):
            assert (answer.status_code, answer.json()["code"]) == (404, "ERR_TABLE_DOES_NOT_EXIST_NOT_AUTHORIZED")
    finally:
        run(admin, f"GRANT INSERT ON TABLE {TABLE} TO ROLE LOADER_ROLE")
    absent = Rest(standin.url, "LOADER", rest.key, "S.PUBLIC.ABSENT").login()
    assert absent.open("c").json()["code"] == "ERR_TABLE_DOES_NOT_EXIST_NOT_AUTHORIZED"


def test_tokens_are_checked(standin: StandIn, loader: tuple[Any, Rest], tmp_path: Path) -> None:
    _, rest = loader
    other = tmp_path / "other.p8"
    make_key_pair(other)
    wrong = {"Authorization": f"Bearer {key_pair_jwt('LOADER', other)}"}
    for answer in (
        httpx.get(f"{standin.url}/v2/streaming/hostname", headers=wrong),
        httpx.post(f"{standin.url}/oauth/token", headers=wrong, data={"grant_type": GRANT, "scope": "x"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "390144")
    assert httpx.get(f"{standin.url}/v2/streaming/hostname").status_code == 401
    good = {"Authorization": f"Bearer {key_pair_jwt('LOADER', rest.key)}"}
    assert httpx.post(f"{standin.url}/oauth/token", headers=good, data={"grant_type": "password"}).status_code == 400
    forged = Rest(standin.url, "LOADER", rest.key, TABLE)
    forged.token = rest.token[:-6] + "AAAAAA"
    assert forged.open("c").status_code == 401


def test_channels_are_listed_with_their_offsets_for_who_may_see_the_table(loader: tuple[Any, Rest]) -> None:
    admin, rest = loader
    token = opened(rest, "topic_3")
    rest.append("topic_3", token, [{"ID": 1}], 41).raise_for_status()
    opened(rest, "topic_4")
    with admin.cursor() as cursor:
        shown = cursor.execute(f"SHOW CHANNELS LIKE 'topic%' IN TABLE {TABLE}").fetchall()
        columns = [column[0] for column in cursor.description]
    named = [dict(zip(columns, row, strict=True)) for row in shown]
    assert [(one["name"], one["table_name"], one["offset_token"]) for one in named] == [
        ("topic_3", "T", "41"),
        ("topic_4", "T", None),
    ]
    with pytest.raises(ProgrammingError) as caught:
        run(admin, "SHOW CHANNELS IN TABLE S.PUBLIC.NOWHERE")
    assert caught.value.errno == 2003
