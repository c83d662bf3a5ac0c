"""A smoke result for machines: the JSON document, `schema_version` 2. Described in docs/smoke.md.

It holds everything that later work needs and nothing that only this run's memory had: exact figures, the whole
distributions as HdrHistograms, and the course over time. Latencies are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modules.smoke.cleanup import Cleaned
from modules.smoke.credits import WarehouseUse, credits_per_hour
from modules.smoke.faults import FaultResult
from modules.smoke.figures import HopResult, StageResult
from modules.smoke.histogram import DIGITS, HIGHEST_US, LOWEST_US, Histogram
from modules.smoke.result import SmokeResult
from modules.smoke.series import Interval, Series
from modules.smoke.slo import SloResult
from modules.smoke.stats import PERCENTILES, Summary

__all__ = ["SCHEMA_VERSION", "field_name", "to_json"]

SCHEMA_VERSION = 2


def to_json(result: SmokeResult) -> dict[str, Any]:
    """Everything in the result; a withheld percentile is null with the reason beside it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "environment": result.environment,
        "platform": result.platform,
        "stand_in": result.stand_in,
        "run_id": result.run_id,
        "started": result.started,
        "interrupted": result.interrupted,
        "topic": result.topic,
        "partitions": result.partitions,
        "table": result.table,
        "carried_by": result.carried_by,
        "facts": dict(result.facts),
        "load": _load(result),
        "stages": {stage.stage: _stage(stage) for stage in result.stages},
        "hops": [_hop(hop) for hop in result.hops],
        "unmeasured": {one.stage: one.reason for one in result.unmeasured},
        "over_time": _over_time(result.stages),
        "sender_lateness": _summary(result.lateness),
        "commits": result.commits,
        "handed_over_error_bar": {"polls": result.channel_polls, **_summary(result.channel_error)},
        "row_visible_error_bar": {"polls": result.polls, **_summary(result.poll_error)},
        "warehouse": None if result.warehouse is None else _warehouse(result.warehouse),
        "slo": [_slo(one) for one in result.slos],
        "verdict": {
            "outcome": result.verdict.outcome,
            "met": result.met,
            "because": list(result.verdict.sentences),
            "warnings": list(result.verdict.warnings),
        },
        "notes": list(result.notes),
        "cleaned": None if result.cleaned is None else _cleaned(result.cleaned),
        "fault": None if result.fault is None else _fault(result.fault),
    }


def field_name(percentile: str) -> str:
    """A percentile's name in the document: `p99_9_ms`."""
    return f"{percentile.replace('.', '_')}_ms"


def _load(result: SmokeResult) -> dict[str, Any]:
    return {
        "arrivals": result.plan.arrivals,
        "rate": result.plan.rate,
        "achieved_rate": round(result.achieved_rate, 3),
        "rate_kept": result.rate_kept,
        "count": result.plan.count,
        "sent": result.sent,
        "failed": result.failed,
        "failures": list(result.failures),
        "warmup_discarded": result.warmed_up,
        "deadline_ms": _ms(result.deadline),
        "event_bytes": round(result.event_bytes, 1),
        "by_partition": {str(partition): count for partition, count in sorted(result.by_partition.items())},
    }


def _stage(stage: StageResult) -> dict[str, Any]:
    return {
        **_summary(stage.summary),
        "lost": stage.summary.lost,
        "late": stage.late,
        "in_flight": stage.in_flight,
        "duplicated": stage.duplicated,
        "out_of_order": stage.out_of_order if stage.stage == "consumed" else None,
        "corrupted": stage.corrupted if stage.stage in ("consumed", "row_visible") else None,
        "histogram": _histogram(stage.histogram),
    }


def _hop(hop: HopResult) -> dict[str, Any]:
    return {
        "from": hop.start,
        "to": hop.end,
        **_summary(hop.summary),
        "before": hop.before,
        "histogram": _histogram(hop.histogram),
    }


def _histogram(histogram: Histogram | None) -> dict[str, Any] | None:
    if histogram is None:
        return None
    return {
        "unit": "us",
        "lowest": LOWEST_US,
        "highest": HIGHEST_US,
        "digits": DIGITS,
        "count": histogram.count,
        "below": histogram.below,
        "above": histogram.above,
        "hdr": histogram.text,
    }


def _over_time(stages: Sequence[StageResult]) -> dict[str, Any]:
    """Columns of equal length: entry *i* is of the events due from i × `interval_s` on."""
    known: list[tuple[str, Series]] = [(stage.stage, stage.series) for stage in stages if stage.series is not None]
    if not known:
        return {"interval_s": None, "sent": [], "stages": {}}
    first = known[0][1]
    return {
        "interval_s": first.seconds,
        "sent": [one.sent for one in first.intervals],
        "stages": {name: _columns(series.intervals) for name, series in known},
    }


def _columns(intervals: Sequence[Interval]) -> dict[str, Any]:
    def column(value: Callable[[Summary], Any]) -> list[Any]:
        return [value(one.summary) for one in intervals]

    percentiles = {
        field_name(name): [_ms(one.summary.quantile(name).nanoseconds) for one in intervals] for name in PERCENTILES
    }
    return {
        "n": column(lambda summary: summary.n),
        "lost": column(lambda summary: summary.lost),
        **percentiles,
        "max_ms": column(lambda summary: _ms(summary.maximum)),
    }


def _summary(summary: Summary) -> dict[str, Any]:
    withheld = {one.name: one.withheld for one in summary.quantiles if one.withheld}
    return {
        "n": summary.n,
        **{field_name(one.name): _ms(one.nanoseconds) for one in summary.quantiles},
        "max_ms": _ms(summary.maximum),
        "mean_ms": _ms(summary.mean),
        "withheld": withheld,
    }


def _cleaned(cleaned: Cleaned) -> dict[str, Any]:
    return {"rows": cleaned.rows, "older_rows": cleaned.older_rows, "left": list(cleaned.left)}


def _fault(fault: FaultResult) -> dict[str, Any]:
    """Seconds, but for the usual latency."""
    return {
        "name": fault.name,
        "at_s": _s(fault.began),
        "over_s": _s(fault.over),
        "recovery_s": _s(fault.recovery),
        "stages": {
            one.stage: {"usual_ms": _ms(one.usual), "slowest_ms": _ms(one.slowest), "recovery_s": _s(one.recovery)}
            for one in fault.stages
        },
    }


def _s(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e9, 3)


def _warehouse(use: WarehouseUse) -> dict[str, Any]:
    rate = credits_per_hour(use.warehouse.size)
    return {
        "name": use.warehouse.name,
        "size": use.warehouse.size,
        "credits_per_hour": None if rate is None else str(rate),
        "awake_before": use.warehouse.awake,
        "auto_suspend_s": use.warehouse.auto_suspend,
        "busy_s": round(use.busy_seconds, 1),
        "awake_s": None if use.awake_seconds is None else round(use.awake_seconds, 1),
        "credits_at_most": None if use.credits is None else str(use.credits),
    }


def _slo(one: SloResult) -> dict[str, Any]:
    return {
        "stage": one.stage,
        "percentile": one.percentile,
        "level": one.level,
        "limit_ms": None if one.counts else _ms(one.limit),
        "measured_ms": None if one.counts else _ms(one.measured),
        **({"limit": one.limit, "measured": one.measured} if one.counts else {}),
        "outcome": one.outcome,
    }


def _ms(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 3)
