"""What a running sink knows of itself: counters, the rate of the last seconds, and the status file others watch.

The counters are since the start of this process; what the warehouse holds is the warehouse's to say.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Metrics", "SinkStatus", "write_atomically"]

_WINDOW = 5.0


@dataclass(frozen=True)
class SinkStatus:
    """The status file's content. `state`: starting, running, waiting (the last request failed), stopping, stopped."""

    state: str
    pid: int
    topic: str
    table: str
    partitions: list[int]
    rows_appended: int
    rows_committed: int
    batches: int
    bytes_appended: int
    rows_per_second: float
    lag: int | None
    """Messages in the topic that are not dealt with yet; None before it is known."""
    dead_lettered: int
    """Refused rows included."""
    refused: int
    reopened: int
    retries: int
    last_problem: str | None
    seconds: float


class Metrics:
    """Counters. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque()
        self._retried_at = -1e9
        self.first_append = threading.Event()
        self.rows_appended = self.rows_committed = self.batches = self.bytes_appended = 0
        self.letters = self.refusals = self.reopenings = self.retries = 0
        self.last_problem: str | None = None

    def appended(self, rows: int, size: int) -> None:
        with self._lock:
            self.rows_appended += rows
            self.bytes_appended += size
            self.batches += 1
            self._recent.append((time.monotonic(), rows))
        self.first_append.set()

    def committed(self, rows: int) -> None:
        with self._lock:
            self.rows_committed += rows

    def dead_lettered(self, count: int) -> None:
        with self._lock:
            self.letters += count

    def refused(self, count: int) -> None:
        with self._lock:
            self.refusals += count

    def reopened(self, why: str) -> None:
        with self._lock:
            self.reopenings += 1
            self.last_problem = why

    def retried(self, why: str) -> None:
        with self._lock:
            self.retries += 1
            self.last_problem = why
            self._retried_at = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def status(self, state: str, topic: str, table: str, partitions: list[int], lag: int | None) -> SinkStatus:
        with self._lock:
            now = time.monotonic()
            while self._recent and now - self._recent[0][0] > _WINDOW:
                self._recent.popleft()
            waiting = state == "running" and now - self._retried_at < 2.0
            return SinkStatus(
                state="waiting" if waiting else state,
                pid=os.getpid(),
                topic=topic,
                table=table,
                partitions=sorted(partitions),
                rows_appended=self.rows_appended,
                rows_committed=self.rows_committed,
                batches=self.batches,
                bytes_appended=self.bytes_appended,
                rows_per_second=round(sum(rows for _, rows in self._recent) / min(_WINDOW, max(self.seconds, 0.1)), 1),
                lag=lag,
                dead_lettered=self.letters,
                refused=self.refusals,
                reopened=self.reopenings,
                retries=self.retries,
                last_problem=self.last_problem,
                seconds=round(self.seconds, 2),
            )


def write_atomically(path: Path, status: SinkStatus | list[SinkStatus]) -> None:
    """A reader finds the old content or the new, never half of it."""
    content = [asdict(each) for each in status] if isinstance(status, list) else asdict(status)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    temporary.replace(path)
