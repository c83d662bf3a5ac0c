"""Every mode of MSK rehearsed by real Terraform with simulated providers, from plan to destroy.

What the rehearsal cannot show (what a real account would refuse) is not claimed here.
"""

from __future__ import annotations

import json

import pytest

from modules.environment import load_environment
from tests.platforms.conftest import Rehearse
from tests.platforms.golden import cases
from tests.platforms.rehearsal import Answer

CLUSTER = "cluster: aws_msk_cluster.main"
GLUE = "msk-provisioned_glue-prod"

WHOLE = ("msk-serverless-dev",)
"""Cases that are deployed, changed and destroyed in every run; the others in `make soak`."""

OTHERS = sorted(case for case in cases("msk") if "_applications-" not in case and case not in WHOLE)


@pytest.mark.parametrize("case", [*WHOLE, *(pytest.param(case, marks=pytest.mark.soak) for case in OTHERS)])
def test_a_mode_is_planned_deployed_changed_and_destroyed(rehearse: Rehearse, case: str) -> None:
    it = rehearse(case)
    planned = it.deployed_as_planned()

    it.add("topics: {order-events: {retention: 60d}, clicks: {partitions: 3}}")
    changed = it.plan()
    assert changed.code == 2, changed.err
    topic = 'topics: kafka_topic.topic["{}"]'.format
    assert changed.changes[topic("order-events")] == "update"
    assert changed.changes[topic("clicks")] == "create"
    rights = 'topics: kafka_acl.allow["producer write topic clicks"]'
    policy = 'topics: aws_iam_policy.access["producer"]'
    scram = load_environment(it.project, it.name).msk.login == "scram"
    assert (changed.changes.get(rights), changed.changes.get(policy)) == (
        ("create", None) if scram else (None, "update")
    )
    assert set(changed.changes.values()) == {"update", "create"}

    destroyed = it.destroy()
    assert destroyed.code == 0, destroyed.err
    gone = sum(int(line.split()[1]) for line in destroyed.out.splitlines() if " destroyed in " in line)
    (summary,) = [line for line in planned.out.splitlines() if line.startswith(case.rpartition("-")[2] + ": ")]
    assert f" {gone} to create" in summary


def test_glues_schema_goes_on_in_place_and_an_incompatible_one_is_refused(rehearse: Rehearse) -> None:
    it = rehearse(GLUE)
    assert it.deploy().code == 0
    file = it.project.environments / "schemas/order_events.avsc"
    schema = json.loads(file.read_text())
    address = 'topics: aws_glue_schema.value["order-events-value"]'

    def planned(field: dict[str, object]) -> Answer:
        file.write_text(json.dumps({**schema, "fields": [*schema["fields"], field]}))
        return it.plan()

    answer = planned({"name": "coupon", "type": ["null", "string"], "default": None})
    assert (answer.code, answer.changes[address]) == (2, "update"), answer.err
    answer = planned({"name": "coupon", "type": "string"})
    assert answer.code == 1
    assert any(each == "refuse" and 'field "coupon" has no default' in text for each, text in answer.findings)

    file.write_text(json.dumps(schema))
    it.change("registry: {kind: glue}", "registry: {kind: external, url: 'https://registry.example.com'}")
    refused = it.deploy()
    assert refused.code == 1 and "the registry cannot go from Glue" in refused.err
    it.change("registry: {kind: external, url: 'https://registry.example.com'}", "registry: {kind: glue}")
    assert it.plan().code == 0, "nothing was changed"


def test_what_can_be_changed_about_brokers_is_changed_in_place_and_the_rest_is_refused(rehearse: Rehearse) -> None:
    """One deployment, several changes planned; what replaces is in `simulated/replaces.yaml` with its source."""
    it = rehearse("msk-provisioned-dev")
    assert it.deploy().code == 0

    brokers, type_ = "brokers: 3", "mode: provisioned, broker_type: kafka.m7g.large"
    for new in ("brokers: 6", f"{brokers}, open_monitoring: false", f"{brokers}, kafka_version: 4.0.x.kraft"):
        answer = it.plan_with(brokers, new)
        assert (answer.code, answer.changes[CLUSTER], answer.findings) == (2, "update", []), new
    answer = it.plan_with(brokers, f"{brokers}, storage_per_broker: 500GiB")
    assert CLUSTER not in answer.changes, "a disk has grown by itself since; only its ceiling follows the YAML"
    assert answer.changes["cluster: aws_appautoscaling_target.disk"] == "update"

    answer = it.plan_with(type_, "mode: express")
    assert answer.code == 1
    assert any(each == "refuse" and "from Standard to Express" in text for each, text in answer.findings)
    refused = it.plan_with(brokers, f"{brokers}, registry: {{kind: glue}}")
    assert refused.code == 1 and "the registry cannot go to Glue" in refused.err
    answer = it.plan_with(f"{type_}, {brokers}", "mode: serverless")
    assert (answer.code, answer.changes[CLUSTER]) == (1, "delete")
    assert "guard data-loss refuses the plan" in answer.err
    assert answer.changes["cluster: aws_msk_serverless_cluster.main"] == "create"
    assert any(each == "warn" and "its topics and their messages are lost" in text for each, text in answer.findings)
