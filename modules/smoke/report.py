"""A smoke result for people, as plain text. `document` is the one for machines."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from modules.smoke.cleanup import Cleaned
from modules.smoke.faults import FAULTS, FaultResult, StageRecovery
from modules.smoke.figures import HopResult, StageResult
from modules.smoke.result import SmokeResult
from modules.smoke.stats import PERCENTILES, Quantile, Summary, duration, limit_text, needed_samples

__all__ = ["title", "to_text"]

_TITLES = {"committed": "offset committed", "handed_over": "handed to the warehouse", "row_visible": "row visible"}
_SHORT = {**_TITLES, "committed": "committed", "handed_over": "handed over"}


def to_text(result: SmokeResult, width: int = 100) -> str:
    """The final tables, their footnotes and the verdict, as plain lines; prose keeps to `width` characters.

    Tables have stages' short names where the long ones do not fit.
    """
    table = f" → {result.table}" if result.table else ""
    head = f"smoke {result.environment} · {result.topic} ({result.partitions} partitions){table} · run {result.run_id}"
    blocks = [_wrapped([head], width), _stages(result, width), _limits(result)]
    if result.hops:
        rows: list[tuple[str, ...]] = [("of that", "n", *PERCENTILES, "max"), *(_hop(hop) for hop in result.hops)]
        blocks.append(_aligned(rows, left=(0,)))
    blocks.append(_wrapped([*_footnotes(result), *_fault(result.fault)], width))
    blocks.append(_wrapped(_verdict(result), width))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _stages(result: SmokeResult, width: int) -> list[str]:
    for titles in (_TITLES, _SHORT):
        rows: list[tuple[str, ...]] = [("stage", "n", *PERCENTILES, "max", "lost", "dup")]
        rows += [_row(stage, result, titles.get(stage.stage, stage.stage)) for stage in result.stages]
        lines = _aligned(rows, left=(0,))
        if max(map(len, lines)) <= width:
            break
    return lines


def _limits(result: SmokeResult) -> list[str]:
    """Each SLO with what was measured."""
    rows = [("SLO", "limit", "measured", "")]
    for one in result.slos:
        warn = " (warn)" if one.level == "warn" else ""
        limit = f"{one.limit:,}" if one.counts else limit_text(one.limit)
        measured = f"{one.measured:,}" if one.counts and one.measured is not None else duration(one.measured)
        if one.measured is None and one.outcome in ("missed", "warned"):
            measured = f"> {limit_text(result.deadline)}"
        rows.append((f"{title(one.stage)} {one.percentile}{warn}", f"≤ {limit}", measured, one.outcome))
    return _aligned(rows, left=(0, 3)) if len(rows) > 1 else []


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    """Lines that keep to the width; what goes on is indented two further. Aligned ones are left as they are."""
    found: list[str] = []
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        aligned = "  " in line.lstrip()
        found += [line] if aligned or len(line) <= width else textwrap.wrap(
            line.lstrip(), width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
        )  # fmt: skip
    return found


def title(stage: str) -> str:
    """A stage's name for people."""
    return _TITLES.get(stage, stage)


def _row(stage: StageResult, result: SmokeResult, name: str) -> tuple[str, ...]:
    summary = stage.summary
    return (
        name,
        f"{summary.n:,}",
        *(_quantile(one, result.deadline) for one in summary.quantiles),
        duration(summary.maximum),
        f"{summary.lost:,}",
        f"{stage.duplicated:,}",
    )


def _quantile(quantile: Quantile, deadline: int) -> str:
    if quantile.withheld == "beyond deadline":
        return f"> {limit_text(deadline)}"
    return duration(quantile.nanoseconds)


def _hop(hop: HopResult) -> tuple[str, ...]:
    start, end = (_SHORT.get(name, name) for name in (hop.start, hop.end))
    cells = (duration(one.nanoseconds) for one in hop.summary.quantiles)
    return (f"{start} → {end}", f"{hop.summary.n:,}", *cells, duration(hop.summary.maximum))


def _aligned(rows: Sequence[tuple[str, ...]], left: Sequence[int]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
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
    lines = [
        *([f"  rows are brought by {result.carried_by}"] if result.carried_by else []),
        f"  {result.sent:,} events{_size(result)} at {plan.rate:,.10g}/s ({result.achieved_rate:,.1f}/s achieved, "
        f"{plan.arrivals}), after {result.warmed_up:,} for warming up; deadline {limit_text(result.deadline)}",
        f"  latency from the intended send time, one monotonic clock; sender ran late by {_typical(result.lateness)}",
        *_error_bars(result),
        *_reached(result),
        *_credits(result),
    ]
    consumed = result.stage("consumed")
    if consumed.out_of_order:
        lines.append(f"  out of order by key: {consumed.out_of_order:,}")
    altered = {title(stage.stage): stage.corrupted for stage in result.stages if stage.corrupted}
    if altered:
        lines.append(f"  not what was sent: {', '.join(f'{count:,} {stage}' for stage, count in altered.items())}")
    lines += [f"  not measured: {title(one.stage)}: {one.reason}" for one in result.unmeasured]
    summaries = [stage.summary for stage in result.stages] + [hop.summary for hop in result.hops]
    if any(one.withheld == "too few samples" for summary in summaries for one in summary.quantiles):
        rule = ", ".join(f"{name} from {needed_samples(share):,}" for name, share in PERCENTILES.items())
        lines.append(f"  – is a percentile with too few samples above it: {rule}")
    return [*lines, *_cleaned(result.cleaned), *(f"  note: {note}" for note in result.notes)]


def _fault(fault: FaultResult | None) -> list[str]:
    """What was broken, and how each stage took it."""
    if fault is None:
        return []
    if fault.began is None or fault.over is None:
        return ["", f"  {fault.name}: the run ended before"]
    mended = duration(fault.over - fault.began)
    head = f"  {fault.name} at {duration(fault.began)}: {FAULTS[fault.name]}; it worked again after {mended}"
    all_back = "" if fault.recovery is None else f", all stages were back after {duration(fault.recovery)}"
    rows = [
        (f"  {title(one.stage)}", f"usually {duration(one.usual)}", f"at worst {duration(one.slowest)}", _back(one))
        for one in fault.stages
    ]
    return ["", head + all_back, *_aligned(rows, left=(0, 1, 2, 3))]


def _back(one: StageRecovery) -> str:
    if one.recovery is None:
        return "not back when the run ended"
    return f"back after {duration(one.recovery)}" if one.recovery else "not disturbed"


def _cleaned(cleaned: Cleaned | None) -> list[str]:
    if cleaned is None:
        return []
    older = f", and {cleaned.older_rows:,} that a killed run had left" if cleaned.older_rows else ""
    gone = [f"  cleaned up: {cleaned.rows:,} rows{older}"] if cleaned.rows is not None else []
    return [*gone, *(f"  not cleaned up: {sentence}" for sentence in cleaned.left)]


def _size(result: SmokeResult) -> str:
    return f" of {result.event_bytes:,.0f} bytes" if result.event_bytes else ""


def _error_bars(result: SmokeResult) -> list[str]:
    measured = {stage.stage for stage in result.stages}
    lines = []
    if "handed_over" in measured and result.channel_error.maximum is not None:
        lines.append(
            f"  handed to the warehouse is exact to {_typical(result.channel_error)} "
            f"({result.channel_polls:,} polls of the channels)"
        )
    if "row_visible" not in measured:
        return lines
    if result.poll_error.maximum is None:
        return [*lines, f"  no row was seen in {result.polls:,} polls of the table"]
    return [*lines, f"  row visible is exact to {_typical(result.poll_error)} ({result.polls:,} polls of the table)"]


def _reached(result: SmokeResult) -> list[str]:
    """Which partitions had events; the broker said so."""
    if not result.by_partition:
        return []
    counts = [result.by_partition.get(partition, 0) for partition in range(result.partitions)]
    missed = [str(partition) for partition, count in enumerate(counts) if not count]
    if missed:
        return [f"  no event reached partition {', '.join(missed[:20])}{' …' if len(missed) > 20 else ''}"]
    return [f"  every partition had events: {min(counts):,} to {max(counts):,} each"]


def _credits(result: SmokeResult) -> list[str]:
    use = result.warehouse
    if use is None:
        return []
    name = f"  warehouse {use.warehouse.name} ({use.warehouse.size})"
    if use.awake_seconds is None or use.credits is None:
        return [f"{name} was asked for {use.busy_seconds:.0f} s; it never suspends itself, or its size is unknown"]
    shared = "; it was awake before" if use.warehouse.awake else ""
    return [f"{name} was kept awake for {use.awake_seconds:.0f} s: {use.credits:f} credits at most{shared}"]


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
    if result.fault is not None:
        word = {"met": "recovered", "missed": "HARMED"}.get(result.verdict.outcome, word)
    warnings = [f"warning: {sentence}" for sentence in result.verdict.warnings]
    return [*(f"{word}: {sentence}" for sentence in result.verdict.sentences), *warnings]
