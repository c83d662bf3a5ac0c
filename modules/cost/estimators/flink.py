"""Confluent's Flink, where the workload has some: CFUs by the hour they are at work; they scale to zero.

No stack makes a compute pool; the workload says how much is run beside the pipeline. Elsewhere it would be another
service, which is not priced.
"""

from __future__ import annotations

from modules.cost.estimators.base import Inputs
from modules.cost.estimators.prepared import Part, same_for
from modules.cost.lines import Estimate, line
from modules.cost.units import Unit, hours, plain

__all__ = ["estimate", "missing", "part"]


def estimate(inputs: Inputs) -> Estimate:
    """Compute; a statement pays for a CFU-minute at least, which a mean has in it."""
    cfu = inputs.usage.flink_cfu
    if not cfu:
        return Estimate(())
    made = line(
        "confluent.flink", "kafka", "usage", hours(cfu, Unit.CFU_HOUR), inputs.price("confluent.flink"),
        f"{plain(cfu)} CFU on average × 730 h", what=f"Flink, {plain(cfu)} CFU",
    )  # fmt: skip
    return Estimate((made,))


def part() -> Part:
    """On Confluent Cloud."""
    return same_for(estimate, "flink_cfu")


def missing() -> Part:
    """On another platform."""
    words = "`workload.flink_cfu` is Confluent's Flink; what would take its place here is not priced."
    return same_for(lambda now: Estimate((), (words,) if now.usage.flink_cfu else ()), "flink_cfu")
