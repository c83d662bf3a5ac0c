"""The Kafka broker of the local platform: one KRaft node, SCRAM users, ACLs denied by default, loopback only.

Settings are for a laptop: one replica, a small heap, no waiting for further group members. What a topic is or who may
do what is declared by the stacks, not here.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.errors import LocalError
from modules.local.credentials import CONTROLLER, kafka_password, kafka_password_file, write_private
from modules.local.endpoints import KAFKA_PRINCIPALS
from modules.local.java import Java
from modules.local.ports import HOST, is_listening
from modules.local.supervisor import Service
from modules.project import Project

__all__ = ["KafkaSetup", "client_settings", "cluster_id", "kafka_service"]

NAME = "kafka"
AUTHENTICATION_FAILURES = 4
"""So many refusals in a row mean that the password is wrong, not that the broker is still loading its users."""


@dataclass(frozen=True)
class KafkaSetup:
    """What the broker is started with."""

    java: Java
    classpath: tuple[Path, ...]
    port: int
    controller_port: int
    heap_bytes: int


def client_settings(project: Project, port: int, principal: str) -> dict[str, str]:
    """librdkafka settings of a user."""
    return {
        "bootstrap.servers": f"{HOST}:{port}",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": principal,
        "sasl.password": kafka_password(project, principal),
    }


def kafka_service(project: Project, setup: KafkaSetup) -> Service:
    """The service, with its configuration written and its data folder formatted if it is new."""
    properties = project.local / "run" / "kafka.properties"
    if not (project.local / "data" / "kafka" / "meta.properties").exists():
        _format(project, setup)
    write_private(properties, _properties(project, setup, "data/kafka"))
    command = [
        *_java(setup),
        f"-Xmx{setup.heap_bytes // 2**20}m",
        "-XX:+ExitOnOutOfMemoryError",
        "kafka.Kafka",
        "run/kafka.properties",
    ]
    return Service(
        name=NAME,
        command=tuple(command),
        healthy=broker_check(project, setup.port),
        ports=(setup.port, setup.controller_port),
        cwd=project.local,
        start_seconds=90,
    )


def cluster_id(project: Project) -> str:
    """The id the data folder was formatted with; empty before that."""
    try:
        lines = (project.local / "data" / "kafka" / "meta.properties").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), "")


def broker_check(project: Project, port: int) -> Callable[[], bool]:
    """A check that logs in as the administrator and asks for the cluster: listening alone is not being ready."""
    client = None
    refusals = 0

    def on_error(error: object) -> None:
        nonlocal refusals
        from confluent_kafka import KafkaError

        refusals += error.code() == KafkaError._AUTHENTICATION  # type: ignore[attr-defined]

    def check() -> bool:
        nonlocal client
        if not is_listening(port):
            return False
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        if client is None:
            quick: dict[str, Any] = {"log_level": 0, "reconnect.backoff.max.ms": 400, "error_cb": on_error}
            client = AdminClient({**client_settings(project, port, "admin"), **quick})
        client.poll(0)
        if refusals >= AUTHENTICATION_FAILURES:
            raise LocalError(
                "the broker refuses the administrator's password: its data was made with other secrets",
                where=str(project.local),
                do="run `infra local reset` (it wipes the local data), then `infra local up`",
            )
        try:
            return client.describe_cluster(request_timeout=2).result(timeout=4).controller is not None
        except (KafkaException, TimeoutError):
            return False

    return check


def _java(setup: KafkaSetup) -> list[str]:
    return [
        str(setup.java.path),
        # One compiler tier and one collector thread: a laptop's cores have other things to do while all starts.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Xshare:auto",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "-cp",
        os.pathsep.join(map(str, setup.classpath)),
    ]


def _format(project: Project, setup: KafkaSetup) -> None:
    """Make the data folder under another name and rename it, so that an interrupted format leaves nothing behind."""
    folder = project.local
    fresh, target = folder / "data" / "kafka.new", folder / "data" / "kafka"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    properties, users = folder / "run" / "kafka-format.properties", folder / "run" / "kafka-users"
    write_private(properties, _properties(project, setup, "data/kafka.new"))
    # In a file, a line an argument: real arguments are readable by every user of the machine.
    passwords = {name: kafka_password(project, name) for name in KAFKA_PRINCIPALS}
    scram = [f"--add-scram\nSCRAM-SHA-256=[name={name},password={word}]" for name, word in passwords.items()]
    write_private(users, "\n".join(scram))
    command = [*_java(setup), "-Xmx128m", "kafka.tools.StorageTool", "format", "--standalone"]
    command += ["-t", _new_cluster_id(), "-c", str(properties), f"@{users}"]
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        raise LocalError("formatting Kafka's data folder took longer than two minutes", do="try again") from None
    finally:
        users.unlink(missing_ok=True)
        properties.unlink(missing_ok=True)
    if ran.returncode or not (fresh / "meta.properties").exists():
        said = ran.stderr
        for word in passwords.values():
            # The tool repeats arguments it does not understand.
            said = said.replace(word, "***")
        raise LocalError(
            "Kafka's data folder cannot be formatted",
            where=str(fresh),
            details=said.splitlines()[-8:],
            do="run `infra doctor`",
        )
    if target.exists():
        target.replace(folder / "data" / f"kafka.broken-{uuid.uuid4().hex[:6]}")
    fresh.replace(target)


def _new_cluster_id() -> str:
    """16 random bytes as Kafka writes them; one that starts with a dash would look like an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _reference(project: Project, principal: str) -> str:
    """A principal's password as Kafka looks it up when it starts."""
    path = kafka_password_file(project, principal)
    return f"${{secrets:{path.parent.relative_to(project.local)}:{path.name}}}"


def _properties(project: Project, setup: KafkaSetup, log_dirs: str) -> str:
    """The broker's configuration; `log_dirs` is relative, as an absolute one could hold a comma."""
    # The broker reads the passwords itself, so that they are in no file but their own.
    admin, controller = _reference(project, "admin"), _reference(project, CONTROLLER)
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    login = f'username="admin" password="{admin}"'
    inner = f'username="admin" password="{controller}" user_admin="{controller}"'
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": f"{HOST}:{setup.controller_port}",
        "listeners": f"CLIENT://{HOST}:{setup.port},CONTROLLER://{HOST}:{setup.controller_port}",
        "advertised.listeners": f"CLIENT://{HOST}:{setup.port}",
        "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        "sasl.enabled.mechanisms": "SCRAM-SHA-256",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
        # Requests the broker forwards are authorised by its own principal at this listener; on a listener without a
        # login that would be ANONYMOUS, which then had to be a super user.
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.client.scram-sha-256.sasl.jaas.config": f"{scram} {login};",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": f"{plain} {inner};",
        "config.providers": "secrets",
        "config.providers.secrets.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:admin",
        "log.dirs": log_dirs,
        "auto.create.topics.enable": "false",
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 2**20,
        # A broker that was killed comes back under a registration that must first expire.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
