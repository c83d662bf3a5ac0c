"""What the ledger makes of known latencies, losses, doubles and stalls."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from modules.smoke.figures import results
from modules.smoke.load import LoadPlan
from modules.smoke.stages import Ledger
from modules.smoke.stats import PERCENTILES, nearest_rank
from tests.smoke.virtual import MS, SECOND, Latency, VirtualPipeline, after, stalling

DEADLINE = 30 * SECOND


def test_percentiles_are_exactly_those_of_the_transport() -> None:
    plan = LoadPlan(rate=200, count=2000)
    pipeline = VirtualPipeline(
        plan, lambda number, now: [now + (number % 1000 + 1) * 1000], consumed=after(7 * MS), row_visible=after(40 * MS)
    )
    acknowledged, consumed, rows = results(pipeline.run(15 * SECOND), DEADLINE)
    values = {one.name: one.nanoseconds for one in acknowledged.summary.quantiles}
    assert values == {"p50": 500_000, "p95": 950_000, "p99": 990_000, "p99.9": None}
    assert acknowledged.summary.maximum == MS
    assert {one.nanoseconds for one in consumed.summary.quantiles} == {7 * MS, None}
    # A poll comes every 10 ms: never before the row was visible, and at most that much after.
    assert rows.summary.n == 2000
    assert 40 * MS <= (rows.summary.quantile("p50").nanoseconds or 0) <= 50 * MS
    assert max(pipeline.poller.gaps) <= 10 * MS


def test_the_warm_up_is_carried_but_not_measured() -> None:
    def slow_at_first(number: int, now: int) -> Sequence[int]:
        return [now + (SECOND if number < 50 else MS)]

    ledger = VirtualPipeline(LoadPlan(rate=100, count=100, warmup=50), slow_at_first).run(10 * SECOND)
    for stage in results(ledger, DEADLINE)[:2]:
        assert (stage.summary.n, stage.summary.maximum) == (100, MS)
    assert ledger.sent == 150


def test_lost_doubled_and_disordered_events_are_each_counted_exactly() -> None:
    def troubled(number: int, now: int) -> Sequence[int]:
        if number % 100 == 13:
            return []
        if number % 100 == 27:
            return [now + MS, now + 2 * MS]
        if number % 100 == 55:
            # Ten keys take turns a millisecond apart, so this one is overtaken by the next of its key.
            return [now + 15 * MS]
        return [now + MS]

    ledger = VirtualPipeline(LoadPlan(rate=1000, count=1000), after(MS), consumed=troubled, row_visible=troubled).run(
        5 * SECOND
    )
    acknowledged, consumed, rows = results(ledger, DEADLINE)
    assert (acknowledged.summary.lost, acknowledged.duplicated, acknowledged.out_of_order) == (0, 0, 0)
    assert (consumed.summary.lost, consumed.duplicated, consumed.out_of_order) == (10, 10, 10)
    assert (rows.summary.lost, rows.duplicated) == (10, 10)
    assert all(stage.summary.n + stage.summary.lost == 1000 for stage in (acknowledged, consumed, rows))


def test_an_event_after_its_deadline_is_lost_and_late() -> None:
    ledger = VirtualPipeline(
        LoadPlan(rate=100, count=100), lambda number, now: [now + (2 * SECOND if number == 5 else MS)]
    ).run(10 * SECOND)
    stage = results(ledger, deadline=SECOND)[0]
    assert (stage.summary.n, stage.summary.lost, stage.late) == (99, 1, 1)
    assert stage.summary.maximum == 2 * SECOND


def test_what_had_time_left_when_a_run_was_cut_short_is_in_flight_and_not_lost() -> None:
    ledger = Ledger(warmup=0, count=10)
    for number in range(4):
        ledger.send(number, number * SECOND)
    ledger.see("acknowledged", 0, MS)
    stage = results(ledger, deadline=2 * SECOND, now=3 * SECOND + MS)[0]
    # 1 was due back at 3 s; 2 and 3 have until 4 s and 5 s.
    assert (stage.summary.n, stage.summary.lost, stage.in_flight) == (1, 1, 2)


def test_numbers_the_run_never_sent_are_ignored() -> None:
    ledger = Ledger(warmup=0, count=10)
    ledger.send(0, 0)
    for stranger in (-1, 1, 9, 10, 10**9):
        ledger.see("consumed", stranger, MS, key=b"k")
    assert results(ledger, DEADLINE)[1].summary.n == 0


@pytest.mark.parametrize("queue", [None, 50], ids=["endless queue", "full queue"])
def test_a_stalled_broker_shows_in_the_tail_which_a_closed_loop_would_not_show(queue: int | None) -> None:
    stall = stalling(MS, since=5 * SECOND, until=7 * SECOND)
    pipeline = VirtualPipeline(LoadPlan(rate=200, count=2000), stall, queue=queue)
    acknowledged = results(pipeline.run(20 * SECOND), DEADLINE)[0].summary
    # 2 s of 10 s: a fifth of all events met the stall, waiting 1 s on average.
    assert acknowledged.n == 2000
    assert acknowledged.quantile("p50").nanoseconds == MS
    assert (acknowledged.quantile("p95").nanoseconds or 0) > 1400 * MS
    assert (acknowledged.quantile("p99").nanoseconds or 0) > 1850 * MS
    assert acknowledged.maximum is not None
    assert 1990 * MS <= acknowledged.maximum <= 2010 * MS

    closed = _closed_loop(stall, count=2000, every=5 * MS)
    assert nearest_rank(closed, PERCENTILES["p99"]) == MS
    assert sum(latency > MS for latency in closed) == 1


def test_how_late_the_sender_ran_is_known_when_the_client_takes_no_more() -> None:
    stall = stalling(MS, since=SECOND, until=2 * SECOND)
    free = VirtualPipeline(LoadPlan(rate=200, count=1000), stall)
    free.run(10 * SECOND)
    held = VirtualPipeline(LoadPlan(rate=200, count=1000), stall, queue=20)
    held.run(10 * SECOND)
    assert max(free.sender.late) == 0
    assert max(held.sender.late) > 850 * MS


def _closed_loop(latency: Latency, count: int, every: int) -> list[int]:
    """What a tool measures that waits for each answer before it sends the next, from the actual send time."""
    now, measured = 0, []
    for number in range(count):
        back = latency(number, now)[0]
        measured.append(back - now)
        now = max(back, now + every)
    return sorted(measured)
