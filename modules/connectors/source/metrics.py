"""What a running source knows of itself: counters, the rate of the last seconds, the status file others watch."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

from modules.connectors.source.place import Place

__all__ = ["Metrics", "SourceStatus", "write_status"]

_WINDOW = 5.0


@dataclass(frozen=True)
class SourceStatus:
    """The status file's content. `state`: starting, running, waiting (the last request failed), stopping, stopped."""

    state: str
    pid: int
    source: str
    origin: str
    topic: str
    schema_id: int | str | None
    rows_published: int
    """By this process; `place` has the sum of all."""
    transactions: int
    aborted: int
    rows_per_second: float
    caught_up: bool
    """Whether the last look found nothing new."""
    unseen: int
    """Rows that are not published as they are, since their stamp is NULL."""
    retries: int
    last_problem: str | None
    place: dict[str, object] | None
    seconds: float


class Metrics:
    """Counters of one process."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque()
        self._retried_at = -1e9
        self.rows = self.transactions = self.aborted = self.retries = self.unseen = 0
        self.caught_up = False
        self.schema_id: int | str | None = None
        self.place: Place | None = None
        self.last_problem: str | None = None

    def published(self, place: Place, rows: int) -> None:
        self.place = place
        self.rows += rows
        self.transactions += 1
        self._recent.append((time.monotonic(), rows))

    def retried(self, why: str) -> None:
        self.retries += 1
        self.last_problem = why
        self._retried_at = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def status(self, state: str, source: str, origin: str, topic: str) -> SourceStatus:
        now = time.monotonic()
        while self._recent and now - self._recent[0][0] > _WINDOW:
            self._recent.popleft()
        waiting = state == "running" and now - self._retried_at < 2.0
        return SourceStatus(
            state="waiting" if waiting else state,
            pid=os.getpid(),
            source=source,
            origin=origin,
            topic=topic,
            schema_id=self.schema_id,
            rows_published=self.rows,
            transactions=self.transactions,
            aborted=self.aborted,
            rows_per_second=round(sum(rows for _, rows in self._recent) / min(_WINDOW, max(self.seconds, 0.1)), 1),
            caught_up=self.caught_up,
            unseen=self.unseen,
            retries=self.retries,
            last_problem=self.last_problem,
            place=asdict(self.place) if self.place else None,
            seconds=round(self.seconds, 2),
        )


def write_status(path: Path, status: SourceStatus) -> None:
    """A reader finds the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(asdict(status), indent=2) + "\n")
    temporary.replace(path)
