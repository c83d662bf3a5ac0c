"""Which events an offset covers: commits and channels speak of offsets, the run of events.

One thread notes where events lie, in the order of their offsets; another says up to where a partition is covered, and
since when. An event that is noted late gets the time at which its offset was covered first.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

from modules.smoke.stages import Ledger

__all__ = ["Coverage"]

_TRIM = 8192


@dataclass
class _Partition:
    """Events that wait to be covered, oldest first; and what was covered when."""

    offsets: array[int] = field(default_factory=lambda: array("q"))
    numbers: array[int] = field(default_factory=lambda: array("i"))
    head: int = 0
    upto: array[int] = field(default_factory=lambda: array("q"))
    since: array[int] = field(default_factory=lambda: array("q"))


class Coverage:
    """Of one stage. `note` and `cover` may be called by different threads."""

    def __init__(self, ledger: Ledger, stage: str) -> None:
        self._ledger = ledger
        self._stage = ledger.stages[stage]
        self._partitions: dict[int, _Partition] = {}

    def note(self, number: int, partition: int, offset: int) -> None:
        """An event lies there."""
        place = self._partitions.get(partition)
        if place is None:
            place = self._partitions.setdefault(partition, _Partition())
        # The number last: a reader counts numbers, and so never meets an event without its offset.
        place.offsets.append(offset)
        place.numbers.append(number)

    def cover(self, partition: int, upto: int, at: int) -> bool:
        """Every offset up to and with `upto` is covered since `at` at the latest; True when an event is newly seen."""
        place = self._partitions.setdefault(partition, _Partition())
        if not place.upto or upto > place.upto[-1]:
            place.upto.append(upto)
            place.since.append(at)
        found = False
        while place.head < len(place.numbers) and place.offsets[place.head] <= place.upto[-1]:
            number, offset = place.numbers[place.head], place.offsets[place.head]
            place.head += 1
            if self._stage.unseen(number):
                since = place.since[bisect_left(place.upto, offset)]
                self._ledger.see(self._stage.name, number, max(since, self._ledger.intended[number]))
                found = True
        if place.head >= _TRIM:
            _trim(place)
        return found

    def waiting(self) -> dict[int, int]:
        """The highest offset that was noted and is not covered, of each partition that has one."""
        found = {}
        for partition, place in list(self._partitions.items()):
            if place.head < len(place.numbers):
                found[partition] = place.offsets[len(place.numbers) - 1]
        return found


def _trim(place: _Partition) -> None:
    """Forget what is over, so that a long run takes no more memory than a short one."""
    head = place.head
    place.head = 0
    del place.offsets[:head], place.numbers[:head]
    # What is noted late has the offset of the oldest event that still waits at least, so older marks are not asked for.
    keep = bisect_left(place.upto, place.offsets[0]) if place.numbers else len(place.upto) - 1
    del place.upto[:keep], place.since[:keep]
