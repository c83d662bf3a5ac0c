"""Publishes rows and the place behind them in one Kafka transaction.

The transactional id is the source's own, so a process that starts with it ends what an earlier one left open, and
fences that one if it still runs: its next transaction is refused. Readers need `isolation.level=read_committed`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from modules.connectors.source.schema import RowWriter
from modules.connectors.source.settings import SourceSettings
from modules.connectors.source.snowflake import Stopping
from modules.connectors.source.table import Batch
from modules.errors import ConfigError, ServiceError, SourceError

__all__ = ["Publisher", "TransactionAborted"]

_CONNECT_SECONDS = 10.0
_INIT_SECONDS = 60.0


class TransactionAborted(Exception):
    """Nothing of the batch was published: read again from the last place."""


class Publisher:
    """The transactional producer of one source."""

    def __init__(
        self,
        settings: SourceSettings,
        *,
        stopping: Callable[[], bool] = lambda: False,
        on_retry: Callable[[str], None] = lambda _why: None,
    ) -> None:
        from confluent_kafka import Producer

        self._settings = settings
        self._address = str(settings.kafka.get("bootstrap.servers", ""))
        self._stopping = stopping
        self._on_retry = on_retry
        self._fatal: ServiceError | None = None
        self._last_error = ""
        self._failed: list[str] = []
        self._open = False
        self._producer: Any = Producer(
            {
                **settings.kafka,
                "client.id": settings.transactional_id,
                "transactional.id": settings.transactional_id,
                "transaction.timeout.ms": 60_000,
                "acks": "all",
                "linger.ms": 5,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 500_000,
                # The broker's limit decides, not librdkafka's default of 1 MB.
                "message.max.bytes": 50_000_000,
                "error_cb": self._on_error,
                "logger": _silent(),
            }
        )

    def start(self) -> None:
        """Reach the broker, see both topics, end what an earlier process left open.

        Raises:
            ServiceError: nobody answers, the login is refused, or the transactional id is not allowed.
            ConfigError: a topic is not there.
        """
        self._topics()
        self._call(lambda: self._producer.init_transactions(_INIT_SECONDS))

    def publish(self, batch: Batch, write: RowWriter) -> None:
        """Publish a batch and its place, both or nothing.

        Raises:
            TransactionAborted: nothing of it was.
            SourceError: another process has taken over, or Kafka does not take a message.
            ConfigError: a row does not fit its schema.
        """
        self._failed.clear()
        self._call(self._producer.begin_transaction)
        self._open = True
        try:
            for number, (row, key) in enumerate(zip(batch.rows, batch.keys, strict=True)):
                header = batch.headers[number] if batch.headers else None
                value = None if row is None else write(row)
                self._send(self._settings.source.topic, key.encode(), value, header)
            self._send(self._settings.place_topic, self._settings.name.encode(), batch.place.encode(), None)
            self._call(lambda: self._producer.commit_transaction(30.0))
            self._open = False
        except BaseException:
            self._abandon()
            raise

    def close(self) -> None:
        """End without what is not committed."""
        self._abandon()

    # -- the transaction ------------------------------------------------------------------------------------------

    def _send(self, topic: str, key: bytes, value: bytes | None, headers: dict[str, str] | None) -> None:
        from confluent_kafka import KafkaException

        while True:
            try:
                self._producer.produce(topic, key=key, value=value, headers=headers, on_delivery=self._delivered)
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.1)
                if self._failed or self._fatal:
                    raise TransactionAborted from None
            except KafkaException as error:
                self._judge(error.args[0])

    def _call(self, step: Callable[[], object]) -> None:
        """One step of the transaction, tried again while Kafka says that this can help.

        Raises:
            TransactionAborted: it cannot, but a new transaction can.
            SourceError, ServiceError: neither can.
        """
        from confluent_kafka import KafkaException

        began = time.monotonic()
        while True:
            try:
                step()
                return
            except KafkaException as error:
                reason = error.args[0]
                if not reason.retriable():
                    self._judge(reason)
                waited = time.monotonic() - began
                if waited > self._settings.patience:
                    raise self._unreachable(f"for {waited:.0f} s: {reason.str()}") from None
                if self._stopping():
                    raise Stopping from None
                self._on_retry(reason.str())
                self._producer.poll(0.2)

    def _judge(self, error: Any) -> None:
        from confluent_kafka import KafkaError

        fenced = (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, getattr(KafkaError, "PRODUCER_FENCED", 90))
        if error.code() in fenced:
            raise SourceError(
                f"another `infra source` has taken over source {self._settings.name}",
                where=self._settings.transactional_id,
                do="let that one run, or end it before this one is started again",
            )
        if error.code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            raise ServiceError(
                f"Kafka does not let {self._settings.transactional_id} use its transactional id",
                where=self._address,
                do="run `infra deploy`, which grants Write on the transactional id of each source",
            )
        if error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._AUTHENTICATION):
            raise ServiceError(
                f"Kafka does not let {self._settings.transactional_id} write ({error.str()})",
                where=self._address,
                do="run `infra deploy`, which grants Write on the topic and on the topic of its place",
            )
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            raise SourceError(
                f"Kafka does not take a row: {error.str()}",
                where=self._settings.source.topic,
                do=f"raise topics.{self._settings.source.topic}.config `max.message.bytes`",
            )
        if self._failed:
            self._refused(self._failed[0])
        if error.txn_requires_abort():
            self._on_retry(error.str())
            raise TransactionAborted
        raise SourceError(
            f"Kafka ended the source's transaction for good ({error.str()})",
            where=self._address,
            do="start the source again: it goes on behind the last committed row",
        )

    def _refused(self, why: str) -> None:
        """A message that was not delivered, for a reason that does not go away."""
        if "uthoriz" in why or "too large" in why:
            raise SourceError(
                f"Kafka did not take a row: {why}",
                where=self._settings.source.topic,
                do="run `infra deploy`, which grants the rights; `max.message.bytes` of the topic sets the largest row",
            )

    def _abandon(self) -> None:
        if self._open:
            self._open = False
            with contextlib.suppress(Exception):
                self._producer.abort_transaction(10.0)

    def _delivered(self, error: Any, _message: Any) -> None:
        if error is not None and len(self._failed) < 10:
            self._failed.append(error.str())

    # -- reaching it ----------------------------------------------------------------------------------------------

    def _topics(self) -> None:
        from confluent_kafka import KafkaException

        deadline = time.monotonic() + _CONNECT_SECONDS
        for topic in (self._settings.source.topic, self._settings.place_topic):
            while True:
                try:
                    found = self._producer.list_topics(topic, timeout=2.0).topics.get(topic)
                    break
                except KafkaException as error:
                    self._producer.poll(0)
                    if self._fatal is not None:
                        raise self._fatal from None
                    if time.monotonic() > deadline:
                        raise self._unreachable(f"({self._last_error or error.args[0].str()})") from None
            if found is None or found.error is not None or not found.partitions:
                # A broker that denies by default says "not authorized" of a topic that is not there: the two are one.
                raise ConfigError(
                    f"there is no topic {topic}, or {self._settings.transactional_id} may not see it",
                    where=self._address,
                    do="create it with `infra deploy`, which grants the rights too",
                )

    def _unreachable(self, why: str) -> ServiceError:
        return ServiceError(
            f"Kafka does not answer {why}",
            where=self._address,
            do="start it (`infra local up` on a laptop) or check the address and the way to it",
        )

    def _on_error(self, error: Any) -> None:
        from confluent_kafka import KafkaError

        self._last_error = error.str()
        if error.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
            self._fatal = ServiceError(
                f"Kafka refused the login of {self._settings.transactional_id} ({error.str()})",
                where=self._address,
                do="run `infra deploy`, which makes it",
            )


def _silent() -> Any:
    import logging

    logger = logging.getLogger("infra.source.librdkafka")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
