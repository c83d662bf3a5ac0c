"""The ledger of a run: when each event was meant to leave and how long after that it was seen at each stage.

Each stage is written by one thread only and read by the reporting thread, so there is no lock; a reader may be one
event behind, never wrong. All memory is taken before the run begins: 8 bytes an event, and 4 for each stage. What it
adds up to is computed in `figures`. Nothing here reads a clock: callers pass nanoseconds of the run's one monotonic
clock, and latencies are kept in microseconds.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence

from modules.errors import SmokeError

__all__ = ["MICROSECOND", "STAGES", "UNSEEN", "Ledger", "Stage", "backwards"]

STAGES = ("acknowledged", "consumed", "committed", "handed_over", "row_visible")
"""In the order an event passes them; a run need not measure all."""

MICROSECOND = 1_000
UNSEEN = 2**32 - 1
_LONGEST = UNSEEN - 1
"""Microseconds, 71 minutes: a latency beyond that is kept as that."""
_RECENT = 1000


class Stage:
    """One stage's first sightings. Written by one thread."""

    def __init__(self, name: str, total: int, first: int) -> None:
        self.name = name
        self.latency = array("I", [UNSEEN]) * total
        """Microseconds from the intended send time to the first sighting."""
        self.arrived = 0
        """Distinct events seen, the warm-up included."""
        self.distinct = 0
        """Distinct measured events seen."""
        self.duplicated = 0
        self.out_of_order = 0
        self.corrupted = 0
        """Measured events of which a copy was seen whose content was not what was sent."""
        self.recent: deque[int] = deque(maxlen=_RECENT)
        """The newest measured latencies in nanoseconds, for the live screen."""
        self._first = first
        self._newest_of_key: dict[bytes, int] = {}

    def see(self, number: int, at: int, intended: int, copies: int = 1) -> None:
        """Record `copies` sightings of an event; sightings of warm-up events only count as arrived."""
        measured = number >= self._first
        if self.latency[number] != UNSEEN:
            self.duplicated += copies if measured else 0
            return
        taken = at - intended
        if taken < 0:
            raise backwards(-taken)
        self.latency[number] = min((taken + 500) // MICROSECOND, _LONGEST)
        self.arrived += 1
        if measured:
            self.distinct += 1
            self.duplicated += copies - 1
            self.recent.append(taken)

    def unseen(self, number: int) -> bool:
        """Whether an event of this run was not seen here yet; False for numbers that are not of this run."""
        return 0 <= number < len(self.latency) and self.latency[number] == UNSEEN

    def see_order(self, number: int, key: bytes) -> None:
        """Notice an event that comes after a later one of the same key. A repetition is no disorder."""
        if self.latency[number] != UNSEEN:
            return
        newest = self._newest_of_key.get(key, -1)
        if number < newest:
            self.out_of_order += number >= self._first
        else:
            self._newest_of_key[key] = number

    def see_corrupted(self, number: int) -> None:
        """Notice an event whose content is not what was sent."""
        self.corrupted += number >= self._first


class Ledger:
    """All events of a run: `warmup` of them first, then `count` measured ones."""

    def __init__(self, warmup: int, count: int, stages: Sequence[str] = STAGES) -> None:
        total = warmup + count
        self.warmup = warmup
        self.count = count
        self.intended = array("q", [0]) * total
        self.sent = 0
        """Events handed to the producer, the warm-up included; only the sender writes it."""
        self.failed = 0
        """Measured events whose delivery the broker refused or that timed out."""
        self.stages = {name: Stage(name, total, warmup) for name in STAGES if name in stages}

    @property
    def measured(self) -> int:
        """Measured events sent so far."""
        return max(0, self.sent - self.warmup)

    def send(self, number: int, intended: int) -> None:
        """Note that an event is about to be handed over; before the hand-over, or its answer could come first."""
        self.intended[number] = intended
        self.sent = number + 1

    def see(
        self, stage: str, number: int, at: int, *, key: bytes | None = None, copies: int = 1, intact: bool = True
    ) -> None:
        """Record that an event was seen at a stage at `at`. Numbers this run never sent are ignored.

        Raises:
            SmokeError: it was seen before it was meant to leave: the clock went backwards.
        """
        if not 0 <= number < self.sent:
            return
        place = self.stages[stage]
        if key is not None:
            place.see_order(number, key)
        if not intact:
            place.see_corrupted(number)
        place.see(number, at, self.intended[number], copies)

    def complete(self) -> bool:
        """Every measured event sent so far was seen at every stage."""
        return all(stage.distinct >= self.measured for stage in self.stages.values())

    def settled(self, stage: str) -> bool:
        """Every event sent so far, the warm-up included, was seen at a stage."""
        return self.stages[stage].arrived >= self.sent


def backwards(nanoseconds: int) -> SmokeError:
    """The error for a clock that ran backwards."""
    return SmokeError(
        f"this machine's monotonic clock went back by {nanoseconds / 1e6:,.3f} ms during the run, so no latency of it "
        "can be trusted",
        do="run again; if it happens again, change the clock source (in a virtual machine: "
        "/sys/devices/system/clocksource), or measure on another machine",
    )
