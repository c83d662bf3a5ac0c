"""The few questions status asks of Kafka, each answered or refused in words. One client for all of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions as GroupPartitions
from confluent_kafka.admin import AdminClient

from modules.status.readings import Missing

__all__ = ["KafkaAsk", "refusal"]

SECONDS = 10.0

_RIGHTS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "Describe on the topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "Describe on the group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "Describe on the cluster",
}


def refusal(what: str, error: KafkaException, who: str, right: str | None = None) -> Missing:
    """What a refused or unanswered question leaves unread; `right` names the permission more closely."""
    its = error.args[0]
    permission = _RIGHTS.get(its.code())
    if permission is not None:
        return Missing(what, f"{who} may not see it", right or permission)
    if its.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return Missing(what, "it is not there, or may not be seen: `infra deploy` makes it")
    return Missing(what, f"Kafka does not answer: {its.str()}")


class KafkaAsk:
    """Asks as one user.

    Args:
        consumer: the settings of a role that may read messages.
        group: one that role may use; it is named only, nobody joins it.
    """

    def __init__(self, admin: Mapping[str, Any], consumer: Mapping[str, Any], group: str = "infra-status") -> None:
        self.who = f"User:{admin['sasl.username']}" if admin.get("sasl.username") else "this client"
        self.where = str(admin.get("bootstrap.servers", ""))
        self._consumer = dict(consumer)
        self._group = group
        self._newest: str | None = None
        self._logger = logging.getLogger("infra.status.kafka")
        self._logger.addHandler(logging.NullHandler())
        self._logger.propagate = False
        settings: dict[str, Any] = {**admin, "error_cb": self._complained, "logger": self._logger}
        self.admin: Any = AdminClient(settings)

    def _complained(self, error: KafkaError) -> None:
        self._newest = error.str()

    @property
    def complaint(self) -> str | None:
        """librdkafka's newest error, which says more than a question that timed out."""
        return self._newest

    def metadata(self) -> Any:
        """Brokers and topics."""
        return self.admin.list_topics(timeout=SECONDS)

    def controller(self) -> int | None:
        try:
            found = self.admin.describe_cluster(request_timeout=SECONDS).result(SECONDS).controller
        except KafkaException:
            return None
        return None if found is None else int(found.id)

    def offsets(self, partitions: Iterable[tuple[str, int]], spec: Any) -> dict[tuple[str, int], int]:
        """The offset each partition has for `spec` (-1: none).

        Raises:
            KafkaException: one was refused.
        """
        wanted = {TopicPartition(topic, number): spec for topic, number in partitions}
        if not wanted:
            return {}
        asked = self.admin.list_offsets(wanted, request_timeout=SECONDS)
        return {(each.topic, each.partition): int(future.result(SECONDS).offset) for each, future in asked.items()}

    def ends(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return self.offsets(partitions, _spec().latest())

    def begins(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return self.offsets(partitions, _spec().earliest())

    def since(self, partitions: Iterable[tuple[str, int]], epoch_ms: int) -> dict[tuple[str, int], int]:
        """The first offset of each partition whose message is not older; -1 where there is none."""
        return self.offsets(partitions, _spec().for_timestamp(epoch_ms))

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """What a group has committed, by topic and partition; a group that is not there has nothing."""
        (future,) = self.admin.list_consumer_group_offsets([GroupPartitions(group)], request_timeout=SECONDS).values()
        found = future.result(SECONDS).topic_partitions
        return {(each.topic, each.partition): int(each.offset) for each in found if each.offset >= 0}

    def members(self, groups: Sequence[str]) -> dict[str, int | KafkaException]:
        """How many members each group has."""
        if not groups:
            return {}
        found: dict[str, int | KafkaException] = {}
        for name, future in self.admin.describe_consumer_groups(list(groups), request_timeout=SECONDS).items():
            try:
                found[name] = len(future.result(SECONDS).members)
            except KafkaException as error:
                # A group nobody ever was in is not there, which newer brokers call an error.
                absent = error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND
                found[name] = 0 if absent else error
        return found

    def messages(
        self, positions: Mapping[tuple[str, int], tuple[int, int]], seconds: float = 5.0
    ) -> dict[tuple[str, int], list[Any]]:
        """Messages from an offset on, so many at most, by partition; what does not come in time is left out.

        Nothing is committed, and no group is joined.
        """
        found: dict[tuple[str, int], list[Any]] = {place: [] for place in positions}
        if not positions:
            return found
        consumer = Consumer(
            {
                **self._consumer,
                "group.id": self._group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_uncommitted",
                "error_cb": self._complained,
                "logger": self._logger,
            }
        )
        try:
            consumer.assign([TopicPartition(*place, first) for place, (first, _) in positions.items()])
            open_ = set(positions)
            deadline = time.monotonic() + seconds
            while open_ and time.monotonic() < deadline:
                message: Any = consumer.poll(min(0.5, max(0.0, deadline - time.monotonic())))
                if message is None:
                    continue
                place = (message.topic(), message.partition())
                error = message.error()
                if error is not None:
                    if error.code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(error)
                    open_.discard(place)
                elif len(found[place]) < positions[place][1]:
                    found[place].append(message)
                    if len(found[place]) == positions[place][1]:
                        open_.discard(place)
            return found
        finally:
            consumer.close()


def _spec() -> Any:
    """Which offset is asked for; the package's types leave it out."""
    from confluent_kafka import admin

    return vars(admin)["OffsetSpec"]
