"""Carries an environment's states from files to a bucket, back, or to another bucket.

    1. every stack is looked at in both places and judged: nothing is written if one of them is refused
    2. copied, read back, and held against the original, digest by digest
    3. taken away where it was (a backup or a version of it stays), and the new place is remembered

Killed anywhere, the same command goes on: a copy that is there already is recognised by its digest, and until the last
original is gone every other command refuses to work on half of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modules.errors import StateError
from modules.state.places import Bucket, Found, Place, parsed
from modules.terraform.backend import forget, remember
from modules.terraform.records import environment_lock

__all__ = ["Move", "Moved", "migrate", "moves"]


@dataclass(frozen=True)
class Move:
    """One stack's part. `how` is `copy`, `copied already`, `replace an older copy`, `replace an empty one`,
    `drop an empty one` or `there already`."""

    stack: str
    how: str
    serial: int
    lineage: str
    resources: int

    @property
    def copies(self) -> bool:
        return self.how.startswith(("copy", "replace"))


@dataclass(frozen=True)
class Moved:
    """What a migration did."""

    source: str
    target: str
    stacks: tuple[Move, ...]

    def to_json(self) -> dict[str, Any]:
        return {"from": self.source, "to": self.target, "stacks": [asdict(each) for each in self.stacks]}


def moves(source: Place, target: Place) -> tuple[Move, ...]:
    """What would be done, stack by stack; nothing is touched.

    Raises:
        StateError: a state cannot be read, or both places have one and neither follows the other.
    """
    stacks = dict.fromkeys([*source.stacks(), *target.stacks()])
    return tuple(_judged(stack, source, target) for stack in stacks)


def migrate(root: Path, source: Place, target: Place, said: Callable[[str, str], None]) -> Moved:
    """Do it.

    Args:
        root: the environment's folder.
        said: told (stack, what is done now) before each step.

    Raises:
        StateLockedError: somebody works on the environment or holds a state.
        StateError: see `moves`; or what was written is not what is there.
    """
    with environment_lock(root, "infra state migrate", f"environment {root.name}"), contextlib.ExitStack() as locks:
        planned = moves(source, target)
        for move in planned:
            said(move.stack, "lock")
            for place in (source, target):
                locks.enter_context(place.lock(move.stack, "migrate"))
        # What was judged may have been changed before the locks were held.
        planned = moves(source, target)
        for move in planned:
            if move.copies:
                said(move.stack, "copy")
                _copy(move, source, target)
        for move in planned:
            found = source.fetch(move.stack)
            if found is None:
                continue
            said(move.stack, "remove")
            if move.how != "drop an empty one":
                _same(move.stack, found, target)
            source.remove(move.stack, found)
            _forget_backend(root / move.stack)
        said("", "remember")
        if isinstance(target, Bucket):
            remember(root, target.store)
        else:
            forget(root)
    return Moved(source.name, target.name, planned)


def _judged(stack: str, source: Place, target: Place) -> Move:
    here, there = source.fetch(stack), target.fetch(stack)
    if here is None:
        assert there is not None
        state = parsed(there.content, target.of(stack))
        return Move(stack, "there already", state.serial, state.lineage, len(state.addresses))
    state = parsed(here.content, source.of(stack))
    how = "copy"
    if there is not None:
        other = parsed(there.content, target.of(stack))
        if here.digest == there.digest:
            how = "copied already"
        elif other.lineage == state.lineage and other.serial < state.serial:
            how = "replace an older copy"
        elif other.lineage != state.lineage and other.empty and not state.empty:
            how = "replace an empty one"
        elif other.lineage != state.lineage and state.empty:
            how = "drop an empty one"
        else:
            places = (
                f"{source.of(stack)}: lineage {state.lineage}, serial {state.serial}, {_count(state.addresses)}",
                f"{target.of(stack)}: lineage {other.lineage}, serial {other.serial}, {_count(other.addresses)}",
            )
            raise _refused(stack, state.lineage == other.lineage, places)
    return Move(stack, how, state.serial, state.lineage, len(state.addresses))


def _refused(stack: str, one_lineage: bool, places: tuple[str, str]) -> StateError:
    if one_lineage:
        return StateError(
            "both places have this state, and the one it would replace is as new or newer", where=f"stack {stack}",
            details=places,
            do="find out which one holds what is deployed (`infra state show`), and move the other away; nothing was "
            "changed",
        )  # fmt: skip
    return StateError(
        "both places have a state of this stack, of different lineages: two deployments, not one that was copied",
        where=f"stack {stack}", details=places,
        do="find out which one holds what is deployed, and move the other away, or give this environment another "
        "`state.s3.prefix`; nothing was changed",
    )  # fmt: skip


def _copy(move: Move, source: Place, target: Place) -> None:
    found = source.fetch(move.stack)
    if found is None:
        raise StateError("the state went away meanwhile", where=source.of(move.stack), do="run the command again")
    target.write(move.stack, found.content, target.fetch(move.stack))
    _same(move.stack, found, target)


def _same(stack: str, original: Found, target: Place) -> None:
    copy = target.fetch(stack)
    if copy is None or copy.digest != original.digest:
        raise StateError(
            "the copy is not what was copied; the original stays", where=target.of(stack),
            do="somebody writes there without a lock: find out who, then run the command again",
        )  # fmt: skip


def _forget_backend(folder: Path) -> None:
    """Terraform's own note of where the state was, after which it would offer a migration of its own."""
    for name in ("terraform.tfstate", "infra-init"):
        (folder / ".terraform" / name).unlink(missing_ok=True)


def _count(resources: Collection[str]) -> str:
    return f"{len(resources)} resource{'' if len(resources) == 1 else 's'}"
