"""Puts an earlier state back, under a serial of its own: so that Terraform takes it for the newest, and every plan that
was made against the state it replaces is refused as stale.

Resources are not touched: what the earlier state does not know of stays there, and the next plan may want to make it
again. The state that is replaced stays as a backup or a version.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modules.errors import StateError
from modules.state.places import Place, parsed
from modules.terraform.records import environment_lock
from modules.terraform.state import State

__all__ = ["Restoration", "restoration", "restore"]


@dataclass(frozen=True)
class Restoration:
    """What a restore changes: addresses that the state gains and loses."""

    stack: str
    serial: int
    """Under which it will be."""
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def restoration(place: Place, stack: str, content: bytes) -> Restoration:
    """What putting this state there would change; nothing is touched.

    Raises:
        StateError: it is no state, or of another lineage than what is there.
    """
    state = parsed(content, f"the state to be restored for {stack}", simulated=place.simulated)
    there = _current(place, stack)
    if there is not None and there.lineage != state.lineage and not there.empty:
        raise StateError(
            "it is not an earlier state of this stack: its lineage is another", where=place.of(stack),
            details=(f"there: {there.lineage}", f"given: {state.lineage}"),
            do="choose another (`infra state backups`); nothing was changed",
        )  # fmt: skip
    before = set(there.addresses) if there else set()
    serial = max(state.serial, there.serial if there else 0) + 1
    gained = tuple(each for each in state.addresses if each not in before)
    return Restoration(stack, serial, gained, tuple(sorted(before - set(state.addresses))))


def restore(root: Path, place: Place, stack: str, content: bytes, said: Callable[[str], None]) -> Restoration:
    """Do it.

    Raises:
        StateLockedError: somebody works on the environment or holds the state.
        StateError: see `restoration`.
    """
    with (
        environment_lock(root, "infra state restore", f"environment {root.name}"),
        place.lock(stack, "restore"),
    ):
        planned = restoration(place, stack, content)
        document = {**json.loads(content), "serial": planned.serial}
        place.write(stack, json.dumps(document, indent=2).encode() + b"\n", place.fetch(stack))
        said(f"stack {stack}: put back, as serial {planned.serial}, in {place.of(stack)}")
    return planned


def _current(place: Place, stack: str) -> State | None:
    """What is there; None where nothing is, or it is malformed (then it is what is to be mended)."""
    found = place.fetch(stack)
    try:
        return parsed(found.content, place.of(stack), simulated=place.simulated) if found else None
    except StateError:
        return None
