"""The content hash: the same wherever the same content is checked out, another when one byte of it is."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from modules.artefact.content import Content, content_of, moved_parts, terraform_version
from modules.environment import load_environment
from modules.errors import PlanError
from modules.project import Project
from modules.terraform.command import TerraformCommand, terraform_command
from modules.terraform.source import StackSource

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
STACK = {"terraform": {"required_providers": {"kafka": {"source": "mongey/kafka", "version": "0.13.1"}}}}


def project_in(folder: Path) -> Project:
    shutil.copytree(ENVIRONMENTS, folder / "environments")
    return Project(folder)


def content(project: Project, stack: object = None, name: str = "dev") -> Content:
    path = project.root / "cdk.tf.json"
    path.write_text(json.dumps({**STACK, "output": {"path": {"value": f"{project.root}/x"}}, **(stack or {})}))
    environment = load_environment(project, name)
    return content_of(environment, project, [StackSource("topics", path)], _fake_terraform(project.root))


def _fake_terraform(folder: Path, says: str = "Terraform v1.15.5") -> TerraformCommand:
    program = folder / "terraform"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return TerraformCommand((str(program),), str(program))


def test_two_checkouts_of_the_same_content_have_the_same_hash_whatever_the_commit(tmp_path: Path) -> None:
    here, there = project_in(tmp_path / "here"), project_in(tmp_path / "there" / "deeper")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=there.root, check=True, capture_output=True)

    assert content(here).hash == content(there).hash
    assert len(content(here).hash) == 64


def test_parts_are_what_a_plan_depends_on_and_nothing_else(tmp_path: Path) -> None:
    assert sorted(content(project_in(tmp_path)).parts) == [
        "Terraform",
        "environments/base.yaml",
        "environments/dev.yaml",
        "environments/schemas/order_events.avsc",
        "infra",
        "mode",
        "provider mongey/kafka",
        "stack topics",
    ]


def _append(name: str) -> Callable[[Project], None]:
    def edit(project: Project) -> None:
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + " ")

    return edit


@pytest.mark.parametrize(
    "name",
    [
        "environments/dev.yaml",
        "environments/base.yaml",
        "environments/schemas/order_events.avsc",
        "environments/locks/dev.lock.hcl",
    ],
)
def test_one_byte_more_is_another_content_and_named(tmp_path: Path, name: str) -> None:
    project = project_in(tmp_path)
    before = content(project)
    _append(name)(project)
    now = content(project)

    assert now.hash != before.hash
    word = "was added" if "lock" in name else "was changed"
    assert moved_parts(before.parts, now.parts) == (f"{name} {word}",)


@pytest.mark.parametrize("name", ["environments/prod.yaml", "environments/locks/prod.lock.hcl", "README.md"])
def test_what_another_environment_says_does_not_matter(tmp_path: Path, name: str) -> None:
    project = project_in(tmp_path)
    before = content(project)
    _append(name)(project)

    assert content(project).hash == before.hash


def test_a_guard_hook_belongs_to_the_content(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    hook = project.root / "policies" / "names.py"
    hook.parent.mkdir()
    hook.write_text("def check(plan, environment):\n    return []\n")
    dev = project.environments / "dev.yaml"
    dev.write_text(dev.read_text() + "guards: {hooks: ['policies/names.py:check']}\n")
    before = content(project)
    assert "policies/names.py" in before.parts
    hook.write_text(hook.read_text() + "\n")

    assert moved_parts(before.parts, content(project).parts) == ("policies/names.py was changed",)


def test_what_the_stacks_come_out_as_belongs_to_the_content(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    before, now = content(project), content(project, {"locals": {"a": 1}})

    assert moved_parts(before.parts, now.parts) == ("stack topics: its synthesised JSON comes out otherwise",)


def test_a_secrets_file_is_not_read_for_it(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    dev = project.environments / "dev.yaml"
    dev.write_text(dev.read_text() + "plans: {key: 'file:environments/schemas/order_events.key'}\n")
    (project.environments / "schemas" / "order_events.key").write_text("AGE-SECRET-KEY-1")

    assert not [name for name in content(project).parts if name.endswith(".key")]


def test_terraform_itself_says_which_it_is() -> None:
    program, number = terraform_version(terraform_command())

    assert (program, number.split(".")[0]) == ("Terraform", "1")


def test_a_program_that_is_no_terraform_is_said(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="Terraform does not tell its version"):
        terraform_version(_fake_terraform(tmp_path, says="hello"))
