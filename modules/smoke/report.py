"""A smoke result for people (text) and for machines (JSON, `schema_version` 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.smoke.result import SmokeResult
from modules.smoke.slo import SloResult
from modules.smoke.stages import StageResult
from modules.smoke.stats import PERCENTILES, Quantile, Summary, duration, limit_text, needed_samples

__all__ = ["to_json", "to_text"]

SCHEMA_VERSION = 1

_TITLES = {"acknowledged": "acknowledged", "consumed": "consumed", "row_visible": "row visible"}


def to_text(result: SmokeResult) -> str:
    """The final table, its footnotes and the verdict, as plain lines of at most 100 characters or so."""
    head = (
        f"smoke {result.environment} · {result.topic} ({result.partitions} partitions) → {result.table} · "
        f"run {result.run_id}"
    )
    rows: list[tuple[str, ...]] = [("stage", "n", "p50", "p95", "p99", "max", "lost", "dup", "SLO", "")]
    rows += [_row(stage, result) for stage in result.stages]
    lines = [head, "", *_aligned(rows), "", *_footnotes(result), "", *_verdict(result)]
    return "\n".join(lines)


def to_json(result: SmokeResult) -> dict[str, Any]:
    """Everything in the result; latencies in milliseconds, a withheld percentile is null with the reason beside it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "environment": result.environment,
        "platform": result.platform,
        "run_id": result.run_id,
        "started": result.started,
        "interrupted": result.interrupted,
        "topic": result.topic,
        "partitions": result.partitions,
        "table": result.table,
        "carried_by": result.carried_by,
        "load": {
            "arrivals": result.plan.arrivals,
            "rate": result.plan.rate,
            "achieved_rate": round(result.achieved_rate, 3),
            "count": result.plan.count,
            "sent": result.sent,
            "failed": result.failed,
            "failures": list(result.failures),
            "warmup_discarded": result.warmed_up,
            "deadline_ms": _ms(result.deadline),
        },
        "stages": {stage.stage: _stage_json(stage) for stage in result.stages},
        "sender_lateness": _summary_json(result.lateness),
        "row_visible_error_bar": {"polls": result.polls, **_summary_json(result.poll_error)},
        "slo": [_slo_json(one) for one in result.slos],
        "verdict": {"outcome": result.verdict.outcome, "met": result.met, "because": list(result.verdict.sentences)},
        "notes": list(result.notes),
    }


def _row(stage: StageResult, result: SmokeResult) -> tuple[str, ...]:
    summary = stage.summary
    slos = [one for one in result.slos if one.stage == stage.stage]
    return (
        _TITLES[stage.stage],
        f"{summary.n:,}",
        *(_quantile(one, result.deadline) for one in summary.quantiles),
        duration(summary.maximum),
        f"{summary.lost:,}",
        f"{stage.duplicated:,}",
        ", ".join(f"{one.percentile} ≤ {limit_text(one.limit)}" for one in slos) or "none",
        _outcome(slos),
    )


def _outcome(slos: Sequence[SloResult]) -> str:
    outcomes = [one.outcome for one in slos]
    for worst in ("missed", "not enough samples", "met"):
        if worst in outcomes:
            return worst
    return ""


def _quantile(quantile: Quantile, deadline: int) -> str:
    if quantile.withheld == "beyond deadline":
        return f"> {limit_text(deadline)}"
    return duration(quantile.nanoseconds)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = {0, len(widths) - 2, len(widths) - 1}
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _footnotes(result: SmokeResult) -> list[str]:
    plan = result.plan
    consumed = result.stage("consumed")
    lines = [
        f"  rows are brought by {result.carried_by}",
        f"  {result.sent:,} events at {plan.rate:g}/s ({result.achieved_rate:.1f}/s achieved, {plan.arrivals}), after "
        f"{result.warmed_up:,} for warming up; deadline {limit_text(result.deadline)}",
        f"  latency from the intended send time, one monotonic clock; sender ran late by {_typical(result.lateness)}",
        _error_bar(result),
    ]
    if consumed.out_of_order:
        lines.append(f"  out of order by key: {consumed.out_of_order:,}")
    if any(one.withheld == "too few samples" for stage in result.stages for one in stage.summary.quantiles):
        rule = ", ".join(f"{name} from {needed_samples(share):,}" for name, share in PERCENTILES.items())
        lines.append(f"  – is a percentile with too few samples above it: {rule}")
    return [*lines, *(f"  note: {note}" for note in result.notes)]


def _error_bar(result: SmokeResult) -> str:
    if result.poll_error.maximum is None:
        return f"  no row was seen in {result.polls:,} polls of the table"
    return f"  row visible is exact to {_typical(result.poll_error)} ({result.polls:,} polls of the table)"


def _typical(summary: Summary) -> str:
    if summary.maximum is None:
        return "nothing known"
    known = [f"{one.name} {duration(one.nanoseconds)}" for one in summary.quantiles if one.nanoseconds is not None]
    return ", ".join([*known[-1:], f"max {duration(summary.maximum)}"])


def _verdict(result: SmokeResult) -> list[str]:
    flying = max(stage.in_flight for stage in result.stages)
    if result.interrupted:
        return [f"interrupted after {result.sent:,} of {result.plan.count:,} events, {flying:,} of them in flight"]
    word = {"met": "met", "missed": "MISSED", "not enough samples": "NOT PROVEN"}[result.verdict.outcome]
    return [f"{word}: {sentence}" for sentence in result.verdict.sentences]


def _stage_json(stage: StageResult) -> dict[str, Any]:
    return {
        **_summary_json(stage.summary),
        "lost": stage.summary.lost,
        "late": stage.late,
        "in_flight": stage.in_flight,
        "duplicated": stage.duplicated,
        "out_of_order": stage.out_of_order if stage.stage == "consumed" else None,
    }


def _summary_json(summary: Summary) -> dict[str, Any]:
    withheld = {one.name: one.withheld for one in summary.quantiles if one.withheld}
    return {
        "n": summary.n,
        **{f"{one.name}_ms": _ms(one.nanoseconds) for one in summary.quantiles},
        "max_ms": _ms(summary.maximum),
        "mean_ms": _ms(summary.mean),
        "withheld": withheld,
    }


def _slo_json(one: SloResult) -> dict[str, Any]:
    return {
        "stage": one.stage,
        "percentile": one.percentile,
        "limit_ms": _ms(one.limit),
        "measured_ms": _ms(one.measured),
        "outcome": one.outcome,
    }


def _ms(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 3)
