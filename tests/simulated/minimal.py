"""The smallest configuration of a resource type that its schema allows, written from the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.local.plugins.protocol.schema import Attribute, Block, CtyType

__all__ = ["minimal"]


def minimal(block: Block, kind: str, *, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Required arguments and blocks only, with values that name the resource type."""
    return {**_body(block, kind), **(extra or {})}


def _body(block: Block, where: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        name: _value(attribute, f"{where}-{name}") for name, attribute in block.attributes.items() if attribute.required
    }
    for name, nested in block.blocks.items():
        if nested.min_items:
            made[name] = [_body(nested.block, f"{where}-{name}") for _ in range(nested.min_items)]
    return made


def _value(attribute: Attribute, where: str) -> Any:
    if attribute.nested is not None:
        one = {name: _value(inner, where) for name, inner in attribute.nested.attributes.items() if inner.required}
        return one if attribute.nested.nesting in ("single", "group") else [one]
    return _typed(attribute.wire_type, where)


def _typed(kind: CtyType, where: str) -> Any:
    if isinstance(kind, str):
        return {"number": 1, "bool": True}.get(kind, where)
    head, inner = kind[0], kind[1]
    if head == "object":
        return {name: _typed(member, where) for name, member in inner.items()}
    return {"key": _typed(inner, where)} if head == "map" else [_typed(inner, where)]
