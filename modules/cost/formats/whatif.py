"""A sweep as a JSON document, as CSV and as a page with a chart. One changed setting alone is `diff.py`'s."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from modules.cost.axis import Axis, label_of
from modules.cost.currency import report_currency, written
from modules.cost.formats.parts import JSON_VERSION, number, total_json
from modules.cost.lines import money
from modules.cost.sweep import Point, Sweep
from modules.cost.sweep_words import point_words, sweep_heading, sweep_notes

if TYPE_CHECKING:
    from modules.charts.figure import Dash
    from modules.charts.scale import Kind

__all__ = ["sweep_csv", "sweep_json", "sweep_page"]


def sweep_json(found: Sweep) -> dict[str, Any]:
    """Every point of every series, in the order of the axes: with two, all of the second's values for each of the
    first's."""
    return {
        "schema": JSON_VERSION,
        "kind": "sweep",
        "environment": found.environment,
        "settings": list(found.settings),
        "currency": report_currency(),
        "sized_to_carry_the_load": found.sized,
        "axes": [_axis(each) for each in found.axes],
        "series": [
            {
                "option": each.option,
                "title": each.title,
                "chosen": each.chosen,
                "points": [_point(point) for point in each.points],
            }
            for each in found.series
        ],
        "crossovers": [
            {
                "at": found.axes[0].texts_at(each.at),
                "number": number(each.at),
                "overtaker": each.overtaker,
                "overtaken": each.overtaken,
                "monthly": number(each.cost),
                "cheapest": each.cheapest,
            }
            for each in found.crossovers
        ],
        "budget_kept_up_to": found.axes[0].texts_at(found.budget_at) if found.budget_at is not None else None,
        "needs_more": [{"value": value, "why": why} for value, why in found.needs],
        "left_out": [{"value": value, "why": why} for value, why in found.left_out],
        "held_against_the_loader": found.checked,
    }


def _axis(axis: Axis) -> dict[str, Any]:
    return {
        "key": axis.name,
        "unit": axis.unit,
        "logarithmic": axis.logarithmic,
        "values": list(axis.texts),
        "numbers": [number(each) for each in axis.numbers],
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "option": point.option,
        "monthly": total_json(point.total) if point.total is not None else None,
        "fits": point.fits,
        "changes": {key: str(value) for key, value in point.changes.items()},
    }


def sweep_csv(found: Sweep) -> str:
    """One row a point: the keys' values, the option, what it costs at least and at most."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    names = [axis.name for axis in found.axes]
    rows.writerow([*names, "option", "at_least", "at_most", "known", "unknown_lines", "fits", "changes", "currency"])
    for series in found.series:
        for values, point in zip(found.places, series.points, strict=True):
            total = total_json(point.total) if point.total is not None else {}
            sums = [total.get(key) or "" for key in ("at_least", "at_most", "known")]
            changes = "; ".join(f"{key}={value}" for key, value in point.changes.items())
            unknown = total.get("unknown_lines", "")
            rows.writerow([*values, point.option, *sums, unknown, point.fits, changes, report_currency()])
    return text.getvalue()


def sweep_page(found: Sweep, today: dt.date) -> str:
    """The chart, or for two axes a table of the cheapest, with every point's value in the table below it."""
    from modules import charts

    document = sweep_json(found)
    sections = [charts.Section("What it costs", _grid(found) if len(found.axes) == 2 else [_chart(found, document)])]
    notes = sweep_notes(found)
    if notes:
        sections.append(charts.Section("What to know about it", [charts.Notes([_sentence(each) for each in notes])]))
    return charts.page(
        f"{found.environment}: what it would cost",
        f"{sweep_heading(found)}. {today.isoformat()}.",
        sections,
        document,
        summary=[],
        made=f"Amounts in {report_currency()} a month of 730 h, list prices.",
    )


_COLOURS = {"confluent": 1, "msk": 2, "redpanda": 3}
_DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted", "dashdot", "sparse")


def _chart(found: Sweep, document: Mapping[str, Any]) -> Any:
    from modules import charts

    axis = found.axes[0]
    names = dict(zip((float(each) for each in axis.numbers), axis.labels, strict=True))
    seen: Counter[str] = Counter()
    series = []
    for index, each in enumerate(found.series):
        platform = each.option.partition("-")[0]
        dash = _DASHES[seen[platform] % len(_DASHES)]
        seen[platform] += 1
        points = [
            charts.Point(at, _value(point, document, index, place))
            for place, (at, point) in enumerate(zip(axis.numbers, each.points, strict=True))
        ]
        open_ended = all(point.total is None or point.total.most is None for point in each.points)
        if len(found.series) == 1 or not open_ended:
            dots = len(points) <= 30 and len(found.series) <= 2
            series.append(charts.Series(each.title, points, _COLOURS.get(platform, 4), dash, marks=dots))
    kind: Kind = "log" if axis.logarithmic else "linear"
    costs = [p.total.least for each in found.series for p in each.points if p.total is not None]
    up: Kind = "log" if axis.logarithmic and min(costs, default=Decimal(0)) > 0 else "linear"
    # Rates are bytes a second, and read by the day: ticks stand at round numbers of GB a day.
    unit = {"bytes/s": 10**9 / 86_400, "bytes": 10**9}.get(axis.unit, 1.0)
    return charts.lines(
        f"{axis.name} and a month's cost",
        "The least that each option can cost a month.",
        series,
        charts.Axis(
            axis.name, kind, text=lambda value: names.get(value) or label_of(axis.value(Decimal(value))), unit=unit
        ),
        charts.Axis(f"{report_currency()} a month", up, text=_round, precise=lambda value: money(Decimal(str(value)))),
        id="sweep",
    )  # fmt: skip


def _value(point: Point, document: Mapping[str, Any], series: int, place: int) -> Any:
    from modules import charts

    if point.total is None:
        return None
    text = document["series"][series]["points"][place]["monthly"]["at_least"]
    return charts.Value(Decimal(text), f"/series/{series}/points/{place}/monthly/at_least")


def _round(value: float) -> str:
    return written(f"{value:,.0f}", report_currency())


def _grid(found: Sweep) -> list[Any]:
    from modules import charts

    down, across = found.axes
    tables = []
    for series in found.series if len(found.series) <= 1 else [None]:
        columns = [
            charts.Column(f"{down.name} \\ {across.name}"),
            *(charts.Column(each, right=True) for each in across.labels),
        ]
        rows = [
            charts.Row([label, *(point_words(found, series, place) for place in places)])
            for label, places in zip(down.labels, _rows(found), strict=True)
        ]
        tables.append(charts.Table(columns, rows))
    return tables


def _rows(found: Sweep) -> Sequence[Sequence[int]]:
    wide = len(found.axes[1].values)
    return [range(start, start + wide) for start in range(0, found.size, wide)]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
