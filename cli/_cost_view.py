"""How cost reports look in a terminal. Numbers and sentences come from `modules/cost`; here they become tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modules.cost.compare import Comparison, Row
from modules.cost.lines import Line, Total, money
from modules.cost.report import Report
from modules.cost.words import (
    budget_words,
    caveats,
    explanation,
    footer,
    heading,
    per_gb_words,
    unknown_by_reason,
    warehouse_words,
    workload_words,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

__all__ = ["show_comparison", "show_explanation", "show_options", "show_report"]

_GROUPS = (("kafka", "Kafka"), ("connect", "Connector and secrets"), ("snowflake", "Snowflake"))


def show_report(report: Report, console: Console) -> None:
    """Lines by group with subtotals, then what a reader must know."""
    table = _table("", ">quantity", "price", "basis", "conf.", ">per month")
    for group, title in _GROUPS:
        lines = [each for each in report.estimate.lines if each.group == group]
        if not lines:
            continue
        table.add_row(f"[bold]{title}[/]", "", "", "", "", "")
        for each in lines:
            table.add_row(*_cells(each))
    table.add_section()
    for name, total in (("fixed", report.fixed), ("usage", report.by_usage)):
        table.add_row(name, "", "", "", "", f"[dim]{total}[/]")
    for name, total in (("Kafka side", report.kafka), ("Snowflake", report.snowflake)):
        table.add_row(name, "", "", "", "", str(total))
    per_gb = f"{per_gb_words(report)} per GB sent" if report.option != "local" else ""
    table.add_row("[bold]total[/]", "", per_gb, "", "", f"[bold]{report.total}[/]")
    console.print(f"[bold]{heading(report)}[/]")
    console.print(workload_words(report.usage))
    console.print(table)
    _show_budget(report, console)
    _bullets(caveats(report), console)
    if report.option != "local":
        console.print()
        for text in footer(report.estimate.lines):
            console.print(f"[dim]{text}[/]")


def show_comparison(comparison: Comparison, console: Console) -> None:
    """A row an option, cheapest first, then why the tutorial said otherwise."""
    show_options(comparison, console)
    _bullets(_shared(comparison), console)
    told = [row for row in comparison.rows if row.told]
    if told:
        console.print(f"\nWhat the tutorial said ({comparison.told_for}), and why it is otherwise here:")
        _bullets([f"{row.report.title}: {row.told.said}; {row.told.why}" for row in told if row.told], console)
    console.print()
    for text in footer(each for row in comparison.rows for each in row.report.estimate.lines):
        console.print(f"[dim]{text}[/]")


def show_options(comparison: Comparison, console: Console) -> None:
    """The comparison's table alone, with how to read it."""
    console.print(f"[bold]{comparison.environment}: one workload on every platform, {comparison.region}[/]")
    console.print(workload_words(comparison.usage))
    told = [">tutorial"] if comparison.told_for else []
    table = _table("", ">fixed", ">usage", ">Kafka side", ">Snowflake", ">total", ">per GB", *told)
    for row in comparison.rows:
        table.add_row(*_row_cells(row)[: None if told else -1])
    console.print(table)
    if comparison.chosen:
        _show_budget(comparison.chosen.report, console)
    how = "USD a month: fixed + usage = total = Kafka side (with connector and secrets) + Snowflake; cheapest first"
    if any(not row.report.total.exact for row in comparison.rows):
        how += " by the least each can be, behind them those with no known most"
    marks = ["▸ this environment's choice"] if comparison.chosen else []
    marks += ["✗ the workload does not fit, so last"] if any(row.report.misfits for row in comparison.rows) else []
    _bullets(["; ".join([how, *marks])], console)


def show_explanation(lines: Sequence[Line], console: Console) -> None:
    """Each line in full."""
    for index, line in enumerate(lines):
        if index:
            console.print()
        for label, text in explanation(line):
            console.print(f"[dim]{label:<9}[/] {text}", soft_wrap=True)


def _shared(comparison: Comparison) -> list[str]:
    """Each option's misfits and unknowns, and once what all have in common."""
    reports = [row.report for row in comparison.rows]
    found = [f"{report.title} does not fit: {misfit}" for report in reports for misfit in report.misfits]
    found += unknown_by_reason(each for report in reports for each in report.estimate.lines if each.amount is None)
    dearest = [f"{report.title} {money(report.total.most)}" for report in reports if _is_bounded(report)]
    if dearest:
        found.append(f"at the dearest the unknown can be: {', '.join(dearest)}")
    first = reports[0]
    if first.mostly_warehouse:
        found.append(warehouse_words(first))
    found += [each.note for each in first.estimate.lines if each.id == "snowflake.warehouse" and each.note]
    found += dict.fromkeys(note for report in reports for note in report.estimate.notes)
    found.append(
        "left out everywhere: clients' own traffic between zones and to the internet, support plans, people's time"
    )
    return found


def _is_bounded(report: Report) -> bool:
    return not report.total.exact and report.total.most is not None


def _cells(line: Line) -> tuple[RenderableType, ...]:
    from rich.padding import Padding

    price = " × ".join(str(each) for each in line.prices) if line.amount is not None else "unknown"
    amount = money(line.amount) if line.amount is not None else "[yellow]unknown[/]"
    return Padding(line.what, (0, 0, 0, 2)), str(line.quantity), price, line.basis, line.confidence, amount


def _row_cells(row: Row) -> tuple[str, ...]:
    its = row.report
    mark = "▸ " if row.chosen else "  "
    name = f"{mark}{its.title}" + (" [red]✗[/]" if its.misfits else "")
    total = f"[bold]{its.total}[/]"
    told = row.told.said.removesuffix(" all in") if row.told else ""
    plain: tuple[Total, ...] = (its.fixed, its.by_usage, its.kafka, its.snowflake)
    return name, *(str(each) for each in plain), total, per_gb_words(its), told


def _show_budget(report: Report, console: Console) -> None:
    words = budget_words(report.budget, report.total)
    if report.budget and words:
        colour = "red" if report.budget.over else "yellow" if report.budget.maybe else "green"
        console.print(f"[{colour}]{words}[/]")


def _bullets(texts: Sequence[str], console: Console) -> None:
    """Each text after a dot, its further lines indented."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column()
    grid.add_column()
    for text in texts:
        grid.add_row("·", text)
    if texts:
        console.print(grid)


def _table(*columns: str) -> Table:
    """Columns whose name starts with `>` are set to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=True)
    for index, name in enumerate(columns):
        right = name.startswith(">")
        # The name and the price give way where the terminal is narrow; numbers never break.
        wraps = index == 0 or name == "price"
        table.add_column(
            name.lstrip(">"),
            justify="right" if right else "left",
            no_wrap=not wraps,
            min_width=22 if wraps else None,
            overflow="fold",
        )
    return table
