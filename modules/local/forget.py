"""After a reset: Terraform's states of laptop environments speak of what is gone, under addresses nobody answers at.

They are put aside, not deleted. Only states in files: a bucket's are somebody else's too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from modules.project import OUTPUTS_FILE, Project

__all__ = ["forget_states"]


def forget_states(project: Project, environments: Iterable[str]) -> list[str]:
    """Put the states of these environments beside their backups; the environments that had any."""
    found = []
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    for name in environments:
        folder = project.environment_state(name)
        states = sorted(folder.glob("*/terraform.tfstate"))
        for state in states:
            aside = state.parent / "backups"
            aside.mkdir(mode=0o700, exist_ok=True)
            # Not `.tfstate`: it is no state to go back to.
            state.replace(aside / f"{stamp}-before-reset.json")
        (folder / OUTPUTS_FILE).unlink(missing_ok=True)
        if states:
            found.append(name)
    return found
