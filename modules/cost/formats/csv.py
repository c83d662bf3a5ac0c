"""Reports as CSV, for a spreadsheet: a row a line of one environment's report, a row an option compared.

Amounts are plain decimals, empty where unknown. A text that a spreadsheet would take for a formula gets an apostrophe
before it, since names come from a YAML file that anybody may have written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from modules.cost.compare import Comparison
from modules.cost.formats.parts import number
from modules.cost.lines import Total
from modules.cost.report import Report

__all__ = ["comparison_csv", "report_csv"]

_LINE = (
    "environment", "option", "line", "group", "what", "quantity", "unit", "prices", "basis", "confidence", "monthly",
    "monthly_low", "monthly_high", "currency", "sources", "read", "formula", "note",
)  # fmt: skip
_OPTION = (
    "environment", "option", "title", "platform", "region", "chosen", "fits", "fixed", "usage", "kafka", "snowflake",
    "total_at_least", "total_at_most", "unknown_lines", "per_gb", "currency", "tutorial_said",
)  # fmt: skip


def report_csv(report: Report) -> str:
    """A row a line; they sum to the total of what is known."""
    rows = [
        (
            report.environment,
            report.option,
            each.id,
            each.group,
            each.what,
            each.quantity.amount,
            str(each.quantity.unit),
            " × ".join(str(price) for price in each.prices),
            each.basis,
            each.confidence,
            each.amount,
            each.low,
            each.high,
            each.currency,
            "; ".join(dict.fromkeys(source.what for price in each.prices for source in price.sources)),
            "; ".join(dict.fromkeys(source.read for price in each.prices for source in price.sources)),
            each.formula,
            each.note,
        )
        for each in report.estimate.lines
    ]
    return _csv(_LINE, rows)


def comparison_csv(comparison: Comparison) -> str:
    """A row an option, in the order of the comparison; the loads it was grown to are further columns."""
    growth = comparison.growth
    factors = [(index, factor) for index, factor in enumerate(growth.factors) if factor != 1] if growth else []
    rows = []
    for row in comparison.rows:
        its = row.report
        sums: tuple[Total, ...] = (its.fixed, its.by_usage, its.kafka, its.snowflake, its.total)
        grown = []
        for index, _ in factors:
            at = growth.columns[its.option][index] if growth else None
            grown.append(at.total.least if at and at.total else None)
        rows.append(
            (
                comparison.environment,
                its.option,
                its.title,
                its.platform,
                its.region,
                "yes" if row.chosen else "no",
                "yes" if its.fits else "no",
                *(each.least for each in sums),
                its.total.most,
                its.total.unknown,
                its.per_gb,
                next((each.currency for each in its.estimate.lines), ""),
                row.told.said if row.told else "",
                *grown,
            )
        )
    return _csv((*_OPTION, *(f"total_at_least_{factor}x" for _, factor in factors)), rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return number(value) or ""
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
