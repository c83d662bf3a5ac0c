"""The `infra` program as a user runs it, each call a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.project import Project


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Infra:
    """The program as a user runs it, in a project of its own."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def __call__(self, *arguments: str) -> Ran:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "infra"), *arguments],
            cwd=self.project.root,
            env={**os.environ, "CI": "true", "INFRA_PROJECT": str(self.project.root)},
            capture_output=True,
            text=True,
            timeout=400,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def plan(self) -> Ran:
        return self("plan", "--env", "local", "--json")

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.project.environments / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
