"""Reviews of what holds data: deleted, replaced, a column dropped."""

from __future__ import annotations

import pytest

from tests.terraform.plans import entry, findings


@pytest.mark.parametrize("type_", ["kafka_topic", "snowflake_table", "snowflake_schema", "snowflake_database"])
@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"], ["create", "delete"]])
def test_what_holds_data_is_not_deleted_without_saying_so(type_: str, actions: list[str]) -> None:
    after = None if actions == ["delete"] else {"name": "new"}
    (finding,) = findings(entry(type_, actions, {"name": "old"}, after))
    assert finding.severity == "warn" and finding.message.startswith("holds data: it will be deleted")


@pytest.mark.parametrize(
    ("type_", "before"),
    [
        ("kafka_topic", {"name": "_infra_smoke"}),
        ("confluent_kafka_topic", {"topic_name": "_infra_smoke.dlq"}),
        ("schemaregistry_schema", {"subject": "_infra_smoke-value"}),
        ("snowflake_table", {"name": "_INFRA_SMOKE"}),
    ],
)
def test_what_the_smoke_test_measures_with_is_no_data_of_anybodys(type_: str, before: dict[str, str]) -> None:
    assert findings(entry(type_, ["delete"], before, None)) == []


def test_columns_in_another_order_are_told_since_snowflake_adds_them_at_the_end() -> None:
    names = ("RECORD_METADATA", "ORDER_ID", "COUPON")
    before, after = (
        {"name": "ORDERS", "column": [{"name": name, "type": "VARCHAR"} for name in some]}
        for some in (names, ("RECORD_METADATA", "COUPON", "ORDER_ID"))
    )
    (finding,) = findings(entry("snowflake_table", ["update"], before, after))
    assert finding.severity == "warn"
    assert finding.message.startswith("the columns of table ORDERS are declared in another order than they are in")
    assert finding.do and finding.do.endswith("RECORD_METADATA, ORDER_ID, COUPON")


def test_a_dropped_column_is_lost_data_and_an_added_one_is_not() -> None:
    columns = [{"name": "ORDER_ID", "type": "VARCHAR"}, {"name": "COUPON", "type": "VARCHAR"}]
    both, one = ({"name": "ORDERS", "column": some} for some in (columns, columns[:1]))
    (finding,) = findings(entry("snowflake_table", ["update"], both, one))
    assert finding.severity == "warn"
    assert finding.message == "holds data: column COUPON of table ORDERS will be dropped, its values are lost"
    assert findings(entry("snowflake_table", ["update"], one, both)) == []


def test_an_acl_may_go_without_a_word() -> None:
    assert findings(entry("kafka_acl", ["delete"], {"acl_principal": "User:x"}, None)) == []


@pytest.mark.parametrize(
    ("type_", "lost"),
    [
        ("confluent_kafka_cluster", "its topics and their messages are lost"),
        ("confluent_environment", "its clusters, topics and schemas are lost"),
        ("confluent_kafka_topic", "its messages are lost"),
        ("confluent_schema", "consumers can no longer look up the schema"),
    ],
)
def test_what_holds_data_on_confluent_is_not_deleted_without_saying_so(type_: str, lost: str) -> None:
    (finding,) = findings(entry(type_, ["delete"], {"display_name": "x", "subject_name": "s"}, None))
    assert finding.severity == "warn" and lost in finding.message


@pytest.mark.parametrize("type_", ["aws_msk_cluster", "aws_msk_serverless_cluster", "aws_db_instance"])
def test_what_holds_data_on_msk_is_not_deleted_without_saying_so(type_: str) -> None:
    (finding,) = findings(entry(type_, ["delete"], {}, None))
    assert finding.severity == "warn" and "are lost" in finding.message
