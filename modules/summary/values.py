"""A difference in words: one line where that is enough, else the lines that differ."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import Any

from modules.summary.avro_fields import field_changes
from modules.terraform.plan import UNKNOWN, AttributeChange

__all__ = ["WIDTH", "inline", "lines_that_differ", "shown"]

WIDTH = 100
_CONTEXT = 24
_MANY = 4_000
"""Lines beyond which texts are not compared line by line: difflib's time grows with their square."""


def shown(value: Any, width: int = WIDTH) -> str:
    """A value as JSON writes it, cut to `width`."""
    if value == UNKNOWN:
        return UNKNOWN
    if value is None:
        return "(none)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else text[: width - 1] + "…"


def inline(item: AttributeChange, width: int = WIDTH) -> str:
    """`6 → 12`; of two long values the part that differs."""
    before, after = (_text(each) for each in (item.before, item.after))
    if UNKNOWN not in (item.before, item.after) and len(before) > width and len(after) > width:
        before, after = _apart(before, after)
    return f"{_cut(before, width)} → {_cut(after, width)}"


def _text(value: Any) -> str:
    return shown(value, 10**9)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _apart(before: str, after: str) -> tuple[str, str]:
    """Both without most of what they begin and end with alike."""
    least = min(len(before), len(after))
    start = next((at for at in range(least) if before[at] != after[at]), least)
    left = least - start
    end = next((at for at in range(left) if before[-1 - at] != after[-1 - at]), left)
    head, tail = max(start - _CONTEXT, 0), max(end - _CONTEXT, 0)
    sides = []
    for text in (before, after):
        cut = text[head : len(text) - tail]
        sides.append(f"{'…' if head else ''}{cut}{'…' if tail else ''}")
    return sides[0], sides[1]


def lines_that_differ(item: AttributeChange) -> list[str]:
    """`- …` and `+ …` where both sides are an Avro schema, long JSON, long text, or lists of blocks with names."""
    return _texts(item) or _blocks(item)


def _texts(item: AttributeChange) -> list[str]:
    before, after = item.before, item.after
    if not isinstance(before, str) or not isinstance(after, str) or UNKNOWN in (before, after):
        return []
    if '"record"' in before and (fields := field_changes(before, after)):
        return list(fields)
    sides = [_lines(before), _lines(after)]
    if min(map(len, sides)) < 2 or max(map(len, sides)) > _MANY:
        return []
    found = _difference(sides[0], sides[1])
    # Brackets move when a field is added; they tell a reader nothing. Unless they are all there is.
    return [each for each in found if each[2:].strip("{}[], ")] or found


def _lines(text: str) -> list[str]:
    if len(text) >= WIDTH // 2 and text[:1] in ("{", "["):
        try:
            parsed = json.dumps(json.loads(text), indent=1, ensure_ascii=False).splitlines()
            return [line.removesuffix(",") for line in parsed]  # a comma moves when something is added behind it
        except ValueError:
            pass
    return text.splitlines()


def _difference(before: Sequence[str], after: Sequence[str]) -> list[str]:
    return [
        f"{line[0]} {line[1:].strip()}"
        for line in difflib.unified_diff(before, after, lineterm="", n=0)
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]


def _blocks(item: AttributeChange) -> list[str]:
    """Blocks that differ, by their names (a table's columns); their order says nothing."""
    sides: list[dict[str, str]] = []
    for value in (item.before, item.after):
        blocks = value if isinstance(value, list) else []
        if not blocks or not all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in blocks):
            return []
        sides.append({each["name"]: _block(each) for each in blocks})
    before, after = sides
    lost = [f"- {before[name]}" for name in before if after.get(name) != before[name]]
    return lost + [f"+ {after[name]}" for name in after if before.get(name) != after[name]]


_SAID_OTHERWISE = ("name", "type", "nullable", "schema_evolution_record")
"""Of a column: what is in the line's words, or is Snowflake's own note."""


def _block(block: dict[str, Any]) -> str:
    """`NOTE VARCHAR, comment "…"`: its name and type, then what else is set."""
    rest = [f"{key} {shown(value)}" for key, value in block.items() if value and key not in _SAID_OTHERWISE]
    nullable = ["not null"] if block.get("nullable") is False else []
    return ", ".join([f"{block['name']} {block.get('type') or ''}".strip(), *nullable, *rest])
