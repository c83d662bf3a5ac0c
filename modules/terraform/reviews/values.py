"""What a change says of one argument, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.terraform.plan import UNKNOWN, Change

__all__ = ["fate", "renames", "value"]


def value(side: Mapping[str, Any] | None, name: str) -> Any:
    """None where it is not set, or only the apply will tell."""
    found = None if side is None else side.get(name)
    return None if found == UNKNOWN else found


def renames(change: Change, argument: str) -> bool:
    old, new = value(change.before, argument), value(change.after, argument)
    return old is not None and new is not None and old != new


def fate(change: Change) -> str:
    """What becomes of a resource that is deleted or replaced, in words."""
    return "deleted" if change.kind == "delete" else "deleted and created again"
