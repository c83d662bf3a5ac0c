"""Lag from two readings: rates, when it is empty, and which words a group gets."""

from __future__ import annotations

import pytest

from modules.status.lag import Positions, group_lag


def at(seconds: float, ends: list[int], committed: list[int | None]) -> Positions:
    done = {number: offset for number, offset in enumerate(committed) if offset is not None}
    return Positions(seconds, dict(enumerate(ends)), dict.fromkeys(range(len(ends)), 0), done)


def test_nothing_waits_where_all_is_committed() -> None:
    lag = group_lag("g", "t", at(2, [10, 20], [10, 20]), at(0, [5, 10], [5, 10]))
    assert (lag.lag, lag.trend, lag.drain_seconds) == (0, "none", 0.0)


def test_a_group_that_does_more_than_comes_says_when_it_is_done() -> None:
    # 10 a second come, 60 are dealt with: 500 are gone after ten seconds.
    lag = group_lag("g", "t", at(2, [1020], [520]), at(0, [1000], [400]))
    assert (lag.arrivals, lag.commits, lag.trend) == (10.0, 60.0, "draining")
    assert lag.drain_seconds == pytest.approx(10.0)
    assert lag.partitions[0].drain_seconds == pytest.approx(10.0)


def test_the_slowest_partition_decides() -> None:
    lag = group_lag("g", "t", at(1, [100, 100], [90, 10]), at(0, [100, 100], [80, 0]))
    assert lag.drain_seconds == pytest.approx(9.0)


def test_a_group_that_deals_with_nothing_while_events_come_falls_behind() -> None:
    lag = group_lag("g", "t", at(2, [100], [50]), at(0, [90], [50]))
    assert (lag.trend, lag.drain_seconds, lag.lag) == ("growing", None, 50)


def test_a_few_events_on_their_way_are_no_growing_lag() -> None:
    # 100 a second come and 98 are dealt with: 30 wait, a third of a second's worth.
    assert group_lag("g", "t", at(1, [200], [170]), at(0, [100], [72])).trend == "steady"
    assert group_lag("g", "t", at(1, [2000], [1170]), at(0, [1900], [1072])).trend == "growing"


def test_events_that_nobody_deals_with_stand_still() -> None:
    assert group_lag("g", "t", at(2, [100], [50]), at(0, [100], [50])).trend == "standing"


def test_a_group_that_never_committed_has_all_that_the_topic_still_holds_before_it() -> None:
    now = Positions(1, {0: 100}, {0: 40}, {})
    assert group_lag("g", "t", now, None).lag == 60


def test_one_that_commits_once_a_minute_is_given_its_time() -> None:
    now, before = at(2, [100], [50]), at(0, [90], [50])
    assert group_lag("g", "t", now, before, patience=90, waiting_seconds=20, members=1).trend == "unknown"
    assert group_lag("g", "t", now, before, patience=90, waiting_seconds=100, members=1).trend == "growing"
    assert group_lag("g", "t", now, before, patience=90, waiting_seconds=20, members=0).trend == "growing"
