"""From offsets to events: what commits and channels cover, and since when."""

from __future__ import annotations

import random

from modules.smoke.coverage import Coverage
from modules.smoke.stages import MICROSECOND, UNSEEN, Ledger

MS = 1_000_000


def ledger_of(count: int) -> Ledger:
    ledger = Ledger(0, count)
    for number in range(count):
        ledger.send(number, 0)
    return ledger


def seen(ledger: Ledger) -> list[int | None]:
    """Milliseconds at which each event was handed over; None: not yet."""
    found = ledger.stages["handed_over"].latency
    return [None if one == UNSEEN else one * MICROSECOND // MS for one in found]


def test_a_token_covers_its_partition_up_to_its_offset_and_nothing_else() -> None:
    ledger = ledger_of(4)
    coverage = Coverage(ledger, "handed_over")
    for number, (partition, offset) in enumerate([(0, 10), (1, 10), (0, 11), (1, 12)]):
        coverage.note(number, partition, offset)
    assert coverage.cover(0, 10, 5 * MS)
    assert seen(ledger) == [5, None, None, None]
    assert coverage.cover(1, 11, 7 * MS)
    assert not coverage.cover(1, 11, 8 * MS)
    assert coverage.waiting() == {0: 11, 1: 12}
    assert coverage.cover(0, 99, 9 * MS) and coverage.cover(1, 99, 9 * MS)
    assert seen(ledger) == [5, 7, 9, 9]
    assert coverage.waiting() == {}


def test_an_event_that_is_noted_late_has_the_time_of_the_first_token_that_covers_it() -> None:
    ledger = ledger_of(3)
    coverage = Coverage(ledger, "handed_over")
    coverage.cover(0, 4, 3 * MS)
    coverage.cover(0, 6, 8 * MS)
    for number, offset in enumerate((4, 5, 7)):
        coverage.note(number, 0, offset)
    assert coverage.cover(0, 6, 20 * MS)
    assert seen(ledger) == [3, 8, None]


def test_a_token_that_is_older_than_the_last_takes_nothing_back() -> None:
    ledger = ledger_of(1)
    coverage = Coverage(ledger, "handed_over")
    coverage.cover(0, 6, 8 * MS)
    coverage.note(0, 0, 6)
    assert coverage.cover(0, 2, 9 * MS)
    assert seen(ledger) == [8]


def test_a_long_run_is_trimmed_and_still_right() -> None:
    count, source = 60_000, random.Random(4)
    ledger = ledger_of(count)
    coverage = Coverage(ledger, "handed_over")
    expected: list[int] = []
    noted, now = 0, 0
    while noted < count:
        now += 1
        step = min(source.randrange(1, 400), count - noted)
        for number in range(noted, noted + step):
            coverage.note(number, 0, 1000 + number)
        noted += step
        coverage.cover(0, 1000 + noted - 1, now * MS)
        expected += [now] * step
    assert seen(ledger) == expected
    assert all(len(place.numbers) < 20_000 for place in coverage._partitions.values())
    assert all(len(place.upto) < 20_000 for place in coverage._partitions.values())
