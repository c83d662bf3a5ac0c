"""Reports as data: one environment's lines and totals, and the comparison of all options. Rendering is `formats.py`'s.

Pure: environment and price book in, frozen records out.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from modules.cost.book import PriceBook, Source, load_book
from modules.cost.catalog import COMPARED, OPTIONS, Option, estimate, inputs_for, misfits, option_of
from modules.cost.estimators.base import Assumptions
from modules.cost.estimators.local import estimate as estimate_laptop
from modules.cost.limits import Misfit
from modules.cost.lines import Estimate, Line, Total, money, total
from modules.cost.usage import Usage, usage_of
from modules.environment.model import Environment
from modules.errors import PriceError

__all__ = [
    "BudgetCheck",
    "Comparison",
    "Report",
    "Row",
    "Told",
    "compare",
    "find_line",
    "oldest_read",
    "report",
    "sources_of",
]

_TUTORIAL = Path(__file__).parent / "tutorial.yaml"


@dataclass(frozen=True)
class BudgetCheck:
    """A monthly budget against a total. `over` counts what is known; `maybe` is what the unknown could still do."""

    monthly: Decimal
    currency: str
    over: bool
    maybe: bool


@dataclass(frozen=True)
class Report:
    """What one option costs an environment in a month."""

    environment: str
    platform: str
    option: str
    title: str
    region: str
    usage: Usage
    estimate: Estimate
    misfits: tuple[Misfit, ...]
    budget: BudgetCheck | None
    assumptions: Assumptions

    @property
    def kafka(self) -> Total:
        """Everything but Snowflake: cluster, registry, connector, secrets."""
        return total(self.estimate.of("kafka", "connect"))

    @property
    def snowflake(self) -> Total:
        return total(self.estimate.of("snowflake"))

    @property
    def total(self) -> Total:
        return total(self.estimate.lines)

    @property
    def fixed(self) -> Total:
        return total(each for each in self.estimate.lines if each.basis == "fixed")

    @property
    def by_usage(self) -> Total:
        return total(each for each in self.estimate.lines if each.basis == "usage")

    @property
    def per_gb(self) -> Decimal | None:
        """The total per GB (10^9 bytes) sent; None without traffic."""
        sent = self.usage.bytes_in / 10**9
        return self.total.least / sent if sent else None

    @property
    def mostly_warehouse(self) -> bool:
        """True where the reader's warehouse is the largest line, and far above what ingest costs."""
        amounts = {each.id: each.amount or Decimal(0) for each in self.estimate.lines}
        warehouse = amounts.get("snowflake.warehouse", Decimal(0))
        ingest = amounts.get("snowflake.ingest", Decimal(0))
        snowflake = self.snowflake.known
        return 0 < 2 * ingest < warehouse and warehouse * 2 > snowflake


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
class Comparison:
    """All options for one workload, cheapest first; what cannot be ranked or does not fit comes last.

    `told_for`: the tutorial's workload, where this is it; else empty, and no row has `told`.
    """

    environment: str
    usage: Usage
    region: str
    rows: tuple[Row, ...]
    told_for: str

    @property
    def chosen(self) -> Row | None:
        return next((row for row in self.rows if row.chosen), None)


def report(environment: Environment, book: PriceBook | None = None, assumptions: Assumptions | None = None) -> Report:
    """What the environment costs on the platform it has chosen; on a laptop, nothing.

    Raises:
        PriceError: its region or broker type is not in the price book, or its budget is in another currency.
    """
    option = option_of(environment)
    if option is None:
        return _laptop(environment)
    return _priced(option, environment, book or load_book(), assumptions or Assumptions())


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
            _priced(OPTIONS[name], environment, book, assumed),
            own is not None and own.id == name,
            told.get(OPTIONS[name].tutorial or ""),
        )
        for name in names
    ]
    rows.sort(key=_rank)
    region = inputs_for(environment, book).region
    return Comparison(environment.name, usage, region, tuple(rows), told_for)


def _rank(row: Row) -> tuple[bool, bool, Decimal, str]:
    """Cheapest first by the least each can be; behind them what has no known most, and last what does not fit."""
    cost = row.report.total
    return bool(row.report.misfits), cost.most is None, cost.least, row.report.title


def find_line(found: Report, name: str) -> Line:
    """A report's line by its id, or by its end (`storage`) where that is clear.

    Raises:
        PriceError: no line, or several, are meant.
    """
    lines = found.estimate.lines
    exact = [each for each in lines if each.id == name]
    close = exact or [each for each in lines if each.id.rpartition(".")[2] == name]
    if len(close) == 1:
        return close[0]
    ids = ", ".join(each.id for each in (close or lines))
    problem = f"`{name}` could be several lines" if close else f"{found.environment} has no cost line `{name}`"
    raise PriceError(problem, do=f"write one of: {ids}")


def sources_of(lines: Iterable[Line]) -> tuple[Source, ...]:
    """Every source the lines rest on, once, in the order met."""
    return tuple(dict.fromkeys(price.source for each in lines for price in each.prices))


def oldest_read(lines: Iterable[Line]) -> Source | None:
    """The source whose prices were read longest ago."""
    return min(sources_of(lines), key=lambda source: source.read_date, default=None)


def _priced(option: Option, environment: Environment, book: PriceBook, assumptions: Assumptions) -> Report:
    inputs = inputs_for(environment, book, assumptions)
    made = estimate(option, inputs, environment)
    return Report(
        environment=environment.name,
        platform=option.platform,
        option=option.id,
        title=option.name,
        region=inputs.region,
        usage=inputs.usage,
        estimate=made,
        misfits=misfits(option, inputs.usage, environment),
        budget=_budget(environment, total(made.lines)),
        assumptions=assumptions,
    )


def _laptop(environment: Environment) -> Report:
    made = estimate_laptop(environment)
    return Report(
        environment=environment.name,
        platform=environment.platform,
        option="local",
        title="Laptop",
        region="local",
        usage=usage_of(environment),
        estimate=made,
        misfits=(),
        budget=_budget(environment, total(made.lines)),
        assumptions=Assumptions(),
    )


def _budget(environment: Environment, cost: Total) -> BudgetCheck | None:
    if environment.budget is None:
        return None
    monthly = environment.budget.monthly
    if monthly.currency != "USD":
        raise PriceError(
            f"the budget is in {monthly.currency}, the price book in USD, and there is no rate between them",
            where=f"{environment.source}: budget.monthly",
            do=f"give the budget in USD, such as {money(cost.least).lstrip('$').replace(',', '')} USD",
        )
    over = cost.least > monthly.amount
    maybe = not over and not cost.exact and (cost.most is None or cost.most > monthly.amount)
    return BudgetCheck(monthly.amount, monthly.currency, over, maybe)


def _is_the_tutorials(usage: Usage) -> bool:
    """1 GB a day in, 30 d kept, read once: only then do its figures stand beside ours."""
    a_day = (usage.bytes_per_second * 86_400).quantize(Decimal(1))
    return a_day == 10**9 and usage.retention_days == 30 and usage.fan_out == 1


@functools.cache
def _told() -> tuple[dict[str, Told], str]:
    import yaml

    data = yaml.load(_TUTORIAL.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return {name: Told(each["said"], each["why"].strip()) for name, each in data["told"].items()}, data["workload"]
