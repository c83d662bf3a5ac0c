"""The Kafka side of a run: an idempotent producer, and a consumer that holds every partition by assignment.

The consumer assigns itself all partitions at their ends and commits nothing. It therefore joins no group: no
rebalance can pause it in the middle of a measurement, nothing is left behind on the broker, and it needs no more than
Read and Describe on the topic. librdkafka wants a group name all the same and looks its coordinator up; the name begins
with the topic's, which is what the consumer's ACLs allow.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from modules.errors import InfraError, ServiceError, SmokeError
from modules.smoke.transport import RUN_HEADER, SEQUENCE_HEADER, Answer, Arrival, QueueFullError

__all__ = ["PRODUCER_SETTINGS", "KafkaReceiving", "KafkaSending", "require_members"]

PRODUCER_SETTINGS: dict[str, Any] = {"acks": "all", "enable.idempotence": True, "linger.ms": 0}
"""As the project's producer sends, but without lingering: a wait for company would be measured as latency."""

_CONNECT_SECONDS = 5.0
_FATAL_FOR_CONSUMER = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._AUTHENTICATION,
    KafkaError._FATAL,
)


class _Complaints:
    """Keeps librdkafka's newest error, for the message of the call that fails because of it, and its log off stderr."""

    def __init__(self) -> None:
        self.newest: str | None = None
        self.logger = logging.getLogger("infra.smoke.kafka")
        self.logger.addHandler(logging.NullHandler())
        self.logger.propagate = False

    def __call__(self, error: KafkaError) -> None:
        self.newest = error.str()


class KafkaSending:
    """Sends the run's events to one topic, with the run id and the event's number in the headers."""

    def __init__(self, settings: Mapping[str, Any], topic: str, run_id: str, deadline_seconds: float) -> None:
        self._topic = topic
        self._run = run_id.encode()
        self._complaints = _Complaints()
        timeout = {"delivery.timeout.ms": max(1000, int(deadline_seconds * 1000))}
        own = {**PRODUCER_SETTINGS, **timeout, "error_cb": self._complaints}
        own["enable.idempotence"] = settings.get("enable.idempotence", True)
        self._producer = Producer({**settings, **own}, logger=self._complaints.logger)
        self._answer: Answer = lambda number, failure: None

    def check(self, environment: str) -> int:
        """The topic's number of partitions.

        Raises:
            ServiceError: the broker does not answer.
            SmokeError: the topic is not there, or the producer may not see it.
        """
        return len(_partitions(self._producer, self._topic, environment, self._complaints))

    def send(self, number: int, key: bytes, value: bytes) -> None:
        headers: list[tuple[str, str | bytes | None]] = [
            (RUN_HEADER, self._run),
            (SEQUENCE_HEADER, str(number).encode()),
        ]

        def delivered(error: KafkaError | None, message: Any) -> None:
            self._answer(number, None if error is None else error.str())

        try:
            self._producer.produce(self._topic, value, key, headers=headers, on_delivery=delivered)
        except BufferError:
            raise QueueFullError from None
        except KafkaException as error:
            raise _service_error("the producer cannot go on", error, self._complaints) from None

    def serve(self, seconds: float, answer: Answer) -> None:
        self._answer = answer
        self._producer.poll(seconds)

    def close(self) -> None:
        self._answer = lambda number, failure: None
        self._producer.purge()
        self._producer.flush(1)


class KafkaReceiving:
    """Receives the run's events from every partition of the topic."""

    def __init__(self, settings: Mapping[str, Any], topic: str, run_id: str, environment: str) -> None:
        self._topic = topic
        self._run = run_id.encode()
        self._environment = environment
        self._complaints = _Complaints()
        own = {
            "group.id": f"{topic}-smoke-{run_id}",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "error_cb": self._complaints,
        }
        self._consumer = Consumer({**settings, **own}, logger=self._complaints.logger)

    def ready(self, seconds: float) -> Mapping[int, int]:
        """Assign every partition at its end and wait until each fetch has come back saying so."""
        names = _partitions(self._consumer, self._topic, self._environment, self._complaints)
        try:
            ends = {number: self._end(number) for number in names}
            self._consumer.assign([TopicPartition(self._topic, number, offset) for number, offset in ends.items()])
            self._await_ends(set(ends), seconds)
        except KafkaException as error:
            raise _service_error("the consumer cannot read the topic", error, self._complaints) from None
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
        return Arrival(int(headers[SEQUENCE_HEADER] or 0), message.key() or b"")

    def close(self) -> None:
        self._consumer.close()

    def _end(self, partition: int) -> int:
        place = TopicPartition(self._topic, partition)
        _, high = self._consumer.get_watermark_offsets(place, timeout=_CONNECT_SECONDS)
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
        if error.code() in _FATAL_FOR_CONSUMER or error.fatal():
            raise ServiceError(
                f"the consumer cannot read {self._topic}: {error.str()}",
                where="Kafka",
                do=f"see whether the consumer may read the topic: `infra plan --env {self._environment}`",
            )


def require_members(settings: Mapping[str, Any], group: str, environment: str, *, connector: bool = False) -> None:
    """See that the sink's (or connector's) consumer group has a member: without one, no row would ever be visible.

    A sink that was stopped stays a member until its session times out (it is a static one, so that a restart is
    quick). Within that time this check passes, and the report says that not one row came.

    Raises:
        SmokeError: nobody is in the group.
        ServiceError: the broker does not answer.
    """
    complaints = _Complaints()
    own: dict[str, Any] = {**settings, "error_cb": complaints}
    admin = AdminClient(own, logger=complaints.logger)
    try:
        described = admin.describe_consumer_groups([group], request_timeout=_CONNECT_SECONDS)[group].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
            raise _service_error("the sink's consumer group cannot be described", error, complaints) from None
        described = None
    if described is None or not described.members:
        raise SmokeError(
            f"the {'connector' if connector else 'sink'} is not running, so no row would arrive",
            where=f"consumer group {group}",
            do=f"see `infra connect status --env {environment}`, then `infra connect restart --env {environment}`"
            if connector
            else f"start it, in another terminal: `infra sink --env {environment}`",
        )


def _partitions(client: Any, topic: str, environment: str, complaints: _Complaints) -> list[int]:
    try:
        found = client.list_topics(topic, timeout=_CONNECT_SECONDS).topics[topic]
    except KafkaException as failure:
        raise _service_error("Kafka does not answer", failure, complaints) from None
    if found.error is None:
        return sorted(found.partitions)
    deploy = f"run `infra deploy --env {environment}` first"
    if found.error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED):
        # A broker that guards its topics gives the second answer for one that is not there, too.
        raise SmokeError(f"there is no topic {topic}, or this user may not see it", where="Kafka", do=deploy)
    raise ServiceError(f"{topic}: {found.error.str()}", where="Kafka", do=deploy)


def _service_error(what: str, error: KafkaException, complaints: _Complaints) -> InfraError:
    details = [line for line in (error.args[0].str(), complaints.newest) if line]
    return ServiceError(
        what,
        where="Kafka",
        details=list(dict.fromkeys(details)),
        do="see whether it is up and reachable from here (on a laptop: `infra local status`)",
    )
