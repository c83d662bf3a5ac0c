"""What was changed outside is said in the YAML's words; what the YAML cannot say, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modules.drift.changes import drift_of_plan
from modules.drift.model import Drift
from modules.environment import load_environment
from modules.terraform.source import Declared
from tests.drift.parts import entry, new_project, refreshed

TOPIC: dict[str, Any] = {
    "name": "order-events",
    "partitions": 6,
    "replication_factor": 1,
    "config": {"retention.ms": "2592000000"},
}


@pytest.fixture
def found(tmp_path: Path) -> Any:
    environment = load_environment(new_project(tmp_path), "local")

    def find(declared: Any = None, **stacks: Any) -> list[Drift]:
        return drift_of_plan(refreshed(**stacks), environment, declared)

    return find


def changed(address: str, before: dict[str, Any], key: str | None = None, **values: Any) -> dict[str, Any]:
    return entry(address, before, {**before, **values}, key)


def test_a_changed_retention_is_told_as_the_yaml_writes_it(found: Any) -> None:
    (drift,) = found(topics=[changed("kafka_topic.topic", TOPIC, "order-events", config={"retention.ms": "3600000"})])
    assert (drift.kind, drift.what, drift.stack) == ("changed", "topic order-events", "topics")
    assert drift.address == 'kafka_topic.topic["order-events"]'
    (attribute,) = drift.attributes
    assert (attribute.key, attribute.before, attribute.after) == (("topics", "order-events", "retention"), "30d", "1h")


@pytest.mark.parametrize(
    ("address", "before", "after", "key"),
    [
        ("kafka_topic.topic", TOPIC, {"partitions": 9}, ("topics", "order-events", "partitions")),
        (
            "kafka_topic.topic", TOPIC, {"config": {**TOPIC["config"], "max.message.bytes": "9"}},
            ("topics", "order-events", "config", "max.message.bytes"),
        ),
        (
            "schemaregistry_schema.value", {"subject": "order-events-value", "compatibility_level": "BACKWARD"},
            {"compatibility_level": "FULL"}, ("topics", "order-events", "value", "compatibility"),
        ),
        (
            "snowflake_warehouse.warehouse", {"name": "STREAMING_WH", "warehouse_size": "XSMALL"},
            {"warehouse_size": "LARGE"}, ("warehouse", "warehouses", "STREAMING_WH", "size"),
        ),
        (
            "snowflake_schema.schema", {"database": "ANALYTICS", "name": "MARTS", "data_retention_time_in_days": 1},
            {"data_retention_time_in_days": 7},
            ("warehouse", "databases", "ANALYTICS", "schemas", "MARTS", "retention"),
        ),
    ],
)  # fmt: skip
def test_each_value_has_its_key_in_the_yaml(
    found: Any, address: str, before: dict[str, Any], after: dict[str, Any], key: tuple[str, ...]
) -> None:
    (drift,) = found(topics=[changed(address, before, **after)])
    assert [each.key for each in drift.attributes] == [key]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (TOPIC, {"config": {"retention.ms": "-1"}}, "it is kept for ever, which `retention` cannot say"),
        (TOPIC, {"config": {}}, "a topic always says how long"),
        (
            {**TOPIC, "name": "order-events.dlq"}, {"config": {"retention.ms": "1"}},
            "what a dead-letter topic is like follows from its topic",
        ),
        (
            {**TOPIC, "name": "_infra_smoke"}, {"config": {"retention.ms": "1"}},
            "the topic of infra smoke follows from the one it is a copy of",
        ),
        ({**TOPIC, "name": "old"}, {"partitions": 8}, "topics names no old"),
    ],
)  # fmt: skip
def test_what_the_yaml_cannot_say_is_told_with_the_reason(
    found: Any, before: dict[str, Any], after: dict[str, Any], why: str
) -> None:
    (drift,) = found(topics=[changed("kafka_topic.topic", before, **after)])
    assert [(each.key, each.why_not) for each in drift.attributes] == [(None, why)]


def test_a_sensitive_value_is_named_and_not_shown(found: Any) -> None:
    one = changed("kafka_user_scram_credential.user", {"username": "sink", "password": "hush-hush"}, password="other")
    one["change"]["before_sensitive"] = one["change"]["after_sensitive"] = {"password": True}
    (drift,) = found(topics=[one])
    assert "hush-hush" not in repr(drift) and drift.attributes[0].key is None
    assert drift.attributes[0].why_not == "its value is a secret, which no YAML holds"


def columns(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": "VARCHAR", "nullable": True, "comment": ""} for name in names]


def test_columns_are_told_one_by_one_whatever_their_order(found: Any) -> None:
    table = {"database": "STREAMING", "schema": "PUBLIC", "name": "ORDER_EVENTS", "column": columns("A", "B")}
    (drift,) = found(warehouse=[changed("snowflake_table.orders", table, column=columns("C", "A"))])
    assert [(each.path, each.before, each.after) for each in drift.attributes] == [
        ("column B", "VARCHAR", None),
        ("column C", None, "VARCHAR"),
    ]
    assert found(warehouse=[changed("snowflake_table.orders", table, column=columns("B", "A"))]) == []


def test_a_column_that_a_connector_added_to_a_table_that_lets_it_is_no_drift(tmp_path: Path) -> None:
    evolving = "extends: local\nwarehouse: {tables: {STREAMING.PUBLIC.ORDER_EVENTS: {schema_evolution: true}}}\n"
    environment = load_environment(new_project(tmp_path, evolving=evolving), "evolving")
    table = {"database": "STREAMING", "schema": "PUBLIC", "name": "ORDER_EVENTS", "column": columns("A", "B")}
    added = refreshed(warehouse=[changed("snowflake_table.orders", table, column=columns("A", "B", "C"))])
    dropped = refreshed(warehouse=[changed("snowflake_table.orders", table, column=columns("A"))])
    assert drift_of_plan(added, environment) == []
    assert [each.attributes[0].path for each in drift_of_plan(dropped, environment)] == ["column B"]


def test_what_went_with_a_dropped_schema_stands_with_it(found: Any) -> None:
    gone = [
        entry("snowflake_schema.schema", {"database": "ANALYTICS", "name": "MARTS"}, None, "ANALYTICS.MARTS"),
        entry(
            "snowflake_view.view", {"database": "ANALYTICS", "schema": "MARTS", "name": "V"}, None, "ANALYTICS.MARTS.V"
        ),
        entry(
            "snowflake_grant_privileges_to_database_role.on", {}, None,
            "ANALYTICS.MARTS_READ future tables in ANALYTICS.MARTS",
        ),
        entry("snowflake_grant_privileges_to_account_role.on", {}, None, "ANALYST warehouse REPORTING_WH"),
    ]  # fmt: skip
    drifts = found(warehouse=gone)
    assert [(each.what, len(each.with_it)) for each in drifts] == [
        ("schema ANALYTICS.MARTS", 2),
        ("grant ANALYST warehouse REPORTING_WH", 0),
    ]


def declared(value: dict[str, Any]) -> dict[str, dict[str, Declared]]:
    block = {
        "name": "${each.key}",
        "partitions": "${each.value.partitions}",
        "config": "${each.value.config}",
        "comment": "${each.value.comment}",
    }
    address = 'kafka_topic.topic["order-events"]'
    return {"topics": {address: Declared("kafka_topic", "topic", "order-events", address, block, value)}}


def test_what_the_yaml_says_by_now_as_well_is_no_drift(found: Any) -> None:
    plan = [changed("kafka_topic.topic", TOPIC, "order-events", config={"retention.ms": "3600000"}, partitions=8)]
    both = {"partitions": 8, "config": {"retention.ms": "3600000"}}
    assert found(declared(both), topics=plan) == []
    (drift,) = found(declared({**both, "partitions": 6}), topics=plan)
    assert [each.path for each in drift.attributes] == ["partitions"]


def test_what_is_gone_and_left_the_yaml_too_is_no_drift(found: Any) -> None:
    gone = [entry("kafka_topic.topic", TOPIC, None, "order-events")]
    assert found({"topics": {}}, topics=gone) == []
    assert len(found(declared({}), topics=gone)) == 1
