"""Latency against cost as one self-contained page: clouds in a chart and a table, laptops in a table of their own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from modules import charts
from modules.smoke.frontier import Frontier, Point, frontier_json
from modules.smoke.report import title
from modules.smoke.stats import duration

__all__ = ["frontier_page"]


def frontier_page(found: Frontier, stage: str, percentile: str) -> str:
    """The page; where no cloud was measured it says so."""
    name = f"{title(stage)} {percentile}"
    sections = []
    if found.points or found.unpriced:
        chart: list[charts.Block] = [_chart(found, name)] if found.points else []
        sections.append(charts.Section("Clouds", [*chart, _clouds(found)], "Cheapest first."))
    if found.stand_ins:
        lead = "Measured on a laptop: no cloud's latency, and no money to set it against."
        sections.append(charts.Section("Stand-in", [_stand_ins(found.stand_ins)], lead))
    return charts.page(
        f"{name[:1].upper()}{name[1:]} against cost a month",
        "The newest run of each environment and variant that was measured on this machine.",
        sections,
        frontier_json(found, stage, percentile),
        summary=_summary(found),
        made="Costs from list prices; latencies from the intended send time.",
    )


def _summary(found: Frontier) -> list[charts.Block]:
    steps = [
        f"{_label(step.slower)} → {_label(step.faster)}: {duration(step.saved_ms * 1e6)} less for "
        f"${step.more:,.2f} more a month, ${step.per_ms.quantize(Decimal('0.001'))} a millisecond"
        f"{'' if step.exact else ', by what is known'}."
        for step in found.steps
    ]
    if any(one.as_measured for one in found.points):
        steps.append("* An environment that is another today: the cost is that of when it was measured.")
    if any(not one.exact for one in found.points):
        steps.append("≥ Some lines have no known price: it costs at least that.")
    if found.loads:
        steps.append(f"Measured at different loads, so compare with care: {'; '.join(found.loads)}.")
    if not found.points:
        steps.append("No cloud was measured from this machine yet, so there is nothing to set against money.")
    return [charts.Notes(steps, "plain")] if steps else []


def _chart(found: Frontier, name: str) -> charts.Figure:
    at = {one: index for index, one in enumerate(found.points)}
    best = [_place(one, at[one]) for one in found.best]
    series = [charts.Series("nothing as cheap is faster", best, 1, shape="step", marks=True)]
    beaten = [one for one in found.points if one not in found.best]
    series += [charts.Series(_label(one), [_place(one, at[one])], 2, marks=True) for one in beaten]
    return charts.lines(
        f"{name} by cost",
        "Each point a variant; the steps join those that no other beats.",
        series,
        charts.Axis(f"{found.points[0].currency} a month", text=lambda value: f"{value:,.0f}"),
        charts.Axis("latency", text=lambda value: charts.milliseconds(float(f"{value:.3g}"))),
        id="frontier",
        direct=False,
    )


def _place(one: Point, index: int) -> charts.Point:
    assert one.monthly is not None
    return charts.Point(one.monthly, charts.Value(one.milliseconds, f"/points/{index}/ms"))


def _clouds(found: Frontier) -> charts.Table:
    to = {step.faster: step for step in found.steps}
    columns = [charts.Column("variant"), charts.Column("latency", right=True), charts.Column("a month", right=True)]
    columns.append(charts.Column("a ms less", right=True))
    columns += [charts.Column(name, wide=True) for name in ("load", "measured")]
    rows = []
    for one in (*found.points, *found.unpriced):
        step = to.get(one)
        cost = (
            "unknown"
            if one.monthly is None
            else f"{'' if one.exact else '≥ '}${one.monthly:,.2f}{'*' if one.as_measured else ''}"
        )
        less = f"+${step.per_ms:.3g}" if step else "cheapest" if one in found.best else "beaten" if one.monthly else ""
        cells = [_label(one), duration(one.milliseconds * 1e6), cost, less, one.load, one.started[:10]]
        rows.append(charts.Row(cells, tone="strong" if one in found.best else "plain"))
    return charts.Table(columns, rows)


def _stand_ins(points: Sequence[Point]) -> charts.Table:
    columns = [charts.Column("variant"), charts.Column("latency", right=True), charts.Column("load", wide=True)]
    rows = [charts.Row([_label(one), duration(one.milliseconds * 1e6), one.load]) for one in points]
    return charts.Table(columns, rows)


def _label(one: Point) -> str:
    return f"{one.environment}: {one.variant}"
