"""Connectors on the laptop: on the one worker that `infra local up` runs, found by what it recorded.

The worker reads secrets from files below the environment's own folder of secrets (`modules/local/connect.py`), so what
is somewhere else is copied there, readable by its owner only.
"""

from __future__ import annotations

from pathlib import Path

from modules.connectors.declared import sinks_on, sources_on
from modules.connectors.settings import Database
from modules.environment.capture import debezium_sources
from modules.environment.model import Environment
from modules.environment.secrets import keep_secret, resolve_secret
from modules.environment.types import SecretRefValue
from modules.errors import LocalError
from modules.local.connect import secret_reference
from modules.local.endpoints import LocalEndpoints, load_endpoints
from modules.local.ports import HOST
from modules.platforms.base import Platform, RegistryClient
from modules.platforms.connector import connector_key, connector_passphrase
from modules.platforms.declare.connect_rest import declare_rest_connectors
from modules.project import Project
from modules.resources.base import Stack
from modules.resources.expressions import literal, var
from modules.resources.kafka_connect import KafkaConnectProvider
from modules.warehouse.connection import plain_key

__all__ = ["declare_local_connectors"]

_REHEARSED = "http://127.0.0.1:8083"
"""Where a rehearsal, which has no worker, says that it is."""


def declare_local_connectors(stack: Stack, environment: Environment, platform: Platform, project: Project) -> None:
    """The worker as provider and its connectors; nothing with the project's own sink and no captured source.

    Raises:
        LocalError: the worker does not run.
    """
    secrets = _Secrets(environment, project)
    endpoints = load_endpoints(project)
    registry = RegistryClient(var("cluster_registry_url"))
    carried = sinks_on(
        environment,
        "kafka-connect",
        lambda: platform.snowflake_client("connector"),
        registry,
        private_key=secrets.of_connector(),
    )
    captured = dict(
        sources_on(
            environment,
            "kafka-connect",
            registry,
            password=lambda name: secrets.of_source(name),
            database=lambda name: _database(environment, name, endpoints, rehearsed=project.offline),
        )
    )
    connectors = [*carried.values(), *captured.values()]
    if not connectors:
        return
    if not endpoints.connect_url and not project.offline:
        raise LocalError(
            "no Kafka Connect worker runs here",
            where=environment.source,
            do=f"run `infra local up --env {environment.name}`, which starts it for `connect.kind: kafka-connect`",
        )
    KafkaConnectProvider(stack, url=endpoints.connect_url or _REHEARSED)
    rights = ["kafka_acl.allow"] if "kafka_acl" in stack.declared.get("resource", {}) else []
    declare_rest_connectors(stack, connectors, waits=rights)


class _Secrets:
    """References to secrets' files as the worker reads them."""

    def __init__(self, environment: Environment, project: Project) -> None:
        self._environment = environment
        self._project = project
        self._folder = project.environment_state(environment.name) / "secrets"

    def reference(self, name: str, secret: SecretRefValue) -> str:
        """A reference to the secret's file, which is copied to `name` unless it is in the folder already."""
        if secret.scheme == "file":
            path = (self._project.root / Path(secret.name).expanduser()).resolve()
            if path.parent == self._folder.resolve():
                return literal(secret_reference(self._folder / path.name))
        if not self._project.offline:
            keep_secret(self._folder / name, resolve_secret(secret, self._project))
        return literal(secret_reference(self._folder / name))

    def of_connector(self) -> str:
        """The key of Snowflake's connector; of an encrypted one an opened copy, for the worker knows no passphrase."""
        key, passphrase = connector_key(self._environment, self._project), connector_passphrase(self._environment)
        if passphrase is None:
            return self.reference("svc-kafka-connector.p8", key)
        opened = self._folder / "svc-kafka-connector-opened.p8"
        if not self._project.offline:
            keep_secret(opened, plain_key(key, passphrase, self._project))
        return literal(secret_reference(opened))

    def of_source(self, name: str) -> str:
        given = debezium_sources(self._environment)[name].password
        own = SecretRefValue("file", str(_own_password(self._project).relative_to(self._project.root)))
        return self.reference(f"source-{name}.password", given or own)


def _own_password(project: Project) -> Path:
    from modules.local.endpoints import secret_file

    return secret_file(project, "postgres.password")


def _database(environment: Environment, name: str, endpoints: LocalEndpoints, *, rehearsed: bool) -> Database | None:
    """The laptop's own PostgreSQL, where the YAML names no other."""
    source = debezium_sources(environment)[name]
    if source.host is not None:
        return None
    port = endpoints.postgres_port or (5432 if rehearsed else 0)
    if not port:
        raise LocalError(
            f"source {name} captures the laptop's own PostgreSQL, which does not run",
            where=environment.source,
            do="run `infra local up --with cdc`",
        )
    return Database(HOST, port, source.database, source.user)
