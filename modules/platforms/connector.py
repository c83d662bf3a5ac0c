"""What the connector logs in to Snowflake with, on every platform: its key, and the schema it writes into."""

from __future__ import annotations

from modules.environment.model import Environment
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError
from modules.project import Project

__all__ = ["SOURCE_USER", "connector_key", "sink_schema", "source_key"]

SOURCE_USER = "SVC_KAFKA_SOURCE"
"""Reads the tables of sources; it can write nothing."""


def connector_key(environment: Environment, project: Project) -> SecretRefValue:
    """The key the YAML refers to, else the one the CLI makes and keeps."""
    given = environment.warehouse.connector_private_key
    if given is not None:
        return given
    path = project.environment_state(environment.name) / "secrets" / "svc-kafka-connector.p8"
    return SecretRefValue("file", str(path.relative_to(project.root)))


def source_key(environment: Environment, project: Project) -> SecretRefValue:
    """The key of `SOURCE_USER`, which the CLI makes and keeps."""
    path = project.environment_state(environment.name) / "secrets" / "svc-kafka-source.p8"
    return SecretRefValue("file", str(path.relative_to(project.root)))


def sink_schema(environment: Environment) -> tuple[str, str]:
    """Database and schema of the first topic's sink table, in Snowflake's upper case.

    Raises:
        ConfigError: no topic has a sink.
    """
    for topic in environment.topics.values():
        if topic.sink is not None:
            database, schema, _table = topic.sink.table.upper().split(".")
            return database, schema
    raise ConfigError(
        "no topic has a sink, so there is no database to connect to",
        where=environment.source,
        do="give a topic `sink: {table: DATABASE.SCHEMA.TABLE}`",
    )
