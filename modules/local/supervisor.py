"""Runs services as detached processes: started, recorded, watched until healthy, found again, stopped.

A run is recorded as `run/<name>.json` with pid and creation time, so a stale record or a pid that the system gave to
someone else is recognised. Each process also carries `INFRA_SERVICE=<folder>:<name>` in its environment: that finds a
process whose record was lost, and identifies one after the clock was set. What the services are is not known here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from modules.errors import InfraError, LocalError

__all__ = [
    "FAST_STOP", "Hopeless", "Run", "Service",
    "answers_within", "find", "kill_leftovers", "last_lines", "log_file", "recorded", "start", "stop",
]  # fmt: skip

KEPT_LOGS = 3
TAG = "INFRA_SERVICE"
CLOCK_SLACK_SECONDS = 2.0
FAST_STOP = int(signal.SIGINT)
"""What tells PostgreSQL to stop without waiting for its clients."""

_children: list[subprocess.Popen[bytes]] = []
"""Kept so that the interpreter neither warns about running children nor leaves dead ones as zombies."""


class Hopeless(Exception):
    """A health check's word that waiting longer makes no sense, and why."""


@dataclass(frozen=True)
class Service:
    """How to start one service and how to know that it answers."""

    name: str
    command: tuple[str, ...]
    healthy: Callable[[], bool]
    """True when the service answers as it should; raises Hopeless, or an error that says what to do, when waiting
    longer makes no sense."""
    ports: tuple[int, ...] = ()
    cwd: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 60.0
    stop_seconds: float = 15.0
    user: str | None = None
    """Whom it runs as, for a service that refuses to be root's; default: as this process."""
    stop_signal: int = int(signal.SIGTERM)


@dataclass(frozen=True)
class Run:
    """A started process, as recorded."""

    pid: int
    created: float
    port: int | None = None
    stop_signal: int = int(signal.SIGTERM)


def log_file(folder: Path, name: str) -> Path:
    return folder / "logs" / f"{name}.log"


def _record_file(folder: Path, name: str) -> Path:
    return folder / "run" / f"{name}.json"


def recorded(folder: Path, name: str) -> Run | None:
    """What the record says, whether or not the process lives."""
    try:
        return Run(**json.loads(_record_file(folder, name).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def find(folder: Path, name: str) -> psutil.Process | None:
    """The service's live process; None when it never ran, ended, or its pid belongs to another process now."""
    run = recorded(folder, name)
    if run is None:
        return None
    _reap()
    try:
        process = psutil.Process(run.pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        same = abs(process.create_time() - run.created) < CLOCK_SLACK_SECONDS or _is_tagged(process, folder, name)
    except psutil.Error:
        return None
    return process if same else None


def start(folder: Path, service: Service, abort: threading.Event | None = None) -> Run:
    """Start the service and return once it is healthy; a process that does not get there is stopped again.

    Raises:
        LocalError: it ended or was not healthy in time; with its last log lines and the log's path.
    """
    process = _spawn(folder, service)
    deadline = time.monotonic() + service.start_seconds
    try:
        while True:
            if process.poll() is not None:
                raise _failed(folder, service, f"{service.name} ended while starting (exit code {process.returncode})")
            if service.healthy():
                break
            if abort is not None and abort.is_set():
                raise LocalError(f"{service.name} was stopped because another service failed")
            if time.monotonic() > deadline:
                raise _failed(
                    folder, service, f"{service.name} was not healthy after {service.start_seconds:.0f} seconds"
                )
            time.sleep(0.04)
    except Hopeless as reason:
        failure = _failed(folder, service, f"{service.name} {reason}")
        stop(folder, service.name, service.stop_seconds)
        raise failure from None
    except BaseException:
        stop(folder, service.name, service.stop_seconds)
        raise
    run = recorded(folder, service.name)
    assert run is not None
    return run


def answers_within(check: Callable[[], bool], seconds: float) -> bool:
    """True as soon as the check passes; False when it has not within `seconds`, or says that it never will."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if check():
                return True
        except (InfraError, Hopeless):
            return False
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)


def stop(folder: Path, name: str, seconds: float = 15.0) -> bool:
    """Stop the recorded process: TERM, wait, KILL its session; the record goes too. True when it was running."""
    process, run = find(folder, name), recorded(folder, name)
    if process is not None:
        _end(process, seconds, run.stop_signal if run else signal.SIGTERM)
    _record_file(folder, name).unlink(missing_ok=True)
    return process is not None


def kill_leftovers(folder: Path, names: Iterable[str] | None = None, seconds: float = 10.0) -> list[str]:
    """Stop processes of this folder that no record leads to (and their children); returns their names."""
    wanted = {f"{folder}:{name}" for name in names} if names is not None else None
    found = []
    for process in psutil.process_iter():
        tag = _tag_of(process)
        if tag is None or process.pid == os.getpid():
            continue
        if tag in wanted if wanted is not None else tag.rpartition(":")[0] == str(folder):
            _end(process, seconds)
            found.append(tag.rpartition(":")[2])
    return found


def last_lines(path: Path, count: int) -> list[str]:
    """The end of a log, reading at most its last 256 KiB."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 256 * 1024))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def _spawn(folder: Path, service: Service) -> subprocess.Popen[bytes]:
    log, record = log_file(folder, service.name), _record_file(folder, service.name)
    for path in (log, record):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _rotate(log)
    environment = {**os.environ, **service.environment, TAG: f"{folder}:{service.name}"}
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                service.command,
                cwd=service.cwd or folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=service.user,
                extra_groups=[] if service.user is not None else None,
            )
    except OSError as error:
        raise LocalError(
            f"{service.name} cannot be started: {error.strerror}", where=service.command[0], do="run `infra doctor`"
        ) from None
    _children.append(process)
    with contextlib.suppress(psutil.Error):
        port = service.ports[0] if service.ports else None
        run = Run(process.pid, psutil.Process(process.pid).create_time(), port, service.stop_signal)
        staged = record.with_suffix(".new")
        staged.write_text(json.dumps(asdict(run)))
        staged.replace(record)
    return process


def _rotate(log: Path) -> None:
    """`x.log` becomes `x.log.1`, and so on; the oldest goes."""
    for number in range(KEPT_LOGS, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def _end(process: psutil.Process, seconds: float, how: int = signal.SIGTERM) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(how)
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            # The process leads its own session, so the group holds it and what it started, nothing else.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(process.pid) == process.pid:
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(10)
    _reap()


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _tag_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(TAG)
    except (psutil.Error, OSError):
        return None


def _is_tagged(process: psutil.Process, folder: Path, name: str) -> bool:
    return _tag_of(process) == f"{folder}:{name}"


def _failed(folder: Path, service: Service, what: str) -> LocalError:
    log = log_file(folder, service.name)
    return LocalError(
        what,
        where=str(log),
        details=_telling_lines(log),
        do=f"read the log (`infra local logs {service.name}`), mend the cause, then run the command again",
    )


def _telling_lines(log: Path) -> list[str]:
    """The last lines that name a cause, then the very last ones."""
    lines = [line[:300] for line in last_lines(log, 400)]
    causes = [line for line in lines[:-6] if re.search(r"\b(ERROR|FATAL|Caused by:|Exception in thread|error:)", line)]
    return list(dict.fromkeys([*causes[-6:], *lines[-6:]]))
