"""What any running connector knows of itself: how long it runs, how fast it was lately, whether it waits; and the file
in which it tells.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Running", "write_status"]

_WINDOW = 5.0
_WAITING = 2.0
"""Seconds after a request that failed, in which it counts as waiting."""


class Running:
    """Since the start of this process. Not safe from several threads by itself."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque()
        self._retried_at = -1e9
        self.retries = 0
        self.last_problem: str | None = None

    def retried(self, why: str) -> None:
        self.retries += 1
        self.last_problem = why
        self._retried_at = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def _moved(self, rows: int) -> None:
        self._recent.append((time.monotonic(), rows))

    def _rows_per_second(self) -> float:
        """Of the last seconds."""
        now = time.monotonic()
        while self._recent and now - self._recent[0][0] > _WINDOW:
            self._recent.popleft()
        return round(sum(rows for _, rows in self._recent) / min(_WINDOW, max(self.seconds, 0.1)), 1)

    def _state(self, state: str) -> str:
        return "waiting" if state == "running" and time.monotonic() - self._retried_at < _WAITING else state


def write_status(path: Path, status: DataclassInstance | list[Any]) -> None:
    """One status, or a list of them; a reader finds the old content or the new, never half of it."""
    content = [asdict(each) for each in status] if isinstance(status, list) else asdict(status)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    temporary.replace(path)
