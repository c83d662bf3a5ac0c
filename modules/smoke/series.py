"""Latency over time: the run cut into even intervals by intended send time, each with its own percentiles.

The rule of `stats` holds for an interval as for a run: a percentile of too few samples is not given. The maximum and
the lost are always there, so that no disturbance can hide between two percentiles.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from modules.smoke.stats import Summary

__all__ = ["Interval", "Series", "bounds", "interval_seconds"]

_MOST = 120


@dataclass(frozen=True)
class Interval:
    """Events that were due in it: how many, and what became of them at one stage."""

    sent: int
    summary: Summary


@dataclass(frozen=True)
class Series:
    """Intervals of `seconds` each; the first begins when the first measured event was due."""

    seconds: float
    intervals: tuple[Interval, ...]


def interval_seconds(span_seconds: float) -> float:
    """A second, or for long runs as many whole seconds as make at most 120 intervals."""
    return float(max(1, math.ceil(span_seconds / _MOST)))


def bounds(intended: array[int] | Sequence[int], first: int, end: int, seconds: float) -> list[int]:
    """Event numbers at which intervals begin, and `end`; the numbers of a run are in order of their time."""
    if first >= end:
        return [first]
    start, width = intended[first], int(seconds * 1e9)
    count = (intended[end - 1] - start) // width + 1
    return [bisect_left(intended, start + width * index, first, end) for index in range(count)] + [end]
