"""What the status screen shows of a Kafka Connect worker and its connectors: killed, failed, started again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType, ResourceType
from confluent_kafka.admin import AdminClient as Admin

from modules.environment.loader import load_environment
from modules.local import connect, supervisor
from modules.local.platform import down, reset
from modules.platforms import platform_for
from modules.status.gather import Watch, open_watch
from tests.integration.conftest import new_project
from tests.integration.kafka_connect_parts import Flow
from tests.integration.program import Infra
from tests.integration.test_status import rules, until

pytestmark = [pytest.mark.platform, pytest.mark.soak, pytest.mark.timeout(900)]

YAML = "extends: base\nplatform: local\nconnect: {kind: kafka-connect}\nsmoke: {own: false}\n"
TOPIC, CONNECTOR = "order-events", "streaming-local-sink-order-events"


@pytest.fixture
def infra(tmp_path: Path) -> Iterator[Infra]:
    project = new_project(tmp_path)
    (project.environments / "local.yaml").write_text(YAML)
    found = Infra(project)
    assert found("local", "up").code == 0
    yield found
    down(project)
    reset(project)


@pytest.fixture
def watch(infra: Infra) -> Iterator[Watch]:
    deployed = infra("deploy", "--env", "local", "--yes")
    assert deployed.code == 0, deployed.err
    environment = load_environment(infra.project, "local")
    found = open_watch(environment, infra.project, platform_for(environment, infra.project))
    yield found
    found.close()


def take_away_reading(admin: Admin) -> None:
    """The worker may read the topic no longer: its task fails as after a revoked right."""
    wanted = AclBindingFilter(
        ResourceType.TOPIC, TOPIC, ResourcePatternType.LITERAL, f"User:{connect.PRINCIPAL}", None,
        AclOperation.READ, AclPermissionType.ANY,
    )  # fmt: skip
    (gone,) = admin.delete_acls([wanted]).values()
    assert gone.result(20), "there was such a right"


def test_a_connector_that_failed_and_a_worker_that_was_killed_are_shown_and_clear_when_started_again(
    infra: Infra, watch: Watch
) -> None:
    until(watch, lambda status: status.healthy, 120)
    admin = Admin(watch_settings(infra))

    take_away_reading(admin)
    failed = until(watch, lambda status: "task-down" in rules(status), 120)
    (connector,) = failed.found.connectors
    assert connector.name == CONNECTOR and connector.state == "RUNNING"
    assert "not authorized" in str(connector.tasks[0].error).lower()
    shown = infra("status", "--env", "local")
    assert shown.code == 5
    assert f"infra connect restart --env local {TOPIC} --failed" in shown.out and CONNECTOR in shown.out

    Flow.allow(admin, TOPIC, f"connect-{CONNECTOR}")
    still = watch.look()
    assert "task-down" in rules(still), "a task that failed does not start by itself"
    assert infra("connect", "restart", "--env", "local", TOPIC, "--failed").code == 0
    until(watch, lambda status: status.healthy, 120)

    take_away_reading(admin)
    until(watch, lambda status: "task-down" in rules(status), 120)
    Flow.allow(admin, TOPIC, f"connect-{CONNECTOR}")
    again = infra("status", "--env", "local", "--restart", "--yes")
    assert CONNECTOR in again.err
    until(watch, lambda status: status.healthy, 120)

    worker = supervisor.find(infra.project.local, connect.NAME)
    assert worker is not None
    worker.kill()
    worker.wait(20)
    killed = watch.look()
    assert "service-down" in rules(killed)
    (down_,) = [each for each in killed.found.reached if not each.up]
    assert down_.what == "connect" and "does not answer" in str(down_.why)
    assert infra("local", "up").code == 0
    until(watch, lambda status: status.healthy, 120)


def watch_settings(infra: Infra) -> dict[str, str]:
    """The administrator's way to Kafka."""
    found = platform_for(load_environment(infra.project, "local"), infra.project).kafka_client("admin")
    return {name: str(value) for name, value in found.items()}
