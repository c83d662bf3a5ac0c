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

__all__ = ["Declared", "StackSource", "declared", "planned_creations", "read_document", "waves"]

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


@dataclass(frozen=True)
class Declared:
    """A resource instance as the JSON declares it. `key` and `value` are its `for_each` entry's."""

    type: str
    name: str
    key: str | int | None
    address: str
    block: Mapping[str, Any]
    value: Any = None

    def literal(self, argument: str) -> Any:
        """An argument's value where the JSON alone tells it: literals, `${each.key}`, `${each.value.X}`; else None."""
        value = self.block.get(argument)
        if not isinstance(value, str) or "${" not in value:
            return value
        if value == "${each.key}":
            return self.key
        match = re.fullmatch(r"\$\{each\.value\.(\w+)\}", value)
        found = self.value.get(match[1]) if match and isinstance(self.value, dict) else None
        return None if isinstance(found, str) and "${" in found else found


def planned_creations(document: Mapping[str, Any], existing: Iterable[str] = ()) -> tuple[Change, ...]:
    """Resources the JSON declares and the state does not hold, as creations without values."""
    held = set(existing)
    return tuple(
        Change(item.address, item.type, item.name, "create", index_key=item.key)
        for item in declared(document)
        if item.address not in held
    )


def declared(document: Mapping[str, Any]) -> Iterable[Declared]:
    """Every resource instance; the address ends in `[*]` where the instances cannot be told."""
    for kind, by_name in (document.get("resource") or {}).items():
        if kind == _COMMENT:
            continue
        for name, body in by_name.items():
            # Terraform JSON also allows a list of one block.
            block = body[0] if isinstance(body, list) and body else body
            if name == _COMMENT or not isinstance(block, dict):
                continue
            entries = _entries(block, document)
            if entries is None:
                yield Declared(kind, name, None, f"{kind}.{name}[*]", block)
                continue
            for key, value in entries.items():
                suffix = "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"
                yield Declared(kind, name, key, f"{kind}.{name}{suffix}", block, value)


def _entries(block: Mapping[str, Any], document: Mapping[str, Any]) -> dict[Any, Any] | None:
    """Instance key → value; the one instance of a plain resource has the key None."""
    if "count" in block:
        count = block["count"]
        if isinstance(count, str) and count.isdigit():
            count = int(count)
        return dict.fromkeys(range(count)) if isinstance(count, int) else None
    if "for_each" not in block:
        return {None: None}
    return _literal(block["for_each"], document)


def _literal(value: Any, document: Mapping[str, Any]) -> dict[Any, Any] | None:
    """A `for_each`: a literal map, `toset` of literals, or a local that is one."""
    if isinstance(value, dict):
        return {key: value[key] for key in sorted(value) if key != _COMMENT}
    if isinstance(value, list):
        return {item: item for item in sorted(entry for entry in value if isinstance(entry, str))}
    if not isinstance(value, str):
        return None
    match = re.fullmatch(r"\$\{\s*(?:(?:toset|tomap)\((.*)\)|(.*?))\s*\}", value, re.S)
    if not match:
        return None
    inner = (match[1] or match[2] or "").strip()
    if local := re.fullmatch(r"local\.([\w-]+)", inner):
        named = (document.get("locals") or {}).get(local[1])
        return None if named is None else _literal(named, document)
    try:
        # HCL writes `"key" = value`, JSON `"key": value`; HCL takes both.
        parsed = json.loads(re.sub(r'("(?:[^"\\]|\\.)*")\s*=(?!=)', r"\1:", inner))
    except ValueError:
        return None
    return _literal(parsed, document) if isinstance(parsed, (dict, list)) else None
