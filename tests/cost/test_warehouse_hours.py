"""How long a warehouse is billed for its readers, each case with its arithmetic.

A month of 730 h has 730 / 24 = 30.41667 days; hours of a week × 730 / 168 are a month's.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.cost.warehouse_hours import ReaderUse, WarehouseUse, a_month, added, week_of

MINUTE, HOUR, DAY = Decimal(60), Decimal(3600), Decimal(86_400)


def reader(every: Decimal | int | None = None, takes: Decimal | int = 0, **more: object) -> ReaderUse:
    return ReaderUse("r", None if every is None else Decimal(every), Decimal(takes), **more)  # type: ignore[arg-type]


def warehouse(*readers: ReaderUse, auto_suspend: int | None = 60, clusters: int = 1) -> WarehouseUse:
    idle = None if auto_suspend is None else Decimal(auto_suspend)
    return WarehouseUse("WH", "xsmall", idle, readers, clusters)


def test_dbt_every_5_minutes_sleeps_220_of_every_300_seconds() -> None:
    dbt = warehouse(reader(5 * MINUTE, 20))
    # 288 runs a day × (20 s + 60 s idle) = 23,040 s = 6.4 h; × 730/24 = 194.667 h, not the short form's 60.8
    assert dbt.week == (Decimal("6.4"),) * 7
    assert dbt.hours_per_month.quantize(Decimal("0.001")) == Decimal("194.667")


@pytest.mark.parametrize(("takes", "auto_suspend"), [(240, 60), (20, 300), (241, 60), (20, 280)])
def test_dbt_every_5_minutes_never_sleeps_once_work_and_idle_time_fill_the_five(takes: int, auto_suspend: int) -> None:
    # 240 s + 60 s = 300 s = 5 min: the next run begins at the moment at which it would be suspended
    assert warehouse(reader(5 * MINUTE, takes), auto_suspend=auto_suspend).hours_per_month == 730


def test_every_hour_is_24_runs_of_80_seconds() -> None:
    # 24 × (20 s + 60 s) = 1,920 s = 0.53333 h a day
    assert warehouse(reader(HOUR, 20)).week[0] == Decimal(1920) / 3600


def test_every_minute_never_sleeps() -> None:
    # 1 s + 60 s idle is more than the minute
    assert warehouse(reader(MINUTE, 1)).hours_per_month == 730


def test_a_run_of_10_seconds_is_billed_for_60() -> None:
    # auto-suspend 5 s: 10 s + 5 s = 15 s, billed as 60 s, 24 times a day = 1,440 s = 0.4 h
    assert warehouse(reader(HOUR, 10), auto_suspend=5).week[0] == Decimal("0.4")
    # at 60 s the minimum makes no difference: 70 s
    assert warehouse(reader(HOUR, 10), auto_suspend=60).week[0] == Decimal(24 * 70) / 3600


def test_resumed_more_often_than_once_a_minute_it_is_billed_more_than_a_day_has() -> None:
    # every 30 s for 1 s, suspended 1 s later: 2,880 resumes × 60 s at least = 172,800 s = 48 h a day
    busy = warehouse(reader(30, 1), auto_suspend=1)
    assert busy.hours_per_day == 48
    assert "1 s + 1 s idle, 60 s at least" in busy.words


def test_two_readers_are_added_up_as_if_they_never_overlapped() -> None:
    both = warehouse(reader(5 * MINUTE, 20), reader(hours_per_day=Decimal(8), days_per_week=5))
    # 6.4 h + 8 h on five days, 6.4 h on two: (5 × 14.4 + 2 × 6.4) / 7 = 12.114 h
    assert both.week == (Decimal("14.4"),) * 5 + (Decimal("6.4"),) * 2
    assert both.hours_per_month == (5 * Decimal("14.4") + 2 * Decimal("6.4")) * 730 / 168
    assert "added up as if they never overlapped" in both.words


def test_a_day_has_24_hours_however_many_readers_there_are() -> None:
    assert warehouse(*[reader(hours_per_day=Decimal(10)) for _ in range(3)]).hours_per_month == 730


def test_minimums_of_two_readers_may_come_to_more_than_a_day_has() -> None:
    # each every 72 s: 1,200 × 60 s at least = 20 h, of which 1,200 × (5 s + 5 s) are awake; one after the other 40 h
    hasty = reader(72, 5)
    assert warehouse(hasty, hasty, auto_suspend=5).week[0] == 40
    # beside one that is there all day: 24 h, and the 1,200 × 50 s of minimums that nobody uses = 16.667 h at the most
    assert warehouse(hasty, reader(), auto_suspend=5).week[0] == (DAY + 1200 * 50) / 3600


def test_a_weekend_without_readers_is_without_a_warehouse() -> None:
    office = warehouse(reader(hours_per_day=Decimal(8), days_per_week=5))
    assert office.week == (Decimal(8),) * 5 + (Decimal(0),) * 2
    # 40 h a week × 730 / 168 = 173.81 h
    assert office.hours_per_month.quantize(Decimal("0.01")) == Decimal("173.81")


def test_a_schedule_in_office_hours_runs_in_them_only() -> None:
    # 8 h × 12 runs an hour = 96 runs × 80 s = 7,680 s = 2.1333 h, on five days
    office = warehouse(reader(5 * MINUTE, 20, hours_per_day=Decimal(8), days_per_week=5))
    assert office.week[0] == Decimal(7680) / 3600
    assert office.week[5:] == (0, 0)


def test_awake_all_through_its_hours_it_ends_with_the_idle_time_after_the_last_run() -> None:
    # 8 h of runs every 60 s that take 20 s: the last begins at 7:59, ends 20 s later and idles 60 s: 8 h + 20 s
    awake = warehouse(reader(MINUTE, 20, hours_per_day=Decimal(8)))
    assert awake.week[0] == (8 * HOUR + 20) / 3600


def test_a_report_once_a_day_or_once_a_week_runs_as_often_as_it_says() -> None:
    assert warehouse(reader(DAY, 600)).week[0] == Decimal(660) / 3600
    # 660 s a week × 730/168 = 2,867.857 s
    assert (warehouse(reader(7 * DAY, 600)).hours_per_month * 3600).quantize(Decimal("0.001")) == Decimal("2867.857")
    # in office hours as well: once a day, not eight twenty-fourths of a time
    assert warehouse(reader(DAY, 600, hours_per_day=Decimal(8))).week[0] == Decimal(660) / 3600


def test_never_suspended_it_runs_all_month_if_anything_ever_wakes_it() -> None:
    weekly = reader(hours_per_day=Decimal(1), days_per_week=1)
    assert warehouse(weekly, auto_suspend=None).hours_per_month == 730
    assert warehouse(reader(hours_per_day=Decimal(0)), auto_suspend=None).hours_per_month == 0


def test_nothing_that_reads_costs_no_hours() -> None:
    assert warehouse().hours_per_month == 0
    assert warehouse().words == "no reader runs on it"
    assert warehouse(reader(5 * MINUTE, 20, hours_per_day=Decimal(0))).hours_per_month == 0


def test_clusters_that_run_together_are_billed_together() -> None:
    assert warehouse(reader(hours_per_day=Decimal(8)), clusters=3).hours_per_day == 24


def test_the_derivation_is_said_in_words() -> None:
    assert (
        warehouse(reader(5 * MINUTE, 20)).words == "r every 5 min: 288 runs a day × (20 s + 60 s idle), × 730/24 days"
    )
    assert warehouse(reader(MINUTE, 20)).words == (
        "r every 60 s: 20 s + 60 s idle, so it never sleeps, 24 h a day, × 730/24 days"
    )
    assert warehouse(reader(hours_per_day=Decimal(8), days_per_week=5)).words == (
        "r: 8 h a day on 5 days a week, × 730/24 days"
    )


def test_a_week_is_a_seventh_of_seven_and_weeks_add_with_their_busiest_days_together() -> None:
    assert week_of(5, Decimal(8)) == (8, 8, 8, 8, 8, 0, 0)
    assert added([week_of(5, Decimal(8)), week_of(7, Decimal(1))]) == (9, 9, 9, 9, 9, 1, 1)
    assert a_month(week_of(7, Decimal(24))) == 730


TIMES = st.integers(1, 100_000).map(Decimal)
READERS = st.builds(
    lambda every, share, hours, days: ReaderUse("r", every, max(Decimal(1), every * share / 100), Decimal(hours), days),
    TIMES, st.integers(1, 100), st.integers(0, 24), st.integers(1, 7),
)  # fmt: skip
ROUNDING = Decimal("1e-20")
TRIES = settings(max_examples=150, deadline=None, database=None)


@TRIES
@given(READERS, READERS, st.integers(0, 900))
def test_another_reader_never_makes_it_less_and_never_more_than_both_alone(
    one: ReaderUse, other: ReaderUse, idle: int
) -> None:
    auto_suspend = idle or None
    alone = [warehouse(each, auto_suspend=auto_suspend).hours_per_month for each in (one, other)]
    both = warehouse(one, other, auto_suspend=auto_suspend).hours_per_month
    assert max(alone) <= both + ROUNDING
    assert both <= sum(alone) + ROUNDING


@TRIES
@given(READERS, st.integers(1, 900), st.integers(0, 24), st.integers(1, 7))
def test_more_hours_days_or_idle_time_is_never_less(one: ReaderUse, idle: int, hours: int, days: int) -> None:
    def month(use: ReaderUse, auto_suspend: int) -> Decimal:
        return warehouse(use, auto_suspend=auto_suspend).hours_per_month

    less = ReaderUse("r", one.every, one.takes, min(one.hours_per_day, Decimal(hours)), min(one.days_per_week, days))
    assert month(less, idle) <= month(one, idle) + ROUNDING
    # Of one that is suspended within its first minute the minimum is billed at each resume, which idling on avoids.
    if one.takes + idle >= 60:
        assert month(one, idle) <= month(one, idle + 100) + ROUNDING


SECONDS = (1, 5, 10, 30, 60, 90, 120, 300, 600, 900, 1800, 3600)
"""Cadences that come out even in an hour, so that a simulated day has as many runs as the mean one."""

SCHEDULES = st.builds(
    lambda every, share, hours: ReaderUse("r", Decimal(every), max(Decimal(1), Decimal(every * share // 100)), hours),
    st.sampled_from(SECONDS), st.integers(1, 100), st.integers(1, 24).map(Decimal),
)  # fmt: skip


def simulated(readers: list[tuple[ReaderUse, int]], idle: int) -> int:
    """Seconds billed on a day, event by event: each reader starts its runs at its own moment; a run that meets a
    warehouse awake keeps it so, one that does not resumes it."""
    runs = sorted(
        (begin + phase, begin + phase + int(each.takes))
        for each, phase in readers
        for begin in range(0, int(each.hours_per_day * HOUR), int(each.every or 1))
    )
    billed, began, ends = 0, 0, -1
    for start, end in runs:
        if ends < start:
            billed += max(ends - began, 60) if ends >= 0 else 0
            began, ends = start, start
        ends = max(ends, end + idle)
    return billed + (max(ends - began, 60) if ends >= 0 else 0)


@TRIES
@given(SCHEDULES, st.integers(1, 900))
def test_one_reader_is_billed_what_a_simulated_day_is(one: ReaderUse, idle: int) -> None:
    expected = min(simulated([(one, 0)], idle), max(DAY, one.billed_seconds(Decimal(idle))))
    assert one.billed_seconds(Decimal(idle)) == expected


@TRIES
@given(SCHEDULES, SCHEDULES, st.integers(1, 900), st.integers(0, 3600))
def test_no_simulated_day_of_two_readers_is_billed_more(
    one: ReaderUse, other: ReaderUse, idle: int, phase: int
) -> None:
    most = warehouse(one, other, auto_suspend=idle).week[0] * 3600
    day = simulated([(one, 0), (other, phase)], idle)
    assert day <= most + idle + max(one.takes, other.takes) + 3600, "what reaches into the next day is this one's"
    assert min(day, DAY) <= most + ROUNDING
