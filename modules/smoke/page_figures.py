"""The charts of the smoke report's page, drawn from its data: curves, course over time, histograms, hops.

`data["runs"]` are documents of `infra smoke --json`, the second one drawn dashed or as an outline over the first.
`data["curves"]` and `data["bins"]` are what the documents' histograms decode to: see `page_data`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules import charts
from modules.smoke.histogram import buckets, curve
from modules.smoke.report import title
from modules.smoke.stats import PERCENTILES, duration

__all__ = ["COLOURS", "curves", "histograms", "hops", "over_time", "page_data"]

COLOURS = {"acknowledged": 1, "consumed": 2, "committed": 5, "handed_over": 4, "row_visible": 3}
_OTHER = "earlier"
_ENOUGH = 10
"""Events beyond a percentile from which on it is more than a guess, as in `stats`."""

Data = Mapping[str, Any]


def page_data(run: Mapping[str, Any], other: Mapping[str, Any] | None) -> dict[str, Any]:
    """Everything the page shows: the runs as they are, and the points and bins of their histograms."""
    runs = [run, *([other] if other is not None else [])]
    found = [
        (number, name, stage)
        for number, one in enumerate(runs)
        for name, stage in one["stages"].items()
        if stage.get("histogram") and stage["histogram"]["count"]
    ]
    return {
        "schema": "infra.smoke.page/1",
        "runs": runs,
        "curves": [_curve(number, name, stage) for number, name, stage in found],
        "bins": [_bins(number, name, stage) for number, name, stage in found],
        "losses": [each for name in run["over_time"]["stages"] for each in _losses(run, name)],
    }


def _curve(run: int, name: str, stage: Mapping[str, Any]) -> dict[str, Any]:
    """Percentiles of all events: those that never came are slower than every other, so the curve ends before 100."""
    histogram = stage["histogram"]
    count = int(histogram["count"])
    everything = count + max(0, int(stage["lost"]) - int(stage["late"]))
    last = 100 * (1 - 1 / everything)
    points = [(at * count / everything, value) for at, value in curve(histogram["hdr"])]
    kept = [(round(at, 6), value) for at, value in points if at <= last]
    slowest = stage["max_ms"]
    if slowest is not None and count == everything and kept and kept[-1][0] < last:
        kept.append((round(last, 6), slowest))
    return {
        "run": run,
        "stage": name,
        "percentiles": [at for at, _ in kept],
        "ms": [value for _, value in kept],
        "enough_to": round(100 * (1 - _ENOUGH / everything), 6) if everything > _ENOUGH else None,
    }


def _bins(run: int, name: str, stage: Mapping[str, Any]) -> dict[str, Any]:
    found = buckets(stage["histogram"]["hdr"])
    count = sum(each for _, _, each in found)
    return {
        "run": run,
        "stage": name,
        "from_ms": [round(low, 6) for low, _, _ in found],
        "to_ms": [round(high, 6) for _, high, _ in found],
        "counts": [each for _, _, each in found],
        "per_cent": [round(100 * each / count, 4) for _, _, each in found],
    }


def _losses(run: Mapping[str, Any], stage: str) -> list[dict[str, Any]]:
    """Stretches of time whose events were lost at a stage, neighbouring intervals together."""
    seconds, found = run["over_time"]["interval_s"], list[dict[str, Any]]()
    for index, lost in enumerate(run["over_time"]["stages"][stage]["lost"]):
        if not lost:
            continue
        start, end = index * seconds, (index + 1) * seconds
        if found and found[-1]["to_s"] == start:
            found[-1] |= {"to_s": end, "lost": found[-1]["lost"] + lost}
        else:
            found.append({"stage": stage, "from_s": start, "to_s": end, "lost": lost})
    return found


def curves(data: Data) -> charts.Figure | None:
    """A line a stage; the tail has as much room as the middle."""
    series = []
    for index, each in enumerate(data["curves"]):
        if len(each["ms"]) < 2:
            continue
        points = [
            charts.Point(at, charts.Value(value, f"/curves/{index}/ms/{place}"))
            for place, (at, value) in enumerate(zip(each["percentiles"], each["ms"], strict=True))
            if value > 0
        ]
        series.append(_series(each["stage"], each["run"], points))
    if not series:
        return None
    proven = [(index, each["enough_to"]) for index, each in enumerate(data["curves"]) if each["enough_to"]]
    rules = []
    if proven:
        index, least = min(proven, key=lambda one: one[1])
        rules = [charts.Rule("x", charts.Value(least, f"/curves/{index}/enough_to"), "fewer than ten events beyond")]
    return charts.percentiles(
        "Latency by percentile",
        "From the intended send time. Each further nine is as wide as the last, so that the tail is seen.",
        series,
        charts.Axis("latency", "log", text=_short, precise=_written),
        rules=rules,
        note="Events that never came count as slower than all others: a stage that lost some ends sooner.",
        id="curves",
    )


def over_time(data: Data) -> list[charts.Figure]:
    """A chart a stage: the median, the highest percentile that its intervals have, and the slowest event."""
    stages = [name for name in COLOURS if name in data["runs"][0]["over_time"]["stages"]]
    found = (_course(data, name) for name in stages)
    return [figure for figure in found if figure is not None]


def _course(data: Data, stage: str) -> charts.Figure | None:
    series: list[charts.Series] = []
    spans = [*_fault(data["runs"][0]), *_lost(data, stage)]
    for number, run in enumerate(data["runs"]):
        its = run["over_time"]
        if stage not in its["stages"] or not its["interval_s"]:
            continue
        columns = its["stages"][stage]
        for field, name, colour, dash in _lines(columns, stage, number):
            path = f"/runs/{number}/over_time/stages/{stage}/{field}"
            points = [
                charts.Point(
                    index * its["interval_s"], None if value is None else charts.Value(value, f"{path}/{index}")
                )
                for index, value in enumerate(columns[field])
            ]
            series.append(charts.Series(name, points, colour, dash))
    known = [point.y.number for one in series for point in one.points if point.y is not None]
    if len(known) < 4:
        return None
    low, high = float(min(known)), float(max(known))
    kind: charts.Kind = "log" if low > 0 and high > 30 * low else "linear"
    return charts.lines(
        f"Over time: {title(stage)}",
        "By the time at which events were due, from the first measured one on.",
        series,
        charts.Axis("since the first event", text=lambda value: f"{value:g} s"),
        charts.Axis("latency", kind, text=_short, precise=_written),
        rules=_limits(data["runs"][0], stage, high),
        spans=spans,
        id=f"course-{stage.replace('_', '-')}",
    )


def _lost(data: Data, stage: str) -> list[charts.Span]:
    """Stretches whose events were lost at a stage."""
    return [
        charts.Span(
            charts.Value(each["from_s"], f"/losses/{index}/from_s"),
            charts.Value(each["to_s"], f"/losses/{index}/to_s"),
            f"{each['lost']:,} lost",
        )
        for index, each in enumerate(data["losses"])
        if each["stage"] == stage
    ]


def _fault(run: Mapping[str, Any]) -> list[charts.Span]:
    """A fault that was rehearsed, from when it began to when what it broke worked again."""
    fault = run.get("fault")
    if not fault or fault["at_s"] is None or fault["over_s"] is None:
        return []
    start, end = (charts.Value(fault[field], f"/runs/0/fault/{field}") for field in ("at_s", "over_s"))
    return [charts.Span(start, end, fault["name"])]


def _limits(run: Mapping[str, Any], stage: str, slowest: float) -> list[charts.Rule]:
    """The stage's SLOs, those that would not press the course flat."""
    return [
        charts.Rule(
            "y",
            charts.Value(one["limit_ms"], f"/runs/0/slo/{index}/limit_ms"),
            f"{'warn: ' if one.get('level') == 'warn' else ''}{one['percentile']} ≤ {_short(one['limit_ms'])}",
            "bad" if one["outcome"] == "missed" else "plain",
        )
        for index, one in enumerate(run["slo"])
        if one["stage"] == stage and one["limit_ms"] is not None and one["limit_ms"] <= 3 * slowest
    ]


def _lines(columns: Mapping[str, Any], stage: str, run: int) -> list[tuple[str, str, int, charts.Dash]]:
    """Which of the columns are drawn: field, name, colour, dash."""
    tails = [name for name in PERCENTILES if name != "p50" and _is_there(columns[_field(name)])]
    chosen = ["p50", *tails[-1:]]
    dashes: tuple[charts.Dash, ...] = ("solid", "solid") if run == 0 else ("dashed", "dashed")
    before = "" if run == 0 else f"{_OTHER} "
    found = [
        (_field(name), f"{before}{name}", colour, dash)
        for name, colour, dash in zip(chosen, (COLOURS[stage], 6), dashes, strict=False)
    ]
    return [*found, ("max_ms", f"{before}max", 8, "dotted" if run == 0 else "sparse")]


def _is_there(column: Sequence[float | None]) -> bool:
    """Known in half of the intervals at least."""
    return 2 * sum(value is not None for value in column) >= len(column) > 0


def _field(percentile: str) -> str:
    return f"{percentile.replace('.', '_')}_ms"


def histograms(data: Data) -> list[charts.Figure]:
    """A histogram a stage over a logarithmic axis; with two runs in per cent, since their counts may differ."""
    several = len(data["runs"]) > 1
    field, unit = ("per_cent", "% of events") if several else ("counts", "events")
    found = []
    for stage in COLOURS:
        series = [
            charts.Bins(
                _run_name(each["run"], several),
                [
                    charts.Bin(low, high, charts.Value(value, f"/bins/{index}/{field}/{place}"))
                    for place, (low, high, value) in enumerate(
                        zip(each["from_ms"], each["to_ms"], each[field], strict=True)
                    )
                ],
                COLOURS[stage] if each["run"] == 0 else 0,
            )
            for index, each in enumerate(data["bins"])
            if each["stage"] == stage
        ]
        if series:
            found.append(
                charts.histogram(
                    f"How often: {title(stage)}",
                    "Each bar is a fifth wider than the one before it.",
                    series,
                    charts.Axis("latency", "log", text=_short, precise=_written),
                    charts.Axis(unit, text=lambda value: f"{value:,.4g}"),
                    id=f"histogram-{stage.replace('_', '-')}",
                )
            )
    return found


def hops(data: Data) -> charts.Figure | None:
    """Where the time goes on the mean: the first stage, and the hops from there to the row."""
    bars, layers = [], list[tuple[str, int]]()
    for number, run in enumerate(data["runs"]):
        steps = _way(run, f"/runs/{number}")
        for name, _, _ in steps:
            if name not in [layer for layer, _ in layers]:
                layers.append((name, (1, 2, 4, 3, 5)[len(layers) % 5]))
        names = [layer for layer, _ in layers]
        segments = [charts.Segment(names.index(name), name, charts.Value(mean, path)) for name, mean, path in steps]
        total = sum(mean for _, mean, _ in steps)
        if segments:
            label = run["environment"] if number == 0 else f"{_OTHER}: {run['environment']}"
            bars.append(charts.Bar(label, segments, _written(total), strong=number == 0, flag=f"run {run['run_id']}"))
    if not bars:
        return None
    return charts.stacked_bars(
        "Where the time goes",
        "Means, which add up: to the acknowledgement, then each hop on to the row.",
        bars,
        layers,
        charts.Axis("latency, mean", text=_short, precise=_written),
        id="hops",
    )


def _way(run: Mapping[str, Any], path: str) -> list[tuple[str, float, str]]:
    """The steps from the producer to the row: name, mean in ms, where the data has it."""
    first = run["stages"].get("acknowledged")
    if not first or first["mean_ms"] is None:
        return []
    steps = [(title("acknowledged"), first["mean_ms"], f"{path}/stages/acknowledged/mean_ms")]
    at = "acknowledged"
    while at != "row_visible":
        onward = [
            (index, hop)
            for index, hop in enumerate(run["hops"])
            if hop["from"] == at and hop["to"] != "committed" and hop["mean_ms"] is not None
        ]
        if not onward:
            break
        index, hop = onward[0]
        steps.append((f"→ {title(hop['to'])}", hop["mean_ms"], f"{path}/hops/{index}/mean_ms"))
        at = hop["to"]
    return steps


def _series(stage: str, run: int, points: Sequence[charts.Point]) -> charts.Series:
    name = title(stage) if run == 0 else f"{_OTHER}: {title(stage)}"
    return charts.Series(name, points, COLOURS.get(stage, 6), "solid" if run == 0 else "dashed")


def _run_name(run: int, several: bool) -> str:
    return "events" if not several else "this run" if run == 0 else f"{_OTHER} run"


def _written(milliseconds: float) -> str:
    return duration(milliseconds * 1e6)


def _short(milliseconds: float) -> str:
    return charts.milliseconds(milliseconds)
