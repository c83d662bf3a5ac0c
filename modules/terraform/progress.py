"""What the engine tells while it works. Rendering belongs to `cli/_progress.py`.

Calls come from several threads at once; an implementation guards itself.
"""

from __future__ import annotations

from typing import Literal, Protocol

from modules.terraform.events import Event

__all__ = ["Action", "Progress", "Silent"]

Action = Literal["init", "plan", "apply", "destroy"]


class Progress(Protocol):
    """Receives the course of a run."""

    def note(self, text: str) -> None:
        """Something a person should know that belongs to no stack."""

    def started(self, stack: str, action: Action, total: int) -> None:
        """A stack's action begins; `total` is the number of resources it will touch, 0 where unknown."""

    def event(self, stack: str, event: Event) -> None:
        """Something happened in it."""

    def finished(self, stack: str, action: Action, outcome: str) -> None:
        """It ended: `ok`, `failed` or a short sentence (`no changes`, `waits for cluster`)."""


class Silent:
    """A progress that tells nobody."""

    def note(self, text: str) -> None:
        pass

    def started(self, stack: str, action: Action, total: int) -> None:
        pass

    def event(self, stack: str, event: Event) -> None:
        pass

    def finished(self, stack: str, action: Action, outcome: str) -> None:
        pass
