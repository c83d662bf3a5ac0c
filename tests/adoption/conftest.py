"""A project to take clusters into, and the command, run in this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from cli.main import main
from modules.project import Project
from tests.platforms.golden import CASES, ENVIRONMENTS
from tests.platforms.rehearsal import Answer
from tests.plugins.attached import simulations

Run = Callable[..., Answer]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Without any environment, and nobody logged in to anything."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "CONFLUENT_", "SNOWFLAKE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers who was logged in before
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    folder = tmp_path / "environments"
    shutil.copytree(ENVIRONMENTS / "schemas", folder / "schemas")
    shutil.copy(ENVIRONMENTS / "base.yaml", folder / "_base.yaml")
    (folder / "base.yaml").write_text((CASES / "_common.yaml").read_text().replace("extends: base", "extends: _base"))
    return Project(tmp_path)


@pytest.fixture
def run(project: Project, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Rehearsals of the environment `live` find their simulated providers running."""

    def ran(*arguments: str) -> Answer:
        capsys.readouterr()
        code = main(list(arguments))
        return Answer(code, *capsys.readouterr())

    with simulations(Project(project.root, offline=True).environment_state("live") / "simulated.sqlite"):
        yield ran
