"""A plan as people read it: what destroys and replaces first, then changes with their values, then creations.

Plain text lines, so that a terminal, a pipe and a golden file show the same; colour is added at the very end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cli._output import print_json, stdout
from modules.simulated import LABEL
from modules.terraform.plan import KINDS, UNKNOWN, AttributeChange, Change, EnvironmentPlan, Kind, StackPlan
from modules.terraform.results import ApplyResult

__all__ = ["plan_lines", "result_json", "result_lines", "show_plan", "show_result"]

_SIGNS: dict[Kind, tuple[str, str, str]] = {
    "delete": ("-", "red", "destroyed"),
    "replace": ("±", "red", "replaced: destroyed and created again"),
    "update": ("~", "yellow", "changed in place"),
    "create": ("+", "green", "created"),
    "import": ("→", "cyan", "imported"),
    "forget": ("!", "yellow", "forgotten: left as it is, no longer managed"),
    "read": ("?", "dim", "read during the apply"),
}
_WORDS: dict[Kind, str] = {
    "delete": "to destroy",
    "replace": "to replace",
    "update": "to change",
    "create": "to create",
    "import": "to import",
    "forget": "to forget",
    "read": "to read",
}
_WIDTH = 100
_REHEARSAL = "bold magenta"
Line = tuple[str, str]
"""Text and rich style."""


def show_plan(plan: EnvironmentPlan, *, as_json: bool = False) -> None:
    """Print the plan on stdout."""
    if as_json:
        print_json(plan.to_json())
    else:
        _print(plan_lines(plan))


def show_result(result: ApplyResult) -> None:
    """Print what an apply did on stdout."""
    _print(result_lines(result))


def result_json(plan: EnvironmentPlan, result: ApplyResult | None) -> dict[str, Any]:
    """One document with the plan and what came of it (None: there was nothing to do)."""
    return {
        "version": 1,
        "offline": plan.offline,
        "plan": plan.to_json(),
        "result": result.to_json() if result else None,
    }


def plan_lines(plan: EnvironmentPlan) -> list[Line]:
    """The whole summary."""
    lines: list[Line] = [(LABEL, _REHEARSAL), ("", "")] if plan.offline else []
    for kind in KINDS:
        changes = [(stack, change) for stack, change in plan.changes if change.kind == kind]
        if changes:
            lines += [(f"{len(changes)} {_SIGNS[kind][2]}", "bold"), *_section(plan, changes), ("", "")]
    lines += _drift(plan)
    lines += _findings(plan)
    lines += [line for stack in plan.stacks for line in _stack_line(stack)]
    lines += [("", ""), (_total(plan), "bold")]
    return [*lines, (LABEL, _REHEARSAL)] if plan.offline else lines


def _section(plan: EnvironmentPlan, changes: Iterable[tuple[str, Change]]) -> Iterable[Line]:
    pending = {stack.stack for stack in plan.stacks if stack.pending}
    for stack, change in changes:
        sign, style, _ = _SIGNS[change.kind]
        known = "  (values known later)" if stack in pending else ""
        yield f"  {sign} {stack}: {change.address}{known}", style
        if change.kind in ("update", "replace", "import"):
            yield from _attributes(change)


def _attributes(change: Change) -> Iterable[Line]:
    # Values that follow from others say nothing to a reader, unless they are all there is.
    known = [item for item in change.attributes if item.after != UNKNOWN or item.forces_replacement]
    for item in known or change.attributes:
        forced = "  ← forces replacement" if item.forces_replacement else ""
        if multi := _schema_diff(item) or _columns_diff(item):
            yield f"      {item.path}:{forced}", ""
            yield from ((f"        {line}", "green" if line.startswith("+") else "red") for line in multi)
        else:
            yield f"      {item.path}: {_shown(item.before)} → {_shown(item.after)}{forced}", ""


def _schema_diff(item: AttributeChange) -> list[str]:
    """Lines that differ, where both sides are JSON texts too long for one line (an Avro schema)."""
    sides = []
    for value in (item.before, item.after):
        if not isinstance(value, str) or len(value) < _WIDTH // 2 or value[:1] not in "{[":
            return []
        try:
            sides.append(json.dumps(json.loads(value), indent=1, ensure_ascii=False).splitlines())
        except ValueError:
            return []
    import difflib

    return [
        f"{line[0]} {line[1:].strip()}"
        for line in difflib.unified_diff(sides[0], sides[1], lineterm="", n=0)
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]


def _columns_diff(item: AttributeChange) -> list[str]:
    """Lines that differ, where both sides are lists of blocks with names (a table's columns); their order "
    "says nothing."""
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
    rest = [f"{key} {_shown(value)}" for key, value in block.items() if value and key not in _SAID_OTHERWISE]
    nullable = ["not null"] if block.get("nullable") is False else []
    return ", ".join([f"{block['name']} {block.get('type') or ''}".strip(), *nullable, *rest])


def _shown(value: Any) -> str:
    if value == UNKNOWN:
        return UNKNOWN
    if value is None:
        return "(none)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _drift(plan: EnvironmentPlan) -> Iterable[Line]:
    found = [(stack.stack, change) for stack in plan.stacks for change in stack.drift]
    if not found:
        return
    yield f"{len(found)} changed outside since the last deploy", "bold"
    for stack, change in found:
        if change.kind == "delete":
            yield f"  ! {stack}: {change.address} is gone", "yellow"
            continue
        yield f"  ! {stack}: {change.address}", "yellow"
        yield from _attributes(change)
    yield "", ""


def _findings(plan: EnvironmentPlan) -> Iterable[Line]:
    for stack, finding in plan.findings:
        word, style = ("refused", "red") if finding.severity == "refuse" else ("warning", "yellow")
        yield f"{word}: {stack}, {finding.address}: {finding.message}", style
        if finding.do:
            yield f"  → {finding.do}", ""
    for plan_of in plan.stacks:
        for warning in plan_of.warnings:
            yield f"warning: {plan_of.stack}: {warning.text()}", "yellow"
    if plan.findings or any(stack.warnings for stack in plan.stacks):
        yield "", ""


def _stack_line(stack: StackPlan) -> Iterable[Line]:
    counts = ", ".join(f"{number} {_WORDS[kind]}" for kind, number in stack.counts.items())
    outputs = f"{len(stack.outputs)} outputs" if stack.outputs and not counts else ""
    text = counts or outputs or ("no changes" if stack.note is None else "")
    text = "; ".join(part for part in (text, stack.note) if part)
    kept = f", {stack.unchanged} unchanged" if stack.unchanged else ""
    yield f"{stack.stack:<10} {text}{kept}", ""


def _total(plan: EnvironmentPlan) -> str:
    if not plan.has_changes:
        empty = "nothing to destroy" if plan.destroy else "no changes: what is deployed equals the environment's YAML"
        return f"{plan.environment}: {empty}"
    counts = ", ".join(f"{number} {_WORDS[kind]}" for kind, number in plan.counts.items())
    return f"{plan.environment}: {counts or 'outputs change'}"


def result_lines(result: ApplyResult) -> list[Line]:
    """What was done, a line a stack."""
    lines: list[Line] = [(LABEL, _REHEARSAL)] if result.offline else []
    for stack in result.stacks:
        done = [
            f"{number} {word}"
            for number, word in (
                (stack.added, "created"),
                (stack.changed, "changed"),
                (stack.destroyed, "destroyed"),
                (stack.imported, "imported"),
            )
            if number
        ]
        text = "unchanged" if stack.outcome == "unchanged" else f"{', '.join(done) or 'outputs only'}"
        lines.append((f"{stack.stack:<10} {text}" + (f" in {stack.seconds:.1f} s" if stack.seconds else ""), ""))
    ended = f"{'destroyed' if result.destroy else 'deployed'}{' (rehearsal)' if result.offline else ''}"
    return [*lines, (f"{result.environment}: {ended if result.changed else 'nothing was to be done'}", "bold")]


def _print(lines: Iterable[Line]) -> None:
    console = stdout()
    for text, style in lines:
        # soft_wrap: a long address must stay one line for grep and copy.
        console.print(text, style=style or None, markup=False, soft_wrap=True)
