"""What the ledger of a run adds up to: each stage's and each hop's percentiles, histogram and course over time.

A hop is the difference between two stages of the same event, never the difference of two percentiles. It can be
negative where two observers look at the same thing: a broker hands an event to a consumer while its answer to the
producer is still under way.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from modules.smoke.histogram import Histogram, encode
from modules.smoke.series import Interval, Series, bounds, interval_seconds
from modules.smoke.stages import MICROSECOND, UNSEEN, Ledger, Stage
from modules.smoke.stats import Summary, summarise

__all__ = ["HOPS", "HopResult", "StageResult", "hops", "results"]

HOPS: tuple[tuple[str, str], ...] = (
    ("acknowledged", "consumed"),
    ("consumed", "committed"),
    ("consumed", "handed_over"),
    ("handed_over", "row_visible"),
    ("consumed", "row_visible"),
)
"""From which stage to which. The last stands in where nobody tells what was handed over."""


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
    corrupted: int = 0
    """Events seen with a content that was not sent (known at `consumed` and `row_visible`)."""
    histogram: Histogram | None = None
    """Of all that came back, the late ones included."""
    series: Series | None = None


@dataclass(frozen=True)
class HopResult:
    """From one stage to the next, of all events that were seen at both."""

    start: str
    end: str
    summary: Summary
    before: int
    """Events whose end was noticed before their start."""
    histogram: Histogram | None = None


def results(ledger: Ledger, deadline: int, now: int | None = None) -> tuple[StageResult, ...]:
    """Each stage's figures; an event is lost at a stage when it was not seen within `deadline` ns of its time.

    Args:
        ledger: of a run that has ended.
        deadline: nanoseconds from the intended send time.
        now: for a run that was cut short: the clock when it was; what had time left then is in flight, not lost.
    """
    return tuple(_stage(ledger, stage, deadline, now) for stage in ledger.stages.values())


def hops(ledger: Ledger) -> tuple[HopResult, ...]:
    """The hops between the stages that were measured."""
    there = ledger.stages
    chosen = [
        (start, end)
        for start, end in HOPS
        if start in there and end in there and not ("handed_over" in there and (start, end) == HOPS[-1])
    ]
    return tuple(_hop(ledger, there[start], there[end]) for start, end in chosen)


def _stage(ledger: Ledger, stage: Stage, deadline: int, now: int | None) -> StageResult:
    first, end = ledger.warmup, ledger.sent
    back, late, in_flight = _sorted_out(ledger, stage, first, max(first, end), deadline, now)
    summary = summarise(back, ledger.measured - len(back) - in_flight, late, MICROSECOND)  # sorts `back`
    late_count = len(late)
    back += sorted(late)
    histogram = encode(back)
    del back, late
    series = _series(ledger, stage, deadline, now)
    seen = (stage.duplicated, stage.out_of_order, stage.corrupted)
    return StageResult(stage.name, summary, late_count, in_flight, *seen, histogram, series)


def _sorted_out(
    ledger: Ledger, stage: Stage, first: int, end: int, deadline: int, now: int | None
) -> tuple[list[int], list[int], int]:
    """Of a range of events: latencies of those back in time, of those too late, and how many still had time."""
    limit = deadline // MICROSECOND
    seen = stage.latency[first:end]
    back = [one for one in seen if one <= limit]
    late = [one for one in seen if limit < one < UNSEEN]
    if now is None or len(back) + len(late) == len(seen):
        return back, late, 0
    pairs = zip(seen, ledger.intended[first:end], strict=True)
    return back, late, sum(1 for one, due in pairs if one == UNSEEN and due + deadline > now)


def _series(ledger: Ledger, stage: Stage, deadline: int, now: int | None) -> Series:
    intended, first, end = ledger.intended, ledger.warmup, ledger.sent
    span = (intended[end - 1] - intended[first]) / 1e9 if end > first else 0.0
    seconds = interval_seconds(span)
    intervals = []
    for begin, after in itertools.pairwise(bounds(intended, first, end, seconds)):
        back, late, in_flight = _sorted_out(ledger, stage, begin, after, deadline, now)
        lost = after - begin - len(back) - in_flight
        intervals.append(Interval(after - begin, summarise(back, lost, late, MICROSECOND)))
    return Series(seconds, tuple(intervals))


def _hop(ledger: Ledger, start: Stage, end: Stage) -> HopResult:
    first, after = ledger.warmup, ledger.sent
    pairs = zip(start.latency[first:after], end.latency[first:after], strict=True)
    taken = [later - sooner for sooner, later in pairs if sooner != UNSEEN and later != UNSEEN]
    summary = summarise(taken, unit=MICROSECOND)  # sorts it
    histogram = encode(taken)
    return HopResult(start.name, end.name, summary, histogram.below, histogram)
