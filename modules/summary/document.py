"""A summary as a JSON document: the plan's own, whose keys keep their meaning, with what the summary adds.

`schema.json` is its shape (`python -m modules.summary.shape` writes it anew). A field that is not in there fails the
tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.summary.model import CostPart, Right, SchemaCheck, Summary
from modules.summary.words import findings_of

if TYPE_CHECKING:
    from modules.cost.lines import Total

__all__ = ["document"]


def document(summary: Summary) -> dict[str, Any]:
    """The stable form; `version` is raised when a field changes its meaning or goes."""
    return {
        **summary.plan.to_json(),
        "base": summary.base,
        "notes": list(summary.notes),
        "destructive": [
            {"stack": each.stack, "address": each.address, "kind": each.kind, "lost": each.lost}
            for each in summary.destructive
        ],
        "folded": {
            "reads": [{"stack": stack, "address": change.address} for stack, change in summary.reads],
            "follows": [
                {"stack": each.stack, "address": each.address, "attributes": list(each.follows)}
                for each in summary.entries
                if each.follows
            ],
        },
        "schemas": [_schema(each) for each in summary.schemas],
        "cost": _cost(summary.cost),
        "rights": {
            "gained": [_right(each) for each in summary.gained],
            "lost": [_right(each) for each in summary.lost],
            "unknown": [{"stack": each.stack, "address": each.address} for each in summary.unknown_rights],
        },
        "guards": summary.guards.to_json() if summary.guards else None,
        "refusals": [
            *(each.message for _, each in findings_of(summary) if each.severity == "refuse"),
            *summary.refusals,
        ],
    }


def _schema(check: SchemaCheck) -> dict[str, Any]:
    return {
        "subject": check.subject,
        "level": check.level or None,
        "new_level": check.new_level,
        "verdict": check.verdict,
        "against": check.against,
        "reasons": list(check.reasons),
        "fields": list(check.fields),
    }


def _right(right: Right) -> dict[str, Any]:
    return {
        "system": right.system,
        "principal": right.principal,
        "right": right.right,
        "object": right.object,
        "denied": right.denied,
    }


def _cost(cost: CostPart | None) -> dict[str, Any] | None:
    """The difference as `infra cost diff --json` has it (docs/cost-formats.md); None where it is not known."""
    if cost is None:
        return None
    if cost.diff is None:
        return {"known": False, "why": cost.why, "planned": _month(cost.planned), "diff": None}
    from modules.cost.diff import DiffSet
    from modules.cost.formats.diff import diff_json

    found = DiffSet(cost.diff.before.label, cost.diff.after.label, (cost.diff,))
    return {"known": True, "why": cost.why, "planned": None, "diff": diff_json(found)}


def _month(total: Total | None) -> dict[str, str | None] | None:
    if total is None:
        return None
    from modules.cost.formats.parts import number

    return {"at_least": number(total.least), "at_most": number(total.most)}
