"""Settings that Kafka Connect itself gives every connector (kafka.apache.org/documentation/#connectconfigs, 4.x)."""

from __future__ import annotations

from modules.environment.connector_settings.base import Setting, flag, integer, ours, secret, text

__all__ = ["COMMON", "PREFIXES", "SINK", "SOURCE"]

PREFIXES = ("transforms.", "predicates.", "key.converter.", "value.converter.", "header.converter.")
"""Transforms, predicates and converters are classes with settings of their own."""

COMMON: dict[str, Setting] = {
    "name": ours("the environment's name and the topic's"),
    "connector.class": ours("`connect.kind` and `connect.version`"),
    "tasks.max": ours("`connect.tasks`"),
    "key.converter": text(),
    "value.converter": text(),
    "header.converter": text(),
    "key.converter.basic.auth.user.info": secret(),
    "value.converter.basic.auth.user.info": secret(),
    "config.action.reload": text("none", "restart"),
    "transforms": text(),
    "predicates": text(),
    "errors.retry.timeout": integer(-1),
    "errors.retry.delay.max.ms": integer(-1),
    "errors.tolerance": ours("`connect.errors.tolerance`"),
    "errors.log.enable": ours("`connect.errors.log`"),
    "errors.log.include.messages": flag(),
}

SINK: dict[str, Setting] = {
    **COMMON,
    "topics": ours("the topics that have a `sink`"),
    "topics.regex": ours("the topics that have a `sink`"),
    "errors.deadletterqueue.topic.name": ours("`topics.<name>.dead_letter`"),
    "errors.deadletterqueue.topic.replication.factor": integer(1),
    "errors.deadletterqueue.context.headers.enable": flag(),
    "consumer.override.auto.offset.reset": text("earliest", "latest", "none"),
    "consumer.override.isolation.level": text("read_committed", "read_uncommitted"),
    "consumer.override.max.poll.records": integer(1),
    "consumer.override.max.poll.interval.ms": integer(1),
    "consumer.override.max.partition.fetch.bytes": integer(0),
    "consumer.override.fetch.min.bytes": integer(0),
    "consumer.override.fetch.max.bytes": integer(0),
    "consumer.override.fetch.max.wait.ms": integer(0),
    "consumer.override.session.timeout.ms": integer(1),
}

SOURCE: dict[str, Setting] = {
    **COMMON,
    "exactly.once.support": text("requested", "required"),
    "transaction.boundary": text("poll", "interval", "connector"),
    "transaction.boundary.interval.ms": integer(1),
    "offsets.storage.topic": text(),
    "producer.override.batch.size": integer(0),
    "producer.override.linger.ms": integer(0),
    "producer.override.buffer.memory": integer(0),
    "producer.override.compression.type": text("none", "gzip", "snappy", "lz4", "zstd"),
    "producer.override.max.request.size": integer(0),
}
