"""A Kafka Connect worker on the session's platform, and what the Snowflake connector needs to carry one topic.

Each flow has a topic, a table, a role and a service user of its own, made by hand with just the rights the connector's
version wants, so that these tests do not hang on the stacks.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from modules.errors import LocalError
from modules.local import connect, supervisor
from modules.local.endpoints import load_endpoints
from modules.local.extras import Asked
from modules.local.kafka import client_settings
from modules.local.platform import up
from modules.local.postgres_programs import Programs, find_programs
from modules.platforms.local import LocalPlatform
from modules.project import Project
from modules.warehouse.connection import connect as snowflake
from modules.warehouse.connection import make_key_pair
from tests.integration.conftest import RunningPlatform

ENVIRONMENT = "local"
DATABASE, SCHEMA = "CONNECTED", "PUBLIC"


@dataclass
class Worker:
    """The running worker."""

    running: RunningPlatform
    port: int

    @property
    def project(self) -> Project:
        return self.running.project

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.settled(method, path, body)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer

    def settled(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and answer. For a moment after a change the worker answers 409, or late: that is waited out."""
        deadline = time.monotonic() + 90
        while True:
            status, answer = connect.call(self.port, method, path, body, seconds=30)
            if status is not None and status != 409:
                return status, answer
            assert time.monotonic() < deadline, f"{method} {path}: {status} {answer}"
            time.sleep(0.1)

    def config(self, name: str) -> dict[str, str] | None:
        """A connector's settings; None without it."""
        status, answer = self.settled("GET", f"/connectors/{name}/config")
        return answer if status == 200 else None

    def state(self, name: str) -> str:
        """`RUNNING` when the connector and each of its tasks are; else what stands in the way."""
        status, answer = connect.call(self.port, "GET", f"/connectors/{name}/status")
        if status != 200:
            return f"{status}"
        parts = [answer["connector"], *answer["tasks"]]
        failed = [part for part in parts if part["state"] != "RUNNING"]
        if failed or not answer["tasks"]:
            return "\n".join(str(part.get("trace", part["state"]))[:1500] for part in failed) or "no task"
        return "RUNNING"

    def log(self) -> str:
        return supervisor.log_file(self.project.local, connect.NAME).read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL; nothing is said to anyone."""
        process = supervisor.find(self.project.local, connect.NAME)
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)

    def up(self, *extras: Any) -> None:
        """`infra local up --with connect` again."""
        endpoints = up(self.project, also=Asked(extras or ("connect",), (ENVIRONMENT,)))
        self.port = int(endpoints.connect_url.rpartition(":")[2])


def postgres_programs() -> Programs | None:
    """PostgreSQL's programs, if this machine has any."""
    try:
        return find_programs()
    except LocalError:
        return None


def start_worker(running: RunningPlatform, *extras: Any) -> Worker:
    worker = Worker(running, 0)
    worker.up(*extras)
    return worker


def until(condition: Callable[[], bool], what: Callable[[], object], seconds: float = 90) -> None:
    """Wait; how long is no verdict, so the limit is generous."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what()}"
        time.sleep(0.1)


@dataclass
class Flow:
    """One topic carried into one table by the Snowflake connector."""

    worker: Worker
    name: str
    partitions: int = 3
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return self.name.replace("-", "_").replace(".", "_").upper()

    @property
    def role(self) -> str:
        return f"{self.table}_ROLE"

    @property
    def user(self) -> str:
        return f"{self.table}_USER"

    @property
    def platform(self) -> LocalPlatform:
        return LocalPlatform(self.worker.project, self.worker.running.environment)

    @property
    def key(self) -> Path:
        return self.worker.project.environment_state(ENVIRONMENT) / "secrets" / f"{self.name}.p8"

    def config(self, **changes: str) -> dict[str, str]:
        endpoints = load_endpoints(self.worker.project)
        config = {
            "connector.class": "com.snowflake.kafka.connector.SnowflakeSinkConnector",
            "tasks.max": "1",
            "topics": self.name,
            "snowflake.topic2table.map": f"{self.name}:{self.table}",
            "snowflake.url.name": f"http://{endpoints.snowflake_host}:{endpoints.snowflake_port}",
            "snowflake.user.name": self.user,
            "snowflake.role.name": self.role,
            "snowflake.private.key": connect.secret_reference(self.key),
            "snowflake.database.name": DATABASE,
            "snowflake.schema.name": SCHEMA,
            "snowflake.ingestion.method": "SNOWPIPE_STREAMING",
            "snowflake.enable.schematization": "false",
            "snowflake.streaming.enable.single.buffer": "true",
            "snowflake.streaming.max.client.lag": "1",
            "buffer.flush.time": "1",
            "jmx": "false",
            "errors.tolerance": "none",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
        }
        return {**config, **self.settings, **changes}

    def make(self) -> Flow:
        """Topic, ACLs, role, user and grants: what is to be there before a connector is."""
        admin = AdminClient(self.platform.kafka_client("admin"))
        for made in admin.create_topics([NewTopic(self.name, self.partitions, 1)]).values():
            made.result(20)
        self.allow(admin, self.name, f"connect-{self.name}")
        self.key.parent.mkdir(parents=True, exist_ok=True)
        public = make_key_pair(self.key)
        self.sql(
            f"CREATE DATABASE IF NOT EXISTS {DATABASE}",
            f"CREATE ROLE {self.role}",
            f"CREATE USER {self.user} TYPE = SERVICE DEFAULT_ROLE = {self.role} RSA_PUBLIC_KEY = '{public}'",
            f"GRANT ROLE {self.role} TO USER {self.user}",
            f"GRANT USAGE ON DATABASE {DATABASE} TO ROLE {self.role}",
            f"GRANT USAGE, CREATE TABLE ON SCHEMA {DATABASE}.{SCHEMA} TO ROLE {self.role}",
        )
        return self

    @staticmethod
    def allow(admin: AdminClient, topic: str, group: str) -> None:
        """What a sink connector may do: read its topic and keep its place."""
        wanted = [
            (ResourceType.TOPIC, topic, AclOperation.READ),
            (ResourceType.TOPIC, topic, AclOperation.DESCRIBE),
            (ResourceType.GROUP, group, AclOperation.READ),
        ]
        literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
        acls = [AclBinding(k, n, literal, f"User:{connect.PRINCIPAL}", "*", o, allow) for k, n, o in wanted]
        for granted in admin.create_acls(acls).values():
            granted.result(20)

    def start(self, **changes: str) -> Flow:
        self.worker("PUT", f"/connectors/{self.name}/config", self.config(**changes))
        until(lambda: self.worker.state(self.name) == "RUNNING", lambda: self.worker.state(self.name))
        return self

    def stop(self) -> None:
        self.worker.settled("DELETE", f"/connectors/{self.name}")

    def send(self, events: list[dict[str, Any]]) -> None:
        endpoint = load_endpoints(self.worker.project).kafka_bootstrap
        settings = client_settings(self.worker.project, int(endpoint.rpartition(":")[2]), "admin")
        producer = Producer({**settings, "acks": "all", "linger.ms": 5})
        for number, event in enumerate(events):
            value = json.dumps(event).encode()
            producer.produce(self.name, key=str(number).encode(), value=value, partition=number % self.partitions)
            producer.poll(0)
        assert producer.flush(60) == 0

    def sql(self, *statements: str) -> list[Any]:
        """As the administrator; the last statement's rows."""
        found: list[Any] = []
        client = self.platform.snowflake_client("admin")
        with snowflake(client, self.worker.project) as connection, connection.cursor() as cursor:
            for statement in statements:
                found = list(cursor.execute(statement).fetchall())
        return found

    def count(self, what: str = "count(*)") -> int:
        ((number,),) = self.sql(f"SELECT {what} FROM {DATABASE}.{SCHEMA}.{self.table}")
        return int(number)

    def arrived(self, rows: int, seconds: float = 90) -> None:
        """Wait for so many rows."""

        def found() -> int:
            try:
                return self.count()
            except Exception:
                # The connector makes the table; until then there is none.
                return -1

        def enough() -> bool:
            state = self.worker.state(self.name)
            assert "Exception" not in state, state
            return found() >= rows

        until(enough, lambda: (found(), self.worker.state(self.name)), seconds)
