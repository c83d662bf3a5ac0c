"""Consumer lag from two readings: how fast events come, how fast they are dealt with, when nothing waits any more.

Pure arithmetic. A reading is offsets by partition at a moment of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modules.status.readings import GroupLag, PartitionLag, Trend

__all__ = ["Positions", "group_lag"]

_STEADY_SECONDS = 5.0
"""A pipeline always has a little on its way: this many seconds' worth of events is no lag that grows."""


@dataclass(frozen=True)
class Positions:
    """One topic's ends, and a group's commits in it, at `at` seconds."""

    at: float
    ends: Mapping[int, int]
    begins: Mapping[int, int]
    committed: Mapping[int, int]
    """Only partitions that have a commit."""

    def dealt_with(self, partition: int) -> int:
        """The offset up to which the group is; at the partition's beginning before it committed."""
        return max(self.committed.get(partition, 0), self.begins.get(partition, 0))

    def lag(self, partition: int) -> int:
        return max(0, self.ends[partition] - self.dealt_with(partition))


def group_lag(
    group: str,
    topic: str,
    now: Positions,
    before: Positions | None,
    *,
    members: int | None = None,
    waiting_seconds: float | None = None,
    patience: float = 0.0,
) -> GroupLag:
    """A group's lag in one topic.

    Args:
        before: an earlier reading; None where there is none, and then nothing is known of rates.
        waiting_seconds: the age of the oldest event that waits.
        patience: as long as nothing waits longer than so many seconds, a group that did not commit is not called
            stuck: Kafka Connect commits once a minute.
    """
    window = now.at - before.at if before is not None else 0.0
    arrivals = commits = None
    rates: dict[int, tuple[float, float]] = {}
    if before is not None and window > 0:
        for partition in now.ends.keys() & before.ends.keys():
            arrived = max(0, now.ends[partition] - before.ends[partition])
            done = max(0, now.dealt_with(partition) - before.dealt_with(partition))
            rates[partition] = (arrived / window, done / window)
        arrivals, commits = (sum(rate[i] for rate in rates.values()) for i in (0, 1))
    partitions = tuple(_partition(number, now, rates.get(number)) for number in sorted(now.ends))
    lag = sum(each.lag for each in partitions)
    trend = _trend(lag, arrivals, commits)
    patient = members != 0 and patience > 0 and (waiting_seconds is None or waiting_seconds < patience)
    if patient and trend in ("growing", "standing"):
        trend = "unknown"
    drains = [each.drain_seconds for each in partitions if each.lag]
    whole = None if any(each is None for each in drains) else max((each or 0.0 for each in drains), default=0.0)
    # Partitions drain side by side: the slowest one decides, unless only the sum is known to drain.
    if whole is None and trend == "draining" and arrivals is not None and commits is not None:
        whole = lag / (commits - arrivals)
    return GroupLag(
        group, topic, partitions, members, lag, trend, window, arrivals, commits,
        whole if trend in ("none", "draining", "steady") else None, waiting_seconds,
    )  # fmt: skip


def _partition(number: int, now: Positions, rates: tuple[float, float] | None) -> PartitionLag:
    lag = now.lag(number)
    drain = 0.0 if not lag else None
    if lag and rates is not None and rates[1] > rates[0]:
        drain = lag / (rates[1] - rates[0])
    return PartitionLag(number, now.ends[number], now.committed.get(number), lag, drain)


def _trend(lag: int, arrivals: float | None, commits: float | None) -> Trend:
    if not lag:
        return "none"
    if arrivals is None or commits is None:
        return "unknown"
    if commits > arrivals:
        return "draining"
    if commits == 0:
        return "growing" if arrivals else "standing"
    return "growing" if arrivals > commits and lag > _STEADY_SECONDS * arrivals else "steady"
