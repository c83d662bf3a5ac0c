"""When each event of a run is meant to leave: an open-loop schedule.

A schedule is fixed before the run and never waits for an answer, so that a stalled broker cannot slow the questions
down and hide its own stall (coordinated omission). Pure: nothing here reads a clock or sends anything.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from modules.errors import ConfigError

__all__ = ["Arrivals", "LoadPlan", "offsets"]

Arrivals = Literal["constant", "poisson"]

NANOSECONDS = 1_000_000_000
MOST_EVENTS = 20_000_000
"""About 30 bytes of memory each, taken before the run begins."""


@dataclass(frozen=True)
class LoadPlan:
    """How much is sent, and how fast.

    `warmup` events come first, at the same rate and without a pause; they are carried and counted but not measured.
    """

    rate: float
    """Events a second."""
    count: int
    """Measured events, the warm-up not among them."""
    warmup: int = 0
    arrivals: Arrivals = "constant"
    seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if not 0 < self.rate <= 1_000_000:
            problems.append(f"rate must be above 0 and at most 1,000,000 events a second, got {self.rate:g}")
        if self.count < 1:
            problems.append(f"count must be at least 1, got {self.count}")
        if self.total > MOST_EVENTS:
            problems.append(
                f"a run has at most {MOST_EVENTS:,} events, as each is followed to its end; got {self.total:,}"
            )
        if self.warmup < 0:
            problems.append(f"warm-up must not be negative, got {self.warmup}")
        if problems:
            raise ConfigError("this load cannot be sent", details=problems, do="see `infra smoke --help`")

    @property
    def total(self) -> int:
        """Events sent in all."""
        return self.warmup + self.count

    @property
    def seconds(self) -> float:
        """How long the measured part is meant to take."""
        return self.count / self.rate

    @classmethod
    def lasting(cls, seconds: float, rate: float, warmup: int = 0, arrivals: Arrivals = "constant") -> LoadPlan:
        """A plan that measures for `seconds` (at least one event)."""
        return cls(rate, max(1, round(seconds * rate)), warmup, arrivals)


def offsets(plan: LoadPlan) -> Iterator[int]:
    """Nanoseconds from the start of the run at which event 0, 1, 2, … is meant to leave.

    Constant: evenly spaced. Poisson: exponential gaps of the same mean, as independent callers would arrive; the same
    seed gives the same schedule.
    """
    if plan.arrivals == "constant":
        for number in range(plan.total):
            # From the number, not by adding gaps: rounding must not drift over a million events.
            yield int(number * NANOSECONDS / plan.rate)
        return
    source = random.Random(plan.seed)
    at = 0.0
    for _ in range(plan.total):
        yield int(at)
        at += source.expovariate(plan.rate) * NANOSECONDS
