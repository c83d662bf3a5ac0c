"""Clusters of Confluent and MSK: what they cannot become, and what they become for good."""

from __future__ import annotations

from collections.abc import Iterable

from modules.terraform.plan import Change, Finding
from modules.terraform.reviews.values import value

__all__ = ["cluster_size", "cluster_type", "msk_kind"]

_TIERS = ("basic", "standard", "enterprise", "freight", "dedicated")
"""Blocks of `confluent_kafka_cluster`, of which one is there."""

_MSK_BROKERS = {"kafka": "Standard", "express": "Express"}
"""How an MSK broker type's name begins → what AWS calls such brokers."""


def cluster_type(change: Change) -> Iterable[Finding]:
    """Confluent changes Basic to Standard and nothing else; the provider finds out only while it applies, or never."""
    if change.type != "confluent_kafka_cluster" or change.kind not in ("update", "replace"):
        return
    old, new = ([tier for tier in _TIERS if value(side, tier)] for side in (change.before, change.after))
    if len(old) != 1 or len(new) != 1 or old == new:
        return
    name = value(change.before, "display_name") or change.address
    if (old, new) == (["basic"], ["standard"]):
        if change.kind == "update":
            yield Finding("warn", change.address, f"cluster {name} becomes standard, which cannot be undone")
        return
    yield Finding(
        "refuse",
        change.address,
        f"cluster {name} cannot go from {old[0]} to {new[0]}: Confluent Cloud only changes basic to standard, in place",
        f"keep {old[0]}; or deploy an environment of its own with {new[0]}, move producers and consumers over, and "
        "destroy this one",
    )


def cluster_size(change: Change) -> Iterable[Finding]:
    if change.type != "confluent_kafka_cluster" or change.kind != "update":
        return
    old, new = ((value(side, "dedicated") or [{}])[0].get("cku") for side in (change.before, change.after))
    if isinstance(old, int) and isinstance(new, int) and new < old:
        yield Finding(
            "warn",
            change.address,
            f"the cluster shrinks from {old} to {new} CKU: Confluent refuses it while the load needs more",
            "take one CKU at a time, with the cluster's load below what is left",
        )


def msk_kind(change: Change) -> Iterable[Finding]:
    """MSK refuses both, but only once the plan is being applied (its pages on broker types and on metadata)."""
    if change.type != "aws_msk_cluster" or change.kind not in ("update", "replace"):
        return
    sides = (change.before, change.after)
    nodes = [(value(side, "broker_node_group_info") or [{}])[0] for side in sides]
    brokers = [_MSK_BROKERS.get(str(each.get("instance_type") or "").partition(".")[0]) for each in nodes]
    metadata = [str(version).endswith(".kraft") for side in sides if (version := value(side, "kafka_version"))]
    if None not in brokers and brokers[0] != brokers[1]:
        what, do = f"from {brokers[0]} to {brokers[1]} brokers", "`mode`"
    elif len(metadata) == 2 and metadata[0] != metadata[1]:
        names = ["KRaft" if each else "ZooKeeper" for each in metadata]
        what, do = f"from {names[0]} to {names[1]}", "`kafka_version`"
    else:
        return
    yield Finding(
        "refuse",
        change.address,
        f"cluster {value(change.before, 'cluster_name')} cannot go {what}: that takes a cluster of its own",
        f"keep the {do}; or deploy an environment of its own, move producers and consumers over, and destroy this one",
    )
