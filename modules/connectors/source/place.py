"""A source's place: up to which row its table has been published.

One record in a compacted topic of its own, written in the Kafka transaction that publishes the rows. So a place that
can be read is that of rows that can be read, and after any crash the source goes on right behind them.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from modules.errors import ServiceError, SourceError

__all__ = ["Place", "parse_place", "read_place"]

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_NEAR_THE_END = 64


@dataclass(frozen=True)
class Place:
    """Behind which row to go on. `stamp` and `key` are that row's, as Snowflake writes them; both None at the start.

    For a stream, `batch` is the last batch of changes that was published.
    """

    origin: str
    mode: str
    column: str | None
    key_column: str
    stamp: str | None = None
    key: str | None = None
    rows: int = 0
    """Published in all."""
    batch: int = 0

    def after(self, stamp: str | None, key: str | None, rows: int) -> Place:
        return replace(self, stamp=stamp, key=key, rows=self.rows + rows, batch=self.batch + 1)

    def encode(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    def check(self, found: Place, topic: str, name: str) -> None:
        """Raises:
        SourceError: `found` is the place in other rows than those to be read.
        """
        mine, its = self._what(), found._what()
        if mine != its:
            raise SourceError(
                f"the place of source {name} is one in {its}, and now it is to read {mine}",
                where=topic,
                do="give the new one a name of its own in `sources`, or publish all of it with --from-start",
            )

    def _what(self) -> str:
        by = f" by {self.column}" if self.column else ""
        return f"{self.origin}{by} with the key {self.key_column}"


def parse_place(value: bytes | None, where: str) -> Place | None:
    """Raises:
    SourceError: it is no place.
    """
    if not value:
        return None
    try:
        return Place(**json.loads(value))
    except (ValueError, TypeError):
        raise SourceError(
            "what is in the topic of the source's place is no place",
            where=where,
            do="find out who writes to this topic; --from-start publishes all rows again",
        ) from None


def read_place(kafka: dict[str, Any], topic: str, name: str) -> Place | None:
    """The last committed place; None before the first. Only after the producer's `init_transactions`, which ends what
    an earlier process left open.

    Raises:
        ServiceError: Kafka does not answer, or the topic cannot be read.
    """
    from confluent_kafka import Consumer, TopicPartition

    consumer: Any = Consumer(
        {
            **kafka,
            "group.id": f"{name}-place",  # librdkafka wants one; nothing is committed in it
            "client.id": f"{name}-place",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
        }
    )
    try:
        low, high = _bounds(consumer, topic)
        back = _NEAR_THE_END
        while True:
            begin = max(low, high - back)
            consumer.assign([TopicPartition(topic, 0, begin)])
            found = _last(consumer, topic)
            if found is not None or begin <= low:
                return parse_place(found, topic)
            back *= 16
    finally:
        consumer.close()


def _bounds(consumer: Any, topic: str) -> tuple[int, int]:
    from confluent_kafka import KafkaException, TopicPartition

    deadline = time.monotonic() + _CONNECT_SECONDS
    while True:
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=3)
            return int(low), int(high)
        except KafkaException as error:
            if not error.args[0].retriable() or time.monotonic() > deadline:
                raise ServiceError(
                    f"the source's place cannot be read ({error.args[0].str()})",
                    where=topic,
                    do="create the topic with `infra deploy`, which grants the right to read it too",
                ) from None


def _last(consumer: Any, topic: str) -> bytes | None:
    """The value of the last record from where the consumer stands."""
    from confluent_kafka import KafkaError

    found: bytes | None = None
    deadline = time.monotonic() + _READ_SECONDS
    while time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is None:
            continue
        error = message.error()
        if error is None:
            found = message.value()
        elif error.code() == KafkaError._PARTITION_EOF:
            return found
        elif error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            continue  # librdkafka asks for the group's coordinator, though no group is used: no right is needed
        elif not error.retriable():
            raise ServiceError(
                f"the source's place cannot be read ({error.str()})", where=topic, do="run `infra deploy`"
            )
    raise ServiceError("Kafka does not give the source's place", where=topic, do="try again when it is well")
