"""Contracts: what a vendor publishes for committing to use, as a range from nothing to the most it names.

No change of the YAML: once there is a contract, its prices go into environments/prices/ (docs/cost-prices.md).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from modules.cost.advise.rules.base import Context, Proposal, rule
from modules.cost.lines import Line

__all__ = ["COMMITMENTS", "NEGOTIATED"]

_FILE = Path(__file__).with_name("commitments.yaml")

NEGOTIATED = (
    "Confluent and Snowflake take less from those who commit to a year, by negotiation: no percentage is published. "
    "AWS has neither reservations nor savings plans for MSK's brokers. State what you were offered with --prices."
)


@functools.cache
def _offers() -> tuple[dict[str, Any], ...]:
    import yaml

    return tuple(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


@rule("commitment", "commit to what runs all the time")
def _commitment(context: Context) -> Iterator[Proposal]:
    for offer in _offers():
        made = [each for each in context.report.estimate.lines if each.id in offer["lines"] and _listed(each)]
        lines = [each for each in made if not each.id.startswith("connect.") or _on_ecs(made)]
        amount = sum((each.amount or Decimal(0) for each in lines), Decimal(0))
        if not amount:
            continue
        names = ", ".join(each.id for each in lines)
        yield Proposal(
            f"Commit with {offer['what']}",
            (),
            f"{offer['term']}; what is no longer needed is paid to its end. Change the rest first, then commit to what "
            "stays",
            kind="commitment",
            also=f"covers {names}; then state its prices in environments/prices/",
            range=(Decimal(0), amount * Decimal(offer["most_percent"]) / 100),
            sources=(f"{offer['source']}, read {offer['read']}",),
        )


def _on_ecs(lines: list[Line]) -> bool:
    """Whether connectors run there: the sink as a mere process is counted as a task, but is none."""
    return any(each.id == "connect.vcpu" and each.count for each in lines)


def _listed(line: Line) -> bool:
    """Whether the line is at its list price: a contract that is stated already is not proposed again."""
    return line.basis == "fixed" and not line.price.adjustments


COMMITMENTS = (_commitment,)
