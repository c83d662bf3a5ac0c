"""The price book: list prices with unit, region, source, read date and confidence, read from YAML files.

A price that nobody could confirm (confidence C) has no value here, only perhaps a range: asking for it gives an
unknown, never 0. The book knows nothing of workloads; `estimators/` decide which price an amount meets. What a project
says of prices itself is in `overlay.py`, what it has negotiated in `terms.py`.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from modules.cost.currency import BASE, CREDIT, Rate, exchanged, written
from modules.cost.units import Quantity, Unit
from modules.errors import PriceError

if TYPE_CHECKING:
    from modules.cost.terms import Commitment

__all__ = [
    "ANYWHERE",
    "PRICES",
    "Adjustment",
    "Price",
    "PriceBook",
    "Source",
    "Tier",
    "load_book",
    "regions_of",
    "shown_path",
    "tiers_of",
]

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
class Adjustment:
    """What a contract or an exchange does to an amount: `factor` × it + `per_unit` × the quantity.

    `words` stand behind the list price. `currency`: what the amount is in from here on, for an exchange.
    """

    words: str
    source: Source
    factor: Decimal = Decimal(1)
    per_unit: Decimal = Decimal(0)
    currency: str = ""


@dataclass(frozen=True)
class Price:
    """One item of the book in one set of regions. No `tiers` means unknown, between `low` and `high` if given.

    `tiers` are the list's, in `currency`; `adjustments` come after them. `replaced` says what an overlay stands for.
    """

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
    adjustments: tuple[Adjustment, ...] = ()
    replaced: str = field(default="", compare=False)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Of the price itself, then of what is done to it."""
        return (self.source, *(each.source for each in self.adjustments))

    @property
    def billed_in(self) -> str:
        """The currency of what `cost` gives."""
        return next((each.currency for each in reversed(self.adjustments) if each.currency), self.currency)

    @property
    def known(self) -> bool:
        return bool(self.tiers)

    def cost(self, quantity: Quantity) -> Decimal | None:
        """What a month's quantity costs, in `billed_in`; None where the price is unknown.

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
        return self._adjusted(total, quantity)

    def bounds(self, quantity: Quantity) -> tuple[Decimal | None, Decimal | None]:
        """The least and the most an unknown price can come to, each None where nothing is known."""
        self._same_unit(quantity)
        low, high = (
            None if edge is None else self._adjusted(edge * quantity.amount, quantity) for edge in (self.low, self.high)
        )
        return low, high

    def _adjusted(self, amount: Decimal, quantity: Quantity) -> Decimal:
        for each in self.adjustments:
            amount = each.factor * amount + each.per_unit * quantity.amount
        return amount

    def _same_unit(self, quantity: Quantity) -> None:
        if quantity.unit is not self.unit:
            raise TypeError(f"{self.id} is priced per {self.unit}, not per {quantity.unit}")

    def __str__(self) -> str:
        """The price for people: `$0.05 per GiB`, `$0.05 per GiB −10 % (contract)`, `unknown`."""
        if not self.known:
            if self.low is None or self.high is None:
                return "unknown"
            return f"unknown (between {self._money(self.low)} and {self._money(self.high)} per {self.unit})"
        return " ".join([self._listed(), *(each.words for each in self.adjustments)])

    def _listed(self) -> str:
        if len(self.tiers) == 1:
            return f"{self._money(self.tiers[0].price)} per {self.unit}"
        steps = [
            f"{self._money(tier.price)}" + (f" up to {tier.up_to:,}" if tier.up_to is not None else " above")
            for tier in self.tiers
        ]
        return f"{', '.join(steps)}, per {self.unit}"

    def _money(self, amount: Decimal) -> str:
        return written(f"{amount:,f}", self.currency)


@dataclass(frozen=True)
class PriceBook:
    """All prices by item id; one item has one price a region.

    Attributes:
        currency: what amounts come to; a price in another has an exchange among its adjustments.
        rates: what is known of other currencies.
        commitments: what is to be spent with a vendor whether it is used or not.
        notes: what a reader of a report must know of the prices as a whole (a contract that has ended).
    """

    prices: tuple[Price, ...]
    currency: str = BASE
    rates: Mapping[str, Rate] = field(default_factory=lambda: MappingProxyType({}))
    commitments: tuple[Commitment, ...] = ()
    notes: tuple[str, ...] = ()
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
        for wanted in (region, ANYWHERE):
            for price in found:
                if wanted in price.regions:
                    return price
        # Another region's price is a guess here, so it is not even given as a range.
        like = found[0]
        there = ", ".join(sorted({name for price in found for name in price.regions}))
        note = f"no price for region {region}; the book has it for {there}"
        return Price(like.id, like.what, like.unit, like.currency, (region,), like.source, "C", note=note)

    def regions(self) -> frozenset[str]:
        """Every region that some item is priced in."""
        return frozenset(name for price in self.prices for name in price.regions) - {ANYWHERE}

    @property
    def has_terms(self) -> bool:
        return bool(self.commitments or self.notes)

    def convert(self, amount: Decimal, currency: str, where: str | None = None) -> Decimal:
        """An amount in another currency as one in the book's.

        Raises:
            PriceError: there is no rate between the two.
        """
        return exchanged(amount, self.rates, currency, self.currency, where)

    def in_currency(self, currency: str) -> PriceBook:
        """The same prices, their amounts in `currency`.

        Raises:
            PriceError: there is no rate for it, or for the currency that some price is in.
        """
        exchanged(Decimal(1), self.rates, BASE, currency)
        prices = tuple(_exchanged(price, currency, self.rates) for price in self.prices)
        committed = tuple(
            replace(each, price=_exchanged(each.price, currency, self.rates)) for each in self.commitments
        )
        return replace(self, prices=prices, currency=currency, commitments=committed)


def _exchanged(price: Price, currency: str, rates: Mapping[str, Rate]) -> Price:
    """The price with the exchange to `currency` as its last adjustment, in place of another exchange."""
    kept = tuple(each for each in price.adjustments if not each.currency)
    if price.currency in (CREDIT, currency):
        return price if kept == price.adjustments else replace(price, adjustments=kept)
    where = f"{price.file}:{price.line}" if price.file else None
    times = exchanged(Decimal(1), rates, price.currency, currency, where)
    if price.currency == BASE:
        words, rate = f"× {rates[currency].per_usd} {currency}/{BASE}", rates[currency]
    else:
        rate = rates[price.currency]
        words = f"÷ {rate.per_usd} {price.currency}/{BASE}"
        words += "" if currency == BASE else f" × {rates[currency].per_usd} {currency}/{BASE}"
    source = Source(rate.source, rate.read)
    return replace(price, adjustments=(*kept, Adjustment(words, source, factor=times, currency=currency)))


def load_book(folder: Path = PRICES, overlays: Sequence[Path] = (), currency: str = BASE) -> PriceBook:
    """The book of all `*.yaml` files of a folder, checked; what the overlay files say on top, in their order.

    Raises:
        PriceError: a file is malformed (with `file:line` and every problem of that file), two prices of one item
            claim the same region, an overlay is for an item that does not exist, or a currency has no rate.
    """
    book = _listed_book(folder)
    if overlays:
        from modules.cost.overlay import overlaid

        book = overlaid(book, overlays)
    return book if currency == book.currency else book.in_currency(currency)


@functools.cache
def _listed_book(folder: Path) -> PriceBook:
    prices: list[Price] = []
    for file in sorted(folder.glob("*.yaml")):
        prices += _read(file)
    if not prices:
        raise PriceError("the price book is empty", where=str(folder), do="it needs at least one *.yaml file of prices")
    _refuse_doubles(prices)
    # The list has no rates: a price of it in euros is refused here, and is for an overlay to give.
    return PriceBook(tuple(_exchanged(price, BASE, {}) for price in prices))


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

    shown = shown_path(file)
    content, lines = read_price_file(file, shown)
    found = []
    for item, line in zip(content.items, lines, strict=True):
        price = Price(
            id=item.id,
            what=item.what,
            unit=item.unit,
            currency=item.currency or content.currency,
            regions=regions_of(item.region or content.region),
            source=content.source(item.source),
            confidence=item.confidence,
            tiers=tiers_of(item),
            low=item.range[0] if item.range else None,
            high=item.range[1] if item.range else None,
            note=item.note,
            file=shown,
            line=line,
        )
        found += _sized(price, item.sizes) if item.sizes else [price]
    return found


def _sized(family: Price, sizes: Mapping[str, Decimal]) -> list[Price]:
    return [
        replace(family, id=f"{family.id}.{size}", what=f"{family.what}.{size}", tiers=(Tier(price),))
        for size, price in sizes.items()
    ]


def tiers_of(item: Any) -> tuple[Tier, ...]:
    if item.tiers:
        return tuple(Tier(tier.price, tier.up_to) for tier in item.tiers)
    return () if item.price is None else (Tier(item.price),)


def regions_of(region: str | list[str]) -> tuple[str, ...]:
    return (region,) if isinstance(region, str) else tuple(region)


def shown_path(file: Path) -> str:
    """The path as a reader of the project writes it."""
    text = file.as_posix()
    match = re.search(r"(modules/cost|environments)/prices/[^/]*$", text)
    return match[0] if match else text
