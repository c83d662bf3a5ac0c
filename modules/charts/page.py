"""A self-contained page: figures, tables, facts, remarks in sections; CSS, script and data inside, nothing outside.

The page's own Content-Security-Policy forbids every request, and any script but the one whose hash it names: what is
opened from a mail or a build's artifacts stays as silent as it looks. Without script everything is still there;
with it come tooltips, series that can be switched off and tables that can be sorted.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup, escape

from modules.charts.figure import Figure, Tone
from modules.charts.palette import DARK, LIGHT, variables

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["Block", "Column", "Fact", "Facts", "Meter", "Notes", "Row", "Section", "Table", "Tone", "page"]

_HERE = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Fact:
    """A number worth a card: its name, the number as text, a remark."""

    name: str
    value: str
    remark: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Facts:
    """Cards in a row."""

    facts: Sequence[Fact]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Meter:
    """How much of a limit is used: as shares of it, `used` solid and up to `maybe` hatched; a sentence beside it."""

    used: float
    maybe: float
    text: str
    tone: Tone = "plain"
    kind: str = field(default="meter", init=False)


@dataclass(frozen=True)
class Column:
    """A table's column. `wide`: on a narrow page its cells move into the row's details."""

    name: str
    right: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Row:
    """A table's row; `details` are labelled texts behind its first cell, `sort` one value a cell."""

    cells: Sequence[str]
    details: Sequence[tuple[str, str]] = ()
    sort: Sequence[float | str] = ()
    tone: Literal["plain", "group", "sum", "total", "strong"] = "plain"
    flag: str = ""
    flag_tone: Tone = "plain"


@dataclass(frozen=True)
class Table:
    """Rows with details on demand; `sortable` by a click on a column's head."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    sortable: bool = False
    caption: str = ""
    kind: str = field(default="table", init=False)

    def moved(self, row: Row) -> list[tuple[str, str]]:
        """What of a row moves into its details where the page is narrow: column and cell."""
        if row.tone not in ("plain", "strong"):
            return []
        return [
            (column.name, cell) for column, cell in zip(self.columns, row.cells, strict=True) if column.wide and cell
        ]


@dataclass(frozen=True)
class Notes:
    """Remarks, a line each; `tone` marks those that must not be missed."""

    texts: Sequence[str]
    tone: Tone = "plain"
    kind: str = field(default="notes", init=False)


Block = Figure | Table | Facts | Meter | Notes


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading of its own."""

    title: str
    blocks: Sequence[Block]
    lead: str = ""


def page(
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    data: Mapping[str, Any],
    *,
    summary: Sequence[Block] = (),
    made: str = "",
) -> str:
    """The page as HTML.

    Args:
        summary: what stands above the first section.
        data: the JSON document whose values the charts show; it is embedded once, as `<script id="data">`.
        made: who made the page from what, for its last line.
    """
    script = _text("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _template().render(
        title=title,
        subtitle=subtitle,
        summary=summary,
        sections=sections,
        made=made,
        data=_embedded(data),
        style=_style(),
        script=script,
        script_hash=f"sha256-{digest}",
    )


def _embedded(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, indent=1, default=str, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _style() -> str:
    light, dark = variables(LIGHT), variables(DARK)
    themes = f":root{{color-scheme:light dark;{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return themes + _text("page.css")


@functools.cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["words"] = _words
    return environment.get_template("page.html.j2")


def _words(text: str) -> Markup:
    """Escaped, and what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  (it is escaped)
