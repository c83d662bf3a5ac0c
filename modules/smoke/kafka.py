"""The Kafka side of a run: an idempotent producer, and a consumer that holds every partition by assignment.

The consumer assigns itself all partitions at their ends. It therefore joins no group: no rebalance can pause it in the
middle of a measurement, and it needs no more than Read and Describe on the topic. librdkafka wants a group name all the
same and looks its coordinator up; the name begins with the topic's, which is what the consumer's ACLs allow. Offsets
are committed for that group by `commits`.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from modules.errors import ServiceError, SmokeError
from modules.smoke.kafka_errors import CONNECT_SECONDS, Complaints, forbidden, partitions_of, service_error, user_of
from modules.smoke.transport import CHECKSUM_HEADER, RUN_HEADER, SEQUENCE_HEADER, Answer, Arrival, QueueFullError

__all__ = ["PRODUCER_SETTINGS", "KafkaReceiving", "KafkaSending", "checksum", "group_of", "require_members"]

PRODUCER_SETTINGS: dict[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    # As the project's producer sends, but without lingering: a wait for company would be measured as latency.
    "linger.ms": 0,
    # A queue that is full is noticed and said; one that holds a gigabyte would only hide it.
    "queue.buffering.max.kbytes": 32_768,
}
_PREFETCH_KB = 8_192
_FATAL_FOR_CONSUMER = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._AUTHENTICATION, KafkaError._FATAL)
_REFUSED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)


def checksum(key: bytes, value: bytes) -> bytes:
    """CRC-32 of key and value, eight hexadecimal digits: readable in the row's metadata."""
    return b"%08x" % zlib.crc32(value, zlib.crc32(key))


def group_of(topic: str, run_id: str) -> str:
    """The group of a run's own; it begins with the topic's name, which is what the consumer's rights are for."""
    return f"{topic}-smoke-{run_id}"


class KafkaSending:
    """Sends the run's events to one topic; run id, the event's number and its checksum are in the headers.

    Args:
        settings: of the client.
        producer: further settings, before all others.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        run_id: str,
        deadline_seconds: float,
        environment: str = "",
        producer: Mapping[str, Any] | None = None,
    ) -> None:
        self._topic = topic
        self._run = run_id.encode()
        self._environment = environment
        self._user = user_of(settings)
        self._complaints = Complaints()
        timeout = {"delivery.timeout.ms": max(1000, int(deadline_seconds * 1000))}
        own = {**PRODUCER_SETTINGS, **timeout, "error_cb": self._complaints}
        for name in ("acks", "enable.idempotence"):
            own[name] = settings.get(name, own[name])
        own.update(producer or {})
        self._producer = Producer({**settings, **own}, logger=self._complaints.logger)
        self._answer: Callable[[Answer], None] = lambda answer: None
        self._refusal: SmokeError | None = None

    def check(self, environment: str) -> int:
        """The topic's number of partitions.

        Raises:
            ServiceError: the broker does not answer.
            SmokeError: the topic is not there, or the producer may not see it.
        """
        return len(partitions_of(self._producer, self._topic, environment, self._complaints))

    def send(self, number: int, key: bytes, value: bytes) -> None:
        headers: list[tuple[str, str | bytes | None]] = [
            (RUN_HEADER, self._run),
            (SEQUENCE_HEADER, str(number).encode()),
            (CHECKSUM_HEADER, checksum(key, value)),
        ]

        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is None:
                self._answer(Answer(number, message.partition(), message.offset()))
            else:
                self._failed(number, error)

        try:
            self._producer.produce(self._topic, value, key, headers=headers, on_delivery=delivered)
        except BufferError:
            raise QueueFullError from None
        except KafkaException as error:
            raise service_error("the producer cannot go on", error, self._complaints) from None

    def serve(self, seconds: float, answer: Callable[[Answer], None]) -> None:
        self._answer = answer
        self._producer.poll(seconds)
        if self._refusal is not None:
            raise self._refusal

    def close(self) -> None:
        self._answer = lambda answer: None
        with suppress(KafkaException):  # what stopped it was said, or is being said
            self._producer.purge()
            self._producer.flush(1)

    def _failed(self, number: int, error: KafkaError) -> None:
        if error.code() in _REFUSED and self._refusal is None:
            self._refusal = forbidden(self._user, "Write", f"topic {self._topic}", self._environment)
        self._answer(Answer(number, failure=error.str()))


class KafkaReceiving:
    """Receives the run's events from every partition of the topic."""

    def __init__(self, settings: Mapping[str, Any], topic: str, run_id: str, environment: str) -> None:
        self._topic = topic
        self._run = run_id.encode()
        self._environment = environment
        self._user = user_of(settings)
        self._complaints = Complaints()
        own = {
            "group.id": group_of(topic, run_id),
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": _PREFETCH_KB,
            "error_cb": self._complaints,
        }
        self._consumer = Consumer({**settings, **own}, logger=self._complaints.logger)

    def ready(self, seconds: float) -> Mapping[int, int]:
        """Assign every partition at its end and wait until each fetch has come back saying so."""
        names = partitions_of(self._consumer, self._topic, self._environment, self._complaints)
        try:
            ends = {number: self._end(number) for number in names}
            self._consumer.assign([TopicPartition(self._topic, number, offset) for number, offset in ends.items()])
            self._await_ends(set(ends), seconds)
        except KafkaException as error:
            if error.args[0].code() in _REFUSED:
                raise self._forbidden() from None
            raise service_error("the consumer cannot read the topic", error, self._complaints) from None
        return ends

    def receive(self, seconds: float) -> Arrival | None:
        message = self._consumer.poll(seconds)
        if message is None:
            return None
        error = message.error()
        if error is not None:
            self._refuse(error)
            return None
        headers = dict(message.headers() or ())
        if headers.get(RUN_HEADER) != self._run:
            return None
        key, value = message.key() or b"", message.value() or b""
        number = _number(headers.get(SEQUENCE_HEADER))
        intact = headers.get(CHECKSUM_HEADER) == checksum(key, value)
        return Arrival(number, key, message.partition() or 0, message.offset() or 0, intact)

    def close(self) -> None:
        self._consumer.close()

    def _end(self, partition: int) -> int:
        place = TopicPartition(self._topic, partition)
        _, high = self._consumer.get_watermark_offsets(place, timeout=CONNECT_SECONDS)
        return int(high)

    def _await_ends(self, waiting: set[int], seconds: float) -> None:
        until = time.monotonic() + seconds
        while waiting:
            if time.monotonic() > until:
                raise SmokeError(
                    f"the consumer did not get hold of partitions {sorted(waiting)} of {self._topic} in {seconds:g} s",
                    details=[self._complaints.newest] if self._complaints.newest else [],
                    do="see whether the brokers that lead them are up",
                )
            message = self._consumer.poll(0.05)
            if message is None or (error := message.error()) is None:
                # Nothing yet, or somebody else's event that came in between: the end is further on.
                continue
            if error.code() == KafkaError._PARTITION_EOF:
                waiting.discard(message.partition())
            else:
                self._refuse(error)

    def _refuse(self, error: KafkaError) -> None:
        if error.code() in _REFUSED:
            raise self._forbidden()
        if error.code() in _FATAL_FOR_CONSUMER or error.fatal():
            raise ServiceError(
                f"the consumer cannot read {self._topic}: {error.str()}",
                where="Kafka",
                do=f"see whether the topic is as deployed: `infra plan --env {self._environment}`",
            )

    def _forbidden(self) -> SmokeError:
        return forbidden(self._user, "Read", f"topic {self._topic}", self._environment)


def _number(header: str | bytes | None) -> int:
    """An event's number; −1, which no run has sent, for a header that was altered on the way."""
    text = header or b""
    return int(text) if text.isdigit() else -1


def require_members(settings: Mapping[str, Any], group: str, environment: str, *, connector: bool = False) -> None:
    """See that the sink's (or connector's) consumer group has a member: without one, no row would ever be visible.

    A sink that was stopped stays a member until its session times out (it is a static one, so that a restart is
    quick). Within that time this check passes, and the report says that not one row came.

    Raises:
        SmokeError: nobody is in the group.
        ServiceError: the broker does not answer.
    """
    complaints = Complaints()
    own: dict[str, Any] = {**settings, "error_cb": complaints}
    admin = AdminClient(own, logger=complaints.logger)
    try:
        described = admin.describe_consumer_groups([group], request_timeout=CONNECT_SECONDS)[group].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
            raise service_error("the sink's consumer group cannot be described", error, complaints) from None
        described = None
    if described is None or not described.members:
        raise SmokeError(
            f"the {'connector' if connector else 'sink'} is not running, so no row would arrive",
            where=f"consumer group {group}",
            do=f"see `infra connect status --env {environment}`, then `infra connect restart --env {environment}`"
            if connector
            else f"start it, in another terminal: `infra sink --env {environment}`",
        )
