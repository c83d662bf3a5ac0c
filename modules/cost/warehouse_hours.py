"""How long a virtual warehouse runs, and is billed, for those who read: cadence, run time, auto-suspend, the minimum.

A warehouse is billed by the second from each resume until it is suspended, and for 60 seconds at least each time; it is
suspended when it has been idle for its auto-suspend. So a run costs its own time plus the idle time after it, and a
reader that comes back sooner than that keeps the warehouse awake.

Readers of one warehouse may run at the same moment or one after the other: nobody says. Their times are added up, as if
no two ever overlapped, which is the most it can be; a day has 24 hours all the same, beside what minimums come to after
the warehouse was suspended. Readers that work on fewer days of the week are taken to do so on the same days, which
leaves as many days as can be without any warehouse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from modules.cost.units import HOURS_PER_MONTH

__all__ = ["DAYS_PER_MONTH", "MINIMUM", "ReaderUse", "WarehouseUse", "Week", "a_month", "added", "week_of"]

MINIMUM = Decimal(60)
"""Seconds billed at least each time a warehouse is resumed (Service Consumption Table effective 2026-03-31)."""

DAYS_PER_MONTH = HOURS_PER_MONTH / 24

_HOUR, _DAY = Decimal(3600), Decimal(86_400)

Week = tuple[Decimal, ...]
"""Something of each of seven days, the busiest first."""


@dataclass(frozen=True)
class ReaderUse:
    """Something that runs on a warehouse.

    Attributes:
        every: seconds from the start of a run to the start of the next; None: it runs all the time.
        takes: seconds of work of one run.
        hours_per_day, days_per_week: when it is at work.
        rewrites: bytes of tables that each run writes anew.
    """

    name: str
    every: Decimal | None = None
    takes: Decimal = Decimal(0)
    hours_per_day: Decimal = Decimal(24)
    days_per_week: int = 7
    rewrites: int = 0

    @property
    def runs_per_day(self) -> Decimal:
        """On a day on which it is at work; one that runs all the time counts as one. What comes less often than the
        hours of a day last comes once a day, or as its own period says."""
        if self.every is None:
            return Decimal(1) if self.hours_per_day else Decimal(0)
        if not self.hours_per_day:
            return Decimal(0)
        return max(self.hours_per_day * _HOUR / self.every, min(Decimal(1), _DAY / self.every))

    def billed_seconds(self, auto_suspend: Decimal | None) -> Decimal:
        """On a day on which it is at work, with the warehouse to itself.

        Args:
            auto_suspend: idle seconds after which the warehouse is suspended; None: never.
        """
        window = self.hours_per_day * _HOUR
        if not window:
            return Decimal(0)
        if auto_suspend is None:
            return _DAY
        if self.every is None:
            return window
        session = self.takes + auto_suspend
        if session >= self.every:  # it never sleeps: from the first run to the idle time after the last
            return min(_DAY, max(window + session - self.every, session))
        # Suspended within its first minute and resumed, it is billed the minimum again: this may exceed the day.
        return self.runs_per_day * max(session, MINIMUM)

    def unused_seconds(self, auto_suspend: Decimal) -> Decimal:
        """Of what is billed on a day, what the warehouse was suspended for already: the rest of the minimum."""
        session = self.takes + auto_suspend
        if self.every is None or session >= self.every:
            return Decimal(0)
        return self.runs_per_day * max(MINIMUM - session, Decimal(0))

    def words(self, auto_suspend: Decimal | None) -> str:
        """How its hours come about: `dbt every 300 s: 288 runs × (20 s + 60 s idle)`."""
        days = "" if self.days_per_week == 7 else f" on {self.days_per_week} days a week"
        if auto_suspend is None:
            return f"{self.name}: never suspended, 24 h a day"
        if self.every is None:
            return f"{self.name}: {_number(self.hours_per_day)} h a day{days}"
        session = self.takes + auto_suspend
        head = f"{self.name} every {_time(self.every)}"
        if session >= self.every:
            awake = _number(self.billed_seconds(auto_suspend) / _HOUR)
            return (
                f"{head}: {_time(self.takes)} + {_time(auto_suspend)} idle, so it never sleeps, {awake} h a day{days}"
            )
        least = f", {_time(MINIMUM)} at least" if session < MINIMUM else ""
        runs = _number(self.runs_per_day)
        return f"{head}: {runs} runs a day × ({_time(self.takes)} + {_time(auto_suspend)} idle{least}){days}"


@dataclass(frozen=True)
class WarehouseUse:
    """A virtual warehouse and what runs on it.

    Attributes:
        name: as in Snowflake; empty for the hours an environment gives without saying where.
        size: in small letters, `xsmall`.
        auto_suspend: idle seconds after which it is suspended; None: never.
        clusters: how many run whenever it runs (`min_clusters`).
    """

    name: str
    size: str
    auto_suspend: Decimal | None = MINIMUM
    readers: tuple[ReaderUse, ...] = ()
    clusters: int = 1

    @cached_property
    def week(self) -> Week:
        """Hours billed on each of seven days, the busiest first, of one cluster."""
        return tuple(self._hours_on(day) for day in range(1, 8))

    def _hours_on(self, day: int) -> Decimal:
        """On the day that only readers of at least `day` days a week have."""
        if self.auto_suspend is None:  # once resumed it runs on, on every day
            return Decimal(24) if any(each.hours_per_day for each in self.readers) else Decimal(0)
        working = [its for its in self.readers if its.days_per_week >= day]
        apart = sum((its.billed_seconds(self.auto_suspend) for its in working), Decimal(0))
        unused = sum((its.unused_seconds(self.auto_suspend) for its in working), Decimal(0))
        return min(apart, _DAY + unused) / _HOUR

    @cached_property
    def hours_per_month(self) -> Decimal:
        """Billed in a month of 730 h, all clusters that run whenever it runs."""
        return a_month(self.week) * self.clusters

    @property
    def hours_per_day(self) -> Decimal:
        """The mean over the month."""
        return sum(self.week, Decimal(0)) / 7 * self.clusters

    @property
    def words(self) -> str:
        """How its hours come about."""
        found = " + ".join(each.words(self.auto_suspend) for each in self.readers)
        if len(self.readers) > 1:
            found += ", added up as if they never overlapped"
        if self.clusters > 1:
            found += f", × {self.clusters} clusters"
        return f"{found}, × 730/24 days" if found else "no reader runs on it"


def week_of(days: int, amount: Decimal) -> Week:
    """`amount` on `days` of the seven."""
    return tuple(amount if day < days else Decimal(0) for day in range(7))


def a_month(week: Week) -> Decimal:
    """What a month of 730 h has of something a week has; weeks are not whole in it."""
    return sum(week, Decimal(0)) * HOURS_PER_MONTH / (7 * 24)


def added(weeks: Iterable[Week]) -> Week:
    """Day by day, the busiest days of each falling together."""
    total = [Decimal(0)] * 7
    for week in weeks:
        total = [one + other for one, other in zip(total, week, strict=True)]
    return tuple(total)


def _number(amount: Decimal) -> str:
    text = f"{amount:.2f}"
    return text.rstrip("0").rstrip(".")


def _time(seconds: Decimal) -> str:
    """`20 s`, `5 min`, `1 h`."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0 and (seconds >= 2 * size or unit != "min"):
            return f"{int(seconds // size)} {unit}"
    return f"{_number(seconds)} s"
