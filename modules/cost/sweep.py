"""An environment's cost over a range of one YAML key, or two: for its own option or for all of them.

What is exact: every point is the report of an environment whose YAML has that value. Up to `CHECKED` values of a key go
through the loader one by one, and those it refuses are left out and said. A longer range of the workload's keys is
compiled: both ends and a sample of values between go through the loader, and at each the compiled amount must be the
report's, to the last digit. Where the load itself is swept, an option is given the size that carries each load.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from modules.cost.axis import Axis, axis_of, text_of, value_of
from modules.cost.book import PriceBook
from modules.cost.catalog import COMPARED, OPTIONS, Option, option_of
from modules.cost.crossing import Crossing, crossings, last_where
from modules.cost.sweep_points import Point, Pricing, at_path, with_value
from modules.cost.whatif import layers_of, load_with
from modules.environment.document import Mapping as Layer
from modules.environment.keys import shape_at
from modules.environment.loader import read_document
from modules.environment.model import Environment
from modules.environment.overrides import Path, layer_of, written
from modules.errors import ConfigError, PriceError
from modules.project import Project

__all__ = ["CHECKED", "Point", "Series", "Sweep", "sweep"]

CHECKED = 60
"""Values of a key that are loaded one by one; more are compiled."""

_SAMPLE = 5
"""Values of a compiled range, beside its ends, at which it is held against the loader."""

MOST_CELLS = 10_000


@dataclass(frozen=True)
class Series:
    """One option along the sweep, in the order of the first axis; with two axes, each row of the first one's values
    holds all of the second's."""

    option: str
    title: str
    chosen: bool
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Sweep:
    """A sweep of one axis or two.

    Attributes:
        crossovers: of one axis that has an order, where options change places.
        left_out: values the loader refuses, with its words.
        needs: values at which the YAML would need more than the larger size, with the loader's words.
        budget_at: of one such axis, up to which number the environment's own option keeps to its budget; None where it
            does so at no value or at all, and where there are several options.
        sized: whether options were given the size that carries the load.
        checked: how many points were held against the loader.
    """

    environment: str
    settings: tuple[str, ...]
    axes: tuple[Axis, ...]
    series: tuple[Series, ...]
    crossovers: tuple[Crossing, ...]
    left_out: tuple[tuple[str, str], ...]
    needs: tuple[tuple[str, str], ...]
    budget_at: Decimal | None
    sized: bool
    checked: int

    @property
    def places(self) -> list[tuple[str, ...]]:
        """The values of each point as the YAML would have them."""
        return list(itertools.product(*(axis.texts for axis in self.axes)))

    @property
    def size(self) -> int:
        """Points of each series."""
        count = 1
        for axis in self.axes:
            count *= len(axis.values)
        return count


def sweep(
    project: Project,
    name: str,
    over: Sequence[str],
    book: PriceBook,
    *,
    settings: Sequence[str] = (),
    points: int = 25,
    every_option: bool = False,
) -> Sweep:
    """The environment, with `settings`, over one or two ranges.

    Raises:
        ConfigError: a range is wrong, one of its ends is refused by the loader, or there are too many points.
        PriceError: a region or a broker type in it has no price.
    """
    if len(over) not in (1, 2):
        raise ConfigError(f"{len(over)} ranges", where="--over", do="give --over once, or twice for a grid")
    run = _Sweep(project, name, settings, book)
    axes = [run.axis(text, points) for text in over]
    if len(axes) == 2 and axes[0].path == axes[1].path:
        raise ConfigError(f"both ranges are of `{axes[0].name}`", where="--over", do="name two keys")
    cells = 1
    for axis in axes:
        cells *= len(axis.values)
    if cells > MOST_CELLS:
        raise ConfigError(
            f"{cells:,} points; {MOST_CELLS:,} are the most", where="--over", do="give fewer with --points"
        )
    axes = [run.loadable(axis) for axis in axes]
    return run.priced(tuple(axes), _options(run.base, axes, every_option))


def _options(environment: Environment, axes: Sequence[Axis], every: bool) -> list[Option] | None:
    """All, or None for each point's own: a sweep may move from one platform to another."""
    if every:
        moves = [axis.name for axis in axes if axis.path[0] not in _SHARED]
        if moves:
            raise ConfigError(
                f"`{moves[0]}` is not something that all platforms have", where="--compare",
                do="leave --compare out, or sweep a key of `workload`, `topics`, `connect` or `warehouse`",
            )  # fmt: skip
        return [OPTIONS[name] for name in COMPARED]
    if option_of(environment) is None and all(axis.path[0] != "platform" for axis in axes):
        raise ConfigError(
            f"`{environment.name}` runs on this machine and costs nothing, whatever is swept",
            where=f"{environment.source}: platform",
            do="add --compare for all other platforms, or --set platform=msk for one",
        )
    return None


_SHARED = ("workload", "topics", "connect", "warehouse", "applications", "production", "network", "sources")


class _Sweep:
    """The environment that is swept, and what it takes to price its points."""

    def __init__(self, project: Project, name: str, settings: Sequence[str], book: PriceBook) -> None:
        self._project, self._name, self._book = project, name, book
        self._settings = tuple(settings)
        self._layers = layers_of(project, name, settings)
        self._root = read_document(project, name, self._layers).root
        self._left_out: list[tuple[str, str]] = []
        self._needs: list[tuple[str, str]] = []
        self._checked = 0
        self.base = load_with(project, name, self._layers)

    def loaded(self, settings: Sequence[tuple[Path, str]]) -> Environment:
        """Through the loader, with these values."""
        layers: list[Layer] = [layer_of(path, text, f"--over {written(path)}") for path, text in settings]
        return load_with(self._project, self._name, [*self._layers, *layers])

    def axis(self, text: str, points: int) -> Axis:
        return axis_of(text, self._root, points, self._value)

    def _value(self, path: Path, text: str) -> object:
        """What the model makes of a value; one of the workload may be more than the given size carries."""
        try:
            return at_path(self.loaded([(path, text)]), path)
        except ConfigError as error:
            if not _of_size_alone(path, error):
                raise
            return value_of(shape_at(path), text)

    def loadable(self, axis: Axis) -> Axis:
        """Without the values that the loader refuses; a long range is tried at a sample only."""
        if len(axis.values) > CHECKED:
            return axis
        keep = []
        for place, text in enumerate(axis.texts):
            try:
                self.loaded([(axis.path, text)])
                keep.append(place)
            except ConfigError as error:
                if _of_size_alone(axis.path, error):
                    keep.append(place)
                    continue
                self._left_out.append((f"{axis.name} {text}", error.details[0] if error.details else error.what))
        return axis.only(keep)

    def priced(self, axes: tuple[Axis, ...], options: list[Option] | None) -> Sweep:
        grown = all(axis.path[0] == "workload" for axis in axes)
        paths = [axis.path for axis in axes]
        line = Pricing(self._first(axes), self._book, paths, grown=grown)
        columns: dict[str, list[Point]] = {}
        for values in _combined(axes):
            for key, point in line.points(values, options).items():
                columns.setdefault(key, []).append(point)
        self._check(axes, line, options)
        series = tuple(self._series(key, points) for key, points in columns.items())
        return Sweep(
            self.base.name, self._settings, axes, series, _crossovers(axes, line, options),
            tuple(self._left_out), tuple(self._needs), self._budget_at(axes, line, options), grown, self._checked,
        )  # fmt: skip

    def _budget_at(self, axes: Sequence[Axis], line: Pricing, options: list[Option] | None) -> Decimal | None:
        budget = self.base.budget
        if options is not None or budget is None or len(axes) != 1 or not axes[0].continuous:
            return None
        axis, limit = axes[0], self._book.convert(budget.monthly.amount, budget.monthly.currency)

        def keeps(number: Decimal) -> bool:
            total = line.points((axis.value(number),), None)[""].total
            return total is not None and total.least <= limit

        first = next((place for place, number in enumerate(axis.numbers) if not keeps(number)), 0)
        return last_where(keeps, axis.numbers[first - 1], axis.numbers[first]) if first else None

    def _first(self, axes: Sequence[Axis]) -> Environment:
        """With the first values, so that every key that is swept is there."""
        try:
            return self.loaded([(axis.path, axis.texts[0]) for axis in axes])
        except ConfigError as error:
            if not all(_of_size_alone(axis.path, error) for axis in axes):
                raise
        made = self.base
        for axis in axes:
            made = with_value(made, axis.path, axis.values[0])
        return made

    def _series(self, key: str, points: list[Point]) -> Series:
        """`key` is empty for the environment's own option, which a sweep of the platform changes on its way."""
        own = option_of(self.base)
        options = {point.option for point in points}
        name = key or (options.pop() if len(options) == 1 else "")
        title = OPTIONS[name].name if name in OPTIONS else self.base.name
        return Series(name or "own", title, not key or (own is not None and own.id == key), tuple(points))

    def _check(self, axes: tuple[Axis, ...], line: Pricing, options: list[Option] | None) -> None:
        """Holds the points against the loader: all of a short sweep, the ends and a sample of a long one."""
        every = [tuple(zip(*pairs, strict=True)) for pairs in _combined(axes, with_texts=True)]
        step = max(1, len(every) // (_SAMPLE + 1)) if len(every) > CHECKED else 1
        for values, texts in dict.fromkeys([*every[::step], every[-1]]):
            points = line.points(values, options)
            settings = [(axis.path, str(text)) for axis, text in zip(axes, texts, strict=True)]
            there = self._in_its_size(settings, points)
            if there is None:
                continue
            loaded = Pricing(there, self._book, [], grown=line.grown).points((), options)
            if any(point.total != loaded[key].total for key, point in points.items()):
                shown = ", ".join(f"{axis.name}={text}" for axis, text in zip(axes, texts, strict=True))
                raise PriceError(
                    f"the sweep and the report differ at {shown}; this is a defect of infra",
                    do="please report it; `infra cost whatif --set` gives the report's amount",
                )
            self._checked += 1

    def _in_its_size(self, settings: list[tuple[Path, str]], points: Mapping[str, Point]) -> Environment | None:
        """Through the loader, with the size that carries this load; None where none does."""
        own = option_of(self.base)
        point = points.get("") or (points.get(own.id) if own else None)
        if point is None:
            return self.loaded(settings)
        if point.total is None:
            return None
        sizes = [(tuple(key.split(".")), text_of(value)) for key, value in point.changes.items()]
        try:
            return self.loaded([*settings, *sizes])
        except ConfigError as error:
            if not error.details:
                raise
            where = ", ".join(f"{written(path)} {text}" for path, text in settings)
            self._needs.append((where, "; ".join(error.details)))
            return None


def _of_size_alone(path: Path, error: ConfigError) -> bool:
    """Whether the loader has nothing against the value itself, only against other keys that are too small for it."""
    option = f"--over {written(path)}"
    return path[0] == "workload" and bool(error.details) and not any(each.startswith(option) for each in error.details)


def _crossovers(axes: tuple[Axis, ...], line: Pricing, options: list[Option] | None) -> tuple[Crossing, ...]:
    """Along one axis that has values between its values."""
    if options is None or len(axes) != 1 or not axes[0].continuous:
        return ()
    (axis,) = axes
    known: dict[Decimal, dict[str, Point]] = {}

    def cost(option: str) -> Callable[[Decimal], Decimal | None]:
        def of(number: Decimal) -> Decimal | None:
            if number not in known:
                known[number] = line.points((axis.value(number),), options)
            at = known[number][option].total
            return at.least if at is not None and at.most is not None else None

        return of

    return tuple(crossings({each.id: cost(each.id) for each in options}, axis.numbers))


def _combined(axes: Sequence[Axis], *, with_texts: bool = False) -> list[tuple[Any, ...]]:
    """Every value of the first axis with every one of the second; or (value, text) pairs."""
    every = [tuple(zip(axis.values, axis.texts, strict=True)) if with_texts else axis.values for axis in axes]
    return list(itertools.product(*every))
