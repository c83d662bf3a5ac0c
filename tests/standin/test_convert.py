from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from modules.local.standin.columns import ColumnSpec, parse_type
from modules.local.standin.errors import SnowflakeError
from modules.local.standin.streaming.convert import Batch, convert
from modules.local.standin.tokenizer import Tokens


def converted(kind: str, *given: Any) -> Batch:
    payload = b"".join(json.dumps({"c": value}).encode() + b"\n" for value in given)
    return convert(payload, [ColumnSpec("C", str(parse_type(Tokens(kind))))], {})


def good(kind: str, *given: Any) -> list[Any]:
    batch = converted(kind, *given)
    assert batch.errors == {}
    values: list[Any] = batch.table.column(0).to_pylist()
    return values


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("VARCHAR", "x", "x"),
        ("VARCHAR", 1, "1"),
        ("VARCHAR", True, "true"),
        ("VARCHAR", {"a": 1}, '{"a":1}'),
        ("VARCHAR(2)", "äö", "äö"),
        ("NUMBER(5,2)", "12.3", Decimal("12.30")),
        ("NUMBER(5,2)", 999.994, Decimal("999.99")),
        ("NUMBER(38,0)", 10**37, Decimal(10**37)),
        ("INT", "42", Decimal(42)),
        ("INT", -(2**63), Decimal(-(2**63))),
        ("FLOAT", "NaN", pytest.approx(float("nan"), nan_ok=True)),
        ("FLOAT", "-inf", float("-inf")),
        ("BOOLEAN", "Yes", True),
        ("BOOLEAN", 0, False),
        ("BINARY", "c0ff", b"\xc0\xff"),
        ("VARIANT", "text", '"text"'),
        ("VARIANT", {"a": [1, None]}, '{"a":[1,null]}'),
        ("ARRAY", 1, "[1]"),
        ("VARIANT", None, None),
    ],
)
def test_values_that_fit(kind: str, given: Any, expected: Any) -> None:
    assert good(kind, given) == [expected]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("VARCHAR(2)", "abc"),
        ("NUMBER(5,2)", 1000),
        ("NUMBER(5,2)", "999.995"),
        ("NUMBER(5,0)", "x"),
        ("NUMBER(5,0)", "NaN"),
        ("NUMBER(5,0)", [1]),
        ("FLOAT", "x"),
        ("BOOLEAN", "perhaps"),
        ("DATE", "2026-02-30"),
        ("TIME", "25:00:00"),
        ("TIMESTAMP_NTZ", True),
        ("TIMESTAMP_NTZ", "soon"),
        ("TIMESTAMP_TZ", 10**25),
        ("BINARY", "xyz"),
        ("OBJECT", [1]),
    ],
)
def test_values_that_do_not(kind: str, given: Any) -> None:
    batch = converted(kind, None, given, None)
    assert list(batch.errors) == [1]
    assert batch.table.num_rows == 2
    assert str(given) not in batch.errors[1] or kind.startswith("NUMBER")


def test_blank_lines_are_no_rows_and_the_last_newline_may_be_missing() -> None:
    columns = [ColumnSpec("A", "NUMBER(38,0)")]
    batch = convert(b'\n{"a": 1}\n  \r\n{"A": 2}', columns, {})
    assert (batch.parsed, batch.errors, batch.table.column(0).to_pylist()) == (2, {}, [1, 2])
    assert convert(b"", columns, {}).parsed == 0


def test_one_line_with_two_objects_is_one_bad_row() -> None:
    batch = convert(b'{"a": 1},{"a": 2}\n{"a": 3}\n', [ColumnSpec("A", "NUMBER(38,0)")], {})
    assert (batch.parsed, list(batch.errors), batch.table.column(0).to_pylist()) == (2, [0], [3])


def test_an_exact_name_goes_before_one_in_another_case() -> None:
    columns = [ColumnSpec("a", "VARCHAR(10)"), ColumnSpec("A", "VARCHAR(10)")]
    batch = convert(b'{"a": "low", "A": "up"}\n', columns, {})
    assert [column.to_pylist() for column in batch.table.columns] == [["low"], ["up"]]


def test_a_default_fills_a_missing_value_but_not_a_null() -> None:
    columns = [ColumnSpec("A", "VARCHAR(10)"), ColumnSpec("B", "VARCHAR(10)", default="'d'")]
    batch = convert(b'{"a": "x"}\n{"b": null}\n', columns, {"B": "d"})
    assert batch.table.column(1).to_pylist() == ["d", None]


def test_unknown_types_are_refused() -> None:
    with pytest.raises(SnowflakeError, match="Unsupported data type 'MONEY'"):
        parse_type(Tokens("MONEY"))
