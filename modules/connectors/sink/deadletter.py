"""The dead-letter topic: what the sink could not write, kept whole, with headers that say why.

A record keeps its original key, value and headers, so that a repaired one can be sent again as it is. Added headers:

| header | says |
|---|---|
| `infra.dlq.reason` | a word for machines: `undecodable`, `no-magic-byte`, `too-short`, `unknown-schema-id`, `tombstone`, `row-too-large`, `refused-by-warehouse`, … |
| `infra.dlq.error` | the decoder's or the warehouse's own words |
| `infra.dlq.topic`, `infra.dlq.partition`, `infra.dlq.offset` | where the message was |
| `infra.dlq.dedup_key` | `topic-partition-offset`: after a crash at the wrong moment a message can be here twice, with the same key |

Delivery is waited for (acks=all, idempotent): the offset moves on only when the broker has the record.
"""  # noqa: E501

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modules.connectors.sink.rows import Message
from modules.errors import SinkError

__all__ = ["DeadLetter", "DeadLetters", "dead_letter_headers"]

_ERROR_LIMIT = 2_000


@dataclass(frozen=True)
class DeadLetter:
    """A message with the reason it cannot be written."""

    message: Message
    reason: str
    error: str


def dead_letter_headers(topic: str, letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    """The original headers (without those of an earlier stay in a dead-letter topic) and ours."""
    message = letter.message
    kept = [(name, value) for name, value in message.headers if not name.startswith("infra.dlq.")]
    return [
        *kept,
        ("infra.dlq.reason", letter.reason.encode()),
        ("infra.dlq.error", letter.error[:_ERROR_LIMIT].encode()),
        ("infra.dlq.topic", topic.encode()),
        ("infra.dlq.partition", str(message.partition).encode()),
        ("infra.dlq.offset", str(message.offset).encode()),
        ("infra.dlq.dedup_key", f"{topic}-{message.partition}-{message.offset}".encode()),
    ]


class DeadLetters:
    """Sends to the dead-letter topic. Safe to call from several threads.

    Args:
        kafka: librdkafka settings of the sink's user.
        topic: the topic messages come from.
        target: the dead-letter topic, None where there is none.
        patience: seconds a delivery may take before the sink gives up.
    """

    def __init__(self, kafka: dict[str, Any], topic: str, target: str | None, patience: float) -> None:
        self._kafka = kafka
        self._topic = topic
        self._target = target
        self._patience = patience
        self._producer: Any = None
        self._lock = threading.Lock()

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Send and wait until the broker has them all.

        Raises:
            SinkError: there is no dead-letter topic, or it does not take them.
        """
        if not letters:
            return
        if self._target is None:
            first = letters[0]
            raise SinkError(
                f"a message cannot be written ({first.reason}: {first.error}) and the topic has no dead-letter topic",
                where=f"{self._topic}[{first.message.partition}] offset {first.message.offset}",
                do=f"set topics.{self._topic}.dead_letter to true and deploy, or remove the message",
            )
        producer = self._open()
        left = len(letters)
        failures: list[str] = []
        done = threading.Lock()

        def delivered(error: Any, _message: Any) -> None:
            nonlocal left
            with done:
                left -= 1
                if error is not None:
                    failures.append(error.str())

        for letter in letters:
            self._produce(producer, letter, delivered)
        deadline = time.monotonic() + self._patience + 10
        while left and time.monotonic() < deadline:
            producer.poll(0.05)
        if failures or left:
            raise SinkError(
                f"the dead-letter topic did not take {len(failures) + left} of {len(letters)} messages"
                f" ({failures[0] if failures else 'no answer'})",
                where=self._target,
                do="check that the topic exists (`infra deploy`) and that the sink may write to it; nothing is lost",
            )

    def _produce(self, producer: Any, letter: DeadLetter, delivered: Any) -> None:
        from confluent_kafka import KafkaException

        message = letter.message
        headers = dead_letter_headers(self._topic, letter)
        while True:
            try:
                producer.produce(
                    self._target, key=message.key, value=message.value, headers=headers, on_delivery=delivered
                )
                return
            except BufferError:
                producer.poll(0.1)
            except KafkaException as error:
                raise SinkError(
                    f"the dead-letter topic does not take a message ({error.args[0].str()})",
                    where=str(self._target),
                    do=f"raise the topic's max.message.bytes above {message.size + 4096}",
                ) from None

    def _open(self) -> Any:
        from confluent_kafka import Producer

        with self._lock:
            if self._producer is None:
                self._producer = Producer(
                    {
                        **self._kafka,
                        "client.id": f"sink-{self._topic}-dlq",
                        "enable.idempotence": self._kafka.get("enable.idempotence", True),
                        "acks": "all",
                        "linger.ms": 5,
                        "message.timeout.ms": int(self._patience * 1000),
                        # The broker's limit decides, not librdkafka's default of 1 MB without the added headers.
                        "message.max.bytes": 50_000_000,
                    }
                )
            return self._producer
