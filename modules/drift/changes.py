"""Terraform's refresh-only plan as drift: what was changed outside, what is gone. Pure.

A plan compares with the state; here what the YAML says by now counts too. Where somebody changed the YAML as well and
both are of one mind, nothing drifted: the next deploy only takes note of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modules.drift.model import AttributeDrift, Drift
from modules.drift.words import in_words, name_of, words_of
from modules.environment.model import Environment
from modules.environment.warehouse_presets import completed
from modules.terraform.plan import AttributeChange, Change, EnvironmentPlan
from modules.terraform.settled import columns, settled
from modules.terraform.source import Declared

__all__ = ["drift_of_plan"]


def drift_of_plan(
    plan: EnvironmentPlan, environment: Environment, declared: Mapping[str, Mapping[str, Declared]] | None = None
) -> list[Drift]:
    """Missing things first; what went because something else did stands with that.

    Args:
        plan: refresh-only.
        declared: stack → address → what the YAML comes to by now; without it nothing is settled.
    """
    pairs = [(stack.stack, change) for stack in plan.stacks for change in stack.drift]
    gone, changed = [], []
    for stack, change in pairs:
        now = None if declared is None else declared.get(stack, {}).get(change.address)
        if change.kind != "delete":
            changed.append(_changed(stack, change, environment, now))
        elif declared is None or now is not None or not _readable(change.address, declared.get(stack, {})):
            gone.append(_missing(stack, change))
    return [*_folded(gone), *(each for each in changed if each is not None)]


def _readable(address: str, declared: Mapping[str, Declared]) -> bool:
    """Whether the JSON alone tells which instances there are."""
    return f"{address.partition('[')[0]}[*]" not in declared


def _missing(stack: str, change: Change) -> Drift:
    return Drift("missing", words_of(change.type).word, name_of(change), stack, change.address)


def _changed(stack: str, change: Change, environment: Environment, now: Declared | None) -> Drift | None:
    attributes = tuple(
        said
        for each in change.attributes
        if now is None or not settled(now, each)
        for said in _said(change, each, environment)
    )
    if not attributes:
        return None
    return Drift("changed", words_of(change.type).word, name_of(change), stack, change.address, attributes)


def _said(change: Change, attribute: AttributeChange, environment: Environment) -> Iterator[AttributeDrift]:
    if attribute.path != "column" or not isinstance(attribute.before, list) or not isinstance(attribute.after, list):
        yield in_words(change, attribute, environment)
        return
    whole = in_words(change, attribute, environment)
    evolving = _evolves(environment, name_of(change))
    before, after = columns(attribute.before), columns(attribute.after)
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) == after.get(name) or (evolving and name not in before):
            continue  # a connector may add columns to a table that says so
        key = (*whole.key, name) if whole.key else None
        yield AttributeDrift(f"column {name}", before.get(name), after.get(name), key, whole.why_not)


def _evolves(environment: Environment, table: str) -> bool:
    its = completed(environment).tables.get(table)
    return its is not None and its.schema_evolution


_HOLDERS = ("database", "schema", "table", "view", "role", "database role", "user", "warehouse", "topic")
"""What takes other things with it when it goes, the greater first."""


def _folded(gone: list[Drift]) -> Iterator[Drift]:
    """Each thing that is gone, with those that could not stay without it: what lies in it, rights on it or of it."""
    holders = sorted((each for each in gone if each.type in _HOLDERS), key=lambda each: _HOLDERS.index(each.type))
    taken: dict[str, list[str]] = {}
    under: set[str] = set()
    for holder in holders:
        if holder.id in under:
            continue
        for each in gone:
            if each is not holder and each.id not in under and _needs(each, holder):
                under.add(each.id)
                taken.setdefault(holder.id, []).append(str(each.address))
    for each in gone:
        if each.id not in under:
            with_it = tuple(taken.get(each.id, ()))
            yield Drift(each.kind, each.type, each.name, each.stack, each.address, with_it=with_it)


def _needs(each: Drift, holder: Drift) -> bool:
    """Whether a thing's name says that it lies in the other, or is a right on it or of it."""
    if each.type == holder.type:
        return False
    if each.type in ("grant", "role granted", "ownership", "tag"):
        return holder.name in each.name.split() or any(
            part.startswith(f"{holder.name}.") for part in each.name.split() if holder.type in ("database", "schema")
        )
    if holder.type in ("database", "schema"):
        return each.name.startswith(f"{holder.name}.")
    return False
