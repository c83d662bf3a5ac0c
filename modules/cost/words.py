"""The sentences around the numbers: headings, caveats, the footer with dates and units. Pure text, for every output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from modules.cost.compare import Comparison, Crossover
from modules.cost.lines import Line, Total, about, money
from modules.cost.report import BudgetCheck, Report, oldest_read, sources_of
from modules.cost.stale import stale_words, today
from modules.cost.units import plain
from modules.cost.usage import Usage
from modules.environment.workload import SCENARIOS

__all__ = [
    "budget_words",
    "caveats",
    "crossover_words",
    "explanation",
    "footer",
    "growth_words",
    "heading",
    "months_words",
    "notes_together",
    "per_gb_words",
    "rate_words",
    "scenario_words",
    "size_words",
    "unknown_by_option",
    "unknown_by_reason",
    "warehouse_words",
    "workload_words",
]

_DAY = 86_400
_HUNDREDTH = Decimal("0.01")


def heading(report: Report) -> str:
    """`dev: Confluent Basic, us-east-1`."""
    return f"{report.environment}: {report.title}" + (f", {report.region}" if report.option != "local" else "")


def workload_words(usage: Usage) -> str:
    """The workload in a line."""
    peak = f", peak {plain(usage.peak_to_mean)}×" if usage.peak_to_mean != 1 else ""
    return (
        f"{size_words(usage.bytes_per_second * _DAY)} a day ({size_words(usage.bytes_per_second)}/s{peak}), "
        f"read {plain(usage.fan_out)}×, kept {plain(usage.retention_days)} d, {usage.partitions} partitions, "
        + ", ".join(
            f"{each.name or 'warehouse'} {each.size.upper()} {plain(each.hours_per_day.quantize(_HUNDREDTH))} h a day"
            for each in usage.all_warehouses
        )
    )


def size_words(count: Decimal) -> str:
    """Bytes in the largest decimal unit that leaves a number of 1 or more."""
    count = count.quantize(Decimal("0.01"))
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{plain((count / size).quantize(Decimal('0.01')))} {unit}"
    return f"{plain(count)} B"


def rate_words(bytes_per_second: Decimal) -> str:
    """A rate as people size pipelines: by the day, and from a MB/s on by the second as well."""
    a_day = f"{_three(bytes_per_second * _DAY)} a day"
    return a_day if bytes_per_second < 10**6 else f"{a_day} ({_three(bytes_per_second)}/s)"


def _three(count: Decimal) -> str:
    """Three digits, however small the last are: a found load is no more exact than that."""
    return size_words(Decimal(f"{count:.2e}"))


def crossover_words(crossing: Crossover, titles: Mapping[str, str]) -> str:
    """`from 26.2 GB a day MSK Serverless costs less than MSK Standard ($990.54)`."""
    best = ", and is the cheapest" if crossing.cheapest else ""
    return (
        f"from {rate_words(crossing.ingress)} {titles[crossing.overtaker]} costs less than "
        f"{titles[crossing.overtaken]} (about {about(crossing.monthly)}){best}"
    )


def growth_words(comparison: Comparison) -> list[str]:
    """What changes as the load grows: sizes, crossovers, where an option ends."""
    growth = comparison.growth
    if growth is None:
        return []
    titles = {row.report.option: row.report.title for row in comparison.rows}
    found = [crossover_words(each, titles) for each in growth.crossovers]
    least, most = (rate_words(comparison.usage.bytes_per_second * factor) for factor in _ends(growth.factors))
    if not found:
        found = [f"the order stays the same from {least} to {most}"]
    for name, columns in growth.columns.items():
        sizes = [
            f"{factor}× {', '.join(f'{key} {value}' for key, value in at.sized.changes.items())}"
            for factor, at in zip(growth.factors, columns, strict=True)
            if at.sized.changes and at.total is not None
        ]
        if sizes:
            found.append(f"{titles[name]}, sized to carry it: {'; '.join(sizes)}")
        reach = growth.reach[name]
        if reach is not None:
            last = next(at for at in columns if at.total is None)
            end = f"carries up to {rate_words(reach)}" if reach else "does not carry the load in any size"
            found.append(f"{titles[name]} {end}: {last.sized.misfits[0].why}")
    return found


def _ends(factors: tuple[int, ...]) -> tuple[int, int]:
    return min(factors), max(factors)


def unknown_by_reason(lines: Iterable[Line]) -> list[str]:
    """Why lines have no amount, and what each lies between; those with one reason are said together."""
    return [f"unknown: {_first(names)}: {reason}" for reason, names in _unknown(lines).items()]


def unknown_by_option(reports: Iterable[Report]) -> list[str]:
    """The same for several options, each reason once with the options it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for report in reports:
        for reason, names in _unknown(each for each in report.estimate.lines if each.amount is None).items():
            found.setdefault((_first(names), reason), []).append(report.title)
    return [f"unknown on {', '.join(titles)}: {names}: {reason}" for (names, reason), titles in found.items()]


def _unknown(lines: Iterable[Line]) -> dict[str, list[str]]:
    """Reason → what is unknown for it, with its bounds."""
    found: dict[str, list[str]] = {}
    for each in lines:
        reason = "; ".join(price.note for price in each.prices if not price.known and price.note)
        reason = reason or (each.note if all(price.known for price in each.prices) else "")
        between = f" (between {money(each.low)} and {money(each.high)} a month)" if each.low is not None else ""
        names = found.setdefault(reason or "no confirmed price was found", [])
        name = f"{each.what}{between}"
        if name not in names:
            names.append(name)
    return found


def notes_together(notes: Iterable[str]) -> list[str]:
    """Each note once; those that say the same of several options (`Confluent Basic: …`) as one."""
    found: dict[str, list[str]] = {}
    for note in dict.fromkeys(notes):
        who, colon, text = note.partition(": ")
        found.setdefault(text if colon else note, []).append(who if colon else "")
    return [f"{', '.join(who)}: {text}" if who[0] else text for text, who in found.items()]


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
    if report.months:
        found += months_words(report)
    if report.mostly_warehouse:
        found.append(warehouse_words(report))
    found += [each.note for each in report.estimate.lines if each.id.startswith("snowflake.warehouse") and each.note]
    found += report.estimate.notes
    old = stale_words((price for each in report.estimate.lines for price in each.prices), today())
    return [*found, old] if old else found


def months_words(report: Report) -> list[str]:
    """What a low and a high month come to, beside the expected one, and what would not fit in them."""
    parts = {"expected": f"expected {report.total} ({_a_day(report.usage)})"}
    found = []
    for each in report.months:
        parts[each.name] = f"a {each.name} month {each.total} ({_a_day(each.usage)})"
        if report.budget and not report.budget.over and each.total.least > report.budget.monthly:
            found.append(f"a {each.name} month is over the budget of {money(report.budget.monthly)}")
        found += [f"in a {each.name} month it does not fit: {misfit}" for misfit in each.misfits if not misfit.warns]
    return ["; ".join(parts[name] for name in SCENARIOS if name in parts), *found]


def scenario_words(comparison: Comparison) -> list[str]:
    """For the low and the high month that the YAML gives: the cheapest options then, and how many do not fit."""
    found = []
    for name in ("low", "high"):
        months = [
            (row.report.title, each) for row in comparison.rows for each in row.report.months if each.name == name
        ]
        if not months:
            continue
        fitting = [(title, each) for title, each in months if all(misfit.warns for misfit in each.misfits)]
        ranked = sorted(fitting, key=lambda its: (its[1].total.most is None, its[1].total.least))
        first = ", ".join(f"{title} {each.total}" for title, each in ranked[:3]) or "nothing fits"
        left = len(months) - len(fitting)
        more = f"; {left} of {len(months)} options do not fit" if left else ""
        found.append(f"in a {name} month ({_a_day(months[0][1].usage)}) the cheapest are {first}{more}")
    return found


def _a_day(usage: Usage) -> str:
    return f"{size_words(usage.bytes_per_second * _DAY)} a day"


def warehouse_words(report: Report) -> str:
    """What Snowflake's part of the bill is made of; for a report that is `mostly_warehouse`."""
    return (
        f"the reader's bill is the warehouse, not the ingest: {money(report.warehouses)} against {money(report.ingest)}"
    )


def budget_words(budget: BudgetCheck | None, total: Total) -> str:
    """Whether the total keeps to the budget."""
    if budget is None:
        return ""
    limit = money(budget.monthly) + (f" ({budget.stated})" if budget.stated else "")
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
        f"{_list_words(shown)} without tax, a month of 730 h. GB is 10^9 bytes, GiB 2^30. Confidence: "
        + ", ".join(letters[letter] for letter in used)
        + "."
    )
    return text


def _list_words(lines: list[Line]) -> str:
    """`List prices in USD`, and what was done to them."""
    done = {each.words: each for line in lines for price in line.prices for each in price.adjustments}
    exchanges = [f"{each.words}" for each in done.values() if each.currency]
    terms = "List prices in USD" if len(exchanges) == len(done) else "List prices in USD less what was negotiated"
    return terms + (f", {', '.join(exchanges)}," if exchanges else "")


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
        if price.replaced:
            found.append(("replaces", price.replaced))
        found += [("terms", f"{each.words}: {each.source.what}, read {each.source.read}") for each in price.adjustments]
        if price.note and price.note not in line.note:
            found.append(("note", price.note))
    if line.note:
        found.append(("note", line.note))
    return found
