"""States that are elsewhere, as if they were files: whoever reads `<root>/<stack>/terraform.tfstate` gets what the
mounted store holds, read anew at the start of each run and kept in memory only.

So nothing that reads a state has to know where it is, and no copy of a state (which holds secrets) lies on the disk or
grows old there. Nothing here writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

__all__ = ["Remote", "mount", "mounted", "state_bytes", "state_place", "unmount"]


class Remote(Protocol):
    """A store of one environment's states."""

    def read(self, stack: str) -> bytes | None:
        """The state as it was when it was last asked for; None where there is none."""

    def place(self, stack: str) -> str:
        """Where the state is, for people."""


_mounted: dict[Path, Remote] = {}


def mount(root: Path, remote: Remote) -> None:
    """States below an environment's folder are in this store from now on."""
    _mounted[root.absolute()] = remote


def unmount(root: Path) -> None:
    """They are files again."""
    _mounted.pop(root.absolute(), None)


def mounted(root: Path) -> Remote | None:
    """The store of an environment's folder; None where its states are files."""
    return _mounted.get(root.absolute())


def state_bytes(state_file: Path) -> bytes:
    """A state's content.

    Raises:
        FileNotFoundError: there is none.
        OSError: the file cannot be read.
        StateError: the store cannot be read.
    """
    remote = mounted(state_file.parent.parent)
    if remote is None:
        return state_file.read_bytes()
    content = remote.read(state_file.parent.name)
    if content is None:
        raise FileNotFoundError(state_file)
    return content


def state_place(state_file: Path) -> str:
    """Where a state is, for people: the file's path, or the store's name for it."""
    remote = mounted(state_file.parent.parent)
    return str(state_file) if remote is None else remote.place(state_file.parent.name)
