"""`infra import` takes over topics, ACLs and subjects that someone made by hand, without touching them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from modules.environment import load_environment
from modules.local.endpoints import load_endpoints
from modules.platforms import platform_for
from tests.integration.conftest import new_project
from tests.integration.program import Infra

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]

CLICK = {"type": "record", "name": "Click", "fields": [{"name": "page", "type": "string"}]}


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    infra = Infra(new_project(tmp_path_factory.mktemp("import")))
    try:
        assert infra("local", "up").code == 0
        yield infra
    finally:
        infra("local", "down")


def changes(document: Any) -> list[tuple[str, str]]:
    return [(each["kind"], each["address"]) for stack in document["stacks"] for each in stack["changes"]]


def test_what_was_made_by_hand_is_shown_written_and_taken_over_untouched(infra: Infra) -> None:
    client = AdminClient(platform_for(load_environment(infra.project, "local"), infra.project).kafka_client("admin"))
    by_hand = {"retention.ms": "86400000", "cleanup.policy": "delete"}
    topics = [
        NewTopic("clicks.raw", 3, 1, config={**by_hand, "max.message.bytes": "2000000"}),
        NewTopic("order-events", 6, 1, config={"retention.ms": "2592000000", "cleanup.policy": "delete"}),
    ]
    for future in client.create_topics(topics).values():
        future.result(20)
    url = f"{load_endpoints(infra.project).registry_url}/subjects/clicks.raw-value/versions"
    body = json.dumps({"schema": json.dumps(CLICK)}).encode()
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20).close()

    shown = infra("import", "--env", "local", "--json")
    assert shown.code == 2, shown.err
    assert shown.json["topics"] == {
        "clicks.raw": {
            "partitions": 3,
            "retention": "1d",
            "config": {"max.message.bytes": "2000000"},
            "value": {"schema": "schemas/clicks_raw.avsc", "compatibility": "NONE"},
        }
    }
    assert not (infra.project.environments / "schemas/clicks_raw.avsc").exists()

    before = (infra.project.environments / "local.yaml").read_text()
    written = infra("import", "--env", "local", "--write", "--yes", "--json")
    assert written.code == 0, written.err
    assert written.json["imports"] == {
        "topics": {
            'kafka_topic.topic["clicks.raw"]': "clicks.raw",
            'kafka_topic.topic["order-events"]': "order-events",
            'schemaregistry_schema.value["clicks.raw-value"]': "clicks.raw-value",
        }
    }
    after = (infra.project.environments / "local.yaml").read_text()
    assert after.startswith(before.rpartition("slo:")[0]), "comments and order are kept"
    schema = json.loads((infra.project.environments / "schemas/clicks_raw.avsc").read_text())
    assert schema == CLICK

    deployed = infra("deploy", "--env", "local", "--yes", "--json")
    assert deployed.code == 0, deployed.err
    result = {each["stack"]: each for each in deployed.json["result"]["stacks"]}
    assert (result["topics"]["imported"], result["topics"]["destroyed"]) == (3, 0)
    assert infra.plan().code == 0
    found = client.list_topics(timeout=20).topics
    assert {name: len(found[name].partitions) for name in ("clicks.raw", "order-events")} == {
        "clicks.raw": 3, "order-events": 6,
    }  # fmt: skip
    again = infra("import", "--env", "local")
    assert again.code == 0, again.out
    assert "everything that runs is in local already" in again.err


@pytest.mark.soak
def test_a_state_that_was_lost_is_made_again_from_what_runs(infra: Infra) -> None:
    deployed = infra("deploy", "--env", "local", "--yes")
    assert deployed.code == 0, deployed.err
    (infra.project.environment_state("local") / "topics" / "terraform.tfstate").unlink()
    ran = infra("import", "--env", "local", "--write", "--yes", "--json")
    assert ran.code == 0, ran.err
    imports = ran.json["imports"]["topics"]
    assert 'kafka_acl.allow["producer write topic order-events"]' in imports
    planned = infra.plan()
    assert {kind for kind, _ in changes(planned.json)} == {"import"}, planned.out
    assert infra("deploy", "--env", "local", "--yes").code == 0
    assert infra.plan().code == 0


def test_one_topic_can_be_named_and_what_cannot_be_said_is_left_with_the_reason(infra: Infra) -> None:
    client = AdminClient(platform_for(load_environment(infra.project, "local"), infra.project).kafka_client("admin"))
    wanted = [
        NewTopic("audit.a", 1, 1),
        NewTopic("audit.b", 1, 1, config={"retention.ms": "-1"}),
        NewTopic("other", 1, 1),
    ]
    for future in client.create_topics(wanted).values():
        future.result(20)
    shown = infra("import", "audit.*", "--env", "local", "--json")
    assert shown.code == 2
    assert shown.json["topics"] == {"audit.a": {"partitions": 1}}
    assert "topic audit.b keeps its events for ever, which `retention` cannot say" in shown.json["left"]
    assert infra("import", "--env", "local", "--write").code == 1


def test_a_schema_file_with_another_content_is_not_overwritten(infra: Infra) -> None:
    file = infra.project.environments / "schemas" / "mine.avsc"
    file.write_text('{"type": "record", "name": "Mine", "fields": [{"name": "x", "type": "int"}]}')
    client = AdminClient(platform_for(load_environment(infra.project, "local"), infra.project).kafka_client("admin"))
    for future in client.create_topics([NewTopic("mine", 1, 1)]).values():
        future.result(20)
    url = f"{load_endpoints(infra.project).registry_url}/subjects/mine-value/versions"
    body = json.dumps({"schema": json.dumps(CLICK)}).encode()
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20).close()
    before = (infra.project.environments / "local.yaml").read_bytes()
    ran = infra("import", "mine", "--env", "local", "--write", "--yes")
    assert ran.code == 1
    assert "error: environments/schemas/mine.avsc: the file exists with another schema than the registry's" in ran.err
    assert (infra.project.environments / "local.yaml").read_bytes() == before
