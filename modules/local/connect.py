"""The Kafka Connect worker of the local platform: one distributed worker, its REST API on loopback.

It runs the unmodified connectors of `artifacts.py`; which connectors run is declared by the stacks, not here. It logs
in to Kafka as a user of its own, which may do nothing but keep the worker's three topics and its group
(`connect_access.py`). Passwords and keys are read by the worker from files below the folders it is told
(`${secrets:FOLDER:FILE}`), so they are in no argument, no log and no answer of its REST API.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.local.connect_plugins import make_plugins, plugins_folder
from modules.local.credentials import write_private
from modules.local.endpoints import secret_file
from modules.local.java import Java
from modules.local.ports import HOST
from modules.local.supervisor import Service
from modules.project import Project

__all__ = [
    "CONFIG_TOPIC", "GROUP", "NAME", "OFFSET_TOPIC", "PRINCIPAL", "STATUS_TOPIC",
    "ConnectSetup", "connect_check", "connect_service", "connect_url", "password_file", "properties_file",
    "secret_folders", "secret_reference",
]  # fmt: skip

NAME = "connect"
PRINCIPAL = "connect"
GROUP = "_connect"
CONFIG_TOPIC, OFFSET_TOPIC, STATUS_TOPIC = "_connect-configs", "_connect-offsets", "_connect-status"
PROVIDER = "secrets"


@dataclass(frozen=True)
class ConnectSetup:
    """What the worker is started with."""

    java: Java
    classpath: tuple[Path, ...]
    snowflake_jar: Path
    debezium: Path | None
    """Debezium's folder, with change data capture."""
    port: int
    bootstrap: str
    heap_bytes: int
    environments: tuple[str, ...] = ()
    """Whose secrets (`.infra/env/<name>/secrets`) connectors may refer to."""


def connect_url(port: int) -> str:
    """The worker's REST API."""
    return f"http://{HOST}:{port}"


def secret_reference(file: Path) -> str:
    """A secret's file as a connector's setting names it; the worker reads the file when the connector starts."""
    return f"${{{PROVIDER}:{file.parent}:{file.name}}}"


def secret_folders(project: Project, environments: Sequence[str]) -> tuple[Path, ...]:
    """The folders the worker may read secrets from: its own, and those of the environments on this platform."""
    return (
        password_file(project).parent,
        *(project.environment_state(name) / "secrets" for name in sorted(set(environments))),
    )


def password_file(project: Project) -> Path:
    """The worker's Kafka password; in a folder of its own, since the worker can read all of that folder."""
    return secret_file(project, f"connect/kafka-{PRINCIPAL}.password")


def properties_file(project: Project) -> Path:
    return project.local / "run" / "connect.properties"


def connect_service(project: Project, setup: ConnectSetup) -> Service:
    """The service, with its configuration and its login written."""
    for folder in secret_folders(project, setup.environments):
        # The worker refuses to start with a folder that is not there.
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(properties_file(project), worker_properties(project, setup))
    make_plugins(project, setup.snowflake_jar)
    command = (
        str(setup.java.path),
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Xshare:auto",
        f"-Xmx{setup.heap_bytes // 2**20}m",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        # Every setting of every client, at each start of a task: the log's telling lines would drown.
        "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients=warn",
        "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
        # Several lines for each file it writes, one each second, and one for each look at the REST API.
        "-Dorg.slf4j.simpleLogger.log.net.snowflake.ingest=warn",
        "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.connect.runtime.rest.RestServer=warn",
        # Snowflake's driver keeps a log of its own in the temporary folder unless told not to.
        "-Dnet.snowflake.jdbc.loggerImpl=net.snowflake.client.log.SLF4JLogger",
        "-cp",
        os.pathsep.join(map(str, setup.classpath)),
        "org.apache.kafka.connect.cli.ConnectDistributed",
        "run/connect.properties",
    )
    return Service(
        name=NAME,
        command=command,
        healthy=connect_check(setup.port),
        ports=(setup.port,),
        cwd=project.local,
        start_seconds=120,
        stop_seconds=20,
    )


def worker_properties(project: Project, setup: ConnectSetup) -> str:
    """The worker's configuration; it holds no secret, only where they are."""
    folders = secret_folders(project, setup.environments)
    login = secret_reference(password_file(project))
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    security = {
        "bootstrap.servers": setup.bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.jaas.config": f'{scram} username="{PRINCIPAL}" password="{login}";',
    }
    settings: dict[str, Any] = {
        **security,
        **{
            f"{client}.{name}": value
            for client in ("producer", "consumer", "admin")
            for name, value in security.items()
        },
        "group.id": GROUP,
        "listeners": connect_url(setup.port),
        "rest.advertised.host.name": HOST,
        "rest.advertised.port": setup.port,
        "admin.listeners": "",
        "plugin.path": ",".join(map(str, filter(None, (plugins_folder(project), setup.debezium)))),
        "plugin.discovery": "service_load",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "config.storage.topic": CONFIG_TOPIC,
        "offset.storage.topic": OFFSET_TOPIC,
        "status.storage.topic": STATUS_TOPIC,
        "config.storage.replication.factor": 1,
        "offset.storage.replication.factor": 1,
        "status.storage.replication.factor": 1,
        "offset.storage.partitions": 1,
        "status.storage.partitions": 1,
        "offset.flush.interval.ms": 1000,
        # One worker: nobody else is to be waited for, neither at its start nor after a kill.
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 1500,
        "scheduled.rebalance.max.delay.ms": 0,
        # A killed task's place among its topic's readers is given away after so long; Kafka's least.
        "consumer.session.timeout.ms": 6000,
        "consumer.heartbeat.interval.ms": 1500,
        "task.shutdown.graceful.timeout.ms": 8000,
        "config.providers": PROVIDER,
        f"config.providers.{PROVIDER}.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
        f"config.providers.{PROVIDER}.param.allowed.paths": ",".join(map(str, folders)),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def connect_check(port: int) -> Callable[[], bool]:
    """A check that lists the connectors, which the worker answers once it has joined its group and read its topics."""

    def check() -> bool:
        status, _ = call(port, "GET", "/connectors", seconds=2)
        return status == 200

    return check


def call(port: int, method: str, path: str, body: Any = None, seconds: float = 10.0) -> tuple[int | None, Any]:
    """A call of the worker's REST API on loopback: status (None without an answer) and the decoded answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text.strip() else None
    except (OSError, http.client.HTTPException, ValueError):
        return None, None
    finally:
        connection.close()
