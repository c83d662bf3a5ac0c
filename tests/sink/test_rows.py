"""Records become rows without losing anything."""

from __future__ import annotations

import datetime
import json
import math
import uuid
from decimal import Decimal
from typing import Any

import pytest

from modules.connectors.sink.deadletter import DeadLetter, dead_letter_headers
from modules.connectors.sink.rows import Message, encode_row, text_of


def row_of(record: dict[str, Any], message: Message | None = None) -> dict[str, Any]:
    line = encode_row(record, "order-events", message or Message(3, 42, b"ord-1", b"", 1_700_000_000_123))
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    row: dict[str, Any] = json.loads(line)
    return row


def test_field_names_become_upper_case_columns() -> None:
    row = row_of({"event_id": "e", "Mixed_Case": 1})
    assert {"EVENT_ID", "MIXED_CASE", "RECORD_METADATA"} == set(row)


@pytest.mark.parametrize("text", ["0.10", "1234567890.12", "-0.01", "99999999999999999999999999999999999.99", "1E+3"])
def test_decimals_are_exact(text: str) -> None:
    assert Decimal(row_of({"amount": Decimal(text)})["AMOUNT"]) == Decimal(text)
    assert "E" not in row_of({"amount": Decimal(text)})["AMOUNT"]


def test_timestamps_are_iso_with_their_offset_and_keep_microseconds() -> None:
    when = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
    assert row_of({"t": when})["T"] == "2026-01-02T03:04:05.678901+00:00"


def test_dates_times_bytes_and_uuids_are_text() -> None:
    row = row_of({"d": datetime.date(2026, 1, 2), "t": datetime.time(3, 4, 5), "b": b"\x00\xff", "u": uuid.UUID(int=1)})
    assert (row["D"], row["T"], row["B"], row["U"]) == ("2026-01-02", "03:04:05", "00ff", str(uuid.UUID(int=1)))


def test_nan_and_infinity_are_valid_json() -> None:
    row = row_of({"a": math.nan, "b": [math.inf, {"c": -math.inf}], "d": 1.5})
    assert (row["A"], row["B"], row["D"]) == ("NaN", ["inf", {"c": "-inf"}], 1.5)


def test_a_newline_in_a_text_stays_inside_its_line() -> None:
    assert row_of({"note": "a\nb\u2028c"})["NOTE"] == "a\nb\u2028c"


def test_metadata_has_the_shape_of_snowflakes_connector() -> None:
    message = Message(3, 42, b"ord-1", b"", 1_700_000_000_123, [("trace", b"abc"), ("none", None)])
    assert row_of({}, message)["RECORD_METADATA"] == {
        "topic": "order-events",
        "partition": 3,
        "offset": 42,
        "key": "ord-1",
        "CreateTime": 1_700_000_000_123,
        "headers": {"trace": "abc", "none": None},
    }


def test_a_key_that_is_not_text_is_given_as_base64() -> None:
    assert text_of(b"\xff\x00") == "base64:/wA="


def test_dead_letter_headers_say_what_why_and_where_and_keep_the_original_ones() -> None:
    message = Message(3, 42, b"k", b"v", 0, [("trace", b"abc"), ("infra.dlq.reason", b"an earlier stay")])
    headers = dead_letter_headers("order-events", DeadLetter(message, "undecodable", "Ünlesbar"))
    assert headers == [
        ("trace", b"abc"),
        ("infra.dlq.reason", b"undecodable"),
        ("infra.dlq.error", "Ünlesbar".encode()),
        ("infra.dlq.topic", b"order-events"),
        ("infra.dlq.partition", b"3"),
        ("infra.dlq.offset", b"42"),
        ("infra.dlq.dedup_key", b"order-events-3-42"),
    ]


def test_a_long_error_is_cut_so_that_the_dead_letter_is_not_too_large() -> None:
    headers = dict(dead_letter_headers("t", DeadLetter(Message(0, 0, None, None, 0), "x", "y" * 100_000)))
    assert len(headers["infra.dlq.error"] or b"") <= 2_000
