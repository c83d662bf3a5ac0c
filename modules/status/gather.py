"""One look: every collector in a thread of its own with a timeout, then what only follows from several of them.

A collector that is late or fails in a way nobody foresaw leaves a `Missing`, never an exception: a status screen that
dies with the thing it watches is no use.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from modules.environment.model import Environment
from modules.errors import InfraError
from modules.platforms.base import Platform
from modules.project import Project
from modules.status.metrics import Sample, samples
from modules.status.readings import Channel, GroupLag, Missing, Part, Table, merged
from modules.status.rules import Finding, Rule, findings, load_rules, rules_of

__all__ = ["Collector", "Status", "Watch", "combine", "open_watch"]

SECONDS = 30.0


class Collector(Protocol):
    """One source."""

    @property
    def name(self) -> str: ...

    def read(self) -> Part: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Status:
    """One look at an environment."""

    environment: str
    platform: str
    at: datetime
    seconds: float
    found: Part
    samples: tuple[Sample, ...]
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        return not any(each.severity == "critical" for each in self.findings)


class Watch:
    """Looks again and again with the same clients."""

    def __init__(
        self,
        environment: Environment,
        collectors: Sequence[Collector],
        rules: Sequence[Rule] | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._environment = environment
        self._collectors = collectors
        self._rules = load_rules() if rules is None else rules
        self._seconds = seconds
        self._busy: dict[str, threading.Thread] = {}

    def look(self) -> Status:
        began = time.monotonic()
        parts = self._read_all()
        found = combine(merged(parts[each.name] for each in self._collectors))
        known = _brokers(self._environment)
        taken = samples(found, known)
        return Status(
            self._environment.name,
            self._environment.platform,
            datetime.now(UTC),
            time.monotonic() - began,
            found,
            tuple(taken),
            findings(self._rules, taken),
        )

    def close(self) -> None:
        for each in self._collectors:
            if each.name not in self._busy:
                each.close()

    def _read_all(self) -> dict[str, Part]:
        answers: queue.Queue[tuple[str, Part]] = queue.Queue()
        late = Missing("", f"no answer in {self._seconds:g} s")
        parts = {each.name: Part(missing=(replace(late, what=each.name),)) for each in self._collectors}
        waited = 0
        for each in self._collectors:
            before = self._busy.get(each.name)
            if before is not None and before.is_alive():
                continue  # still at the last question: not asked twice
            thread = threading.Thread(target=_read, args=(each, answers), daemon=True, name=f"status {each.name}")
            self._busy[each.name] = thread
            thread.start()
            waited += 1
        deadline = time.monotonic() + self._seconds
        for _ in range(waited):
            try:
                name, part = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            parts[name] = part
            self._busy.pop(name).join()
        return parts


def _read(collector: Collector, answers: queue.Queue[tuple[str, Part]]) -> None:
    try:
        part = collector.read()
    except InfraError as error:
        where = f"{error.where}: " if error.where else ""
        part = Part(missing=(Missing(collector.name, where + error.what, error.do),))
    except Exception as error:
        # Whatever a library throws: the others' readings are still worth seeing.
        part = Part(missing=(Missing(collector.name, f"{type(error).__name__}: {' '.join(str(error).split())}"),))
    answers.put((collector.name, part))


def open_watch(environment: Environment, project: Project, platform: Platform) -> Watch:
    """All collectors of an environment.

    Raises:
        ConfigError: it was never deployed.
        LocalError: the laptop's platform was never started.
        SecretError: a login cannot be read.
    """
    from modules.status.ages import AgesCollector
    from modules.status.connectors import ConnectorsCollector
    from modules.status.dead_letters import DeadLettersCollector
    from modules.status.kafka import KafkaCollector
    from modules.status.kafka_client import KafkaAsk
    from modules.status.registry import RegistryCollector
    from modules.status.warehouse import ChannelsCollector, WarehouseCollector

    rules = rules_of(environment)
    # The consumer's groups begin with a topic's name (`modules/topics/specs.py`).
    group = "-".join([*list(environment.topics)[:1], "infra-status"])
    ask = KafkaAsk(platform.kafka_client("admin"), platform.kafka_client("consumer"), group)
    collectors: list[Collector] = [
        KafkaCollector(environment, ask),
        ConnectorsCollector(environment, project, ask),
        DeadLettersCollector(environment, project, ask),
        RegistryCollector(environment, platform),
        ChannelsCollector(environment, platform, project),
        WarehouseCollector(environment, platform, project),
        AgesCollector(environment, platform, project),
    ]
    if environment.platform == "msk":
        from modules.environment.names import resource_name
        from modules.status.cloud import CloudWatchCollector

        adopted = environment.msk.adopted
        name = adopted.name if adopted else resource_name(environment, "kafka", limit=64)
        collectors.append(CloudWatchCollector(environment, name))
    if environment.platform == "confluent":
        from modules.status.cloud import ConfluentMetricsCollector

        collectors.append(ConfluentMetricsCollector(environment, project))
    return Watch(environment, collectors, rules)


def combine(found: Part) -> Part:
    """Channels against topics' ends, and tables' freshness: how long the oldest event waits for its row."""
    ends = {(topic.name, number): end for topic in found.topics for number, end in topic.ends.items()}
    lags = {lag.topic: lag for lag in found.lags}
    channels = tuple(_placed(each, ends, lags.get(each.topic)) for each in found.channels)
    behind: dict[str, int | None] = {}
    for each in channels:
        so_far = behind.get(each.topic, 0)
        behind[each.topic] = None if so_far is None or each.behind is None else so_far + each.behind
    tables = {each.topic: each for each in found.tables}
    for each in channels:
        tables.setdefault(each.topic, Table(each.topic, each.table))
    whole = tuple(_fresh(table, behind.get(topic), lags.get(topic)) for topic, table in tables.items())
    return replace(found, channels=channels, tables=whole)


def _placed(channel: Channel, ends: Mapping[tuple[str, int], int], lag: GroupLag | None) -> Channel:
    end = ends.get((channel.topic, channel.partition))
    if end is None:
        return channel
    # What went to the dead-letter topic has no row, hence no token; the group's commit covers it.
    committed = next((p.committed for p in lag.partitions if p.partition == channel.partition), None) if lag else None
    lag_here = _lag_of(lag, channel.partition)
    dealt_with = max(committed or 0, 0 if channel.token is None else channel.token + 1)
    if channel.token is None and lag_here is not None:
        dealt_with = max(dealt_with, end - lag_here)  # of a topic whose first events are past their retention
    return replace(channel, end=end, behind=max(0, end - dealt_with))


def _lag_of(lag: GroupLag | None, partition: int) -> int | None:
    return next((each.lag for each in lag.partitions if each.partition == partition), None) if lag else None


def _fresh(table: Table, behind: int | None, lag: GroupLag | None) -> Table:
    waits = lag.waiting_seconds if lag else None
    fresh = 0.0 if behind == 0 else waits if behind else None
    return replace(table, behind=behind, freshness_seconds=fresh)


def _brokers(environment: Environment) -> int | None:
    """How many brokers the environment has, where that is its own choice."""
    if environment.platform in ("local", "redpanda"):
        return environment.brokers
    return environment.brokers if environment.platform == "msk" and environment.msk.mode != "serverless" else None
