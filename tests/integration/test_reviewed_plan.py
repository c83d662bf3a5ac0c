"""A reviewed plan on the real local platform: refused while a byte of a state or the cluster is another, applied as it
is once nothing has moved. The kinds of damage and of movement are in tests/artefact, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import RunningPlatform
from tests.integration.program import Infra, Ran

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]

YAML = "platform: local\ntopics:\n  reviewed-events: {partitions: 1}\n"
KAFKA_ALONE = ("--target", "cluster", "--target", "topics")
"""The estate on the session's stand-in is the other tests'."""


@pytest.fixture
def infra(local_platform: RunningPlatform) -> Iterator[Infra]:
    """An environment of its own on the session's platform."""
    infra = Infra(local_platform.project)
    file = infra.project.environments / "reviewed.yaml"
    file.write_text(YAML)
    yield infra
    infra("destroy", "--env", "reviewed", "--yes")
    file.unlink()


def refused(ran: Ran, what: str) -> None:
    assert ran.code == 1, ran.out + ran.err
    assert what in ran.err, ran.err


def test_a_reviewed_plan_is_applied_exactly_where_it_was_reviewed_for(infra: Infra, tmp_path: Path) -> None:
    place = str(tmp_path / "plan")
    made = infra("plan", "--env", "reviewed", *KAFKA_ALONE, "--out", place)
    assert made.code == 2, made.err

    def deploy() -> Ran:
        return infra("deploy", "--env", "reviewed", "--plan", place, "--json")

    cluster = infra.project.local / "data" / "kafka" / "meta.properties"
    whole = cluster.read_text()
    mine = next(line.partition("=")[2] for line in whole.splitlines() if line.startswith("cluster.id="))
    try:
        cluster.write_text(whole.replace(mine, "another-cluster"))
        refused(deploy(), f"the approved plan no longer holds: Kafka cluster was {mine}, here it is another-cluster")
    finally:
        cluster.write_text(whole)

    applied = deploy()
    assert applied.code == 0, applied.err
    assert applied.json["result"]["changed"] is True
    topics = infra.project.environment_state("reviewed") / "topics" / "terraform.tfstate"
    assert "reviewed-events" in topics.read_text()

    # The next one: everything is planned beforehand, so that nothing is planned by the deploy.
    infra.edit("reviewed.yaml", "partitions: 1", "partitions: 3")
    assert infra("plan", "--env", "reviewed", *KAFKA_ALONE, "--out", place).code == 2
    before = topics.read_bytes()
    topics.write_bytes(before.replace(b"reviewed-events", b"reviewed-Events", 1))
    refused(deploy(), "state of stack topics was changed since: it has the same serial")
    topics.write_bytes(before)
    applied = deploy()
    assert applied.code == 0, applied.err
    assert "planning" not in applied.err
    assert "topics: applied" in applied.err
