"""A project of its own for each test, with the real base.yaml and Avro schema in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modules.environment import load_environment
from modules.errors import ConfigError
from modules.project import Project

REAL = Path(__file__).parents[2] / "environments"

Write = Callable[..., Project]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(dev="...")` gives a project with environments/dev.yaml; base.yaml and the schema are the real ones."""

    def make(**files: str) -> Project:
        folder = tmp_path / "environments"
        (folder / "schemas").mkdir(parents=True, exist_ok=True)
        shutil.copy(REAL / "base.yaml", folder)
        shutil.copy(REAL / "schemas" / "order_events.avsc", folder / "schemas")
        for name, text in files.items():
            (folder / f"{name}.yaml").write_text(text)
        return Project(tmp_path)

    return make


@pytest.fixture
def refusal(write: Write) -> Callable[..., ConfigError]:
    """`refusal("platform: ...", "more")` is the error that environments/dev.yaml of these lines gives."""

    def load(*lines: str, **files: str) -> ConfigError:
        project = write(dev="\n".join(lines) + "\n", **files)
        with pytest.raises(ConfigError) as caught:
            load_environment(project, "dev")
        return caught.value

    return load
