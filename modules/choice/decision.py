"""The decision table: each option's month at this environment's workload, its limits, and what it asks of people.

Prices come from `modules/cost`, everything else from `traits.yaml`. Nothing here recommends; the cheapest that fits is
marked, and what an option lacks is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from modules.choice.lacks import lacks_of
from modules.cost import compare
from modules.cost.book import PriceBook
from modules.cost.catalog import OPTIONS
from modules.cost.lines import Total
from modules.environment.model import Environment

__all__ = ["Choice", "Decision", "Traits", "decide", "read_traits"]

_TRAITS = Path(__file__).with_name("traits.yaml")


@dataclass(frozen=True)
class Traits:
    """What is said of an option beside its price."""

    burden: str
    """One word: none, little, some, much, all."""
    you_run: str
    aws: str
    registry: str
    scaling: str
    limits: tuple[str, ...]
    best_for: str
    source: str


@dataclass(frozen=True)
class Choice:
    """One option for this workload. `misfits`: why it cannot carry it; `lacks`: what the environment asks in vain."""

    option: str
    title: str
    month: Total
    traits: Traits
    misfits: tuple[str, ...]
    lacks: tuple[str, ...]
    chosen: bool


@dataclass(frozen=True)
class Decision:
    """All options, cheapest first, those that do not fit last."""

    environment: str
    region: str
    choices: tuple[Choice, ...]

    @property
    def cheapest(self) -> Choice | None:
        """The cheapest whose price is known, that fits and lacks nothing."""
        fit = (each for each in self.choices if not each.misfits and not each.lacks and each.month.exact)
        return next(fit, None)

    @property
    def chosen(self) -> Choice | None:
        return next((each for each in self.choices if each.chosen), None)


def read_traits() -> dict[str, Traits]:
    """Option id → traits."""
    raw = yaml.safe_load(_TRAITS.read_text(encoding="utf-8"))
    return {option: Traits(**{**body, "limits": tuple(body["limits"])}) for option, body in raw.items()}


def decide(environment: Environment, book: PriceBook | None = None) -> Decision:
    """The table for an environment's workload, by default at list prices.

    Raises:
        PriceError: its region or broker type is not in the price book.
    """
    traits = read_traits()
    comparison = compare(environment, book, options=tuple(OPTIONS))
    choices = tuple(
        Choice(
            option=row.report.option,
            title=row.report.title,
            month=row.report.total,
            traits=traits[row.report.option],
            misfits=tuple(str(each) for each in row.report.misfits),
            lacks=tuple(lacks_of(row.report.option, environment)),
            chosen=row.chosen,
        )
        for row in comparison.rows
    )
    return Decision(environment.name, comparison.region, choices)
