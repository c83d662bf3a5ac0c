"""Overlays: a project's own prices on top of the list's, the terms it has negotiated, the rates of other currencies.

Files in `environments/prices/` are read without being asked for, in the order of their names, then those of `--prices`.
The last one that speaks of an item in a region is right. What a price stood for before stays visible (`replaced`), and
its source names the file it is from.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from modules.cost.book import ANYWHERE, Price, PriceBook, Source, load_book, regions_of, shown_path, tiers_of
from modules.cost.currency import BASE, CREDIT, Rate
from modules.cost.schema import OverlayFile, problems_error, read_overlay_file
from modules.cost.stale import today as clock
from modules.cost.terms import Commitment, Term, apply_terms, commitment, ended, vendor_of
from modules.errors import PriceError
from modules.project import Project

__all__ = ["nearest", "overlaid", "overlays_of", "project_book"]


def overlays_of(project: Project) -> tuple[Path, ...]:
    """The project's own price files, by name: those whose names begin with a date are read in the order of dates."""
    return tuple(sorted((project.environments / "prices").glob("*.yaml"), key=lambda file: file.stem))


def project_book(project: Project, more: Sequence[Path] = (), currency: str = BASE) -> PriceBook:
    """The book as a project sees it: list prices, its own overlays, those given (`more`), amounts in `currency`.

    Raises:
        PriceError: as `load_book`.
    """
    return load_book(overlays=(*overlays_of(project), *more), currency=currency)


def overlaid(book: PriceBook, files: Iterable[Path], today: dt.date | None = None) -> PriceBook:
    """The book with what the files say, in their order.

    Raises:
        PriceError: a file is malformed, or is for an item that does not exist; a price is in a currency without a rate.
    """
    day = today or clock()
    prices, rates = book.prices, dict(book.rates)
    terms: list[Term] = []
    commitments = list(book.commitments)
    notes = list(book.notes)
    for file in files:
        read = _Overlay(file, prices)
        prices = _merged(prices, read.prices())
        rates |= read.rates()
        for term, committed, until in read.terms():
            if ended(until, day):
                notes.append(f"a term of {read.shown} ended on {until} and is not counted any more")
                continue
            terms += [term] if term else []
            commitments += [committed] if committed else []
    book = replace(
        book,
        prices=apply_terms(prices, terms),
        rates=MappingProxyType(rates),
        commitments=tuple(commitments),
        notes=tuple(notes),
    )
    foreign = any(price.currency not in (BASE, CREDIT) for price in book.prices)
    return book.in_currency(book.currency) if foreign else book


def _merged(base: Sequence[Price], over: Sequence[Price]) -> tuple[Price, ...]:
    """`over` where it speaks, `base` elsewhere; a price of all regions stays one for those that are not named."""
    taken: dict[str, set[str]] = {}
    for price in over:
        taken.setdefault(price.id, set()).update(price.regions)
    kept = []
    for price in base:
        gone = taken.get(price.id, set())
        left = () if ANYWHERE in gone else tuple(name for name in price.regions if name not in gone)
        if left:
            kept.append(price if left == price.regions else replace(price, regions=left))
    # Where they stand in the list is where a reader of the list looks for them.
    order = {price.id: place for place, price in reversed(list(enumerate(base)))}
    return tuple(sorted((*kept, *over), key=lambda price: order[price.id]))


class _Overlay:
    """One file, held against the prices it lies upon."""

    def __init__(self, file: Path, base: Sequence[Price]) -> None:
        self.shown = shown_path(file)
        self._content: OverlayFile
        self._content, self._lines = read_overlay_file(file, self.shown)
        self._base: dict[str, list[Price]] = {}
        for price in base:
            self._base.setdefault(price.id, []).append(price)
        self._check()

    def prices(self) -> list[Price]:
        """Without a region of its own or of the file, an item speaks for each in which the book has it."""
        found = []
        for at, item in enumerate(self._content.items):
            given = item.region or self._content.region
            base = self._base[item.id]
            groups = [regions_of(given)] if given else [price.regions for price in base]
            found += [self._price(item, regions, self._lines("items", at)) for regions in groups]
        return found

    def rates(self) -> dict[str, Rate]:
        return {
            name: Rate(name, each.rate, f"{each.source} ({self.shown})", each.read)
            for name, each in self._content.currencies.items()
        }

    def terms(self) -> list[tuple[Term | None, Commitment | None, str | None]]:
        """Each term as what it does to prices, what is committed, and when it ends."""
        found: list[tuple[Term | None, Commitment | None, str | None]] = []
        for vendor, terms in self._content.terms.items():
            for at, each in enumerate(terms):
                source, label = self._source(each.source), each.source
                term = Term(
                    vendor, source, label, tuple(each.items), each.discount, each.reserved, each.share or Decimal(1)
                )
                changes = each.discount is not None or each.reserved is not None
                committed = None
                if each.committed is not None:
                    monthly = each.committed / (12 if each.per == "year" else 1) * (each.share or Decimal(1))
                    monthly = monthly.quantize(Decimal("0.01"))
                    committed = commitment(vendor, monthly, source, self.shown, self._lines("terms", vendor, at))
                found.append((term if changes else None, committed, each.until))
        return found

    def _source(self, name: str) -> Source:
        source = self._content.source(name)
        return Source(f"{source.what} ({self.shown})", source.read)

    def _regions(self, item: Any) -> tuple[str, ...]:
        """The item's, else the file's, else all in which the book has it."""
        given = item.region or self._content.region
        if given:
            return regions_of(given)
        return tuple(dict.fromkeys(name for price in self._base[item.id] for name in price.regions))

    def _price(self, item: Any, regions: tuple[str, ...], line: int) -> Price:
        base = self._base[item.id]
        before = [price for price in base if set(regions) & {*price.regions} or ANYWHERE in (*regions, *price.regions)]
        like = (before or base)[0]
        own = "currency" in self._content.model_fields_set or item.currency is not None
        return Price(
            id=item.id,
            what=item.what or like.what,
            unit=like.unit,
            currency=(item.currency or self._content.currency) if own else like.currency,
            regions=regions,
            source=self._source(item.source),
            confidence=item.confidence,
            tiers=tiers_of(item),
            low=item.range[0] if item.range else None,
            high=item.range[1] if item.range else None,
            note=item.note,
            file=self.shown,
            line=line,
            replaced="; ".join(
                dict.fromkeys(f"{replace(each, adjustments=())} of {each.file}:{each.line}" for each in before)
            ),
        )

    def _check(self) -> None:
        """Everything that is wrong with the file, at once."""
        content, found = self._content, list[tuple[int, str]]()
        seen: set[tuple[str, str]] = set()
        for at, item in enumerate(content.items):
            line = self._lines("items", at)
            base = self._base.get(item.id)
            if base is None:
                found.append((line, f"the price book has no item `{item.id}`{nearest(item.id, self._base)}"))
                continue
            if item.unit is not None and item.unit is not base[0].unit:
                found.append((line, f"{item.id} is priced per {base[0].unit}, not per {item.unit}"))
            if (item.currency == CREDIT) != (base[0].currency == CREDIT) and item.currency:
                found.append((line, f"{item.id} is priced in {base[0].currency}, not in {item.currency}"))
            for region in self._regions(item):
                if (item.id, region) in seen:
                    found.append((line, f"{item.id} has a second price for region {region} in this file"))
                seen.add((item.id, region))
            found += self._unnamed(line, item.id, item.source)
        for vendor, terms in content.terms.items():
            for at, term in enumerate(terms):
                line = self._lines("terms", vendor, at)
                found += self._unnamed(line, f"terms of {vendor}", term.source)
                found += [(line, problem) for problem in self._strange_items(vendor, term.items)]
        if found:
            do = "`infra cost prices` lists the items; an overlay gives another price to one that is there"
            if len(found) == 1:
                raise PriceError(found[0][1], where=f"{self.shown}:{found[0][0]}", do=do)
            raise problems_error(found, self.shown, do)

    def _unnamed(self, line: int, what: str, source: str) -> list[tuple[int, str]]:
        if source in self._content.sources:
            return []
        names = ", ".join(self._content.sources) or "none"
        return [(line, f"{what}: the source `{source}` is not under `sources` (there: {names})")]

    def _strange_items(self, vendor: str, names: Sequence[str]) -> list[str]:
        ids = [item for item in self._base if vendor_of(item) == vendor]
        starts = {
            ".".join(parts[:count]) for parts in (item.split(".") for item in ids) for count in range(1, len(parts) + 1)
        }
        return [
            f"terms of {vendor}: no item of {vendor} is or begins with `{name}`{nearest(name, sorted(starts))}"
            for name in names
            if not any(item == name or item.startswith(f"{name}.") for item in ids)
        ]


def nearest(name: str, ids: Iterable[str]) -> str:
    """`; did you mean …?`, where something is close."""
    close = difflib.get_close_matches(name, list(ids), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""
