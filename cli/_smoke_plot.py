"""Plots of latencies for the terminal: the trend over runs, and latency against cost. plotext draws them.

Here are the scales and colours. Nothing is read from the terminal: width and colour are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from rich.text import Text

from cli._plot import coloured, drawn, fresh_figure, round_ticks, spread

__all__ = ["Mark", "places_plot", "trend_plot"]

_TREND_HEIGHT, _PLACES_HEIGHT = 16, 20
_TICKS = 6
_COLOURS = ("bright_blue", "yellow", "magenta", "green", "red")


@dataclass(frozen=True)
class Mark:
    """One place of a plot: its letter, where it is, and whether it stands out."""

    letter: str
    x: float
    y: float
    bold: bool


def trend_plot(trends: Mapping[str, Sequence[float | None]], labels: Sequence[str], width: int) -> Text:
    """Figures in milliseconds over runs, evenly spaced, each drawn with the first letter free of its name.

    Args:
        trends: by name, such as p50, a value or a gap for each run.
        labels: of the runs, below the axis where they fit.
    """
    known = [each for values in trends.values() for each in values if each is not None]
    ratio = min(known) > 0 and max(known) > 8 * min(known)
    letters = dict(zip(trends, "●◆▲■★", strict=False))
    figure = fresh_figure(width, _TREND_HEIGHT)
    for name, values in trends.items():
        kept = [(index, _up(value, ratio)) for index, value in enumerate(values) if value is not None]
        if kept:
            figure.draw(figure.signal([x for x, _ in kept], [y for _, y in kept], marker=letters[name]))
    most = max(2, min(_TICKS, width // (max(map(len, labels)) + 4)))
    shown = spread(len(labels), most)
    figure.ruler("x").ticks(shown, [labels[each] for each in shown])
    _ruled(figure, known, ratio)
    return _without_end(figure, dict(zip(letters.values(), _COLOURS, strict=False)))


def places_plot(marks: Sequence[Mark], amount: str, width: int) -> Text:
    """Letters at their cost (across) and latency (up); those that stand out in colour.

    Args:
        amount: how a cost is written, such as `${:,.0f}`.
    """
    figure = fresh_figure(width, _PLACES_HEIGHT)
    costs, heights = [each.x for each in marks], [each.y for each in marks]
    across = min(costs) > 0 and max(costs) > 8 * min(costs)
    ratio = min(heights) > 0 and max(heights) > 8 * min(heights)
    for mark in marks:
        figure.draw(figure.signal([_up(mark.x, across)], [_up(mark.y, ratio)], marker=mark.letter))
    figure.ruler("x").lim(*_around(costs, across))
    ticks = round_ticks(min(costs), max(costs), by_ratio=across)
    shown = [ticks[each] for each in spread(len(ticks), _TICKS)]
    figure.ruler("x").ticks([_up(each, across) for each in shown], [amount.format(each) for each in shown])
    _ruled(figure, heights, ratio)
    return _without_end(figure, {mark.letter: "bold green" if mark.bold else "yellow" for mark in marks})


def _ruled(figure: Any, values: Sequence[float], ratio: bool) -> None:
    ticks = round_ticks(min(values), max(values), by_ratio=ratio)
    ruler = figure.ruler("y")
    ruler.lim(*_around(values, ratio))
    ruler.ticks([_up(each, ratio) for each in ticks], [_short(each) for each in ticks])


def _without_end(figure: Any, styles: Mapping[str, str]) -> Text:
    text = coloured(drawn(figure), styles)
    text.rstrip()
    return text


def _around(values: Sequence[float], ratio: bool) -> tuple[float, float]:
    """The ends of an axis, a little beyond the values, so that none lies on the frame."""
    low, high = _up(min(values), ratio), _up(max(values), ratio)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _up(value: float, ratio: bool) -> float:
    return log10(value) if ratio else value


def _short(milliseconds: float) -> str:
    return f"{milliseconds / 1000:g} s" if milliseconds >= 1000 else f"{milliseconds:.4g} ms"
