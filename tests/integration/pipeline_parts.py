"""What a deploy would make for one topic and its table, made by hand: for tests of the sink and the producer alone.

Each pipeline has a topic, a table and a subject of its own, so tests do not meet each other's rows. ACLs and grants are
those of the environment model, so the sink runs with no more rights than it has in earnest.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from modules.connectors.sink import SinkSettings, settings_for
from modules.connectors.sink.metrics import SinkStatus
from modules.environment.model import Environment
from modules.platforms import platform_for
from modules.producer import EventSerializer, OrderEvents, ProduceResult, produce
from modules.project import Project
from modules.topics import access_acls, dead_letter_topic, schema_specs, sink_acls, topic_specs
from modules.warehouse.build import estate_of
from modules.warehouse.connection import connect, make_key_pair
from modules.warehouse.estate import CONNECTOR_ROLE, CONNECTOR_USER, WAREHOUSE, RoleRef
from tests.integration.conftest import RunningPlatform
from tests.integration.kafka_parts import grant, make_topics, read_whole
from tests.integration.program import Running


@dataclass
class Flow:
    """A producer at work. `sent` counts events handed to it so far."""

    total: int
    over: threading.Event = field(default_factory=threading.Event)
    sent: int = 0
    result: ProduceResult | None = None
    problem: BaseException | None = None

    def events(self, source: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for event in islice(source, self.total):
            # A trickle keeps flowing, so that whatever happens meanwhile happens in mid-stream; a fifth is enough
            # for two minutes of it.
            if self.sent > self.total * 0.8 and not self.over.is_set():
                self.over.wait(max(0.05, 600 / self.total))
            self.sent += 1
            yield event


@dataclass
class Pipeline:
    """One topic, its dead-letter topic, its subject and its table."""

    project: Project
    environment: Environment
    topic: str
    table: str
    sinks: list[SinkProcess] = field(default_factory=list)

    @property
    def platform(self) -> Any:
        return platform_for(self.environment, self.project)

    @property
    def settings(self) -> SinkSettings:
        return settings_for(self.environment, self.platform, self.project, self.topic)

    def produce(self, count: int, seed: int = 1, rate: float | None = None) -> ProduceResult:
        result = produce(self.environment, self.platform, OrderEvents(seed), topic=self.topic, count=count, rate=rate)
        assert result.complete and result.delivered == count
        return result

    @contextmanager
    def flowing(self, rate: float, total: int) -> Iterator[Flow]:
        """Events that flow while something else happens: the last fifth only when that is over, then all of `total`."""
        flow = Flow(total)

        def run() -> None:
            try:
                held = flow.events(OrderEvents(1))
                flow.result = produce(self.environment, self.platform, held, topic=self.topic, rate=rate)
            except BaseException as error:
                flow.problem = error

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield flow
        finally:
            flow.over.set()
            thread.join(120)
        if flow.problem:
            raise flow.problem
        assert flow.result is not None and flow.result.complete and flow.result.delivered == total

    def serializer(self) -> EventSerializer:
        return EventSerializer(self.platform.registry_client(), f"{self.topic}-value")

    def send(self, *messages: tuple[bytes | None, bytes | None], partition: int = 0, **headers: bytes) -> None:
        """Messages as they are, to one partition."""
        producer = Producer({**self.platform.kafka_client("producer"), "acks": "all"})
        for key, value in messages:
            producer.produce(self.topic, key=key, value=value, partition=partition, headers=list(headers.items()))
        assert producer.flush(20) == 0

    def sql(self, statement: str) -> list[Any]:
        with connected(self) as connection, connection.cursor() as cursor:
            return list(cursor.execute(statement).fetchall())

    def rows(self) -> tuple[int, int]:
        """Rows, and distinct event ids."""
        ((rows, distinct),) = self.sql(f"SELECT count(*), count(DISTINCT EVENT_ID) FROM {self.table}")
        return int(rows), int(distinct)

    def positions(self) -> list[tuple[int, int]]:
        """(partition, offset) of all rows."""
        found = self.sql(f"SELECT RECORD_METADATA:partition::NUMBER, RECORD_METADATA:offset::NUMBER FROM {self.table}")
        return [(int(partition), int(offset)) for partition, offset in found]

    def dead_letters(self) -> list[Any]:
        """All messages of the dead-letter topic, as librdkafka gives them."""
        return self.read(dead_letter_topic(self.topic), "consumer")

    def read(self, topic: str, role: Any) -> list[Any]:
        return read_whole(self.platform.kafka_client(role), topic, f"{self.topic}-test")

    def ends(self) -> int:
        """Messages in the topic."""
        return len(self.read(self.topic, "consumer"))

    def sink(self, *arguments: str) -> SinkProcess:
        process = SinkProcess(self, arguments)
        self.sinks.append(process)
        return process

    def catch_up(self) -> dict[str, Any]:
        """Run a sink until nothing is left; its final status."""
        with self.sink("--until-caught-up", "--max-seconds", "120") as process:
            return process.finish()


class SinkProcess(Running):
    """`infra sink` in a process group of its own, as a user or the supervisor starts it."""

    def __init__(self, pipeline: Pipeline, arguments: tuple[str, ...]) -> None:
        super().__init__(
            pipeline.project,
            f"sinks/{pipeline.topic}-{len(pipeline.sinks)}",
            ("sink", "--env", pipeline.environment.name, "--topic", pipeline.topic, *arguments),
            {"rows_appended": 0, "state": "starting"},
        )


def make_pipeline(running: RunningPlatform, name: str, **topic_changes: Any) -> Pipeline:
    """A pipeline called `name` on the running platform, everything it needs created."""
    base = running.environment.topics["order-events"]
    table = f"STREAMING.PUBLIC.{name.replace('-', '_').upper()}"
    sink = base.sink.model_copy(update={"table": table}) if base.sink else None
    topic = base.model_copy(update={"sink": sink, **topic_changes})
    environment = running.environment.model_copy(update={"topics": {name: topic}, "name": name})
    # The program reads its environment from a file, so this one gets one.
    (running.project.environments / f"{name}.yaml").write_text(
        f"extends: local\nplatform: local\ntopics:\n  order-events: null\n  {name}:\n"
        f"    partitions: {topic.partitions}\n"
        f"    key: order_id\n    value: {{schema: schemas/order_events.avsc}}\n    sink: {{table: {table}}}\n"
        f"    dead_letter: {str(topic.dead_letter).lower()}\n"
    )
    pipeline = Pipeline(running.project, environment, name, table)
    _make_topics(pipeline)
    _register(pipeline)
    _make_estate(pipeline)
    return pipeline


def _make_topics(pipeline: Pipeline) -> None:
    admin = AdminClient(pipeline.platform.kafka_client("admin"))
    make_topics(admin, topic_specs(pipeline.environment))
    grant(admin, pipeline.platform, (*access_acls(pipeline.environment), *sink_acls(pipeline.environment)))


def _register(pipeline: Pipeline) -> None:
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

    client = SchemaRegistryClient({"url": pipeline.platform.registry_client().url})
    for spec in schema_specs(pipeline.environment):
        text = (pipeline.project.environments / spec.path).read_text()
        client.register_schema(spec.subject, Schema(text, "AVRO"))


def _make_estate(pipeline: Pipeline) -> None:
    """Database, table, role, warehouse, user and grants by SQL, the connector's key pair in its file."""
    estate = estate_of(pipeline.environment, pipeline.project.environments)
    (table,) = estate.tables
    columns = ", ".join(f"{c.name} {c.type}{'' if c.nullable else ' NOT NULL'}" for c in table.columns)
    statements = [
        *(f"CREATE DATABASE IF NOT EXISTS {table.database}" for table in estate.tables),
        f"CREATE TABLE {pipeline.table} ({columns})",
        f"CREATE ROLE IF NOT EXISTS {CONNECTOR_ROLE}",
        f"CREATE WAREHOUSE IF NOT EXISTS {WAREHOUSE}",
        *(
            f"CREATE USER IF NOT EXISTS {user.name} TYPE = SERVICE DEFAULT_ROLE = {user.default_role} "
            f"DEFAULT_WAREHOUSE = {user.default_warehouse}"
            for user in estate.users
        ),
        f"ALTER USER {CONNECTOR_USER} SET RSA_PUBLIC_KEY = '{_connector_key(pipeline)}'",
        *(f"GRANT ROLE {user.default_role} TO USER {user.name}" for user in estate.users),
        *(
            f"GRANT {', '.join(grant.privileges)} ON {grant.on} TO ROLE {grant.role.qualified}"
            for grant in estate.grants
            if grant.role == RoleRef(CONNECTOR_ROLE)
        ),
    ]
    with connected(pipeline) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _connector_key(pipeline: Pipeline) -> str:
    """The public half. All pipelines share one user, hence one key, each in its own environment's file."""
    shared = pipeline.project.root / "connector.p8"
    public = make_key_pair(shared)
    path = pipeline.project.environment_state(pipeline.environment.name) / "secrets" / "svc-kafka-connector.p8"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(shared.read_bytes())
    path.chmod(0o600)
    return public


def connected(pipeline: Pipeline) -> Any:
    """snowflake-connector-python, as the administrator."""
    return connect(pipeline.platform.snowflake_client("admin"), pipeline.project)


def doubled(positions: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(partition, offset) pairs that are there more than once."""
    return [position for position, times in Counter(positions).items() if times > 1]


def some_events(count: int, seed: int = 99) -> list[dict[str, Any]]:
    return list(islice(OrderEvents(seed), count))


__all__ = ["Pipeline", "SinkProcess", "SinkStatus", "doubled", "make_pipeline", "some_events"]
