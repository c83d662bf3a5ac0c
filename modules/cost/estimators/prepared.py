"""An estimate in two steps: what an environment settles once, and what each month of it comes to.

A sweep prices one environment for thousands of months. How many secrets, alarms or endpoints there are, and what they
cost, is the same in all of them, so those lines are made once; only lines that grow with the workload are made again.
"""

from __future__ import annotations

from collections.abc import Callable

from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Line, Words
from modules.cost.usage import Usage

__all__ = ["Bill", "Part", "joined", "same_for"]

Bill = Callable[[Usage], Estimate]
"""What one environment costs, as a function of its month."""

Part = Estimate | Callable[[Inputs], Estimate]
"""A piece of a bill: the same in every month, or made for each."""


def joined(inputs: Inputs, *parts: Part) -> Bill:
    """One bill of all parts, their lines in this order. The month in `inputs` is not looked at."""
    steps = _merged(parts)

    def of(usage: Usage) -> Estimate:
        now = Inputs(usage, inputs.book, inputs.region, inputs.assumptions)
        lines: list[Line] = []
        remarks: list[Words] = []
        for step in steps:
            made = step if isinstance(step, Estimate) else step(now)
            lines += made.lines
            remarks += made.remarks
        return Estimate(tuple(lines), tuple(remarks))

    return of


def same_for(part: Callable[[Inputs], Estimate], *names: str) -> Part:
    """A part that looks at these attributes of the month alone: made anew only when one of them is another."""
    last: tuple[tuple[object, ...], Estimate] | None = None

    def of(now: Inputs) -> Estimate:
        nonlocal last
        key = tuple(getattr(now.usage, name) for name in names)
        if last is None or last[0] != key:
            last = key, part(now)
        return last[1]

    return of


def _merged(parts: tuple[Part, ...]) -> list[Part]:
    """Neighbours that are the same in every month as one."""
    steps: list[Part] = []
    for part in parts:
        last = steps[-1] if steps else None
        if isinstance(part, Estimate) and isinstance(last, Estimate):
            steps[-1] = last + part
        else:
            steps.append(part)
    return steps
