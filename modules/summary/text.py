"""A summary as plain text lines: a terminal, a pipe and a golden file show the same; colour comes at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby

from modules.simulated import LABEL
from modules.summary.entries import attributes_of
from modules.summary.model import Entry, SchemaCheck, Summary
from modules.summary.values import inline, lines_that_differ
from modules.summary.words import (
    HEADINGS,
    cost_line,
    fields_said,
    fields_to_show,
    findings_of,
    follows_words,
    output_words,
    reads_words,
    right_lines,
    schema_line,
    stack_words,
    total_words,
    unknown_rights_words,
)
from modules.terraform.plan import KINDS, AttributeChange, Kind

__all__ = ["Line", "to_lines"]

Line = tuple[str, str]
"""Text and rich style."""

_SIGNS: Mapping[Kind, tuple[str, str]] = {
    "delete": ("-", "red"),
    "replace": ("±", "red"),
    "update": ("~", "yellow"),
    "create": ("+", "green"),
    "import": ("→", "cyan"),
    "forget": ("!", "yellow"),
    "read": ("?", "dim"),
}
_REHEARSAL = "bold magenta"
_INSTANCES = 30
"""Creations of one resource that are listed one by one; more are named in part."""
_OBJECTS, _RIGHTS, _COST_LINES = 6, 40, 6


def to_lines(summary: Summary, *, losses_apart: bool = False) -> list[Line]:
    """The whole summary: what hurts first, then changes with their values, then creations, then what it means.

    Args:
        losses_apart: the caller lists what data goes, so that it does not stand with each resource as well.
    """
    plan = summary.plan
    changes = partial(_changes, losses=not losses_apart)
    lines: list[Line] = [(LABEL, _REHEARSAL), ("", "")] if plan.offline else []
    for part in (_notes, changes, _folded, _drift, _schemas, _cost, _rights, _guards, _findings):
        if found := list(part(summary)):
            lines += [*found, ("", "")]
    lines += [(f"{stack.stack:<10} {stack_words(stack)}", "") for stack in plan.stacks]
    against = summary.base
    lines += [("", ""), (f"{plan.environment}: {total_words(plan, against)}", "bold")]
    return [*lines, (LABEL, _REHEARSAL)] if plan.offline else lines


def _notes(summary: Summary) -> Iterable[Line]:
    yield from ((note, "bold") for note in summary.notes)


def _changes(summary: Summary, *, losses: bool) -> Iterable[Line]:
    first = True
    for kind in KINDS:
        entries = [each for each in summary.entries if each.kind == kind]
        if not entries:
            continue
        if not first:
            yield "", ""
        first = False
        yield f"{len(entries):,} {HEADINGS[kind]}", "bold"
        yield from (
            _created(entries) if kind == "create" else (line for each in entries for line in _entry(each, losses))
        )


def _created(entries: Sequence[Entry]) -> Iterable[Line]:
    """Instances of one resource in part, where they are very many."""
    for _, group in groupby(entries, key=lambda each: (each.stack, each.change.type, each.change.name)):
        instances = list(group)
        if len(instances) <= _INSTANCES:
            yield from (line for each in instances for line in _entry(each))
            continue
        one = instances[0]
        for each in instances[:3]:
            yield from _entry(each)
        what = f"{one.stack}: {one.change.type}.{one.change.name}"
        yield f"  + {what}: {len(instances) - 3:,} more, which --json names", _SIGNS["create"][1]


def _entry(entry: Entry, losses: bool = True) -> Iterable[Line]:
    sign, style = _SIGNS[entry.kind]
    known = "  (values known later)" if entry.pending else ""
    yield f"  {sign} {entry.stack}: {entry.address}{known}", style
    if entry.lost and losses:
        yield f"      holds data: {entry.lost}", "bold red"
    for item in entry.attributes:
        yield from _attribute(item)
    if follows := follows_words(entry):
        yield f"      {follows}", "dim"


def _attribute(item: AttributeChange) -> Iterable[Line]:
    forced = "  ← forces replacement" if item.forces_replacement else ""
    if several := lines_that_differ(item):
        yield f"      {item.path}:{forced}", ""
        yield from ((f"        {_one_line(line)}", "green" if line.startswith("+") else "red") for line in several)
    else:
        yield f"      {item.path}: {_one_line(inline(item))}{forced}", ""


def _one_line(text: str) -> str:
    """Without control characters, which a value could move the cursor with."""
    return "".join(each if each.isprintable() else "�" for each in text)


def _folded(summary: Summary) -> Iterable[Line]:
    for text in (reads_words(summary), *map(output_words, summary.plan.stacks)):
        if text:
            yield text, "dim"


def _drift(summary: Summary) -> Iterable[Line]:
    found = [(stack.stack, change) for stack in summary.plan.stacks for change in stack.drift]
    if not found:
        return
    yield f"{len(found):,} changed outside since the last deploy", "bold"
    for stack, change in found:
        if change.kind == "delete":
            yield f"  ! {stack}: {change.address} is gone", "yellow"
            continue
        yield f"  ! {stack}: {change.address}", "yellow"
        for item in attributes_of(change)[0]:
            yield from _attribute(item)


_VERDICTS = {"breaks": "red", "invalid": "red", "unchecked": "yellow", "removed": "yellow"}


def _schemas(summary: Summary) -> Iterable[Line]:
    told: list[SchemaCheck] = [each for each in summary.schemas if each.verdict != "new"]
    said = fields_said(summary)
    if told:
        yield "schemas", "bold"
    for check in told:
        yield f"  {schema_line(check)}", _VERDICTS.get(check.verdict, "")
        yield from ((f"      {_one_line(each)}", "") for each in (*fields_to_show(check, said), *check.reasons))


def _cost(summary: Summary) -> Iterable[Line]:
    cost = summary.cost
    if cost is None:
        return
    yield f"cost: {cost_line(cost)}", "bold"
    diff = cost.diff
    if diff is None:
        return
    if cost.why:
        yield f"  {cost.why}", "yellow"
    if diff.kind == "changed":
        from modules.cost.diff_words import change_words, delta_words

        costly = [each for each in diff.changes if not each.free]
        for each in costly[:_COST_LINES]:
            yield f"  {delta_words(each.delta):>12}  {change_words(each)}", ""
        if len(costly) > _COST_LINES:
            yield f"  and {len(costly) - _COST_LINES} smaller differences: `infra cost diff` has them", "dim"
    if diff.after.report and diff.kind != "same":
        yield from ((f"  {words}", "yellow") for words in _limits(summary))


def _limits(summary: Summary) -> Iterable[str]:
    """The budget where it may be passed, and what does not fit the workload."""
    from modules.cost.words import budget_words

    report = summary.cost.diff.after.report if summary.cost and summary.cost.diff else None
    if report is None:
        return
    told = summary.guards is not None  # a guard looks at the budget
    if not told and report.budget and (report.budget.over or report.budget.maybe):
        yield budget_words(report.budget, report.total)
    yield from map(str, report.misfits)


def _rights(summary: Summary) -> Iterable[Line]:
    for sign, style, word, rights in (
        ("+", "yellow", "gained", summary.gained),
        ("-", "", "lost", summary.lost),
    ):
        found = right_lines(rights)
        if found:
            yield f"rights {word}", "bold"
        for principal, right, objects in found[:_RIGHTS]:
            more = f" and {len(objects) - _OBJECTS:,} more" if len(objects) > _OBJECTS else ""
            what = _one_line(f"{principal}: {right}: {', '.join(objects[:_OBJECTS])}")
            yield f"  {sign} {what}{more}", style
        if len(found) > _RIGHTS:
            yield f"  and {len(found) - _RIGHTS:,} more, which --json has", "dim"
    if unknown := unknown_rights_words(summary):
        yield unknown, "dim"


_GUARD_STYLES = {"✗": "red", "!": "yellow", "·": "dim"}


def _guards(summary: Summary) -> Iterable[Line]:
    if summary.guards is None:
        return
    from modules.guards.words import to_lines as guard_lines

    lines = guard_lines(summary.guards)
    if lines:
        yield "guards", "bold"
    yield from ((f"  {_one_line(line)}", _GUARD_STYLES.get(line[:1], "")) for line in lines)


def _findings(summary: Summary) -> Iterable[Line]:
    for stack, finding in findings_of(summary):
        word, style = ("refused", "red") if finding.severity == "refuse" else ("warning", "yellow")
        yield f"{word}: {stack}, {finding.address}: {finding.message}", style
        if finding.do:
            yield f"  → {finding.do}", ""
    for plan_of in summary.plan.stacks:
        for warning in plan_of.warnings:
            yield f"warning: {plan_of.stack}: {warning.text()}", "yellow"
