"""The copy that a successful apply leaves of a state in a file: one that is lost later comes back as it was then, not
as it was before that apply.

Copies from before an apply are the working folder's (`back_up`); of both together the newest ten stay. A state in a
bucket is not lost with a folder, so that it gets none of these.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from modules.errors import ApplyError, InfraError
from modules.terraform.snapshots import state_bytes
from modules.terraform.workdir import WorkingFolder, keep_backup

__all__ = ["AFTER", "back_up_before", "keep_after"]

AFTER = ".after.tfstate"
"""How the name of such a copy ends; the way back passes over it (`modules/deployed.py`)."""


def back_up_before(folder: WorkingFolder) -> Path | None:
    """`WorkingFolder.back_up`; the copy that the apply before left of the same state goes, one of the two is enough."""
    copy = folder.back_up()
    if copy is not None:
        with contextlib.suppress(OSError):
            content = copy.read_bytes()
            for left in copy.parent.glob(f"*{AFTER}"):
                if left.read_bytes() == content:
                    left.unlink()
    return copy


def keep_after(folder: WorkingFolder, note: Callable[[str], None]) -> None:
    """Copy the state as an apply left it. What was applied stays applied where that fails, which is only told."""
    if folder.store is not None:
        return
    try:
        state = folder.state(ApplyError)
        if state is not None and not state.empty:
            keep_backup(folder.path, state_bytes(folder.state_file), f"serial{state.serial}{AFTER}", ApplyError)
    except InfraError as error:
        note(f"{folder.source.name}: its state has no copy: {error.what}")
