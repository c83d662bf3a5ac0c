"""An application on the local platform, from its file to a refused login: the broker is never restarted."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from modules.environment import load_environment
from modules.local.endpoints import secret_file
from modules.platforms import platform_for
from modules.project import Project
from tests.integration.conftest import new_project
from tests.integration.program import Infra, up_and_deployed

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]

BILLING = """\
description: Bills what was ordered
produces: [invoices]
consumes: [order-events]
quota: {produce: 5MB/s}
environments: [local]
"""
LOCAL = """\
# yaml-language-server: $schema=schema.json
platform: local
topics: {order-events: {partitions: 1}, invoices: {partitions: 1}, secrets: {partitions: 1}}
"""


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    project = new_project(tmp_path_factory.mktemp("applications"))
    (project.environments / "local.yaml").write_text(LOCAL)
    (project.environments / "applications").mkdir(exist_ok=True)
    file(project).write_text(BILLING)
    with up_and_deployed(project) as infra:
        yield infra


def file(project: Project) -> Path:
    return project.environments / "applications" / "billing.yaml"


def settings(infra: Infra, role: str, **more: Any) -> dict[str, Any]:
    environment = load_environment(infra.project, "local")
    client = platform_for(environment, infra.project).kafka_client(role)
    return {**client, "log_level": 0, **{key.replace("_", "."): value for key, value in more.items()}}


def send(client: dict[str, Any], topic: str) -> KafkaError | None:
    """What became of one message; the login's refusal where there is one."""
    answers: list[KafkaError | None] = []
    refused: list[KafkaError] = []
    producer = Producer({**client, "message.timeout.ms": 15000, "error_cb": refused.append})
    producer.produce(topic, b"{}", on_delivery=lambda error, _: answers.append(error))
    for _ in range(200):
        producer.poll(0.1)
        if answers:
            return answers[0]
        for error in refused:
            if error.code() == KafkaError._AUTHENTICATION:  # type: ignore[attr-defined]
                producer.purge()
                producer.flush(5)
                return error
    raise AssertionError("Kafka did not answer")


def receive(client: dict[str, Any], group: str, topic: str) -> Message | KafkaError:
    """The first message of a topic, or why there is none."""
    consumer = Consumer({**client, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    try:
        consumer.subscribe([topic])
        for _ in range(200):
            message = consumer.poll(0.1)
            if message is not None:
                return message.error() or message
        raise AssertionError("Kafka did not answer")
    except KafkaException as error:
        found: KafkaError = error.args[0]
        return found
    finally:
        consumer.close()


def code(answer: object) -> str:
    return answer.name() if isinstance(answer, KafkaError) else "ok"


def test_it_writes_and_reads_what_its_file_says_and_nothing_else(infra: Infra) -> None:
    billing = settings(infra, "billing")
    assert code(send(billing, "invoices")) == "ok"
    assert code(send(billing, "order-events")) == "TOPIC_AUTHORIZATION_FAILED"
    assert code(send(billing, "secrets")) in ("TOPIC_AUTHORIZATION_FAILED", "_UNKNOWN_TOPIC")

    assert code(send(settings(infra, "producer"), "order-events")) == "ok"
    assert code(receive(billing, "billing-nightly", "order-events")) == "ok"
    assert code(receive(billing, "order-events-nightly", "order-events")) == "GROUP_AUTHORIZATION_FAILED"
    assert code(receive(billing, "billing-nightly", "invoices")) == "TOPIC_AUTHORIZATION_FAILED"


def test_its_password_is_a_private_file_that_outputs_refer_to_and_no_state_holds(infra: Infra) -> None:
    path = secret_file(infra.project, "kafka-billing.password")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    reference = infra("output", "cluster", "--env", "local", "--json").json["cluster"]["credentials"]["billing"]
    assert reference == f"file:{path.relative_to(infra.project.root)}"
    password = path.read_text().strip()
    written = [each for each in infra.project.environment_state("local").rglob("*") if each.is_file()]
    assert len(written) > 10
    assert [each for each in written if password.encode() in each.read_bytes()] == []


def test_a_second_plan_is_empty_and_says_that_a_laptop_limits_nothing(infra: Infra) -> None:
    planned = infra.plan()
    assert planned.code == 0, planned.out
    assert "quota of billing is left out" in planned.err


def test_a_new_password_takes_effect_with_a_deploy(infra: Infra) -> None:
    path = secret_file(infra.project, "kafka-billing.password")
    before = settings(infra, "billing")
    path.write_text(uuid.uuid4().hex)
    planned = infra.plan()
    changes = [(each["kind"], each["address"]) for stack in planned.json["stacks"] for each in stack["changes"]]
    assert changes == [("update", 'kafka_user_scram_credential.user["billing"]')]
    assert infra("deploy", "--env", "local", "--yes").code == 0
    assert code(send(settings(infra, "billing"), "invoices")) == "ok"
    assert code(send(before, "invoices")) == "_AUTHENTICATION"


def test_taken_out_its_login_is_refused(infra: Infra) -> None:
    billing = settings(infra, "billing")
    file(infra.project).unlink()
    deployed = infra("deploy", "--env", "local", "--yes", "--json")
    assert deployed.code == 0, deployed.err
    topics = next(each for each in deployed.json["result"]["stacks"] if each["stack"] == "topics")
    assert topics["destroyed"] == 4, "a login and three rights"
    assert code(send(billing, "invoices")) == "_AUTHENTICATION"
    assert code(send(settings(infra, "producer"), "order-events")) == "ok"
