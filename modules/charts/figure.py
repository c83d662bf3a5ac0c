"""What a chart is made of: values that know where the page's JSON has them, series, and the finished figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from markupsafe import Markup

from modules.charts.scale import Number

__all__ = ["Dash", "DataTable", "Figure", "Key", "Point", "Tone", "Value"]

Dash = Literal["solid", "dashed", "dotted", "dashdot", "sparse"]
Tone = Literal["plain", "good", "warn", "bad"]


@dataclass(frozen=True)
class Value:
    """A number that is drawn, and the JSON pointer (RFC 6901) under which the page's data holds it.

    The mark carries both, as `data-value` and `data-path`: a test resolves the one and compares it with the other.
    """

    number: Number
    path: str

    def __str__(self) -> str:
        return f"{self.number:f}" if isinstance(self.number, Decimal) else str(self.number)


@dataclass(frozen=True)
class Point:
    """A place on a line; without `y` the line has a gap there."""

    x: Number
    y: Value | None


@dataclass(frozen=True)
class Key:
    """An entry of the legend. `colour`: 1 to 8 of the page's palette, 0 its ink. `dash`: as the line is, or an area."""

    name: str
    series: str
    colour: int
    dash: Dash | Literal["area", "hatch"] = "solid"


@dataclass(frozen=True)
class DataTable:
    """The values of a chart as text, for who cannot see it or wants the numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """A finished chart, for a page's section.

    Attributes:
        left, right: pixels that labels need beside the plot; the right ones only where the page is wide.
        height: of the plot in pixels; None: the drawing has its own.
    """

    id: str
    title: str
    description: str
    svg: Markup
    table: DataTable
    keys: tuple[Key, ...] = ()
    note: str = ""
    left: int = 0
    right: int = 0
    height: int | None = None
    kind: str = field(default="plot")
