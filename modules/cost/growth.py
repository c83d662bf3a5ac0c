"""How the options' costs and their order change as the load grows: the columns 1×, 10×, 100×, and the crossovers.

Each option is given the size that carries each load, and keeps it for larger ones. The order is compared at loads a
tenth or so apart; where two options have changed places between two of them, the place is found by bisection. Two that
change places and back between two neighbouring loads are not seen. Only traffic grows: partitions, warehouse hours and
tasks stay as they are, and an option ends where no setting of its own carries more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations, pairwise

from modules.cost.catalog import OPTIONS, Option, estimate, sized
from modules.cost.compare import AtLoad, Crossover, Growth
from modules.cost.estimators.base import Inputs
from modules.cost.lines import total
from modules.environment.model import Environment

__all__ = ["growth"]

_STEPS_PER_DECADE = 8
_CLOSE = Decimal("1.001")
"""A crossover is found to a thousandth of its load."""


def growth(environment: Environment, inputs: Inputs, options: Sequence[str], factors: tuple[int, ...]) -> Growth:
    """The options at each of the factors, the loads between them, and where they change places."""
    base = inputs.usage.bytes_per_second
    paths = {name: _Path(OPTIONS[name], environment, inputs) for name in options}
    loads = [base * factor for factor in _between(min(factors), max(factors))]
    for path in paths.values():
        for load in loads:
            path.at(load)
    columns = {name: tuple(path.at(base * factor) for factor in factors) for name, path in paths.items()}
    curve = {name: tuple(path.at(load) for load in loads) for name, path in paths.items()}
    reach = {name: _reach(path, loads) for name, path in paths.items()}
    return Growth(factors, columns, curve, reach, tuple(_crossovers(paths, loads)))


class _Path:
    """One option along the loads, each priced once."""

    def __init__(self, option: Option, environment: Environment, inputs: Inputs) -> None:
        self.option = option
        self._environment = environment
        self._inputs = inputs
        self._found: dict[Decimal, AtLoad] = {}

    def at(self, load: Decimal) -> AtLoad:
        if load not in self._found:
            self._found[load] = self._priced(load)
        return self._found[load]

    def cost(self, load: Decimal) -> Decimal | None:
        """What options are ranked by; None where it does not fit or could be anything."""
        found = self.at(load).total
        return found.least if found is not None and found.most is not None else None

    def _priced(self, load: Decimal) -> AtLoad:
        usage = replace(self._inputs.usage, bytes_per_second=load)
        its = sized(self.option, usage, self._environment)
        if not its.fits:
            return AtLoad(load, None, its)
        made = estimate(self.option, replace(self._inputs, usage=usage), its.environment)
        return AtLoad(load, total(made.lines), its)


def _between(least: int, most: int) -> list[Decimal]:
    """Factors in even steps of their logarithm, both ends exact."""
    if least == most:
        return [Decimal(least)]
    ratio = Decimal(most) / least
    steps = max(1, round(float(ratio.log10()) * _STEPS_PER_DECADE))
    inner = [round(least * ratio ** (Decimal(step) / steps), 4) for step in range(1, steps)]
    return [Decimal(least), *inner, Decimal(most)]


def _reach(path: _Path, loads: Sequence[Decimal]) -> Decimal | None:
    """The largest load it carries, to a thousandth; None beyond the last, 0 where it does not carry the first."""
    if path.at(loads[-1]).total is not None:
        return None
    fits, fails = Decimal(0), loads[0]
    for load in loads:
        if path.at(load).total is None:
            fails = load
            break
        fits = load
    while fits and fails / fits > _CLOSE:
        middle = _middle(fits, fails)
        if path.at(middle).total is None:
            fails = middle
        else:
            fits = middle
    return fits


def _crossovers(paths: dict[str, _Path], loads: Sequence[Decimal]) -> Iterator[Crossover]:
    """Every change of places of two options, by load."""
    found = []
    for one, other in combinations(paths, 2):
        for low, high in pairwise(loads):
            first, last = _order(paths[one], paths[other], low), _order(paths[one], paths[other], high)
            if first and last and first != last:
                overtaker, overtaken = (one, other) if last < 0 else (other, one)
                found.append(_crossing(paths, overtaker, overtaken, low, high))
    yield from sorted(found, key=lambda each: (each.ingress, each.overtaker, each.overtaken))


def _crossing(paths: dict[str, _Path], overtaker: str, overtaken: str, low: Decimal, high: Decimal) -> Crossover:
    while high / low > _CLOSE:
        middle = _middle(low, high)
        order = _order(paths[overtaker], paths[overtaken], middle)
        if order is not None and order < 0:
            high = middle
        else:
            low = middle
    cost = paths[overtaker].cost(high)
    assert cost is not None
    others = (path.cost(high) for path in paths.values())
    return Crossover(high, overtaker, overtaken, cost, cheapest=all(each is None or each >= cost for each in others))


def _order(one: _Path, other: _Path, load: Decimal) -> int | None:
    """Below 0: the first is cheaper; None where they cannot be compared. A tie goes by name, and so changes nothing."""
    mine, its = one.cost(load), other.cost(load)
    if mine is None or its is None:
        return None
    return -1 if (mine, one.option.id) < (its, other.option.id) else 1


def _middle(low: Decimal, high: Decimal) -> Decimal:
    return (low * high).sqrt()
