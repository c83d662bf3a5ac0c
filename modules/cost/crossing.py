"""Where costs change places as one thing grows, found by bisection.

Every function here takes costs as functions of one number (a load in bytes/s, hours a day): None where an option cannot
be had or could cost anything. Places are found to a thousandth. Two costs that change places and back between two
neighbouring numbers of the grid are not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, pairwise

__all__ = ["CostOf", "Crossing", "crossings", "last_where"]

CostOf = Callable[[Decimal], Decimal | None]

_CLOSE = Decimal("0.001")


@dataclass(frozen=True)
class Crossing:
    """From `at` on, `overtaker` costs less than `overtaken`: `cost`, the least of all there if `cheapest`."""

    at: Decimal
    overtaker: str
    overtaken: str
    cost: Decimal
    cheapest: bool


def crossings(costs: Mapping[str, CostOf], grid: Sequence[Decimal]) -> Iterator[Crossing]:
    """Every change of places of two options, in the order of the grid, which rises."""
    found = []
    for one, other in combinations(costs, 2):
        for low, high in pairwise(grid):
            first, last = (_order(one, costs[one](at), other, costs[other](at)) for at in (low, high))
            if first is not None and last is not None and first != last:
                overtaker, overtaken = (one, other) if last else (other, one)
                found.append(_crossing(costs, overtaker, overtaken, low, high))
    yield from sorted(found, key=lambda each: (each.at, each.overtaker, each.overtaken))


def last_where(holds: Callable[[Decimal], bool], low: Decimal, high: Decimal) -> Decimal:
    """The largest number for which it holds, between one for which it does and one for which it does not."""
    while not _near(low, high):
        middle = _middle(low, high)
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def _crossing(costs: Mapping[str, CostOf], overtaker: str, overtaken: str, low: Decimal, high: Decimal) -> Crossing:
    def before(at: Decimal) -> bool:
        return not _order(overtaker, costs[overtaker](at), overtaken, costs[overtaken](at))

    while not _near(low, high):
        middle = _middle(low, high)
        low, high = (middle, high) if before(middle) else (low, middle)
    cost = costs[overtaker](high)
    assert cost is not None
    others = (of(high) for of in costs.values())
    return Crossing(high, overtaker, overtaken, cost, all(each is None or each >= cost for each in others))


def _order(one: str, its: Decimal | None, other: str, others: Decimal | None) -> bool | None:
    """Whether the first is cheaper; None where they cannot be compared. A tie goes by name, and so changes nothing."""
    if its is None or others is None:
        return None
    return (its, one) < (others, other)


def _near(low: Decimal, high: Decimal) -> bool:
    return high - low <= _CLOSE * high


def _middle(low: Decimal, high: Decimal) -> Decimal:
    """Half way by ratio; by difference where the lower end is 0."""
    return (low * high).sqrt() if low > 0 else (low + high) / 2
