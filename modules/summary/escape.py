"""Foreign text in GitHub's Markdown: values come from pull requests, so nothing in them may become markup.

In a code span nothing is markup, no name is mentioned and no address becomes a link; prose is escaped sign by sign.
Control characters and such as turn the direction of text are made visible.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["cell", "code", "fence", "prose", "table"]

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!~|$>-])")
_BREAK = "\u200b"
"""A space of no width: between the signs of a mention, a reference or a link it keeps them from becoming one."""


def _visible(text: str) -> str:
    """One line without control characters, unassigned ones and turned directions."""
    return "".join(
        " "
        if each in "\r\n\t\v\f\u2028\u2029\x85"
        else "�"
        if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Cn")
        else each
        for each in text
    )


def code(text: str, width: int = 0) -> str:
    """A code span, also in a table's cell; `width` cuts it."""
    shown = _visible(text)
    if width and len(shown) > width:
        shown = shown[: width - 1] + "…"
    if not shown.strip():
        return f"<code>{'&nbsp;' * len(shown)}</code>" if shown else "(empty)"
    # A longer run of backticks than any inside; a space at each end where the text begins or ends with one.
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    # GitHub reads `\|` as a bar wherever it splits a table into cells, code or not; a backslash before it must not
    # undo that, so a bar in code is one that only looks like it.
    return f"{ticks}{pad}{shown.replace('|', '∣')}{pad}{ticks}"


def prose(text: str) -> str:
    """A sentence with foreign words in it, as text."""
    shown = _visible(text).strip().replace("&", "&amp;").replace("<", "&lt;")
    shown = _MARKUP.sub(r"\\\1", shown)
    shown = re.sub(r"^(\d+)\.", r"\1\\.", shown)  # else a list begins
    shown = shown.replace("@", f"@{_BREAK}").replace("://", f":{_BREAK}//")
    shown = re.sub(r"(?i)\b(www)\.", rf"\1{_BREAK}.", shown)
    # `#12` and `GH-12` would refer to an issue, which then says so.
    shown = re.sub(r"(\\#)(?=\w)", rf"\1{_BREAK}", shown)
    return re.sub(r"(?i)\b(gh)\\-(?=\d)", rf"\1{_BREAK}\\-", shown)


def fence(lines: Sequence[str], language: str = "diff") -> str:
    """A block of code that no line of it can end."""
    kept = [_visible(line) for line in lines]
    longest = max((len(run) for line in kept for run in re.findall("`+", line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return "\n".join([f"{ticks}{language}", *kept, ticks])


def cell(text: str) -> str:
    """What is Markdown already, as a table's cell."""
    return text.replace("\n", " ")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(map(cell, cells)) + " |" for cells in (head, rule, *rows))
