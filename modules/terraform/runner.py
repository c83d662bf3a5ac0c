"""Runs one Terraform command in a working folder.

Standard output goes to a file, not a pipe of ours: a Terraform that outlives this process (SIGKILL) then goes on
writing without harm, and the next run waits for it (`records.py`). The file is tailed for live events. Where secrets
are known, a process between the two cuts them out (`log_keeper.py`): none is on disk, not even for a moment.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modules.errors import PlanError
from modules.redaction import Redactor
from modules.terraform.command import TerraformCommand
from modules.terraform.events import Diagnostic, Event, Message, Summary, parse_line
from modules.terraform.failures import from_os
from modules.terraform.interrupts import Interrupts
from modules.terraform.records import forget_child, hold_log, record_child

__all__ = ["RunResult", "Runner"]

_POLL_SECONDS = 0.05
_KEEPER_SECONDS = 10.0
"""How long the log's last lines are waited for, should something else hold the pipe."""
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class RunResult:
    """How a command ended."""

    code: int
    diagnostics: tuple[Diagnostic, ...] = ()
    messages: tuple[str, ...] = ()
    """Plain lines, standard error included."""
    summary: Summary | None = None
    output: bytes = b""
    """Standard output, for `capture` only."""

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(item for item in self.diagnostics if item.severity == "warning")


class Runner:
    """Starts commands with one environment; secrets are cut out of everything it hands back."""

    def __init__(
        self,
        command: TerraformCommand,
        environment: Mapping[str, str],
        interrupts: Interrupts,
        secrets: Sequence[str] = (),
    ) -> None:
        self._command = command
        self._environment = dict(environment)
        self._interrupts = interrupts
        self._secrets = tuple(secrets)
        self._clean = Redactor(secrets)

    def stream(self, arguments: Sequence[str], folder: Path, on_event: Callable[[Event], None]) -> RunResult:
        """Run a command that prints `-json` lines, handing each on as it comes.

        Raises:
            InterruptedRun: a signal came before the command was started.
            PlanError: the program cannot be started, or the disk is full.
        """
        self._interrupts.check()
        log = folder / f"{arguments[0]}.log"
        collected = _Collected(self._clean, on_event)
        child, keeper = self._start(arguments, folder, log)
        try:
            with self._interrupts.running(child), log.open("rb") as lines:
                ended = threading.Event()
                threading.Thread(target=_wait, args=(child, keeper, ended), daemon=True).start()
                while not ended.wait(_POLL_SECONDS):
                    collected.feed(lines.read())
                collected.feed(lines.read(), last=True)
        finally:
            if child.poll() is not None:
                forget_child(folder)
        self._keep_or_drop(log, child.returncode)
        return collected.result(child.returncode)

    def capture(self, arguments: Sequence[str], folder: Path) -> RunResult:
        """Run a short, read-only command and return its standard output."""
        self._interrupts.check()
        try:
            child = subprocess.Popen(
                [*self._command.prefix, *arguments],
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                umask=0o077,
            )
        except OSError as error:
            raise self._unstartable(error) from None
        with self._interrupts.running(child):
            output, errors = child.communicate()
        lines = tuple(self._clean(line) for line in errors.decode(errors="replace").splitlines() if line.strip())
        return RunResult(child.returncode, messages=lines, output=output)

    def _start(
        self, arguments: Sequence[str], folder: Path, log: Path
    ) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes] | None]:
        """Terraform, and who keeps its log where there is anything to cut out."""
        try:
            # O_APPEND: standard error shares the file, and neither overwrites the other.
            descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        except OSError as error:
            raise from_os(error, folder) from None
        # Let go with the last process that writes it, also after this one was killed: `settle` waits for that.
        hold_log(descriptor)
        keeper = None
        try:
            # `init` evaluates no variable and asks no provider.
            if self._clean and arguments[0] != "init":
                keeper = self._start_keeper(folder, descriptor)
            target = keeper.stdin if keeper else descriptor
            child = subprocess.Popen(
                [*self._command.prefix, *arguments],
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=target,
                start_new_session=True,
                umask=0o077,
            )
        except OSError as error:
            raise self._unstartable(error) from None
        finally:
            os.close(descriptor)
            if keeper is not None and keeper.stdin is not None:
                keeper.stdin.close()
        record_child(folder, child.pid, f"terraform {arguments[0]}")
        return child, keeper

    def _start_keeper(self, folder: Path, log: int) -> subprocess.Popen[bytes]:
        """The process that writes the log; it is given the secrets first."""
        keeper = subprocess.Popen(
            # `-S`: it needs nothing but this project, and starts in half the time.
            [sys.executable, "-S", "-P", "-m", "modules.terraform.log_keeper"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            umask=0o077,
        )
        assert keeper.stdin is not None
        keeper.stdin.write(json.dumps(self._secrets).encode() + b"\n")
        keeper.stdin.flush()
        return keeper

    def _unstartable(self, error: OSError) -> PlanError:
        return PlanError(
            f"Terraform cannot be started: {error.strerror or error}",
            where=self._command.label,
            do="correct terraform.binary or INFRA_TERRAFORM, or leave it out to use the one that comes along",
        )

    def _keep_or_drop(self, log: Path, code: int) -> None:
        """The log of a failed command stays for people to read, without secrets; others are of no use."""
        with contextlib.suppress(OSError):
            if code in (0, 2):
                log.unlink()
                return
            text = log.read_text(errors="replace")
            cleaned = self._clean(text)
            if cleaned != text:
                log.write_text(cleaned)


def _wait(child: subprocess.Popen[bytes], keeper: subprocess.Popen[bytes] | None, ended: threading.Event) -> None:
    # A thread of its own, since waiting with a timeout polls, and each command's end would be noticed late.
    child.wait()
    if keeper is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(_KEEPER_SECONDS)
    ended.set()


class _Collected:
    """Cuts bytes into lines, and lines into events."""

    def __init__(self, clean: Callable[[str], str], on_event: Callable[[Event], None]) -> None:
        self._clean = clean
        self._on_event = on_event
        self._rest = b""
        self._diagnostics: list[Diagnostic] = []
        self._messages: list[str] = []
        self._summary: Summary | None = None

    def feed(self, data: bytes, *, last: bool = False) -> None:
        if not data and not (last and self._rest):
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if last:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            event = parse_line(line.decode(errors="replace"))
            if event is not None:
                self._take(event)

    def _take(self, event: Event) -> None:
        if isinstance(event, Diagnostic):
            event = replace(event, summary=self._clean(event.summary), detail=self._clean(event.detail))
            self._diagnostics.append(event)
        elif isinstance(event, Message):
            event = Message(self._clean(event.text))
            self._messages.append(event.text)
        elif isinstance(event, Summary):
            self._summary = event
        self._on_event(event)

    def result(self, code: int) -> RunResult:
        return RunResult(code, tuple(self._diagnostics), tuple(self._messages), self._summary)
