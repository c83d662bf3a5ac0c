"""How far the warehouse has taken the topic: the committed offset token of each partition's streaming channel.

Whoever carries events into the table, the project's sink or Snowflake's connector, opens a channel for each partition
and gives the Kafka offset as its token; the token the warehouse reports back covers every row up to it. The sink's
channels are asked for through the same REST interface that the sink uses, with its login; a connector's through
SHOW CHANNELS. Neither needs a warehouse to be awake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modules.errors import InfraError, ServiceError, SinkError, SmokeError

if TYPE_CHECKING:
    from modules.connectors.sink import SinkSettings

__all__ = ["ShownChannels", "SinkChannels", "partition_of"]

_PATIENCE = 20.0


class SinkChannels:
    """The channels of `infra sink`.

    Args:
        settings: the sink's; its consumer looks the topic's id up.
        partitions: how many the topic has.
    """

    def __init__(self, settings: SinkSettings, partitions: int) -> None:
        from dataclasses import replace

        from confluent_kafka.admin import AdminClient

        from modules.connectors.sink.kafka import channel_name, topic_id
        from modules.connectors.sink.snowpipe import Snowpipe
        from modules.smoke.kafka_errors import Complaints

        complaints = Complaints()
        kafka: dict[str, Any] = {**settings.kafka, "error_cb": complaints}
        found = topic_id(AdminClient(kafka, logger=complaints.logger), settings.topic)
        self._partition_of = {
            channel_name(settings.group, settings.topic, found, partition): partition for partition in range(partitions)
        }
        self._snowpipe = Snowpipe(replace(settings, patience=_PATIENCE))

    def tokens(self) -> Mapping[int, int]:
        try:
            statuses = self._snowpipe.channel_statuses(list(self._partition_of))
        except SinkError as error:
            # Its words are the sink's; here nothing is lost, it could only not be seen.
            raise _unseen(error) from None
        return {
            self._partition_of[name]: status.committed
            for name, status in statuses.items()
            if status.committed is not None
        }

    def close(self) -> None:
        self._snowpipe.close()


class ShownChannels:
    """The channels of Snowflake's Kafka connector. Used by one thread."""

    def __init__(self, connection: Any, table: str, topic: str) -> None:
        self._connection = connection
        self._table = table
        self._topic = topic

    def check(self) -> None:
        """See that channels may be listed.

        Raises:
            SmokeError: they may not.
        """
        self.tokens()

    def tokens(self) -> Mapping[int, int]:
        from snowflake.connector import DictCursor, errors

        try:
            with self._connection.cursor(DictCursor) as cursor:
                shown = cursor.execute(f"SHOW CHANNELS IN TABLE {self._table}").fetchall()
        except errors.ProgrammingError as error:
            what = " ".join(str(error.msg or error).split())
            raise SmokeError(f"the channels of {self._table} cannot be listed: {what}", where="Snowflake") from None
        except errors.Error as error:
            raise ServiceError(
                "the warehouse does not answer",
                where="Snowflake",
                details=[" ".join(str(error).split())],
                do="see whether it is up and reachable from here",
            ) from None
        tokens: dict[int, int] = {}
        for row in shown:
            partition, token = partition_of(str(row["name"]), self._topic), str(row.get("offset_token") or "")
            if partition is not None and token.lstrip("-").isdigit():
                # A connector that was made anew has left channels behind: the one that is furthest is in use.
                tokens[partition] = max(tokens.get(partition, -1), int(token))
        return tokens

    def close(self) -> None:
        self._connection.close()


def partition_of(channel: str, topic: str) -> int | None:
    """The partition that a connector's channel is for: `topic_3`, or `connector_topic_3`; None if of another topic."""
    match = re.fullmatch(rf"(?:.+_)?{re.escape(topic)}_(\d+)", channel, re.IGNORECASE)
    return int(match[1]) if match else None


def _unseen(error: InfraError) -> ServiceError:
    return ServiceError(
        "how far the warehouse has taken the topic cannot be asked",
        where=error.where,
        details=[error.what, *error.details],
        do="see whether the warehouse is up, and whether the connector's user may insert into the table",
    )
