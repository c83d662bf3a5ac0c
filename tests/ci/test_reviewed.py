"""Which kept plan a merge takes for the reviewed one: the step that looks for it, run against a forge's answers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from modules.ci import Options, pipeline, render
from modules.project import Project
from tests.ci.forge import FORK_ID, REPOSITORY, REPOSITORY_ID, Forge
from tests.ci.runner import Runner

ROOT = Path(__file__).parents[2]
MERGED, HEAD, OTHER = "a" * 40, "b" * 40, "c" * 40
NAME = "infra-plan-dev-" + "0" * 64
PLAN, DEPLOY = ".github/workflows/infra-plan.yml", ".github/workflows/infra-deploy.yml"


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    """A pull request of head b… was merged as commit a…."""
    made = Forge.create(tmp_path / "forge")
    made.add("pulls", number=1, merged=MERGED, merged_at="2026-11-22T00:00:00Z", head={"sha": HEAD})
    return made


def keep(forge: Forge, *, path: str = PLAN, head: str = HEAD, fork: bool = False, **more: Any) -> str:
    """A plan that some run kept; returns the run's id."""
    run = forge.add("runs", path=path, head_sha=head)["id"]
    owner = FORK_ID if fork else REPOSITORY_ID
    whose = {"id": run, "head_sha": head, "repository_id": REPOSITORY_ID, "head_repository_id": owner}
    forge.add("artifacts", **{"name": NAME, "expired": False, "workflow_run": whose, **more})
    return str(run)


def found(forge: Forge, folder: Path, rights: str = "actions:read,pull-requests:read") -> str:
    """What the step finds: a run's id, or ''."""
    shutil.copytree(ROOT / "environments", folder / "environments")
    text = render("github", pipeline(Project(folder), ("dev",), Options(install="true")))[DEPLOY]
    steps = yaml.safe_load(text)["jobs"]["deploy-dev"]["steps"]
    (script,) = [step["run"] for step in steps if step.get("id") == "reviewed"]
    runner = Runner(forge, folder / "runner", variables={}, extra={})
    output = folder / "output"
    output.write_text("")
    environment = {
        "PATH": f"{runner.bin}:{os.environ['PATH']}", "FORGE": str(forge.root), "RUNNER_TEMP": str(folder),
        "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_SHA": MERGED, "GITHUB_OUTPUT": str(output), "NAME": NAME,
        "GH_TOKEN": rights,
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return output.read_text().strip().removeprefix("run=")


def test_the_plan_of_the_merged_head_is_taken_the_newest_first(forge: Forge, tmp_path: Path) -> None:
    keep(forge)
    newest = keep(forge)
    keep(forge, head=OTHER)
    assert found(forge, tmp_path) == newest


def test_what_this_workflow_planned_after_a_refusal_goes_before_the_plan_that_was_refused(
    forge: Forge, tmp_path: Path
) -> None:
    keep(forge)
    left = keep(forge, path=DEPLOY, head=MERGED)
    assert found(forge, tmp_path) == left


def test_a_plan_that_this_workflow_kept_for_this_commit_is_taken(forge: Forge, tmp_path: Path) -> None:
    run = keep(forge, path=DEPLOY, head=MERGED)
    assert found(forge, tmp_path) == run


@pytest.mark.parametrize(
    "kept",
    [
        {"fork": True},
        {"head": OTHER},
        {"path": ".github/workflows/mine.yml"},
        {"path": DEPLOY, "head": HEAD},
        {"path": PLAN, "head": MERGED},
        {"expired": True},
        {"name": NAME[:-1] + "1"},
    ],
    ids=["a fork's", "of another head", "of another workflow", "a deploy's for a head", "a plan's for main", "expired",
         "of other content"],
)  # fmt: skip
def test_no_other_plan_is(forge: Forge, tmp_path: Path, kept: dict[str, Any]) -> None:
    keep(forge, **kept)
    assert found(forge, tmp_path) == ""


def test_the_forge_asks_for_the_rights_that_the_job_has(forge: Forge, tmp_path: Path) -> None:
    keep(forge)
    with pytest.raises(AssertionError, match="HTTP 403"):
        found(forge, tmp_path, rights="contents:read")
