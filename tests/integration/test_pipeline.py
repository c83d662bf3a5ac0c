"""What the README promises, on a real local platform: the demo, then what plans say after each kind of change.

The tests run in the order they stand: each starts from a deployed environment that equals its YAML.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import psutil
import pytest

from modules.environment import load_environment
from modules.local.endpoints import load_endpoints
from modules.platforms import platform_for
from modules.producer.events import OrderEvents
from modules.producer.serializer import EventSerializer
from modules.warehouse.connection import connect
from tests.integration.conftest import new_project
from tests.integration.program import Infra, Ran

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    infra = Infra(new_project(tmp_path_factory.mktemp("pipeline")))
    try:
        yield infra
    finally:
        infra("local", "down")


def changes(ran: Ran) -> list[tuple[str, str]]:
    return [(each["kind"], each["address"]) for stack in ran.json["stacks"] for each in stack["changes"]]


def admin(infra: Infra) -> Any:
    from confluent_kafka.admin import AdminClient

    platform = platform_for(load_environment(infra.project, "local"), infra.project)
    return AdminClient(platform.kafka_client("admin"))


def sql(infra: Infra, *statements: str) -> list[list[Any]]:
    """Each statement's rows, as the administrator."""
    platform = platform_for(load_environment(infra.project, "local"), infra.project)
    with closing(connect(platform.snowflake_client("admin"), infra.project)) as connection:
        return [connection.cursor().execute(statement).fetchall() for statement in statements]


def send(infra: Infra, events: list[dict[str, Any]]) -> None:
    """Events as the producer sends them, by the newest schema."""
    from confluent_kafka import Producer

    platform = platform_for(load_environment(infra.project, "local"), infra.project)
    serialize = EventSerializer(platform.registry_client(), "order-events-value")
    producer = Producer({**platform.kafka_client("producer"), "acks": "all"})
    for event in events:
        producer.produce("order-events", key=event["order_id"].encode(), value=serialize(event))
    assert producer.flush(30) == 0


def test_a_deploy_without_the_platform_says_to_start_it(infra: Infra) -> None:
    ran = infra("plan", "--env", "local")
    assert ran.code == 1
    assert "the local platform is not up" in ran.err and "infra local up" in ran.err


def test_the_demo_is_green(infra: Infra) -> None:
    ran = infra("demo", "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert found["green"] and all(stage["ok"] for stage in found["stages"])
    assert any("1,000 distinct rows of 1,000, 0 twice" in stage["found"] for stage in found["stages"])


def test_a_plan_after_the_demo_is_empty(infra: Infra) -> None:
    ran = infra.plan()
    assert ran.code == 0, ran.out + ran.err
    assert changes(ran) == []


def test_a_plan_after_a_key_was_rotated_is_empty(infra: Infra) -> None:
    ran = infra("warehouse", "rotate-key", "--env", "local", "--user", "SVC_KAFKA_CONNECTOR", "--bits", "2048")
    assert ran.code == 0, ran.err
    ran = infra.plan()
    assert ran.code == 0, ran.out + ran.err
    assert changes(ran) == []


def test_a_changed_retention_is_one_update_in_place(infra: Infra) -> None:
    infra.edit("base.yaml", "retention: 30d", "retention: 20d")
    ran = infra.plan()
    infra.edit("base.yaml", "retention: 20d", "retention: 30d")
    assert ran.code == 2
    assert changes(ran) == [("update", 'kafka_topic.topic["order-events"]')]


def test_more_partitions_are_an_update_with_a_warning_that_keys_move(infra: Infra) -> None:
    infra.edit("base.yaml", "partitions: 6", "partitions: 8")
    ran = infra.plan()
    infra.edit("base.yaml", "partitions: 8", "partitions: 6")
    assert ran.code == 2
    assert changes(ran) == [("update", 'kafka_topic.topic["order-events"]')]
    assert "key" in ran.out and "partition" in ran.out
    assert [f["severity"] for stack in ran.json["stacks"] for f in stack["findings"]] == ["warn"]


def test_fewer_partitions_are_refused_with_the_reason(infra: Infra) -> None:
    infra.edit("base.yaml", "partitions: 6", "partitions: 3")
    ran = infra("plan", "--env", "local")
    infra.edit("base.yaml", "partitions: 3", "partitions: 6")
    assert ran.code == 1
    assert "order-events" in ran.err and "cannot" in ran.err and "partitions" in ran.err
    assert len(admin(infra).list_topics("order-events", timeout=10).topics["order-events"].partitions) == 6


def test_an_incompatible_schema_is_refused_naming_field_and_rule(infra: Infra) -> None:
    new = '{"name": "priority", "type": "int"},\n    {"name": "customer_id"'
    infra.edit("schemas/order_events.avsc", '{"name": "customer_id"', new)
    ran = infra("plan", "--env", "local")
    infra.edit("schemas/order_events.avsc", new, '{"name": "customer_id"')
    assert ran.code == 1
    assert "order-events-value" in ran.err and "priority" in ran.err and "BACKWARD" in ran.err
    assert infra.plan().code == 0, "nothing was touched"


def test_a_topic_deleted_by_hand_is_planned_again(infra: Infra) -> None:
    client = admin(infra)
    for future in client.delete_topics(["order-events.dlq"]).values():
        future.result(20)
    ran = infra.plan()
    assert ran.code == 2
    assert changes(ran) == [("create", 'kafka_topic.topic["order-events.dlq"]')]
    assert infra("deploy", "--env", "local", "--yes").code == 0
    assert infra.plan().code == 0


def test_a_grant_a_column_and_a_size_changed_by_hand_are_drift(infra: Infra) -> None:
    sql(
        infra,
        "REVOKE SELECT ON VIEW ANALYTICS.MARTS.ORDER_EVENTS_CURRENT FROM DATABASE ROLE ANALYTICS.MARTS_READ",
        "ALTER TABLE STREAMING.PUBLIC.ORDER_EVENTS ADD COLUMN BY_HAND NUMBER",
        "ALTER WAREHOUSE REPORTING_WH SET WAREHOUSE_SIZE = 'LARGE'",
    )
    ran = infra.plan()
    assert ran.code == 2
    grant = "ANALYTICS.MARTS_READ view ANALYTICS.MARTS.ORDER_EVENTS_CURRENT"
    assert sorted(changes(ran)) == [
        ("create", f'snowflake_grant_privileges_to_database_role.database_role_on_schema_object["{grant}"]'),
        ("update", "snowflake_table.streaming_public_order_events"),
        ("update", 'snowflake_warehouse.warehouse["REPORTING_WH"]'),
    ]


def test_a_new_optional_field_is_a_column_that_new_events_fill(infra: Infra) -> None:
    note = '{"name": "note", "type": ["null", "string"], "default": null}'
    infra.edit("schemas/order_events.avsc", note, note + ",\n    " + note.replace("note", "channel"))
    ran = infra.plan()
    assert {
        ("update", 'schemaregistry_schema.value["order-events-value"]'),
        ("update", "snowflake_table.streaming_public_order_events"),
        ("update", 'snowflake_view.view["ANALYTICS.MARTS.ORDER_EVENTS_CURRENT"]'),
    } <= set(changes(ran))
    assert infra("deploy", "--env", "local", "--yes").code == 0
    assert infra.plan().code == 0, "what was done by hand is undone as well"

    count = "SELECT COUNT(*), COUNT(CHANNEL) FROM STREAMING.PUBLIC.ORDER_EVENTS"
    ((before, filled),) = sql(infra, count)[0]
    assert before and not filled, "old rows are null"
    send(infra, [{**event, "channel": "web"} for event in islice(OrderEvents(5), 20)])
    until = time.monotonic() + 120
    while (found := sql(infra, count)[0]) != [(before + 20, 20)]:
        assert time.monotonic() < until, found
        time.sleep(0.5)


def test_outputs_are_printed_without_terraform(infra: Infra) -> None:
    ran = infra("output", "--env", "local", "--json")
    assert ran.code == 0
    assert ran.json["cluster"]["bootstrap_servers"] == load_endpoints(infra.project).kafka_bootstrap
    assert ran.json["connect"]["sinks"]["order-events"]["table"] == "STREAMING.PUBLIC.ORDER_EVENTS"


def test_secrets_are_in_no_state_plan_or_log(infra: Infra) -> None:
    secrets = [path for path in infra.project.state.rglob("secrets/*") if path.suffix in (".password", ".p8")]
    assert len(secrets) >= 5
    for path in secrets:
        assert path.stat().st_mode & 0o077 == 0
    needles = [path.read_bytes().strip().splitlines()[1 if path.suffix == ".p8" else 0] for path in secrets]
    for path in infra.project.state.rglob("*"):
        # The broker and the stand-in keep what they must know in `data`.
        if path.is_file() and "secrets" not in path.parts and "data" not in path.parts:
            content = path.read_bytes()
            assert not any(needle in content for needle in needles), path


def test_destroy_and_down_leave_nothing_behind(infra: Infra) -> None:
    ran = infra("destroy", "--env", "local", "--yes")
    assert ran.code == 0, ran.err
    # What data goes stands once, below the plan, where a person would decide.
    assert ran.out.index("local: ") < ran.out.index("Data that will be lost with local:")
    assert ran.out.count("its messages are lost") == ran.out.count(": kafka_topic ") > 0
    assert set(admin(infra).list_topics(timeout=10).topics) & {"order-events", "order-events.dlq"} == set()
    ran = infra("local", "down")
    assert ran.code == 0, ran.err
    here = str(infra.project.root)
    left = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"]) if here in " ".join(p.info["cmdline"] or ())]
    assert left == []
