"""The run itself: loops around one ledger and one clock.

    sender      hands each event over at its intended time, whatever the answers do (open loop)
    answers     serves the broker's acknowledgements
    consumer    receives from every partition
    committer   commits what the consumer has received
    channels    asks how far the warehouse has taken it, at an adaptive interval
    rows        asks the warehouse for rows, at an adaptive interval

Each loop is a step function, which the tests drive on a virtual clock, and a thread around it. The loops share nothing
but the ledger; how late the sender ran is measured, so that a machine too slow for the rate is seen and not blamed on
the broker. What is measured is decided in `stages`, `figures` and `slo`; how the world is reached, in `transport`.
"""

from __future__ import annotations

import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modules.smoke.load import LoadPlan, offsets
from modules.smoke.pollers import ChannelPoller, Committer, Pacer, RowPoller
from modules.smoke.stages import Ledger
from modules.smoke.transport import (
    Answer,
    Channels,
    Clock,
    Committing,
    Payloads,
    QueueFullError,
    Receiving,
    Rows,
    Sending,
    SteadyClock,
    monotonic,
)

__all__ = ["Ended", "Engine", "Sender", "Transports"]

_SLICE = 0.05
"""Seconds a loop may block before it looks whether to stop."""
_COMMIT_PAUSE = 0.005
"""Seconds between two commits at least: 200 a second are enough to know, and more would be a load of their own."""
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
        self.bytes = 0
        """Of all values handed over."""
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
        self.bytes += len(value)
        self._prepare()
        return True

    @property
    def rate(self) -> float:
        """Measured events a second, from the first hand-over to the newest."""
        first, newest = self.handed_over
        return (len(self.late) - 1) / ((newest - first) / 1e9) if newest > first else 0.0

    def _prepare(self) -> None:
        # The next event is built before its time comes: serialising is the producer's work, not the broker's latency.
        offset = next(self._times, None)
        self.due = None if offset is None else self._start + offset
        if offset is not None:
            self._number += 1
            self._next = self._payloads.next()


@dataclass(frozen=True)
class Ended:
    """How a run ended. `now` is the clock's reading when nothing more was waited for."""

    interrupted: bool
    now: int


@dataclass(frozen=True)
class Transports:
    """What the run reaches the world by, open already. A stage without one is not measured."""

    payloads: Payloads
    sending: Sending
    receiving: Receiving
    committing: Committing | None = None
    channels: Channels | None = None
    rows: Rows | None = None

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that can be measured."""
        optional = {"committed": self.committing, "handed_over": self.channels, "row_visible": self.rows}
        return ("acknowledged", "consumed", *(name for name, its in optional.items() if its is not None))


class Engine:
    """Runs the loops in threads until every event is back or past its deadline, or somebody presses Ctrl-C."""

    def __init__(
        self,
        plan: LoadPlan,
        deadline: int,
        transports: Transports,
        clock: Clock = monotonic,
        enough: Callable[[int], bool] = lambda measured: False,
    ) -> None:
        """`enough` tells from the number of measured events whether to stop before the plan's end."""
        self.plan = plan
        self._enough = enough
        self.deadline = deadline
        self.clock: Clock = SteadyClock(clock)
        self.ledger = Ledger(plan.warmup, plan.count, transports.stages)
        self.failures: list[str] = []
        """What the broker said to the first few events it did not take."""
        self.delivered: dict[int, int] = {}
        """Events the broker has taken, the warm-up included, by partition."""
        self._sending = transports.sending
        self._receiving = transports.receiving
        self._start = self.clock() + 50_000_000
        self.sender = Sender(plan, self.ledger, transports.payloads, transports.sending, self._start)
        its = transports
        self.committer = Committer(self.ledger, its.committing, self.clock) if its.committing else None
        self.channels = ChannelPoller(self.ledger, its.channels, self.clock) if its.channels else None
        self.rows = RowPoller(self.ledger, its.rows, self.clock, deadline) if its.rows else None
        self._arrived = threading.Event()
        self._stop = threading.Event()
        self._sent_all = threading.Event()
        self._error: BaseException | None = None

    def run(self, tick: Callable[[], None]) -> Ended:
        """Send, receive, ask; calls `tick` a few times a second from the calling thread.

        Raises:
            InfraError: whatever a loop met; the others are stopped first.
        """
        threads = [threading.Thread(target=self._guard, args=(loop,), name=name) for name, loop in self._loops()]
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
            self._arrived.set()
            for thread in threads:
                thread.join()
            sys.setswitchinterval(interval)
        if self._error is not None:
            raise self._error
        now = self.clock()
        self._look_once_more()
        return Ended(interrupted, now)

    def _look_once_more(self) -> None:
        """Find what came while the loops were busy or ended: it is late then, not lost, and at every stage alike."""
        self._sending.serve(0, self.answer)
        if self.rows is not None:
            self.rows.sweep()
        if self.channels is not None and not self.ledger.settled("handed_over"):
            # After the rows: a row that is there was handed over.
            self.channels.step()

    def answer(self, answer: Answer) -> None:
        """Take the broker's answer to one event."""
        number, failure = answer.number, answer.failure
        if failure is None:
            self.ledger.see("acknowledged", number, self.clock())
            self.delivered[answer.partition] = self.delivered.get(answer.partition, 0) + 1
            if self.channels is not None:
                self.channels.acknowledged(number, answer.partition, answer.offset)
            return
        if number >= self.ledger.warmup:
            self.ledger.failed += 1
        if failure not in self.failures and len(self.failures) < 3:
            self.failures.append(failure)

    def _loops(self) -> Iterator[tuple[str, Callable[[], None]]]:
        yield "smoke_send", self._send
        yield "smoke_answers", self._answers
        yield "smoke_consume", self._consume
        if self.committer is not None:
            yield "smoke_commit", self._commit
        if self.channels is not None:
            channels = self.channels
            yield "smoke_channels", lambda: self._poll("handed_over", channels.step)
        if self.rows is not None:
            rows = self.rows
            yield "smoke_rows", lambda: self._poll("row_visible", rows.step)

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
        while not self._stop.is_set() and sender.due is not None and not self._enough(self.ledger.measured):
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
        committer = self.committer
        while not self._stop.is_set():
            arrival = self._receiving.receive(_SLICE)
            if arrival is None:
                continue
            self.ledger.see("consumed", arrival.number, self.clock(), key=arrival.key, intact=arrival.intact)
            if committer is not None:
                committer.received(arrival.number, arrival.partition, arrival.offset)
                self._arrived.set()

    def _commit(self) -> None:
        assert self.committer is not None
        while not self._stop.is_set():
            self._arrived.wait(_SLICE)
            self._arrived.clear()
            self.committer.step()
            self._stop.wait(_COMMIT_PAUSE)

    def _poll(self, stage: str, step: Callable[[], bool]) -> None:
        pacer = Pacer()
        while not self._stop.is_set():
            if self.ledger.settled(stage):
                # Nothing is on its way: let the warehouse sleep.
                self._stop.wait(pacer.floor)
                continue
            began = self.clock()
            found = step()
            self._stop.wait(pacer.after(found, (self.clock() - began) / 1e9))
