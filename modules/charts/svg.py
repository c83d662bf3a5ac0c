"""Inline SVG without a width: everything sits at per cent of the plot, text keeps its size from the page's CSS.

Why not a chart library: pygal scales its text with the picture, so that it is unreadable on a phone, and writes a
random id and the day into every chart (a report would never be the same twice), carries 6 KB of CSS a chart and has no
axis of percentiles, no labels at the ends of lines and no way to say which value of the JSON a mark shows.

A chart is two layers in one `<svg>`: lines and areas in a nested one that stretches (`preserveAspectRatio="none"`, with
strokes that do not), and on it grid, marks and text at per cent. Colours are the page's CSS variables, so that light,
dark and print need one drawing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

from modules.charts.scale import Scale

__all__ = ["at", "element", "figure_svg", "grid", "pattern", "slug", "stretched"]

SPAN = 1000
"""Units of the stretched layer, in both directions."""


def element(name: str, *children: str, **attributes: object) -> Markup:
    """A tag. `class_` is `class`, other underscores are hyphens; None leaves an attribute out; text is escaped."""
    parts = [
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
        if value is not None
    ]
    inner = Markup("").join(children)
    head = Markup("<") + Markup(name) + Markup("").join(parts)  # noqa: S704  (names are the callers' own words)
    return head + Markup(">") + inner + Markup("</") + Markup(name) + Markup(">")  # noqa: S704


def at(share: float) -> str:
    """A share of the plot as SVG takes it."""
    return f"{share * 100:.6g}%"


def slug(text: str) -> str:
    """An id made of a title."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "chart"


def stretched(*children: Markup) -> Markup:
    """The layer of lines and areas, in units of `SPAN`."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {SPAN} {SPAN}",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
        class_="stretched",
    )


def grid(x: Scale, y: Scale, x_label: str, y_label: str) -> Markup:
    """Both axes: lines across, labels outside, what the axes count."""
    parts: list[Markup] = []
    for tick in y.ticks:
        kind = "rule base" if tick.share == 0 else "rule"
        parts.append(element("line", class_=kind, x1="0", x2="100%", y1=at(1 - tick.share), y2=at(1 - tick.share)))
        parts.append(element("text", escape(tick.text), class_="tick y", x="0", dx="-8", y=at(1 - tick.share), dy="4"))
    for tick in x.ticks:
        kind = "tick x" + (" minor" if tick.minor else "") + (" last" if tick.share > 0.97 else "")
        parts.append(element("line", class_="notch", x1=at(tick.share), x2=at(tick.share), y1="0", y2="100%"))
        parts.append(element("text", escape(tick.text), class_=kind, x=at(tick.share), y="100%", dy="19"))
    parts.append(element("text", escape(y_label), class_="axis y", x="0", y="0", dy="-14"))
    parts.append(element("text", escape(x_label), class_="axis x", x="100%", y="100%", dy="38"))
    return element("g", *parts, class_="grid", aria_hidden="true")


def pattern(id: str) -> Markup:
    """Hatching for what is not known."""
    line = element("path", d="M0 6L6 0", class_="hatch")
    tile = element("pattern", line, id=id, width="6", height="6", patternUnits="userSpaceOnUse")
    return element("defs", tile)


def figure_svg(id: str, title: str, description: str, body: Iterable[Markup], height: str | None = None) -> Markup:
    """The drawing as a whole, named and described for those who cannot see it."""
    return element(
        "svg",
        element("title", escape(title), id=f"{id}-title"),
        element("desc", escape(description), id=f"{id}-desc"),
        *body,
        role="img",
        aria_labelledby=f"{id}-title {id}-desc",
        class_="drawing",
        width="100%",
        height=height or "100%",
    )
