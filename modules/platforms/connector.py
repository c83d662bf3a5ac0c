"""What the connector logs in to Snowflake with, on every platform: its key, and the schema it writes into."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from modules.connectors.settings.config import one_line
from modules.environment.capture import debezium_sources
from modules.environment.connect import kind_of, sink_on_ecs
from modules.environment.model import Environment
from modules.environment.secrets import resolve_secret
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError
from modules.platforms.base import RegistryClient
from modules.project import Project

__all__ = [
    "PRIVATE_KEY", "REGISTRY_LOGIN", "REST_PASSWORD", "REST_USERNAME", "connector_key",
    "connector_secrets", "password_of_source", "sink_schema",
]  # fmt: skip

PRIVATE_KEY = "snowflake_connector_private_key"
REGISTRY_LOGIN = "connect_registry_login"
REST_USERNAME, REST_PASSWORD = "connect_rest_username", "connect_rest_password"
"""Variables of the connect stack that bring secrets."""

KEY_VARIABLE = "INFRA_CONNECTOR_KEY"


def connector_key(environment: Environment, project: Project) -> SecretRefValue:
    """The key the YAML refers to, else the one the CLI makes and keeps.

    A task that runs elsewhere is told by the environment variable `INFRA_CONNECTOR_KEY` where the key is.
    """
    told = os.environ.get(KEY_VARIABLE)
    given = SecretRefValue.parse(told) if told else environment.warehouse.connector_private_key
    if given is not None:
        return given
    path = project.environment_state(environment.name) / "secrets" / "svc-kafka-connector.p8"
    return SecretRefValue("file", str(path.relative_to(project.root)))


def connector_passphrase(environment: Environment) -> SecretRefValue | None:
    """Of that key, if it is the YAML's and encrypted; a task that runs elsewhere has it unencrypted."""
    settings = environment.warehouse
    given = settings.connector_private_key is not None and KEY_VARIABLE not in os.environ
    return settings.connector_private_key_passphrase if given else None


def password_of_source(name: str) -> str:
    """The variable that brings the database password of a captured source."""
    return f"source_{name.replace('-', '_')}_password"


def connector_secrets(
    environment: Environment, project: Project, registry: Callable[[], RegistryClient]
) -> dict[str, str]:
    """Values of the connect stack's variables that connectors need; none with the project's own sink as a process.

    Args:
        registry: asked only where a connector logs in to the registry by itself.
    """
    from modules.warehouse.connection import plain_key  # which knows this package

    found: dict[str, str] = {}
    if kind_of(environment) != "sink" or sink_on_ecs(environment):
        key = plain_key(connector_key(environment, project), connector_passphrase(environment), project)
        # The project's own sink reads a PEM; Snowflake's connector wants it bare.
        found[PRIVATE_KEY] = key if kind_of(environment) == "sink" else one_line(key)
    for name, source in debezium_sources(environment).items():
        if source.password is not None:
            found[password_of_source(name)] = resolve_secret(source.password, project)
    if environment.connect.rest_credentials is not None:
        found[REST_USERNAME], found[REST_PASSWORD] = _login(environment.connect.rest_credentials, project)
    if found and environment.platform != "local":
        client = registry()
        if client.username is not None:
            found[REGISTRY_LOGIN] = f"{client.username}:{client.password}"
    return found


def _login(reference: SecretRefValue, project: Project) -> tuple[str, str]:
    try:
        found = json.loads(resolve_secret(reference, project))
        return str(found["username"]), str(found["password"])
    except (ValueError, KeyError, TypeError):
        raise ConfigError(
            "the secret is no JSON object with `username` and `password`",
            where=f"connect.rest_credentials ({reference})",
            do="write it so",
        ) from None


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
