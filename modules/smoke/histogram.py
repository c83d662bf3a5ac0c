"""High dynamic range histograms (HdrHistogram) of a run, as text that fits into a JSON document.

The figures of a report are exact; the histograms are for everything that needs the whole distribution later:
percentile curves, two runs laid over each other, a baseline. From 1 µs to an hour, three significant digits: a value is
off by 0.1 % at most, and a million events take a few hundred bytes. The text is HdrHistogram's own V2 encoding
(base64), which its implementations in all languages read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["DIGITS", "HIGHEST_US", "LOWEST_US", "Histogram", "buckets", "curve", "decode", "encode", "recorded"]

LOWEST_US, HIGHEST_US, DIGITS = 1, 3_600_000_000, 3
_TICKS = 10
"""Points of a curve for each halving of the distance to 100 %."""


@dataclass(frozen=True)
class Histogram:
    """The distribution of one stage or hop; `text` as HdrHistogram encodes it, in microseconds."""

    text: str
    count: int
    below: int = 0
    """Values below 0, recorded as 0: a hop can be negative, when its later stage was noticed first."""
    above: int = 0
    """Values above an hour, recorded as an hour."""


def encode(ordered: Sequence[int]) -> Histogram:
    """The histogram of sorted microseconds. A bucket is recorded with one call, so a million values cost little."""
    histogram = _empty()
    below = bisect_right(ordered, -1)
    above = len(ordered) - bisect_right(ordered, HIGHEST_US)
    if below:
        histogram.record_value(0, below)
    if above:
        histogram.record_value(HIGHEST_US, above)
    at, end = below, len(ordered) - above
    while at < end:
        top = histogram.get_highest_equivalent_value(ordered[at])
        following = bisect_right(ordered, top, at, end)
        histogram.record_value(ordered[at], following - at)
        at = following
    return Histogram(histogram.encode().decode(), len(ordered), below, above)


def decode(text: str) -> Any:
    """The `hdrh.histogram.HdrHistogram` of a text."""
    from hdrh.histogram import HdrHistogram

    return HdrHistogram.decode(text)


def curve(text: str) -> Sequence[tuple[float, float]]:
    """(percentile from 0 to 100, milliseconds), ascending, closer together towards 100; for percentile curves."""
    return [
        (float(step.percentile_level_iterated_to), step.value_iterated_to / 1000)
        for step in decode(text).get_percentile_iterator(_TICKS)
    ]


def buckets(text: str, per_doubling: int = 4) -> Sequence[tuple[float, float, int]]:
    """(from, to, count) in milliseconds, each bucket 2^(1/n) times the one before; those between are there with 0."""
    found: dict[int, int] = {}
    for value, count in recorded(decode(text)):
        place = _place(max(value, LOWEST_US), per_doubling)
        found[place] = found.get(place, 0) + count
    if not found:
        return []
    return [
        (2 ** (place / per_doubling) / 1000, 2 ** ((place + 1) / per_doubling) / 1000, found.get(place, 0))
        for place in range(min(found), max(found) + 1)
    ]


def _empty() -> Any:
    from hdrh.histogram import HdrHistogram

    return HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)


def recorded(histogram: Any) -> Iterator[tuple[int, int]]:
    """(microseconds, count) of every bucket that holds something, ascending."""
    for step in histogram.get_recorded_iterator():
        yield int(step.value_iterated_to), int(step.count_at_value_iterated_to)


def _place(value: int, per_doubling: int) -> int:
    from math import floor, log2

    return floor(log2(value) * per_doubling)
