"""Change data capture on the laptop: PostgreSQL → Debezium → Kafka → Snowflake's connector → rows in the stand-in."""

from __future__ import annotations

import os
import random
import subprocess
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from modules.connectors.settings import Database, debezium_connector
from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.local import connect, postgres, supervisor
from modules.local.endpoints import load_endpoints
from modules.local.platform import status
from modules.platforms.base import RegistryClient
from modules.topics.connectors import heartbeat_topic
from tests.integration.kafka_connect_parts import DATABASE, SCHEMA, Flow, Worker, postgres_programs, until

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(
        postgres_programs() is None,
        reason="no PostgreSQL: install the extra `cdc`, or a PostgreSQL 14 or newer on the PATH",
    ),
]


def psql(worker: Worker, sql: str) -> list[list[str]]:
    """As the capturing user, over the loopback port; the last statements' rows."""
    found = postgres_programs()
    assert found is not None
    ran = subprocess.run(
        [str(found.folder / "psql"), "-h", "127.0.0.1", "-p", str(load_endpoints(worker.project).postgres_port),
         "-U", postgres.CAPTURE_USER, "-d", postgres.DATABASE, "-v", "ON_ERROR_STOP=1", "-qAtX", "-F", "|"],
        env={**os.environ, "PGPASSWORD": postgres.password_file(worker.project).read_text()},
        input=sql, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return [line.split("|") for line in ran.stdout.splitlines()]


@dataclass
class Capture:
    """A table of PostgreSQL and its copy: a source connector, a topic, a sink connector, a table."""

    worker: Worker
    name: str
    random: random.Random = field(default_factory=lambda: random.Random(7))
    changes: int = 0

    @property
    def topic(self) -> str:
        return f"{self.name}.public.{self.name}"

    @property
    def sink(self) -> Flow:
        registry = load_endpoints(self.worker.project).registry_url
        return Flow(
            self.worker,
            self.topic,
            settings={
                "snowflake.topic2table.map": f"{self.topic}:{self.table}",
                "snowflake.enable.schematization": "true",
                "value.converter": "io.confluent.connect.avro.AvroConverter",
                "value.converter.schema.registry.url": registry,
            },
        )

    @property
    def table(self) -> str:
        return self.topic.replace(".", "_").upper()

    @property
    def environment(self) -> Environment:
        project = self.worker.project
        (project.environments / f"{self.name}.yaml").write_text(
            f"extends: local\nplatform: local\ntopics:\n  order-events: null\n  {self.topic}: {{partitions: 3}}\n"
            f"sources:\n  {self.name}: {{kind: debezium-postgres, tables: {{public.{self.name}: {{key: [id]}}}}}}\n"
        )
        return load_environment(project, self.name)

    def make(self) -> Capture:
        psql(self.worker, f"CREATE TABLE {self.name} (id int PRIMARY KEY, word text, amount numeric(12,2))")
        self.sink.make()
        admin = AdminClient(self.sink.platform.kafka_client("admin"))
        heartbeat = heartbeat_topic(self.environment, self.name)
        for made in admin.create_topics([NewTopic(heartbeat, 1, 1)]).values():
            made.result(20)
        literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
        who = f"User:{connect.PRINCIPAL}"
        acls = [
            AclBinding(ResourceType.TOPIC, name, literal, who, "*", AclOperation.WRITE, allow)
            for name in (self.topic, heartbeat)
        ]
        for granted in admin.create_acls(acls).values():
            granted.result(20)
        return self

    def start(self) -> None:
        """The source as the environment's settings have it, then the sink."""
        endpoints = load_endpoints(self.worker.project)
        secret = connect.password_file(self.worker.project).with_name("postgres.password")
        secret.write_text(postgres.password_file(self.worker.project).read_text())
        secret.chmod(0o600)
        made = debezium_connector(
            self.environment,
            self.name,
            RegistryClient(endpoints.registry_url),
            password=connect.secret_reference(secret),
            database=Database("127.0.0.1", endpoints.postgres_port, postgres.DATABASE, postgres.CAPTURE_USER),
        )
        self.source = made.name
        self.worker("PUT", f"/connectors/{made.name}/config", {**made.config, **made.sensitive})
        until(lambda: self.worker.state(made.name) == "RUNNING", lambda: self.worker.state(made.name))
        self.sink.start()

    def stop(self) -> None:
        self.worker("DELETE", f"/connectors/{self.source}")
        self.sink.stop()

    def change(self, count: int) -> None:
        """`count` inserts, updates and deletes, one transaction each."""
        statements = []
        for _ in range(count):
            self.changes += 1
            row, number = self.random.randrange(max(20, count // 10)), self.changes
            upsert = (
                f"INSERT INTO {self.name} VALUES ({row}, 'w{number}', {number}.25) "
                "ON CONFLICT (id) DO UPDATE SET word = excluded.word, amount = excluded.amount;"
            )
            delete = f"DELETE FROM {self.name} WHERE id = {row};"
            statements.append(delete if self.random.random() < 0.2 else upsert)
        psql(self.worker, "\n".join(statements))

    def wanted(self) -> list[tuple[Any, ...]]:
        rows = psql(self.worker, f"SELECT id, word, amount FROM {self.name} ORDER BY id")
        return [(int(row[0]), row[1], row[2]) for row in rows]

    def copied(self) -> list[tuple[Any, ...]]:
        """Each key's row after its newest change, the deleted ones left out."""
        try:
            return self.sink.sql(
                f"SELECT ID, WORD, TO_VARCHAR(AMOUNT) FROM {DATABASE}.{SCHEMA}.{self.table} "
                "QUALIFY ROW_NUMBER() OVER (PARTITION BY ID ORDER BY __LSN DESC, RECORD_METADATA:offset::NUMBER DESC)"
                " = 1 AND __DELETED = 'false' ORDER BY ID"
            )
        except Exception:
            return []  # the table or a column is still to come

    def past_its_snapshot(self) -> bool:
        """Whether Kafka Connect has written down a place behind the first snapshot."""
        places = self.worker("GET", f"/connectors/{self.source}/offsets")["offsets"]
        return bool(places) and not any("snapshot" in (each["offset"] or {}) for each in places)

    def equal(self, seconds: float = 240) -> None:
        wanted = self.wanted()
        until(
            lambda: self.copied() == wanted,
            lambda: (self.worker.state(self.source), self.worker.state(self.topic), self.copied()[:5], wanted[:5]),
            seconds,
        )


def follows_through_a_kill(worker: Worker, name: str, changes: int) -> None:
    capture = Capture(worker, name).make()
    capture.change(changes // 10)
    capture.start()
    try:
        capture.change(changes * 4 // 10)
        until(lambda: len(capture.copied()) > 0, lambda: worker.state(capture.source))
        # Killed before the snapshot's end is written down, Debezium takes another, which knows nothing of rows that
        # were deleted since (docs/connectors.md).
        until(capture.past_its_snapshot, lambda: worker("GET", f"/connectors/{capture.source}/offsets"))
        capture.change(changes // 10)
        worker.kill()
        capture.change(changes * 2 // 10)
        worker.up("cdc")
        capture.change(changes - capture.changes)
        capture.equal()
        kinds = {row[0] for row in capture.sink.sql(f"SELECT DISTINCT __OP FROM {DATABASE}.{SCHEMA}.{capture.table}")}
        assert kinds == {"r", "c", "u", "d"}
    finally:
        capture.stop()


def test_inserts_updates_and_deletes_arrive_through_a_kill_of_the_worker(worker: Worker) -> None:
    follows_through_a_kill(worker, "orders", 400)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_ten_thousand_changes_end_in_the_exact_state_through_a_kill_of_the_worker(worker: Worker) -> None:
    follows_through_a_kill(worker, "shipments", 10_000)


def test_postgresql_is_on_loopback_with_its_passwords_in_files_only(worker: Worker) -> None:
    (found,) = [service for service in status(worker.project) if service.name == "postgres"]
    assert found.state == "running" and found.port == load_endpoints(worker.project).postgres_port
    process = supervisor.find(worker.project.local, postgres.NAME)
    assert process is not None
    listening = {each.laddr.ip for each in process.net_connections("tcp") if each.status == "LISTEN"}
    assert listening == {"127.0.0.1"}
    told = " ".join(process.cmdline()) + supervisor.log_file(worker.project.local, postgres.NAME).read_text()
    for user in (postgres.ADMIN_USER, postgres.CAPTURE_USER):
        file = postgres.password_file(worker.project, user)
        assert file.read_text() not in told
        assert file.stat().st_mode & 0o077 == 0
    assert psql(worker, "SHOW wal_level") == [["logical"]]
    assert psql(worker, "SELECT rolsuper, rolreplication FROM pg_roles WHERE rolname = current_user") == [["f", "t"]]


def test_a_wrong_password_is_refused(worker: Worker) -> None:
    found = postgres_programs()
    assert found is not None
    port = str(load_endpoints(worker.project).postgres_port)
    ran = subprocess.run(
        [str(found.folder / "psql"), "-h", "127.0.0.1", "-p", port, "-U", postgres.CAPTURE_USER, "-w", "postgres"],
        env={**os.environ, "PGPASSWORD": "wrong"}, input="SELECT 1", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode != 0 and "password authentication failed" in ran.stderr
