"""Changes as entries: what matters in each, and what only follows."""

from __future__ import annotations

from collections.abc import Iterable

from modules.summary.model import Entry
from modules.terraform.plan import UNKNOWN, AttributeChange, Change, EnvironmentPlan
from modules.terraform.reviews.data import lost_data
from modules.terraform.reviews.schemas import as_subject

__all__ = ["attributes_of", "entries_of"]

_FOLLOWS = ("tags_all", "id", "arn")
"""What a provider computes from the rest, where the rest changes too."""


def entries_of(plan: EnvironmentPlan) -> tuple[Entry, ...]:
    """Every change but reads, what hurts first: data-bearing before others within a kind."""
    pending = {each.stack for each in plan.stacks if each.pending}
    found = [_entry(stack, change, stack in pending) for stack, change in plan.changes if change.kind != "read"]
    return tuple(sorted(found, key=_harm))


def _harm(entry: Entry) -> int:
    order = {"delete": 0, "replace": 2, "update": 4, "create": 6, "import": 8, "forget": 10, "read": 12}
    return order[entry.kind] + (entry.lost is None)


def _entry(stack: str, change: Change, pending: bool) -> Entry:
    lost = lost_data(as_subject(change, {}))
    if change.kind not in ("update", "replace", "import"):
        return Entry(stack, change, lost, pending=pending)
    shown, follows = attributes_of(change)
    return Entry(stack, change, lost, shown, follows, pending)


def attributes_of(change: Change) -> tuple[tuple[AttributeChange, ...], tuple[str, ...]]:
    """The differences that matter, and the names of those that follow; what is all there is matters."""
    matter = tuple(_that_matter(change.attributes))
    if not matter:
        return change.attributes, ()
    return matter, tuple(each.path for each in change.attributes if each not in matter)


def _that_matter(attributes: Iterable[AttributeChange]) -> Iterable[AttributeChange]:
    for each in attributes:
        head = each.path.split(".")[0].split("[")[0]
        if each.forces_replacement or (each.after != UNKNOWN and head not in _FOLLOWS):
            yield each
