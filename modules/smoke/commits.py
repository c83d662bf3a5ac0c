"""Commits of a consumer group of the run's own, and the removal of that group.

A client of its own commits, so that waiting for the broker's answer holds up neither receiving nor sending. The group
has no members, as its partitions are assigned by hand; Kafka takes such commits from anyone who may read the group.
Only an administrator may remove a group; where that is not possible it stays, empty, until `offsets.retention.minutes`
(a week) has passed, or until a run that may removes it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from modules.errors import ServiceError, SmokeError
from modules.smoke.kafka import group_of
from modules.smoke.kafka_errors import CONNECT_SECONDS, Complaints, forbidden, service_error, user_of
from modules.smoke.transport import NotCommittedError

__all__ = ["KafkaCommitting"]

_MOST_REMOVED = 100
_PASSING = (
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._WAIT_COORD,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.REQUEST_TIMED_OUT,
)
"""What a broker that restarts, or hands the group over, makes of a commit."""


class KafkaCommitting:
    """Commits for the group of one run.

    Args:
        settings: of the consumer.
        admin: of whoever may remove groups; None: it stays.
    """

    def __init__(
        self, settings: Mapping[str, Any], topic: str, run_id: str, environment: str, admin: Mapping[str, Any] | None
    ) -> None:
        self._topic = topic
        self._group = group_of(topic, run_id)
        self._environment = environment
        self._user = user_of(settings)
        self._complaints = Complaints()
        self._settings = {**settings, "error_cb": self._complaints}
        own = {"group.id": self._group, "enable.auto.commit": False}
        self._client = Consumer({**self._settings, **own}, logger=self._complaints.logger)
        self._admin = None if admin is None else {**admin, "error_cb": self._complaints}
        self._closed = False
        self.left: str | None = None
        """Why the group of the run is still there, once it should be gone."""

    def start(self, offsets: Mapping[int, int]) -> None:
        """Commit where reading begins.

        Raises:
            SmokeError: the consumer may not commit.
            ServiceError: no coordinator answers.
        """
        self._require_right()
        self._remove(leftovers=True)
        until = time.monotonic() + CONNECT_SECONDS
        while True:
            try:
                return self.commit(offsets)
            except NotCommittedError as error:
                if time.monotonic() > until:
                    raise ServiceError(
                        "the consumer cannot commit its offsets",
                        where="Kafka",
                        details=[str(error)],
                        do="see whether all brokers are up (on a laptop: `infra local status`)",
                    ) from None
                time.sleep(0.2)

    def commit(self, offsets: Mapping[int, int]) -> None:
        places = [TopicPartition(self._topic, partition, offset) for partition, offset in offsets.items()]
        try:
            self._client.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise self._forbidden() from None
            if code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise forbidden(self._user, "Read", f"topic {self._topic}", self._environment) from None
            if code in _PASSING or error.args[0].retriable():
                raise NotCommittedError(error.args[0].str()) from None
            raise service_error("the consumer cannot commit its offsets", error, self._complaints) from None

    def close(self) -> None:
        """Remove the group. What cannot be removed is left: it holds nothing up and goes by itself."""
        if not self._closed:
            self._closed = True
            self._client.close()
            self._remove(leftovers=False)

    def _require_right(self) -> None:
        """A client that may not even look at its group waits for the coordinator in vain, so it is asked for first."""
        admin = AdminClient(self._settings, logger=self._complaints.logger)
        try:
            admin.describe_consumer_groups([self._group], request_timeout=CONNECT_SECONDS)[self._group].result()
        except KafkaException as error:
            # Whatever else is wrong, the commit will say.
            if error.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise self._forbidden() from None

    def _forbidden(self) -> SmokeError:
        return forbidden(self._user, "Read", f"group {self._group}", self._environment)

    def _remove(self, *, leftovers: bool) -> None:
        """The run's group, or those that earlier runs could not remove (killed ones)."""
        if self._admin is None:
            return
        with contextlib.suppress(KafkaException):
            admin = AdminClient(self._admin, logger=self._complaints.logger)
            groups = self._abandoned(admin) if leftovers else [self._group]
            if not groups:
                return
            for removed in admin.delete_consumer_groups(groups, request_timeout=CONNECT_SECONDS).values():
                try:
                    removed.result(CONNECT_SECONDS)
                except KafkaException as error:
                    if not leftovers and error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                        self.left = self._why(error.args[0])

    def _why(self, error: KafkaError) -> str:
        who = user_of(self._admin or {})
        missing = f"the right Delete on it is missing for {who}"
        reason = missing if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED else error.str()
        return f"group {self._group} stays, empty, until Kafka forgets it: {reason}"

    def _abandoned(self, admin: AdminClient) -> list[str]:
        """Groups of earlier runs on this topic. A run that is still at work has its removal refused, or not noticed:
        it commits from its first offset on and makes the group anew."""
        listed = admin.list_consumer_groups(request_timeout=CONNECT_SECONDS).result()
        prefix = group_of(self._topic, "")
        return [each.group_id for each in listed.valid if each.group_id.startswith(prefix)][:_MOST_REMOVED]
