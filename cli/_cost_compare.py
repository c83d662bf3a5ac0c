"""How `infra cost compare` looks in a terminal: one row an option, then what changes as the load grows.

A wide terminal shows every column; a narrow one leaves out what the sentences below it say as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from cli._cost_table import fitted
from cli._cost_view import bullets, show_budget
from modules.cost.compare import Comparison, Row
from modules.cost.currency import report_currency, written
from modules.cost.lines import Total, money
from modules.cost.report import Report
from modules.cost.stale import stale_words, today
from modules.cost.words import (
    footer,
    growth_words,
    notes_together,
    per_gb_words,
    scenario_words,
    unknown_by_option,
    warehouse_words,
    workload_words,
)

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["show_comparison", "show_options"]

_WIDE, _WITH_TUTORIAL, _CENTS = 100, 116, 126
"""Columns of the terminal that the whole table needs, with what the tutorial said, and with cents."""


def show_comparison(comparison: Comparison, console: Console) -> None:
    """The table, what a reader must know, how it grows, why the tutorial said otherwise."""
    show_options(comparison, console)
    bullets(_shared(comparison), console)
    growing = growth_words(comparison)
    if growing:
        _section("As the load grows, all else equal", growing, console)
    told = [row for row in comparison.rows if row.told]
    if told:
        said = [f"{row.report.title}: {row.told.said}; {row.told.why}" for row in told if row.told]
        _section(f"What the tutorial said ({comparison.told_for}), and why it is otherwise here", said, console)
    notes = notes_together(note for row in comparison.rows for note in row.report.estimate.notes)
    _section("Taken for granted", [*notes, _LEFT_OUT], console)
    console.print()
    for text in footer(each for row in comparison.rows for each in row.report.estimate.lines):
        console.print(f"[dim]{text}[/]")


_LEFT_OUT = "left out everywhere: clients' own traffic between zones and to the internet, support plans, people's time"


def show_options(comparison: Comparison, console: Console) -> None:
    """The comparison's table alone, with how to read it."""
    console.print(f"[bold]{comparison.environment}: one workload on every platform, {comparison.region}[/]")
    console.print(workload_words(comparison.usage))
    columns = _columns(comparison, console.width)
    rows = [(_name(row), *(cell(row) for cell in columns.values())) for row in comparison.rows]
    spare = [number for name in _SPARE for number, column in enumerate(columns, start=1) if column == name]
    console.print(fitted(console, ("", *columns), rows, spare))
    if comparison.chosen:
        show_budget(comparison.chosen.report, console)
    bullets([_how(comparison)], console)


_SPARE = (">Kafka side", ">Snowflake", ">tutorial", ">per GB", ">usage", ">fixed")
"""What a narrow terminal goes without, in this order."""


def _columns(comparison: Comparison, width: int) -> dict[str, Callable[[Row], str]]:
    """Heading → what stands below it. A heading that starts with `>` is set to the right."""
    cents = width >= _CENTS
    found: dict[str, Callable[[Row], str]] = {
        ">fixed": lambda row: _total(row.report.fixed, cents),
        ">usage": lambda row: _total(row.report.by_usage, cents),
    }
    if width >= _WIDE:
        found |= {
            ">Kafka side": lambda row: _total(row.report.kafka, cents),
            ">Snowflake": lambda row: _total(row.report.snowflake, cents),
        }
    found |= {
        ">total": lambda row: f"[bold]{_total(row.report.total, cents)}[/]",
        ">per GB": lambda row: per_gb_words(row.report).replace("≥ ", "≥"),
    }
    for number, factor in enumerate(comparison.growth.factors if comparison.growth else ()):
        if factor != 1:
            found[f">{factor}×"] = lambda row, number=number: _grown(comparison, row, number)  # type: ignore[misc]
    if width >= _WITH_TUTORIAL and comparison.told_for:
        found[">tutorial"] = lambda row: row.told.said.removesuffix(" all in") if row.told else ""
    return found


def _name(row: Row) -> str:
    mark = "[red]✗[/]" if not row.report.fits else "[yellow]?[/]" if row.report.total.most is None else " "
    return f"{'▸' if row.chosen else ' '}{mark} {row.report.title}"


def _total(total: Total, cents: bool) -> str:
    """Whole dollars where columns are scarce and the amount is large enough."""
    if cents or total.least < 100:
        return str(total).replace("≥ ", "≥")
    return ("" if total.exact else "≥") + written(f"{total.least:,.0f}", report_currency())


def _grown(comparison: Comparison, row: Row, number: int) -> str:
    assert comparison.growth is not None
    at = comparison.growth.columns[row.report.option][number]
    if at.total is None:
        return "[red]✗[/]"
    return _total(at.total, cents=False) + ("*" if at.sized.changes else "")


def _how(comparison: Comparison) -> str:
    sums = "fixed + usage = total = Kafka side (with connector and secrets) + Snowflake"
    text = f"{report_currency()} a month, cheapest first: {sums}"
    if any(not row.report.total.exact for row in comparison.rows):
        text += "; ≥ the least it can be"
    marks = ["▸ this environment's choice"] if comparison.chosen else []
    open_ended = any(row.report.total.most is None and row.report.fits for row in comparison.rows)
    marks += ["? nobody can say how much more, so behind the others"] if open_ended else []
    growth = comparison.growth
    misfits = any(not row.report.fits for row in comparison.rows)
    marks += ["✗ the workload does not fit, so last"] if misfits else []
    if growth:
        marks.append(f"{' and '.join(f'{each}×' for each in growth.factors if each != 1)} the load")
        resized = any(at.sized.changes for columns in growth.columns.values() for at in columns)
        marks += ["* in a size that carries it"] if resized else []
    return "; ".join([text, *marks])


def _shared(comparison: Comparison) -> list[str]:
    """Each option's misfits and unknowns, and once what all have in common."""
    reports = [row.report for row in comparison.rows]
    found = [f"{report.title} does not fit: {misfit}" for report in reports for misfit in report.misfits]
    found += unknown_by_option(reports)
    dearest = [f"{report.title} {money(report.total.most)}" for report in reports if _is_bounded(report)]
    if dearest:
        found.append(f"at the dearest the unknown can be: {', '.join(dearest)}")
    found += scenario_words(comparison)
    first = reports[0]
    beside = {str(report.snowflake) for report in reports}
    if len(beside) == 1:
        found.append(f"of each total {first.snowflake} is Snowflake beside it")
    else:
        found.append("how much of a total is Snowflake depends on what brings rows in: `infra cost explain ingest`")
    if first.mostly_warehouse:
        found.append(warehouse_words(first))
    found += [each.note for each in first.estimate.lines if each.id.startswith("snowflake.warehouse") and each.note]
    lines = [each for report in reports for each in report.estimate.lines]
    old = stale_words((price for each in lines for price in each.prices), today())
    return [*found, old] if old else found


def _is_bounded(report: Report) -> bool:
    return not report.total.exact and report.total.most is not None and report.total.most - report.total.least >= _WORTH


_WORTH = Decimal(1)
"""What the unknown can add is said from a dollar a month on."""


def _section(title: str, texts: Sequence[str], console: Console) -> None:
    console.print(f"\n[bold]{title}[/]")
    bullets(texts, console)
