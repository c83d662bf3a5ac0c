"""What a project has negotiated with a vendor: percent off, prices reserved for a share of the hours, committed spend.

A discount or a reserved price changes prices, visibly: it stands behind the list price in every report. Committed spend
is a line of its own where a month does not use it up, since it is paid all the same. Terms are for what a vendor bills
in money; what Snowflake counts in credits is not changed, the credit's price is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from modules.cost.book import ANYWHERE, Adjustment, Price, PriceBook, Source, Tier
from modules.cost.currency import BASE, CREDIT, written
from modules.cost.lines import Estimate, Group, Line, money, total
from modules.cost.units import Quantity, Unit, plain

__all__ = ["VENDORS", "Commitment", "Term", "apply_terms", "commitment", "ended", "shortfalls", "vendor_of"]

VENDORS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "confluent": ("confluent",),
        "aws": ("aws", "msk"),
        "snowflake": ("snowflake",),
        "redpanda": ("redpanda",),
    }
)
"""Who bills what: vendor → the first words of its items' ids."""

_MICRO = Decimal("0.000001")
_NAMES = {"confluent": "Confluent", "aws": "AWS", "snowflake": "Snowflake", "redpanda": "Redpanda"}


@dataclass(frozen=True)
class Term:
    """One term with one vendor. `items`: ids or their beginnings; empty is all the vendor bills."""

    vendor: str
    source: Source
    label: str
    items: tuple[str, ...] = ()
    percent: Decimal | None = None
    reserved: Decimal | None = None
    share: Decimal = Decimal(1)

    def meets(self, item: str) -> bool:
        """Whether the term is about this item."""
        if vendor_of(item) != self.vendor:
            return False
        return not self.items or any(item == name or item.startswith(f"{name}.") for name in self.items)


@dataclass(frozen=True)
class Commitment:
    """What is to be spent with a vendor in a month, used or not; `price` is its item for reports."""

    vendor: str
    monthly: Decimal
    price: Price


def vendor_of(item: str) -> str:
    """Who bills an item; empty where nobody here does."""
    first = item.partition(".")[0]
    return next((vendor for vendor, firsts in VENDORS.items() if first in firsts), "")


def apply_terms(prices: Iterable[Price], terms: Iterable[Term]) -> tuple[Price, ...]:
    """The prices with each term that is about them, in the order given; reserved prices come first, since a percentage
    is off what is billed."""
    ordered = sorted(terms, key=lambda term: term.reserved is None)
    return tuple(_with(price, ordered) for price in prices)


def _with(price: Price, terms: list[Term]) -> Price:
    if price.currency == CREDIT or not any(tier.price for tier in price.tiers):
        return price
    made = tuple(_adjustment(price, term) for term in terms if term.meets(price.id))
    return replace(price, adjustments=price.adjustments + made) if made else price


def _adjustment(price: Price, term: Term) -> Adjustment:
    if term.reserved is None:
        percent = term.percent or Decimal(0)
        return Adjustment(f"−{plain(percent)} % ({term.label})", term.source, factor=1 - percent / 100)
    part = f" for {plain(term.share * 100)} % of it" if term.share != 1 else ""
    words = f"but {written(term.reserved, price.currency)}{part}, reserved ({term.label})"
    return Adjustment(words, term.source, factor=1 - term.share, per_unit=term.share * term.reserved)


def commitment(vendor: str, monthly: Decimal, source: Source, file: str, line: int) -> Commitment:
    """Committed spend as the price of a month of it."""
    price = Price(
        f"{vendor}.commitment", f"{_NAMES[vendor]}, committed spend", Unit.COMMITMENT_MONTH, BASE, (ANYWHERE,), source,
        "A", (Tier(monthly),), file=file, line=line,
    )  # fmt: skip
    return Commitment(vendor, monthly, price)


def shortfalls(book: PriceBook, estimate: Estimate) -> Estimate:
    """A line for each commitment that the estimate does not use up. It is there on every platform, for it is owed
    whichever is chosen."""
    return Estimate(tuple(_shortfall(each, book, estimate.lines) for each in book.commitments), book.notes)


def _shortfall(committed: Commitment, book: PriceBook, lines: tuple[Line, ...]) -> Line:
    """What is left where the unknown comes to its least: then the sum is the least that the vendor gets, too."""
    used = total(each for each in lines if vendor_of(each.price.id) == committed.vendor)
    whole = committed.price.cost(Quantity(Decimal(1), Unit.COMMITMENT_MONTH)) or Decimal(0)
    left = max(whole - used.least, Decimal(0)).quantize(_MICRO)
    rest = Quantity(left / whole, Unit.COMMITMENT_MONTH)
    group: Group = "snowflake" if committed.vendor == "snowflake" else "kafka"
    note = "committed spend that is not used is still paid"
    if left and not used.exact:
        note += "; counted as if what is unknown came to its least, and the more it comes to, the less is left"
    return Line(
        f"{committed.vendor}.commitment", group, f"{_NAMES[committed.vendor]}, committed and not used", rest,
        (committed.price,), f"({money(whole)} committed − {money(used.least)} used) ÷ {money(whole)} = {rest}", "fixed",
        left, remark=note, currency=book.currency,
    )  # fmt: skip


def ended(until: str | None, today: dt.date) -> bool:
    """Whether a term is over."""
    return until is not None and dt.date.fromisoformat(until) < today
