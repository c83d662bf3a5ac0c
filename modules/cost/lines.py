"""A cost line and an estimate: what was counted, at which price, how, and what that comes to.

Amounts are exact Decimals rounded once, to a millionth, when a line is made; totals are plain sums of them. A line
whose price is unknown has the amount None and makes its total an "at least".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from modules.cost.book import Price
from modules.cost.currency import report_currency, written
from modules.cost.units import Quantity, Unit

__all__ = ["Basis", "Estimate", "Group", "Line", "Total", "Words", "about", "credit_line", "line", "money", "total"]

Basis = Literal["fixed", "usage"]
Group = Literal["kafka", "connect", "snowflake"]

Words = str | Callable[[], str]
"""A sentence, or what makes it: a sweep prices thousands of months whose words nobody reads."""

_MICRO = Decimal("0.000001")


@dataclass(frozen=True)
class Line:
    """One thing that is billed.

    Attributes:
        id: stable, `msk.brokers`.
        prices: the price, and for credits the credit's own price as well.
        derivation: how the quantity is found, in words and numbers; `how` is its text.
        amount: a month's, in `currency`; None is unknown.
        low, high: what an unknown amount lies between, where anything is known of it.
        remark: what else is to be known of it; `note` is its text.
        count: how many of the stacks' resources it pays for; None for traffic, and for what no stack makes.
    """

    id: str
    group: Group
    what: str
    quantity: Quantity
    prices: tuple[Price, ...]
    derivation: Words = field(compare=False, repr=False)
    basis: Basis
    amount: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None
    remark: Words = field(default="", compare=False, repr=False)
    currency: str = "USD"
    count: int | None = None

    @property
    def how(self) -> str:
        return _said(self.derivation)

    @property
    def note(self) -> str:
        return _said(self.remark)

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
    remarks: tuple[Words, ...] = field(default=(), compare=False, repr=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys(_said(each) for each in self.remarks))

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.lines + other.lines, self.remarks + other.remarks)

    def of(self, *groups: Group) -> tuple[Line, ...]:
        return tuple(each for each in self.lines if each.group in groups)


def line(
    id: str,
    group: Group,
    basis: Basis,
    quantity: Quantity,
    price: Price,
    how: Words,
    *,
    what: str = "",
    note: Words = "",
    count: int | None = None,
) -> Line:
    """A quantity at a price; the amount is None where the price is unknown."""
    amount = price.cost(quantity)
    low, high = price.bounds(quantity) if amount is None else (None, None)
    return Line(
        id, group, what or price.what, quantity, (price,), lambda: _derived(_said(how), quantity), basis,
        _micro(amount), _micro(low), _micro(high), note if amount is not None else _and(note, (price,)),
        price.billed_in, count,
    )  # fmt: skip


def credit_line(
    id: str, basis: Basis, used: Quantity, rate: Price, credit: Price, how: Words, *, what: str = "", note: Words = ""
) -> Line:
    """Something Snowflake bills in credits: `used` × the rate in credits × the credit's price. An unknown rate's
    range makes the amount's."""
    credits = rate.cost(used)
    amount = _bought(credits, credit)
    least, most = rate.bounds(used) if credits is None else (None, None)
    low, high = _bought(least, credit), _bought(most, credit)

    def derivation() -> str:
        bought = f", {Quantity(credits, Unit.CREDIT)}" if credits is not None else ""
        return _derived(_said(how), used) + bought

    return Line(
        id, "snowflake", what or rate.what, used, (rate, credit), derivation, basis,
        _micro(amount), _micro(low), _micro(high), _and(note, (rate, credit)), currency=credit.billed_in,
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


def about(amount: Decimal) -> str:
    """Of what was found to a thousandth: from 100 on without the cents, which would be chance."""
    return money(amount) if amount < 100 else written(f"{amount:,.0f}", report_currency())


def _said(words: Words) -> str:
    return words if isinstance(words, str) else words()


def _and(note: Words, prices: tuple[Price, ...]) -> Words:
    """The note, and why a price is unknown."""
    reasons = [price.note for price in prices if not price.known and price.note]
    return (lambda: "; ".join(each for each in (_said(note), *reasons) if each)) if reasons else note


def _derived(how: str, quantity: Quantity) -> str:
    """The derivation with its result, once: `28.33 GiB sent` already says it."""
    return how if how.startswith(str(quantity)) and "×" not in how else f"{how} = {quantity}"


def _micro(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(_MICRO, ROUND_HALF_EVEN)
