"""Rehearses a case of `cases/` with `--offline`: the commands a person would type, in a project of its own.

For the tests of every platform. Nothing is reached: whatever would leave the machine fails, and no credential is
there. `golden/<case>/plan.txt` is what `infra plan` prints first; `python -m tests.platforms.rehearsal [CASE…]` writes
it anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from tests.platforms.golden import GOLDEN, cases, project_of

__all__ = ["PLAN", "Answer", "Rehearsal"]

PLAN = "plan.txt"


@dataclass(frozen=True)
class Answer:
    """What a command came to. `changes` is `stack: address` → kind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def changes(self) -> dict[str, str]:
        stacks = self.json["stacks"]
        return {f"{stack['stack']}: {each['address']}": each["kind"] for stack in stacks for each in stack["changes"]}

    @property
    def findings(self) -> list[tuple[str, str]]:
        """Severity and message of each."""
        return [(each["severity"], each["message"]) for stack in self.json["stacks"] for each in stack["findings"]]


class Rehearsal:
    """One case, from plan to destroy."""

    def __init__(
        self, case: str, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.case = case
        self.project, self.name = project_of(case, root)
        self._capsys = capsys
        monkeypatch.setenv("INFRA_PROJECT", str(root))
        for name in [name for name in os.environ if name.startswith(("AWS_", "CONFLUENT_", "SNOWFLAKE_"))]:
            monkeypatch.delenv(name)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")

    @property
    def file(self) -> Path:
        """The environment's YAML, for changes."""
        return self.project.environments / f"{self.name}.yaml"

    def change(self, old: str, new: str) -> None:
        """Replaces the one place of `old` in the YAML."""
        text = self.file.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {self.file.name}"
        self.file.write_text(text.replace(old, new))

    def add(self, line: str) -> None:
        """Adds a line to the YAML's end."""
        self.file.write_text(f"{self.file.read_text()}{line}\n")

    def add_to_common(self, line: str) -> None:
        """Adds a line to what every case extends, so that it merges with what the case says."""
        file = self.project.environments / "_common.yaml"
        file.write_text(f"{file.read_text()}{line}\n")

    def plan(self, *options: str) -> Answer:
        return self._run("plan", "--json", *options)

    def plan_text(self) -> Answer:
        """Without what it costs: tests of cost hold that, and prices change."""
        found = self._run("plan")
        return replace(found, out=without_cost(found.out))

    def deploy(self, *options: str) -> Answer:
        return self._run("deploy", "--yes", *options)

    def destroy(self) -> Answer:
        return self._run("destroy", "--yes")

    def plan_with(self, old: str, new: str) -> Answer:
        """The plan with one place of the YAML changed, which it is no more afterwards."""
        self.change(old, new)
        try:
            return self.plan()
        finally:
            self.change(new, old)

    def planned_as_kept(self) -> Answer:
        """The first plan, which is the golden one."""
        planned = self.plan_text()
        assert planned.code == 2, planned.err
        kept = (GOLDEN / self.case / PLAN).read_text()
        assert planned.out == kept, f"python -m tests.platforms.rehearsal {self.case}"
        return planned

    def deployed_as_planned(self) -> Answer:
        """The first plan, the golden one; what it planned is there now, and nothing is left to do."""
        planned = self.planned_as_kept()
        deployed = self.deploy()
        assert deployed.code == 0, deployed.err
        again = self.plan()
        assert (again.code, again.changes) == (0, {}), again.err
        return planned

    def _run(self, *arguments: str) -> Answer:
        self._capsys.readouterr()
        code = main([*arguments, "--env", self.name, "--offline"])
        out, err = self._capsys.readouterr()
        return Answer(code, out, err)


def without_cost(text: str) -> str:
    """A plan's text without the part about cost, which ends with an empty line."""
    before, found, rest = text.partition("\ncost: ")
    return "\n".join([before, rest.partition("\n\n")[2]]) if found else text


def write(names: list[str]) -> None:
    for case in names or cases():
        with tempfile.TemporaryDirectory() as folder:
            project, name = project_of(case, Path(folder).resolve())
            program = f"from cli.main import main; raise SystemExit(main(['plan', '--env', '{name}', '--offline']))"
            command = [sys.executable, "-c", program]
            environment = {**os.environ, "INFRA_PROJECT": str(project.root)}
            done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=120)
        if done.returncode != 2:
            raise SystemExit(done.stderr)
        (GOLDEN / case / PLAN).write_text(without_cost(done.stdout), encoding="utf-8")
        sys.stdout.write(f"{GOLDEN / case / PLAN}\n")


if __name__ == "__main__":
    write(sys.argv[1:])
