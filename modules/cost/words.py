"""The sentences around the numbers: headings, caveats, the footer with dates and units. Pure text, for every output."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from modules.cost.lines import Line, Total, money
from modules.cost.report import BudgetCheck, Report, oldest_read, sources_of
from modules.cost.units import plain
from modules.cost.usage import Usage

__all__ = [
    "budget_words",
    "caveats",
    "explanation",
    "footer",
    "heading",
    "per_gb_words",
    "size_words",
    "unknown_by_reason",
    "warehouse_words",
    "workload_words",
]

_DAY = 86_400


def heading(report: Report) -> str:
    """`dev: Confluent Basic, us-east-1`."""
    return f"{report.environment}: {report.title}" + (f", {report.region}" if report.option != "local" else "")


def workload_words(usage: Usage) -> str:
    """The workload in a line."""
    return (
        f"{size_words(usage.bytes_per_second * _DAY)} a day in ({size_words(usage.bytes_per_second)}/s), "
        f"read {plain(usage.fan_out)}×, kept {plain(usage.retention_days)} d, {usage.partitions} partitions, "
        f"warehouse {usage.warehouse_size.upper()} {plain(usage.warehouse_hours_per_day)} h a day"
    )


def size_words(count: Decimal) -> str:
    """Bytes in the largest decimal unit that leaves a number of 1 or more."""
    count = count.quantize(Decimal("0.01"))
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{plain((count / size).quantize(Decimal('0.01')))} {unit}"
    return f"{plain(count)} B"


def unknown_by_reason(lines: Iterable[Line]) -> list[str]:
    """Why lines have no amount, and what each lies between; those with one reason are said together."""
    found: dict[str, list[str]] = {}
    for each in lines:
        reason = "; ".join(price.note for price in each.prices if not price.known and price.note)
        between = f" (between {money(each.low)} and {money(each.high)} a month)" if each.low is not None else ""
        names = found.setdefault(reason or "no confirmed price was found", [])
        name = f"{each.what}{between}"
        if name not in names:
            names.append(name)
    return [f"unknown: {_first(names)}: {reason}" for reason, names in found.items()]


def _first(names: list[str], most: int = 8) -> str:
    shown = "; ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def per_gb_words(report: Report) -> str:
    """The total per GB sent; `≥` where something is missing from it, `—` without traffic."""
    if report.per_gb is None:
        return "—"
    return money(report.per_gb) if report.total.exact else f"≥ {money(report.per_gb)}"


def caveats(report: Report) -> list[str]:
    """What a reader must know beside the total: misfits, unknowns, what the bill is made of, what is assumed."""
    found = [f"does not fit: {misfit}" for misfit in report.misfits]
    unknown = [each for each in report.estimate.lines if each.amount is None]
    found += unknown_by_reason(unknown)
    if unknown and report.total.most is not None:
        found.append(f"so the total is between {money(report.total.least)} and {money(report.total.most)}")
    elif unknown:
        found.append(f"so the total is at least {money(report.total.least)}, and nobody can say how much more")
    if report.mostly_warehouse:
        found.append(warehouse_words(report))
    found += [each.note for each in report.estimate.lines if each.id == "snowflake.warehouse" and each.note]
    found += report.estimate.notes
    return found


def warehouse_words(report: Report) -> str:
    """What Snowflake's part of the bill is made of; for a report that is `mostly_warehouse`."""
    amounts = {each.id: each.amount for each in report.estimate.lines}
    return (
        f"the reader's bill is the warehouse, not the ingest: {money(amounts['snowflake.warehouse'])} "
        f"against {money(amounts['snowflake.ingest'])}"
    )


def budget_words(budget: BudgetCheck | None, total: Total) -> str:
    """Whether the total keeps to the budget."""
    if budget is None:
        return ""
    limit = money(budget.monthly)
    if budget.over:
        return f"over budget: {total} of {limit} a month, {money(total.least - budget.monthly)} too much"
    if budget.maybe:
        most = f"up to {money(total.most)}" if total.most is not None else "no known most"
        return f"budget: {total} of {limit} a month; with what is unknown it may go over ({most})"
    return f"within budget: {total} of {limit} a month"


def footer(lines: Iterable[Line]) -> list[str]:
    """Where the prices come from and how old they are, what the units and letters mean."""
    shown = list(lines)
    sources = sources_of(shown)
    oldest = oldest_read(shown)
    dates = sorted({source.read for source in sources})
    text = [
        f"Prices read {date}: {'; '.join(source.what for source in sources if source.read == date)}." for date in dates
    ]
    if oldest and len(dates) > 1:
        text.append(f"Oldest: {oldest.read}.")
    letters = {"A": "A the vendor's own page", "B": "B an independent dated source", "C": "C unconfirmed, so unknown"}
    used = sorted({price.confidence for each in shown for price in each.prices})
    text.append(
        "List prices in USD without tax, a month of 730 h. GB is 10^9 bytes, GiB 2^30. Confidence: "
        + ", ".join(letters[letter] for letter in used)
        + "."
    )
    return text


def explanation(line: Line) -> list[tuple[str, str]]:
    """A line in full, as labelled texts."""
    found = [
        ("line", f"{line.id}: {line.what}"),
        (
            "basis",
            {"fixed": "fixed: the same whatever the traffic", "usage": "usage: grows with the workload"}[line.basis],
        ),
        ("quantity", str(line.quantity)),
        ("formula", line.formula),
    ]
    for price in line.prices:
        where = f" ({price.file}:{price.line})" if price.file else ""
        found.append(("price", f"{price.id}: {price}{where}"))
        found.append(("source", f"{price.source.what}, read {price.source.read}, confidence {price.confidence}"))
        if price.note and price.note not in line.note:
            found.append(("note", price.note))
    if line.note:
        found.append(("note", line.note))
    return found
