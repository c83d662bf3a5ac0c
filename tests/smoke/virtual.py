"""A pipeline on a virtual clock, whose latencies are known to the nanosecond.

One thread plays all parts in the order in which things would happen; no real time passes, so a figure in a test is
exactly what the engine computed. The engine's own step functions and ledger do the measuring.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from modules.smoke.engine import Sender
from modules.smoke.load import LoadPlan
from modules.smoke.pollers import RowPoller
from modules.smoke.stages import Ledger
from modules.smoke.transport import QueueFullError

MS = 1_000_000
SECOND = 1_000 * MS

Latency = Callable[[int, int], Sequence[int]]
"""From an event's number and the time it was handed over to the times at which it is seen (none: lost, two: twice)."""


def after(nanoseconds: int) -> Latency:
    return lambda number, now: [now + nanoseconds]


def stalling(nanoseconds: int, since: int, until: int) -> Latency:
    """Answers `nanoseconds` after the hand-over, but nothing between `since` and `until`."""

    def times(number: int, now: int) -> list[int]:
        at = now + nanoseconds
        return [until + nanoseconds if since <= at < until else at]

    return times


class Numbered:
    """Payloads that say which event they are; ten keys in turn."""

    def __init__(self) -> None:
        self.number = -1

    def next(self) -> tuple[bytes, bytes]:
        self.number += 1
        return f"key-{self.number % 10}".encode(), str(self.number).encode()


class VirtualPipeline:
    """Plays a broker, a consumer and a warehouse with given latencies, and drives the engine's steps."""

    def __init__(
        self,
        plan: LoadPlan,
        acknowledged: Latency,
        consumed: Latency | None = None,
        row_visible: Latency | None = None,
        poll_every: int = 10 * MS,
        queue: int | None = None,
    ) -> None:
        self.plan = plan
        self.now = 0
        self.ledger = Ledger(plan.warmup, plan.count, ("acknowledged", "consumed", "row_visible"))
        self.rows: Counter[int] = Counter()
        self._fresh: list[int] = []
        self._latencies = {
            "acknowledged": acknowledged,
            "consumed": consumed or acknowledged,
            "row_visible": row_visible or acknowledged,
        }
        self._events: list[tuple[int, int, str, int, bytes]] = []
        self._order = 0
        self._poll_every = poll_every
        self._queue = queue
        self._waiting = 0
        self.sender = Sender(plan, self.ledger, Numbered(), self, 0)
        self.poller = RowPoller(self.ledger, self, self.clock, 30 * SECOND)

    def clock(self) -> int:
        return self.now

    def run(self, until: int) -> Ledger:
        """Send everything and let time pass until `until`."""
        next_poll = 0
        while self.now < until:
            at = min(next_poll, *(one[0] for one in self._events[:1]), until)
            due = self.sender.due
            if due is not None:
                at = min(at, max(due, self.now))
            self.now = max(self.now, at)
            while self._events and self._events[0][0] <= self.now:
                _, _, stage, number, key = heapq.heappop(self._events)
                self._happen(stage, number, key)
            if due is not None and due <= self.now and not self.sender.step(self.clock):
                # The queue is full: the sender tries again a millisecond later, as its thread does.
                self.now += MS
            if next_poll <= self.now:
                self.poller.step()
                next_poll = self.now + self._poll_every
        self.poller.sweep()
        return self.ledger

    # --- what the engine sees of the world

    def send(self, number: int, key: bytes, value: bytes) -> None:
        assert int(value) == number
        if self._queue is not None and self._waiting >= self._queue:
            raise QueueFullError
        self._waiting += 1
        for stage, latency in self._latencies.items():
            for at in latency(number, self.now):
                self._order += 1
                heapq.heappush(self._events, (at, self._order, stage, number, key))

    def serve(self, seconds: float, answer: object) -> None: ...

    def start(self, offsets: Mapping[int, int], at: int) -> None: ...

    def new(self, oldest: int) -> Sequence[int]:
        fresh, self._fresh = self._fresh, []
        return fresh

    def between(self, first: int, last: int) -> Sequence[int]:
        return [number for number in self.rows if first <= number <= last]

    def flaws(self) -> Mapping[int, tuple[int, int]]:
        return {number: (copies, 0) for number, copies in self.rows.items() if copies > 1}

    def close(self) -> None: ...

    def _happen(self, stage: str, number: int, key: bytes) -> None:
        if stage == "row_visible":
            self.rows[number] += 1
            self._fresh.append(number)
            return
        if stage == "acknowledged":
            self._waiting -= 1
        self.ledger.see(stage, number, self.now, key=key if stage == "consumed" else None)
