"""Snowflake's sink connector for one topic: what it is set to, in each of its forms.

Its settings are described at docs.snowflake.com/en/user-guide/kafka-connector (v2 and v3: …/kafka-connector-install and
…/data-load-snowpipe-streaming-kafka; v4: …/connectors/kafkahp/setup-kafka) and, for Confluent's, at
docs.confluent.io/cloud/current/connectors/cc-snowflake-sink. What else the YAML sets is laid over this, and was checked
against `modules/environment/connector_settings` when it was read.
"""

from __future__ import annotations

from modules.connectors.settings.config import (
    JSON,
    STRING,
    ConnectorConfig,
    KafkaAccount,
    RegistryLogin,
    avro_converter,
    connector_name,
    known_to,
)
from modules.environment.connect import sink_class, tolerance_of, version_of
from modules.environment.model import Environment
from modules.environment.smoke import sinks_by_carrier
from modules.errors import ConfigError
from modules.platforms.base import RegistryClient, SnowflakeClient

__all__ = ["sink_connector"]

_LAG_SECONDS = "1"
"""How long rows may wait in the client; Snowflake's own default is a second, 30 for Iceberg."""


def sink_connector(
    environment: Environment,
    topic: str,
    snowflake: SnowflakeClient,
    registry: RegistryClient,
    *,
    private_key: str,
    account: KafkaAccount | None = None,
    registry_login: RegistryLogin | None = None,
) -> ConnectorConfig:
    """The connector that carries `topic` into its table, and the smoke topic where it is like it, wherever it runs.

    Args:
        environment: with a connector (`connect.kind` other than sink).
        topic: one that has a sink.
        snowflake: the connector's login; of its key only `private_key` is used.
        registry: where the topic's schemas are.
        private_key: the key in one line (`one_line`), or a reference the worker resolves.
        account: Confluent's managed one: whom it works as.
        registry_login: a worker's login at the registry.

    Raises:
        ConfigError: the topic has no sink, or the project's own program carries it.
    """
    class_name, target = sink_class(environment), environment.topics[topic].sink
    if class_name is None or target is None:
        reason = "has no sink" if target is None else "is carried by the project's own sink"
        raise ConfigError(f"topic {topic} {reason}; there is no connector for it", where=environment.source)
    database, schema, _ = target.table.upper().split(".")
    carried = sinks_by_carrier(environment).get(topic, [topic])
    config = {
        "name": connector_name(environment, "sink", topic),
        "connector.class": class_name,
        "tasks.max": str(environment.connect.tasks),
        "topics": ",".join(carried),
        "snowflake.url.name": snowflake.url,
        "snowflake.user.name": snowflake.user,
        # Streaming needs a role by name: the user's default one is not asked for.
        "snowflake.role.name": snowflake.role,
        "snowflake.database.name": database,
        "snowflake.schema.name": schema,
        "snowflake.topic2table.map": ",".join(f"{each}:{_table(environment, each)}" for each in carried),
        "snowflake.enable.schematization": _text(environment.connect.schematization),
        **_errors(environment, topic, class_name),
    }
    sensitive = {"snowflake.private.key": private_key}
    if class_name == "SnowflakeSink":
        config |= _managed(account)
    else:
        config |= _fourth() if version_of(environment) == "v4" else _classic()
        plain, secret = _converters(environment, topic, registry, registry_login)
        config |= plain
        sensitive |= secret
    config |= known_to(class_name, environment.connect.settings)
    return ConnectorConfig(config["name"], config, sensitive)


def _table(environment: Environment, topic: str) -> str:
    sink = environment.topics[topic].sink
    assert sink is not None
    return sink.table.upper().rpartition(".")[2]


def _errors(environment: Environment, topic: str, class_name: str) -> dict[str, str]:
    """The error policy; a dead-letter topic is only written to where errors are tolerated."""
    tolerance = tolerance_of(environment, topic)
    found: dict[str, str] = {"errors.tolerance": tolerance}
    dead = environment.topics[topic].dead_letter_of(topic)
    if dead and tolerance == "all":
        found["errors.deadletterqueue.topic.name"] = dead
        if class_name != "SnowflakeSink":  # Confluent's has headers always, and copies as its cluster does
            found["errors.deadletterqueue.context.headers.enable"] = "true"
            found["errors.deadletterqueue.topic.replication.factor"] = str(environment.replication(topic))
    if class_name != "SnowflakeSink":
        found["errors.log.enable"] = _text(environment.connect.errors.log)
    return found


def _managed(account: KafkaAccount | None) -> dict[str, str]:
    """Confluent's: it finds its cluster and registry by itself."""
    login = {"kafka.auth.mode": "SERVICE_ACCOUNT", "kafka.service.account.id": account.id} if account else {}
    return {
        **login,
        "input.data.format": "AVRO",
        "input.key.format": "STRING",
        "snowflake.ingestion.method": "SNOWPIPE_STREAMING",
    }


def _classic() -> dict[str, str]:
    """v2 and v3: Snowpipe Streaming with one buffer, the client's own; with two a flush took 40 s in a trial."""
    return {
        "snowflake.ingestion.method": "SNOWPIPE_STREAMING",
        "snowflake.streaming.enable.single.buffer": "true",
        "snowflake.streaming.max.client.lag": _LAG_SECONDS,
    }


def _fourth() -> dict[str, str]:
    """v4 as the others behave: rows are checked before they are sent, so that bad ones are dead letters; names of
    fields fold into the table's columns; the table is the estate's, and no older channel is taken over."""
    return {
        "snowflake.validation": "client_side",
        "snowflake.compatibility.enable.column.identifier.normalization": "true",
        "snowflake.compatibility.enable.autogenerated.table.name.sanitization": "true",
        "snowflake.streaming.classic.offset.migration": "skip",
        "snowflake.autocreate.table.type": "none",
    }


def _converters(
    environment: Environment, topic: str, registry: RegistryClient, login: RegistryLogin | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Keys are text; values are Avro, or JSON where the topic has no schema."""
    keys = {"key.converter": STRING}
    if environment.topics[topic].value is None:
        return {**keys, "value.converter": JSON, "value.converter.schemas.enable": "false"}, {}
    plain, secret = avro_converter("value.converter", registry, login)
    return {**keys, **plain}, secret


def _text(value: bool) -> str:
    return "true" if value else "false"
