"""The `infra` program as a user runs it, each call a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

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
        self.said: list[tuple[str, Ran]] = []
        """Each call's arguments and what came of it."""

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
        ran = Ran(done.returncode, done.stdout, done.stderr)
        self.said.append((" ".join(arguments), ran))
        return ran

    def plan(self) -> Ran:
        return self("plan", "--env", "local", "--json")

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.project.environments / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@contextmanager
def up_and_deployed(project: Project) -> Iterator[Infra]:
    """The project's local environment, down at the end also where it never came up whole."""
    infra = Infra(project)
    try:
        for command in (("local", "up"), ("deploy", "--env", "local", "--yes")):
            done = infra(*command)
            assert done.code == 0, done.err
        yield infra
    finally:
        infra("local", "down")


class Running:
    """A command that runs until it is stopped, in a process group of its own, with its status in a file."""

    def __init__(self, project: Project, folder: str, command: Sequence[str], starting: Mapping[str, Any]) -> None:
        """Starts it.

        Args:
            folder: for its files, below the project.
            starting: its status before it has told one.
        """
        files = project.root / folder
        files.mkdir(parents=True)
        self._starting = starting
        self.status_file, self.ready_file, self.log = files / "status.json", files / "ready.json", files / "log"
        told = ("--json", "--status-file", str(self.status_file), "--ready-file", str(self.ready_file))
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "infra"), "--plain", *command, *told],
                cwd=project.root,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole process group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def stop(self) -> dict[str, Any]:
        """SIGTERM; the final status."""
        self.process.send_signal(signal.SIGTERM)
        return self.finish()

    def finish(self, timeout: float = 120) -> dict[str, Any]:
        out, _ = self.process.communicate(timeout=timeout)
        assert "Traceback" not in self.said(), self.said()
        assert self.process.returncode == 0, self.said()
        status: dict[str, Any] = json.loads(out)
        return status

    def said(self) -> str:
        return self.log.read_text()

    def status(self) -> dict[str, Any]:
        try:
            status: dict[str, Any] = json.loads(self.status_file.read_text())
        except FileNotFoundError:
            return dict(self._starting)
        return status

    def ready(self) -> Self:
        self.until(self.ready_file.exists)
        return self

    def until(self, condition: Callable[[], bool], seconds: float = 60, every: float = 0.005) -> None:
        """Wait; a command that ends meanwhile has failed."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.status()}\n{self.said()}"
            time.sleep(every)
