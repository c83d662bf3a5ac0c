"""How the options' costs and their order change as the load grows: the columns 1×, 10×, 100×, and the crossovers.

Each option is given the size that carries each load. The order is compared at eight loads a decade; where two options
have changed places between two of them, the place is found by bisection (`crossing.py`). Only traffic grows:
partitions, warehouse hours and tasks stay as they are, and an option ends where no setting of its own carries more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from modules.cost.catalog import OPTIONS, Option, prepare, sized
from modules.cost.compare import AtLoad, Crossover, Growth
from modules.cost.crossing import crossings, last_where
from modules.cost.estimators.base import Inputs
from modules.cost.estimators.prepared import Bill
from modules.cost.lines import total
from modules.environment.model import Environment

__all__ = ["Path", "growth"]

_STEPS_PER_DECADE = 8


def growth(environment: Environment, inputs: Inputs, options: Sequence[str], factors: tuple[int, ...]) -> Growth:
    """The options at each of the factors, the loads between them, and where they change places."""
    base = inputs.usage.bytes_per_second
    paths = {name: Path(OPTIONS[name], environment, inputs) for name in options}
    loads = [base * factor for factor in _between(min(factors), max(factors))]
    columns = {name: tuple(path.at(base * factor) for factor in factors) for name, path in paths.items()}
    curve = {name: tuple(path.at(load) for load in loads) for name, path in paths.items()}
    reach = {name: _reach(path, loads) for name, path in paths.items()}
    found = crossings({name: path.cost for name, path in paths.items()}, loads)
    crossovers = (Crossover(each.at, each.overtaker, each.overtaken, each.cost, each.cheapest) for each in found)
    return Growth(factors, columns, curve, reach, tuple(crossovers))


class Path:
    """One option along the loads, each priced once in the size that carries it."""

    def __init__(self, option: Option, environment: Environment, inputs: Inputs) -> None:
        self.option = option
        self._environment = environment
        self._inputs = inputs
        self._bills: dict[str, Bill] = {}
        self._found: dict[Decimal, AtLoad] = {}

    def at(self, load: Decimal) -> AtLoad:
        if load not in self._found:
            self._found[load] = self._priced(load)
        return self._found[load]

    def cost(self, load: Decimal) -> Decimal | None:
        """What options are ranked by; None where it does not fit or could be anything."""
        found = self.at(load).total
        return found.least if found is not None and found.most is not None else None

    def carries(self, load: Decimal) -> bool:
        return self.at(load).total is not None

    def _priced(self, load: Decimal) -> AtLoad:
        usage = replace(self._inputs.usage, bytes_per_second=load)
        its = sized(self.option, usage, self._environment)
        if not its.fits:
            return AtLoad(load, None, its)
        size = str(its.changes)
        bill = self._bills.get(size)
        if bill is None:
            bill = self._bills[size] = prepare(self.option, self._inputs, its.environment)
        return AtLoad(load, total(bill(usage).lines), its)


def _between(least: int, most: int) -> list[Decimal]:
    """Factors in even steps of their logarithm, both ends exact."""
    if least == most:
        return [Decimal(least)]
    ratio = Decimal(most) / least
    steps = max(1, round(float(ratio.log10()) * _STEPS_PER_DECADE))
    inner = [round(least * ratio ** (Decimal(step) / steps), 4) for step in range(1, steps)]
    return [Decimal(least), *inner, Decimal(most)]


def _reach(path: Path, loads: Sequence[Decimal]) -> Decimal | None:
    """The largest load it carries; None beyond the last, 0 where it does not carry the first."""
    if path.carries(loads[-1]):
        return None
    fails = next(number for number, load in enumerate(loads) if not path.carries(load))
    return last_where(path.carries, loads[fails - 1], loads[fails]) if fails else Decimal(0)
