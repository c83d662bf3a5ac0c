"""What a run needs of the world: something to send with, to receive with and to ask for rows.

`kafka.py` and `rows.py` are the real ones; the tests drive the same engine with a transport whose latencies are known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "RUN_HEADER",
    "SEQUENCE_HEADER",
    "Answer",
    "Arrival",
    "Clock",
    "Payloads",
    "QueueFullError",
    "Receiving",
    "Rows",
    "Sending",
    "monotonic",
]

RUN_HEADER = "infra_run_id"
SEQUENCE_HEADER = "infra_seq"

Clock = Callable[[], int]
"""Nanoseconds of a monotonic clock; one and the same for every stage of a run."""

monotonic: Clock = time.perf_counter_ns

Answer = Callable[[int, str | None], None]
"""Called with an event's number when the broker answered: None for success, else why it failed."""


class QueueFullError(Exception):
    """The client's send queue is full: try again after serving answers."""


@dataclass(frozen=True)
class Arrival:
    """An event of this run, received."""

    number: int
    key: bytes


class Payloads(Protocol):
    """Where events come from."""

    def next(self) -> tuple[bytes, bytes]:
        """Key and value of the next event, ready for the wire."""


class Sending(Protocol):
    def send(self, number: int, key: bytes, value: bytes) -> None:
        """Hand an event over without waiting for its answer.

        Raises:
            QueueFullError: it was not taken.
        """

    def serve(self, seconds: float, answer: Answer) -> None:
        """Pass on the broker's answers, waiting at most `seconds` for the first."""

    def close(self) -> None:
        """Let go; whatever is still queued is dropped."""


class Receiving(Protocol):
    def ready(self, seconds: float) -> Mapping[int, int]:
        """Block until every partition is held at its end; the offset each is read from.

        Raises:
            InfraError: a partition was not ready in time.
        """

    def receive(self, seconds: float) -> Arrival | None:
        """The next event of this run; None when there was none within `seconds`, or it was somebody else's."""

    def close(self) -> None: ...


class Rows(Protocol):
    def start(self, offsets: Mapping[int, int]) -> None:
        """Where in each partition the run's events begin, so that polls need not look before that."""

    def new(self) -> Sequence[int]:
        """Numbers of this run's events that became visible since the last call (it may repeat some)."""

    def counts(self) -> Mapping[int, int]:
        """How many rows each event of this run has: one query over all of them."""

    def close(self) -> None: ...
