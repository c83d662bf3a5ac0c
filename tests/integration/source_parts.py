"""What a deploy would make for one source, made by hand: its topic, its place, its Kafka login, its table and rights.

Each has names of its own. ACLs and grants are those of the specifications, so the source runs with no more rights than
it has in earnest.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from modules.connectors.source import Source, SourceOptions, SourceSettings, source_settings
from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.environment.source import place_topic, source_principal
from modules.errors import InfraError
from modules.platforms import platform_for
from modules.platforms.local import application_password
from modules.project import Project
from modules.topics import access_acls, topic_specs
from modules.warehouse.connection import connect, make_key_pair
from modules.warehouse.estate import SOURCE_USER, WAREHOUSE
from modules.warehouse.keys import private_key_of
from tests.integration.conftest import RunningPlatform
from tests.integration.kafka_parts import grant, make_topics, read_whole
from tests.integration.program import Running


@dataclass
class SourceSetup:
    """One source with everything it needs."""

    project: Project
    environment: Environment
    name: str
    topic: str
    table: str
    processes: list[SourceProcess] = field(default_factory=list)
    schemas: dict[int, Any] = field(default_factory=dict)

    @property
    def platform(self) -> Any:
        return platform_for(self.environment, self.project)

    def connected(self) -> Any:
        """A session of the administrator's."""
        return connect(self.platform.snowflake_client("admin"), self.project)

    def sql(self, *statements: str) -> list[Any]:
        """As the administrator; the last statement's rows."""
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE IF NOT EXISTS SRC")
            cursor.execute("USE SCHEMA SRC.PUBLIC")
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def source(self, *arguments: str) -> SourceProcess:
        process = SourceProcess(self, arguments)
        self.processes.append(process)
        return process

    def numbers(self, least: int) -> None:
        """A table with every N from 0 to at least `least` - 1, doubled until it is long enough."""
        self.sql("CREATE TABLE IF NOT EXISTS SRC.PUBLIC.NUMBERS (N NUMBER(18,0))")
        ((count,),) = self.sql("SELECT COUNT(*) FROM SRC.PUBLIC.NUMBERS")
        if not count:
            self.sql("INSERT INTO SRC.PUBLIC.NUMBERS VALUES (0)")
            count = 1
        while count < least:
            self.sql(f"INSERT INTO SRC.PUBLIC.NUMBERS SELECT N + {count} FROM SRC.PUBLIC.NUMBERS")
            count *= 2

    def settings(self) -> SourceSettings:
        """As its YAML says now."""
        environment = load_environment(self.project, self.environment.name)
        return source_settings(environment, self.platform, self.project)

    def once(self) -> dict[str, Any]:
        """Publish what is there; the final status."""
        return asdict(Source(self.settings(), SourceOptions(once=True, max_seconds=120)).run())

    def refused(self) -> str:
        """What a run says that cannot begin."""
        try:
            Source(self.settings(), SourceOptions(once=True, max_seconds=60)).run()
        except InfraError as error:
            return str(error)
        raise AssertionError("it was not refused")

    def messages(self, topic: str | None = None) -> list[Any]:
        """All committed messages, partition by partition in their order."""
        client = self.platform.kafka_client("admin")
        return read_whole(client, topic or self.topic, f"{self.name}-test", isolation_level="read_committed")

    def records(self) -> list[dict[str, Any]]:
        """The committed messages' values, decoded with the registered schemas."""
        return [self.decode(message.value()) for message in self.messages() if message.value() is not None]

    def decode(self, value: bytes) -> dict[str, Any]:
        import fastavro

        schema = self.schema(int.from_bytes(value[1:5], "big"))
        record = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)
        assert isinstance(record, dict)
        return record

    def register(self, schema: str) -> None:
        """As a deploy would."""
        from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

        client = SchemaRegistryClient({"url": self.platform.registry_client().url})
        client.register_schema(f"{self.topic}-value", Schema(schema, "AVRO"))

    def schema(self, schema_id: int) -> Any:
        """A registered schema, parsed."""
        import fastavro
        from confluent_kafka.schema_registry import SchemaRegistryClient

        if schema_id not in self.schemas:
            client = SchemaRegistryClient({"url": self.platform.registry_client().url})
            self.schemas[schema_id] = fastavro.parse_schema(json.loads(str(client.get_schema(schema_id).schema_str)))
        return self.schemas[schema_id]


class SourceProcess(Running):
    """`infra source` in a process group of its own."""

    def __init__(self, setup: SourceSetup, arguments: Sequence[str]) -> None:
        super().__init__(
            setup.project,
            f"sources/{setup.name}-{len(setup.processes)}",
            ("source", "--env", setup.environment.name, *arguments),
            {"rows_published": 0, "caught_up": False, "state": "starting"},
        )


def make_source(
    running: RunningPlatform,
    name: str,
    columns: str,
    *,
    column: str | None,
    key: str,
    mode: str = "timestamp",
    partitions: int = 3,
    stream: bool = False,
    **settings: object,
) -> SourceSetup:
    """A source called `name` on the running platform, everything it needs created."""
    table = f"SRC.PUBLIC.{name.replace('-', '_').upper()}"
    given = {"kind": "snowflake", "mode": mode, "column": column, "key": key, "topic": name, "poll": "100ms",
             "settle": "0s", "table": table, "stream": f"{table}_STREAM" if stream else None, **settings}  # fmt: skip
    lines = "".join(f"    {word}: {value}\n" for word, value in given.items() if value is not None)
    (running.project.environments / f"{name}.yaml").write_text(
        f"extends: local\nplatform: local\nwarehouse: {{preset: order-events}}\ntopics:\n  {name}:\n"
        f"    partitions: {partitions}\nsources:\n  {name}:\n{lines}"
    )
    environment = load_environment(running.project, name)
    setup = SourceSetup(running.project, environment, name, name, table)
    _make_kafka(setup)
    _make_snowflake(setup, columns, stream=stream)
    return setup


def _make_kafka(setup: SourceSetup) -> None:
    admin = AdminClient(setup.platform.kafka_client("admin"))
    wanted = (setup.topic, place_topic(setup.name))
    specs = [spec for spec in topic_specs(setup.environment) if spec.name in wanted]
    make_topics(admin, specs)
    user = source_principal(setup.name)
    password = application_password(setup.project, user).encode()
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    for changed in admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(user, credential, password)]
    ).values():
        changed.result(20)
    grant(admin, setup.platform, [acl for acl in access_acls(setup.environment) if acl.role == user])


def _make_snowflake(setup: SourceSetup, columns: str, *, stream: bool) -> None:
    shared = setup.project.root / "source.p8"
    public = make_key_pair(shared)
    path = setup.project.root / private_key_of(setup.environment, setup.project, SOURCE_USER).reference.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(shared.read_bytes())
    path.chmod(0o600)
    setup.sql(
        f"CREATE TABLE {setup.table} ({columns})",
        "CREATE ROLE IF NOT EXISTS KAFKA_SOURCE",
        f"CREATE WAREHOUSE IF NOT EXISTS {WAREHOUSE}",
        f"CREATE USER IF NOT EXISTS {SOURCE_USER} TYPE = SERVICE DEFAULT_ROLE = KAFKA_SOURCE",
        f"ALTER USER {SOURCE_USER} SET RSA_PUBLIC_KEY = '{public}'",
        f"GRANT ROLE KAFKA_SOURCE TO USER {SOURCE_USER}",
        f"GRANT USAGE ON WAREHOUSE {WAREHOUSE} TO ROLE KAFKA_SOURCE",
        "GRANT USAGE ON DATABASE SRC TO ROLE KAFKA_SOURCE",
        "GRANT USAGE ON SCHEMA SRC.PUBLIC TO ROLE KAFKA_SOURCE",
        f"GRANT SELECT ON TABLE {setup.table} TO ROLE KAFKA_SOURCE",
    )
    if stream:
        setup.sql(
            f"CREATE STREAM {setup.table}_STREAM ON TABLE {setup.table}",
            f"GRANT SELECT ON STREAM {setup.table}_STREAM TO ROLE KAFKA_SOURCE",
            "GRANT CREATE TABLE ON SCHEMA SRC.PUBLIC TO ROLE KAFKA_SOURCE",
        )
