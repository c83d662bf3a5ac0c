"""Open-loop schedules."""

from __future__ import annotations

import itertools
import statistics

import pytest

from modules.errors import ConfigError
from modules.smoke.load import LoadPlan, offsets


def test_a_constant_schedule_is_evenly_spaced_and_does_not_drift() -> None:
    times = list(offsets(LoadPlan(rate=300, count=3001)))
    assert times[0] == 0
    assert times[3000] == 10_000_000_000
    gaps = {later - sooner for sooner, later in itertools.pairwise(times)}
    assert gaps <= {3_333_333, 3_333_334}


def test_the_warm_up_is_sent_before_the_count_at_the_same_rate() -> None:
    plan = LoadPlan(rate=100, count=10, warmup=5)
    assert plan.total == 15
    assert len(list(offsets(plan))) == 15


def test_a_poisson_schedule_has_exponential_gaps_and_repeats_by_seed() -> None:
    plan = LoadPlan(rate=1000, count=20_000, arrivals="poisson", seed=7)
    times = list(offsets(plan))
    assert times == list(offsets(plan))
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    mean = statistics.fmean(gaps)
    assert mean == pytest.approx(1_000_000, rel=0.05)
    # Of an exponential distribution, mean and standard deviation are the same; of an even one, the latter is 0.
    assert statistics.pstdev(gaps) == pytest.approx(mean, rel=0.05)


def test_a_duration_becomes_a_count() -> None:
    assert LoadPlan.lasting(10, rate=200).count == 2000
    assert LoadPlan.lasting(0.001, rate=1).count == 1


def test_a_load_that_cannot_be_sent_is_refused_with_every_reason() -> None:
    with pytest.raises(ConfigError) as caught:
        LoadPlan(rate=0, count=0, warmup=-1)
    assert len(caught.value.details) == 3


def test_a_run_too_long_to_be_remembered_is_refused_before_it_takes_the_memory() -> None:
    with pytest.raises(ConfigError) as caught:
        LoadPlan.lasting(24 * 3600, rate=5000)
    assert caught.value.details == (
        "a run has at most 20,000,000 events, as each is followed to its end; got 432,000,000",
    )
