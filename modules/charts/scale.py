"""Axes: from a value to a share of the plot's width or height, and the ticks between. Pure numbers and text.

Shares run from 0 (left, bottom) to 1 (right, top), so that a chart can be drawn in per cent and needs no width of its
own: see `svg.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

__all__ = ["Axis", "Kind", "Number", "Scale", "Tick", "plain", "scale_of"]

Number = int | float | Decimal
Kind = Literal["linear", "log", "percentile"]

_PERCENTILES = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999)
_BETWEEN = (75.0, 95.0, 99.5)
_CLOSE = 3.2
"""Nines from which on there is no room for ticks between them."""


def plain(value: float) -> str:
    """A number as short as it can be, with thousands apart.

    >>> plain(1500.0), plain(0.25), plain(1e-7)
    ('1,500', '0.25', '1e-07')
    """
    if value and abs(value) < 1e-4:
        return f"{value:g}"
    text = f"{value:,.4f}"
    return text.rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Axis:
    """What an axis says.

    Attributes:
        label: quantity and unit, `USD a month`.
        text: how a value is written on the axis, in tooltips and in the table of values.
        precise: how it is written where there is room; `text` without it.
        start, end: where the axis begins and ends; the data's own ends without them (a linear axis begins at 0).
        unit: what one step of the axis is in values, where ticks are to stand at round numbers of it: 10^9 ÷ 86,400 for
            bytes a second that are shown as GB a day.
    """

    label: str
    kind: Kind = "linear"
    text: Callable[[float], str] = plain
    precise: Callable[[float], str] | None = None
    start: float | None = None
    end: float | None = None
    unit: float = 1.0

    def write(self, value: Number) -> str:
        return (self.precise or self.text)(float(value))


@dataclass(frozen=True)
class Tick:
    """A place on an axis. `minor`: its label is left out where the chart is narrow."""

    share: float
    text: str
    minor: bool = False


@dataclass(frozen=True)
class Scale:
    """An axis with its ends known."""

    kind: Kind
    low: float
    high: float
    ticks: tuple[Tick, ...]
    unit: float = 1.0

    def share(self, value: Number) -> float:
        """Where a value is, 0 to 1; outside of that only where the value is beyond the axis."""
        return _share(self.kind, self.low, self.high, float(value) / self.unit)


def scale_of(axis: Axis, values: Iterable[Number], most_ticks: int = 6) -> Scale:
    """The axis over these values: its ends at round numbers, its ticks where a reader expects them.

    Raises:
        ValueError: a value that a log axis cannot hold (0 or less) or a percentile axis (100 or more, below 0).
    """
    found = [float(value) / axis.unit for value in values if math.isfinite(float(value))]
    if axis.unit != 1.0:
        return replace(scale_of(_in_units(axis), found, most_ticks), unit=axis.unit)
    if axis.kind == "percentile":
        return _percentile(found, axis)
    if axis.kind == "log":
        return _log(found, axis, most_ticks)
    return _linear(found, axis, most_ticks)


def _in_units(axis: Axis) -> Axis:
    ends = (None if end is None else end / axis.unit for end in (axis.start, axis.end))
    start, end = ends
    return replace(axis, text=lambda value: axis.text(value * axis.unit), start=start, end=end, unit=1.0)


def _share(kind: Kind, low: float, high: float, value: float) -> float:
    if kind == "linear":
        return (value - low) / (high - low)
    if kind == "log":
        return (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
    # HdrHistogram's axis: each further nine has the same width, so that the tail is seen as well as the middle.
    return _nines(value) / _nines(high)


def _nines(percentile: float) -> float:
    return -math.log10(1 - percentile / 100)


def _linear(values: Sequence[float], axis: Axis, most: int) -> Scale:
    low = axis.start if axis.start is not None else min([0.0, *values])
    high = axis.end if axis.end is not None else max(values, default=1.0)
    if high <= low:
        high = low + 1.0
    step = _round_step((high - low) / most)
    first = math.ceil(low / step - 1e-9) if axis.start is not None else math.floor(low / step + 1e-9)
    last = math.floor(high / step + 1e-9) if axis.end is not None else math.ceil(high / step - 1e-9)
    marks = [round(step * index, 12) for index in range(first, last + 1)]
    low = low if axis.start is not None else min(low, marks[0])
    high = high if axis.end is not None else max(high, marks[-1])
    ticks = tuple(
        Tick(_share("linear", low, high, mark), axis.text(mark), minor=bool(index % 2))
        for index, mark in enumerate(marks)
    )
    return Scale("linear", low, high, ticks)


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, the smallest that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _log(values: Sequence[float], axis: Axis, most: int) -> Scale:
    if any(value <= 0 for value in values):
        raise ValueError(f"a logarithmic axis ({axis.label}) has no place for 0 or less")
    low = axis.start if axis.start is not None else min(values, default=1.0)
    high = axis.end if axis.end is not None else max(values, default=10.0)
    if high <= low:
        low, high = low / 2, high * 2
    decades = math.log10(high / low)
    low = low if axis.start is not None else _round_down(low, decades)
    high = high if axis.end is not None else _round_up(high, decades)
    decades = math.log10(high / low)
    factors = (1,) if decades > 3 else (1, 3) if decades > 2 else (1, 2, 5)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    marks = [
        factor * 10.0**power
        for power in range(first, last + 1)
        for factor in factors
        if low * (1 - 1e-9) <= factor * 10.0**power <= high * (1 + 1e-9)
    ]
    every = max(1, math.ceil(len(marks) / (most + 2)))
    ticks = tuple(
        Tick(_share("log", low, high, mark), axis.text(mark), minor=bool(index // every % 2))
        for index, mark in enumerate(marks)
        if index % every == 0
    )
    return Scale("log", low, high, ticks)


def _round_down(value: float, decades: float) -> float:
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    fits = [factor * power for factor in ((1,) if decades > 3 else (1, 2, 5)) if factor * power <= value * (1 + 1e-9)]
    return fits[-1]


def _round_up(value: float, decades: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    factors = (1, 10) if decades > 3 else (1, 2, 5, 10)
    return next(factor * power for factor in factors if factor * power >= value * (1 - 1e-9))


def _percentile(values: Sequence[float], axis: Axis) -> Scale:
    if any(not 0 <= value < 100 for value in values):
        raise ValueError(f"a percentile axis ({axis.label}) goes from 0 to below 100")
    high = max([90.0, *values]) if axis.end is None else axis.end
    wide = _nines(high) <= _CLOSE
    marks = sorted((*_PERCENTILES, *(_BETWEEN if wide else ())))
    ticks = tuple(
        Tick(
            _share("percentile", 0.0, high, mark),
            f"{mark:g} %" if mark else "0",
            minor=mark in _BETWEEN or (mark == 50.0 and not wide),
        )
        for mark in marks
        if mark <= high + 1e-9
    )
    return Scale("percentile", 0.0, high, ticks)
