"""Hops and the course over time: of events, not of percentiles."""

from __future__ import annotations

from modules.smoke.figures import hops, results
from modules.smoke.stages import Ledger

MS = 1_000_000
SECOND = 1000 * MS


def ledger_of(count: int, every: int = 10 * MS) -> Ledger:
    ledger = Ledger(0, count)
    for number in range(count):
        ledger.send(number, number * every)
    return ledger


def see(ledger: Ledger, stage: str, number: int, latency: int) -> None:
    ledger.see(stage, number, ledger.intended[number] + latency)


def test_a_hop_is_the_difference_of_two_stages_of_the_same_event() -> None:
    ledger = ledger_of(1000)
    for number in range(1000):
        # Slow acknowledgements belong to quick rows: differences of percentiles would say something else.
        see(ledger, "acknowledged", number, (number % 100 + 1) * MS)
        see(ledger, "consumed", number, 101 * MS)
    (hop,) = (one for one in hops(ledger) if one.summary.n)
    assert (hop.start, hop.end) == ("acknowledged", "consumed")
    assert [one.nanoseconds for one in hop.summary.quantiles] == [50 * MS, 95 * MS, 99 * MS, None]
    assert hop.summary.maximum == 100 * MS


def test_an_end_that_is_noticed_before_its_start_is_negative_and_counted() -> None:
    ledger = ledger_of(40)
    for number in range(40):
        see(ledger, "acknowledged", number, 5 * MS)
        see(ledger, "consumed", number, (3 if number < 30 else 9) * MS)
    hop = hops(ledger)[0]
    assert hop.before == 30
    assert hop.summary.quantile("p50").nanoseconds == -2 * MS
    assert hop.summary.mean == (30 * -2 + 10 * 4) / 40 * MS
    assert hop.histogram is not None and hop.histogram.below == 30


def test_a_lost_event_is_in_no_hop_that_it_did_not_take() -> None:
    ledger = ledger_of(30)
    for number in range(30):
        see(ledger, "acknowledged", number, MS)
        if number % 3:
            see(ledger, "consumed", number, 2 * MS)
    assert hops(ledger)[0].summary.n == 20


def test_without_channels_the_last_hop_begins_where_the_event_was_consumed() -> None:
    names = [(one.start, one.end) for one in hops(Ledger(0, 1, ("acknowledged", "consumed", "row_visible")))]
    assert names == [("acknowledged", "consumed"), ("consumed", "row_visible")]
    assert ("consumed", "row_visible") not in [(one.start, one.end) for one in hops(Ledger(0, 1))]


def test_latency_over_time_has_an_interval_a_second_and_every_event_in_one() -> None:
    ledger = ledger_of(500)  # 5 s
    for number in range(500):
        if number != 250:
            see(ledger, "acknowledged", number, (700 if 300 <= number < 310 else 2) * MS)
    series = results(ledger, 30 * SECOND)[0].series
    assert series is not None and series.seconds == 1
    assert [one.sent for one in series.intervals] == [100] * 5
    assert [one.summary.n for one in series.intervals] == [100, 100, 99, 100, 100]
    assert [one.summary.lost for one in series.intervals] == [0, 0, 1, 0, 0]
    assert [one.summary.maximum for one in series.intervals] == [2 * MS] * 3 + [700 * MS, 2 * MS]
    # 100 events are enough for a median and not for more.
    assert {one.summary.quantile("p50").nanoseconds for one in series.intervals} == {2 * MS}
    assert {one.summary.quantile("p95").nanoseconds for one in series.intervals} == {None}


def test_a_long_run_has_wider_intervals_and_at_most_120_or_so() -> None:
    series = results(ledger_of(1000, every=2 * SECOND), 30 * SECOND)[0].series
    assert series is not None and series.seconds == 17
    assert len(series.intervals) <= 121
    assert sum(one.sent for one in series.intervals) == 1000


def test_a_run_that_sent_nothing_measured_has_empty_figures() -> None:
    ledger = Ledger(5, 10)
    for number in range(3):
        ledger.send(number, number)
    stages = results(ledger, SECOND)
    assert {(one.summary.n, one.summary.lost) for one in stages} == {(0, 0)}
    assert {one.summary.n for one in hops(ledger)} == {0}
