"""Histograms hold what was measured to three digits, whatever was measured."""

from __future__ import annotations

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from modules.smoke.histogram import HIGHEST_US, buckets, curve, decode, encode

VALUES = st.lists(st.integers(min_value=-1000, max_value=HIGHEST_US * 2), max_size=300).map(sorted)


@settings(deadline=None)
@given(VALUES)
def test_every_value_is_in_it_and_off_by_a_thousandth_at_most(ordered: list[int]) -> None:
    histogram = encode(ordered)
    decoded = decode(histogram.text)
    assert decoded.get_total_count() == histogram.count == len(ordered)
    assert histogram.below == sum(value < 0 for value in ordered)
    assert histogram.above == sum(value > HIGHEST_US for value in ordered)
    for share in (50, 95, 99, 100) if ordered else ():
        # HdrHistogram rounds a rank where the report takes the next one.
        exact = ordered[max(1, int(share / 100 * len(ordered) + 0.5)) - 1]
        held = min(max(exact, 0), HIGHEST_US)
        assert decoded.get_value_at_percentile(share) in range(held, held + held // 1000 + 2)


def test_a_curve_ends_at_the_maximum_and_never_falls() -> None:
    points = curve(encode([*range(1000, 200_000, 37), 4_000_000]).text)
    assert points[-1][0] == 100.0
    assert 4000 <= points[-1][1] <= 4004
    assert points == sorted(points)
    assert len(points) > 30


def test_bars_hold_every_event_once_and_none_is_missing_between() -> None:
    ordered = sorted([1, 5, 1000, 1001, 80_000, 80_000, 3_000_000])
    bars = buckets(encode(ordered).text)
    assert sum(count for _, _, count in bars) == len(ordered)
    assert all(math.isclose(one[1], other[0]) for one, other in itertools.pairwise(bars))
    assert buckets(encode([]).text) == []


def test_a_million_events_take_little_room() -> None:
    histogram = encode(sorted(1000 + (number * 7919) % 5_000_000 for number in range(1_000_000)))
    assert histogram.count == 1_000_000
    assert len(histogram.text) < 20_000
