"""All options for one workload beside each other, and how the order changes as the workload grows.

Each option is priced at 1, 10 and 100 times the load in the size that carries it, and the loads at which one option
overtakes another are found by bisection. Options are ordered by the least each can be; one that could be anything is
in no crossover. Pure, as `report.py` is.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from modules.cost.book import PriceBook, load_book
from modules.cost.catalog import COMPARED, OPTIONS, Sized, inputs_for, option_of
from modules.cost.estimators.base import Assumptions
from modules.cost.lines import Total
from modules.cost.report import Report, price_option
from modules.cost.usage import Usage, usage_of
from modules.environment.model import Environment

__all__ = ["FACTORS", "AtLoad", "Comparison", "Crossover", "Growth", "Row", "Told", "compare", "grown"]

FACTORS = (1, 10, 100)
"""The loads that a comparison shows beside each other."""

_TUTORIAL = Path(__file__).parent / "tutorial.yaml"


@dataclass(frozen=True)
class Told:
    """What the tutorial said of an option, and why it is otherwise here."""

    said: str
    why: str


@dataclass(frozen=True)
class Row:
    """One option in a comparison."""

    report: Report
    chosen: bool
    told: Told | None


@dataclass(frozen=True)
class AtLoad:
    """One option at one load.

    Attributes:
        ingress: bytes/s.
        total: a month's; None where no size of this option carries the load.
        sized: the size it was given so that it carries the load; its `changes` are empty where the given size does.
    """

    ingress: Decimal
    total: Total | None
    sized: Sized

    @property
    def per_gb(self) -> Decimal | None:
        """USD per GB (10^9 bytes) sent, at the least the total can be."""
        sent = self.ingress * 3600 * 730 / 10**9
        return self.total.least / sent if self.total is not None and sent else None


@dataclass(frozen=True)
class Crossover:
    """From `ingress` (bytes/s, to a thousandth above the true place) on, `overtaker` costs less than `overtaken`.

    `cheapest`: the overtaker is the cheapest of all from here on.
    """

    ingress: Decimal
    overtaker: str
    overtaken: str
    monthly: Decimal
    cheapest: bool


@dataclass(frozen=True)
class Growth:
    """The options as the load grows, all else equal (partitions and warehouse hours stay).

    Attributes:
        factors: of the workload's ingress, the columns of a table: 1, 10, 100.
        columns: option id → one entry a factor.
        curve: option id → entries at more loads, for a chart; the loads are the same for all.
        reach: option id → the largest load (bytes/s) that some size of it carries; None: beyond the last.
        crossovers: from the smallest load to the largest.
    """

    factors: tuple[int, ...]
    columns: Mapping[str, tuple[AtLoad, ...]]
    curve: Mapping[str, tuple[AtLoad, ...]]
    reach: Mapping[str, Decimal | None]
    crossovers: tuple[Crossover, ...]


@dataclass(frozen=True)
class Comparison:
    """All options for one workload, cheapest first; what cannot be ranked or does not fit comes last.

    `told_for`: the tutorial's workload, where this is it; else empty, and no row has `told`.
    `growth`: where it was asked for.
    """

    environment: str
    usage: Usage
    region: str
    rows: tuple[Row, ...]
    told_for: str
    growth: Growth | None = None

    @property
    def chosen(self) -> Row | None:
        return next((row for row in self.rows if row.chosen), None)


def compare(
    environment: Environment,
    book: PriceBook | None = None,
    assumptions: Assumptions | None = None,
    options: Sequence[str] = COMPARED,
) -> Comparison:
    """The environment's workload on every option named (of `catalog.OPTIONS`), and on its own."""
    book = book or load_book()
    assumed = assumptions or Assumptions()
    own = option_of(environment)
    names = [*options, *([own.id] if own and own.id not in options else [])]
    told, told_for = _told()
    usage = usage_of(environment)
    if not _is_the_tutorials(usage):
        told, told_for = {}, ""
    rows = [
        Row(
            price_option(OPTIONS[name], environment, book, assumed),
            own is not None and own.id == name,
            told.get(OPTIONS[name].tutorial or ""),
        )
        for name in names
    ]
    rows.sort(key=_rank)
    region = inputs_for(environment, book).region
    return Comparison(environment.name, usage, region, tuple(rows), told_for)


def grown(
    comparison: Comparison,
    environment: Environment,
    book: PriceBook | None = None,
    assumptions: Assumptions | None = None,
    factors: Sequence[int] = FACTORS,
) -> Comparison:
    """The comparison with its `growth`, from the smallest to the largest of the factors."""
    from modules.cost.growth import growth

    options = [row.report.option for row in comparison.rows]
    inputs = inputs_for(environment, book or load_book(), assumptions)
    return replace(comparison, growth=growth(environment, inputs, options, tuple(factors)))


def _rank(row: Row) -> tuple[bool, bool, Decimal, str]:
    """Cheapest first by the least each can be; behind them what has no known most, and last what does not fit."""
    cost = row.report.total
    return not row.report.fits, cost.most is None, cost.least, row.report.title


def _is_the_tutorials(usage: Usage) -> bool:
    """1 GB a day in, 30 d kept, read once: only then do its figures stand beside ours."""
    a_day = (usage.bytes_per_second * 86_400).quantize(Decimal(1))
    return a_day == 10**9 and usage.retention_days == 30 and usage.fan_out == 1


@functools.cache
def _told() -> tuple[dict[str, Told], str]:
    import yaml

    data = yaml.load(_TUTORIAL.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return {name: Told(each["said"], each["why"].strip()) for name, each in data["told"].items()}, data["workload"]
