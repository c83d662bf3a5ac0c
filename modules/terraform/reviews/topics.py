"""Topics: fewer or more partitions, another replication factor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from modules.terraform.plan import Change, Finding
from modules.terraform.reviews.values import value

__all__ = ["KEYS_MOVE", "partitions", "replication"]

KEYS_MOVE = "keys move to other partitions"
"""In the warning that a summary leaves out where the guard `keys-moved` says the same."""


@dataclass(frozen=True)
class _TopicArguments:
    """What a provider calls a topic's arguments."""

    name: str
    partitions: str
    replication: str | None


_TOPICS: Mapping[str, _TopicArguments] = {
    "kafka_topic": _TopicArguments("name", "partitions", "replication_factor"),
    "confluent_kafka_topic": _TopicArguments("topic_name", "partitions_count", None),
}


def partitions(change: Change) -> Iterable[Finding]:
    arguments = _TOPICS.get(change.type)
    if arguments is None or change.kind not in ("update", "replace"):
        return
    old, new = value(change.before, arguments.partitions), value(change.after, arguments.partitions)
    if not isinstance(old, int) or not isinstance(new, int) or old == new:
        return
    topic = value(change.before, arguments.name) or change.address
    if new < old:
        yield Finding(
            "refuse",
            change.address,
            f"topic {topic}: partitions cannot go from {old} down to {new}: Kafka cannot remove partitions, "
            "and replacing the topic deletes its messages",
            f"keep partitions at {old}, or move to a new topic with {new} partitions",
        )
    elif change.kind == "update":
        yield Finding(
            "warn",
            change.address,
            f"topic {topic}: with {new} instead of {old} partitions {KEYS_MOVE}; "
            "the order of one key's events is not kept across the change",
            "let consumers catch up before you deploy, if they rely on order per key",
        )


def replication(change: Change) -> Iterable[Finding]:
    arguments = _TOPICS.get(change.type)
    if arguments is None or arguments.replication is None or change.kind not in ("update", "replace"):
        return
    old, new = value(change.before, arguments.replication), value(change.after, arguments.replication)
    if isinstance(old, int) and isinstance(new, int) and old != new:
        topic = value(change.before, arguments.name) or change.address
        yield Finding(
            "warn",
            change.address,
            f"topic {topic}: replication factor goes from {old} to {new}: "
            + ("brokers copy every partition" if new > old else "fewer copies survive the loss of a broker"),
        )
