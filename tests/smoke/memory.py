"""An in-memory pipeline for the engine's real threads: it can lose, double, stall, refuse and break."""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from modules.smoke.engine import Transports
from modules.smoke.transport import Answer, Arrival, NotCommittedError, Payloads, QueueFullError


class MemoryPipeline:
    """One object plays all parts. `copies` says how often an event arrives at a stage.

    An event's offset is its number over the number of partitions; a channel covers what was sent to its partition.
    """

    partitions = 2

    def __init__(self, copies: Callable[[str, int], int] = lambda stage, number: 1) -> None:
        self.copies = copies
        self.altered: set[int] = set()
        """Events whose content is another when they are consumed and in their rows."""
        self.committed: dict[int, int] = {}
        self.commits_refused = 0
        """So many commits fail before one is taken."""
        self.channel: dict[int, int] = {}
        self.taken: list[int] = []
        self.closed = False
        self.refuse: str | None = None
        self.break_at: int | None = None
        self.full_once: set[int] = set()
        self.started: Mapping[int, int] | None = None
        self._answers: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._fresh: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.rows: Counter[int] = Counter()

    def send(self, number: int, key: bytes, value: bytes) -> None:
        if number in self.full_once:
            self.full_once.discard(number)
            raise QueueFullError
        if number == self.break_at:
            raise self.failure
        self.taken.append(number)
        for _ in range(self.copies("acknowledged", number)):
            self._answers.put(number)
        for _ in range(self.copies("consumed", number)):
            self._arrivals.put(Arrival(number, key, *self.place(number), intact=number not in self.altered))
        if self.copies("handed_over", number):
            partition, offset = self.place(number)
            self.channel[partition] = offset
        for _ in range(self.copies("row_visible", number)):
            self.rows[number] += 1
            self._fresh.put(number)

    failure: Exception = RuntimeError("no failure was set")

    def place(self, number: int) -> tuple[int, int]:
        """Partition and offset of an event."""
        return number % self.partitions, number // self.partitions

    def transports(self, payloads: Payloads) -> Transports:
        """This pipeline in all six parts."""
        return Transports(payloads, self, self, _Committing(self), self, self)

    def tokens(self) -> Mapping[int, int]:
        return dict(self.channel)

    def serve(self, seconds: float, answer: Callable[[Answer], None]) -> None:
        try:
            number = self._answers.get(timeout=seconds)
        except queue.Empty:
            return
        answer(Answer(number, *self.place(number), failure=self.refuse))

    def ready(self, seconds: float) -> Mapping[int, int]:
        return dict.fromkeys(range(self.partitions), 0)

    def receive(self, seconds: float) -> Arrival | None:
        try:
            return self._arrivals.get(timeout=seconds)
        except queue.Empty:
            return None

    def start(self, offsets: Mapping[int, int], at: int) -> None:
        self.started = offsets

    def new(self, oldest: int) -> Sequence[int]:
        fresh = []
        while not self._fresh.empty():
            fresh.append(self._fresh.get())
        return fresh

    def between(self, first: int, last: int) -> Sequence[int]:
        return [number for number in self.rows if first <= number <= last]

    def flaws(self) -> Mapping[int, tuple[int, int]]:
        rows = self.rows.items()
        return {
            number: (copies, copies * (number in self.altered))
            for number, copies in rows
            if copies > 1 or number in self.altered
        }

    def idle(self) -> bool:
        """Nothing is left to be picked up."""
        return self._answers.empty() and self._arrivals.empty() and self._fresh.empty()

    def close(self) -> None:
        self.closed = True


class _Committing:
    """The pipeline's commits; a class of its own, as starting them takes no time."""

    def __init__(self, pipeline: MemoryPipeline) -> None:
        self.pipeline = pipeline

    def start(self, offsets: Mapping[int, int]) -> None:
        self.pipeline.committed = dict(offsets)

    def commit(self, offsets: Mapping[int, int]) -> None:
        if self.pipeline.commits_refused:
            self.pipeline.commits_refused -= 1
            raise NotCommittedError("the broker restarts")
        self.pipeline.committed.update(offsets)

    def close(self) -> None: ...
