"""What Confluent Cloud takes, as data: clusters' limits, regions, topic settings. Sources beside each; read 2026-11.

The cost report has figures of its own for what a unit carries; here is only what a service would refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["AWS_REGIONS", "TIERS", "TOPIC_SETTINGS", "Availability", "Tier", "TierFacts"]

Tier = Literal["basic", "standard", "enterprise", "freight", "dedicated"]
Availability = Literal["low", "high", "single-zone", "multi-zone"]


@dataclass(frozen=True)
class TierFacts:
    """A cluster's type.

    Attributes:
        availabilities: the first is the least; the last is what production gets.
        least, most: units (eCKU, for dedicated CKU) a cluster may have.
        mb_in, mb_out: MB/s (10⁶ bytes) a unit.
        unit_partitions: partitions a unit, before replication.
        partitions: partitions a cluster, whatever the units.
        private: reachable from private networks only.
        message_bytes: the largest `max.message.bytes` of a topic.
    """

    availabilities: tuple[Availability, ...]
    least: int
    most: int
    mb_in: int
    mb_out: int
    unit_partitions: int
    partitions: int
    private: bool = False
    message_bytes: int = 8 * 2**20

    @property
    def unit(self) -> str:
        return "CKU" if "single-zone" in self.availabilities else "eCKU"


_ECKU: tuple[Availability, ...] = ("low", "high")

# docs.confluent.io/cloud/current/clusters/cluster-types.html, "eCKU/CKU comparison" and "Cluster limit comparison".
# Basic is in one zone; Freight starts at two units, which is "high".
TIERS: Mapping[Tier, TierFacts] = {
    "basic": TierFacts(("low",), 1, 50, 5, 15, 30, 1_500),
    "standard": TierFacts(_ECKU, 1, 10, 25, 75, 250, 2_500),
    "enterprise": TierFacts(_ECKU, 1, 32, 60, 180, 3_000, 96_000, private=True, message_bytes=20 * 2**20),
    "freight": TierFacts(("high",), 2, 152, 60, 180, 3_000, 50_000, private=True, message_bytes=20 * 2**20),
    "dedicated": TierFacts(("single-zone", "multi-zone"), 1, 152, 60, 180, 4_500, 100_000, message_bytes=20 * 2**20),
}

# docs.confluent.io/cloud/current/clusters/regions.html. Which cluster type is offered in which of them changes often
# and is not kept here: Confluent says no when the cluster is made.
AWS_REGIONS = frozenset(
    [
        "af-south-1",
        "ap-east-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-south-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-7",
        "ca-central-1",
        "ca-west-1",
        "eu-central-1",
        "eu-central-2",
        "eu-north-1",
        "eu-south-1",
        "eu-south-2",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "il-central-1",
        "me-central-1",
        "me-south-1",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-2",
    ]
)

# `editableTopicSettings` of the provider's resource_kafka_topic.go: what it can set and change. Everything else of a
# topic is Confluent's (compression.type, replication, unclean elections …) and a change of it fails.
TOPIC_SETTINGS = frozenset(
    [
        "cleanup.policy",
        "confluent.key.schema.validation",
        "confluent.key.subject.name.strategy",
        "confluent.topic.type",
        "confluent.value.schema.validation",
        "confluent.value.subject.name.strategy",
        "delete.retention.ms",
        "max.compaction.lag.ms",
        "max.message.bytes",
        "message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms",
        "message.timestamp.difference.max.ms",
        "message.timestamp.type",
        "min.compaction.lag.ms",
        "min.insync.replicas",
        "retention.bytes",
        "retention.ms",
        "segment.bytes",
        "segment.ms",
    ]
)
