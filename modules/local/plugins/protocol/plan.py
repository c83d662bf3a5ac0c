"""What a create or an update will look like, from Terraform's proposed state and the schema.

Terraform's own proposal already carries the configuration, and on an update the prior values of computed attributes
that the configuration leaves out. What is left for a provider: computed values it cannot know yet become unknown, and
some changes mean replacement. Pure functions over decoded values; a resource may refine the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modules.local.plugins.protocol.schema import Attribute, Block, Nested, NestedBlock
from modules.local.plugins.protocol.values import UNKNOWN, Value, equal

__all__ = [
    "changed_attributes",
    "complete",
    "drop_write_only",
    "mark_computed",
    "mark_recomputed",
    "settle",
    "with_write_only",
]

State = dict[str, Any]


def mark_computed(block: Block, proposed: State, prior: State | None) -> State:
    """Unknown for each computed value the proposal leaves null, unless the same object existed before."""
    planned = _mark_attributes(block.attributes, proposed, prior)
    for name, nested in block.blocks.items():
        planned[name] = _mark_block(nested, proposed.get(name), (prior or {}).get(name))
    return planned


def mark_recomputed(planned: State, changed: Iterable[str], recomputed: Mapping[str, frozenset[str]]) -> State:
    """Unknown for the computed values that a change makes out of date.

    `recomputed` maps a computed attribute to the attributes it follows from; an empty set means any change.
    """
    moved = frozenset(changed)
    stale = {name for name, inputs in recomputed.items() if moved and (not inputs or inputs & moved)}
    # What the configuration itself just changed is known.
    return {name: UNKNOWN if name in stale and name not in moved else value for name, value in planned.items()}


def changed_attributes(block: Block, prior: State, planned: State) -> frozenset[str]:
    """Names of the attributes and blocks, at the top level, that differ."""
    members: dict[str, Attribute | NestedBlock] = {**block.attributes, **block.blocks}
    return frozenset(
        name for name, member in members.items() if not equal(member.wire_type, prior.get(name), planned.get(name))
    )


def settle(planned: Value, result: Value) -> Value:
    """The state after an apply: what was planned, with the unknowns filled from the result (null where it says none).

    Known planned values win inside objects, so an implementation need only return what it found out.
    """
    if planned is UNKNOWN:
        return None if result is UNKNOWN else result
    if isinstance(planned, dict) and isinstance(result, dict):
        return {name: settle(value, result.get(name)) for name, value in planned.items()}
    if isinstance(planned, list):
        results = result if isinstance(result, list) and len(result) == len(planned) else [None] * len(planned)
        return [settle(one, other) for one, other in zip(planned, results, strict=True)]
    if isinstance(planned, dict):
        return {name: settle(value, None) for name, value in planned.items()}
    return planned


def complete(block: Block, value: State | None) -> State | None:
    """Every attribute and block present: missing attributes null, missing blocks empty as Terraform wants them."""
    if value is None:
        return None
    full = dict(value)
    for name in block.attributes:
        full.setdefault(name, None)
    for name, nested in block.blocks.items():
        full[name] = _complete_block(nested, full.get(name))
    return full


def drop_write_only(block: Block, value: State) -> State:
    """Write-only arguments are never in a plan or state."""
    return {
        name: None if name in block.attributes and block.attributes[name].write_only else item
        for name, item in value.items()
    }


def with_write_only(block: Block, planned: State, config: State) -> State:
    """What is planned, with the write-only arguments as they are configured."""
    written = {name: config.get(name) for name, attribute in block.attributes.items() if attribute.write_only}
    return {**planned, **written}


def _mark_attributes(attributes: Mapping[str, Attribute], proposed: State, prior: State | None) -> State:
    planned = dict(proposed)
    for name, attribute in attributes.items():
        value = proposed.get(name)
        if value is None:
            planned[name] = UNKNOWN if attribute.computed and prior is None else None
        elif attribute.nested is not None and value is not UNKNOWN:
            planned[name] = _mark_nested(attribute.nested, value, (prior or {}).get(name))
    return planned


def _mark_nested(nested: Nested, value: Value, prior: Value) -> Value:
    def mark(one: Value, before: Value) -> Value:
        return one if one is None or one is UNKNOWN else _mark_attributes(nested.attributes, one, before)

    return _each(nested.nesting, value, prior, mark)


def _mark_block(nested: NestedBlock, value: Value, prior: Value) -> Value:
    if value is None or value is UNKNOWN:
        return value

    def mark(one: Value, before: Value) -> Value:
        return one if one is None or one is UNKNOWN else mark_computed(nested.block, one, before)

    return _each(nested.nesting, value, prior, mark)


def _each(nesting: str, value: Value, prior: Value, mark: Any) -> Value:
    """Apply `mark` to every object of a nesting, paired with the object it was before, if any."""
    if nesting in ("single", "group"):
        return mark(value, prior)
    if nesting == "map":
        return {key: mark(one, (prior or {}).get(key)) for key, one in value.items()}
    before = prior or []
    if nesting == "set":
        # A set element has no identity but its value: it existed if an equal one did.
        return [mark(one, one if one in before else None) for one in value]
    return [mark(one, before[index] if index < len(before) else None) for index, one in enumerate(value)]


def _complete_block(nested: NestedBlock, value: Value) -> Value:
    if value is UNKNOWN:
        return value
    if nested.nesting == "single":
        return complete(nested.block, value)
    if nested.nesting == "group":
        return complete(nested.block, value or {})
    if nested.nesting == "map":
        return {key: complete(nested.block, one) for key, one in (value or {}).items()}
    return [complete(nested.block, one) for one in (value or [])]
