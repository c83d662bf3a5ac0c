"""Finds the rows the warehouse refused.

Snowpipe Streaming skips a row it cannot take and moves the offset token on; the channel only counts such rows. When
the count has grown, the rows are found by difference: the messages of the offsets in question are read from Kafka
again, and those that would have become a row but are not in the table (`RECORD_METADATA`) are the refused ones. This
works from Kafka and the table alone, so it works after a crash as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from modules.connectors.codec import Codec, PoisonError
from modules.connectors.sink.rows import Message
from modules.connectors.sink.settings import SinkSettings
from modules.errors import ServiceError, SinkError
from modules.warehouse.connection import connect

__all__ = ["Refusals", "message_of"]

_CHUNK = 20_000
_VISIBLE_WITHIN = 10.0
"""Seconds in which a committed row must be seen by a query."""


def message_of(kafka_message: Any) -> Message:
    """confluent-kafka's message as ours."""
    return Message(
        partition=kafka_message.partition(),
        offset=kafka_message.offset(),
        key=kafka_message.key(),
        value=kafka_message.value(),
        time=max(kafka_message.timestamp()[1], 0),
        headers=kafka_message.headers() or (),
    )


class Refusals:
    """Looks up refused rows. One look-up at a time; its connections are made at the first."""

    def __init__(self, settings: SinkSettings, codec: Codec) -> None:
        self._settings = settings
        self._codec = codec
        self._lock = threading.Lock()
        self._consumer: Any = None
        self._connection: Any = None

    def find(self, partition: int, first: int, last: int, expected: int | None) -> list[Message]:
        """The messages between the offsets `first` and `last` (both included) that are rows and not in the table.

        Args:
            expected: how many the channel's count says; a query that finds more missing is repeated for a while,
                since a committed row may take a moment to be seen.

        Raises:
            SinkError: Kafka or the warehouse does not answer.
        """
        with self._lock:
            missing: list[Message] = []
            for start in range(first, last + 1, _CHUNK):
                end = min(start + _CHUNK - 1, last)
                left = None if expected is None else expected - len(missing)
                missing += self._missing(partition, start, end, left)
            return missing

    def close(self) -> None:
        with self._lock:
            if self._consumer is not None:
                self._consumer.close()
            if self._connection is not None:
                self._connection.close()
            self._consumer = self._connection = None

    def _missing(self, partition: int, first: int, last: int, expected: int | None) -> list[Message]:
        rows = [message for message in self._read(partition, first, last) if self._is_row(message)]
        deadline = time.monotonic() + _VISIBLE_WITHIN
        while True:
            present = self._present(partition, first, last)
            missing = [message for message in rows if (message.offset, message.time) not in present]
            if expected is None or len(missing) <= expected or time.monotonic() > deadline:
                return missing
            time.sleep(0.5)

    def _is_row(self, message: Message) -> bool:
        """False for what never became a row: such messages went to the dead-letter topic before."""
        if message.value is None:
            return False
        try:
            self._codec.decode(message.value)
        except PoisonError:
            return False
        return True

    def _read(self, partition: int, first: int, last: int) -> Iterator[Message]:
        from confluent_kafka import KafkaError, TopicPartition

        consumer = self._open_consumer()
        consumer.assign([TopicPartition(self._settings.topic, partition, first)])
        deadline = time.monotonic() + self._settings.patience
        try:
            while time.monotonic() < deadline:
                for message in consumer.consume(1000, timeout=0.1):
                    error = message.error()
                    if error is None and first <= message.offset() <= last:
                        yield message_of(message)
                    if error is None and message.offset() >= last:
                        return
                    if error is not None and error.code() == KafkaError._PARTITION_EOF:
                        return
            raise SinkError(
                "Kafka does not give back the messages of the rows the warehouse refused",
                where=f"{self._settings.topic}[{partition}] offsets {first} to {last}",
                do="see to it that the broker runs, then start the sink again: it looks for these rows once more",
            )
        finally:
            consumer.unassign()

    def _open_consumer(self) -> Any:
        from confluent_kafka import Consumer

        if self._consumer is None:
            # The group's name is used because the sink may use no other; assigning by hand does not join the group.
            self._consumer = Consumer(
                {
                    **self._settings.kafka,
                    "group.id": self._settings.group,
                    "client.id": f"sink-{self._settings.topic}-refused",
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "auto.offset.reset": "earliest",
                    "isolation.level": "read_committed",
                    "enable.partition.eof": True,
                }
            )
        return self._consumer

    def _present(self, partition: int, first: int, last: int) -> set[tuple[int, int]]:
        """(offset, time) of the rows in the table. The time tells a topic of the same name from its predecessor."""
        table = ".".join(f'"{part}"' for part in self._settings.table.split("."))
        query = (
            "SELECT RECORD_METADATA:offset::NUMBER, RECORD_METADATA:CreateTime::NUMBER "  # noqa: S608
            f"FROM {table} WHERE RECORD_METADATA:topic::VARCHAR = %s AND RECORD_METADATA:partition::NUMBER = %s "
            "AND RECORD_METADATA:offset::NUMBER BETWEEN %s AND %s"
        )
        rows = self._query(query, (self._settings.topic, partition, first, last))
        return {(int(offset), int(created or 0)) for offset, created in rows}

    def _query(self, query: str, arguments: tuple[Any, ...]) -> list[Any]:
        """Ask the table; a warehouse that does not answer is waited for."""
        from snowflake.connector.errors import Error, ProgrammingError

        deadline = time.monotonic() + self._settings.patience
        while True:
            try:
                if self._connection is None:
                    session = {"QUERY_TAG": "infra sink: which rows were refused"}
                    self._connection = connect(
                        self._settings.snowflake, self._settings.project, session_parameters=session
                    )
                with self._connection.cursor() as cursor:
                    return list(cursor.execute(query, arguments).fetchall())
            except (Error, ServiceError) as error:
                self._connection = None
                # A statement that is refused as such (no right to read, no such table) stays refused.
                if time.monotonic() > deadline or isinstance(error, ProgrammingError):
                    said = error.what if isinstance(error, ServiceError) else " ".join(str(error.msg).split())
                    raise SinkError(
                        f"the warehouse does not show which rows it refused: {said}",
                        where=self._settings.table,
                        do="grant SELECT on the table to the connector's role (`infra deploy` does), then start again",
                    ) from None
                time.sleep(1.0)
