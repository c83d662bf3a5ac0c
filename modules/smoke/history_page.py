"""The trend of an environment's runs as one self-contained page: each stage's percentiles over the runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from modules import charts
from modules.smoke.history import Entry, value_of
from modules.smoke.report import title
from modules.smoke.stages import STAGES
from modules.smoke.stats import duration

__all__ = ["history_page"]

_DRAWN: tuple[tuple[str, int, charts.Dash], ...] = (("p50", 1, "solid"), ("p95", 3, "dashed"), ("p99", 2, "dotted"))
_WORDS = {"met": "met", "missed": "missed", "not enough samples": "not proven"}


def history_page(environment: str, entries: Sequence[Entry]) -> str:
    """The page of kept runs, oldest first."""
    figures = [figure for stage in STAGES if (figure := _trend(stage, entries))]
    sections = [charts.Section("Trend", figures)] if figures else []
    sections.append(charts.Section("Runs", [_runs(entries)], "Newest first."))
    return charts.page(
        f"{environment}: smoke runs",
        f"{len(entries):,} runs that were kept on this machine.",
        sections,
        {"schema": "infra.smoke.history/1", "environment": environment, "runs": list(entries)},
        summary=_summary(entries),
        made="Latencies from the intended send time on one monotonic clock.",
    )


def _summary(entries: Sequence[Entry]) -> list[charts.Block]:
    if not entries:
        return [charts.Notes(["No run is kept yet."], "warn")]
    newest, met = entries[-1], sum(1 for one in entries if one["outcome"] == "met")
    facts = [
        charts.Fact(f"Row visible, {each}, newest", _written(value_of(newest, "row_visible", each)))
        for each in ("p50", "p95", "p99")
    ]
    tone: charts.Tone = "good" if met == len(entries) else "warn"
    facts.append(charts.Fact("SLOs met", f"{met:,}", f"of {len(entries):,} runs", tone))
    blocks: list[charts.Block] = [charts.Facts(facts)]
    if all(one["stand_in"] for one in entries):
        blocks.append(charts.Notes(["Measured on a laptop: a stand-in, no figure of a cloud."], "warn"))
    return blocks


def _trend(stage: str, entries: Sequence[Entry]) -> charts.Figure | None:
    series, known = [], []
    for name, colour, dash in _DRAWN:
        points = []
        for index, entry in enumerate(entries):
            value = value_of(entry, stage, name)
            path = f"/runs/{index}/stages/{stage}/{name}_ms"
            points.append(charts.Point(_days(entry, entries[0]), None if value is None else charts.Value(value, path)))
            known += [] if value is None else [value]
        if any(point.y for point in points):
            series.append(charts.Series(name, points, colour, dash, marks=True))
    if not series:
        return None
    kind: charts.Kind = "log" if min(known) > 0 and max(known) > 30 * min(known) else "linear"
    first = str(entries[0]["started"])[:16].replace("T", " ")
    return charts.lines(
        title(stage).capitalize(),
        "Percentiles of each run by when it was measured.",
        series,
        charts.Axis(f"days since {first} UTC"),
        charts.Axis("latency", kind, text=lambda value: charts.milliseconds(float(f"{value:.3g}"))),
        id=f"trend-{stage.replace('_', '-')}",
    )


def _runs(entries: Sequence[Entry]) -> charts.Table:
    columns = [charts.Column("measured"), charts.Column("load", wide=True)]
    columns += [charts.Column(name, right=True) for name in ("p50", "p95", "p99")]
    columns += [charts.Column("lost", right=True, wide=True), charts.Column("SLOs")]
    return charts.Table(columns, [_row(entry) for entry in reversed(entries)], caption="Row visible")


def _row(entry: Entry) -> charts.Row:
    figures: dict[str, Any] = entry["stages"].get("row_visible") or {}
    return charts.Row(
        [
            str(entry["started"])[:16].replace("T", " "),
            f"{entry['sent']:,} at {entry['rate']:,.10g}/s",
            *(_written(value_of(entry, "row_visible", each)) for each in ("p50", "p95", "p99")),
            f"{figures['lost']:,}" if "lost" in figures else "–",
            _WORDS.get(str(entry["outcome"]), str(entry["outcome"])),
        ],
        [("run", str(entry["run_id"])), ("platform", str(entry["platform"])), ("carried by", str(entry["carried_by"]))],
    )


def _days(entry: Entry, first: Entry) -> float:
    taken = datetime.fromisoformat(entry["started"]) - datetime.fromisoformat(first["started"])
    return round(taken.total_seconds() / 86_400, 5)


def _written(milliseconds: float | None) -> str:
    return duration(None if milliseconds is None else milliseconds * 1e6)
