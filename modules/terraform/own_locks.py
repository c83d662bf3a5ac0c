"""A lock in a store that a Terraform of this very folder left behind: known by its id, so that no person has to judge.

As soon as an apply has begun to change something, the id of the lock it holds is noted in the working folder. When the
process is gone and the lock is not (a SIGKILL, credentials that expired), the next run here removes just that lock. Any
other is a person's to judge: `infra unlock`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from modules.errors import StateError
from modules.terraform.files import write_private
from modules.terraform.locks import me
from modules.terraform.records import running_child
from modules.terraform.s3 import S3Backend

__all__ = ["clear_own", "forget_own", "note_own"]

_FILE = "lock.id"


def note_own(folder: Path, store: S3Backend, stack: str) -> None:
    """To be called while Terraform changes resources in this folder: the lock is certainly its own then."""
    with contextlib.suppress(StateError, OSError):  # without the note a person is asked
        lock = store.holder(stack)
        if lock is not None and lock.id and lock.who == me():
            write_private(folder / _FILE, lock.id.encode())


def clear_own(folder: Path, store: S3Backend, stack: str, note: Callable[[str], None]) -> None:
    """Remove the lock that a Terraform of this folder left, if that is what holds the state.

    Raises:
        StateError: the store cannot be read.
    """
    try:
        own = (folder / _FILE).read_text()
    except OSError:
        return
    lock = store.holder(stack)
    if lock is not None and lock.id == own:
        if running_child(folder) is not None or not store.unlock(stack, lock):
            return
        note(f"{stack}: cleared the lock of a run that died (by {lock.who}, since {lock.since})")
    forget_own(folder)


def forget_own(folder: Path) -> None:
    """The lock was released in good order."""
    (folder / _FILE).unlink(missing_ok=True)
