"""Redpanda rehearsed by real Terraform with simulated providers, and its gates run by real Terraform.

What the rehearsal cannot show (what ECS would refuse, how long a broker takes) is not claimed here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.errors import InfraError
from tests.platforms.conftest import Rehearse
from tests.platforms.golden import cases, golden
from tests.terraform.support import Workbench

WHOLE = ("redpanda-ec2-prod",)
"""Cases that are deployed, changed and destroyed in every run; the others in `make soak`."""

OTHERS = sorted(set(cases("redpanda")) - set(WHOLE))


def kinds(changes: dict[str, str], prefix: str) -> dict[str, str]:
    return {address.removeprefix("cluster: "): kind for address, kind in changes.items() if prefix in address}


@pytest.mark.parametrize(
    "case",
    [*WHOLE, *(pytest.param(case, marks=pytest.mark.soak) for case in OTHERS if "_applications-" not in case)],
)
def test_brokers_are_planned_deployed_upgraded_and_destroyed(rehearse: Rehearse, case: str) -> None:
    it = rehearse(case)
    it.deployed_as_planned()

    it.change("redpanda:\n", "redpanda:\n  image: redpandadata/redpanda:v26.2.3\n")
    count = len(golden(case)["cluster"]["resource"]["aws_ecs_service"])
    # On Fargate a broker's volume goes with its task, which a guard wants to be told for each.
    losing = range(1, count + 1) if "fargate" in case else ()
    allowed = [word for number in losing for word in ("--allow-destroy", f"aws_ecs_service.broker-{number}")]
    if losing:
        assert "guard data-loss refuses the plan" in it.plan().err
    upgrade = it.plan(*allowed)
    assert upgrade.code == 2, upgrade.err
    assert kinds(upgrade.changes, "aws_ecs_service") == {
        f"aws_ecs_service.broker-{number}": "update" for number in range(1, count + 1)
    }
    assert set(kinds(upgrade.changes, "terraform_data").values()) == {"replace"}
    assert len(kinds(upgrade.changes, "terraform_data")) == count + 1
    assert set(kinds(upgrade.changes, "aws_ecs_task_definition").values()) == {"replace"}
    touched = {address.partition(": ")[2].partition(".")[0] for address in upgrade.changes}
    assert touched == {"aws_ecs_service", "aws_ecs_task_definition", "terraform_data"}
    dies = [message for severity, message in upgrade.findings if severity == "warn" and "dies with it" in message]
    assert len(dies) == (count if "fargate" in case else 0)
    assert it.deploy(*allowed).code == 0
    assert it.plan().code == 0

    destroyed = it.destroy()
    assert destroyed.code == 0, destroyed.err


def test_what_is_refused_and_what_is_added_after_a_deploy(rehearse: Rehearse) -> None:
    """One deployment, several changes planned."""
    it = rehearse("redpanda-ec2-prod")
    assert it.deploy().code == 0

    more = it.plan_with("brokers: 3", "brokers: 5")
    assert more.code == 2
    brokers = kinds(more.changes, "broker-") | kinds(more.changes, "before-")
    assert brokers and all(kind == "create" and address[-1] in "45" for address, kind in brokers.items())
    assert more.changes["cluster: terraform_data.settled"] == "replace"

    larger = it.plan_with("storage_per_broker: 500GiB", "storage_per_broker: 800GiB")
    assert set(kinds(larger.changes, "aws_ebs_volume").values()) == {"update"}
    assert larger.findings == []

    machines = it.plan_with("memory: 16GiB", "memory: 32GiB")
    assert set(kinds(machines.changes, "aws_instance").values()) == {"update"}
    assert set(kinds(machines.changes, "before-").values()) == {"replace"}

    moved = it.plan_with("compute: ec2", "compute: fargate\n  acknowledge_volumes_die_with_tasks: true")
    assert moved.code == 1
    assert any(severity == "refuse" and "from EC2 to FARGATE" in message for severity, message in moved.findings)


def gated(case: str, bench: Workbench) -> None:
    """A stack with the case's first gate and something behind it, for Terraform alone."""
    (step,) = golden(case)["cluster"]["resource"]["terraform_data"]["before-1"]["provisioner"]
    command = step["local-exec"]["command"]
    for reference in ('${aws_secretsmanager_secret.admin["admin"].arn}',
                      '${aws_secretsmanager_secret.tls["redpanda-authority"].arn}'):  # fmt: skip
        assert command.count(reference) == 1
        command = command.replace(reference, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none")
    gate = {"triggers_replace": {"task": "1"}, "provisioner": [{"local-exec": {"command": command}}]}
    broker = {"input": "here", "depends_on": ["terraform_data.before-1"]}
    bench.stack("cluster", {"resource": {"terraform_data": {"before-1": gate, "broker": broker}}})


def addresses(bench: Workbench) -> set[str]:
    state = bench.folder("cluster") / "terraform.tfstate"
    import json

    found = json.loads(state.read_text())["resources"] if state.is_file() else []
    return {each["name"] for each in found if each["instances"] and each["instances"][0].get("status") != "tainted"}


def test_terraform_passes_a_gate_before_it_touches_the_broker_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    bench = Workbench(tmp_path)
    gated("redpanda-fargate-prod", bench)
    deployment = bench.deployment()
    with pytest.raises(InfraError) as caught:
        deployment.apply(deployment.plan())
    assert "ECS did not say which brokers there are: Unable to locate credentials" in str(caught.value)
    assert "broker" not in addresses(bench)

    monkeypatch.setenv("INFRA_REDPANDA_GATE", "skip")
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    assert addresses(bench) == {"before-1", "broker"}
