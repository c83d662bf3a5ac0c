"""Every tier of Confluent Cloud rehearsed by real Terraform with simulated providers, from plan to destroy.

What the rehearsal cannot show (what a real account would refuse) is not claimed here.
"""

from __future__ import annotations

import pytest

from tests.platforms.conftest import Rehearse
from tests.platforms.golden import cases

WHOLE = ("confluent-dedicated_privatelink-prod",)
"""Deployed and destroyed in every run: the largest; the smallest is in tests/simulated, others in `make soak`."""

OTHERS = sorted(set(cases("confluent")) - set(WHOLE))


@pytest.mark.parametrize("case", [*WHOLE, *(pytest.param(case, marks=pytest.mark.soak) for case in OTHERS)])
def test_a_tier_is_planned_deployed_changed_and_destroyed(rehearse: Rehearse, case: str) -> None:
    it = rehearse(case)
    planned = it.deployed_as_planned()

    it.add_to_common("topics: {order-events: {retention: 60d}, clicks: {partitions: 3}}")
    changed = it.plan()
    assert changed.code == 2, changed.err
    topic = 'topics: confluent_kafka_topic.topic["{}"]'.format
    assert changed.changes[topic("order-events")] == "update"
    assert changed.changes[topic("clicks")] == "create"
    assert set(changed.changes.values()) == {"update", "create"}
    assert changed.findings == []

    destroyed = it.destroy()
    assert destroyed.code == 0, destroyed.err
    gone = sum(int(line.split()[1]) for line in destroyed.out.splitlines() if " destroyed in " in line)
    assert f" {gone} to create" in planned.out.splitlines()[-2]


def test_what_cannot_be_changed_about_a_cluster_is_refused_or_shown_as_a_replacement(rehearse: Rehearse) -> None:
    """One deployment, several changes planned: a tier up, a tier across, a region, a limit, a schema."""
    it = rehearse("confluent-standard-dev")
    assert it.deploy().code == 0
    cluster = "cluster: confluent_kafka_cluster.main"

    def planned(old: str, new: str) -> tuple[int, str | None, list[tuple[str, str]]]:
        answer = it.plan_with(old, new)
        return answer.code, answer.changes.get(cluster), answer.findings

    # Nothing follows from it: not the registry's keys, nor rights on it.
    scaled = it.plan_with("tier: standard", "max_ecku: 4, stream_governance: advanced, tier: standard")
    assert (scaled.code, scaled.findings) == (2, [])
    assert scaled.changes == {cluster: "update", "cluster: confluent_environment.main": "update"}
    for tier in ("basic", "dedicated"):
        code, _, findings = planned("tier: standard", f"tier: {tier}")
        assert code == 1
        assert ("refuse", findings[0][1]) == findings[0] and f"cannot go from standard to {tier}" in findings[0][1]
    code, kind, findings = planned("region: us-east-1", "region: eu-west-1")
    # A guard refuses it, for the cluster's data; what it would be is shown.
    assert (code, kind) == (1, "replace")
    assert ("warn", "holds data: it will be deleted and created again, its topics and their messages are lost, and "
            "clients need its new address and keys") in findings  # fmt: skip

    schema = it.project.environments / "schemas" / "order_events.avsc"
    text = schema.read_text()
    assert text.count('"currency", "type": "string", "default": "USD"') == 1
    schema.write_text(text.replace('"currency", "type": "string", "default": "USD"', '"money", "type": "string"'))
    answer = it.plan()
    assert answer.code == 1
    assert any(
        severity == "refuse" and '"money" has no default: BACKWARD' in text for severity, text in answer.findings
    )
