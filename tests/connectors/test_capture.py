"""The Snowflake side of a captured table: what happened to each row, and a view of the rows as they are."""

from __future__ import annotations

import duckdb
import sqlglot

from modules.connectors.settings.debezium import CHANGE_FIELDS
from modules.environment import load_environment
from modules.topics import access_acls, schema_specs, topic_specs
from modules.warehouse.build import estate_of
from modules.warehouse.columns import CHANGE
from tests.environment.conftest import Write, write

__all__ = ["write"]

LINES = (
    "extends: base", "platform: confluent", "connect: {kind: managed}",
    "topics: {shop.public.orders: "
    "{value: {schema: schemas/order_events.avsc}, sink: {table: STREAMING.PUBLIC.ORDERS}}}",
    "sources: {shop: {kind: debezium-postgres, host: h, password: 'env:P', "
    "tables: {public.orders: {key: [order_id, product_id]}}}}",
)  # fmt: skip
TABLE = "STREAMING.PUBLIC.ORDERS"


def test_a_captured_table_says_what_happened_and_others_do_not(write: Write) -> None:
    project = write(dev="\n".join(LINES) + "\n")
    estate = estate_of(load_environment(project, "dev"), project.environments)
    tables = {
        f"{each.database}.{each.schema}.{each.name}": [column.name for column in each.columns] for each in estate.tables
    }
    assert tables[TABLE][:6] == ["RECORD_METADATA", "__OP", "__LSN", "__SOURCE_TS_MS", "__DELETED", "EVENT_ID"]
    assert "__OP" not in tables["STREAMING.PUBLIC.ORDER_EVENTS"]
    asked = {f"__{name.replace('.', '_').upper()}" for name in CHANGE_FIELDS} | {"__DELETED"}
    assert {column.name for column in CHANGE} == asked


def test_debezium_registers_what_it_captures_and_alone_writes_it(write: Write) -> None:
    project = write(dev="\n".join(LINES) + "\n")
    environment = load_environment(project, "dev")
    assert [each.subject for each in schema_specs(environment)] == ["order-events-value", "_infra_smoke-value"]
    writers = {
        each.role
        for each in access_acls(environment)
        if (each.resource_name, each.operation) == ("shop.public.orders", "Write")
    }
    assert writers == {"source-shop"}
    assert "__debezium-heartbeat.shop" in {each.name for each in topic_specs(environment)}


def test_the_view_has_the_newest_of_each_key_that_is_not_deleted(write: Write) -> None:
    project = write(dev="\n".join(LINES) + "\n")
    estate = estate_of(load_environment(project, "dev"), project.environments)
    (view,) = [each for each in estate.views if each.name == "ORDERS_CURRENT"]
    query = sqlglot.transpile(view.query.replace(TABLE, "changes"), read="snowflake", write="duckdb")[0]
    connection = duckdb.connect()
    types = {"RECORD_METADATA": "JSON", "__LSN": "BIGINT"}
    (table,) = [each for each in estate.tables if each.name == "ORDERS"]
    columns = ", ".join(f"{each.name} {types.get(each.name, 'VARCHAR')}" for each in table.columns)
    connection.execute(f"CREATE TABLE changes ({columns})")
    history = [
        ("a", "1", 10, 0, "false", "first"), ("a", "1", 12, 3, "false", "second"), ("a", "2", 11, 1, "false", "other"),
        ("b", "1", 13, 2, "false", "kept"), ("c", "1", 14, 4, "false", "born"), ("c", "1", 15, 5, "true", ""),
        ("d", "1", 20, 9, "true", ""), ("d", "1", 21, 8, "false", "again"),
    ]  # fmt: skip
    for order, product, lsn, offset, deleted, note in history:
        connection.execute(
            "INSERT INTO changes (ORDER_ID, PRODUCT_ID, __LSN, RECORD_METADATA, __DELETED, NOTE) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [order, product, lsn, f'{{"offset": {offset}}}', deleted, note],
        )
    found = connection.execute(f"SELECT ORDER_ID, PRODUCT_ID, NOTE FROM ({query}) ORDER BY 1, 2").fetchall()
    assert found == [("a", "1", "second"), ("a", "2", "other"), ("b", "1", "kept"), ("d", "1", "again")]
