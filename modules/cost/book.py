"""The price book: list prices with unit, region, source, read date and confidence, read from YAML files.

A price that nobody could confirm (confidence C) has no value here, only perhaps a range: asking for it gives an
unknown, never 0. The book knows nothing of workloads; `estimators/` decide which price an amount meets.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from modules.cost.units import Quantity, Unit
from modules.errors import PriceError

__all__ = ["ANYWHERE", "PRICES", "Price", "PriceBook", "Source", "Tier", "load_book"]

PRICES = Path(__file__).parent / "prices"
ANYWHERE = "*"

Confidence = Literal["A", "B", "C"]


@dataclass(frozen=True)
class Source:
    """Where a price was read and when. `read` is a day or a month (then: its first day, so as to age it early)."""

    what: str
    read: str

    @property
    def read_date(self) -> dt.date:
        return dt.date.fromisoformat(self.read if len(self.read) == 10 else f"{self.read}-01")


@dataclass(frozen=True)
class Tier:
    """A price up to and including `up_to` units a month (None: all the rest)."""

    price: Decimal
    up_to: Decimal | None = None


@dataclass(frozen=True)
class Price:
    """One item of the book in one set of regions. No `tiers` means unknown, between `low` and `high` if given."""

    id: str
    what: str
    unit: Unit
    currency: str
    regions: tuple[str, ...]
    source: Source
    confidence: Confidence
    tiers: tuple[Tier, ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
    note: str = ""
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def known(self) -> bool:
        return bool(self.tiers)

    def cost(self, quantity: Quantity) -> Decimal | None:
        """What a month's quantity costs, in `currency`; None where the price is unknown.

        Raises:
            TypeError: the quantity is in another unit than the price.
        """
        self._same_unit(quantity)
        if not self.known:
            return None
        total, below = Decimal(0), Decimal(0)
        for tier in self.tiers:
            top = quantity.amount if tier.up_to is None else min(quantity.amount, tier.up_to)
            total += max(top - below, Decimal(0)) * tier.price
            below = top
        return total

    def bounds(self, quantity: Quantity) -> tuple[Decimal | None, Decimal | None]:
        """The least and the most an unknown price can come to, each None where nothing is known."""
        self._same_unit(quantity)
        low, high = (None if edge is None else edge * quantity.amount for edge in (self.low, self.high))
        return low, high

    def _same_unit(self, quantity: Quantity) -> None:
        if quantity.unit is not self.unit:
            raise TypeError(f"{self.id} is priced per {self.unit}, not per {quantity.unit}")

    def __str__(self) -> str:
        """The price for people: `$0.05 per GiB`, `0.0037 credits per GB`, `unknown`."""
        if not self.known:
            edges = f" (between {self._money(self.low)} and {self._money(self.high)} per {self.unit})"
            return "unknown" + (edges if self.low is not None and self.high is not None else "")
        if len(self.tiers) == 1:
            return f"{self._money(self.tiers[0].price)} per {self.unit}"
        steps = [
            f"{self._money(tier.price)}" + (f" up to {tier.up_to:,}" if tier.up_to is not None else " above")
            for tier in self.tiers
        ]
        return f"{', '.join(steps)}, per {self.unit}"

    def _money(self, amount: Decimal | None) -> str:
        return {"USD": f"${amount}", "credit": f"{amount} credit" + ("" if amount == 1 else "s")}.get(
            self.currency, f"{amount} {self.currency}"
        )


@dataclass(frozen=True)
class PriceBook:
    """All prices by item id; one item has one price a region."""

    prices: tuple[Price, ...]
    _by_id: dict[str, tuple[Price, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        grouped: dict[str, list[Price]] = {}
        for price in self.prices:
            grouped.setdefault(price.id, []).append(price)
        object.__setattr__(self, "_by_id", {name: tuple(group) for name, group in grouped.items()})

    def __contains__(self, item: str) -> bool:
        return item in self._by_id

    def price(self, item: str, region: str) -> Price:
        """The item's price in a region; an unknown price where the book has it for other regions only.

        Raises:
            PriceError: no region has this item.
        """
        found = self._by_id.get(item)
        if not found:
            raise PriceError(f"the price book has no item `{item}`", do="add it to modules/cost/prices/")
        for price in found:
            if region in price.regions or ANYWHERE in price.regions:
                return price
        # Another region's price is a guess here, so it is not even given as a range.
        like = found[0]
        there = ", ".join(sorted({name for price in found for name in price.regions}))
        note = f"no price for region {region}; the book has it for {there}"
        return Price(like.id, like.what, like.unit, like.currency, (region,), like.source, "C", note=note)

    def regions(self) -> frozenset[str]:
        """Every region that some item is priced in."""
        return frozenset(name for price in self.prices for name in price.regions) - {ANYWHERE}


@functools.cache
def load_book(folder: Path = PRICES) -> PriceBook:
    """The book of all `*.yaml` files of a folder, checked.

    Raises:
        PriceError: a file is malformed (with `file:line` and every problem of that file), or two prices of one item
            claim the same region.
    """
    prices: list[Price] = []
    for file in sorted(folder.glob("*.yaml")):
        prices += _read(file)
    if not prices:
        raise PriceError("the price book is empty", where=str(folder), do="it needs at least one *.yaml file of prices")
    _refuse_doubles(prices)
    return PriceBook(tuple(prices))


def _refuse_doubles(prices: Iterable[Price]) -> None:
    seen: dict[tuple[str, str], Price] = {}
    for price in prices:
        for region in price.regions:
            first = seen.setdefault((price.id, region), price)
            if first is not price:
                raise PriceError(
                    f"`{price.id}` has a second price for region {region}; the first is at {first.file}:{first.line}",
                    where=f"{price.file}:{price.line}",
                    do="keep one of the two",
                )


def _read(file: Path) -> list[Price]:
    """One file's prices. The checks live in `schema.py`, which is pydantic's; here its records become prices."""
    from modules.cost.schema import read_price_file

    shown = _shown(file)
    content, lines = read_price_file(file, shown)
    return [
        Price(
            id=item.id,
            what=item.what,
            unit=item.unit,
            currency=item.currency or content.currency,
            regions=tuple(_listed(item.region or content.region)),
            source=content.sources[item.source],
            confidence=item.confidence,
            tiers=_tiers(item),
            low=item.range[0] if item.range else None,
            high=item.range[1] if item.range else None,
            note=item.note,
            file=shown,
            line=line,
        )
        for item, line in zip(content.items, lines, strict=True)
    ]


def _tiers(item: Any) -> tuple[Tier, ...]:
    if item.tiers:
        return tuple(Tier(tier.price, tier.up_to) for tier in item.tiers)
    return () if item.price is None else (Tier(item.price),)


def _listed(region: str | list[str]) -> list[str]:
    return [region] if isinstance(region, str) else region


def _shown(file: Path) -> str:
    """The path as a reader of the project writes it."""
    text = file.as_posix()
    match = re.search(r"modules/cost/prices/.*$", text)
    return match[0] if match else text
