"""What plots in the terminal share: where ticks go, and colours on what plotext drew."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log10
from typing import Any

from rich.text import Text

__all__ = ["coloured", "drawn", "fresh_figure", "round_ticks", "spread"]


def fresh_figure(width: int, height: int) -> Any:
    """plotext's figure, empty and of this size, whatever the terminal's is."""
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    return figure


def drawn(figure: Any) -> str:
    """The figure as lines without colour; the figure is empty afterwards."""
    text = str(figure.build().string(colorless=True)).rstrip("\n")
    figure.clear()
    return text


def coloured(text: str, styles: Mapping[str, str]) -> Text:
    """Signs between the axes in their style; all else, the labels left of the axis too, as the terminal writes."""
    found = Text()
    for line in text.splitlines():
        start = next((place for place, sign in enumerate(line) if sign in "│┤"), len(line))
        found.append(line[:start])
        for sign in line[start:]:
            found.append(sign, styles.get(sign))
        found.append("\n")
    return found


def spread(count: int, most: int) -> list[int]:
    """At most so many of `count` places, evenly, with both ends."""
    if count <= most:
        return list(range(count))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]


def round_ticks(low: float, high: float, *, by_ratio: bool) -> list[float]:
    """1, 2, 5, 10 … between the ends, or even steps of such a number; both ends where nothing round lies between."""
    if high <= low:
        return [low]
    if by_ratio:
        powers = range(floor(log10(low)), floor(log10(high)) + 1)
        found = [each * 10.0**power for power in powers for each in (1, 2, 5)]
        inside = [each for each in found if low <= each <= high]
        return inside if len(inside) >= 2 else [low, high]
    rough = (high - low) / 5
    size = 10.0 ** floor(log10(rough))
    # A step that is short of `rough` by rounding only is no reason for the next larger one.
    step = next(each * size for each in (1, 2, 5, 10) if each * size >= rough * 0.999)
    first = -floor(-low / step)
    return [number * step for number in range(first, floor(high / step) + 1)] or [low, high]
