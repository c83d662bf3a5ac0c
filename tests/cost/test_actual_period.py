"""The days that are compared, and what a bill becomes as a month."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from modules.cost.actual.period import Period, last_month, month_of, period_of
from modules.errors import ConfigError

TODAY = date(2026, 11, 21)


def test_without_a_word_it_is_the_last_month_that_is_over() -> None:
    assert period_of("", "", TODAY) == Period(date(2026, 10, 1), date(2026, 11, 1), date(2026, 11, 1))
    assert str(last_month(date(2026, 1, 1))) == "December 2025"


def test_a_running_month_ends_yesterday_and_says_what_is_left() -> None:
    november = month_of("2026-11", TODAY)
    assert (november.end, november.days, november.running) == (TODAY, 20, True)
    assert november.words == "2026-11-01 to 2026-11-20: 20 days, 10 still to come; scaled to a month of 730 h"


def test_from_a_day_without_an_end_is_until_today() -> None:
    assert period_of("2026-11-15", "", TODAY).days == 6


@pytest.mark.parametrize("month", ["2026-02", "2026-10", "2026-04"])
def test_a_whole_month_is_one_month_and_its_hours_become_730(month: str) -> None:
    period = month_of(month, TODAY)
    hours = period.days * 24
    assert period.as_month(Decimal("0.40"), by_month=True) == Decimal("0.40")
    assert period.as_month(Decimal("0.204") * hours, by_month=False) == Decimal("0.204") * 730


def test_part_of_a_month_counts_by_its_days() -> None:
    # 15 of October's 31 days: a secret at $0.40 costs 0.40 × 15/31 in them, and $0.40 as a month.
    period = period_of("2026-10-01", "2026-10-16", TODAY)
    assert round(period.as_month(Decimal("0.40") * 15 / 31, by_month=True), 12) == Decimal("0.40")
    assert period.as_month(Decimal(360), by_month=False) == Decimal(730)


def test_days_across_months_are_parts_of_both() -> None:
    period = period_of("2026-09-16", "2026-11-01", TODAY)
    assert period.months == ((date(2026, 9, 16), date(2026, 10, 1)), (date(2026, 10, 1), date(2026, 11, 1)))
    assert period.in_months == Decimal("1.5")  # 15 of 30 days, and all 31


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("2026-10-32", "", "`2026-10-32` is no day"),
        ("2026-10-10", "2026-10-10", "2026-10-10 is not after 2026-10-10"),
        ("2026-11-21", "2026-12-01", "no day of it is over: it begins 2026-11-21, today is 2026-11-21"),
        ("2025-10-01", "2026-10-01", "2025-10-01 is more than a year ago"),
        ("", "2026-10-10", "from when to then?"),
    ],
)
def test_days_that_make_no_period_are_refused(start: str, end: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        period_of(start, end, TODAY)
    assert caught.value.what == says


@pytest.mark.parametrize(
    ("month", "says"), [("October", "`October` is no month"), ("2026-13", "`2026-13` is no month")]
)
def test_a_month_that_is_none_is_refused(month: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        month_of(month, TODAY)
    assert caught.value.what == says
