"""After a reset the states of laptop environments are put aside; those of others stay."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.main import main
from modules.project import Project
from modules.terraform.state import read_state

ROOT = Path(__file__).resolve().parents[2]
STATE = '{"version": 4, "serial": 3, "lineage": "x", "resources": [], "outputs": {"a": {"value": 1, "type": "number"}}}'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    made = Project(tmp_path)
    for name in ("local", "dev"):
        for stack in ("cluster", "topics"):
            folder = made.environment_state(name) / stack
            folder.mkdir(parents=True)
            (folder / "terraform.tfstate").write_text(STATE)
        (made.environment_state(name) / "outputs.json").write_text("{}")
    made.local.mkdir(parents=True)
    return made


def test_a_reset_puts_the_states_of_laptop_environments_aside(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["local", "reset", "--yes"]) == 0
    said = capsys.readouterr().err
    assert "local is to be deployed anew: its states are put aside" in said
    assert "dev" not in said
    for stack in ("cluster", "topics"):
        folder = project.environment_state("local") / stack
        assert read_state(folder / "terraform.tfstate") is None
        (aside,) = (folder / "backups").iterdir()
        assert aside.read_text() == STATE and aside.name.endswith("-before-reset.json")
        assert read_state(project.environment_state("dev") / stack / "terraform.tfstate") is not None
    assert not (project.environment_state("local") / "outputs.json").exists()
    assert (project.environment_state("dev") / "outputs.json").exists()


def test_without_a_deploy_nothing_is_said_of_states(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(project.state / "env")
    assert main(["local", "reset", "--yes"]) == 0
    assert "anew" not in capsys.readouterr().err
