"""The ledger of a run: when each event was meant to leave and when it was seen at each stage.

Each stage is written by one thread only and read by the reporting thread, so there is no lock; a reader may be one
event behind, never wrong. 8 bytes an event and stage. Nothing here reads a clock: callers pass nanoseconds of the run's
one monotonic clock.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass

from modules.smoke.stats import Summary, summarise

__all__ = ["STAGES", "Ledger", "Stage", "StageResult"]

STAGES = ("acknowledged", "consumed", "row_visible")
"""In the order an event passes them."""

_UNSEEN = -1
_RECENT = 1000


@dataclass(frozen=True)
class StageResult:
    """What happened at one stage, the warm-up left out.

    `summary.n + summary.lost + in_flight` is the number of measured events that were sent: none is unaccounted for.
    """

    stage: str
    summary: Summary
    late: int
    """Lost events that were seen after all, after their deadline."""
    in_flight: int
    """Not seen, but its deadline had not come when the run was interrupted; 0 for a run that ended by itself."""
    duplicated: int
    """Sightings beyond the first of an event."""
    out_of_order: int
    """Events seen after a later one with the same key (known at `consumed` only)."""


class Stage:
    """One stage's first sightings. Written by one thread."""

    def __init__(self, name: str, total: int, first: int) -> None:
        self.name = name
        self.seen_at = array("q", [_UNSEEN]) * total
        self.arrived = 0
        """Distinct events seen, the warm-up included."""
        self.distinct = 0
        """Distinct measured events seen."""
        self.duplicated = 0
        self.out_of_order = 0
        self.recent: deque[int] = deque(maxlen=_RECENT)
        """The newest measured latencies, for the live screen."""
        self._first = first
        self._newest_of_key: dict[int, int] = {}

    def see(self, number: int, at: int, intended: int, copies: int = 1) -> None:
        """Record `copies` sightings of an event; sightings of warm-up events only count as arrived."""
        measured = number >= self._first
        if self.seen_at[number] != _UNSEEN:
            self.duplicated += copies if measured else 0
            return
        self.seen_at[number] = at
        self.arrived += 1
        if measured:
            self.distinct += 1
            self.duplicated += copies - 1
            self.recent.append(at - intended)

    def unseen(self, number: int) -> bool:
        """Whether an event of this run was not seen here yet; False for numbers that are not of this run."""
        return 0 <= number < len(self.seen_at) and self.seen_at[number] == _UNSEEN

    def see_order(self, number: int, key: bytes) -> None:
        """Notice an event that comes after a later one of the same key. A repetition is no disorder."""
        if self.seen_at[number] != _UNSEEN:
            return
        known = hash(key)
        newest = self._newest_of_key.get(known, _UNSEEN)
        if number < newest:
            self.out_of_order += number >= self._first
        else:
            self._newest_of_key[known] = number


class Ledger:
    """All events of a run: `warmup` of them first, then `count` measured ones."""

    def __init__(self, warmup: int, count: int) -> None:
        total = warmup + count
        self.warmup = warmup
        self.count = count
        self.intended = array("q", [_UNSEEN]) * total
        self.sent = 0
        """Events handed to the producer, the warm-up included; only the sender writes it."""
        self.failed = 0
        """Measured events whose delivery the broker refused or that timed out."""
        self.stages = {name: Stage(name, total, warmup) for name in STAGES}

    @property
    def measured(self) -> int:
        """Measured events sent so far."""
        return max(0, self.sent - self.warmup)

    def send(self, number: int, intended: int) -> None:
        """Note that an event is about to be handed over; before the hand-over, or its answer could come first."""
        self.intended[number] = intended
        self.sent = number + 1

    def see(self, stage: str, number: int, at: int, *, key: bytes | None = None, copies: int = 1) -> None:
        """Record that an event was seen at a stage at `at`. Numbers this run never sent are ignored."""
        if not 0 <= number < self.sent:
            return
        place = self.stages[stage]
        if key is not None:
            place.see_order(number, key)
        place.see(number, at, self.intended[number], copies)

    def complete(self) -> bool:
        """Every measured event sent so far was seen at every stage."""
        return all(stage.distinct >= self.measured for stage in self.stages.values())

    def settled(self, stage: str) -> bool:
        """Every event sent so far, the warm-up included, was seen at a stage."""
        return self.stages[stage].arrived >= self.sent

    def results(self, deadline: int, now: int | None = None) -> tuple[StageResult, ...]:
        """Each stage's figures; an event is lost at a stage when it was not seen within `deadline` ns of its time.

        Args:
            deadline: nanoseconds from the intended send time.
            now: for a run that was cut short: the clock when it was; what had time left then is in flight, not lost.
        """
        return tuple(self._result(stage, deadline, now) for stage in self.stages.values())

    def _result(self, stage: Stage, deadline: int, now: int | None) -> StageResult:
        back, late, in_flight = [], [], 0
        for number in range(self.warmup, self.sent):
            at, intended = stage.seen_at[number], self.intended[number]
            if at == _UNSEEN:
                in_flight += now is not None and intended + deadline > now
            elif at - intended <= deadline:
                back.append(at - intended)
            else:
                late.append(at - intended)
        lost = self.measured - len(back) - in_flight
        summary = summarise(back, lost, late)
        return StageResult(stage.name, summary, len(late), in_flight, stage.duplicated, stage.out_of_order)
