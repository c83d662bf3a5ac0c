"""Services beside the platform's three, started when an environment or `infra local up --with` asks for them.

The Kafka Connect worker; with change data capture also PostgreSQL. What they are is in modules of their own; here is
when they are started, where they listen, and that a worker whose settings changed is started anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from modules.environment.capture import debezium_sources, runner_of
from modules.environment.connect import kind_of
from modules.environment.model import Environment, Local
from modules.local import artifacts, connect, postgres, supervisor
from modules.local.common import Event, Progress
from modules.local.connect_access import ensure_access
from modules.local.java import find_java
from modules.local.ports import HOST, choose, save_ports
from modules.local.postgres_programs import find_programs
from modules.project import Project

__all__ = ["NOTHING", "Asked", "asked", "endpoints", "start", "wipe"]

Extra = Literal["connect", "cdc"]


@dataclass(frozen=True)
class Asked:
    """What is wanted beside the three, and the environments whose connectors will run on the worker."""

    extras: tuple[Extra, ...] = ()
    environments: tuple[str, ...] = ()


NOTHING = Asked()


def asked(environment: Environment, extras: tuple[Extra, ...] = ()) -> Asked:
    """What an environment needs of itself, and what is asked for beyond that."""
    own: list[Extra] = ["connect"] if kind_of(environment) == "kafka-connect" else []
    captured = debezium_sources(environment).values()
    if any(runner_of(environment, source) == "kafka-connect" for source in captured):
        own.append("cdc")
    return Asked(tuple(dict.fromkeys((*own, *extras))), (environment.name,))


def start(project: Project, settings: Local, ports: dict[str, int], also: Asked, progress: Progress) -> dict[str, int]:
    """Start what is asked for, and what ran here before and died; returns the ports of all services.

    Raises:
        LocalError: as for the other services; what this call started is stopped again.
        DownloadError: the programs cannot be fetched.
    """
    if "cdc" in also.extras or supervisor.recorded(project.local, postgres.NAME) is not None:
        ports = _start_postgres(project, settings, ports, progress)
    if also.extras or supervisor.recorded(project.local, connect.NAME) is not None:
        ports = _start_worker(project, settings, ports, also, progress)
    return ports


def endpoints(project: Project, ports: dict[str, int]) -> dict[str, Any]:
    """The record's fields for the extras that run."""
    found: dict[str, Any] = {}
    if supervisor.recorded(project.local, connect.NAME) is not None:
        found["connect_url"] = connect.connect_url(ports["connect_port"])
    if supervisor.recorded(project.local, postgres.NAME) is not None:
        found["postgres_port"] = ports["postgres_port"]
    return found


def wipe(project: Project) -> None:
    """Take away what they keep outside of the platform's folder."""
    postgres.wipe(project)


def _start_postgres(project: Project, settings: Local, ports: dict[str, int], progress: Progress) -> dict[str, int]:
    ports = _with_port(project, "postgres_port", postgres.NAME, settings.postgres_port, ports)
    check = postgres.postgres_check(ports["postgres_port"])
    if supervisor.find(project.local, postgres.NAME) and supervisor.answers_within(check, seconds=5):
        progress(Event(postgres.NAME, "running"))
        return ports
    programs = find_programs()
    _start(
        project, postgres.NAME, lambda: postgres.postgres_service(project, programs, ports["postgres_port"]), progress
    )
    return ports


def _start_worker(
    project: Project, settings: Local, ports: dict[str, int], also: Asked, progress: Progress
) -> dict[str, int]:
    bundles = artifacts.CDC if "cdc" in also.extras or _has_debezium(project) else artifacts.CONNECT
    files = artifacts.ensure(lambda done, total: progress(Event("download", "fetching", done, total)), names=bundles)
    assert files.snowflake_connector is not None
    ports = _with_port(project, "connect_port", connect.NAME, settings.connect_port, ports)
    setup = connect.ConnectSetup(
        find_java(),
        files.connect_classpath,
        files.snowflake_connector,
        files.debezium_home,
        ports["connect_port"],
        f"{HOST}:{ports['kafka_port']}",
        settings.connect_memory.bytes,
        (*_environments(project), *also.environments),
    )
    check = connect.connect_check(setup.port)
    before = _text(connect.properties_file(project))
    same = before == connect.worker_properties(project, setup)
    if same and supervisor.find(project.local, connect.NAME) and supervisor.answers_within(check, seconds=5):
        progress(Event(connect.NAME, "running"))
        return ports

    def service() -> supervisor.Service:
        ensure_access(project, ports["kafka_port"])
        return connect.connect_service(project, setup)

    _start(project, connect.NAME, service, progress)
    return ports


def _start(project: Project, name: str, make: Callable[[], supervisor.Service], progress: Progress) -> None:
    supervisor.stop(project.local, name)
    supervisor.kill_leftovers(project.local, [name])
    progress(Event(name, "starting"))
    try:
        supervisor.start(project.local, make())
    except BaseException:
        progress(Event(name, "failed"))
        raise
    progress(Event(name, "ready"))


def _with_port(project: Project, label: str, name: str, given: int | None, ports: dict[str, int]) -> dict[str, int]:
    """A running service keeps its port unless another one is given."""
    now = ports.get(label)
    if now is not None and given in (None, now) and supervisor.find(project.local, name) is not None:
        return ports
    if supervisor.find(project.local, name) is not None:
        supervisor.stop(project.local, name)
    others = {other: port for other, port in ports.items() if other != label}
    chosen = {**others, label: choose(label, given, now, set(others.values()))}
    save_ports(project.local / "ports.json", chosen)
    return chosen


def _environments(project: Project) -> tuple[str, ...]:
    """Environments the worker already serves, read off the folders it was given."""
    folders = _setting(project, f"config.providers.{connect.PROVIDER}.param.allowed.paths").split(",")
    state = project.environment_state("x").parent
    known = {folder for folder in folders if folder}
    return tuple(
        sorted(path.name for path in state.glob("*") if str(path / "secrets") in known) if state.is_dir() else ()
    )


def _has_debezium(project: Project) -> bool:
    return "debezium" in _setting(project, "plugin.path")


def _setting(project: Project, name: str) -> str:
    lines = _text(connect.properties_file(project)).splitlines()
    return next((line.partition("=")[2] for line in lines if line.startswith(f"{name}=")), "")


def _text(path: Any) -> str:
    try:
        return str(path.read_text())
    except OSError:
        return ""
