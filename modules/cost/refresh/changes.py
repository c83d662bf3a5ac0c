"""What prices that were found change in the book, and which of them nobody should believe unasked.

A price that moved by more than three times is more likely a wrong record, another unit or a decimal point than a new
price: it is held back until it is accepted by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from modules.cost.book import Price, PriceBook, Tier
from modules.cost.refresh.found import Found, Problem

__all__ = ["FACTOR", "Change", "Refreshed", "compare", "tiers_words"]

FACTOR = 3
"""A price that moved by more than so many times is held back."""

Kind = Literal["same", "changed", "new"]


@dataclass(frozen=True)
class Change:
    """One price found, beside what the book had (`old`; None: unknown there). `doubt`: why it is held back."""

    found: Found
    old: Price | None
    doubt: str = ""

    @property
    def kind(self) -> Kind:
        if self.old is None or not self.old.known:
            return "new"
        return "same" if self.old.tiers == self.found.tiers else "changed"

    @property
    def percent(self) -> Decimal | None:
        """How far the price moved; None where there is nothing to compare with, or only 0."""
        if self.old is None or not self.old.known:
            return None
        before, after = dearest(self.old.tiers), dearest(self.found.tiers)
        return (after / before - 1) * 100 if before else None


@dataclass(frozen=True)
class Refreshed:
    """All that was read from one vendor: what to take, what is held back, what was not found."""

    vendor: str
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def moved(self) -> tuple[Change, ...]:
        """Everything that is not as it was."""
        return tuple(each for each in self.changes if each.kind != "same")

    def taken(self, accept: bool = False) -> tuple[Change, ...]:
        """What goes into the overlay: confirmed prices as well, since they were read anew."""
        return tuple(each for each in self.changes if accept or not each.doubt)

    @property
    def doubted(self) -> tuple[Change, ...]:
        return tuple(each for each in self.changes if each.doubt)


def compare(vendor: str, book: PriceBook, found: Iterable[Found], problems: Iterable[Problem] = ()) -> Refreshed:
    """The prices found beside the book's."""
    changes = []
    for each in sorted(found, key=lambda one: (one.item, one.region)):
        old = book.price(each.item, each.region)
        changes.append(Change(each, old if old.known or old.low is not None else None, _doubt(each, old, book)))
    return Refreshed(vendor, tuple(changes), tuple(problems))


def _doubt(found: Found, old: Price, book: PriceBook) -> str:
    """Why the price is not to be believed; a region that is new is held against the item's other regions."""
    after = dearest(found.tiers)
    known = [old] if old.known else [price for price in book.prices if price.id == found.item and price.known]
    if known:
        befores = [dearest(price.tiers) for price in known]
        least, most = min(befores), max(befores)
    elif old.low is not None and old.high is not None:
        least, most = old.low, old.high
    else:
        return ""
    where = "" if old.known else " of the item elsewhere" if known else " that it lies between"
    if after == 0 and most > 0:
        return f"it would be free, and the price{where} is not"
    if after > most * FACTOR and most > 0:
        return f"more than {FACTOR} times the price{where}"
    if after * FACTOR < least:
        return f"less than a {_part(FACTOR)} of the price{where}"
    return ""


def _part(factor: int) -> str:
    return {2: "half", 3: "third", 4: "quarter"}.get(factor, f"{factor}th")


def dearest(tiers: Iterable[Tier]) -> Decimal:
    """The price of the dearest tier, to hold prices against each other by."""
    return max((tier.price for tier in tiers), default=Decimal(0))


def tiers_words(tiers: Iterable[Tier]) -> str:
    """`0.0225`, or `0 to 730, 0.14`."""
    return ", ".join(f"{tier.price:f}" + (f" to {tier.up_to:,f}" if tier.up_to is not None else "") for tier in tiers)
