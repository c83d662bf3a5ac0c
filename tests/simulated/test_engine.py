"""The engine with simulated plugins: warnings reach the plan, states are marked, a destroy is not blocked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli._plan_view import plan_lines
from modules.errors import PlanError
from modules.project import Project
from modules.simulated import LABEL
from modules.simulated.mirror import write_simulated_mirror
from modules.terraform.engine import Deployment
from modules.terraform.providers import ProviderInstallation
from modules.terraform.source import StackSource
from tests.simulated.estate import part


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("INFRA_TERRAFORM", raising=False)
    (tmp_path / "environments").mkdir()
    return Project(tmp_path, offline=True)


def deployment(project: Project, document: dict[str, Any], *, simulated: bool = True) -> Deployment:
    path = project.root / "cluster.tf.json"
    path.write_text(json.dumps(document))
    state = project.environment_state("prod")
    write_simulated_mirror(state / "plugins", state / "simulated.sqlite")
    installation = ProviderInstallation("simulated" if simulated else "bundled", state / "plugins")
    return Deployment(project, "prod", [StackSource("cluster", path)], installation)


def test_a_rehearsal_warns_of_what_it_does_not_know_and_may_destroy_what_is_protected(project: Project) -> None:
    broker: dict[str, Any] = {"ami": "ami-1", "lifecycle": {"prevent_destroy": True}}
    document = part("aws", aws_instance={"broker": broker}, aws_kms_key={})
    first = deployment(project, document)
    assert first.apply(first.plan()).to_json()["offline"] is True

    broker["hibernation"] = True
    changed = deployment(project, document).plan()
    unknown = "simulated: whether a change of aws_instance.hibernation replaces is unknown"
    assert [warning.summary for warning in changed.stack("cluster").warnings] == [unknown]
    assert changed.counts == {"update": 1}
    assert changed.to_json()["offline"] is True
    assert unknown in changed.to_json()["stacks"][0]["warnings"][0]
    lines = [text for text, _ in plan_lines(changed)]
    assert (lines[0], lines[-1]) == (LABEL, LABEL)
    assert any(line.startswith("warning: cluster: ") and unknown in line for line in lines)

    with pytest.raises(PlanError, match="made by an offline rehearsal"):
        deployment(project, document, simulated=False).plan()

    broker["ami"] = "ami-2"
    with pytest.raises(PlanError, match="protected"):
        deployment(project, document).plan()

    last = deployment(project, document)
    assert last.apply(last.plan(destroy=True)).stacks[0].destroyed == 2


def test_a_rehearsal_runs_no_program(project: Project) -> None:
    marker = project.root / "ran"
    gate = {"provisioner": [{"local-exec": {"command": f"touch {marker}"}}]}
    document = {"resource": {"terraform_data": {"gate": gate}}}
    with pytest.raises(PlanError, match="rehearsal runs no programs") as refused:
        deployment(project, document).plan()
    assert refused.value.where == "stack cluster, terraform_data.gate"
    assert not marker.exists()


def test_a_real_state_in_a_rehearsals_place_is_refused(project: Project) -> None:
    folder = project.environment_state("prod") / "cluster"
    folder.mkdir(parents=True)
    state = {"version": 4, "serial": 1, "lineage": "5f0c1d7e-real", "outputs": {}, "resources": []}
    (folder / "terraform.tfstate").write_text(json.dumps(state))
    with pytest.raises(PlanError, match="this state is of real resources"):
        deployment(project, part("aws", aws_kms_key={})).plan()
