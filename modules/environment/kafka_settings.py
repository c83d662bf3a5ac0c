"""Kafka's topic settings by name (4.x, https://kafka.apache.org/documentation/#topicconfigs), to catch misspelt ones.

A setting that is not here and not close to one here passes: platforms have their own (`redpanda.*`, `confluent.*`).
"""

from __future__ import annotations

__all__ = ["OWN_KEY", "SETTINGS"]

OWN_KEY = {"retention.ms": "retention", "replication.factor": "replication", "num.partitions": "partitions"}
"""Settings that have a key of their own in the YAML."""

SETTINGS = frozenset(
    [
        "cleanup.policy",
        "compression.gzip.level",
        "compression.lz",
        "compression.type",
        "compression.zstd.level",
        "delete.retention.ms",
        "file.delete.delay.ms",
        "flush.messages",
        "flush.ms",
        "follower.replication.throttled.replicas",
        "index.interval.bytes",
        "leader.replication.throttled.replicas",
        "local.retention.bytes",
        "local.retention.ms",
        "max.compaction.lag.ms",
        "max.message.bytes",
        "message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms",
        "message.timestamp.type",
        "min.cleanable.dirty.ratio",
        "min.compaction.lag.ms",
        "min.insync.replicas",
        "preallocate",
        "remote.log.copy.disable",
        "remote.log.delete.on.disable",
        "remote.storage.enable",
        "retention.bytes",
        "retention.ms",
        "segment.bytes",
        "segment.index.bytes",
        "segment.jitter.ms",
        "segment.ms",
        "unclean.leader.election.enable",
    ]
)
