"""Reviews of Redpanda's brokers."""

from __future__ import annotations

from typing import Any

import pytest

from modules.terraform.plan import Finding
from tests.terraform.plans import entry, findings


def broker(launch: str = "FARGATE", task: str = "arn:…:1", **more: Any) -> dict[str, Any]:
    return {"name": "streaming-dev-broker-1", "launch_type": launch, "task_definition": task, **more}


def service(actions: list[str], before: Any, after: Any, name: str = "broker-1") -> list[Finding]:
    return findings(entry("aws_ecs_service", actions, before, after, name=name))


@pytest.mark.parametrize(
    "after", [broker(task="arn:…:2"), broker(volume_configuration=[{"managed_ebs_volume": [{"size_in_gb": 50}]}])]
)
def test_a_redpanda_task_on_fargate_is_not_replaced_without_saying_that_its_volume_dies(after: Any) -> None:
    (finding,) = service(["update"], broker(), after)
    assert finding.severity == "warn" and finding.address == "aws_ecs_service.broker-1"
    assert "holds data: the task of broker-1 will be replaced, its volume dies with it" in finding.message


def test_a_redpanda_task_that_stays_or_keeps_its_volume_is_no_loss() -> None:
    assert service(["update"], broker(), broker(tags={"team": "x"})) == []
    assert service(["update"], broker("EC2"), broker("EC2", task="arn:…:2")) == []
    assert service(["update"], broker(), broker(task="arn:…:2"), name="registry") == []


@pytest.mark.parametrize(("launch", "dies"), [("FARGATE", True), ("EC2", False)])
@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"]])
def test_a_redpanda_broker_is_not_taken_out_without_saying_so(actions: list[str], launch: str, dies: bool) -> None:
    (finding,) = service(actions, broker(launch), None if actions == ["delete"] else broker(launch))
    assert finding.severity == "warn" and finding.message.startswith("holds data: broker-1 will be deleted")
    assert ("its volume dies with its task" in finding.message) is dies
    assert "decommission" in (finding.do or "")


@pytest.mark.parametrize(("old", "new"), [("FARGATE", "EC2"), ("EC2", "FARGATE")])
def test_redpanda_never_changes_what_its_brokers_run_on_all_at_once(old: str, new: str) -> None:
    (finding,) = service(["delete", "create"], broker(old), broker(new))
    assert (finding.severity, finding.message) == (
        "refuse",
        f"broker-1 cannot move from {old} to {new}: Terraform would end all brokers at once, and all copies of all "
        "partitions with them",
    )


@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"]])
def test_a_redpanda_brokers_volume_and_machine_are_not_taken_away_without_saying_so(actions: list[str]) -> None:
    after = None if actions == ["delete"] else {}
    (volume,) = findings(entry("aws_ebs_volume", actions, {}, after, name="broker", key="1"))
    assert volume.severity == "warn" and "the broker's copies of its partitions are lost" in volume.message
    (machine,) = findings(entry("aws_instance", actions, {}, after, name="broker-1"))
    assert machine.severity == "warn" and "its volume stays" in machine.message
    assert findings(entry("aws_instance", actions, {}, after, name="bastion")) == []
