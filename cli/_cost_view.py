"""How a cost report looks in a terminal, and what all of cost's views are drawn with. Numbers and sentences come from
`modules/cost`; here they become tables. The comparison is `_cost_compare.py`'s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modules.cost.lines import Line, money
from modules.cost.report import Report
from modules.cost.words import (
    budget_words,
    caveats,
    explanation,
    footer,
    heading,
    per_gb_words,
    workload_words,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

__all__ = ["bullets", "show_budget", "show_explanation", "show_report", "table_of"]

_GROUPS = (("kafka", "Kafka"), ("connect", "Connector and secrets"), ("snowflake", "Snowflake"))


def show_report(report: Report, console: Console) -> None:
    """Lines by group with subtotals, then what a reader must know."""
    table = table_of("", ">quantity", "price", "basis", "conf.", ">per month")
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
    show_budget(report, console)
    bullets(caveats(report), console)
    if report.option != "local":
        console.print()
        for text in footer(report.estimate.lines):
            console.print(f"[dim]{text}[/]")


def show_explanation(lines: Sequence[Line], console: Console) -> None:
    """Each line in full."""
    for index, line in enumerate(lines):
        if index:
            console.print()
        for label, text in explanation(line):
            console.print(f"[dim]{label:<9}[/] {text}", soft_wrap=True)


def _cells(line: Line) -> tuple[RenderableType, ...]:
    from rich.padding import Padding

    price = " × ".join(str(each) for each in line.prices) if line.amount is not None else "unknown"
    amount = money(line.amount) if line.amount is not None else "[yellow]unknown[/]"
    return Padding(line.what, (0, 0, 0, 2)), str(line.quantity), price, line.basis, line.confidence, amount


def show_budget(report: Report, console: Console) -> None:
    """Whether it keeps to its budget, where it has one."""
    words = budget_words(report.budget, report.total)
    if report.budget and words:
        colour = "red" if report.budget.over else "yellow" if report.budget.maybe else "green"
        console.print(f"[{colour}]{words}[/]")


def bullets(texts: Sequence[str], console: Console) -> None:
    """Each text after a dot, its further lines indented."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column()
    grid.add_column()
    for text in texts:
        grid.add_row("·", text)
    if texts:
        console.print(grid)


def table_of(*columns: str) -> Table:
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
