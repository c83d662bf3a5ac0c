"""Tells a change made outside that the configuration has taken over by now from one it would undo.

A stack is applied only where something is to be done, so its state goes on saying what was there before; what the
configuration says as well is not worth a word then. Read off the Terraform JSON alone: where only Terraform could tell,
nothing counts as settled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from modules.terraform.plan import AttributeChange, Change
from modules.terraform.source import Declared

__all__ = ["columns", "settled", "unsettled"]

_UNKNOWN = object()


def unsettled(drift: Iterable[Change], declared: Iterable[Declared]) -> tuple[Change, ...]:
    """The changes made outside that the configuration does not say by now."""
    now = {each.address: each for each in declared}
    found = []
    for change in drift:
        if change.kind == "delete" or change.address not in now:
            found.append(change)
            continue
        left = tuple(each for each in change.attributes if not settled(now[change.address], each))
        if left:
            found.append(replace(change, attributes=left))
    return tuple(found)


def settled(now: Declared, attribute: AttributeChange) -> bool:
    """Whether the YAML says by now what is there."""
    if attribute.sensitive:
        return False
    if attribute.path == "column" and isinstance(attribute.after, list):
        wanted = now.block.get("column")
        return isinstance(wanted, list) and columns(wanted) == columns(attribute.after)
    wanted = _literal(now, attribute.path)
    if wanted is _UNKNOWN:
        return False
    return _same(wanted, attribute.after)


def _literal(now: Declared, path: str) -> Any:
    """What the declaration gives an attribute, or an item of a map; `_UNKNOWN` where only Terraform could tell."""
    name, bracket, item = path.partition("[")
    if bracket:
        item = item.removesuffix("]").strip('"')
    else:
        name, _, item = path.partition(".")
    given = now.block.get(name)
    value = now.literal(name)
    if value is None and given is not None and not _is_absent(now, given):
        return _UNKNOWN
    if not item:
        return value
    if value is None:
        return None
    return value.get(item) if isinstance(value, Mapping) else _UNKNOWN


def _is_absent(now: Declared, given: Any) -> bool:
    """`${each.value.comment}` of an entry that has none."""
    match = re.fullmatch(r"\$\{each\.value\.(\w+)\}", given) if isinstance(given, str) else None
    return match is not None and isinstance(now.value, Mapping) and now.value.get(match[1]) is None


def _same(wanted: Any, there: Any) -> bool:
    if wanted is None or there is None:
        return wanted is None and there is None
    if isinstance(wanted, list | dict) or isinstance(there, list | dict):
        return bool(wanted == there)
    if str(wanted).lower() == str(there).lower():
        return True
    texts = [each.replace("$${", "${").replace("%%{", "%{") for each in (str(wanted), str(there))]
    if texts[0] == texts[1]:
        return True
    try:
        return isinstance(wanted, str) and isinstance(there, str) and bool(json.loads(wanted) == json.loads(there))
    except ValueError:
        return False


def columns(blocks: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Column → `VARCHAR, not null, "comment"`."""
    found = {}
    for block in blocks:
        parts = [str(block.get("type") or "")]
        if block.get("nullable") is False:
            parts.append("not null")
        if block.get("comment"):
            parts.append(f'"{str(block["comment"]).replace("$${", "${").replace("%%{", "%{")}"')
        found[str(block.get("name"))] = ", ".join(parts)
    return found
