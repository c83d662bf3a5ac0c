"""Words that the text and the Markdown of a summary share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from modules.summary.model import CostPart, Entry, Right, SchemaCheck, Summary
from modules.summary.values import lines_that_differ
from modules.terraform.plan import EnvironmentPlan, Finding, Kind, StackPlan
from modules.terraform.reviews.topics import KEYS_MOVE

__all__ = [
    "COUNTED", "HEADINGS", "cost_line", "counts_words", "fields_said", "fields_to_show", "findings_of", "follows_words",
    "output_words", "reads_words", "right_lines", "schema_line", "stack_words", "total_words", "unknown_rights_words",
]  # fmt: skip

HEADINGS: Mapping[Kind, str] = {
    "delete": "destroyed",
    "replace": "replaced: destroyed and created again",
    "update": "changed in place",
    "create": "created",
    "import": "imported",
    "forget": "forgotten: left as it is, no longer managed",
    "read": "read during the apply",
}
COUNTED: Mapping[Kind, str] = {
    "delete": "to destroy",
    "replace": "to replace",
    "update": "to change",
    "create": "to create",
    "import": "to import",
    "forget": "to forget",
    "read": "to read",
}
_NAMED = 4
"""How many of what is folded are named."""


def counts_words(counts: Mapping[Kind, int]) -> str:
    """`1 to destroy, 2 to create`."""
    return ", ".join(f"{number:,} {COUNTED[kind]}" for kind, number in counts.items())


def stack_words(stack: StackPlan) -> str:
    """What happens to a stack."""
    counts = counts_words(stack.counts)
    outputs = f"{len(stack.outputs)} outputs" if stack.outputs and not counts else ""
    text = counts or outputs or ("no changes" if stack.note is None else "")
    text = "; ".join(part for part in (text, stack.note) if part)
    return text + (f", {stack.unchanged:,} unchanged" if stack.unchanged else "")


def total_words(plan: EnvironmentPlan, base: str | None = None) -> str:
    """What happens to the environment."""
    if not plan.has_changes:
        if plan.destroy:
            return "nothing to destroy"
        if base:
            return f"no changes against {base}"
        if plan.targets:
            return f"no changes in {', '.join(plan.targets)}; the rest was left out (--target)"
        return "no changes: what is deployed equals the environment's YAML"
    only = f"; only {', '.join(plan.targets)} (--target), the rest was left out" if plan.targets else ""
    return (counts_words(plan.counts) or "outputs change") + only


def _named(names: Sequence[str], many: int = _NAMED) -> str:
    rest = len(names) - many
    return ", ".join(names[:many]) + (f" and {rest:,} more" if rest > 0 else "")


def unknown_rights_words(summary: Summary) -> str:
    """`3 changes of rights …`: whose holders or objects only the apply tells; empty where there is none."""
    number = len(summary.unknown_rights)
    if not number:
        return ""
    which = _named([f"{each.stack}: {each.address}" for each in summary.unknown_rights], 2)
    return f"{number:,} more {'right' if number == 1 else 'rights'}, known only after the apply: {which}"


def follows_words(entry: Entry) -> str:
    """`2 more follow or are known after the apply: arn, current_version`; empty where nothing was folded."""
    if not entry.follows:
        return ""
    number = len(entry.follows)
    return f"{number} more {'follows' if number == 1 else 'follow'} from it: {_named(entry.follows)}"


def reads_words(summary: Summary) -> str:
    """`3 data sources are read during the apply: …`."""
    if not summary.reads:
        return ""
    number = len(summary.reads)
    which = _named([f"{stack}: {change.address}" for stack, change in summary.reads])
    return f"{number:,} data {'source is' if number == 1 else 'sources are'} read during the apply: {which}"


def output_words(stack: StackPlan) -> str:
    """Outputs of a stack that change although none of its resources does."""
    if not stack.outputs or any(change.kind != "read" for change in stack.changes):
        return ""
    number = len(stack.outputs)
    return f"{stack.stack}: only {number} {'output changes' if number == 1 else 'outputs change'}: " + _named(
        [each.name for each in stack.outputs]
    )


def schema_line(check: SchemaCheck) -> str:
    """`order-events-value: compatible with what is deployed (BACKWARD)`."""
    said = {
        "compatible": f"compatible with {check.against} under {check.level}",
        "same": f"the schema stays as it is ({check.level})",
        "breaks": f"breaks {check.against} under {check.level}",
        "invalid": "not valid",
        "unchecked": "not checked here" + (f" ({check.level})" if check.level else ""),
        "removed": "removed: consumers can no longer look up the schema of events written with it",
        "new": "first version" + (f" ({check.level})" if check.level else ""),
    }[check.verdict]
    moved = f"; its level becomes {check.new_level}" if check.new_level else ""
    return f"{check.subject}: {said}{moved}"


def fields_said(summary: Summary) -> set[tuple[str, ...]]:
    """Differences of fields that stand with the changes."""
    schemas = (each for each in summary.entries if each.kind == "update" and "schema" in each.change.type)
    return {tuple(lines_that_differ(item)) for each in schemas for item in each.attributes}


def fields_to_show(check: SchemaCheck, said: set[tuple[str, ...]]) -> tuple[str, ...]:
    """What became of the fields, unless a change says so already."""
    return () if check.verdict == "compatible" and check.fields in said else check.fields


def cost_line(cost: CostPart) -> str:
    """`$145.24 → $692.68 a month (+$547.44)`, or why that is not known."""
    from modules.cost.diff_words import delta_words
    from modules.cost.diff_words import total_words as month

    if cost.diff is None:
        planned = f"{cost.planned} a month as planned; the difference is " if cost.planned else ""
        return f"{planned}not known: {cost.why}"
    diff = cost.diff
    if diff.kind == "added":
        return f"{month(diff.after)} a month, where nothing was before"
    if diff.kind == "removed":
        return f"{month(diff.before)} a month ends"
    if diff.kind == "same":
        return f"no difference ({month(diff.after)} a month)"
    return f"{month(diff.before)} → {month(diff.after)} a month ({delta_words(diff.delta)})"


_ARN = re.compile(r"^arn:aws[a-z-]*:(?!iam|sts)([a-z0-9-]+):[a-z0-9-]*:[0-9]*:(.+)$")
_UUID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f-]{18,}")


def _short(name: str) -> str:
    """An object's ARN without account and region, where they are no wildcards; who somebody is stays whole, for another
    account's role is what a reader must see."""
    return _UUID.sub(r"\1…", _ARN.sub(r"\1 \2", name))


def right_lines(rights: Iterable[Right]) -> list[tuple[str, str, tuple[str, ...]]]:
    """(principal, right, objects): rights that differ in their object only, together."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in rights:
        words = f"denied: {each.right}" if each.denied else each.right
        found.setdefault((each.principal, words), []).append(_short(each.object))
    # Several rights on the very same objects are one line too.
    merged: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (principal, right), objects in found.items():
        merged.setdefault((principal, tuple(objects)), []).append(right)
    return [(principal, ", ".join(words), objects) for (principal, objects), words in merged.items()]


def findings_of(summary: Summary) -> list[tuple[str, Finding]]:
    """What reviews say, without what a line of the summary or a guard says already."""
    lost = {each.address for each in summary.entries if each.lost}
    guarded = summary.guards.results if summary.guards else ()
    same = {(each.address, each.message) for each in guarded}
    moved = {each.address for each in guarded if each.id == "keys-moved"}

    def told(each: Finding) -> bool:
        return (
            (each.address, each.message) in same
            or (each.address in lost and each.message.startswith("holds data: it will be"))
            or (each.address in moved and KEYS_MOVE in each.message)
        )

    return [(stack, each) for stack, each in summary.plan.findings if each.severity != "warn" or not told(each)]
