from __future__ import annotations

from modules.environment.model import Environment
from modules.topics import access_acls, dead_letter_topic, schema_specs, sink_acls, topic_specs


def environment(platform: str = "local", **topics: dict) -> Environment:
    return Environment.model_validate(
        {"name": "x", "source": "environments/x.yaml", "platform": platform, "topics": topics}
    )


ORDERS = {
    "partitions": 6,
    "retention": "30d",
    "value": {"schema": "schemas/order_events.avsc"},
    "sink": {"table": "STREAMING.PUBLIC.ORDER_EVENTS"},
}


def test_a_topic_with_a_sink_brings_its_dead_letter_topic() -> None:
    orders, dead = topic_specs(environment(orders=ORDERS))
    assert (orders.name, orders.partitions, orders.replication) == ("orders", 6, 1)
    assert dict(orders.config)["retention.ms"] == str(30 * 86_400_000)
    assert dead.name == dead_letter_topic("orders") == "orders.dlq"


def test_a_real_platform_gets_three_replicas_and_two_in_sync() -> None:
    orders, dead = topic_specs(environment("msk", orders=ORDERS))
    assert orders.replication == dead.replication == 3
    assert dict(orders.config)["min.insync.replicas"] == "2"


def test_a_given_setting_wins_over_the_derived_one() -> None:
    (topic,) = topic_specs(environment(plain={"config": {"cleanup.policy": "compact"}}))
    assert dict(topic.config)["cleanup.policy"] == "compact"


def test_no_role_may_do_more_than_its_job() -> None:
    env = environment(orders=ORDERS)
    rights = {
        (acl.role, acl.operation, acl.resource_type, acl.resource_name) for acl in access_acls(env) + sink_acls(env)
    }
    assert {r for r in rights if r[0] == "producer"} == {
        ("producer", "Write", "Topic", "orders"),
    }
    assert {r for r in rights if r[0] == "sink"} == {
        ("sink", "Read", "Topic", "orders"),
        ("sink", "Read", "Group", "sink-orders"),
        ("sink", "Write", "Topic", "orders.dlq"),
    }
    assert not any(operation == "Write" for role, operation, _, _ in rights if role == "consumer")


def test_acl_keys_are_unique() -> None:
    env = environment(orders=ORDERS, clicks={**ORDERS, "sink": {"table": "STREAMING.PUBLIC.CLICKS"}})
    keys = [acl.key for acl in access_acls(env) + sink_acls(env)]
    assert len(keys) == len(set(keys))


def test_a_topic_without_a_schema_has_no_subject() -> None:
    subjects = [schema.subject for schema in schema_specs(environment(orders=ORDERS, raw={}))]
    assert subjects == ["orders-value"]
