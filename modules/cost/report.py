"""A report as data: one environment's lines and totals. All options beside each other are `compare.py`'s, rendering is
`formats`'.

Pure: environment and price book in, frozen records out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from modules.cost.book import PriceBook, Source, load_book
from modules.cost.catalog import OPTIONS, Option, estimate, inputs_for, misfits, option_of
from modules.cost.estimators.base import Assumptions, Inputs
from modules.cost.estimators.local import estimate as estimate_laptop
from modules.cost.limits import Misfit
from modules.cost.lines import Estimate, Line, Total, total
from modules.cost.usage import Usage, usage_of
from modules.environment.model import Environment
from modules.environment.workload import ScenarioName, in_scenario, scenarios_of
from modules.errors import PriceError

__all__ = [
    "BudgetCheck",
    "Month",
    "Report",
    "find_line",
    "oldest_read",
    "price_option",
    "report",
    "report_on",
    "sources_of",
]


@dataclass(frozen=True)
class BudgetCheck:
    """A monthly budget against a total. `over` counts what is known; `maybe` is what the unknown could still do.

    `monthly` is in the report's currency; `stated` is how the environment says it, where that is another.
    """

    monthly: Decimal
    currency: str
    over: bool
    maybe: bool
    stated: str = ""


@dataclass(frozen=True)
class Month:
    """A low or a high month, as the YAML gives it: what the option comes to, and what does not fit in it."""

    name: ScenarioName
    usage: Usage
    estimate: Estimate
    misfits: tuple[Misfit, ...]

    @property
    def total(self) -> Total:
        return total(self.estimate.lines)


@dataclass(frozen=True)
class Report:
    """What one option costs an environment in a month.

    `months`: the low and the high month beside the expected one, those of the two that the YAML gives.
    """

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
    months: tuple[Month, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the option carries the workload; what only warns does not count."""
        return all(each.warns for each in self.misfits)

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
        """The total per GB (10^9 bytes) of events before compression; None without traffic."""
        sent = self.usage.bytes_of_events / 10**9
        return self.total.least / sent if sent else None

    @property
    def mostly_warehouse(self) -> bool:
        """True where the reader's warehouse is the largest line, and far above what ingest costs."""
        return 0 < 2 * self.ingest < self.warehouses and self.warehouses * 2 > self.snowflake.known

    @property
    def warehouses(self) -> Decimal:
        """What is known of all warehouses' lines: `snowflake.warehouse`, `snowflake.warehouse.transform_wh` …"""
        return total(each for each in self.estimate.lines if each.id.startswith("snowflake.warehouse")).known

    @property
    def ingest(self) -> Decimal:
        """What is known of bringing rows into Snowflake."""
        return total(each for each in self.estimate.lines if each.id.startswith("snowflake.ingest")).known


def report(environment: Environment, book: PriceBook | None = None, assumptions: Assumptions | None = None) -> Report:
    """What the environment costs on the platform it has chosen; on a laptop, nothing.

    Raises:
        PriceError: its region or broker type is not in the price book, or its budget is in a currency without a rate.
    """
    option = option_of(environment)
    if option is None:
        return _laptop(environment, book or load_book())
    return price_option(option, environment, book or load_book(), assumptions or Assumptions())


def report_on(name: str, environment: Environment, book: PriceBook | None = None) -> Report:
    """What the environment would cost on the option of that id (of `catalog.OPTIONS`), in its default size.

    Raises:
        PriceError: there is no such option; or as `report`.
    """
    option = OPTIONS.get(name)
    if option is None:
        near = difflib.get_close_matches(name, OPTIONS, n=1, cutoff=0.5)
        raise PriceError(
            f"there is no platform and mode `{name}`",
            do=(f"did you mean `{near[0]}`? " if near else "") + f"write one of: {', '.join(OPTIONS)}",
        )
    return price_option(option, environment, book or load_book(), Assumptions())


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
    ids = list(dict.fromkeys(each.id for each in (close or lines)))
    if close:
        raise PriceError(f"`{name}` could be several lines", do=f"write one of: {', '.join(ids)}")
    near = difflib.get_close_matches(name, [*ids, *(each.rpartition(".")[2] for each in ids)], n=1, cutoff=0.6)
    raise PriceError(
        f"{found.environment} on {found.title} has no cost line `{name}`",
        do=(f"did you mean `{near[0]}`? " if near else "") + f"write one of: {', '.join(ids)}",
    )


def sources_of(lines: Iterable[Line]) -> tuple[Source, ...]:
    """Every source the lines rest on, once, in the order met."""
    return tuple(dict.fromkeys(source for each in lines for price in each.prices for source in price.sources))


def oldest_read(lines: Iterable[Line]) -> Source | None:
    """The source whose prices were read longest ago."""
    return min(sources_of(lines), key=lambda source: source.read_date, default=None)


def price_option(option: Option, environment: Environment, book: PriceBook, assumptions: Assumptions) -> Report:
    """What the environment costs with an option, its own or another."""
    inputs = inputs_for(environment, book, assumptions)
    made = estimate(option, inputs, environment)
    others = tuple(name for name in scenarios_of(environment.workload) if name != "expected")
    return Report(
        months=tuple(_month(name, option, environment, inputs) for name in others),
        environment=environment.name,
        platform=option.platform,
        option=option.id,
        title=option.name,
        region=inputs.region,
        usage=inputs.usage,
        estimate=made,
        misfits=misfits(option, inputs.usage, environment),
        budget=_budget(environment, total(made.lines), book),
        assumptions=assumptions,
    )


def _month(name: ScenarioName, option: Option, environment: Environment, expected: Inputs) -> Month:
    """The environment as its YAML would size it for that month."""
    its = environment.model_copy(update={"workload": in_scenario(environment.workload, name)})
    inputs = replace(expected, usage=usage_of(its))
    return Month(name, inputs.usage, estimate(option, inputs, its), misfits(option, inputs.usage, its))


def _laptop(environment: Environment, book: PriceBook) -> Report:
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
        budget=_budget(environment, total(made.lines), book),
        assumptions=Assumptions(),
    )


def _budget(environment: Environment, cost: Total, book: PriceBook) -> BudgetCheck | None:
    if environment.budget is None:
        return None
    monthly = environment.budget.monthly
    limit = book.convert(monthly.amount, monthly.currency, f"{environment.source}: budget.monthly")
    over = cost.least > limit
    maybe = not over and not cost.exact and (cost.most is None or cost.most > limit)
    stated = f"{monthly.amount:,} {monthly.currency}" if monthly.currency != book.currency else ""
    return BudgetCheck(limit, book.currency, over, maybe, stated)
