"""The Schema Registry of the local platform: Apicurio on an H2 file, its Confluent-compatible API, loopback only.

H2 writes every commit at once (`WRITE_DELAY=0`), so a registered subject survives a SIGKILL.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modules.local.java import Java
from modules.local.ports import HOST
from modules.local.supervisor import Hopeless, Service
from modules.project import Project

__all__ = ["RegistrySetup", "answers", "registry_check", "registry_service", "registry_url"]

NAME = "registry"
API = "/apis/ccompat/v7"
FAILING_SECONDS = 8.0
"""Longer than it answers 500 while it starts."""


@dataclass(frozen=True)
class RegistrySetup:
    """What the registry is started with."""

    java: Java
    home: Path
    port: int
    management_port: int
    heap_bytes: int


def registry_url(port: int) -> str:
    """The Confluent-compatible root."""
    return f"http://{HOST}:{port}{API}"


def registry_service(project: Project, setup: RegistrySetup) -> Service:
    """The service; its data is `data/registry` in the platform's folder."""
    (project.local / "data" / "registry").mkdir(parents=True, exist_ok=True)
    settings = {
        "quarkus.http.host": HOST,
        "quarkus.http.port": setup.port,
        "quarkus.http.access-log.enabled": "false",
        "quarkus.management.host": HOST,
        "quarkus.management.port": setup.management_port,
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        # Relative, since the path of a project may hold what an H2 address gives a meaning to.
        "apicurio.datasource.url": "jdbc:h2:file:./data/registry/registry;WRITE_DELAY=0",
        "apicurio.datasource.username": "registry",
        # An embedded database: no port listens, its file is guarded by its mode.
        "apicurio.datasource.password": "registry",
        # Off by default; without them a destroy could not delete a subject.
        "apicurio.rest.deletion.artifact.enabled": "true",
        "apicurio.rest.deletion.artifact-version.enabled": "true",
        "apicurio.rest.deletion.group.enabled": "true",
    }
    command = [
        str(setup.java.path),
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Xshare:auto",
        f"-Xmx{setup.heap_bytes // 2**20}m",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.net.preferIPv4Stack=true",
        "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
        *(f"-D{name}={value}" for name, value in settings.items()),
        "-jar",
        str(setup.home / "quarkus-run.jar"),
    ]
    return Service(
        name=NAME,
        command=tuple(command),
        healthy=registry_check(setup.port),
        ports=(setup.port, setup.management_port),
        cwd=project.local,
        start_seconds=90,
    )


def registry_check(port: int) -> Callable[[], bool]:
    """A check that lists the subjects, which reads the database; it gives up on one that keeps failing."""
    failing_since: float | None = None

    def check() -> bool:
        nonlocal failing_since
        status = get_status(port, f"{API}/subjects")
        if status != 500:
            failing_since = None
            return status == 200
        failing_since = failing_since or time.monotonic()
        if time.monotonic() - failing_since > FAILING_SECONDS:
            raise Hopeless("runs but cannot read its data (it answers 500)")
        return False

    return check


def answers(port: int, path: str, seconds: float = 2.0) -> bool:
    """True when a GET on loopback is answered with 200."""
    return get_status(port, path, seconds) == 200


def get_status(port: int, path: str, seconds: float = 2.0) -> int | None:
    """The HTTP status of a GET on loopback, None without an answer; no proxy is ever asked."""
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
