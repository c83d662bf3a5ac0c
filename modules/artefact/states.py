"""Which state a plan was made against: enough to tell that it is still the same, to the byte, and nothing of what it
holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from modules.terraform.snapshots import state_bytes
from modules.terraform.workdir import WorkingFolder

__all__ = ["StateIdentity", "moved_states", "state_identity", "untouched"]


@dataclass(frozen=True)
class StateIdentity:
    """A state as Terraform counts it, and the SHA-256 of its content."""

    lineage: str
    serial: int
    digest: str


def state_identity(folder: WorkingFolder) -> StateIdentity | None:
    """The state of a stack as it is now; None where there is none.

    Raises:
        PlanError: it is malformed, another tool's, or of the other kind.
    """
    state = folder.state()
    if state is None:
        return None
    content = state_bytes(folder.state_file)
    return StateIdentity(state.lineage, state.serial, hashlib.sha256(content).hexdigest())


def untouched(content: bytes) -> bool:
    """Whether a state is empty and nothing was ever applied to it."""
    try:
        state = json.loads(content)
        return not state["serial"] and not state["resources"] and not state["outputs"]
    except (ValueError, KeyError, TypeError):
        return False


def moved_states(
    approved: Mapping[str, StateIdentity | None], now: Mapping[str, StateIdentity | None]
) -> tuple[str, ...]:
    """Which states are others than those the plan was made against, a line each."""
    lines = []
    for name in dict.fromkeys([*approved, *now]):
        before, after = approved.get(name), now.get(name)
        if before == after:
            continue
        head = f"state of stack {name}"
        if before is None or after is None:
            held = after or before
            serial = held.serial if held else 0
            lines.append(
                f"{head}: {'there was none, now there is one' if before is None else 'it is gone'} (serial {serial})"
            )
        elif before.lineage != after.lineage:
            lines.append(f"{head} is another state: its lineage was {before.lineage}, now it is {after.lineage}")
        elif before.serial != after.serial:
            lines.append(f"{head} was changed since: its serial was {before.serial}, now it is {after.serial}")
        else:
            lines.append(f"{head} was changed since: it has the same serial ({before.serial}) and another content")
    return tuple(lines)
