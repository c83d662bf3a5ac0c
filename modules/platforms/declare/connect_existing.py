"""Connectors on a Kafka Connect that is there already (`connect.rest_url`), on whichever platform the topics are.

It is not ours, so nothing is known of how it resolves references: secrets go into the connectors' own configuration,
and so into Terraform's state. Who may ask its REST interface may see them too; see docs/connectors.md.
"""

from __future__ import annotations

from modules.connectors.declared import sinks_on, sources_on
from modules.connectors.settings import RegistryLogin
from modules.environment.capture import runners_of
from modules.environment.connect import kind_of
from modules.environment.model import Environment
from modules.platforms.base import Platform, RegistryClient
from modules.platforms.connector import (
    PRIVATE_KEY,
    REGISTRY_LOGIN,
    REST_PASSWORD,
    REST_USERNAME,
    password_of_source,
)
from modules.platforms.declare.connect_rest import declare_rest_connectors
from modules.resources.base import Stack
from modules.resources.kafka_connect import KafkaConnectProvider

__all__ = ["declare_existing"]


def declare_existing(
    stack: Stack, environment: Environment, platform: Platform, registry: RegistryClient, *, login: bool
) -> None:
    """The provider and the connectors; nothing unless the environment names a Kafka Connect.

    Args:
        login: the registry has a login, which the connectors' converters need.
    """
    connect = environment.connect
    if connect.rest_url is None:
        return
    sinks = kind_of(environment) == "kafka-connect" and any(topic.sink for topic in environment.topics.values())
    if not sinks and "kafka-connect" not in runners_of(environment):
        return
    user = password = None
    if connect.rest_credentials is not None:
        user = stack.variable(REST_USERNAME, sensitive=True, ephemeral=True)
        password = stack.variable(REST_PASSWORD, sensitive=True, ephemeral=True)
    KafkaConnectProvider(stack, url=connect.rest_url, basic_auth_username=user, basic_auth_password=password)
    registry_login = RegistryLogin(stack.variable(REGISTRY_LOGIN, sensitive=True)) if login else None
    carried = sinks_on(
        environment,
        "kafka-connect",
        lambda: platform.snowflake_client("connector"),
        registry,
        private_key=stack.variable(PRIVATE_KEY, sensitive=True) if sinks else "",
        registry_login=registry_login,
    )
    captured = dict(
        sources_on(
            environment,
            "kafka-connect",
            registry,
            password=lambda name: stack.variable(password_of_source(name), sensitive=True),
            registry_login=registry_login,
        )
    )
    connectors = [*carried.values(), *captured.values()]
    made = stack.declared.get("resource", {})
    kinds = ("kafka_acl", "confluent_kafka_acl", "confluent_role_binding")
    declare_rest_connectors(stack, connectors, waits=[f"{kind}.allow" for kind in kinds if kind in made], secret=True)
