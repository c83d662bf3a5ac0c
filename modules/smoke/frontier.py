"""Measured latency against monthly cost: which variants are worth their money, and what a millisecond costs.

Pure: numbers in, an order out. What an environment costs is not known here; the command line brings both together.
A laptop costs nothing and is no cloud, so its points never meet those of a cloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

__all__ = ["Frontier", "Point", "Step", "frontier", "frontier_json"]


@dataclass(frozen=True)
class Point:
    """One environment, or one variant of it, and its newest run that knows the figure.

    Attributes:
        milliseconds: the measured percentile.
        monthly: what is known of its cost in a month; None where nothing is.
        exact: False where some lines have no known price: it costs at least that.
        load: at which load it was measured, for people.
        as_measured: the cost is that of when it was measured, since the environment is another today.
    """

    environment: str
    variant: str
    milliseconds: float
    monthly: Decimal | None
    currency: str
    exact: bool
    stand_in: bool
    load: str
    started: str
    runs: int = 1
    as_measured: bool = False
    outcome: str = "met"


@dataclass(frozen=True)
class Step:
    """From one variant of the frontier to the next faster one."""

    slower: Point
    faster: Point

    @property
    def saved_ms(self) -> float:
        return self.slower.milliseconds - self.faster.milliseconds

    @property
    def more(self) -> Decimal:
        assert self.faster.monthly is not None and self.slower.monthly is not None
        return self.faster.monthly - self.slower.monthly

    @property
    def exact(self) -> bool:
        """Whether both ends' costs are wholly known; else lines without a price may change the difference."""
        return self.slower.exact and self.faster.exact

    @property
    def per_ms(self) -> Decimal:
        """What one millisecond less costs a month on this step."""
        return self.more / Decimal(repr(self.saved_ms))


@dataclass(frozen=True)
class Frontier:
    """Points of clouds, cheapest first, those no other point beats, and the steps between them.

    Attributes:
        best: the Pareto frontier: nothing else is both as cheap and as fast.
        loads: the loads that points were measured at, where that is more than one.
        unpriced: points of clouds whose cost nobody knows.
        stand_ins: points of laptops.
    """

    points: tuple[Point, ...]
    best: tuple[Point, ...]
    steps: tuple[Step, ...]
    unpriced: tuple[Point, ...]
    stand_ins: tuple[Point, ...]
    loads: tuple[str, ...] = ()


def frontier(points: Sequence[Point]) -> Frontier:
    """Sort points out. A point with lines of unknown price is on the frontier by what is known of it."""
    clouds = [one for one in points if not one.stand_in]
    priced = sorted((one for one in clouds if one.monthly is not None), key=_place)
    best: list[Point] = []
    for one in priced:
        if not best or one.milliseconds < best[-1].milliseconds:
            best.append(one)
    steps = [Step(slower, faster) for slower, faster in pairwise(best)]
    loads = tuple(dict.fromkeys(one.load for one in priced))
    return Frontier(
        tuple(priced),
        tuple(best),
        tuple(steps),
        tuple(one for one in clouds if one.monthly is None),
        tuple(sorted((one for one in points if one.stand_in), key=lambda one: one.milliseconds)),
        loads if len(loads) > 1 else (),
    )


def _place(point: Point) -> tuple[Decimal, float]:
    assert point.monthly is not None
    return point.monthly, point.milliseconds


def frontier_json(found: Frontier, stage: str, percentile: str) -> dict[str, Any]:
    """For machines. Money as text, so that no digit is lost."""
    return {
        "schema": "infra.smoke.frontier/1",
        "stage": stage,
        "percentile": percentile,
        "points": [{**_point(one), "on_frontier": one in found.best} for one in found.points],
        "steps": [
            {
                "from": [step.slower.environment, step.slower.variant],
                "to": [step.faster.environment, step.faster.variant],
                "saved_ms": round(step.saved_ms, 3),
                "more_monthly": str(step.more),
                "per_ms": str(step.per_ms.quantize(Decimal("0.0001"))),
                "currency": step.faster.currency,
                "exact": step.exact,
            }
            for step in found.steps
        ],
        "unpriced": [_point(one) for one in found.unpriced],
        "stand_ins": [_point(one) for one in found.stand_ins],
        "loads": list(found.loads),
    }


def _point(one: Point) -> dict[str, Any]:
    return {
        "environment": one.environment,
        "variant": one.variant,
        "ms": one.milliseconds,
        "monthly": None if one.monthly is None or one.stand_in else str(one.monthly),
        "currency": one.currency,
        "exact": one.exact,
        "stand_in": one.stand_in,
        "load": one.load,
        "started": one.started,
        "runs": one.runs,
        "as_measured": one.as_measured,
        "outcome": one.outcome,
    }
