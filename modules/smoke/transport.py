"""What a run needs of the world: something to send with, to receive with, to commit with and to ask the warehouse.

`kafka.py`, `channels.py` and `rows.py` are the real ones; the tests drive the same engine with a transport whose
latencies are known.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from modules.smoke.stages import backwards

__all__ = [
    "CHECKSUM_HEADER",
    "RUN_HEADER",
    "SEQUENCE_HEADER",
    "Answer",
    "Arrival",
    "Channels",
    "Clock",
    "Committing",
    "NotCommittedError",
    "Payloads",
    "QueueFullError",
    "Receiving",
    "Rows",
    "Sending",
    "SteadyClock",
    "monotonic",
]

RUN_HEADER = "infra_run_id"
SEQUENCE_HEADER = "infra_seq"
CHECKSUM_HEADER = "infra_crc"

Clock = Callable[[], int]
"""Nanoseconds of a monotonic clock; one and the same for every stage of a run."""

monotonic: Clock = time.perf_counter_ns


class SteadyClock:
    """A clock that refuses to go backwards: within a thread, a reading below the one before raises.

    Raises:
        SmokeError: it went back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen = threading.local()

    def __call__(self) -> int:
        now = self._clock()
        last = getattr(self._seen, "at", now)
        if now < last:
            raise backwards(last - now)
        self._seen.at = now
        return now


@dataclass(frozen=True)
class Answer:
    """What the broker said to one event: where it is, or why it is not (`failure`)."""

    number: int
    partition: int = 0
    offset: int = 0
    failure: str | None = None


class NotCommittedError(Exception):
    """The broker could not take a commit just now: try again."""


class QueueFullError(Exception):
    """The client's send queue is full: try again after serving answers."""


@dataclass(frozen=True)
class Arrival:
    """An event of this run, received. `intact`: key and value are, byte for byte, what was sent."""

    number: int
    key: bytes
    partition: int = 0
    offset: int = 0
    intact: bool = True


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

    def serve(self, seconds: float, answer: Callable[[Answer], None]) -> None:
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


class Committing(Protocol):
    """Commits offsets of a consumer group of the run's own."""

    def start(self, offsets: Mapping[int, int]) -> None:
        """Commit where reading begins: finds the coordinator, and whether this is allowed at all."""

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit the next offset of partitions, and wait until the broker has taken it.

        Raises:
            NotCommittedError: it could not be reached, or is not the coordinator any more.
        """

    def close(self) -> None:
        """Leave nothing behind: the group is removed."""


class Channels(Protocol):
    """Tells how far each partition was handed over to the warehouse."""

    def tokens(self) -> Mapping[int, int]:
        """The newest committed offset of each partition that has one."""

    def close(self) -> None: ...


class Rows(Protocol):
    def start(self, offsets: Mapping[int, int], at: int) -> None:
        """Where in each partition the run's events begin, and the clock's reading then: polls look no further back."""

    def new(self, oldest: int) -> Sequence[int]:
        """Numbers of this run's events that became visible since the last call (it may repeat some).

        Args:
            oldest: the clock's reading from which on events are missing; no row made before it is wanted.
        """

    def between(self, first: int, last: int) -> Sequence[int]:
        """Those of the events `first` to `last` that have a row."""

    def flaws(self) -> Mapping[int, tuple[int, int]]:
        """Events with more than one row, or with one whose content is not what was sent: (rows, altered rows)."""

    def close(self) -> None: ...
