"""The two places a state can be in, alike for whoever copies, lists or restores states: files here, and a bucket.

A place writes only over what was read from it, keeps what it replaces or takes away (a backup, a version), and is
locked while that is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from modules.errors import StateError
from modules.terraform.backend import local_states
from modules.terraform.failures import from_os, state_locked
from modules.terraform.files import private_folder, write_private
from modules.terraform.records import running_child, state_free
from modules.terraform.s3 import S3Backend, Stored
from modules.terraform.state import State, parse_state
from modules.terraform.workdir import keep_backup

__all__ = ["Bucket", "Files", "Found", "Place", "parsed"]


@dataclass(frozen=True)
class Found:
    """A state in its place."""

    content: bytes = field(repr=False)
    modified: datetime
    stored: Stored | None = field(default=None, repr=False)
    """As the bucket has it."""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Place(Protocol):
    """Where the states of one environment are."""

    name: str
    simulated: bool
    """Whether they are a rehearsal's."""

    def of(self, stack: str) -> str:
        """Where this stack's is, for people."""

    def stacks(self) -> tuple[str, ...]:
        """Those that have a state."""

    def fetch(self, stack: str) -> Found | None:
        """The state that is there now."""

    def write(self, stack: str, content: bytes, replaces: Found | None) -> None:
        """Put this one there."""

    def remove(self, stack: str, gone: Found) -> None:
        """Take this one away, and keep it as an earlier one."""

    def lock(self, stack: str, operation: str) -> contextlib.AbstractContextManager[None]:
        """Nobody else writes it meanwhile."""


class Files:
    """`.infra/env/<environment>/<stack>/terraform.tfstate`; the environment's own lock is the caller's business."""

    name = "files on this machine"

    def __init__(self, root: Path, *, simulated: bool = False) -> None:
        self._root = root
        self.simulated = simulated

    def of(self, stack: str) -> str:
        return str(self._root / stack / "terraform.tfstate")

    def stacks(self) -> tuple[str, ...]:
        return local_states(self._root)

    def fetch(self, stack: str) -> Found | None:
        path = self._root / stack / "terraform.tfstate"
        try:
            content, modified = path.read_bytes(), datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"cannot read the state: {error.strerror}", where=str(path)) from None
        return Found(content, modified) if content.strip() else None

    def write(self, stack: str, content: bytes, replaces: Found | None) -> None:
        folder = self._root / stack
        if replaces is not None:
            keep_backup(folder, replaces.content, f"serial{_serial(replaces.content)}.tfstate", StateError)
        try:
            write_private(private_folder(folder) / "terraform.tfstate", content)
        except OSError as error:
            raise from_os(error, folder, StateError) from None

    def remove(self, stack: str, gone: Found) -> None:
        keep_backup(self._root / stack, gone.content, f"serial{_serial(gone.content)}.tfstate", StateError)
        (self._root / stack / "terraform.tfstate").unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, stack: str, operation: str) -> Iterator[None]:
        folder = self._root / stack
        child = running_child(folder) if folder.is_dir() else None
        if child is not None:
            raise state_locked(f"stack {stack}", who=f"`{child.command}`", pid=child.pid, since=child.since)
        if not state_free(folder):
            raise state_locked(f"stack {stack}", who="a Terraform on this machine")
        yield


class Bucket:
    """Objects of a bucket, with Terraform's own lock; a rehearsal's states are never there."""

    simulated = False

    def __init__(self, store: S3Backend) -> None:
        self.store = store
        self.name = store.place()

    def of(self, stack: str) -> str:
        return self.store.place(stack)

    def stacks(self) -> tuple[str, ...]:
        return self.store.stacks()

    def fetch(self, stack: str) -> Found | None:
        found = self.store.fetch(stack)
        return Found(found.content, found.modified, found) if found else None

    def write(self, stack: str, content: bytes, replaces: Found | None) -> None:
        self.store.write(stack, content, replaces.stored if replaces else None)

    def remove(self, stack: str, gone: Found) -> None:
        assert gone.stored is not None
        self.store.remove(stack, gone.stored)

    def lock(self, stack: str, operation: str) -> contextlib.AbstractContextManager[None]:
        return self.store.lock(stack, operation)


def parsed(content: bytes, place: str, *, simulated: bool = False) -> State:
    """A state that is to be moved or put back.

    Args:
        simulated: whether it must be a rehearsal's; a real one is never taken for one, nor the other way round.

    Raises:
        StateError: it is malformed, another tool's, or of the other kind.
    """
    try:
        state = parse_state(content, place, StateError)
    except ValueError:
        raise StateError(
            "the state is malformed", where=place,
            do="`infra state restore` puts an earlier one back; nothing was changed",
        ) from None  # fmt: skip
    if simulated and not state.simulated:
        raise StateError(
            "this state is of real resources, not of a rehearsal",
            where=place,
            do="leave out --offline; nothing was changed",
        )
    if state.simulated and not simulated:
        raise StateError(
            "this state was made by an offline rehearsal: what it holds does not exist", where=place,
            do="take it away; nothing was changed",
        )  # fmt: skip
    return state


def _serial(content: bytes) -> int:
    try:
        return int(json.loads(content)["serial"])
    except (ValueError, KeyError, TypeError):
        return 0
