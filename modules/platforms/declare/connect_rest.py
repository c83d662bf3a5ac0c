"""Connectors on a Kafka Connect that is reached by its REST interface, through `mongey/kafka-connect`.

The laptop's worker, one on ECS, or one that was there already. Secrets are not in the configuration but references the
worker resolves, so neither Terraform's state nor the interface has them; only where a worker has no way to resolve
them do they go into `config_sensitive`, which the provider keeps in its state.
"""

from __future__ import annotations

from collections.abc import Sequence

from modules.connectors.settings import ConnectorConfig
from modules.resources.base import DependsOn, Stack
from modules.resources.expressions import Expr, each, function
from modules.resources.kafka_connect import KafkaConnectConnector

__all__ = ["declare_rest_connectors"]


def declare_rest_connectors(
    stack: Stack, connectors: Sequence[ConnectorConfig], *, waits: DependsOn = (), secret: bool = False
) -> None:
    """`kafka-connect_connector.connector["streaming-dev-sink-order-events"]`.

    Args:
        waits: what must be there before; the rights on Kafka, or a connector fails at its start.
        secret: `sensitive` holds secrets, not references to them.
    """
    if not connectors:
        return
    KafkaConnectConnector(
        stack,
        "connector",
        for_each={
            connector.name: dict(connector.config) if secret else {**connector.config, **connector.sensitive}
            for connector in connectors
        },
        name=each.key,
        config=each.value(),
        config_sensitive=_chosen(connectors) if secret else None,
        depends_on=waits,
    )


def _chosen(connectors: Sequence[ConnectorConfig]) -> Expr:
    """Each connector's own secrets; they cannot be in `for_each`, whose values Terraform shows."""
    return function("tomap", {one.name: dict(one.sensitive) for one in connectors}).get(each.key)
