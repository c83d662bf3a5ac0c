"""What the README promises, on a real local platform: the demo, then what plans say after each kind of change.

The tests run in the order they stand: each starts from a deployed environment that equals its YAML.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from modules.local.endpoints import load_endpoints
from modules.platforms import platform_for
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

    from modules.environment import load_environment

    platform = platform_for(load_environment(infra.project, "local"), infra.project)
    return AdminClient(platform.kafka_client("admin"))


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
    assert set(admin(infra).list_topics(timeout=10).topics) & {"order-events", "order-events.dlq"} == set()
    ran = infra("local", "down")
    assert ran.code == 0, ran.err
    here = str(infra.project.root)
    left = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"]) if here in " ".join(p.info["cmdline"] or ())]
    assert left == []
