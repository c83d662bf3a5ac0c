"""Managed connectors on Confluent Cloud: `confluent_connector`, working as the environment's service accounts.

The provider keeps `config_sensitive` in its state: Confluent takes a secret once and never shows it again, so a change
could not be told otherwise. The state is a secret for that reason; see docs/connectors.md.
"""

from __future__ import annotations

from modules.connectors.declared import sinks_on, sources_on
from modules.connectors.settings import KafkaAccount
from modules.environment.capture import debezium_sources, runner_of, runners_of
from modules.environment.connect import kind_of
from modules.environment.model import Environment
from modules.environment.source import source_principal
from modules.platforms.base import Platform, RegistryClient
from modules.platforms.connector import PRIVATE_KEY, password_of_source
from modules.platforms.declare.confluent.topics import Right
from modules.resources.base import Stack
from modules.resources.confluent import (
    ConfluentConnector,
    ConfluentConnector_Environment,
    ConfluentConnector_KafkaCluster,
)
from modules.resources.expressions import each, function, var
from modules.topics import debezium_acls

__all__ = ["capture_rights", "declare_managed", "has_managed"]

_CREATED = "60m"
"""How long Confluent may take to have a connector running."""


def has_managed(environment: Environment) -> bool:
    """Whether Confluent runs connectors here; then the connect stack works in the cloud, not in the cluster alone."""
    sinks = kind_of(environment) == "managed" and any(topic.sink for topic in environment.topics.values())
    return sinks or "managed" in runners_of(environment)


def capture_rights(environment: Environment) -> list[Right]:
    """What captured sources need beside writing their topics, which their applications have already.

    docs.confluent.io/cloud/current/connectors/service-account.html. No CREATE: their topics are declared.
    """
    rights = []
    for name, source in debezium_sources(environment).items():
        if runner_of(environment, source) == "managed":
            principal = source_principal(name)
            heartbeat = debezium_acls(environment, name, principal)[-1].resource_name
            rights.append(Right(principal, "CLUSTER", "kafka-cluster", "LITERAL", "DESCRIBE"))
            rights.append(Right(principal, "TOPIC", heartbeat, "LITERAL", "WRITE"))
    return rights


def declare_managed(stack: Stack, environment: Environment, platform: Platform) -> None:
    """`confluent_connector.sink["order-events"]` and `confluent_connector.source["shop"]`."""
    place: tuple[ConfluentConnector_Environment, ConfluentConnector_KafkaCluster] = (
        {"id": var("cluster_environment_id")},
        {"id": var("cluster_cluster_id")},
    )
    registry = RegistryClient(var("cluster_registry_url"))
    made = stack.declared.get("resource", {})
    rights = [f"{kind}.allow" for kind in ("confluent_kafka_acl", "confluent_role_binding") if kind in made]
    sinks = sinks_on(
        environment,
        "managed",
        lambda: platform.snowflake_client("connector"),
        registry,
        private_key=var(PRIVATE_KEY),
        account=KafkaAccount(var("cluster_sink_account")),
    )
    if sinks:
        ConfluentConnector(
            stack,
            "sink",
            for_each={topic: dict(connector.config) for topic, connector in sinks.items()},
            environment=place[0],
            kafka_cluster=place[1],
            config_nonsensitive=each.value(),
            config_sensitive={"snowflake.private.key": stack.variable(PRIVATE_KEY, sensitive=True)},
            timeouts={"create": _CREATED},
            depends_on=rights,
        )
    sources = dict(
        sources_on(
            environment,
            "managed",
            registry,
            password=lambda name: stack.variable(password_of_source(name), sensitive=True),
            account=lambda name: KafkaAccount(var(f"cluster_{source_principal(name)}_account")),
        )
    )
    if sources:
        secrets = {name: dict(connector.sensitive) for name, connector in sources.items()}
        ConfluentConnector(
            stack,
            "source",
            for_each={name: dict(connector.config) for name, connector in sources.items()},
            environment=place[0],
            kafka_cluster=place[1],
            config_nonsensitive=each.value(),
            config_sensitive=function("tomap", secrets).get(each.key),
            timeouts={"create": _CREATED},
            depends_on=rights,
        )
