"""What a new environment would cost, before it is written: on every platform, and as it was answered."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from modules.scaffold.answers import LOCAL, Answers
from modules.scaffold.files import Scaffold

if TYPE_CHECKING:
    from modules.cost.compare import Comparison
    from modules.cost.lines import Total
    from modules.cost.report import Report

__all__ = ["priced", "workload_compared"]

_ROOM = Decimal("1.25")
"""A budget over the most that is expected: what a good month's growth takes."""
_STEP = Decimal(50)


def workload_compared(root: Path, answers: Answers) -> Comparison:
    """Every option for the answered workload and region, cheapest first.

    Raises:
        ConfigError, PriceError: the project's own files do not load; nobody has prices for the region.
    """
    from modules.cost.compare import compare

    # Any platform of the region will do: each option is priced as if it were the one.
    probe = Scaffold.of(root, replace(answers, option="redpanda-ec2", production=False))
    return compare(probe.load(root))


def priced(root: Path, answers: Answers) -> tuple[Scaffold, Report]:
    """The environment with a budget that leaves some room, and its cost report.

    Raises:
        ConfigError, PriceError: as `workload_compared`.
    """
    from modules.cost.report import report

    plain = Scaffold.of(root, answers)
    found = report(plain.load(root))
    if answers.option == LOCAL:
        return plain, found
    budget, why = _proposed(found.total)
    return Scaffold.of(root, answers, budget=budget, why=why), found


def _proposed(expected: Total) -> tuple[str, str]:
    """A budget that the estimate's own unknowns do not break, as far as they have an end; and how it came about."""
    from modules.cost.lines import money

    top = expected.least if expected.most is None else expected.most
    budget = (top * _ROOM / _STEP).to_integral_value(ROUND_CEILING) * _STEP
    if expected.exact or expected.least == expected.most:
        why = f"{money(top)} expected now, and a quarter for growth"
    elif expected.most is None:
        why = f"at least {money(top)} now, and a quarter: what has no known price may break it (`infra cost` names it)"
    else:
        why = f"between {money(expected.least)} and {money(top)} now; the upper end, and a quarter for growth"
    return f"{budget:f}", f"{why}, rounded up to {_STEP}"
