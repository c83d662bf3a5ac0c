"""What every API key of the cluster stack says alike, whoever's it is."""

from __future__ import annotations

from modules.environment.confluent import networking_of
from modules.environment.model import Environment
from modules.platforms.declare.confluent.cluster import Cluster
from modules.resources.base import Stack
from modules.resources.confluent import ConfluentApiKey_ManagedResource
from modules.resources.expressions import Expr

__all__ = ["key_targets", "target_in_hand", "unready"]

_TARGETS = "key_target"


def key_targets(stack: Stack, made: Cluster) -> ConfluentApiKey_ManagedResource:
    """Declares what keys can be for, and gives it as of the key in hand: `each.value.of` is `kafka` or `registry`."""
    stack.local(
        _TARGETS,
        {
            "kafka": {name: made.kafka.attr(name) for name in ("id", "api_version", "kind")},
            "registry": {name: made.registry.attr(name) for name in ("id", "api_version", "kind")},
        },
    )
    return target_in_hand(made)


def target_in_hand(made: Cluster) -> ConfluentApiKey_ManagedResource:
    """What the key in hand is for, where `key_targets` has said what there is."""

    def target(name: str) -> Expr:
        return Expr.of(f"local.{_TARGETS}[each.value.of].{name}")

    return {
        "id": target("id"),
        "api_version": target("api_version"),
        "kind": target("kind"),
        "environment": [{"id": made.environment.attr("id")}],
    }


def unready(environment: Environment) -> Expr | None:
    """Whether a Kafka key works can only be tried from inside a private network, and this stack needs not be."""
    return Expr.of('each.value.of == "kafka"') if networking_of(environment) != "public" else None
