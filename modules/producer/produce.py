"""Sends events: idempotent, acks=all, every delivery report counted.

With a rate the schedule is open: event n is due n / rate seconds after the start, whatever happened to those before it,
so a stall is followed by a burst and not hidden. Without one, events go as fast as the broker takes them.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modules.environment.model import Environment
from modules.environment.smoke import SMOKE_TOPIC, own_topics
from modules.errors import ConfigError, ServiceError
from modules.platforms.base import Platform
from modules.producer.serializer import EventSerializer

__all__ = ["ProduceResult", "Sender", "produce", "produce_to", "topic_to_produce"]

_CONNECT_SECONDS = 8.0
_DELIVERY_MS = 60_000
_FLUSH_SECONDS = 65.0


@dataclass(frozen=True)
class ProduceResult:
    """What became of the events. `wanted` is None for a run without a count; `errors` counts failures by reason."""

    topic: str
    wanted: int | None
    sent: int
    delivered: int
    failed: int
    errors: dict[str, int]
    seconds: float
    bytes: int
    interrupted: bool
    partitions: dict[int, int] = field(default_factory=dict)
    """Delivered events by partition."""

    @property
    def rate(self) -> float:
        """Delivered events a second."""
        return self.delivered / self.seconds if self.seconds else 0.0

    @property
    def complete(self) -> bool:
        return not self.failed and not self.interrupted and self.delivered == self.sent


class Sender:
    """A connected, idempotent producer for one topic that counts what became of each message."""

    def __init__(self, kafka: Mapping[str, Any], topic: str) -> None:
        from confluent_kafka import Producer

        self.topic = topic
        self.sent = self.delivered = self.failed = self.bytes = 0
        self.errors: Counter[str] = Counter()
        self.partitions: Counter[int] = Counter()
        self._address = str(kafka.get("bootstrap.servers", ""))
        self._refusal: ServiceError | None = None
        self._last_error = ""
        self._producer: Any = Producer(
            {
                **kafka,
                "client.id": f"infra-produce-{topic}",
                "enable.idempotence": kafka.get("enable.idempotence", True),
                "acks": "all",
                "linger.ms": 5,
                "compression.type": "lz4",
                "delivery.timeout.ms": _DELIVERY_MS,
                "error_cb": self._on_error,
                "logger": _silent(),
            }
        )

    def connect(self) -> int:
        """Reach the broker and see the topic; gives its number of partitions.

        Raises:
            ServiceError: nobody answers within ten seconds, the login is refused, or the topic is not to be had.
        """
        from confluent_kafka import KafkaException

        deadline = time.monotonic() + _CONNECT_SECONDS
        while True:
            try:
                metadata = self._producer.list_topics(self.topic, timeout=2.0)
                break
            except KafkaException as error:
                self._producer.poll(0)
                if self._refusal:
                    raise self._refusal from None
                if time.monotonic() > deadline:
                    reason = self._last_error or error.args[0].str()
                    raise ServiceError(
                        f"Kafka does not answer ({reason})",
                        where=self._address,
                        do="start it (`infra local up` on a laptop) or check the address and the way to it",
                    ) from None
        found = metadata.topics.get(self.topic)
        if found is None or found.error is not None or not found.partitions:
            # A broker that denies by default says "not authorized" of a topic that is not there, so the two are one.
            raise ServiceError(
                f"there is no topic {self.topic}, or this user may not see it",
                where=self._address,
                do="create it with `infra deploy`, which grants the rights too",
            )
        return len(found.partitions)

    def send(
        self, value: bytes | None, key: bytes | str | None, headers: list[tuple[str, bytes | str | None]] | None = None
    ) -> None:
        """Hand one message over; waits while the queue is full.

        Raises:
            ServiceError: the login or the right to write was refused.
        """
        while True:
            try:
                self._producer.produce(self.topic, value=value, key=key, headers=headers, on_delivery=self._on_delivery)
                break
            except BufferError:
                self.poll(0.1)
        self.sent += 1
        self.bytes += len(value or b"")
        if self.sent % 200 == 0:
            self.poll(0)

    def poll(self, timeout: float) -> None:
        """Let delivery reports in."""
        self._producer.poll(timeout)
        if self._refusal:
            raise self._refusal

    def finish(self, timeout: float = _FLUSH_SECONDS) -> None:
        """Wait for the delivery of all that was sent; what is still under way then counts as failed."""
        left = self._producer.flush(0 if self._refusal else timeout)
        if left:
            self._producer.purge()
            self._producer.flush(5)
        if self._refusal and not self.delivered:
            raise self._refusal

    def _on_delivery(self, error: Any, message: Any) -> None:
        if error is None:
            self.delivered += 1
            self.partitions[message.partition()] += 1
        else:
            self.failed += 1
            self.errors[error.str()] += 1
            self._on_error(error)

    def _on_error(self, error: Any) -> None:
        from confluent_kafka import KafkaError

        self._last_error = error.str()
        if error.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
            self._refusal = ServiceError(
                f"Kafka refused the login ({error.str()})",
                where=self._address,
                do="check the user and password of the role `producer`",
            )
        elif error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED):
            self._refusal = ServiceError(
                f"Kafka does not let this user write ({error.str()})",
                where=self.topic,
                do="deploy the environment: its ACLs give the producer what it needs",
            )


def produce(
    environment: Environment,
    platform: Platform,
    events: Iterable[Mapping[str, Any]],
    *,
    topic: str | None = None,
    count: int | None = None,
    rate: float | None = None,
    stop: threading.Event | None = None,
    on_progress: Callable[[Sender], None] = lambda _sender: None,
) -> ProduceResult:
    """Send events to a topic of an environment, its `key` field as the message key.

    Args:
        events: in the shape of the topic's schema; taken until they end or `count` is reached.
        topic: default the only topic with a value schema.
        count: how many; None takes all there are.
        rate: events a second; None as fast as possible.
        stop: set it to end early; what was sent is still flushed and counted.
        on_progress: called some ten times a second from this thread.

    Raises:
        ConfigError: no such topic, or an event does not fit the schema.
        ServiceError: the broker or the registry cannot be reached, or refuses.
    """
    name = topic_to_produce(environment, topic)
    if count is not None and count < 1:
        raise ConfigError(f"count must be at least 1, not {count}", where="--count", do="give a positive number")
    if rate is not None and not rate > 0:
        raise ConfigError(f"rate must be above 0, not {rate}", where="--rate", do="give events a second, such as 100")
    serializer = EventSerializer(platform.registry_client(), f"{name}-value")
    sender = Sender(platform.kafka_client("producer"), name)
    return produce_to(
        sender,
        serializer,
        events,
        environment.topics[name].key,
        count=count,
        rate=rate,
        stop=stop,
        on_progress=on_progress,
    )


def produce_to(
    sender: Sender,
    serializer: EventSerializer,
    events: Iterable[Mapping[str, Any]],
    key: str | None,
    *,
    count: int | None = None,
    rate: float | None = None,
    stop: threading.Event | None = None,
    on_progress: Callable[[Sender], None] = lambda _sender: None,
) -> ProduceResult:
    """The same over a sender and serializer of one's own."""
    sender.connect()
    stop = stop or threading.Event()
    started = told = time.monotonic()
    try:
        for number, event in enumerate(events):
            if (count is not None and number >= count) or stop.is_set():
                break
            if rate:
                _wait_until(started + number / rate, sender, stop)
            sender.send(serializer(event), str(event[key]) if key else None)
            now = time.monotonic()
            if now - told > 0.1:
                told = now
                on_progress(sender)
    except KeyboardInterrupt:
        stop.set()
    finally:
        sender.finish()
    on_progress(sender)
    return ProduceResult(
        topic=sender.topic,
        wanted=count,
        sent=sender.sent,
        delivered=sender.delivered,
        failed=sender.failed,
        errors=dict(sender.errors),
        seconds=time.monotonic() - started,
        bytes=sender.bytes,
        interrupted=stop.is_set() and (count is None or sender.sent < count),
        partitions=dict(sorted(sender.partitions.items())),
    )


def topic_to_produce(environment: Environment, name: str | None) -> str:
    """The topic events go to.

    Raises:
        ConfigError: it is not declared or has no schema, or several have one and none was named.
    """
    valued = [topic for topic in own_topics(environment) if environment.topics[topic].value]
    if name is None:
        if len(valued) == 1:
            return valued[0]
        raise ConfigError(
            f"several topics have a value schema: {', '.join(valued)}" if valued else "no topic has a value schema",
            where=environment.source,
            do="choose one with --topic" if valued else "add topics.<name>.value.schema",
        )
    if name in valued or name == SMOKE_TOPIC in environment.topics:
        return name
    raise ConfigError(
        f"topic {name} " + ("has no value schema" if name in environment.topics else "is not declared"),
        where=environment.source,
        do=f"choose one of: {', '.join(valued) or 'none has a schema'}",
    )


def _wait_until(due: float, sender: Sender, stop: threading.Event) -> None:
    while not stop.is_set() and (left := due - time.monotonic()) > 0:
        sender.poll(min(left, 0.1))


def _silent() -> Any:
    """A logger for librdkafka that keeps its lines off stderr: what matters reaches the callbacks."""
    import logging

    logger = logging.getLogger("infra.producer.librdkafka")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
