"""Snowflake's columns and their text as Avro: every type, exactly."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import fastavro
import pytest

from modules.connectors.source.columns import avro_schema, nanoseconds, source_columns
from modules.connectors.source.schema import RowWriter, misfits
from modules.errors import ConfigError


def column(type_: str, *, nullable: bool = False, name: str = "C") -> Any:
    (found,) = source_columns([(name, type_, nullable)], "DB.S.T")
    return found


@pytest.mark.parametrize(
    ("type_", "avro", "text", "value"),
    [
        ("NUMBER(9,0)", "int", "-999999999", -999999999),
        ("NUMBER(18,0)", "long", "999999999999999999", 999999999999999999),
        (
            "NUMBER(38,0)",
            {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 0},
            "99999999999999999999999999999999999999",
            Decimal("99999999999999999999999999999999999999"),
        ),
        (
            "NUMBER(12,2)",
            {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
            "-1234567890.10",
            Decimal("-1234567890.10"),
        ),
        ("FLOAT", "double", "1.7976931348623157e308", 1.7976931348623157e308),
        ("FLOAT", "double", "inf", float("inf")),
        ("VARCHAR(16777216)", "string", "ünï 'x' \\", "ünï 'x' \\"),
        ("BOOLEAN", "boolean", "1", True),
        ("BOOLEAN", "boolean", "false", False),
        ("BINARY(8388608)", "bytes", "00FF10", b"\x00\xff\x10"),
        ("DATE", {"type": "int", "logicalType": "date"}, "-1", -1),
        ("TIME(3)", {"type": "int", "logicalType": "time-millis"}, "86399.999000000", 86399999),
        ("TIME(6)", {"type": "long", "logicalType": "time-micros"}, "86399.999999000", 86399999999),
        ("TIME(9)", "long", "86399.999999999", 86399999999999),
        (
            "TIMESTAMP_NTZ(3)",
            {"type": "long", "logicalType": "local-timestamp-millis"},
            "1700000000.123000000",
            1700000000123,
        ),
        (
            "TIMESTAMP_NTZ(6)",
            {"type": "long", "logicalType": "local-timestamp-micros"},
            "253402300799.999999000",
            253402300799999999,
        ),
        (
            "TIMESTAMP_LTZ(9)",
            {"type": "long", "logicalType": "timestamp-nanos"},
            "1700000000.123456789",
            1700000000123456789,
        ),
        ("TIMESTAMP_TZ(6)", {"type": "long", "logicalType": "timestamp-micros"}, "-1.500000000 1560", -1500000),
        ("VARIANT", "string", '{"a": 1}', '{"a": 1}'),
        ("VECTOR(FLOAT, 3)", "string", "[1,2,3]", "[1,2,3]"),
    ],
)
def test_a_value_of_every_type_comes_through_exactly(type_: str, avro: Any, text: str, value: Any) -> None:
    found = column(type_)
    assert found.avro == avro
    assert found.convert(text) == value
    for nullable in (False, True):
        columns = source_columns([("C", type_, nullable)], "DB.S.T")
        schema = avro_schema(columns, "t", "db.s")
        written = RowWriter(b"", 1, schema, columns)([text])
        plain = json.loads(json.dumps(schema).replace("logicalType", "was"))
        read = fastavro.schemaless_reader(io.BytesIO(written), fastavro.parse_schema(plain), None)
        raw = {"c": value}
        if isinstance(value, Decimal):  # read without its logical type: the unscaled number's bytes
            assert int.from_bytes(read["c"], "big", signed=True) == int(text.replace(".", ""))
        else:
            assert read == raw


def test_null_is_null_and_the_default() -> None:
    columns = source_columns([("A", "VARCHAR", True), ("B", "NUMBER(9,0)", False)], "DB.S.T")
    schema = avro_schema(columns, "t", None)
    assert schema["fields"][0] == {"name": "a", "type": ["null", "string"], "default": None}
    written = RowWriter(b"", 1, schema, columns)([None, "1"])
    assert fastavro.schemaless_reader(io.BytesIO(written), fastavro.parse_schema(schema), None) == {"a": None, "b": 1}


def test_names_become_fields_and_collisions_are_told() -> None:
    columns = source_columns([("ORDER_ID", "DATE", False), ("myCol", "DATE", False), ("A B$", "DATE", False)], "T")
    assert [each.field for each in columns] == ["order_id", "myCol", "a_b_"]
    assert avro_schema(columns, "t", None)["fields"][2]["doc"] == 'Column "A B$".'
    assert columns[2].quoted == '"A B$"'
    with pytest.raises(ConfigError, match="the columns A B and A_B would both be the field `a_b`"):
        source_columns([("A B", "DATE", False), ("A_B", "DATE", False)], "T")


def test_a_time_too_far_away_for_nanoseconds_is_told_with_what_to_do() -> None:
    with pytest.raises(ConfigError) as caught:
        column("TIMESTAMP_NTZ(9)", name="ENDS").convert("253402300799.000000000")
    assert "DB.S.T.ENDS" in str(caught.value) and "TIMESTAMP_NTZ(6)" in str(caught.value)


def test_a_type_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="column C is a FILE, which cannot be published"):
        column("FILE")


def test_text_of_an_instant_is_read_to_the_last_digit() -> None:
    assert nanoseconds("1700000000.123456789 1500") == 1700000000123456789
    assert nanoseconds("-0.000000001") == -1


def test_what_does_not_fit_a_schema_is_listed_by_field() -> None:
    columns = source_columns(
        [("A", "NUMBER(12,2)", False), ("B", "VARCHAR", True), ("NEW", "DATE", True), ("SAME", "VARCHAR", False)], "T"
    )
    fields: list[dict[str, Any]] = [
        {"name": "a", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 4}},
        {"name": "b", "type": "string"},
        {"name": "same", "type": ["null", {"type": "string"}], "default": None},
        {"name": "gone", "type": "int"},
        {"name": "optional", "type": ["null", "int"], "default": None},
    ]
    assert misfits({"type": "record", "name": "r", "fields": fields}, columns) == [
        "column NEW: the schema has no field `new`",
        'field `a`: {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 4} there, '
        '{"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2} in the table',
        "field `b`: column B may be NULL, the field may not be null",
        "field `gone`: the table has no such column, and the field has no default",
    ]
    assert misfits(avro_schema(columns, "t", None), columns) == []
