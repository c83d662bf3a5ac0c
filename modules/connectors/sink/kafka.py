"""The sink's consumer: subscription, positions, commits; Kafka's errors in words.

Static membership (`group.instance.id`): a sink that was killed and started again takes its partitions back at once
instead of waiting for the old session to end, and one that was only hung is fenced. The id holds the topic's number of
partitions: a member that comes back under its old id gets its old assignment without a rebalance, so that partitions
added in between would lie unread.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

from modules.connectors.sink.partition import Done
from modules.connectors.sink.settings import SinkSettings
from modules.errors import InfraError, ServiceError, SinkError

__all__ = ["Source", "channel_name", "topic_id"]

_CONNECT_SECONDS = 10.0
_TROUBLE_SECONDS = 60.0
"""For so long after a broker was away, a member that is fenced is taken to have been fenced by its own return."""
_SETTLED_SECONDS = 10.0
"""A member that is fenced again so soon after it returned has another beside it."""
_BATCH = 2_000


class Source:
    """The topic, as a member of the sink's group. Only `committed` and `bounds` may be called from other threads."""

    def __init__(
        self,
        settings: SinkSettings,
        on_assign: Callable[[list[int]], None],
        on_revoke: Callable[[list[int]], None],
        on_lost: Callable[[list[int]], None],
        *,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings
        self._topic = settings.topic
        self._address = str(settings.kafka.get("bootstrap.servers", ""))
        self._callbacks = (on_assign, on_revoke, on_lost)
        self._stopping = stopping
        self._fatal: InfraError | None = None
        self._last_error = ""
        self._topic_id = ""
        self._reading: set[int] = set()
        self._owned: set[int] = set()
        self._partitions = 0
        self._fenced = False
        self._away = self._returned = -math.inf
        """When a broker was last not reached, and when the group was last joined anew."""
        self._lookup_lock = threading.Lock()
        self._lookup: Any = None
        self._consumer: Any = None

    # -- start and end --------------------------------------------------------------------------------------------

    def subscribe(self) -> None:
        """Join the group.

        Raises:
            ServiceError: nobody answers within ten seconds, the login is refused, or the topic cannot be read.
        """
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        plain: dict[str, Any] = {**self._settings.kafka, "error_cb": self._on_error, "logger": silent()}
        admin = AdminClient(plain)
        deadline = time.monotonic() + _CONNECT_SECONDS
        while True:
            try:
                metadata = admin.list_topics(self._topic, timeout=2.0)
                break
            except KafkaException as error:
                if self._fatal is not None:
                    raise self._fatal from None
                if time.monotonic() > deadline:
                    raise self._unreachable(self._last_error or error.args[0].str()) from None
                admin.poll(0)
        topic = metadata.topics.get(self._topic)
        if topic is None or topic.error is not None or not topic.partitions:
            raise self._topic_error()
        self._topic_id = topic_id(admin, self._topic)
        self._partitions = len(topic.partitions)
        self._join()

    def _join(self) -> None:
        self._consumer = self._member(self._partitions)
        self._consumer.subscribe([self._topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)

    def _return(self) -> None:
        """Join anew as the same member, with nothing in hand.

        A coordinator that restarts while a static member joins may give it an identity that it never hears of, and then
        fences the one it has. To librdkafka that is the end of a client, though nobody else is there.
        """
        self._consumer.close()
        self._callbacks[2](sorted(self._owned))
        self._owned.clear()
        self._reading.clear()
        self._fenced, self._returned = False, time.monotonic()
        self._join()

    def _member(self, partitions: int) -> Any:
        from confluent_kafka import Consumer

        settings = self._settings
        return Consumer(
            {
                **settings.kafka,
                "group.id": settings.group,
                "group.instance.id": f"{settings.group}-{settings.instance}-of-{partitions}",
                "client.id": f"{settings.group}-{settings.instance}",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": int(settings.session * 1000),
                "fetch.wait.max.ms": 50,
                "fetch.error.backoff.ms": 100,
                "reconnect.backoff.max.ms": 1_000,
                # What librdkafka reads ahead of us; the partitions' own buffers are the real bound.
                "queued.max.messages.kbytes": 16_384,
                "error_cb": self._on_error,
                "logger": silent(),
            }
        )

    def close(self) -> None:
        self._callbacks = (lambda _p: None, lambda _p: None, lambda _p: None)
        if self._consumer is not None:
            self._consumer.close()
        with self._lookup_lock:
            if self._lookup is not None:
                self._lookup.close()

    # -- reading --------------------------------------------------------------------------------------------------

    def poll(self, timeout: float) -> list[Any]:
        """Messages, and ends of partitions (their `error()` is set). Rebalances happen inside.

        Raises:
            ServiceError, SinkError: Kafka says something that waiting does not mend.
        """
        from confluent_kafka import KafkaError

        if self._fenced:
            self._return()
        first = self._consumer.poll(timeout)
        if self._fatal is not None:
            raise self._fatal
        if first is None:
            return []
        arrived = [first, *self._consumer.consume(_BATCH, timeout=0)]
        passed = []
        for message in arrived:
            error = message.error()
            if error is None or error.code() == KafkaError._PARTITION_EOF:
                passed.append(message)
            else:
                self._judge(error)
        if self._fatal is not None:
            raise self._fatal
        return passed

    def read_from(self, partition: int, offset: int) -> None:
        """Begin, or begin again, to read a partition there.

        A partition is only assigned to librdkafka here, once its channel is open and says where to begin, so nothing is
        fetched in vain and no message of another position can arrive.
        """
        from confluent_kafka import TopicPartition

        self.leave(partition)
        self._consumer.incremental_assign([TopicPartition(self._topic, partition, offset)])
        self._reading.add(partition)

    def leave(self, partition: int) -> None:
        """Read a partition no longer, while it stays ours."""
        from confluent_kafka import TopicPartition

        if partition in self._reading:
            self._reading.discard(partition)
            self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])

    def pause(self, partition: int) -> None:
        from confluent_kafka import TopicPartition

        self._consumer.pause([TopicPartition(self._topic, partition)])

    def resume(self, partition: int) -> None:
        from confluent_kafka import TopicPartition

        self._consumer.resume([TopicPartition(self._topic, partition)])

    def known_end(self, partition: int) -> int:
        """The partition's end as of the last fetch; -1 before one."""
        from confluent_kafka import TopicPartition

        bounds = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
        return int(bounds[1]) if bounds else -1

    # -- what is done ---------------------------------------------------------------------------------------------

    def commit(self, done: dict[int, Done], *, wait: bool) -> bool:
        """Commit offsets with what is remembered beside them. A commit that fails is only reported by False."""
        from confluent_kafka import KafkaError, KafkaException, TopicPartition

        offsets = [
            TopicPartition(self._topic, partition, each.offset, metadata=each.metadata)
            for partition, each in done.items()
        ]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=not wait)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.FENCED_INSTANCE_ID:
                self._judge(error.args[0])
            return False
        return True

    def committed(self, partition: int) -> Done | None:
        """What the group remembers of a partition."""
        from confluent_kafka import TopicPartition

        wanted = [TopicPartition(self._topic, partition)]
        (answer,) = self._patiently(lambda lookup: lookup.committed(wanted, timeout=10))
        return Done.parse(answer.offset, answer.metadata)

    def bounds(self, partition: int) -> tuple[int, int]:
        """The partition's first offset, and the one its next message gets."""
        from confluent_kafka import TopicPartition

        where = TopicPartition(self._topic, partition)
        low, high = self._patiently(lambda lookup: lookup.get_watermark_offsets(where, timeout=10))
        return int(low), int(high)

    def channel_name(self, partition: int) -> str:
        return channel_name(self._settings.group, self._topic, self._topic_id, partition)

    def _patiently(self, ask: Callable[[Any], Any]) -> Any:
        """Ask a consumer that never reads: the reading one lets no other thread in while it polls."""
        from confluent_kafka import Consumer, KafkaError, KafkaException

        deadline = time.monotonic() + self._settings.patience
        while True:
            try:
                with self._lookup_lock:
                    if self._lookup is None:
                        name = f"{self._settings.group}-lookup"
                        plain = {"group.id": self._settings.group, "client.id": name, "logger": silent()}
                        self._lookup = Consumer({**self._settings.kafka, **plain, "isolation.level": "read_committed"})
                    return ask(self._lookup)
            except KafkaException as error:
                if self._fatal is not None:
                    raise self._fatal from None
                if self._stopping() or time.monotonic() > deadline:
                    raise self._unreachable(error.args[0].str()) from None
                if error.args[0].code() == KafkaError._UNKNOWN_PARTITION:
                    self._forget_lookup()
                time.sleep(0.5)

    def _forget_lookup(self) -> None:
        """It has learnt the topic before a partition was added, and asks no broker about one that it does not know."""
        with self._lookup_lock:
            if self._lookup is not None:
                self._lookup.close()
                self._lookup = None

    # -- rebalances -----------------------------------------------------------------------------------------------

    def _assign(self, consumer: Any, partitions: list[Any]) -> None:
        # Acknowledged with nothing: `read_from` assigns each when it can be read.
        consumer.incremental_assign([])
        self._owned |= {each.partition for each in partitions}
        self._callbacks[0]([each.partition for each in partitions])

    def _revoke(self, consumer: Any, partitions: list[Any]) -> None:
        self._callbacks[1]([each.partition for each in partitions])
        self._release(consumer, partitions)

    def _lose(self, consumer: Any, partitions: list[Any]) -> None:
        self._callbacks[2]([each.partition for each in partitions])
        self._release(consumer, partitions)

    def _release(self, consumer: Any, partitions: list[Any]) -> None:
        self._owned -= {each.partition for each in partitions}
        reading = [each for each in partitions if each.partition in self._reading]
        self._reading -= {each.partition for each in reading}
        consumer.incremental_unassign(reading)

    # -- errors ---------------------------------------------------------------------------------------------------

    def _on_error(self, error: Any) -> None:
        from confluent_kafka import KafkaError

        self._last_error = error.str()
        if error.code() in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
            self._away = time.monotonic()
        self._judge(error)

    def _judge(self, error: Any) -> None:
        """Remember an error that waiting does not mend; the others pass."""
        from confluent_kafka import KafkaError

        code = error.code()
        if code in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
            self._fatal = ServiceError(
                f"Kafka refused the sink's login ({error.str()})",
                where=self._address,
                do="check the user and password of the role `sink`",
            )
        elif code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED):
            self._fatal = ServiceError(
                f"Kafka does not let the sink read ({error.str()})",
                where=f"{self._topic}, group {self._settings.group}",
                do="deploy the environment: its ACLs give the sink what it needs",
            )
        elif code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION):
            self._fatal = self._topic_error()
        elif _is_fenced(error) and self._by_its_own_return():
            self._fenced = True
        elif code in (KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL) or error.fatal():
            self._fatal = SinkError(
                f"another sink took over, or Kafka ended this one ({error.str()})",
                where=f"group {self._settings.group}, instance {self._settings.instance}",
                do="run one sink an instance name; a second one beside it needs its own `--instance`",
            )

    def _by_its_own_return(self) -> bool:
        now = time.monotonic()
        return now - self._away < _TROUBLE_SECONDS and now - self._returned > _SETTLED_SECONDS

    def _unreachable(self, reason: str) -> ServiceError:
        return ServiceError(
            f"Kafka does not answer ({reason})",
            where=self._address,
            do="start it (`infra local up` on a laptop) or check the address and the way to it",
        )

    def _topic_error(self) -> ServiceError:
        # A broker that denies by default says "not authorized" of a topic that is not there, so the two are one.
        return ServiceError(
            f"there is no topic {self._topic}, or the sink may not see it",
            where=self._address,
            do="create it with `infra deploy`, which grants the rights too",
        )


def _is_fenced(error: Any) -> bool:
    from confluent_kafka import KafkaError

    # As the client's own fatal error it carries the broker's words only.
    return bool(
        error.code() == KafkaError.FENCED_INSTANCE_ID
        or (error.code() == KafkaError._FATAL and "group.instance.id" in error.str())
    )


def channel_name(group: str, topic: str, id_: str, partition: int) -> str:
    """Group, topic and partition, and the topic's id: a topic made anew begins at 0 and so needs a new channel."""
    return ".".join([group, topic, *([id_] if id_ else []), str(partition)])


def topic_id(admin: Any, topic: str) -> str:
    """The topic's id in hexadecimal, empty where the broker has none to give."""
    from confluent_kafka import KafkaException, TopicCollection

    try:
        future = admin.describe_topics(TopicCollection([topic]), request_timeout=10)[topic]
        found = future.result(timeout=15).topic_id
    except KafkaException:
        return ""
    halves = (found.get_most_significant_bits(), found.get_least_significant_bits())
    text = "".join(f"{half & (2**64 - 1):016x}" for half in halves)
    return text if text.strip("0") else ""


def silent() -> Any:
    """A logger for librdkafka that keeps its lines off stderr: what matters reaches the error callback."""
    import logging

    logger = logging.getLogger("infra.sink.librdkafka")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
