"""Estimate and bill as JSON, CSV and Markdown, and the sentences around them that every output has.

Amounts are strings of exact decimals as in every document of `infra cost`; `docs/cost-actual.md` has the shape.
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

from modules.cost.actual.match import Actual, Row
from modules.cost.formats.parts import JSON_VERSION
from modules.cost.lines import money

__all__ = [
    "actual_csv", "actual_json", "actual_markdown", "billed_words", "error_words", "percent_words", "remarks",
    "summary_words",
]  # fmt: skip

_MICRO = Decimal("0.000001")
_TITLES = {
    "compared": "",
    "no bill": "estimated, but not billed",
    "no line": "billed, but not estimated",
    "not read": "not compared: its bill could not be read",
}


def actual_json(actual: Actual) -> dict[str, Any]:
    """The whole comparison."""
    period = actual.period
    return {
        "schema": JSON_VERSION,
        "kind": "actual",
        "environment": actual.environment,
        "title": actual.title,
        "region": actual.region,
        "period": {
            "start": str(period.start),
            "end": str(period.end),
            "days": period.days,
            "running": period.running,
            "words": period.words,
        },
        "currency": actual.currency,
        "total": {
            "estimated": _number(actual.estimated),
            "billed": _number(actual.billed),
            "billed_monthly": _number(actual.monthly),
            "error": _number(actual.error),
            "error_percent": _percent(actual.percent),
            "not_compared": _number(actual.not_read),
        },
        "rows": [_row(each) for each in actual.rows],
        "sources": [
            {
                "biller": each.biller,
                "source": each.source,
                "answered": each.answered,
                "notes": list(each.notes),
                "not_read": [{"what": miss.what, "why": miss.why, "do": miss.do} for miss in each.unread],
            }
            for each in actual.readings
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "lines": [
            {"id": each.id, "what": each.what, "monthly": _number(each.amount), "basis": each.basis}
            for each in row.lines
        ],
        "bills": [
            {
                "biller": each.biller,
                "service": each.service,
                "item": each.item,
                "amount": _number(each.amount),
                "used": each.used,
                "shared": each.shared,
            }
            for each in row.bills
        ],
        "estimated": _number(row.estimated),
        "billed": _number(row.billed),
        "billed_monthly": _number(row.monthly),
        "error": _number(row.error),
        "error_percent": _percent(row.percent),
        "note": row.why,
    }


def actual_csv(actual: Actual) -> str:
    """A row a line or bill, for a spreadsheet; the kind says how to read it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            "kind",
            "lines",
            "bills",
            "currency",
            "estimated",
            "billed",
            "billed_monthly",
            "error",
            "error_percent",
            "note",
        ]
    )
    for row in actual.rows:
        writer.writerow(
            [
                row.kind,
                "; ".join(each.id for each in row.lines),
                "; ".join(each.name for each in row.bills),
                actual.currency,
                *(_number(each) or "" for each in (row.estimated, row.billed, row.monthly, row.error)),
                _percent(row.percent) or "",
                row.why,
            ]
        )
    return out.getvalue()


def actual_markdown(actual: Actual) -> str:
    """For a pull request or a month's review."""
    head = ["", "bill", "estimated", "billed", "as a month", "error", ""]
    rows = [
        [
            row.name if row.lines else "",
            ", ".join(each.name for each in row.bills) or _TITLES[row.kind],
            money(row.estimated) if row.lines else "",
            money(row.billed) if row.billed is not None else "",
            money(row.monthly) if row.monthly is not None else "",
            error_words(row.error),
            percent_words(row.percent),
        ]
        for row in actual.rows
    ]
    total = [money(actual.estimated), money(actual.billed), money(actual.monthly)]
    rows.append(["**total**", "", *total, error_words(actual.error), percent_words(actual.percent)])
    rule = ["---", "---", *["---:"] * 5]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))
    notes = "\n".join(f"- {each}" for each in remarks(actual))
    parts = [f"### {actual.environment}: estimated and billed, {actual.period}", actual.period.words, table, notes]
    return "\n\n".join([*parts, summary_words(actual)])


def summary_words(actual: Actual) -> str:
    """What came of it, in a sentence."""
    if not any(each.answered for each in actual.readings):
        return "Nothing could be compared."
    if not actual.monthly:
        return f"Nothing was billed; {money(actual.estimated)} a month was estimated."
    how = "too high" if actual.error > 0 else "too low"
    if abs(actual.error) < Decimal("0.005"):
        return f"Estimated as billed: {money(actual.monthly)} a month."
    size = f"{money(abs(actual.error))} ({abs(actual.percent or 0):.1f} %)"
    beside = sum((row.monthly or Decimal(0) for row in actual.of("no line")), Decimal(0))
    more = f", {money(beside)} of it nothing that is estimated" if beside > 0 else ""
    return f"The estimate is {size} {how}: {money(actual.estimated)} against {money(actual.monthly)} a month{more}."


def remarks(actual: Actual) -> list[str]:
    """What a reader has to know: what could not be read and the right that is missing, why a row is as it is."""
    found = [
        f"could not read {miss.what}: {miss.why}; to mend it: {miss.do}"
        for reading in actual.readings
        for miss in reading.unread
    ]
    if actual.not_read:
        found.append(f"{money(actual.not_read)} a month of the estimate could not be compared")
    found += [f"{row.name}: {row.why}" for row in actual.rows if row.why]
    found += [f"{reading.source}: {words}" for reading in actual.readings for words in reading.notes]
    return found


def billed_words(row: Row) -> str:
    """What the bill calls it; for several, how many beside the largest."""
    if not row.bills:
        return _TITLES[row.kind]
    largest = max(row.bills, key=lambda each: each.amount)
    more = f" and {len(row.bills) - 1} more" if len(row.bills) > 1 else ""
    return f"{largest.name}{more}"


def error_words(error: Decimal | None) -> str:
    """`+$12.30` was estimated too high, `−$4.00` too low; empty where it cannot be said."""
    if error is None:
        return ""
    if abs(error) < Decimal("0.005"):
        return money(Decimal(0))
    return f"{'+' if error > 0 else '−'}{money(abs(error))}"


def percent_words(percent: Decimal | None) -> str:
    if percent is None:
        return ""
    sign = "+" if percent >= Decimal("0.05") else "−" if percent <= Decimal("-0.05") else ""
    return f"{sign}{abs(percent):,.1f} %"


def _number(amount: Decimal | None) -> str | None:
    if amount is None:
        return None
    text = f"{amount.quantize(_MICRO):f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def _percent(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"
