"""The run itself: four loops around one ledger and one clock.

    sender      hands each event over at its intended time, whatever the answers do (open loop)
    answers     serves the broker's acknowledgements
    consumer    receives from every partition
    rows        asks the warehouse, at an adaptive interval

Each loop is a step function, which the tests drive on a virtual clock, and a thread around it. The loops share nothing
but the ledger; how late the sender ran is measured, so that a machine too slow for the rate is seen and not blamed on
the broker. What is measured is decided in `stages`, `stats` and `slo`; how the world is reached, in `transport`.
"""

from __future__ import annotations

import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modules.smoke.load import LoadPlan, offsets
from modules.smoke.stages import Ledger
from modules.smoke.transport import Clock, Payloads, QueueFullError, Receiving, Rows, Sending, monotonic

__all__ = ["Engine", "Pacer", "RowPoller", "Sender"]

_SLICE = 0.05
"""Seconds a loop may block before it looks whether to stop."""
_SWITCH_INTERVAL = 0.0005
"""Python's thread switch interval during a run: at the usual 5 ms a busy loop makes the sender late by as much."""


class Sender:
    """Sends event after event at its time; one `step` an event."""

    def __init__(self, plan: LoadPlan, ledger: Ledger, payloads: Payloads, sending: Sending, start: int) -> None:
        self.ledger = ledger
        self.late = array("q")
        """Nanoseconds between intended time and hand-over, measured events only."""
        self.handed_over = array("q", [0, 0])
        """When the first and the newest measured event were handed over."""
        self.due: int | None = None
        self._start = start
        self._times: Iterator[int] = offsets(plan)
        self._payloads = payloads
        self._sending = sending
        self._number = -1
        self._next: tuple[bytes, bytes] = (b"", b"")
        self._prepare()

    def step(self, clock: Clock) -> bool:
        """Hand over the event that is due; False when the client's queue was full and it has to be tried again."""
        if self.due is None:
            return True
        number, (key, value) = self._number, self._next
        self.ledger.send(number, self.due)
        now = clock()
        try:
            self._sending.send(number, key, value)
        except QueueFullError:
            return False
        if number >= self.ledger.warmup:
            if not self.late:
                self.handed_over[0] = now
            self.handed_over[1] = now
            self.late.append(max(0, now - self.due))
        self._prepare()
        return True

    def _prepare(self) -> None:
        # The next event is built before its time comes: serialising is the producer's work, not the broker's latency.
        offset = next(self._times, None)
        self.due = None if offset is None else self._start + offset
        if offset is not None:
            self._number += 1
            self._next = self._payloads.next()


class Pacer:
    """How long to wait between two polls: short while rows come, longer while none do, never most of the time busy."""

    floor = 0.02
    ceiling = 0.5

    def __init__(self) -> None:
        self.pause = self.floor

    def after(self, found: bool, took: float) -> float:
        """The next pause in seconds, from whether rows were found and how long the query took."""
        least = min(max(self.floor, took / 2), self.ceiling)
        self.pause = least if found else min(max(least, self.pause * 1.5), self.ceiling)
        return self.pause


class RowPoller:
    """Asks for new rows. A row counts as visible when the answer that holds it is in hand: never too early.

    `gaps` are nanoseconds from the start of the poll before to the answer, for polls that found rows: within that time
    the row became visible, so it is the error bar of the stage.
    """

    def __init__(self, ledger: Ledger, rows: Rows, clock: Clock) -> None:
        self.gaps = array("q")
        self.polls = 0
        self._ledger = ledger
        self._rows = rows
        self._clock = clock
        self._asked: int | None = None

    def step(self) -> bool:
        """One poll; True when it found events not seen before."""
        began = self._clock()
        numbers = self._rows.new()
        ended = self._clock()
        self.polls += 1
        stage = self._ledger.stages["row_visible"]
        fresh = [number for number in dict.fromkeys(numbers) if stage.unseen(number)]
        for number in fresh:
            self._ledger.see("row_visible", number, ended)
        if fresh:
            self.gaps.append(ended - (began if self._asked is None else self._asked))
        self._asked = began
        return bool(fresh)

    def sweep(self) -> None:
        """Count every row of the run once, at its end: finds doubled rows, and rows that no poll had caught."""
        counts = self._rows.counts()
        now = self._clock()
        stage = self._ledger.stages["row_visible"]
        for number, copies in counts.items():
            if stage.unseen(number):
                self._ledger.see("row_visible", number, now, copies=copies)
            elif copies > 1:
                self._ledger.see("row_visible", number, now, copies=copies - 1)


@dataclass(frozen=True)
class Ended:
    """How a run ended. `now` is the clock's reading when nothing more was waited for."""

    interrupted: bool
    now: int


class Engine:
    """Runs the loops in threads until every event is back or past its deadline, or somebody presses Ctrl-C."""

    def __init__(
        self,
        plan: LoadPlan,
        deadline: int,
        payloads: Payloads,
        sending: Sending,
        receiving: Receiving,
        rows: Rows,
        clock: Clock = monotonic,
    ) -> None:
        self.ledger = Ledger(plan.warmup, plan.count)
        self.deadline = deadline
        self.clock = clock
        self.failures: list[str] = []
        """What the broker said to the first few events it did not take."""
        self._sending = sending
        self._receiving = receiving
        self._start = clock() + 50_000_000
        self.sender = Sender(plan, self.ledger, payloads, sending, self._start)
        self.poller = RowPoller(self.ledger, rows, clock)
        self._stop = threading.Event()
        self._sent_all = threading.Event()
        self._error: BaseException | None = None

    def run(self, tick: Callable[[], None]) -> Ended:
        """Send, receive, ask; calls `tick` a few times a second from the calling thread.

        Raises:
            InfraError: whatever a loop met; the others are stopped first.
        """
        loops = (self._send, self._answers, self._consume, self._ask)
        threads = [threading.Thread(target=self._guard, args=(loop,), name=f"smoke{loop.__name__}") for loop in loops]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_INTERVAL)
        interrupted = False
        try:
            for thread in threads:
                thread.start()
            while not self._over():
                tick()
                self._stop.wait(0.1)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
            sys.setswitchinterval(interval)
        now = self.clock()
        if self._error is not None:
            raise self._error
        self.poller.sweep()
        return Ended(interrupted, now)

    def answer(self, number: int, failure: str | None) -> None:
        """Take the broker's answer to one event."""
        if failure is None:
            self.ledger.see("acknowledged", number, self.clock())
            return
        if number >= self.ledger.warmup:
            self.ledger.failed += 1
        if failure not in self.failures and len(self.failures) < 3:
            self.failures.append(failure)

    def _over(self) -> bool:
        if self._stop.is_set():
            return True
        if not self._sent_all.is_set():
            return False
        last = self.ledger.intended[self.ledger.sent - 1]
        return self.ledger.complete() or self.clock() > last + self.deadline

    def _guard(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except BaseException as error:
            self._error = self._error or error
            self._stop.set()

    def _send(self) -> None:
        sender = self.sender
        while not self._stop.is_set() and sender.due is not None:
            early = (sender.due - self.clock()) / 1e9
            if early > 0:
                time.sleep(min(early, _SLICE))
            elif not sender.step(self.clock):
                time.sleep(0.001)
        self._sent_all.set()

    def _answers(self) -> None:
        while not self._stop.is_set():
            self._sending.serve(_SLICE, self.answer)

    def _consume(self) -> None:
        while not self._stop.is_set():
            arrival = self._receiving.receive(_SLICE)
            if arrival is not None:
                self.ledger.see("consumed", arrival.number, self.clock(), key=arrival.key)

    def _ask(self) -> None:
        pacer = Pacer()
        while not self._stop.is_set():
            if self.ledger.settled("row_visible"):
                # Nothing is on its way: let the warehouse sleep.
                self._stop.wait(pacer.floor)
                continue
            began = self.clock()
            found = self.poller.step()
            self._stop.wait(pacer.after(found, (self.clock() - began) / 1e9))
