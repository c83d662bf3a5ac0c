"""An in-memory pipeline for the engine's real threads: it can lose, double, stall, refuse and break."""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from modules.smoke.transport import Answer, Arrival, QueueFullError


class MemoryPipeline:
    """One object plays sending, receiving and rows. `copies` says how often an event arrives at a stage."""

    def __init__(self, copies: Callable[[str, int], int] = lambda stage, number: 1) -> None:
        self.copies = copies
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
            self._arrivals.put(Arrival(number, key))
        for _ in range(self.copies("row_visible", number)):
            self.rows[number] += 1
            self._fresh.put(number)

    failure: Exception = RuntimeError("no failure was set")

    def serve(self, seconds: float, answer: Answer) -> None:
        try:
            number = self._answers.get(timeout=seconds)
        except queue.Empty:
            return
        answer(number, self.refuse)

    def ready(self, seconds: float) -> Mapping[int, int]:
        return {0: 0, 1: 0}

    def receive(self, seconds: float) -> Arrival | None:
        try:
            return self._arrivals.get(timeout=seconds)
        except queue.Empty:
            return None

    def start(self, offsets: Mapping[int, int]) -> None:
        self.started = offsets

    def new(self) -> Sequence[int]:
        fresh = []
        while not self._fresh.empty():
            fresh.append(self._fresh.get())
        return fresh

    def counts(self) -> Mapping[int, int]:
        return dict(self.rows)

    def idle(self) -> bool:
        """Nothing is left to be picked up."""
        return self._answers.empty() and self._arrivals.empty() and self._fresh.empty()

    def close(self) -> None:
        self.closed = True
