"""What a vendor's list was found to say, in the book's terms."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from modules.cost.book import Source, Tier

__all__ = ["Found", "Problem", "exact"]

_PLACES = Decimal("0.0000000001")


@dataclass(frozen=True)
class Found:
    """A price in a vendor's list: one item in one region. `record` says which record it is, for a reader who doubts."""

    item: str
    region: str
    tiers: tuple[Tier, ...]
    source: Source
    record: str


@dataclass(frozen=True)
class Problem:
    """Something in the list that could not be made a price, or that should be there and is not."""

    item: str
    region: str
    what: str


def exact(amount: Decimal) -> Decimal:
    """An amount without the tail that a division leaves, and without zeros at its end."""
    rounded = amount.quantize(_PLACES).normalize()
    return rounded if rounded.as_tuple().exponent <= 0 else rounded.quantize(Decimal(1))  # type: ignore[operator]
