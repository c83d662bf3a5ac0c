"""The three that ask again and again: the committer, the reader of channels, the reader of rows.

Each is a step function around the ledger; the engine's threads call them. What is seen by asking is seen when the
answer is in hand, never too early, and each keeps its error bar: the time from the start of the question before.
"""

from __future__ import annotations

from array import array

from modules.smoke.coverage import Coverage
from modules.smoke.stages import Ledger
from modules.smoke.transport import Channels, Clock, Committing, NotCommittedError, Rows

__all__ = ["ChannelPoller", "Committer", "Pacer", "RowPoller"]

_SWEEP = 20_000
"""Events that one query of the last sweep asks for."""


class Pacer:
    """How long to wait between two polls: short while rows come, longer while none do, never most of the time busy."""

    floor = 0.02
    ceiling = 0.5

    def __init__(self) -> None:
        self.pause = self.floor

    def after(self, found: bool, took: float) -> float:
        """The next pause in seconds, from whether something was found and how long the question took."""
        least = min(max(self.floor, took / 2), self.ceiling)
        self.pause = least if found else min(max(least, self.pause * 1.5), self.ceiling)
        return self.pause


class Committer:
    """Commits what the consumer has received, one commit at a time: what arrives meanwhile goes with the next.

    An event counts as committed when the broker has answered the first commit that covers its offset.
    """

    def __init__(self, ledger: Ledger, committing: Committing, clock: Clock) -> None:
        self.commits = 0
        self._coverage = Coverage(ledger, "committed")
        self._committing = committing
        self._clock = clock

    def received(self, number: int, partition: int, offset: int) -> None:
        """The consumer has an event; called by its thread."""
        self._coverage.note(number, partition, offset)

    def step(self) -> bool:
        """Commit what waits; False when nothing does, or when it could not be committed and waits on."""
        waiting = self._coverage.waiting()
        if not waiting:
            return False
        try:
            self._committing.commit({partition: offset + 1 for partition, offset in waiting.items()})
        except NotCommittedError:
            return False
        now = self._clock()
        self.commits += 1
        for partition, offset in waiting.items():
            self._coverage.cover(partition, offset, now)
        return True


class _Gaps:
    """Times from the start of one question to the answer of the next, of those that found something."""

    def __init__(self, clock: Clock) -> None:
        self.found = array("q")
        self.polls = 0
        self._clock = clock
        self._asked: int | None = None

    def note(self, began: int, ended: int, found: bool) -> None:
        self.polls += 1
        if found:
            self.found.append(ended - (began if self._asked is None else self._asked))
        self._asked = began


class ChannelPoller:
    """Asks how far the channels are. `gaps`: within that time before it was noticed, an offset was committed."""

    def __init__(self, ledger: Ledger, channels: Channels, clock: Clock) -> None:
        self._coverage = Coverage(ledger, "handed_over")
        self._channels = channels
        self._clock = clock
        self._gaps = _Gaps(clock)

    @property
    def gaps(self) -> array[int]:
        return self._gaps.found

    @property
    def polls(self) -> int:
        return self._gaps.polls

    def acknowledged(self, number: int, partition: int, offset: int) -> None:
        """The broker has an event there; called by the thread that serves its answers."""
        self._coverage.note(number, partition, offset)

    def step(self) -> bool:
        """One poll; True when it found events not seen before."""
        began = self._clock()
        tokens = self._channels.tokens()
        ended = self._clock()
        found = False
        for partition, upto in tokens.items():
            found |= self._coverage.cover(partition, upto, ended)
        self._gaps.note(began, ended, found)
        return found


class RowPoller:
    """Asks for new rows. A row counts as visible when the answer that holds it is in hand: never too early.

    `gaps` are nanoseconds from the start of the poll before to the answer, for polls that found rows: within that time
    the row became visible, so it is the error bar of the stage.
    """

    def __init__(self, ledger: Ledger, rows: Rows, clock: Clock, deadline: int) -> None:
        self._ledger = ledger
        self._stage = ledger.stages["row_visible"]
        self._rows = rows
        self._clock = clock
        self._deadline = deadline
        self._gaps = _Gaps(clock)
        self._oldest = 0
        """The first event that has no row yet and is not given up."""

    @property
    def gaps(self) -> array[int]:
        return self._gaps.found

    @property
    def polls(self) -> int:
        return self._gaps.polls

    def step(self) -> bool:
        """One poll; True when it found events not seen before."""
        began = self._clock()
        numbers = self._rows.new(self._wanted_from(began))
        ended = self._clock()
        fresh = [number for number in dict.fromkeys(numbers) if self._stage.unseen(number)]
        for number in fresh:
            self._ledger.see("row_visible", number, ended)
        self._gaps.note(began, ended, bool(fresh))
        return bool(fresh)

    def sweep(self) -> None:
        """Once, at the end: rows that no poll had caught, rows that are there twice, rows that are not as sent."""
        sent = self._ledger.sent
        for first in range(0, sent, _SWEEP):
            last = min(first + _SWEEP, sent) - 1
            if any(self._stage.unseen(number) for number in range(first, last + 1)):
                self._late(first, last)
        for number, (copies, altered) in self._rows.flaws().items():
            if not 0 <= number < sent:
                continue
            if copies > 1:
                self._ledger.see("row_visible", number, self._clock(), copies=copies - 1)
            if altered:
                self._stage.see_corrupted(number)

    def _late(self, first: int, last: int) -> None:
        found = self._rows.between(first, last)
        now = self._clock()
        for number in dict.fromkeys(found):
            if first <= number <= last and self._stage.unseen(number):
                self._ledger.see("row_visible", number, now)

    def _wanted_from(self, now: int) -> int:
        """When the event before the oldest wanted one was due: the wanted one was not made earlier."""
        ledger = self._ledger
        while self._oldest < ledger.sent and (
            not self._stage.unseen(self._oldest) or ledger.intended[self._oldest] + self._deadline < now
        ):
            self._oldest += 1
        return ledger.intended[self._oldest - 1] if self._oldest else 0
