"""The laptop platform as a whole: up, down, status, logs, reset, and the sink beside it.

One `up`, `down` or `reset` at a time works on a project (a lock); all are safe to repeat. `up` leaves healthy services
alone, brings dead ones back on their data, and when it fails stops what it started itself. It prints nothing: callers
pass a function that is told what happens.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from modules.environment.model import Local
from modules.errors import LocalError
from modules.local import artifacts, extras, kafka, registry, snowflake, supervisor
from modules.local.common import EXTRAS, SERVICES, SINK, Event, Progress, locked, silent
from modules.local.credentials import ensure_secrets, write_private
from modules.local.endpoints import LocalEndpoints, record_file
from modules.local.java import find_java
from modules.local.ports import HOST, choose, load_ports, save_ports
from modules.local.sink_service import start_sink, stop_sink
from modules.local.status import ServiceStatus, logs, status
from modules.project import Project

__all__ = [
    "SERVICES", "SINK", "Event", "Progress", "ServiceStatus",
    "down", "logs", "reset", "silent", "start_sink", "status", "stop_sink", "up",
]  # fmt: skip

ROOM_BYTES = 200_000_000
"""Free space below which the services are not started: a broker on a full disk loses more than time."""

PORTS = ("kafka_port", "kafka_controller_port", "registry_port", "registry_management_port", "snowflake_port")
PORTS_OF = {
    "kafka": ("kafka_port", "kafka_controller_port"),
    "registry": ("registry_port", "registry_management_port"),
    "snowflake": ("snowflake_port",),
}


def up(
    project: Project, settings: Local | None = None, progress: Progress = silent, also: extras.Asked = extras.NOTHING
) -> LocalEndpoints:
    """Start what does not run yet and return where all of it listens.

    Args:
        also: services beside the three that every platform has; those that ran before and died come back unasked.

    Raises:
        LocalError: a port in use, no room, a wrong Java, a service that does not start; what this call started is
            stopped again, what ran before goes on.
        DownloadError: the programs cannot be fetched.
    """
    chosen = settings or Local()
    with locked(project):
        ensure_secrets(project)
        ports = load_ports(project.local / "ports.json")
        missing = [name for name in SERVICES if not _runs(project, name, ports, chosen)]
        for name in SERVICES:
            if name not in missing:
                progress(Event(name, "running"))
        if missing or not set(PORTS) <= set(ports):
            ports = _start_missing(project, chosen, ports, missing, progress)
        ports = extras.start(project, chosen, ports, also, progress)
        endpoints = LocalEndpoints(
            kafka_bootstrap=f"{HOST}:{ports['kafka_port']}",
            registry_url=registry.registry_url(ports["registry_port"]),
            snowflake_host=HOST,
            snowflake_port=ports["snowflake_port"],
            kafka_cluster_id=kafka.cluster_id(project),
            **extras.endpoints(project, ports),
        )
        write_private(record_file(project), endpoints.dump())
        return endpoints


def down(project: Project, progress: Progress = silent) -> list[str]:
    """Stop everything, the sink first; returns the names of what was running. Data is kept."""
    if not project.local.is_dir():
        return []
    with locked(project):
        return _down(project, progress)


def reset(project: Project, progress: Progress = silent) -> None:
    """Stop everything and wipe the platform's data, logs, ports and secrets."""
    if not project.local.is_dir():
        return
    with locked(project) as lock:
        _down(project, progress)
        extras.wipe(project)
        for path in project.local.iterdir():
            if path == lock:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _runs(project: Project, name: str, ports: dict[str, int], settings: Local) -> bool:
    """True when the service lives, answers, and listens where the settings want it."""
    run = supervisor.recorded(project.local, name)
    if run is None or run.port is None or supervisor.find(project.local, name) is None:
        return False
    label = PORTS_OF[name][0]
    if ports.get(label) != run.port or getattr(settings, label) not in (None, run.port):
        return False
    checks: dict[str, Callable[[int], Callable[[], bool]]] = {
        "kafka": lambda port: kafka.broker_check(project, port),
        "registry": registry.registry_check,
        "snowflake": snowflake.snowflake_check,
    }
    return supervisor.answers_within(checks[name](run.port), seconds=5)


def _start_missing(
    project: Project, settings: Local, ports: dict[str, int], missing: list[str], progress: Progress
) -> dict[str, int]:
    """Fetch, choose ports, start; returns the ports of all services."""
    java = find_java()
    files = artifacts.ensure(lambda done, total: progress(Event("download", "fetching", done, total)))
    free = shutil.disk_usage(project.local).free
    if free < ROOM_BYTES:
        raise LocalError(
            f"no space left on the disk: {ROOM_BYTES / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free",
            where=str(project.local),
            do="free some space",
        )
    for name in missing:
        supervisor.stop(project.local, name)
    supervisor.kill_leftovers(project.local, missing)
    others = {label: port for label, port in ports.items() if label not in PORTS}
    ports = {**others, **_choose_ports(settings, ports, missing)}
    save_ports(project.local / "ports.json", ports)

    def broker() -> supervisor.Service:
        setup = kafka.KafkaSetup(
            java,
            files.kafka_classpath,
            ports["kafka_port"],
            ports["kafka_controller_port"],
            settings.kafka_memory.bytes,
        )
        return kafka.kafka_service(project, setup)

    def schema_registry() -> supervisor.Service:
        setup = registry.RegistrySetup(
            java,
            files.registry_home,
            ports["registry_port"],
            ports["registry_management_port"],
            settings.registry_memory.bytes,
        )
        return registry.registry_service(project, setup)

    makers: dict[str, Callable[[], supervisor.Service]] = {
        "kafka": broker,
        "registry": schema_registry,
        "snowflake": lambda: snowflake.snowflake_service(project, ports["snowflake_port"]),
    }
    _start_all(project, {name: makers[name] for name in missing}, progress)
    return ports


def _choose_ports(settings: Local, ports: dict[str, int], missing: list[str]) -> dict[str, int]:
    """Ports of running services stay; the others keep theirs if it is free."""
    kept = {label for name in SERVICES if name not in missing for label in PORTS_OF[name]}
    chosen = {label: ports[label] for label in PORTS if label in kept and label in ports}
    labels = [label for label in PORTS if label not in chosen]
    # Given ones first, so that a remembered or random port never takes one that the YAML gives to another service.
    for label in sorted(labels, key=lambda label: getattr(settings, label, None) is None):
        given = getattr(settings, label, None)
        chosen[label] = choose(label, given, ports.get(label), set(chosen.values()))
    return chosen


def _start_all(project: Project, makers: dict[str, Callable[[], supervisor.Service]], progress: Progress) -> None:
    """Start services side by side; when one fails, stop all of them and raise its error."""
    abort = threading.Event()

    def start(name: str) -> None:
        progress(Event(name, "starting"))
        supervisor.start(project.local, makers[name](), abort)
        progress(Event(name, "ready"))

    with ThreadPoolExecutor(len(makers), thread_name_prefix="start") as pool:
        running: dict[Future[None], str] = {pool.submit(start, name): name for name in makers}
        try:
            finished, _ = wait(running, return_when=FIRST_EXCEPTION)
            for future in finished:
                if error := future.exception():
                    progress(Event(running[future], "failed"))
                    raise error
        except BaseException:
            abort.set()
            wait(running)
            for name in makers:
                supervisor.stop(project.local, name)
            raise


def _down(project: Project, progress: Progress) -> list[str]:
    folder = project.local

    def stop(name: str) -> str | None:
        if supervisor.find(folder, name) is not None:
            progress(Event(name, "stopping"))
        if not supervisor.stop(folder, name):
            return None
        progress(Event(name, "stopped"))
        return name

    # The sink and the connectors commit to the others while they stop, so those wait for them.
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        stopped = list(pool.map(stop, (SINK, *EXTRAS)))
        stopped += pool.map(stop, SERVICES)
    stopped += supervisor.kill_leftovers(folder)
    record_file(project).unlink(missing_ok=True)
    return [name for name in stopped if name]
