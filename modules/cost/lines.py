"""A cost line and an estimate: what was counted, at which price, how, and what that comes to.

Amounts are exact Decimals rounded once, to a millionth, when a line is made; totals are plain sums of them. A line
whose price is unknown has the amount None and makes its total an "at least".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from modules.cost.book import Price
from modules.cost.currency import report_currency, written
from modules.cost.units import Quantity, Unit

__all__ = ["Basis", "Estimate", "Group", "Line", "Total", "credit_line", "line", "money", "total"]

Basis = Literal["fixed", "usage"]
Group = Literal["kafka", "connect", "snowflake"]

_MICRO = Decimal("0.000001")


@dataclass(frozen=True)
class Line:
    """One thing that is billed.

    Attributes:
        id: stable, `msk.brokers`.
        prices: the price, and for credits the credit's own price as well.
        how: the quantity's derivation in words and numbers.
        amount: a month's, in `currency`; None is unknown.
        low, high: what an unknown amount lies between, where anything is known of it.
        count: how many of the stacks' resources it pays for; None for traffic, and for what no stack makes.
    """

    id: str
    group: Group
    what: str
    quantity: Quantity
    prices: tuple[Price, ...]
    how: str
    basis: Basis
    amount: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None
    note: str = ""
    currency: str = "USD"
    count: int | None = None

    @property
    def price(self) -> Price:
        return self.prices[0]

    @property
    def confidence(self) -> str:
        """The weakest of its prices."""
        return max(price.confidence for price in self.prices)

    @property
    def formula(self) -> str:
        """All of it: derivation, price, amount."""
        steps = " × ".join(str(price) for price in self.prices)
        if self.amount is not None:
            return f"{self.how}, × {steps} = {money(self.amount)} a month"
        between = f", between {money(self.low)} and {money(self.high)} a month" if self.low is not None else ""
        return f"{self.how}, × {steps} = unknown{between}"


@dataclass(frozen=True)
class Total:
    """A sum that remembers whether something unknown is missing from it.

    Attributes:
        known: the sum of what is known.
        least: `known` and the least the unknown can come to.
        most: `known` and the most the unknown can come to; None where that is anyone's guess.
    """

    known: Decimal
    least: Decimal
    most: Decimal | None
    unknown: int

    @property
    def exact(self) -> bool:
        return self.unknown == 0

    def __str__(self) -> str:
        if self.exact:
            return money(self.least)
        return f"≥ {money(self.least)}" if self.least else "unknown"


@dataclass(frozen=True)
class Estimate:
    """One service for one workload: its lines and what they take for granted."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    def __add__(self, other: Estimate) -> Estimate:
        fresh = tuple(note for note in other.notes if note not in self.notes)
        return Estimate(self.lines + other.lines, self.notes + fresh)

    def of(self, *groups: Group) -> tuple[Line, ...]:
        return tuple(each for each in self.lines if each.group in groups)


def line(
    id: str,
    group: Group,
    basis: Basis,
    quantity: Quantity,
    price: Price,
    how: str,
    *,
    what: str = "",
    note: str = "",
    count: int | None = None,
) -> Line:
    """A quantity at a price; the amount is None where the price is unknown."""
    amount = price.cost(quantity)
    low, high = price.bounds(quantity) if amount is None else (None, None)
    notes = "; ".join(each for each in (note, price.note if amount is None else "") if each)
    return Line(
        id, group, what or price.what, quantity, (price,), _derived(how, quantity), basis,
        _micro(amount), _micro(low), _micro(high), notes, price.billed_in, count,
    )  # fmt: skip


def credit_line(
    id: str, basis: Basis, used: Quantity, rate: Price, credit: Price, how: str, *, what: str = "", note: str = ""
) -> Line:
    """Something Snowflake bills in credits: `used` × the rate in credits × the credit's price. An unknown rate's
    range makes the amount's."""
    credits = rate.cost(used)
    amount = _bought(credits, credit)
    least, most = rate.bounds(used) if credits is None else (None, None)
    low, high = _bought(least, credit), _bought(most, credit)
    how = _derived(how, used) + (f", {Quantity(credits, Unit.CREDIT)}" if credits is not None else "")
    reasons = [price.note for price in (rate, credit) if not price.known]
    notes = "; ".join(each for each in (note, *reasons) if each)
    return Line(
        id, "snowflake", what or rate.what, used, (rate, credit), how, basis,
        _micro(amount), _micro(low), _micro(high), notes, currency=credit.billed_in,
    )  # fmt: skip


def _bought(credits: Decimal | None, credit: Price) -> Decimal | None:
    return None if credits is None else credit.cost(Quantity(credits, Unit.CREDIT))


def total(lines: Iterable[Line]) -> Total:
    """The sum of lines; what is unknown is counted, and added at its least and its most."""
    known = least = Decimal(0)
    most: Decimal | None = Decimal(0)
    unknown = 0
    for each in lines:
        if each.amount is not None:
            known += each.amount
            least += each.amount
            most = None if most is None else most + each.amount
        else:
            unknown += 1
            least += each.low or 0
            most = None if most is None or each.high is None else most + each.high
    return Total(known, least, most, unknown)


def money(amount: Decimal | None) -> str:
    """Dollars and cents, or the run's other currency; `unknown` for None, and never $0.00 for a little that is owed.

    >>> money(Decimal("1234.5")), money(Decimal("0.001")), money(None)
    ('$1,234.50', '<$0.01', 'unknown')
    """
    if amount is None:
        return "unknown"
    if 0 < amount < Decimal("0.005"):
        return f"<{written('0.01', report_currency())}"
    return written(f"{amount:,.2f}", report_currency())


def _derived(how: str, quantity: Quantity) -> str:
    """The derivation with its result, once: `28.33 GiB sent` already says it."""
    return how if how.startswith(str(quantity)) and "×" not in how else f"{how} = {quantity}"


def _micro(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(_MICRO, ROUND_HALF_EVEN)
