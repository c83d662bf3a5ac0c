from __future__ import annotations

import json
from pathlib import Path

import pytest

from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.warehouse.build import estate_of
from modules.warehouse.columns import columns_from_avro
from modules.warehouse.estate import CONNECTOR_ROLE, Column, RoleRef, Schema

FOLDER = Path(__file__).parents[2] / "environments"


def environment(**topics: dict) -> Environment:
    return Environment.model_validate(
        {"name": "x", "source": "environments/x.yaml", "platform": "local", "topics": topics}
    )


def sunk(table: str) -> dict:
    return {"value": {"schema": "schemas/order_events.avsc"}, "sink": {"table": table}}


def test_columns_follow_the_avro_schema() -> None:
    columns = columns_from_avro(json.loads((FOLDER / "schemas/order_events.avsc").read_text()))
    by_name = {column.name: column for column in columns}
    assert by_name["EVENT_ID"].type == "VARCHAR" and not by_name["EVENT_ID"].nullable
    assert by_name["AMOUNT"].type == "NUMBER(12,2)"
    assert by_name["EVENT_TIME"].type == "TIMESTAMP_NTZ(6)"
    assert by_name["NOTE"].nullable
    assert columns[0] == Column("RECORD_METADATA", "VARIANT", True, columns[0].comment)


@pytest.mark.parametrize(
    ("avro", "snowflake", "nullable"),
    [
        ("long", "NUMBER(19,0)", False),
        (["null", "double"], "FLOAT", True),
        (["null", "int", "string"], "VARIANT", True),
        ({"type": "array", "items": "string"}, "VARIANT", False),
        ({"type": "int", "logicalType": "date"}, "DATE", False),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9}, "NUMBER(9,0)", False),
    ],
)
def test_each_avro_type_has_its_column_type(avro: object, snowflake: str, nullable: bool) -> None:
    column = columns_from_avro({"fields": [{"name": "f", "type": avro}]})[1]
    assert (column.type, column.nullable) == (snowflake, nullable)


def test_the_connector_gets_no_more_than_the_sink_needs() -> None:
    estate = estate_of(environment(orders=sunk("STREAMING.PUBLIC.ORDER_EVENTS")), FOLDER)
    rights = {(each.on, each.privileges) for each in estate.grants if each.role == RoleRef(CONNECTOR_ROLE)}
    assert rights == {
        ('WAREHOUSE "STREAMING_WH"', ("USAGE",)),
        ('DATABASE "STREAMING"', ("USAGE",)),
        ('SCHEMA "STREAMING"."PUBLIC"', ("USAGE",)),
        ('TABLE "STREAMING"."PUBLIC"."ORDER_EVENTS"', ("INSERT", "SELECT")),
    }
    assert [each.key for each in estate.role_grants if each.role == RoleRef(CONNECTOR_ROLE)] == [
        "KAFKA_CONNECTOR to SYSADMIN",
        "KAFKA_CONNECTOR to SVC_KAFKA_CONNECTOR",
    ]
    assert not estate.ownership


def test_public_comes_with_its_database_and_another_schema_is_made() -> None:
    estate = estate_of(environment(orders=sunk("STREAMING.RAW.ORDER_EVENTS")), FOLDER)
    made = {each.dotted: each.comes_with_database for each in estate.schemas if each.database == "STREAMING"}
    assert made == {"STREAMING.PUBLIC": True, "STREAMING.RAW": False}
    assert not Schema("STREAMING", "PUBLIC", managed_access=True).comes_with_database


def test_two_sinks_into_one_table_are_refused() -> None:
    table = "STREAMING.PUBLIC.ORDER_EVENTS"
    with pytest.raises(ConfigError, match=f"two topics write to the table {table}"):
        estate_of(environment(a=sunk(table), b=sunk(table.lower())), FOLDER)


def test_a_sink_without_a_schema_is_refused() -> None:
    with pytest.raises(ConfigError, match="topic a has a sink but no value schema"):
        estate_of(environment(a={"sink": {"table": "D.S.T"}}), FOLDER)
