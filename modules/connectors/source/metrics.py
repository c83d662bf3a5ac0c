"""What a running source knows of itself: counters, and what of them is in the status file that others watch."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass

from modules.connectors.running import Running
from modules.connectors.source.place import Place

__all__ = ["Metrics", "SourceStatus"]


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


class Metrics(Running):
    """Counters of one process."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = self.transactions = self.aborted = self.unseen = 0
        self.caught_up = False
        self.schema_id: int | str | None = None
        self.place: Place | None = None

    def published(self, place: Place, rows: int) -> None:
        self.place = place
        self.rows += rows
        self.transactions += 1
        self._moved(rows)

    def status(self, state: str, source: str, origin: str, topic: str) -> SourceStatus:
        return SourceStatus(
            state=self._state(state),
            pid=os.getpid(),
            source=source,
            origin=origin,
            topic=topic,
            schema_id=self.schema_id,
            rows_published=self.rows,
            transactions=self.transactions,
            aborted=self.aborted,
            rows_per_second=self._rows_per_second(),
            caught_up=self.caught_up,
            unseen=self.unseen,
            retries=self.retries,
            last_problem=self.last_problem,
            place=asdict(self.place) if self.place else None,
            seconds=round(self.seconds, 2),
        )
