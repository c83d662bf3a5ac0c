"""The cost page's charts: a bar a platform, cost over load, warehouse hours. Values come out of the JSON document.

A platform keeps its colour, its modes differ by dash: eight lines are told apart better so than by eight colours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from modules import charts
from modules.cost.compare import Comparison
from modules.cost.currency import report_currency, written
from modules.cost.lines import money

__all__ = ["growth", "months", "platforms", "warehouse_hours"]

_LAYERS = (("Kafka", 1), ("connector and secrets", 2), ("Snowflake", 3))
_LAYER = {"kafka": 0, "connect": 1, "snowflake": 2}
_COLOURS = {"confluent": 1, "msk": 2, "redpanda": 3}
_DASHES: tuple[charts.Dash, ...] = ("solid", "dashed", "dotted", "dashdot", "sparse")


def platforms(comparison: Comparison, document: Mapping[str, Any], prefix: str) -> charts.Figure:
    """Stacked bars, cheapest first; what is unknown is hatched up to the most it can be."""
    bars = []
    for index, option in enumerate(document["options"]):
        report, at = comparison.rows[index].report, f"{prefix}/options/{index}"
        total = option["monthly"]["total"]
        most = charts.Value(Decimal(total["at_most"]), f"{at}/monthly/total/at_most") if total["at_most"] else None
        bars.append(
            charts.Bar(
                option["title"],
                [
                    charts.Segment(
                        _LAYER[line["group"]], line["what"], _value(line["monthly"], f"{at}/lines/{number}/monthly")
                    )
                    for number, line in enumerate(option["lines"])
                    if line["monthly"] is not None
                ],
                str(report.total),
                upto=most if total["unknown_lines"] else None,
                open=total["at_most"] is None,
                strong=option["chosen"],
                flag="does not fit" if not report.fits else "this environment" if option["chosen"] else "",
                flag_tone="plain" if report.fits else "bad",
            )
        )
    return charts.stacked_bars(
        "A month on each platform",
        "One part for each line of the bill. Hatched: what is not known, up to the most it can be.",
        bars,
        _LAYERS,
        charts.Axis(f"{report_currency()} a month", text=_round_money, precise=_money),
        id="platforms",
    )


def months(options: Sequence[Mapping[str, Any]], path: str) -> charts.Figure | None:
    """A row an option from its low to its high month; None where the YAML describes neither."""
    if not any(option["monthly"]["scenarios"] for option in options):
        return None
    rows, open_ended = [], []
    for index, option in enumerate(options):
        monthly, at = option["monthly"], f"{path}/{index}/monthly" if path else "/report/monthly"
        given = monthly["scenarios"]
        if monthly["total"]["at_most"] is None:
            open_ended.append(option["title"])
            continue
        expected = _value(monthly["total"]["at_least"], f"{at}/total/at_least")
        ends = [
            _value(given[name]["at_least"], f"{at}/scenarios/{name}/at_least") if name in given else expected
            for name in ("low", "high")
        ]
        text = " – ".join(_round_money(float(value.number)) for value in ends)
        rows.append(charts.Range(option["title"], ends[0], ends[1], expected, text, option.get("chosen", False)))
    if not rows:
        return None
    return charts.ranges(
        "A low, an expected and a high month",
        "The least that each can cost in the months that the YAML describes; the dot is the expected one.",
        rows,
        charts.Axis(f"{report_currency()} a month", text=_round_money, precise=_money),
        note=_undrawn(open_ended),
        id="months",
    )


def growth(comparison: Comparison, document: Mapping[str, Any], prefix: str) -> charts.Figure:
    """Cost over load on logarithmic axes; a line ends where no size of the option carries more."""
    its = document["growth"]
    titles = {row.report.option: row.report.title for row in comparison.rows}
    platform = {row.report.option: row.report.platform for row in comparison.rows}
    seen: Counter[str] = Counter()
    series, left_out = [], []
    for index, option in enumerate(its["options"]):
        name = option["option"]
        dash = _DASHES[seen[platform[name]] % len(_DASHES)]
        seen[platform[name]] += 1
        points = [
            charts.Point(
                Decimal(load["gb_per_day"]),
                _value(at["at_least"], f"{prefix}/growth/options/{index}/totals/{number}/at_least") if at else None,
            )
            for number, (load, at) in enumerate(zip(its["loads"], option["totals"], strict=True))
        ]
        if any(at and at["at_most"] is not None for at in option["totals"]):
            series.append(charts.Series(titles[name], points, _COLOURS.get(platform[name], 4), dash))
        else:
            left_out.append(titles[name])
    notes = [
        "Vertical lines: from there on another option is the cheapest." if _firsts(its["crossovers"]) else "",
        _undrawn(left_out),
    ]
    return charts.lines(
        "Where the order changes",
        "The least that each option can cost a month, over the load. A line ends where no size of it carries more.",
        series,
        charts.Axis("sent a day", "log", text=_load),
        charts.Axis(f"{report_currency()} a month", "log", text=_round_money, precise=_money),
        rules=_crossings(its["crossovers"], f"{prefix}/growth/crossovers"),
        note=" ".join(each for each in notes if each),
        id="growth",
    )


def _undrawn(titles: Sequence[str]) -> str:
    return f"Not drawn, since nobody can say what it may cost: {', '.join(titles)}." if titles else ""


def _crossings(crossovers: Sequence[Mapping[str, Any]], path: str) -> list[charts.Rule]:
    """Where the cheapest changes; the other crossovers are in the list below the chart."""
    return [
        charts.Rule("x", _value(each["gb_per_day"], f"{path}/{index}/gb_per_day"), _load(float(each["gb_per_day"])))
        for index, each in enumerate(crossovers)
        if each["cheapest"]
    ]


def _firsts(crossovers: Sequence[Mapping[str, Any]]) -> bool:
    return any(each["cheapest"] for each in crossovers)


def warehouse_hours(workload: Mapping[str, Any], path: str) -> charts.Figure | None:
    """A bar a reader: hours in which it works, and those billed around its work. None where nothing runs."""
    bars = []
    for number, warehouse in enumerate(workload["warehouses"]):
        size = warehouse["size"].upper()
        for index, reader in enumerate(warehouse["readers"]):
            at = f"{path}/warehouses/{number}/readers/{index}"
            working, idle = Decimal(reader["working_hours"]), Decimal(reader["idle_hours"])
            where = f"{warehouse['name']}, {size}" if warehouse["name"] else size
            bars.append(
                charts.Bar(
                    reader["name"],
                    [
                        charts.Segment(0, "at work", charts.Value(working, f"{at}/working_hours")),
                        charts.Segment(1, "idle, and the minimum", charts.Value(idle, f"{at}/idle_hours")),
                    ],
                    _hours(float(working + idle)),
                    flag=where,
                )
            )
    if not any(segment.value.number for bar in bars for segment in bar.segments):
        return None
    how = "; ".join(reader["how"] for warehouse in workload["warehouses"] for reader in warehouse["readers"])
    return charts.stacked_bars(
        "What keeps the warehouse running",
        "Hours a month for which each reader has it billed; readers of one warehouse are added up.",
        bars,
        (("at work", 3), ("idle until suspended, and the minimum of 60 s", 5)),
        charts.Axis("hours a month", text=_hours),
        note=how,
        id="warehouse",
    )


def _value(text: str, path: str) -> charts.Value:
    return charts.Value(Decimal(text), path)


def _money(value: float) -> str:
    return money(Decimal(str(value)).quantize(Decimal("0.01")))


def _round_money(value: float) -> str:
    text = f"{value:,.0f}" if value >= 10 or not value else f"{value:,.2f}"
    return written(text, report_currency())


def _hours(value: float) -> str:
    return f"{value:,.0f} h" if value >= 10 or not value else f"{value:,.1f} h"


def _load(gb_per_day: float) -> str:
    for unit, size in (("PB", 1e6), ("TB", 1e3), ("GB", 1.0), ("MB", 1e-3)):
        if gb_per_day >= size * 0.999:
            return f"{gb_per_day / size:.3g} {unit}"
    return f"{gb_per_day * 1e6:.3g} kB"
