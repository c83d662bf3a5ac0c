"""A smoke run as one self-contained page, or two laid over each other: percentiles, course, histograms, hops, facts.

It is made of the JSON document alone, so that a run from another day or machine has its page as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules import charts
from modules.smoke import page_figures as figures
from modules.smoke.faults import FAULTS
from modules.smoke.report import title
from modules.smoke.stats import PERCENTILES, duration, limit_text

__all__ = ["run_page"]

_VERDICTS: Mapping[str, tuple[str, charts.Tone]] = {
    "met": ("met", "good"),
    "missed": ("missed", "bad"),
    "not enough samples": ("not proven", "warn"),
}

Run = Mapping[str, Any]


def run_page(run: Run, other: Run | None = None) -> str:
    """The page of a run.

    Args:
        run: a document of `infra smoke --json`, `schema_version` 2.
        other: another one, drawn over it as the earlier run.
    """
    data = figures.page_data(run, other)
    sections = [charts.Section("Stages", [_stages(run), *_notes(run)], _load_words(run))]
    if run.get("fault"):
        sections.append(charts.Section("Fault rehearsal", [_fault(run)], _fault_words(run["fault"])))
    if other is not None:
        sections.append(charts.Section("Against the earlier run", [_difference(run, other)], _which(other)))
    curve, hop_chart, hop_table = figures.curves(data), figures.hops(data), _hops(run)
    if curve:
        sections.append(charts.Section("Percentiles", [curve]))
    blocks: list[charts.Block] = [each for each in (hop_chart, hop_table) if each is not None]
    if blocks:
        sections.append(charts.Section("Hops", blocks, "What each part of the way takes, event by event."))
    for name, found in (("Over time", figures.over_time(data)), ("Histograms", figures.histograms(data))):
        if found:
            sections.append(charts.Section(name, found))
    sections.append(charts.Section("Environment", [_facts(run, other)], "What the figures depend on."))
    return charts.page(
        f"{run['environment']}: from producer to row",
        f"{run['topic']} ({run['partitions']} partitions){_to_table(run)}, {_started(run)}, run {run['run_id']}.",
        sections,
        data,
        summary=_summary(run),
        made="Latencies from the intended send time on one monotonic clock; what is lost is slower than the rest.",
    )


def _summary(run: Run) -> list[charts.Block]:
    words, tone = _VERDICTS.get(run["verdict"]["outcome"], (run["verdict"]["outcome"], "plain"))
    if run["interrupted"]:
        words, tone = "interrupted", "warn"
    rehearsed = bool(run.get("fault"))
    words = str({"met": "recovered", "missed": "harmed"}.get(words, words)) if rehearsed else words
    facts = [charts.Fact("rehearsal" if rehearsed else "SLOs", words, "", tone)]
    last = list(run["stages"].items())[-1:]
    for name, stage in last:
        facts += [
            charts.Fact(f"{title(name)}, {percentile}", _quantile(stage, percentile, run))
            for percentile in PERCENTILES
            if percentile in ("p50", "p99")
        ]
        facts.append(charts.Fact("slowest", _ms(stage["max_ms"])))
    lost = max((stage["lost"] for stage in run["stages"].values()), default=0)
    facts.append(charts.Fact("lost", f"{lost:,}", f"of {run['load']['sent']:,}", "bad" if lost else "good"))
    kept = run["load"].get("rate_kept", True)
    rate = f"{run['load']['achieved_rate']:,.4g}/s"
    facts.append(charts.Fact("rate", rate, f"asked: {run['load']['rate']:,.10g}/s", "plain" if kept else "warn"))
    blocks: list[charts.Block] = [charts.Facts(facts)]
    because = [_sentence(text) for text in run["verdict"]["because"]]
    if because:
        blocks.append(charts.Notes(because, tone if tone in ("warn", "bad") else "plain"))
    warnings = [_sentence(f"warning: {text}") for text in run["verdict"].get("warnings", ())]
    if warnings:
        blocks.append(charts.Notes(warnings, "warn"))
    if run.get("stand_in"):
        blocks.append(charts.Notes(["Measured on a laptop: a stand-in, no figure of a cloud."], "warn"))
    return blocks


def _stages(run: Run) -> charts.Table:
    columns = [
        charts.Column("stage"),
        charts.Column("n", right=True, wide=True),
        *(charts.Column(name, right=True, wide=name not in ("p50", "p99")) for name in PERCENTILES),
        charts.Column("max", right=True, wide=True),
        charts.Column("lost", right=True, wide=True),
        charts.Column("SLO", wide=True),
    ]
    return charts.Table(columns, [_stage_row(name, stage, run) for name, stage in run["stages"].items()])


def _stage_row(name: str, stage: Mapping[str, Any], run: Run) -> charts.Row:
    slos = [one for one in run["slo"] if one["stage"] == name]
    limits = ", ".join(_limit(one) for one in slos)
    missed = any(one["outcome"] == "missed" for one in slos)
    warned = any(one["outcome"] == "warned" for one in slos)
    cells = [
        title(name),
        f"{stage['n']:,}",
        *(_quantile(stage, percentile, run) for percentile in PERCENTILES),
        _ms(stage["max_ms"]),
        f"{stage['lost']:,}",
        limits,
    ]
    counted = (("duplicated", "twice"), ("out_of_order", "out of order"), ("corrupted", "corrupted"), ("late", "late"))
    more = [(words, f"{stage[field]:,}") for field, words in counted if stage.get(field)]
    details = [("mean", _ms(stage["mean_ms"])), *more]
    details += [(percentile, why) for percentile, why in stage["withheld"].items()]
    return charts.Row(
        cells, details, flag="SLO missed" if missed else "warning" if warned else "", flag_tone=_tone(missed)
    )


def _tone(missed: bool) -> charts.Tone:
    return "bad" if missed else "warn"


def _limit(slo: Mapping[str, Any]) -> str:
    limit = f"{slo['limit']:,}" if slo["limit_ms"] is None else limit_text(int(slo["limit_ms"] * 1e6))
    return f"{'warn: ' if slo.get('level') == 'warn' else ''}{slo['percentile']} ≤ {limit}"


def _fault(run: Run) -> charts.Table:
    """How each stage took what was broken on purpose."""
    columns = [
        charts.Column("stage"),
        *(charts.Column(name, right=True) for name in ("usually", "at worst", "back after")),
    ]
    return charts.Table(
        columns,
        [
            charts.Row([title(name), _ms(stage["usual_ms"]), _ms(stage["slowest_ms"]), _back(stage["recovery_s"])])
            for name, stage in run["fault"]["stages"].items()
        ],
    )


def _back(seconds: float | None) -> str:
    if seconds is None:
        return "not in this run"
    return _ms(1000 * seconds) if seconds else "not disturbed"


def _fault_words(fault: Mapping[str, Any]) -> str:
    if fault["over_s"] is None:
        return f"{fault['name']}: the run ended before."
    mended = _ms(1000 * (fault["over_s"] - fault["at_s"]))
    recovered = "" if fault["recovery_s"] is None else f" All stages were back after {_ms(1000 * fault['recovery_s'])}."
    happened = FAULTS.get(fault["name"], fault["name"])
    return f"At {_ms(1000 * fault['at_s'])} {happened}; it worked again after {mended}.{recovered}"


def _hops(run: Run) -> charts.Table | None:
    if not run["hops"]:
        return None
    columns = [
        charts.Column("hop"),
        charts.Column("n", right=True, wide=True),
        *(charts.Column(name, right=True, wide=name not in ("p50", "p99")) for name in PERCENTILES),
        charts.Column("max", right=True, wide=True),
        charts.Column("mean", right=True, wide=True),
    ]
    rows = [
        charts.Row(
            [
                f"{title(hop['from'])} → {title(hop['to'])}",
                f"{hop['n']:,}",
                *(_quantile(hop, percentile, run) for percentile in PERCENTILES),
                _ms(hop["max_ms"]),
                _ms(hop["mean_ms"]),
            ]
        )
        for hop in run["hops"]
    ]
    return charts.Table(columns, rows)


def _difference(run: Run, other: Run) -> charts.Table:
    """Both runs' medians and tails beside each other, and the ratio."""
    rows = []
    for name, stage in run["stages"].items():
        before = other["stages"].get(name)
        if before is None:
            continue
        for percentile in PERCENTILES:
            now_ms, then_ms = stage[_field(percentile)], before[_field(percentile)]
            if now_ms is None or then_ms is None:
                continue
            ratio = f"× {now_ms / then_ms:.2f}" if then_ms else "–"
            rows.append(charts.Row([f"{title(name)}, {percentile}", _ms(then_ms), _ms(now_ms), ratio]))
    columns = [
        charts.Column(""),
        charts.Column("earlier", right=True),
        charts.Column("this run", right=True),
        charts.Column("ratio", right=True),
    ]
    return charts.Table(columns, rows)


def _notes(run: Run) -> list[charts.Block]:
    texts = [f"Not measured: {title(name)}: {reason}." for name, reason in run.get("unmeasured", {}).items()]
    texts += [_sentence(text) for text in (*run["notes"], *run["load"]["failures"])]
    for name, words in (("handed_over_error_bar", "Handed over"), ("row_visible_error_bar", "Row visible")):
        bar = run.get(name)
        if bar and bar["max_ms"] is not None:
            half = f"{_ms(bar['p50_ms'])} in half of the cases, " if bar["p50_ms"] is not None else ""
            texts.append(f"{words} is exact to {half}{_ms(bar['max_ms'])} at most ({bar['polls']:,} polls).")
    late = run["sender_lateness"]
    if late["max_ms"] is not None:
        texts.append(f"The sender itself was late by {_ms(late['max_ms'])} at most.")
    return [charts.Notes(texts)] if texts else []


def _facts(run: Run, other: Run | None) -> charts.Table:
    """Each fact, and the earlier run's where there is one."""
    runs = [run, *([other] if other is not None else [])]
    facts = [_known(one) for one in runs]
    names = list(dict.fromkeys(name for each in facts for name in each))
    columns = [charts.Column(""), *(charts.Column(name) for name in (["", "earlier"] if other else [""]))]
    return charts.Table(columns, [charts.Row([name, *(each.get(name, "–") for each in facts)]) for name in names])


def _known(run: Run) -> dict[str, str]:
    load = run["load"]
    partitions = load.get("by_partition") or {}
    spread = f", {min(partitions.values()):,} to {max(partitions.values()):,} a partition" if partitions else ""
    found = {
        "platform": run["platform"],
        "topic": f"{run['topic']}, {run['partitions']} partitions{spread}",
        "table": run["table"] or "–",
        "rows are brought by": run["carried_by"] or "–",
        "load": f"{load['rate']:,.10g}/s, {load['arrivals']}, {load['sent']:,} events",
        "warming up": f"{load['warmup_discarded']:,} events before them, not measured",
        "event": f"{load['event_bytes']:,.0f} B" if load.get("event_bytes") else "–",
        "deadline": limit_text(int(load["deadline_ms"] * 1e6)),
        "started": _started(run),
    }
    use = run.get("warehouse")
    if use:
        credits = f", at most {use['credits_at_most']} credits" if use["credits_at_most"] else ""
        found["warehouse"] = f"{use['name']}, {use['size']}, busy for {use['busy_s']:g} s{credits}"
    return found | {str(name): str(value) for name, value in run.get("facts", {}).items()}


def _load_words(run: Run) -> str:
    load = run["load"]
    return f"{load['sent']:,} events at {load['rate']:,.10g}/s ({load['arrivals']}), open loop."


def _which(other: Run) -> str:
    return f"{other['environment']}, {_started(other)}, run {other['run_id']}: dashed, and outlines in histograms."


def _quantile(figures_: Mapping[str, Any], percentile: str, run: Run) -> str:
    """A percentile, or why there is none."""
    if figures_["withheld"].get(percentile) == "beyond deadline":
        return f"> {limit_text(int(run['load']['deadline_ms'] * 1e6))}"
    return _ms(figures_[_field(percentile)])


def _field(percentile: str) -> str:
    return f"{percentile.replace('.', '_')}_ms"


def _ms(milliseconds: float | None) -> str:
    return duration(None if milliseconds is None else milliseconds * 1e6)


def _to_table(run: Run) -> str:
    """Brokers that were given by hand have no table."""
    return f" → {run['table']}" if run["table"] else ""


def _started(run: Run) -> str:
    return str(run["started"]).replace("T", " ").replace("+00:00", " UTC")


def _sentence(text: str) -> str:
    text = text if text.endswith((".", "?")) else f"{text}."
    return text[:1].upper() + text[1:]
