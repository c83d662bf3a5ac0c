"""A summary as a pull request's comment: Markdown that fits at any size, with nothing of a value's becoming markup.

The comment is made of parts in the order of reading. What does not fit is left out row by row, from the part that
matters least, and each part says how many rows it left out; what is destroyed or replaced goes last of all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from modules.simulated import LABEL
from modules.summary.escape import code, fence, prose, table
from modules.summary.model import Entry, Summary
from modules.summary.values import inline, lines_that_differ
from modules.summary.words import (
    cost_line,
    fields_said,
    fields_to_show,
    findings_of,
    output_words,
    reads_words,
    right_lines,
    schema_line,
    stack_words,
    total_words,
    unknown_rights_words,
)
from modules.terraform.plan import KINDS

if TYPE_CHECKING:
    from modules.guards.result import GuardResult

__all__ = ["LIMIT", "marker", "to_markdown"]

LIMIT = 60_000
"""Characters; a comment on GitHub holds 65,536."""

_ADDRESS, _VALUE, _SENTENCE, _LINE = 160, 120, 600, 160
"""Characters of an address, a value, a sentence and a line of a difference; a longer one is cut."""
_LINES = 40
"""Lines of one difference."""
_IN_PLACE = 3
"""Lines of a difference that stand in the table itself."""
_OPEN = 12
"""Rows that are seen at once; the part's others are folded away behind them."""


@dataclass(frozen=True)
class _Part:
    """Rows under a heading. `weight`: the part of the lowest loses rows first."""

    title: str
    rows: Sequence[str]
    weight: int
    draw: Callable[[Sequence[str]], str]
    shown: int = 0
    unit: str = "rows"
    open: int = _OPEN
    before: str = ""
    """Stands under the heading even where no row is left."""

    def text(self) -> str:
        """The heading, the first rows, the rest folded, and how many were left out."""
        kept = self.rows[: self.shown]
        left = len(self.rows) - len(kept)
        parts = [f"#### {self.title}"] if self.title else []
        if self.before:
            parts.append(self.before)
        seen, folded = kept[: self.open], kept[self.open :]
        if len(folded) == 1:
            seen, folded = kept, kept[:0]
        if seen:
            parts.append(self.draw(seen))
        if folded:
            summary = f"<details><summary>{len(folded):,} more {self.unit}</summary>"
            parts += [summary, self.draw(folded), "</details>"]
        if left:
            parts.append(
                f"_{left:,} {'more ' if kept else ''}{self.unit} left out to fit; `infra plan --json` has all._"
            )
        return "\n\n".join(parts)


def marker(environment: str) -> str:
    """The hidden line by which a workflow finds its own comment of an environment."""
    return f"<!-- infra plan {re.sub('[^A-Za-z0-9_.]+', '-', environment)} -->"


def to_markdown(summary: Summary, limit: int = LIMIT) -> str:
    """The whole summary, in at most `limit` characters."""
    head, tail = _head(summary), _tail(summary)
    parts = [replace(each, shown=len(each.rows)) for each in _parts(summary) if each.rows or each.before]
    spent = len(head) + len(tail) + 4
    lengths = [len(each.text()) + 2 for each in parts]
    for at in sorted(range(len(parts)), key=lambda at: parts[at].weight):
        over = spent + sum(lengths) - limit
        if over <= 0:
            break
        parts[at] = _shrunk(parts[at], lengths[at] - over)
        lengths[at] = len(parts[at].text()) + 2
    return "\n\n".join(each for each in (head, *(part.text() for part in parts), tail) if each)


def _shrunk(part: _Part, room: int) -> _Part:
    """With as many rows as fit into `room` characters, perhaps none."""
    least, most = 0, part.shown
    while least < most:
        middle = (least + most + 1) // 2
        if len(replace(part, shown=middle).text()) + 2 <= room:
            least = middle
        else:
            most = middle - 1
    return replace(part, shown=least)


def _head(summary: Summary) -> str:
    plan = summary.plan
    against = f" against {code(summary.base)}" if summary.base else ""
    lines = [marker(plan.environment), f"### {code(plan.environment)}: {total_words(plan)}{against}"]
    if summary.base and not plan.has_changes:
        lines[1] = f"### {code(plan.environment)}: no changes{against}"
    if plan.offline:
        lines.append(f"_{LABEL}_")
    lines += [prose(_cut(note)) for note in summary.notes]
    if summary.cost:
        lines.append(f"**Cost**: {prose(cost_line(summary.cost))}")
    return "\n\n".join(lines)


def _tail(summary: Summary) -> str:
    plan = summary.plan
    rows = [[code(stack.stack), prose(stack_words(stack))] for stack in plan.stacks]
    folded = [text for text in (reads_words(summary), *map(output_words, plan.stacks)) if text]
    lines = [table(["stack", ""], rows)]
    lines += [f"<sub>{prose(_cut(text))}</sub>" for text in folded]
    return "\n\n".join(lines)


def _parts(summary: Summary) -> Iterable[_Part]:
    yield _refusals(summary)
    yield _destroyed(summary)
    yield _drift(summary)
    yield from _changed(summary)
    yield from _named(summary)
    yield _schemas(summary)
    yield _costs(summary)
    yield from _rights(summary)
    yield _warnings(summary)


def _list(rows: Sequence[str]) -> str:
    return "\n".join(rows)


def _under(head: str, rows: Sequence[str]) -> str:
    """A table's rows under its head."""
    return "\n".join([head, *rows])


def _blocks(rows: Sequence[str]) -> str:
    return "\n\n".join(rows)


def _cut(text: str, width: int = _SENTENCE) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _said(stack: str, address: str, message: str, do: str | None) -> str:
    fix = f" → {prose(_cut(do))}" if do else ""
    return f"- {code(stack)} {code(address, _ADDRESS)}: {prose(_cut(message))}{fix}"


def _refusals(summary: Summary) -> _Part:
    rows = [
        _said(stack, each.address, each.message, each.do)
        for stack, each in findings_of(summary)
        if each.severity == "refuse"
    ]
    rows += [f"- {prose(_cut(each))}" for each in summary.refusals]
    if summary.guards:
        rows += [_guarded(each) for each in summary.guards.refused]
    return _Part("🛑 Refused" if rows else "", list(dict.fromkeys(rows)), 90, _list, unit="refusals")


def _guarded(result: GuardResult) -> str:
    place = "" if result.whole else f"{code(result.stack)} {code(result.address, _ADDRESS)}: "
    waiver = result.waiver
    after = f"→ {prose(_cut(result.fix))}"
    if waiver:
        by = f" by {prose(waiver.by)}" if waiver.by else ""
        after = f"(waived until {waiver.until}{by}, {code(waiver.where)}: {prose(_cut(waiver.reason))})"
    return f"- guard {code(result.id)}: {place}{prose(_cut(result.message))} {after}"


def _destroyed(summary: Summary) -> _Part:
    words = {"delete": "**destroyed**", "replace": "**replaced**"}
    rows = []
    for each in summary.destructive:
        forced = [item.path for item in each.attributes if item.forces_replacement]
        why = f"because of {', '.join(code(path, _VALUE) for path in forced[:3])}" if forced else ""
        lost = f"⚠️ holds data: {prose(each.lost)}" if each.lost else why
        both = f"{lost}; {why}" if each.lost and why else lost
        rows.append(f"| {words[each.kind]} | {code(each.stack)} {code(each.address, _ADDRESS)} | {both} |")
    head = table(["", "resource", "what goes with it"], [])
    return _Part(
        "Destroyed and replaced" if rows else "", rows, 100, partial(_under, head), unit="resources",
        open=50,
    )  # fmt: skip


def _drift(summary: Summary) -> _Part:
    rows = []
    for stack in summary.plan.stacks:
        for change in stack.drift:
            what = (
                "is gone"
                if change.kind == "delete"
                else ", ".join(code(each.path, 60) for each in change.attributes[:4])
            )
            rows.append(f"- {code(stack.stack)} {code(change.address, _ADDRESS)}: {what}")
    return _Part("Changed outside since the last deploy" if rows else "", rows, 60, _list, unit="resources")


def _changed(summary: Summary) -> Iterable[_Part]:
    entries = [each for each in summary.entries if each.kind in ("update", "import") and each.attributes]
    entries += [each for each in summary.entries if each.kind == "replace"]
    rows = [row for each in entries for row in _change_rows(each)]
    head = table(["", "resource", "attribute", "before → after"], [])
    unit = "attributes"
    title = "Changed" if rows else ""
    yield _Part(title, rows, 50, partial(_under, head), unit=unit, open=20)
    longer = [text for each in entries for text in _longer(each)]
    yield _Part("", longer, 40, _blocks, unit="longer differences", open=3)


_SIGN = {"update": "~", "replace": "±", "import": "→"}


def _change_rows(entry: Entry) -> Iterable[str]:
    first = True
    for item in entry.attributes:
        lines = lines_that_differ(item)
        if len(lines) > _IN_PLACE:
            what = "see below"
        elif lines:
            what = "<br>".join(code(line, _VALUE) for line in lines)
        else:
            what = code(inline(item, _VALUE // 2), 2 * _VALUE)
        forced = " ← forces replacement" if item.forces_replacement else ""
        named = f"{code(entry.stack)} {code(entry.address, _ADDRESS)}" if first else ""
        first = False
        yield f"| {_SIGN[entry.kind]} | {named} | {code(item.path, _VALUE)} | {what}{forced} |"


def _longer(entry: Entry) -> Iterable[str]:
    for item in entry.attributes:
        lines = lines_that_differ(item)
        if len(lines) > _IN_PLACE:
            kept = [_cut(line, _LINE) for line in lines[:_LINES]]
            if len(lines) > _LINES:
                kept.append(f"  and {len(lines) - _LINES:,} lines more")
            yield f"{code(entry.stack)} {code(entry.address, _ADDRESS)} {code(item.path, _VALUE)}\n{fence(kept)}"


def _named(summary: Summary) -> Iterable[_Part]:
    """What is created, imported or forgotten, by name."""
    titles = {"create": "Created", "import": "Imported", "forget": "Forgotten: left as it is, no longer managed"}
    for kind in KINDS:
        if kind in titles:
            rows = [
                f"- {code(each.stack)} {code(each.address, _ADDRESS)}"
                + (" (values known later)" if each.pending else "")
                for each in summary.entries
                if each.kind == kind
            ]
            weight = 10 if kind == "create" else 30
            yield _Part(titles[kind] if rows else "", rows, weight, _list, unit="resources", open=5)


_VERDICT = {
    "breaks": "🛑",
    "invalid": "🛑",
    "unchecked": "⚠️",
    "removed": "⚠️",
    "compatible": "✅",
    "same": "✅",
    "new": "🆕",
}


def _schemas(summary: Summary) -> _Part:
    rows = []
    said = fields_said(summary)
    for each in summary.schemas:
        told = fields_to_show(each, said)
        fields = [f"  - {code(text, _VALUE)}" for text in told[:_LINES]]
        if len(told) > _LINES:
            fields.append(f"  - and {len(told) - _LINES:,} more")
        reasons = [f"  - {prose(_cut(text))}" for text in each.reasons[:_LINES] if text.strip()]
        rows.append("\n".join([f"- {_VERDICT[each.verdict]} {prose(schema_line(each))}", *reasons, *fields]))
    return _Part("Schemas" if rows else "", rows, 70, _list, unit="subjects")


def _costs(summary: Summary) -> _Part:
    from modules.cost.diff_words import amount_words, change_words, delta_words

    cost = summary.cost
    diff = cost.diff if cost else None
    if cost is None or diff is None or diff.kind != "changed":
        return _Part("", (), 80, _list)
    rows = [
        f"| {prose(_cut(change_words(each)))} | {prose(amount_words(each.before))} | {prose(amount_words(each.after))} "
        f"| {prose(delta_words(each.delta))} |"
        for each in diff.changes
        if not each.free
    ]
    head = table(["", diff.before.label and code(diff.before.label), code(diff.after.label), "a month"], [])
    before = prose(cost.why) if cost.why else ""
    return _Part("Cost" if rows else "", rows, 35, partial(_under, head), unit="lines", open=8,
                 before=before)  # fmt: skip


def _rights(summary: Summary) -> Iterable[_Part]:
    for word, rights in (("Rights gained", summary.gained), ("Rights lost", summary.lost)):
        rows = []
        for principal, right, objects in right_lines(rights):
            named = ", ".join(code(each, _ADDRESS) for each in objects[:6])
            more = f" and {len(objects) - 6:,} more" if len(objects) > 6 else ""
            rows.append(f"| {code(principal, _ADDRESS)} | {prose(_cut(right))} | {named}{more} |")
        head = table(["who", "may" if word.endswith("gained") else "could", "on what"], [])
        yield _Part(word if rows else "", rows, 65, partial(_under, head), unit="rights")
    if unknown := unknown_rights_words(summary):
        yield _Part("", (), 65, _list, before=f"<sub>{prose(_cut(unknown))}</sub>")


def _warnings(summary: Summary) -> _Part:
    rows = []
    if summary.guards:
        rows += [_guarded(each) for each in (*summary.guards.warned, *summary.guards.waived)]
        rows += [f"- {code(each.where)}: {prose(_cut(each.message))}" for each in summary.guards.notes]
    rows += [
        _said(stack, each.address, each.message, each.do)
        for stack, each in findings_of(summary)
        if each.severity != "refuse"
    ]
    rows += [
        f"- {code(stack.stack)}: {prose(_cut(warning.text()))}"
        for stack in summary.plan.stacks
        for warning in stack.warnings
    ]
    return _Part("Warnings" if rows else "", rows, 75, _list, unit="warnings", open=8)
