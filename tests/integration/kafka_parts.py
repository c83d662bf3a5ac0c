"""What tests do to Kafka in place of a deploy, and how they read what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from modules.topics import AclSpec, TopicSpec

__all__ = ["grant", "make_topics", "read_whole"]

_TYPES = {"TransactionalID": "TRANSACTIONAL_ID"}


def make_topics(admin: AdminClient, specs: Iterable[TopicSpec]) -> None:
    topics = [NewTopic(spec.name, spec.partitions, spec.replication, config=dict(spec.config)) for spec in specs]
    for made in admin.create_topics(topics).values():
        made.result(20)


def grant(admin: AdminClient, platform: Any, specs: Iterable[AclSpec]) -> None:
    acls = [
        AclBinding(
            ResourceType[_TYPES.get(acl.resource_type, acl.resource_type.upper())],
            acl.resource_name,
            ResourcePatternType[acl.pattern.upper()],
            platform.principal(acl.role),
            "*",
            AclOperation[acl.operation.upper()],
            AclPermissionType.ALLOW,
        )
        for acl in specs
    ]
    for granted in admin.create_acls(acls).values():
        granted.result(20)


def read_whole(client: Mapping[str, Any], topic: str, group: str, **settings: Any) -> list[Any]:
    """All messages up to the topic's end, as librdkafka gives them, partition by partition."""
    consumer = Consumer(
        {
            **client,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            **{key.replace("_", "."): value for key, value in settings.items()},
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        messages, ended = [], 0
        while ended < len(partitions):
            message = consumer.poll(20)
            assert message is not None, "the broker does not answer"
            if message.error():
                ended += 1
            else:
                messages.append(message)
        return sorted(messages, key=lambda message: int(message.partition() or 0))
    finally:
        consumer.close()
