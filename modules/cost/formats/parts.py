"""What the JSON documents of all kinds have in common: numbers as text, totals, lines, the month. Stable shapes.

Amounts are strings of exact decimals, since a JSON number would be read as a float; unknown is null. A change of shape
raises `JSON_VERSION`; `schema.json` beside this file holds what each kind looks like.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from modules.cost.lines import Line, Total
from modules.cost.report import BudgetCheck, Report, oldest_read
from modules.cost.stale import stale, today
from modules.cost.units import plain
from modules.cost.usage import Usage
from modules.cost.warehouse_hours import DAYS_PER_MONTH, ReaderUse, WarehouseUse

__all__ = [
    "JSON_VERSION",
    "body_json",
    "budget_json",
    "line_json",
    "number",
    "oldest_json",
    "stale_json",
    "total_json",
    "usage_json",
]

JSON_VERSION = "infra.cost/1"


def number(amount: Decimal | None) -> str | None:
    """Six decimals at most, without a tail of zeros and without an exponent."""
    if amount is None:
        return None
    text = f"{amount:.6f}"
    return text.rstrip("0").rstrip(".") or "0"


def body_json(report: Report) -> dict[str, Any]:
    """What one option costs, without its lines: the same in a report and in a comparison."""
    return {
        "platform": report.platform,
        "option": report.option,
        "title": report.title,
        "region": report.region,
        "monthly": {
            "fixed": total_json(report.fixed),
            "usage": total_json(report.by_usage),
            "kafka": total_json(report.kafka),
            "snowflake": total_json(report.snowflake),
            "total": total_json(report.total),
            "scenarios": {each.name: total_json(each.total) for each in report.months},
            "per_gb": number(report.per_gb.quantize(Decimal("0.000001")) if report.per_gb is not None else None),
        },
        "does_not_fit": [{"why": each.why, "fits": each.fits} for each in report.misfits if not each.warns],
        "warnings": [{"why": each.why, "fits": each.fits} for each in report.misfits if each.warns],
    }


def line_json(line: Line) -> dict[str, Any]:
    """One line: what, quantity, prices with their source, formula, amount."""
    return {
        "id": line.id,
        "group": line.group,
        "what": line.what,
        "quantity": {"amount": number(line.quantity.amount), "unit": str(line.quantity.unit)},
        "prices": [
            {
                "item": price.id,
                "unit": str(price.unit),
                "currency": price.currency,
                "tiers": [{"price": number(tier.price), "up_to": number(tier.up_to)} for tier in price.tiers],
                "confidence": price.confidence,
                "source": price.source.what,
                "read": price.source.read,
                "adjustments": [
                    {"what": each.words, "source": each.source.what, "read": each.source.read}
                    for each in price.adjustments
                ],
                "replaces": price.replaced,
            }
            for price in line.prices
        ],
        "formula": line.formula,
        "basis": line.basis,
        "monthly": number(line.amount),
        "monthly_range": None if line.low is None else [number(line.low), number(line.high)],
        "currency": line.currency,
        "note": line.note,
    }


def total_json(total: Total) -> dict[str, Any]:
    """A sum, and what may be missing from it."""
    return {
        "known": number(total.known),
        "at_least": number(total.least),
        "at_most": number(total.most),
        "unknown_lines": total.unknown,
    }


def usage_json(usage: Usage) -> dict[str, Any]:
    """The month that was priced."""
    return {
        "bytes_per_second": plain(usage.bytes_per_second).replace(",", ""),
        "peak_to_mean": number(usage.peak_to_mean),
        "gb_in": number(usage.bytes_in / 10**9),
        "gib_in": number(usage.data_in.amount),
        "gib_out": number(usage.data_out.amount),
        "gib_kept": number(usage.kept.amount),
        "retention_days": number(usage.retention_days),
        "partitions": usage.partitions,
        "warehouse_hours": number(usage.warehouse_hours),
        "warehouses": [_warehouse(each) for each in usage.all_warehouses],
    }


def budget_json(budget: BudgetCheck | None) -> dict[str, Any] | None:
    if budget is None:
        return None
    return {
        "monthly": number(budget.monthly),
        "currency": budget.currency,
        "over": budget.over,
        "maybe": budget.maybe,
        "stated": budget.stated,
    }


def oldest_json(lines: Sequence[Line]) -> dict[str, str] | None:
    """The source whose prices were read longest ago."""
    source = oldest_read(lines)
    return {"source": source.what, "read": source.read} if source else None


def stale_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The sources that were read too long ago to be believed, oldest first."""
    day = today()
    old = stale((price for line in lines for price in line.prices), day)
    return [{"source": each.what, "read": each.read, "days": (day - each.read_date).days} for each in old]


def _warehouse(its: WarehouseUse) -> dict[str, Any]:
    return {
        "name": its.name,
        "size": its.size,
        "auto_suspend_seconds": number(its.auto_suspend),
        "clusters": its.clusters,
        "hours": number(its.hours_per_month),
        "readers": [_reader(each, its) for each in its.readers],
    }


def _reader(reader: ReaderUse, its: WarehouseUse) -> dict[str, Any]:
    """The hours of a month for which it works, and those the warehouse is billed for around that work."""
    days = DAYS_PER_MONTH * reader.days_per_week / 7 * its.clusters
    billed = reader.billed_seconds(its.auto_suspend) / 3600 * days
    runs = reader.hours_per_day * 3600 if reader.every is None else reader.runs_per_day * reader.takes
    working = min(billed, runs / 3600 * days)
    return {
        "name": reader.name,
        "how": reader.words(its.auto_suspend),
        "working_hours": number(working),
        "idle_hours": number(billed - working),
    }
