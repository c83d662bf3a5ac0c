"""What each guard looks for, by its id; a function of facts, each in the file of its subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from modules.guards.facts import Facts, Found
from modules.guards.rules import access, data, estate

__all__ = ["RULES"]

RULES: Mapping[str, Callable[[Facts], Iterable[Found]]] = {
    "protected-environment": estate.protected_environment,
    "data-loss": data.data_loss,
    "retention-reduced": data.retention_reduced,
    "partitions-reduced": data.partitions_reduced,
    "keys-moved": data.keys_moved,
    "compatibility-lowered": data.compatibility_lowered,
    "public-endpoint": access.public_endpoint,
    "wildcard-rights": access.wildcard_rights,
    "unencrypted": access.unencrypted,
    "replication": data.replication,
    "budget": estate.budget,
    "cost-jump": estate.cost_jump,
    "missing-tags": estate.missing_tags,
    "provider-versions": estate.provider_versions,
}
