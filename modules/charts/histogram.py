"""Histograms: bars over a linear or logarithmic axis, and a second run as an outline over the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from modules.charts.figure import DataTable, Figure, Key, Value
from modules.charts.lines import HEIGHT, Rule, draw_rule
from modules.charts.scale import Axis, Scale, scale_of
from modules.charts.svg import SPAN, at, element, figure_svg, grid, slug, stretched

__all__ = ["Bin", "Bins", "histogram"]


@dataclass(frozen=True)
class Bin:
    """A bar of a histogram: values from `low` to below `high`, and how many."""

    low: float
    high: float
    count: Value


@dataclass(frozen=True)
class Bins:
    """A histogram's series. The first is drawn as bars, further ones as outlines over it."""

    name: str
    bins: Sequence[Bin]
    colour: int


def histogram(
    title: str, description: str, series: Sequence[Bins], x: Axis, y: Axis, *,
    rules: Sequence[Rule] = (), note: str = "", id: str = "",
) -> Figure:  # fmt: skip
    """How many values fall where. x may be logarithmic; the second run is an outline over the first one's bars."""
    name = id or slug(title)
    edges = [edge for one in series for each in one.bins for edge in (each.low, each.high)]
    across = scale_of(x, [*edges, *(rule.value.number for rule in rules if rule.axis == "x")], most_ticks=8)
    up = scale_of(y, [each.count.number for one in series for each in one.bins], most_ticks=5)
    body = [grid(across, up, x.label, y.label)]
    for index, one in enumerate(series):
        body.append(_bin_rects(one, index, across, up, x, y, outlined=index > 0))
    body += [draw_rule(rule, across if rule.axis == "x" else up) for rule in rules]
    return Figure(
        id=name,
        title=title,
        description=description,
        svg=figure_svg(name, title, description, body),
        table=_histogram_table(series, x, y),
        keys=tuple(Key(one.name, str(index), one.colour, "area" if not index else "solid")
                   for index, one in enumerate(series)),
        note=note,
        left=12 + max(len(tick.text) for tick in up.ticks) * 7,
        right=12,
        height=HEIGHT,
    )  # fmt: skip


def _bin_rects(one: Bins, index: int, across: Scale, up: Scale, x: Axis, y: Axis, *, outlined: bool) -> Markup:
    parts = [_outline(one, across, up)] if outlined else []
    for each in one.bins:
        start, end, top = across.share(each.low), across.share(each.high), up.share(each.count.number)
        text = y.write(each.count.number)
        between = f"{x.write(each.low)} to {x.write(each.high)}"
        parts.append(
            element(
                "rect",
                element("title", escape(f"{one.name}, {between}: {text}")),
                class_="unseen" if outlined else f"bin c{one.colour}",
                x=at(start),
                y=at(1 - top),
                width=at(end - start),
                height=at(top),
                data_name=one.name,
                data_at=between,
                data_text=text,
                data_value=str(each.count),
                data_path=each.count.path,
            )
        )
    return element("g", *parts, data_series=index)


def _outline(one: Bins, across: Scale, up: Scale) -> Markup:
    """The histogram's upper edge as one line, so that what is below stays to be seen."""
    way = []
    for each in one.bins:
        top = (1 - up.share(each.count.number)) * SPAN
        way += [f"{across.share(each.low) * SPAN:.1f} {top:.1f}", f"{across.share(each.high) * SPAN:.1f} {top:.1f}"]
    if not way:
        return Markup("")
    first, last = way[0].split()[0], way[-1].split()[0]
    line = "L".join([f"M{first} {SPAN}", *way, f"{last} {SPAN}"])
    return stretched(element("path", d=line, class_=f"line c{one.colour}"))


def _histogram_table(series: Sequence[Bins], x: Axis, y: Axis) -> DataTable:
    rows: dict[tuple[float, float], list[str]] = {}
    for index, one in enumerate(series):
        for each in one.bins:
            cells = rows.setdefault((each.low, each.high), [""] * len(series))
            cells[index] = y.write(each.count.number)
    ordered = [[f"{x.write(low)} to {x.write(high)}", *cells] for (low, high), cells in sorted(rows.items())]
    return DataTable([x.label, *(one.name for one in series)], ordered)
