"""What `infra status` knows after one look: plain records, one a thing, and what could not be read.

A collector fills a few fields of a `Part`; the parts of all collectors are put together. Nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Literal

from modules.connectors.status import ConnectorState

__all__ = [
    "Age", "Broker", "Channel", "Credits", "DeadLetters", "GroupLag", "Measured", "Missing", "Part", "PartitionLag",
    "Reached", "Reason", "Registry", "Table", "TopicState", "Trend", "merged",
]  # fmt: skip

Trend = Literal["none", "draining", "steady", "growing", "standing", "unknown"]
"""none: nothing waits. steady: as much is dealt with as comes. standing: it waits, and nobody deals with it."""


@dataclass(frozen=True)
class Missing:
    """What could not be read, why, and the permission that would change it, where one would."""

    what: str
    why: str
    permission: str | None = None


@dataclass(frozen=True)
class Reached:
    """Whether a service answers; `what`: kafka, registry, warehouse, connect."""

    what: str
    where: str
    up: bool
    why: str | None = None


@dataclass(frozen=True)
class Broker:
    """One broker of the cluster."""

    id: int
    host: str
    controller: bool = False


@dataclass(frozen=True)
class TopicState:
    """A topic of the environment. `events` counts what it holds now, `rate` what came in a second."""

    name: str
    partitions: int
    replication: int
    under_replicated: tuple[int, ...]
    offline: tuple[int, ...]
    ends: dict[int, int]
    events: int | None = None
    rate: float | None = None


@dataclass(frozen=True)
class PartitionLag:
    """How far a group is in one partition. `committed` is None before its first commit."""

    partition: int
    end: int
    committed: int | None
    lag: int
    drain_seconds: float | None = None


@dataclass(frozen=True)
class GroupLag:
    """How far a group is in one topic.

    Attributes:
        members: None where the group's members may not be seen.
        arrivals, commits: events a second over `window` seconds; None before there were two readings.
        drain_seconds: until nothing waits, at these rates; None where it never ends or is not known.
        waiting_seconds: the age of the oldest event that is not dealt with.
    """

    group: str
    topic: str
    partitions: tuple[PartitionLag, ...]
    members: int | None
    lag: int
    trend: Trend
    window: float
    arrivals: float | None = None
    commits: float | None = None
    drain_seconds: float | None = None
    waiting_seconds: float | None = None


@dataclass(frozen=True)
class Reason:
    """Why messages went to a dead-letter topic: the machine's word, the newest one's own words, how many of those
    looked at."""

    reason: str
    error: str
    count: int


@dataclass(frozen=True)
class DeadLetters:
    """A dead-letter topic. `fresh`: came lately and was not acknowledged; only these make an environment unhealthy."""

    topic: str
    count: int
    fresh: int
    reasons: tuple[Reason, ...] = ()
    newest: datetime | None = None
    ends: dict[int, int] | None = None
    """By partition, for `--dead-letters-seen`."""


@dataclass(frozen=True)
class Registry:
    """The Schema Registry. `missing` are subjects that were deployed and are not there."""

    url: str
    subjects: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channel:
    """One partition's streaming channel: the last offset the warehouse has, None before the first."""

    topic: str
    table: str
    partition: int
    token: int | None
    end: int | None = None
    behind: int | None = None


@dataclass(frozen=True)
class Table:
    """A sink's table. `freshness_seconds`: the age of the oldest event that is in Kafka and not yet in the table, 0
    where none is."""

    topic: str
    table: str
    rows_per_minute: float | None = None
    newest_seconds: float | None = None
    """Since the newest row's event was made; None for an empty table."""
    behind: int | None = None
    freshness_seconds: float | None = None


@dataclass(frozen=True)
class Credits:
    """Credits used since the first of the month, by one warehouse or service."""

    what: str
    credits: Decimal
    since: str


@dataclass(frozen=True)
class Age:
    """A certificate's or a key's dates. `days` is its age; `left_days` until it expires, None for what does not."""

    kind: Literal["certificate", "key"]
    name: str
    days: float | None
    left_days: float | None = None


@dataclass(frozen=True)
class Measured:
    """A figure of the cloud's own monitoring. `metric` is its name here, `source` who measured it."""

    metric: str
    value: float
    source: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Part:
    """What one collector has found."""

    brokers: tuple[Broker, ...] = ()
    topics: tuple[TopicState, ...] = ()
    lags: tuple[GroupLag, ...] = ()
    connectors: tuple[ConnectorState, ...] = ()
    dead_letters: tuple[DeadLetters, ...] = ()
    registries: tuple[Registry, ...] = ()
    channels: tuple[Channel, ...] = ()
    tables: tuple[Table, ...] = ()
    credits: tuple[Credits, ...] = ()
    ages: tuple[Age, ...] = ()
    measured: tuple[Measured, ...] = ()
    missing: tuple[Missing, ...] = ()
    reached: tuple[Reached, ...] = ()


def merged(parts: Iterable[Part]) -> Part:
    """All that several collectors have found, in their order."""
    found = list(parts)
    return Part(
        **{each.name: tuple(one for part in found for one in getattr(part, each.name)) for each in fields(Part)}
    )
