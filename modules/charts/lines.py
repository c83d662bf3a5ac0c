"""Line charts: linear or logarithmic axes, steps, areas, bands, and the percentile curve of latencies."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from modules.charts.figure import Dash, DataTable, Figure, Key, Point, Value
from modules.charts.scale import Axis, Number, Scale, plain, scale_of
from modules.charts.svg import SPAN, at, element, figure_svg, grid, slug, stretched

__all__ = ["HEIGHT", "Rule", "Series", "Span", "draw_rule", "lines", "milliseconds", "percentiles"]

HEIGHT = 330
_LABEL_GAP = 16 / HEIGHT
_PER_LETTER = 7


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes:
        colour: 1 to 8 of the page's palette.
        shape: "step" holds each value until the next point.
        fill: the area below is tinted.
        marks: a dot at every point; without it there are dots only under the pointer.
    """

    name: str
    points: Sequence[Point]
    colour: int
    dash: Dash = "solid"
    shape: Literal["line", "step"] = "line"
    fill: bool = False
    marks: bool = False


@dataclass(frozen=True)
class Rule:
    """A line across the plot with a word to it: a limit (`axis="y"`) or a moment, a load (`axis="x"`)."""

    axis: Literal["x", "y"]
    value: Value
    text: str
    tone: Literal["plain", "bad"] = "plain"


@dataclass(frozen=True)
class Span:
    """A part of the x axis that is shaded, with a word to it: a disturbance."""

    start: Value
    end: Value
    text: str


def lines(
    title: str,
    description: str,
    series: Sequence[Series],
    x: Axis,
    y: Axis,
    *,
    rules: Sequence[Rule] = (),
    spans: Sequence[Span] = (),
    note: str = "",
    id: str = "",
    direct: bool = True,
) -> Figure:
    """Lines over a common x axis, named at their right ends (`direct`) where the page is wide and in a legend below.

    Raises:
        ValueError: a value that a logarithmic or percentile axis has no place for.
    """
    x_ruled = [rule.value.number for rule in rules if rule.axis == "x"]
    y_ruled = [rule.value.number for rule in rules if rule.axis == "y"]
    across = scale_of(x, [*(point.x for one in series for point in one.points), *x_ruled], most_ticks=8)
    up = scale_of(y, [*(point.y.number for one in series for point in one.points if point.y), *y_ruled], most_ticks=6)
    name = id or slug(title)
    body = [
        *(_span(span, across) for span in spans),
        grid(across, up, x.label, y.label),
        stretched(*(_paths(one, index, across, up) for index, one in enumerate(series))),
        *(draw_rule(rule, across if rule.axis == "x" else up) for rule in rules),
        *(_marks(one, index, across, up, x, y) for index, one in enumerate(series)),
    ]
    if direct:
        body += _end_labels(series, across, up)
    longest = max((len(one.name) for one in series), default=0)
    return Figure(
        id=name,
        title=title,
        description=description,
        svg=figure_svg(name, title, description, body),
        table=_table(series, x, y),
        keys=tuple(Key(one.name, str(index), one.colour, one.dash) for index, one in enumerate(series)),
        note=note,
        left=12 + max(len(tick.text) for tick in up.ticks) * _PER_LETTER,
        right=20 + longest * _PER_LETTER if direct else 12,
        height=HEIGHT,
        kind="direct" if direct else "plot",
    )


def percentiles(
    title: str,
    description: str,
    curves: Sequence[Series],
    y: Axis,
    *,
    rules: Sequence[Rule] = (),
    note: str = "",
    id: str = "",
) -> Figure:
    """Latency by percentile, x from 0 to below 100 with each further nine as wide as the last (HdrHistogram's plot)."""
    x = Axis("percentile", kind="percentile", text=lambda value: f"p{value:g}")
    return lines(title, description, curves, x, y, rules=rules, note=note, id=id)


def _place(point: Point, across: Scale, up: Scale) -> tuple[float, float] | None:
    if point.y is None:
        return None
    return across.share(point.x), up.share(point.y.number)


def _runs(one: Series, across: Scale, up: Scale) -> Iterable[list[tuple[float, float]]]:
    """The line's unbroken parts."""
    places = [_place(point, across, up) for point in one.points]
    for known, run in itertools.groupby(places, key=lambda place: place is not None):
        if known:
            yield [place for place in run if place is not None]


def _paths(one: Series, index: int, across: Scale, up: Scale) -> Markup:
    parts = []
    for run in _runs(one, across, up):
        line = _path(run, step=one.shape == "step")
        if one.fill:
            base = f"L{run[-1][0] * SPAN:.1f} {SPAN}L{run[0][0] * SPAN:.1f} {SPAN}Z"
            parts.append(element("path", d=line + base, class_=f"area c{one.colour}"))
        parts.append(element("path", d=line, class_=f"line c{one.colour} {one.dash}"))
    return element("g", *parts, data_series=index)


def _path(run: Sequence[tuple[float, float]], *, step: bool) -> str:
    found = []
    for index, (x, y) in enumerate(run):
        if step and index:
            found.append(f"L{x * SPAN:.1f} {(1 - run[index - 1][1]) * SPAN:.1f}")
        found.append(f"{'L' if index else 'M'}{x * SPAN:.1f} {(1 - y) * SPAN:.1f}")
    return "".join(found)


def _marks(one: Series, index: int, across: Scale, up: Scale, x: Axis, y: Axis) -> Markup:
    dots = []
    for point in one.points:
        place = _place(point, across, up)
        if place is None or point.y is None:
            continue
        text = y.write(point.y.number)
        dots.append(
            element(
                "circle",
                element("title", escape(f"{one.name}, {x.write(point.x)}: {text}")),
                class_=f"mark c{one.colour}" + (" shown" if one.marks else ""),
                cx=at(place[0]),
                cy=at(1 - place[1]),
                r="4",
                data_name=one.name,
                data_at=x.write(point.x),
                data_text=text,
                data_value=str(point.y),
                data_path=point.y.path,
            )
        )
    return element("g", *dots, data_series=index)


def draw_rule(rule: Rule, scale: Scale) -> Markup:
    share = scale.share(rule.value.number)
    place = {"data_value": str(rule.value), "data_path": rule.value.path}
    kind = f"limit {rule.tone}"
    if rule.axis == "y":
        line = element("line", class_=kind, x1="0", x2="100%", y1=at(1 - share), y2=at(1 - share), **place)
        return line + element(
            "text", escape(rule.text), class_=f"{kind} y", x="100%", y=at(1 - share), dx="-4", dy="-5"
        )
    line = element("line", class_=kind, x1=at(share), x2=at(share), y1="0", y2="100%", **place)
    turned = " turned" if share > 0.7 else ""
    return line + element(
        "text", escape(rule.text), class_=f"{kind} x{turned}", x=at(share), y="0", dx="-6" if turned else "6", dy="10"
    )


def _span(span: Span, across: Scale) -> Markup:
    start, end = across.share(span.start.number), across.share(span.end.number)
    box = element(
        "rect",
        class_="span",
        x=at(start),
        y="0",
        width=at(max(end - start, 0.003)),
        height="100%",
        data_value=str(span.start),
        data_path=span.start.path,
    )
    turn = start > 0.7
    return box + element(
        "text", escape(span.text), class_="limit x turned" if turn else "limit x", x=at(start), y="0",
        dx="-6" if turn else "6", dy="10",
    )  # fmt: skip


def _end_labels(series: Sequence[Series], across: Scale, up: Scale) -> list[Markup]:
    """Names at the right ends, moved apart where they would touch, with a thin line to where their line ends."""
    ends = []
    for index, one in enumerate(series):
        places = [place for place in (_place(point, across, up) for point in one.points) if place]
        if places:
            ends.append((*places[-1], index, one))
    ends.sort(key=lambda end: end[1])
    shares = _apart([y for _, y, _, _ in ends])
    texts, leaders = [], []
    for share, (x, y, index, one) in zip(shares, ends, strict=True):
        name = {"class_": f"end c{one.colour}", "data_series": index}
        texts.append(element("text", escape(one.name), x="100%", dx="10", y=at(1 - share), dy="4", **name))
        if x < 0.97:
            way = _path([(x, y), (1.005, share)], step=False)
            leaders.append(element("path", d=way, class_=f"line leader c{one.colour}", data_series=index))
    return [stretched(*leaders), element("g", *texts, class_="ends", aria_hidden="true")]


def _apart(shares: Sequence[float], gap: float = _LABEL_GAP) -> list[float]:
    """Sorted places moved apart to at least `gap`, each crowd around its own middle, all of them within the plot."""
    crowds: list[list[float]] = []
    for share in shares:
        crowds.append([share])
        while len(crowds) > 1 and _lowest(crowds[-1], gap) < _highest(crowds[-2], gap) + gap:
            last = crowds.pop()
            crowds[-1] += last
    places: list[float] = []
    for crowd in crowds:
        start = _lowest(crowd, gap)
        places += [start + gap * index for index in range(len(crowd))]
    for index in range(len(places)):
        ceiling = 1.0 - gap * (len(places) - 1 - index)
        places[index] = max(min(places[index], ceiling), gap * index)
    return places


def _lowest(crowd: Sequence[float], gap: float) -> float:
    """Where the lowest of a crowd is put, so that the crowd's middle is the mean of where its members belong."""
    return sum(crowd) / len(crowd) - gap * (len(crowd) - 1) / 2


def _highest(crowd: Sequence[float], gap: float) -> float:
    return _lowest(crowd, gap) + gap * (len(crowd) - 1)


def _table(series: Sequence[Series], x: Axis, y: Axis) -> DataTable:
    """A row for each x that any line has."""
    places: dict[Number, list[str]] = {}
    for index, one in enumerate(series):
        for point in one.points:
            row = places.setdefault(point.x, [""] * len(series))
            row[index] = y.write(point.y.number) if point.y else "–"
    rows = [[x.write(place), *cells] for place, cells in sorted(places.items(), key=lambda item: float(item[0]))]
    return DataTable([x.label or "x", *(one.name for one in series)], rows)


def milliseconds(value: float) -> str:
    """A latency in the unit a person would use; the value is in milliseconds.

    >>> milliseconds(0.25), milliseconds(12), milliseconds(2500)
    ('0.25 ms', '12 ms', '2.5 s')
    """
    return f"{plain(round(value / 1000, 3))} s" if value >= 1000 else f"{plain(round(value, 3))} ms"
