"""A plot of costs over a range for the terminal: letters for the options, amounts and values at the axes.

plotext draws it; here are the scales and the legend. Nothing is read from the terminal: width and colour
are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from string import ascii_uppercase

from rich.text import Text

from cli._plot import coloured, drawn, fresh_figure, round_ticks, spread
from modules.cost.currency import report_currency, written

__all__ = ["Curve", "legend", "plot"]

_HEIGHT = 22
_TICKS = 6
_COLOURS = {"confluent": "bright_blue", "msk": "yellow", "redpanda": "red"}


@dataclass(frozen=True)
class Curve:
    """One line: its name, where its colour comes from, and places with amounts (None: a gap)."""

    name: str
    option: str
    heights: tuple[float | None, ...]


def plot(
    curves: Sequence[Curve], places: Sequence[float], labels: Sequence[str], *, by_ratio: bool, width: int
) -> Text:
    """The plot with its legend; letters in the colour of their platform, all else as the terminal writes.

    Args:
        places, labels: of the range's values, in their order.
        by_ratio: logarithmic axes, for which all places are above 0; amounts are drawn so where they are as well.
    """
    heights = [each for curve in curves for each in curve.heights if each is not None]
    up = by_ratio and min(heights) > 0
    across = [log10(each) for each in places] if by_ratio else list(places)
    figure = fresh_figure(width, _HEIGHT)
    alone = len(curves) == 1
    for curve, letter in zip(curves, ascii_uppercase, strict=False):
        kept = [(x, log10(y) if up else y) for x, y in zip(across, curve.heights, strict=True) if y is not None]
        signal = figure.signal([x for x, _ in kept], [y for _, y in kept], marker="braille" if alone else letter)
        if alone and len(kept) > 1:
            signal.lines()
        figure.draw(signal)
    shown = spread(len(places), _TICKS)
    figure.ruler("x").ticks([across[each] for each in shown], [labels[each] for each in shown])
    amounts = round_ticks(min(heights), max(heights), by_ratio=up)
    figure.ruler("y").ticks([log10(each) if up else each for each in amounts], [_amount(each) for each in amounts])
    text = drawn(figure)
    if alone:
        return Text(text)
    named = zip(curves, ascii_uppercase, strict=False)
    return coloured(text, {letter: _COLOURS.get(each.option.partition("-")[0], "cyan") for each, letter in named})


def legend(curves: Sequence[Curve], width: int) -> str:
    """Letters and names, as many in a row as fit."""
    entries = [f"{letter} {curve.name}" for curve, letter in zip(curves, ascii_uppercase, strict=False)]
    column = max(map(len, entries)) + 3
    fit = max(1, width // column)
    rows = [entries[start : start + fit] for start in range(0, len(entries), fit)]
    return "\n".join("".join(each.ljust(column) for each in row).rstrip() for row in rows)


def _amount(amount: float) -> str:
    return written(f"{amount:,.0f}" if amount >= 10 else f"{amount:,.2f}", report_currency())
