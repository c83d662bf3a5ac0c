"""A run against an earlier one: what is more than noise, and what fails a build."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from modules.smoke.baseline import (
    RESAMPLES,
    _Distribution,
    compare_runs,
    comparison_json,
    comparison_lines,
    difference_words,
)
from modules.smoke.histogram import decode, recorded
from tests.smoke.runs import run_of


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Any]]:
    return {
        "first": run_of(2000, seed=1, name="first"),
        "same": run_of(2000, seed=2, name="same"),
        "slow": run_of(2000, seed=3, slower=1.8, name="slow"),
        "torn": run_of(4000, seed=1, lost=60, name="torn"),
    }


def test_a_run_slower_by_a_factor_is_said_with_ratio_difference_and_interval(runs: dict[str, dict[str, Any]]) -> None:
    made = compare_runs(runs["slow"], runs["first"])
    found = {(one.stage, one.percentile): one for one in made.differences}
    row = found["row_visible", "p95"]
    before, now = runs["first"]["stages"]["row_visible"]["p95_ms"], runs["slow"]["stages"]["row_visible"]["p95_ms"]
    assert (row.before, row.now) == (before, now)
    assert row.more_than_noise and row.regression
    assert row.low < now - before < row.high
    words = difference_words(row)
    assert words.startswith("row visible p95 1.8× slower (+") and words.endswith("): more than noise")
    assert "95 % interval +" in words
    # What the factor does not touch stays noise.
    assert not any(found["acknowledged", each].regression for each in ("p50", "p95", "p99"))


def test_the_other_way_round_it_is_faster_and_no_regression(runs: dict[str, dict[str, Any]]) -> None:
    made = compare_runs(runs["first"], runs["slow"])
    row = next(one for one in made.differences if (one.stage, one.percentile) == ("row_visible", "p95"))
    assert row.more_than_noise and not made.regressions
    assert difference_words(row).startswith("row visible p95 1.8× faster (−")


def test_two_runs_of_the_same_load_differ_by_noise_and_a_run_by_nothing_from_itself(
    runs: dict[str, dict[str, Any]],
) -> None:
    assert not compare_runs(runs["same"], runs["first"]).regressions
    itself = compare_runs(runs["first"], runs["first"])
    assert not any(one.more_than_noise for one in itself.differences)
    assert any(line.startswith("  no more than noise: all 15 percentiles") for line in comparison_lines(itself))


@pytest.mark.parametrize(("count", "most"), [(7, 10), pytest.param(40, 40, marks=pytest.mark.soak)])
def test_the_interval_of_equal_runs_holds_zero_about_as_often_as_it_says(count: int, most: int) -> None:
    """Pairs of equal runs, 5 stages' medians and p95s: of 70 (400) intervals of 95 % about 3 or 4 (20) may miss."""
    made = [run_of(400, seed=seed) for seed in range(100, 100 + 2 * count)]
    compared = [compare_runs(a, b) for a, b in zip(made[::2], made[1::2], strict=True)]
    found = [one for each in compared for one in each.differences]
    assert len(found) == count * 5 * 2
    assert sum(one.more_than_noise for one in found) <= most
    assert sum(bool(each.regressions) for each in compared) <= max(1, count // 10), "1 in 40 builds, on average"


def test_one_number_from_a_beta_distribution_is_a_resample_of_the_whole_histogram(
    runs: dict[str, dict[str, Any]],
) -> None:
    """Beside a bootstrap as in the books: draw n values, sort, take the rank; the same spread."""
    stage, chance = runs["first"]["stages"]["row_visible"], random.Random(7)
    pairs = list(recorded(decode(stage["histogram"]["hdr"])))
    values, weights = [value / 1000 for value, _ in pairs], [count for _, count in pairs]
    n = sum(weights)
    rank = math.ceil(0.95 * n)
    plainly = sorted(sorted(chance.choices(values, weights, k=n))[rank - 1] for _ in range(400))
    quickly = sorted(_Distribution(stage).draws(0.95, n, RESAMPLES, chance))
    width = plainly[390] - plainly[10]
    for share in (0.025, 0.5, 0.975):
        apart = abs(plainly[int(share * 400)] - quickly[int(share * RESAMPLES)])
        assert apart < 0.2 * width, share


def test_events_that_are_late_together_are_worth_fewer(runs: dict[str, dict[str, Any]]) -> None:
    """A run that drifts: its medians over time vary more than those of independent events."""
    drifting = run_of(2000, seed=5, name="drift")
    columns = drifting["over_time"]["stages"]["row_visible"]
    for name in ("p50_ms", "p95_ms"):
        columns[name] = [None if value is None else value * (1 + 0.05 * i) for i, value in enumerate(columns[name])]
    calm, drift = (
        next(one for one in compare_runs(run, runs["first"]).differences if one.stage == "row_visible")
        for run in (runs["same"], drifting)
    )
    assert drift.worth < calm.worth / 4
    assert drift.high - drift.low > calm.high - calm.low


def test_a_percentile_that_fell_among_the_lost_is_a_regression(runs: dict[str, dict[str, Any]]) -> None:
    made = compare_runs(runs["torn"], run_of(4000, seed=1))
    row = next(one for one in made.differences if (one.stage, one.percentile) == ("row_visible", "p99"))
    assert math.isinf(row.now) and row.regression
    assert difference_words(row) == (
        "row visible p99 lies among the lost events now (beyond the deadline): more than noise"
    )
    assert made.losses == ("row visible lost 60 of 4,000, earlier 0 of 4,000",)
    entry = next(each for each in comparison_json(made)["differences"] if each["words"] == difference_words(row))
    assert (entry["now_ms"], entry["ratio"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"platform": "msk"}, "platform is msk, was local"),
        ({"partitions": 12}, "partitions is 12, was "),
        ({"load": {"rate": 500.0}}, "rate is 500/s, was 200/s"),
        ({"load": {"arrivals": "poisson"}}, "arrivals is poisson, was constant"),
        ({"load": {"event_bytes": 1024.0}}, "an event has 1,024 B, had "),
        ({"load": {"rate_kept": False}}, "this run did not keep its rate"),
        ({"interrupted": True}, "this run was interrupted"),
    ],
)
def test_runs_of_another_load_size_or_platform_are_not_compared_like_for_like(
    runs: dict[str, dict[str, Any]], change: dict[str, Any], words: str
) -> None:
    changed = {**runs["same"], **change, "load": {**runs["same"]["load"], **change.get("load", {})}}
    made = compare_runs(changed, runs["first"])
    assert len(made.unlike) == 1 and made.unlike[0].startswith(words)
    assert f"  not comparable like for like: {made.unlike[0]}" in comparison_lines(made)
    assert comparison_json(made)["like_for_like"] is False


def test_another_machine_is_a_remark_and_too_few_events_are_said(runs: dict[str, dict[str, Any]]) -> None:
    first = {**runs["first"], "facts": {**runs["first"]["facts"], "cpus": "2"}}
    second = {**runs["same"], "facts": {**runs["same"]["facts"], "cpus": "64"}}
    made = compare_runs(second, first)
    assert (made.unlike, made.remarks) == ((), ("cpus is 64, was 2",))
    assert "  too few events in one of the runs: p99.9 of 5 stages" in comparison_lines(made)
