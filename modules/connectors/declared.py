"""Which connectors an environment has on a Kafka Connect or a managed service, complete with what they are set to.

One place decides that for every platform; where secrets come from is the caller's: values, Terraform expressions, or
references that a worker resolves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modules.connectors.settings import (
    ConnectorConfig,
    Database,
    KafkaAccount,
    RegistryLogin,
    debezium_connector,
    sink_connector,
)
from modules.environment.capture import debezium_sources, runner_of
from modules.environment.connect import Runner, kind_of
from modules.environment.model import Environment
from modules.environment.smoke import sinks_by_carrier
from modules.platforms.base import RegistryClient, SnowflakeClient

__all__ = ["sinks_on", "sources_on"]


def sinks_on(
    environment: Environment,
    runner: Runner,
    snowflake: SnowflakeClient | Callable[[], SnowflakeClient],
    registry: RegistryClient,
    *,
    private_key: str,
    account: KafkaAccount | None = None,
    registry_login: RegistryLogin | None = None,
) -> dict[str, ConnectorConfig]:
    """Topic → the connector that carries it into its table, if `runner` runs them here; see `sink_connector`."""
    topics = sinks_by_carrier(environment)
    if kind_of(environment) != runner or not topics:
        return {}
    client = snowflake() if callable(snowflake) else snowflake
    return {
        topic: sink_connector(
            environment,
            topic,
            client,
            registry,
            private_key=private_key,
            account=account,
            registry_login=registry_login,
        )
        for topic in topics
    }


def sources_on(
    environment: Environment,
    runner: Runner,
    registry: RegistryClient,
    *,
    password: Callable[[str], str],
    database: Callable[[str], Database | None] = lambda _: None,
    account: Callable[[str], KafkaAccount | None] = lambda _: None,
    registry_login: RegistryLogin | None = None,
) -> Iterator[tuple[str, ConnectorConfig]]:
    """Source → connector, of those that `runner` runs; see `debezium_connector`."""
    for name, source in debezium_sources(environment).items():
        if runner_of(environment, source) == runner:
            yield (
                name,
                debezium_connector(
                    environment,
                    name,
                    registry,
                    password=password(name),
                    database=database(name),
                    account=account(name),
                    registry_login=registry_login,
                ),
            )
