"""Exact percentiles and when they may be printed."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from modules.smoke.stats import PERCENTILES, nearest_rank, needed_samples, summarise


def test_a_percentile_is_the_nearest_rank() -> None:
    values = list(range(1, 1001))
    summary = summarise(random.Random(1).sample(values, k=1000))
    assert [one.nanoseconds for one in summary.quantiles] == [500, 950, 990, None]
    assert (summary.n, summary.lost, summary.maximum, summary.mean) == (1000, 0, 1000, 500.5)


def test_a_percentile_needs_ten_samples_above_it() -> None:
    assert [needed_samples(share) for share in PERCENTILES.values()] == [20, 200, 1000, 10_000]
    known = {
        n: [one.name for one in summarise(range(n)).quantiles if one.nanoseconds is not None]
        for n in (19, 20, 199, 200, 999, 1000)
    }
    assert known == {
        19: [], 20: ["p50"], 199: ["p50"], 200: ["p50", "p95"], 999: ["p50", "p95"], 1000: ["p50", "p95", "p99"],
    }  # fmt: skip


def test_a_lost_event_counts_as_slower_than_every_other() -> None:
    summary = summarise(range(980), lost=20)
    assert summary.quantile("p95").nanoseconds == 949
    assert summary.quantile("p99").nanoseconds is None
    assert summary.quantile("p99").withheld == "beyond deadline"


def test_late_events_move_only_the_maximum() -> None:
    summary = summarise(range(1000), lost=1, late=[50_000])
    assert summary.maximum == 50_000
    assert summary.quantile("p99").nanoseconds == 990
    assert summary.n == 1000


def test_nothing_measured_has_no_percentile_no_maximum_and_no_mean() -> None:
    summary = summarise([])
    assert [one.withheld for one in summary.quantiles] == ["too few samples"] * 4
    assert (summary.maximum, summary.mean) == (None, None)
    with pytest.raises(ValueError, match="no samples"):
        nearest_rank([], Fraction(1, 2))
