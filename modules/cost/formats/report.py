"""One environment's report and the comparison of all options, as JSON documents and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from modules.cost.compare import AtLoad, Comparison, Growth
from modules.cost.currency import report_currency
from modules.cost.formats.parts import (
    JSON_VERSION,
    body_json,
    budget_json,
    line_json,
    number,
    oldest_json,
    stale_json,
    total_json,
    usage_json,
)
from modules.cost.lines import Line, money
from modules.cost.report import Report
from modules.cost.words import (
    budget_words,
    caveats,
    footer,
    growth_words,
    heading,
    per_gb_words,
    scenario_words,
    workload_words,
)

__all__ = ["comparison_json", "comparison_markdown", "lines_json", "report_json", "report_markdown"]

_DAY = 86_400


def report_json(report: Report) -> dict[str, Any]:
    """One environment's report."""
    return {
        "schema": JSON_VERSION,
        "kind": "report",
        "environment": report.environment,
        "currency": report_currency(),
        **body_json(report),
        "workload": usage_json(report.usage),
        "lines": [line_json(each) for each in report.estimate.lines],
        "notes": list(report.estimate.notes),
        "budget": budget_json(report.budget),
        "oldest_price": oldest_json(report.estimate.lines),
        "stale_prices": stale_json(report.estimate.lines),
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """All options, cheapest first."""
    return {
        "schema": JSON_VERSION,
        "kind": "comparison",
        "environment": comparison.environment,
        "region": comparison.region,
        "currency": report_currency(),
        "workload": usage_json(comparison.usage),
        "options": [
            {
                **body_json(row.report),
                "chosen": row.chosen,
                "lines": [line_json(each) for each in row.report.estimate.lines],
                "notes": list(row.report.estimate.notes),
                "tutorial": {"said": row.told.said, "why_it_differs": row.told.why} if row.told else None,
            }
            for row in comparison.rows
        ],
        "growth": _growth(comparison.growth) if comparison.growth else None,
        "budget": budget_json(comparison.chosen.report.budget) if comparison.chosen else None,
        "oldest_price": oldest_json([each for row in comparison.rows for each in row.report.estimate.lines]),
        "stale_prices": stale_json([each for row in comparison.rows for each in row.report.estimate.lines]),
    }


def lines_json(lines: Sequence[Line]) -> dict[str, Any]:
    """Lines alone, as `explain` shows them."""
    return {"schema": JSON_VERSION, "kind": "lines", "lines": [line_json(each) for each in lines]}


def _growth(growth: Growth) -> dict[str, Any]:
    """Each option at each load, in the order of the loads; a null total: no size of it carries that load."""
    by_option = {name: _by_load(growth, name) for name in growth.curve}
    loads = sorted({at.ingress for curve in by_option.values() for at in curve.values()})
    factors = {growth.columns[name][index].ingress: factor
               for name in growth.columns for index, factor in enumerate(growth.factors)}  # fmt: skip
    return {
        "loads": [{"gb_per_day": _a_day(load), "times": factors.get(load)} for load in loads],
        "options": [
            {
                "option": name,
                "totals": [_at(at[load]) for load in loads],
                "carries_up_to_gb_per_day": _a_day(growth.reach[name]),
            }
            for name, at in by_option.items()
        ],
        "crossovers": [
            {
                "gb_per_day": _a_day(each.ingress),
                "overtaker": each.overtaker,
                "overtaken": each.overtaken,
                "monthly": number(each.monthly),
                "cheapest": each.cheapest,
            }
            for each in growth.crossovers
        ],
    }


def _by_load(growth: Growth, name: str) -> dict[Decimal, AtLoad]:
    return {at.ingress: at for at in (*growth.curve[name], *growth.columns[name])}


def _at(at: AtLoad) -> dict[str, Any] | None:
    if at.total is None:
        return None
    return {**total_json(at.total), "sized": {key: str(value) for key, value in at.sized.changes.items()}}


def _a_day(bytes_per_second: Decimal | None) -> str | None:
    return None if bytes_per_second is None else number(bytes_per_second * _DAY / 10**9)


def report_markdown(report: Report) -> str:
    """For a pull request."""
    rows = [
        [each.what, str(each.quantity), _prices(each), each.basis, each.confidence, money(each.amount)]
        for each in report.estimate.lines
    ]
    rows.append(["**total**", "", "", "", "", f"**{report.total}**"])
    parts = [
        f"### {heading(report)}",
        workload_words(report.usage),
        _table(["", "quantity", "price", "basis", "conf.", "per month"], rows, right={1, 5}),
        _bullets([*caveats(report), *([budget_words(report.budget, report.total)] if report.budget else [])]),
        "\n".join(f"<sub>{text}</sub>  " for text in footer(report.estimate.lines)),
    ]
    return "\n\n".join(part for part in parts if part)


def comparison_markdown(comparison: Comparison) -> str:
    """For a pull request or a decision record."""
    told = [f"{row.report.title}: told {row.told.said}; {row.told.why}" for row in comparison.rows if row.told]
    misfits = [f"{row.report.title} does not fit: {each}" for row in comparison.rows for each in row.report.misfits]
    lines = [each for row in comparison.rows for each in row.report.estimate.lines]
    head, rows = _options(comparison)
    parts = [
        f"### {comparison.environment}: the same workload on every platform, {comparison.region}",
        workload_words(comparison.usage),
        _table(head, rows, right=set(range(1, len(head) - bool(comparison.told_for)))),
        _bullets([*misfits, *scenario_words(comparison), *growth_words(comparison), *told]),
        "\n".join(f"<sub>{text}</sub>  " for text in footer(lines)),
    ]
    return "\n\n".join(part for part in parts if part)


def _options(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """The comparison's table: heads and rows."""
    factors = (
        [(index, each) for index, each in enumerate(comparison.growth.factors) if each != 1]
        if comparison.growth
        else []
    )
    head = ["", "fixed", "usage", "Kafka side", "Snowflake", "total", "per GB", *(f"{each}×" for _, each in factors)]
    rows = []
    for row in comparison.rows:
        its = row.report
        name = f"**{its.title}**" if row.chosen else its.title
        totals = [str(each) for each in (its.fixed, its.by_usage, its.kafka, its.snowflake, its.total)]
        grown = [_grown(comparison, its.option, index) for index, _ in factors]
        told = [row.told.said if row.told else ""] if comparison.told_for else []
        rows.append([name, *totals, per_gb_words(its), *grown, *told])
    return [*head, *(["tutorial said"] if comparison.told_for else [])], rows


def _grown(comparison: Comparison, option: str, index: int) -> str:
    assert comparison.growth is not None
    at = comparison.growth.columns[option][index]
    return "does not fit" if at.total is None else str(at.total)


def _prices(line: Line) -> str:
    return " × ".join(str(price) for price in line.prices)


def _table(head: list[str], rows: list[list[str]], right: set[int]) -> str:
    rule = ["---:" if index in right else "---" for index in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)
