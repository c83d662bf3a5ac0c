"""What a running sink knows of itself: counters, and what of them is in the status file that others watch.

The counters are since the start of this process; what the warehouse holds is the warehouse's to say.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

from modules.connectors.running import Running

__all__ = ["Metrics", "SinkStatus"]


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


class Metrics(Running):
    """Counters. Safe to use from several threads."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.first_append = threading.Event()
        self.rows_appended = self.rows_committed = self.batches = self.bytes_appended = 0
        self.letters = self.refusals = self.reopenings = 0

    def appended(self, rows: int, size: int) -> None:
        with self._lock:
            self.rows_appended += rows
            self.bytes_appended += size
            self.batches += 1
            self._moved(rows)
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
            super().retried(why)

    def status(self, state: str, topic: str, table: str, partitions: list[int], lag: int | None) -> SinkStatus:
        with self._lock:
            return SinkStatus(
                state=self._state(state),
                pid=os.getpid(),
                topic=topic,
                table=table,
                partitions=sorted(partitions),
                rows_appended=self.rows_appended,
                rows_committed=self.rows_committed,
                batches=self.batches,
                bytes_appended=self.bytes_appended,
                rows_per_second=self._rows_per_second(),
                lag=lag,
                dead_lettered=self.letters,
                refused=self.refusals,
                reopened=self.reopenings,
                retries=self.retries,
                last_problem=self.last_problem,
                seconds=round(self.seconds, 2),
            )
