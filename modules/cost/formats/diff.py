"""What a change adds, as a JSON document, as CSV, and as Markdown that fits a pull request's comment."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from modules.cost.currency import report_currency
from modules.cost.diff import Change, Delta, Diff, DiffSet, Side
from modules.cost.diff_words import (
    amount_words,
    change_words,
    delta_words,
    diff_notes,
    same_words,
    side_words,
    summary_words,
    total_words,
)
from modules.cost.formats.parts import JSON_VERSION, body_json, budget_json, number
from modules.cost.lines import Line
from modules.cost.words import footer

__all__ = ["diff_csv", "diff_json", "diff_markdown"]

_SHOWN, _FOLDED = 8, 40
"""Lines of an environment that are seen at once, and that are folded away behind them."""

_COMMENT = 60_000
"""Characters; a comment on GitHub holds 65,536."""


def diff_json(found: DiffSet) -> dict[str, Any]:
    """Both sides of every environment, and each line that differs."""
    return {
        "schema": JSON_VERSION,
        "kind": "diff",
        "before": found.before,
        "after": found.after,
        "currency": report_currency(),
        "difference": _delta(found.delta),
        "environments": [_diff(each) for each in found.diffs],
        "not_compared": [{"environment": name, "why": why} for name, why in found.unread],
    }


def _diff(diff: Diff) -> dict[str, Any]:
    return {
        "environment": diff.environment,
        "change": diff.kind,
        "before": _side(diff.before),
        "after": _side(diff.after),
        "difference": _delta(diff.delta),
        "lines": [_change(each) for each in diff.changes],
        "same_lines": diff.same,
    }


def _side(side: Side) -> dict[str, Any] | None:
    if side.report is None:
        return None
    return {"label": side.label, **body_json(side.report), "budget": budget_json(side.report.budget)}


def _change(change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "group": change.line.group,
        "change": change.kind,
        "repriced": change.repriced,
        "before": _line(change.before),
        "after": _line(change.after),
        "difference": _delta(change.delta),
    }


def _line(line: Line | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {
        "what": line.what,
        "quantity": {"amount": number(line.quantity.amount), "unit": str(line.quantity.unit)},
        "formula": line.formula,
        "monthly": number(line.amount),
        "monthly_range": None if line.low is None else [number(line.low), number(line.high)],
    }


def _delta(delta: Delta) -> dict[str, str | None]:
    return {"monthly": number(delta.known), "at_least": number(delta.least), "at_most": number(delta.most)}


def diff_csv(found: DiffSet) -> str:
    """One row a line that differs."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(
        ["environment", "line", "change", "what", "before", "after", "at_least", "at_most", "quantity_before",
         "quantity_after", "currency"]
    )  # fmt: skip
    for diff in found.diffs:
        for each in diff.changes:
            rows.writerow(
                [diff.environment, each.id, each.kind, each.line.what, _cell(each.before), _cell(each.after),
                 number(each.delta.least) or "", number(each.delta.most) or "",
                 each.before.quantity if each.before else "", each.after.quantity if each.after else "",
                 report_currency()]
            )  # fmt: skip
    return text.getvalue()


def _cell(line: Line | None) -> str:
    """Empty where the amount is unknown, 0 where there is no such line."""
    return "0" if line is None else number(line.amount) or ""


def diff_markdown(found: DiffSet) -> str:
    """A summary line, a table of the environments, each one's lines largest first, the rest folded."""
    folded = _FOLDED
    while len(text := _markdown(found, folded)) > _COMMENT and folded:
        folded //= 2
    return text


def _markdown(found: DiffSet, folded: int) -> str:
    changed = found.changed
    parts = [f"### {summary_words(found)}"]
    if len(found.diffs) > 1 and changed:
        rows = [
            [f"**{each.environment}**", total_words(each.before), total_words(each.after), delta_words(each.delta)]
            for each in changed
        ]
        parts.append(_table(["", found.before, found.after, "a month"], rows))
    for diff in changed:
        parts += _environment(diff, folded, alone=len(found.diffs) == 1)
    notes = diff_notes(found)
    if notes:
        parts.append("\n".join(f"- {each}" for each in notes))
    lines = [each.line for diff in changed for each in diff.changes]
    if lines:
        parts.append("\n".join(f"<sub>{text}</sub>  " for text in footer(lines)))
    return "\n\n".join(parts)


def _environment(diff: Diff, folded: int, *, alone: bool) -> Iterable[str]:
    if not alone:
        yield f"#### {diff.environment}: {side_words(diff)} ({delta_words(diff.delta)})"
    costly = [each for each in diff.changes if not each.free]
    shown, rest = costly[:_SHOWN], costly[_SHOWN:]
    if len(rest) == 1:
        shown, rest = costly, []
    if shown:
        yield _lines(diff, shown)
    if rest:
        more = f"\n\n…and {len(rest) - folded} more; `--json` has all" if len(rest) > folded else ""
        kept = rest[:folded]
        inner = _lines(diff, kept) if kept else ""
        total = sum((each.delta for each in rest), Delta(Decimal(0), Decimal(0)))
        yield (
            f"<details><summary>{len(rest)} smaller changes, {delta_words(total)}</summary>\n\n{inner}{more}\n\n"
            "</details>"
        )
    yield same_words(diff.same, len(diff.changes) - len(costly))


def _lines(diff: Diff, changes: Sequence[Change]) -> str:
    rows = [
        [change_words(each), amount_words(each.before), amount_words(each.after), delta_words(each.delta)]
        for each in changes
    ]
    return _table(["", diff.before.label, diff.after.label, "a month"], rows)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(_escaped(cell) for cell in cells) + " |" for cells in (head, rule, *rows))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
