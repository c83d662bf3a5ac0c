"""How the local platform's services are, and what they logged. Quick: no Kafka client is loaded for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from modules.errors import LocalError
from modules.local import postgres, registry, snowflake, supervisor
from modules.local.common import EXTRAS, SERVICES, SINK
from modules.local.ports import is_listening
from modules.project import Project

__all__ = ["ServiceStatus", "logs", "status"]


@dataclass(frozen=True)
class ServiceStatus:
    """One service.

    `state` is `running` (answers), `unhealthy` (lives, does not answer), `dead` (was started and is gone) or `stopped`.
    """

    name: str
    state: Literal["running", "unhealthy", "dead", "stopped"]
    pid: int | None
    port: int | None
    memory_bytes: int | None
    uptime_seconds: float | None
    log: str


def status(project: Project) -> list[ServiceStatus]:
    """All services and the sink, as they are now; those that are started on request, if they ever ran here."""
    extras = [name for name in EXTRAS if supervisor.log_file(project.local, name).exists()]
    return [_status_of(project, name) for name in (*SERVICES, *extras, SINK)]


def service_status(project: Project, name: str) -> ServiceStatus:
    """One service, as it is now."""
    return _status_of(project, name)


def logs(project: Project, service: str, lines: int = 50, follow: bool = False) -> Iterator[str]:
    """The log's last lines; with `follow` also what comes after, over restarts, until the caller stops.

    Raises:
        LocalError: there is no such service, or it never ran.
    """
    known = (*SERVICES, *EXTRAS, SINK)
    if service not in known:
        raise LocalError(f"there is no service `{service}`", do=f"name one of {', '.join(known)}")
    log = supervisor.log_file(project.local, service)
    if not log.exists():
        raise LocalError(f"{service} has no log: it never ran here", where=str(log), do="run `infra local up` first")
    return _read_log(log, lines, follow)


def _read_log(log: Path, lines: int, follow: bool) -> Iterator[str]:
    position = log.stat().st_size if follow else 0
    inode = log.stat().st_ino
    yield from supervisor.last_lines(log, lines)
    rest = b""
    while follow:
        time.sleep(0.2)
        try:
            now = log.stat()
            if now.st_ino != inode or now.st_size < position:
                # A restart began a new file.
                inode, position, rest = now.st_ino, 0, b""
            with log.open("rb") as file:
                file.seek(position)
                new = file.read()
        except FileNotFoundError:
            continue
        position += len(new)
        *whole, rest = (rest + new).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")


def _status_of(project: Project, name: str) -> ServiceStatus:
    run = supervisor.recorded(project.local, name)
    process = supervisor.find(project.local, name)
    log = str(supervisor.log_file(project.local, name))
    if process is None:
        return ServiceStatus(name, "dead" if run else "stopped", None, run.port if run else None, None, None, log)
    try:
        memory, uptime = process.memory_info().rss, max(0.0, time.time() - process.create_time())
    except psutil.Error:
        return ServiceStatus(name, "dead", None, run.port if run else None, None, None, log)
    state: Literal["running", "unhealthy"] = "running" if _answers(project, name, run) else "unhealthy"
    return ServiceStatus(name, state, process.pid, run.port if run else None, memory, uptime, log)


def _answers(project: Project, name: str, run: supervisor.Run | None) -> bool:
    if name == SINK:
        return sink_ready_file(project).exists()
    checks: dict[str, Callable[[int], bool]] = {
        "kafka": is_listening,
        "registry": lambda port: registry.registry_check(port)(),
        "snowflake": lambda port: snowflake.snowflake_check(port)(),
        "connect": lambda port: registry.answers(port, "/connectors"),
        "postgres": lambda port: postgres.postgres_check(port)(),
    }
    return run is not None and run.port is not None and checks[name](run.port)


def sink_ready_file(project: Project) -> Path:
    """The file the sink writes when it consumes."""
    return project.local / "run" / "sink.ready"
