"""Reports as JSON documents and Markdown. Both are stable: a change of shape raises `JSON_VERSION`.

Amounts are strings of exact decimals in USD a month, since a JSON number would be read as a float; unknown is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from modules.cost.compare import Comparison
from modules.cost.lines import Line, Total, money
from modules.cost.report import BudgetCheck, Report, oldest_read
from modules.cost.units import plain
from modules.cost.usage import Usage
from modules.cost.words import budget_words, caveats, footer, heading, per_gb_words, workload_words

__all__ = [
    "JSON_VERSION",
    "comparison_json",
    "comparison_markdown",
    "line_json",
    "report_json",
    "report_markdown",
]

JSON_VERSION = "infra.cost/1"


def report_json(report: Report) -> dict[str, Any]:
    """One environment's report."""
    return {
        "schema": JSON_VERSION,
        "kind": "report",
        "environment": report.environment,
        **_body(report),
        "workload": _usage(report.usage),
        "lines": [line_json(each) for each in report.estimate.lines],
        "notes": list(report.estimate.notes),
        "budget": _budget(report.budget),
        "oldest_price": _oldest(report.estimate.lines),
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """All options, cheapest first."""
    return {
        "schema": JSON_VERSION,
        "kind": "comparison",
        "environment": comparison.environment,
        "region": comparison.region,
        "workload": _usage(comparison.usage),
        "options": [
            {
                **_body(row.report),
                "chosen": row.chosen,
                "lines": [line_json(each) for each in row.report.estimate.lines],
                "tutorial": {"said": row.told.said, "why_it_differs": row.told.why} if row.told else None,
            }
            for row in comparison.rows
        ],
        "budget": _budget(comparison.chosen.report.budget) if comparison.chosen else None,
        "oldest_price": _oldest([each for row in comparison.rows for each in row.report.estimate.lines]),
    }


def line_json(line: Line) -> dict[str, Any]:
    """One line: what, quantity, prices with their source, formula, amount."""
    return {
        "id": line.id,
        "group": line.group,
        "what": line.what,
        "quantity": {"amount": _number(line.quantity.amount), "unit": str(line.quantity.unit)},
        "prices": [
            {
                "item": price.id,
                "unit": str(price.unit),
                "currency": price.currency,
                "tiers": [{"price": _number(tier.price), "up_to": _number(tier.up_to)} for tier in price.tiers],
                "confidence": price.confidence,
                "source": price.source.what,
                "read": price.source.read,
            }
            for price in line.prices
        ],
        "formula": line.formula,
        "basis": line.basis,
        "monthly": _number(line.amount),
        "monthly_range": None if line.low is None else [_number(line.low), _number(line.high)],
        "currency": line.currency,
        "note": line.note,
    }


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
    rows = []
    for row in comparison.rows:
        its = row.report
        name = f"**{its.title}**" if row.chosen else its.title
        totals = [str(each) for each in (its.fixed, its.by_usage, its.kafka, its.snowflake, its.total)]
        rows.append([name, *totals, per_gb_words(its), row.told.said if row.told else ""])
    told = [f"{row.report.title}: told {row.told.said}; {row.told.why}" for row in comparison.rows if row.told]
    head = ["", "fixed", "usage", "Kafka side", "Snowflake", "total", "per GB", "tutorial said"]
    if not comparison.told_for:
        head, rows = head[:-1], [cells[:-1] for cells in rows]
    misfits = [f"{row.report.title} does not fit: {each}" for row in comparison.rows for each in row.report.misfits]
    lines = [each for row in comparison.rows for each in row.report.estimate.lines]
    parts = [
        f"### {comparison.environment}: the same workload on every platform, {comparison.region}",
        workload_words(comparison.usage),
        _table(head, rows, right={1, 2, 3, 4, 5, 6}),
        _bullets([*misfits, *told]),
        "\n".join(f"<sub>{text}</sub>  " for text in footer(lines)),
    ]
    return "\n\n".join(part for part in parts if part)


def _body(report: Report) -> dict[str, Any]:
    return {
        "platform": report.platform,
        "option": report.option,
        "title": report.title,
        "region": report.region,
        "monthly": {
            "fixed": _total(report.fixed),
            "usage": _total(report.by_usage),
            "kafka": _total(report.kafka),
            "snowflake": _total(report.snowflake),
            "total": _total(report.total),
            "per_gb": _number(report.per_gb.quantize(Decimal("0.000001")) if report.per_gb is not None else None),
        },
        "does_not_fit": [{"why": each.why, "fits": each.fits} for each in report.misfits],
    }


def _total(total: Total) -> dict[str, Any]:
    return {
        "known": _number(total.known),
        "at_least": _number(total.least),
        "at_most": _number(total.most),
        "unknown_lines": total.unknown,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "bytes_per_second": plain(usage.bytes_per_second).replace(",", ""),
        "gb_in": _number(usage.bytes_in / 10**9),
        "gib_in": _number(usage.data_in.amount),
        "gib_out": _number(usage.data_out.amount),
        "gib_kept": _number(usage.kept.amount),
        "retention_days": _number(usage.retention_days),
        "partitions": usage.partitions,
        "warehouse_hours": _number(usage.warehouse_hours),
    }


def _budget(budget: BudgetCheck | None) -> dict[str, Any] | None:
    if budget is None:
        return None
    return {"monthly": _number(budget.monthly), "currency": budget.currency, "over": budget.over, "maybe": budget.maybe}


def _oldest(lines: Sequence[Line]) -> dict[str, str] | None:
    source = oldest_read(lines)
    return {"source": source.what, "read": source.read} if source else None


def _number(amount: Decimal | None) -> str | None:
    """Six decimals at most, without a tail of zeros and without an exponent."""
    if amount is None:
        return None
    text = f"{amount:.6f}"
    return text.rstrip("0").rstrip(".") or "0"


def _prices(line: Line) -> str:
    return " × ".join(str(price) for price in line.prices)


def _table(head: list[str], rows: list[list[str]], right: set[int]) -> str:
    rule = ["---:" if index in right else "---" for index in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)
