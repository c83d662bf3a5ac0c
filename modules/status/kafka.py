"""Brokers, topics and consumer lag, through AdminClient."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka import KafkaException

from modules.environment.connect import kind_of
from modules.environment.model import Environment
from modules.environment.smoke import SMOKE_TOPIC
from modules.status.kafka_client import KafkaAsk, refusal
from modules.status.lag import Positions, group_lag
from modules.status.readings import Broker, GroupLag, Missing, Part, Reached, TopicState
from modules.topics import connector_group, sink_group, topic_specs

__all__ = ["Group", "KafkaCollector", "groups_of"]

_WINDOW = 1.5
"""Seconds between the first two readings; the sink commits every half second."""
_CONNECT_COMMITS = 90.0
"""Kafka Connect commits once a minute (offset.flush.interval.ms)."""


@dataclass(frozen=True)
class Group:
    """A consumer group of the pipeline, and the topic it reads. `patience`: see `lag.group_lag`."""

    name: str
    topic: str
    patience: float = 0.0


def groups_of(environment: Environment) -> list[Group]:
    """The groups that carry topics into the warehouse; a managed connector's are the platform's own affair."""
    kind = kind_of(environment)
    sunk = sorted((name for name, topic in environment.topics.items() if topic.sink), key=lambda n: n == SMOKE_TOPIC)
    if kind == "managed":
        return []
    if kind == "sink":
        return [Group(sink_group(name), name) for name in sunk]
    return [Group(connector_group(environment, name), name, _CONNECT_COMMITS) for name in sunk]


@dataclass(frozen=True)
class _Look:
    """All offsets at one moment."""

    at: float
    ends: Mapping[tuple[str, int], int]
    begins: Mapping[tuple[str, int], int]
    committed: Mapping[str, Mapping[tuple[str, int], int]]

    def of(self, group: Group) -> Positions:
        def its(offsets: Mapping[tuple[str, int], int]) -> dict[int, int]:
            return {number: offset for (topic, number), offset in offsets.items() if topic == group.topic}

        return Positions(self.at, its(self.ends), its(self.begins), its(self.committed[group.name]))


class KafkaCollector:
    """Reads the cluster. Keeps its last look, so that a second reading needs no pause."""

    name = "Kafka"

    def __init__(
        self,
        environment: Environment,
        ask: KafkaAsk,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment = environment
        self._ask = ask
        self._where = ask.where
        self._pause = pause
        self._clock = clock
        self._before: _Look | None = None

    def read(self) -> Part:
        try:
            metadata = self._ask.metadata()
        except KafkaException as error:
            why = self._ask.complaint or error.args[0].str()
            return Part(
                reached=(Reached("kafka", self._where, False, f"it does not answer: {why}"),),
                missing=(Missing("brokers, topics and consumer lag", f"Kafka does not answer: {why}"),),
            )
        missing: list[Missing] = []
        controller = self._ask.controller()
        brokers = tuple(
            Broker(each.id, f"{each.host}:{each.port}", each.id == controller)
            for each in sorted(metadata.brokers.values(), key=lambda each: each.id)
        )
        topics = [state for name in self._names() if (state := self._topic(name, metadata, missing)) is not None]
        groups = [each for each in groups_of(self._environment) if each.topic in {topic.name for topic in topics}]
        try:
            lags, topics = self._lags(topics, groups, missing)
        except KafkaException as error:
            missing.append(refusal("offsets of topics and groups", error, self._ask.who))
            lags = []
        return Part(
            brokers=brokers,
            topics=tuple(topics),
            lags=tuple(lags),
            missing=tuple(missing),
            reached=(Reached("kafka", self._where, True),),
        )

    def close(self) -> None:
        """Nothing is held but the client, which others use too."""

    def _names(self) -> list[str]:
        """Every topic the environment has, the one that is only measured on last."""
        names = [spec.name for spec in topic_specs(self._environment)]
        return sorted(names, key=lambda name: name.startswith(SMOKE_TOPIC))

    def _topic(self, name: str, metadata: Any, missing: list[Missing]) -> TopicState | None:
        found = metadata.topics.get(name)
        if found is None or (found.error is not None and not found.partitions):
            deploy = f"it is not there, or {self._ask.who} may not see it: `infra deploy` makes it"
            missing.append(Missing(f"topic {name}", deploy, f"Describe on topic {name}"))
            return None
        partitions = found.partitions.values()
        return TopicState(
            name,
            len(partitions),
            max((len(each.replicas) for each in partitions), default=0),
            tuple(each.id for each in partitions if len(each.isrs) < len(each.replicas)),
            tuple(each.id for each in partitions if each.leader < 0),
            {},
        )

    def _lags(
        self, topics: Sequence[TopicState], groups: Sequence[Group], missing: list[Missing]
    ) -> tuple[list[GroupLag], list[TopicState]]:
        # A partition without a leader has no end to ask for.
        places = [(each.name, n) for each in topics for n in range(each.partitions) if n not in each.offline]
        committed = self._readable(groups, missing)
        groups = [each for each in groups if each.name in committed]
        before = self._before
        if before is None or not {group.name for group in groups} <= before.committed.keys():
            before = self._look(places, groups)
            self._pause(_WINDOW)
        now = self._before = self._look(places, groups)
        members = self._ask.members([group.name for group in groups])
        waiting = self._waiting(groups, now, missing)
        lags = []
        for group in groups:
            those = members.get(group.name)
            if isinstance(those, KafkaException):
                missing.append(refusal(f"members of group {group.name}", those, self._ask.who))
            lags.append(
                group_lag(
                    group.name,
                    group.topic,
                    now.of(group),
                    before.of(group),
                    members=those if isinstance(those, int) else None,
                    waiting_seconds=waiting.get(group.name),
                    patience=group.patience,
                )
            )
        return lags, [_with_offsets(topic, now, before) for topic in topics]

    def _readable(self, groups: Sequence[Group], missing: list[Missing]) -> dict[str, Mapping[tuple[str, int], int]]:
        """The groups whose commits may be read."""
        found: dict[str, Mapping[tuple[str, int], int]] = {}
        for group in groups:
            try:
                found[group.name] = self._ask.committed(group.name)
            except KafkaException as error:
                right = f"Describe on group {group.name}"
                missing.append(refusal(f"lag of group {group.name}", error, self._ask.who, right))
        return found

    def _look(self, places: Sequence[tuple[str, int]], groups: Sequence[Group]) -> _Look:
        # Commits before ends: the other way round a group could seem to be ahead of its topic.
        committed = {group.name: self._ask.committed(group.name) for group in groups}
        return _Look(self._clock(), self._ask.ends(places), self._ask.begins(places), committed)

    def _waiting(self, groups: Sequence[Group], look: _Look, missing: list[Missing]) -> dict[str, float]:
        """The age of the oldest event that each group has not dealt with."""
        wanted: dict[tuple[str, int], tuple[int, int]] = {}
        for group in groups:
            its = look.of(group)
            wanted |= {(group.topic, n): (its.dealt_with(n), 1) for n in its.ends if its.lag(n)}
        try:
            found = self._ask.messages(wanted)
        except KafkaException as error:
            missing.append(refusal("how long events wait", error, "User:consumer", "Read on the topic"))
            return {}
        now = time.time() * 1000
        ages: dict[str, float] = {}
        for group in groups:
            times = [each.timestamp()[1] for place, them in found.items() if place[0] == group.topic for each in them]
            if times:
                ages[group.name] = max(0.0, (now - min(times)) / 1000)
        return ages


def _with_offsets(topic: TopicState, now: _Look, before: _Look) -> TopicState:
    ends = {number: offset for (name, number), offset in now.ends.items() if name == topic.name}
    held = sum(end - now.begins.get((topic.name, number), 0) for number, end in ends.items())
    came = sum(end - before.ends.get((topic.name, number), end) for number, end in ends.items())
    window = now.at - before.at
    return replace(topic, ends=ends, events=held, rate=max(0.0, came / window) if window > 0 else None)
