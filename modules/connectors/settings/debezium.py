"""Debezium's PostgreSQL source: what it is set to, run by oneself or by Confluent.

Its settings are described at debezium.io/documentation/reference/stable/connectors/postgresql.html, its unwrap
transform at …/transformations/event-flattening.html; Confluent's at
docs.confluent.io/cloud/current/connectors/cc-postgresql-cdc-source-v2-debezium.

Topics are named `<prefix>.<schema>.<table>` by Debezium and declared in the YAML, so it makes none. A value is Avro
that Debezium registers as the database changes; a key is JSON text (`{"id": 1}`), which every reader can read.
"""

from __future__ import annotations

from dataclasses import dataclass

from modules.connectors.settings.config import (
    JSON,
    ConnectorConfig,
    KafkaAccount,
    RegistryLogin,
    avro_converter,
    connector_name,
    known_to,
)
from modules.environment.capture import (
    DebeziumPostgres,
    debezium_class,
    debezium_sources,
    prefix_of,
    publication_of,
    slot_of,
)
from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.platforms.base import RegistryClient

__all__ = ["CHANGE_FIELDS", "Database", "debezium_connector"]

CHANGE_FIELDS = ("op", "lsn", "source.ts_ms")
"""What a row is told of its change, as `__op`, `__lsn` and `__source_ts_ms`; `__deleted` comes by itself."""

_TRANSFORM = "row"
"""Not `unwrap`: Confluent keeps that name for itself (…/connectors/transforms/extractnewrecordstate.html)."""


@dataclass(frozen=True)
class Database:
    """Where the PostgreSQL is; of a laptop's own only its running server knows."""

    host: str
    port: int
    database: str
    user: str


def debezium_connector(
    environment: Environment,
    name: str,
    registry: RegistryClient,
    *,
    password: str,
    database: Database | None = None,
    account: KafkaAccount | None = None,
    registry_login: RegistryLogin | None = None,
) -> ConnectorConfig:
    """The connector of the source `name`, wherever it runs.

    Args:
        password: the database user's, or a reference the worker resolves.
        database: where the server is; default: as the YAML says.
        account: Confluent's managed one: whom it works as.
        registry_login: a worker's login at the registry.

    Raises:
        ConfigError: the YAML names no server and none was given.
    """
    source = debezium_sources(environment)[name]
    where = database or _declared(environment, name, source)
    class_name = debezium_class(environment, source)
    managed = class_name == "PostgresCdcSourceV2"
    config = {
        "name": connector_name(environment, "source", name),
        "connector.class": class_name,
        "tasks.max": "1",  # a slot has one reader
        "database.hostname": where.host,
        "database.port": str(where.port),
        "database.user": where.user,
        "database.dbname": where.database,
        "database.sslmode": source.ssl or ("prefer" if environment.platform == "local" else "require"),
        "topic.prefix": prefix_of(name, source),
        "table.include.list": ",".join(source.tables),
        "plugin.name": "pgoutput",
        "publication.name": publication_of(name, source),
        "publication.autocreate.mode": "filtered" if source.create_publication else "disabled",
        "slot.name": slot_of(environment, name),
        "snapshot.mode": source.snapshot,
        "heartbeat.interval.ms": str(source.heartbeat.milliseconds),
        # A null value would be a row without anything in it; deletes are rows of their own.
        "tombstones.on.delete": "false",
        "decimal.handling.mode": "precise",
        "time.precision.mode": "connect",
        **_keys(source),
        **(_unwrap() if source.unwrap else {}),
    }
    sensitive = {"database.password": password}
    if managed:
        config |= _managed(account)
    else:
        config |= {"key.converter": JSON, "key.converter.schemas.enable": "false"}
        plain, secret = avro_converter("value.converter", registry, registry_login)
        config |= plain
        sensitive |= secret
        if registry.kind == "glue":
            config["value.converter.schemaAutoRegistrationEnabled"] = "true"
        config["schema.name.adjustment.mode"] = "avro"
        config["field.name.adjustment.mode"] = "avro"
    config |= known_to(class_name, source.settings)
    return ConnectorConfig(config["name"], config, sensitive)


def _declared(environment: Environment, name: str, source: DebeziumPostgres) -> Database:
    if source.host is None:
        raise ConfigError(
            f"source {name} names no server",
            where=f"{environment.source}: sources.{name}",
            do="write `host`; or, on a laptop, run `infra local up --with cdc`, which brings a PostgreSQL",
        )
    return Database(source.host, source.port, source.database, source.user)


def _keys(source: DebeziumPostgres) -> dict[str, str]:
    """Tables without a primary key of their own get the one the YAML says; for the others it is the same."""
    keys = ";".join(f"{table}:{','.join(captured.key)}" for table, captured in source.tables.items() if captured.key)
    return {"message.key.columns": keys} if keys else {}


def _unwrap() -> dict[str, str]:
    """A row instead of an envelope, the deleted one included, with what happened to it."""
    transform = f"transforms.{_TRANSFORM}"
    return {
        "transforms": _TRANSFORM,
        f"{transform}.type": "io.debezium.transforms.ExtractNewRecordState",
        f"{transform}.delete.tombstone.handling.mode": "rewrite",
        f"{transform}.add.fields": ",".join(CHANGE_FIELDS),
    }


def _managed(account: KafkaAccount | None) -> dict[str, str]:
    login = {"kafka.auth.mode": "SERVICE_ACCOUNT", "kafka.service.account.id": account.id} if account else {}
    return {**login, "output.data.format": "AVRO", "output.key.format": "JSON", "after.state.only": "false"}
