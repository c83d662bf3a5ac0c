"""Horizontal bars: stacked with a hatched part for what is not known, and ranges with a dot.

Both have their name and their amount above each bar, so that they read the same at any width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from modules.charts.figure import DataTable, Figure, Key, Tone, Value
from modules.charts.lines import Rule, draw_rule
from modules.charts.scale import Axis, Scale, scale_of
from modules.charts.svg import at, element, figure_svg, pattern, slug

__all__ = ["Bar", "Range", "Segment", "ranges", "stacked_bars"]

_ROW = 52
_THICK = 20
_TOP = 24
_ROOM_FOR_MORE = 1.15


@dataclass(frozen=True)
class Segment:
    """A part of a bar: which layer of the stack (an index of `layers`), its own name, its amount."""

    layer: int
    name: str
    value: Value


@dataclass(frozen=True)
class Bar:
    """A row of a stacked bar chart.

    Attributes:
        text: the amount as it is written at the right, `≥ $145.24`.
        upto: what the whole may come to with what is unknown: hatched from the end of the stack to there.
        open: it may be more, and nobody can say how much.
        strong: the row that the reader is after.
        flag: a short remark behind the name, `does not fit`.
    """

    name: str
    segments: Sequence[Segment]
    text: str
    upto: Value | None = None
    open: bool = False
    strong: bool = False
    flag: str = ""
    flag_tone: Tone = "plain"


@dataclass(frozen=True)
class Range:
    """A row of a range chart: low to high, and the value expected between them."""

    name: str
    low: Value
    high: Value
    middle: Value | None
    text: str
    strong: bool = False


def stacked_bars(
    title: str,
    description: str,
    bars: Sequence[Bar],
    layers: Sequence[tuple[str, int]],
    axis: Axis,
    *,
    rules: Sequence[Rule] = (),
    note: str = "",
    id: str = "",
) -> Figure:
    """A bar a row, stacked by `layers` (name, colour). Segments below 0 (credits) are listed, and drawn nowhere."""
    name = id or slug(title)
    ends = [_stack_end(bar) * (_ROOM_FOR_MORE if bar.open else 1) for bar in bars]
    reach = [float(bar.upto.number) for bar in bars if bar.upto]
    scale = scale_of(axis, [*ends, *reach, *(rule.value.number for rule in rules)])
    rows = [_stacked_row(bar, index, layers, scale, axis, name) for index, bar in enumerate(bars)]
    keys = [Key(label, str(index), colour, "area") for index, (label, colour) in enumerate(layers)]
    if any(bar.upto or bar.open for bar in bars):
        keys.append(Key("not known, at most", "unknown", 8, "hatch"))
    body = [
        pattern(f"{name}-hatch"),
        _ruler(scale, axis.label, len(bars)),
        *rows,
        *(draw_rule(one, scale) for one in rules),
    ]
    height = _height(len(bars))
    cells = [_stacked_cells(bar, layers, axis) for bar in bars]
    return Figure(
        id=name,
        title=title,
        description=description,
        svg=figure_svg(name, title, description, body, f"{height}px"),
        table=DataTable(["", *(label for label, _ in layers), "in all"], cells),
        keys=tuple(keys),
        note=note,
        kind="rows",
    )


def ranges(title: str, description: str, rows: Sequence[Range], axis: Axis, *, note: str = "", id: str = "") -> Figure:
    """A row each: the span from low to high, a dot at what is expected."""
    name = id or slug(title)
    scale = scale_of(axis, [value.number for row in rows for value in (row.low, row.high)])
    body = [
        _ruler(scale, axis.label, len(rows)),
        *(_range_row(row, index, scale, axis) for index, row in enumerate(rows)),
    ]
    cells = [
        [row.name, axis.write(row.low.number), axis.write(row.middle.number) if row.middle else "–",
         axis.write(row.high.number)]
        for row in rows
    ]  # fmt: skip
    return Figure(
        id=name,
        title=title,
        description=description,
        svg=figure_svg(name, title, description, body, f"{_height(len(rows))}px"),
        table=DataTable(["", "low", "expected", "high"], cells),
        note=note,
        kind="rows",
    )


def _height(rows: int) -> int:
    return _TOP + rows * _ROW


def _ruler(scale: Scale, label: str, rows: int) -> Markup:
    """The axis above the bars and its lines down through them."""
    parts: list[Markup] = []
    for tick in scale.ticks:
        kind = "tick top minor" if tick.minor else "tick top"
        kind += " first" if tick.share < 0.02 else " last" if tick.share > 0.98 else ""
        parts.append(
            element("line", class_="rule", x1=at(tick.share), x2=at(tick.share), y1=_TOP - 6, y2=_height(rows) - 6)
        )
        parts.append(element("text", escape(tick.text), class_=kind, x=at(tick.share), y="11"))
    return element("g", *parts, class_="grid", aria_hidden="true", data_label=label)


def _stack_end(bar: Bar) -> float:
    return sum(max(0.0, float(segment.value.number)) for segment in bar.segments)


def _row_head(index: int, name: str, text: str, flag: str = "", tone: Tone = "plain") -> list[Markup]:
    top = _TOP + index * _ROW
    label = escape(name) + (element("tspan", escape(flag), class_=f"flag {tone}", dx="8") if flag else Markup(""))
    return [
        element("text", label, class_="name", x="0", y=top + 14),
        element("text", escape(text), class_="amount", x="100%", y=top + 14),
    ]


def _stacked_row(bar: Bar, index: int, layers: Sequence[tuple[str, int]], scale: Scale, axis: Axis, id: str) -> Markup:
    top = _TOP + index * _ROW + 20
    parts = _row_head(index, bar.name, bar.text, bar.flag, bar.flag_tone)
    reached = 0.0
    ordered = sorted(bar.segments, key=lambda segment: segment.layer)
    for segment in ordered:
        amount = float(segment.value.number)
        if amount < 0:
            continue
        start, end = scale.share(reached), scale.share(reached + amount)
        reached += amount
        layer, colour = layers[segment.layer]
        text = axis.write(segment.value.number)
        parts.append(
            element(
                "rect",
                element("title", escape(f"{bar.name}, {segment.name}: {text}")),
                class_=f"part c{colour}" + (" thin" if end - start < 0.006 else ""),
                x=at(start),
                y=top,
                width=at(end - start),
                height=_THICK,
                data_series=segment.layer,
                data_name=f"{segment.name}",
                data_at=f"{bar.name}: {layer}",
                data_text=text,
                data_value=str(segment.value),
                data_path=segment.value.path,
            )
        )
    parts.append(_unknown(bar, reached, top, scale, axis, id))
    return element("g", *parts, class_="row strong" if bar.strong else "row")


def _unknown(bar: Bar, reached: float, top: int, scale: Scale, axis: Axis, id: str) -> Markup:
    if bar.upto is None:
        if not bar.open:
            return Markup("")
        text = "and more: nobody can say how much"
        mark = element("text", "→ ?", class_="more", x=at(scale.share(reached)), dx="6", y=top + 15)
        return element("g", element("title", escape(text)), mark, data_series="unknown")
    start, end = scale.share(reached), scale.share(bar.upto.number)
    text = f"at most {axis.write(bar.upto.number)}"
    return element(
        "rect", element("title", escape(f"{bar.name}, with what is not known: {text}")),
        class_="part unknown", style=f"fill:url(#{id}-hatch)", x=at(start), y=top, width=at(max(0.0, end - start)),
        height=_THICK, data_series="unknown", data_name="with what is not known", data_at=bar.name, data_text=text,
        data_value=str(bar.upto), data_path=bar.upto.path,
    )  # fmt: skip


def _stacked_cells(bar: Bar, layers: Sequence[tuple[str, int]], axis: Axis) -> list[str]:
    sums = [0.0] * len(layers)
    for segment in bar.segments:
        sums[segment.layer] += float(segment.value.number)
    upto = f", at most {axis.write(bar.upto.number)}" if bar.upto else ""
    return [bar.name, *(axis.write(each) for each in sums), bar.text + upto]


def _range_row(row: Range, index: int, scale: Scale, axis: Axis) -> Markup:
    top = _TOP + index * _ROW + 20
    start, end = scale.share(row.low.number), scale.share(row.high.number)
    parts = _row_head(index, row.name, row.text)
    named = (("low", row.low), ("high", row.high), *((("expected", row.middle),) if row.middle else ()))
    parts.append(
        element("rect", class_="reach", x=at(start), y=top + 6, width=at(max(end - start, 0.002)), height=_THICK - 12)
    )
    for name, value in named:
        text = axis.write(value.number)
        parts.append(
            element(
                "circle",
                element("title", escape(f"{row.name}, {name}: {text}")),
                class_=f"spot {name}",
                cx=at(scale.share(value.number)),
                cy=top + _THICK // 2,
                r="6" if name == "expected" else "4",
                data_name=name,
                data_at=row.name,
                data_text=text,
                data_value=str(value),
                data_path=value.path,
            )
        )
    return element("g", *parts, class_="row strong" if row.strong else "row")
