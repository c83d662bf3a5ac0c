"""The days that are compared, and how what was billed in them becomes a month like the estimate's.

A bill by the hour or by traffic becomes a month of 730 hours; one by the month (a secret, a GiB kept) a whole month,
however many days it has. Days that are not over are left out, and the result says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from modules.cost.units import HOURS_PER_MONTH
from modules.errors import ConfigError

__all__ = ["Period", "last_month", "month_of", "period_of"]

_EARLIEST = 365
_DO = "write days as 2026-10-01; `--to` is the first day that is left out"


@dataclass(frozen=True)
class Period:
    """Days from `start` up to, not including, `end`.

    Attributes:
        asked: the end that was asked for, where the period is not over yet; else `end`.
    """

    start: date
    end: date
    asked: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def running(self) -> bool:
        """Whether days of it are still to come."""
        return self.end < self.asked

    @property
    def months(self) -> tuple[tuple[date, date], ...]:
        """The period cut at the months' ends, as services that take a month at most want it."""
        parts, at = [], self.start
        while at < self.end:
            upto = min(_next_month(at), self.end)
            parts.append((at, upto))
            at = upto
        return tuple(parts)

    @property
    def in_months(self) -> Decimal:
        """How many months it is, each day a part of its own month: 1 for any whole month."""
        return sum(
            (Decimal((upto - at).days) / (_next_month(at) - at.replace(day=1)).days for at, upto in self.months),
            Decimal(0),
        )

    def as_month(self, amount: Decimal, *, by_month: bool) -> Decimal:
        """What an amount comes to in a month of the estimate's. `by_month`: billed by the month, not by the hour."""
        if by_month:
            return amount / self.in_months
        return amount * HOURS_PER_MONTH / (self.days * 24)

    def __str__(self) -> str:
        last = self.end - timedelta(days=1)
        if self.start.day == 1 and self.end == _next_month(self.start) and not self.running:
            return f"{self.start:%B %Y}"
        return f"{self.start:%Y-%m-%d} to {last:%Y-%m-%d}"

    @property
    def words(self) -> str:
        """The period and what is done with it."""
        if self.running:
            left = (self.asked - self.end).days
            return (
                f"{self}: {self.days} day{'s' if self.days != 1 else ''}, {left} still to come; "
                "scaled to a month of 730 h"
            )
        hours = self.days * 24
        return f"{self}, {hours} h; by hour and traffic scaled to the estimate's 730 h"


def last_month(today: date) -> Period:
    """The last month that is over."""
    end = today.replace(day=1)
    start = (end - timedelta(days=1)).replace(day=1)
    return Period(start, end, end)


def month_of(text: str, today: date) -> Period:
    """A month as `2026-10`; of the running one, the days that are over.

    Raises:
        ConfigError: it is no month, not begun, or longer ago than bills are kept.
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise ConfigError(f"`{text}` is no month", where="--month", do="write one as 2026-10")
    start = _day(f"{text}-01", "--month")
    return _checked(start, _next_month(start), today, "--month")


def period_of(start: str, end: str, today: date) -> Period:
    """From a day to another; without `end` to today. Neither given: the last full month.

    Raises:
        ConfigError: a day is none, or the two make no period.
    """
    if not start and not end:
        return last_month(today)
    if not start:
        raise ConfigError("from when to then?", where="--to", do="give `--from` as well")
    return _checked(_day(start, "--from"), _day(end, "--to") if end else today, today, "--from")


def _checked(start: date, end: date, today: date, where: str) -> Period:
    if end <= start:
        raise ConfigError(f"{end} is not after {start}", where="--to", do=_DO)
    if start >= today:
        raise ConfigError(f"no day of it is over: it begins {start}, today is {today}", where=where, do=_DO)
    if start < today - timedelta(days=_EARLIEST):
        raise ConfigError(
            f"{start} is more than a year ago", where=where, do="begin within the last year: Snowflake keeps no more"
        )
    return Period(start, min(end, today), end)


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"`{text}` is no day", where=where, do=_DO) from None


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
