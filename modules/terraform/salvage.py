"""A state that a kill cut off: put back as it was before that apply, so that the plan can take over what it made.

Terraform empties its state file before it writes it anew, after each resource. Killed in that moment, it leaves an
empty file or half of one. The copy from before the apply is whole, and the journal knows what was created since; what
was changed or destroyed since, the refresh of the next plan finds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from modules.errors import PlanError
from modules.terraform.files import write_private
from modules.terraform.journal import stopped
from modules.terraform.workdir import WorkingFolder, keep_backup

__all__ = ["salvage"]


def salvage(folder: WorkingFolder, note: Callable[[str], None]) -> None:
    """Mend a state that was cut off; one that is merely malformed, with no apply stopped half-way, is left alone.

    For who holds the environment: nobody writes it now.

    Raises:
        PlanError: it cannot be written.
        OSError: it cannot be read.
    """
    state = folder.path / "terraform.tfstate"
    apply = stopped(folder.path)
    if folder.store is not None or apply is None or not state.is_file() or not _cut_off(content := state.read_bytes()):
        return
    name, story = folder.source.name, f"the state was cut off when `{apply.command}` of {apply.since} was killed"
    if apply.backup is None:
        if content:
            keep_backup(folder.path, content, "cut-off.json", PlanError)
        state.unlink()
        note(f"{name}: {story}; there was none before it, and the plan takes over what was made")
        return
    before = _backup(folder.path, apply.backup)
    if before is None:
        return
    if content:
        keep_backup(folder.path, content, "cut-off.json", PlanError)
    write_private(state, before)
    note(f"{name}: {story}; it is back as it was before that, and the plan takes over what was made since")


def _cut_off(content: bytes) -> bool:
    if not content.strip():
        return True
    try:
        json.loads(content)
    except ValueError:
        return True
    return False


def _backup(folder: Path, name: str) -> bytes | None:
    """The copy of the state from before; None where it is gone, or is none itself."""
    try:
        content = (folder / "backups" / Path(name).name).read_bytes()
    except OSError:
        return None
    return None if _cut_off(content) else content
