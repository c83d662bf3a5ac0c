"""A stack as the engine gets it: Terraform JSON, what it needs from other stacks, and what it would create.

Reads JSON that stacks synthesised; runs nothing and knows no cdktf.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.errors import SynthError
from modules.terraform.plan import Change

__all__ = ["StackSource", "planned_creations", "read_document", "waves"]

_COMMENT = "//"


@dataclass(frozen=True)
class StackSource:
    """One stack.

    Args:
        name: the working folder's name too: `cluster`, `topics`, `warehouse`, `connect`.
        json_path: the synthesised `cdk.tf.json`.
        needs: stacks that are applied before this one.
        inputs: Terraform variable name → (stack, output name); a sensitive output travels in the environment.
    """

    name: str
    json_path: Path
    needs: tuple[str, ...] = ()
    inputs: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def upstream(self) -> tuple[str, ...]:
        """Every stack it waits for, those of `inputs` included."""
        return tuple(dict.fromkeys([*self.needs, *(stack for stack, _ in self.inputs.values())]))


def waves(stacks: Sequence[StackSource]) -> tuple[tuple[StackSource, ...], ...]:
    """Stacks in the order of their needs; those of one wave are independent of each other.

    Raises:
        SynthError: a need that is not there, or a circle.
    """
    names = {stack.name for stack in stacks}
    for stack in stacks:
        missing = [need for need in stack.upstream if need not in names]
        if missing:
            raise SynthError(f"stack {stack.name} needs stack {missing[0]}, which does not exist")
    ordered: list[tuple[StackSource, ...]] = []
    done: set[str] = set()
    left = list(stacks)
    while left:
        wave = tuple(stack for stack in left if done.issuperset(stack.upstream))
        if not wave:
            circle = ", ".join(stack.name for stack in left)
            raise SynthError(f"stacks need each other in a circle: {circle}")
        ordered.append(wave)
        done.update(stack.name for stack in wave)
        left = [stack for stack in left if stack.name not in done]
    return tuple(ordered)


def read_document(source: StackSource, content: bytes) -> dict[str, Any]:
    """The parsed JSON.

    Raises:
        SynthError: it is not a JSON object, or misses a variable that `inputs` fills.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise SynthError(f"the synthesised JSON is malformed: {error}", where=str(source.json_path)) from None
    if not isinstance(document, dict):
        raise SynthError("the synthesised JSON is no object", where=str(source.json_path))
    missing = sorted(set(source.inputs) - set(document.get("variable") or {}))
    if missing:
        raise SynthError(f"stack {source.name} declares no variable {missing[0]!r}", where=str(source.json_path))
    return document


def planned_creations(document: Mapping[str, Any], existing: Iterable[str] = ()) -> tuple[Change, ...]:
    """Resources the JSON declares and the state does not hold, as creations without values."""
    held = set(existing)
    return tuple(
        Change(address, kind, name, "create", index_key=key)
        for kind, name, key, address in _declared(document)
        if address not in held
    )


def _declared(document: Mapping[str, Any]) -> Iterable[tuple[str, str, str | int | None, str]]:
    """(type, name, index key, address) of every resource instance; `[*]` where the instances cannot be told."""
    for kind, by_name in (document.get("resource") or {}).items():
        if kind == _COMMENT:
            continue
        for name, body in by_name.items():
            if name == _COMMENT:
                continue
            # Terraform JSON also allows a list of one block.
            block = body[0] if isinstance(body, list) and body else body
            keys = _keys(block, document) if isinstance(block, dict) else [None]
            if keys is None:
                yield kind, name, None, f"{kind}.{name}[*]"
                continue
            for key in keys:
                suffix = "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"
                yield kind, name, key, f"{kind}.{name}{suffix}"


def _keys(block: Mapping[str, Any], document: Mapping[str, Any]) -> list[str | int | None] | None:
    if "count" in block:
        count = block["count"]
        if isinstance(count, str) and count.isdigit():
            count = int(count)
        return list(range(count)) if isinstance(count, int) else None
    if "for_each" not in block:
        return [None]
    return _literal_keys(block["for_each"], document)


def _literal_keys(value: Any, document: Mapping[str, Any]) -> list[str | int | None] | None:
    """Keys of a `for_each`: a literal map, `toset` of literals, or a local that is one."""
    if isinstance(value, dict):
        return [*sorted(key for key in value if key != _COMMENT)]
    if isinstance(value, list):
        return [*sorted(item for item in value if isinstance(item, str))]
    if not isinstance(value, str):
        return None
    match = re.fullmatch(r"\$\{\s*(?:(?:toset|tomap)\((.*)\)|(.*?))\s*\}", value, re.S)
    if not match:
        return None
    inner = (match[1] or match[2] or "").strip()
    if local := re.fullmatch(r"local\.([\w-]+)", inner):
        named = (document.get("locals") or {}).get(local[1])
        return None if named is None else _literal_keys(named, document)
    try:
        # HCL writes `"key" = value`, JSON `"key": value`; HCL takes both.
        parsed = json.loads(re.sub(r'("(?:[^"\\]|\\.)*")\s*=(?!=)', r"\1:", inner))
    except ValueError:
        return None
    return _literal_keys(parsed, document) if isinstance(parsed, (dict, list)) else None
