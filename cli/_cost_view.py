"""How a cost report looks in a terminal, and what all of cost's views are drawn with. Numbers and sentences come from
`modules/cost`; here they become tables. The comparison is `_cost_compare.py`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cli._cost_table import fitted, table_of
from modules.cost.diff import lines_by_key
from modules.cost.lines import Group, Line, money, total
from modules.cost.report import Report
from modules.cost.units import plain
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

__all__ = ["bullets", "show_budget", "show_explanation", "show_report"]

_GROUPS = (("kafka", "Kafka"), ("connect", "Connector and secrets"), ("snowflake", "Snowflake"))


def show_report(report: Report, console: Console) -> None:
    """Lines by group with subtotals, then what a reader must know."""
    console.print(f"[bold]{heading(report)}[/]")
    console.print(workload_words(report.usage))
    console.print(_months_table(report, console.width) if report.months else _report_table(report, console))
    show_budget(report, console)
    bullets(caveats(report), console)
    if report.option != "local":
        console.print()
        for text in footer(report.estimate.lines):
            console.print(f"[dim]{text}[/]")


def _report_table(report: Report, console: Console) -> Table:
    rows: list[Sequence[RenderableType] | None] = []
    for group, title in _GROUPS:
        lines = [each for each in report.estimate.lines if each.group == group]
        if lines:
            rows += [(f"[bold]{title}[/]", "", "", "", "", ""), *map(_cells, lines)]
    rows.append(None)
    for name, its in (("fixed", report.fixed), ("usage", report.by_usage)):
        rows.append((name, "", "", "", "", f"[dim]{its}[/]"))
    for name, its in (("Kafka side", report.kafka), ("Snowflake", report.snowflake)):
        rows.append((name, "", "", "", "", str(its)))
    per_gb = f"{per_gb_words(report)} per GB sent" if report.option != "local" else ""
    rows.append(("[bold]total[/]", "", per_gb, "", "", f"[bold]{report.total}[/]"))
    return fitted(console, ("", ">quantity", "price", "basis", "conf.", ">per month"), rows, _SPARE)


_SPARE = (4, 3, 2, 1)
"""Columns of a report that a narrow terminal goes without; `explain` says what stood there."""


def _months_table(report: Report, width: int) -> Table:
    """Low, expected and high month beside each other, as far as the YAML gives them; without the prices, which
    `explain` has."""
    estimates = {each.name: each.estimate for each in report.months} | {"expected": report.estimate}
    names = [name for name in ("low", "expected", "high") if name in estimates]
    columns = [lines_by_key(estimates[name].lines) for name in names]
    wide = width >= _WITH_QUANTITY
    extra = [">quantity", "basis", "conf."] if wide else []
    table = table_of("", *extra, *(f">{name}" for name in names))
    expected = lines_by_key(report.estimate.lines)
    keys = dict.fromkeys(key for column in (expected, *columns) for key in column)
    for group, title in _GROUPS:
        shown = [(key, line) for key in keys if (line := _any([expected, *columns], key)).group == group]
        if shown:
            table.add_row(f"[bold]{title}[/]", *[""] * (len(extra) + len(names)))
        for key, line in shown:
            cells = [_amount(column.get(key)) for column in columns]
            table.add_row(_indented(line), *([str(line.quantity), line.basis, line.confidence] if wide else []), *cells)
    table.add_section()
    blank = [""] * len(extra)
    kafka: tuple[Group, ...] = ("kafka", "connect")
    for label, groups in (("Kafka side", kafka), ("Snowflake", ("snowflake",)), ("total", (*kafka, "snowflake"))):
        sums = [str(total(estimates[name].of(*groups))) for name in names]
        table.add_row(label, *blank, *sums, style="bold" if label == "total" else None)
    return table


_WITH_QUANTITY = 96
"""Columns of the terminal from which the months' table says the quantity of the expected month."""


def _any(columns: Sequence[Mapping[tuple[str, int], Line]], key: tuple[str, int]) -> Line:
    """The line as the expected month has it, or whichever does."""
    return next(column[key] for column in columns if key in column)


def _amount(line: Line | None) -> str:
    if line is None:
        return "–"
    return money(line.amount) if line.amount is not None else "[yellow]unknown[/]"


def _indented(line: Line) -> RenderableType:
    from rich.padding import Padding

    return Padding(line.what, (0, 0, 0, 2))


def show_explanation(report: Report, lines: Sequence[Line], console: Console) -> None:
    """The month they are of, then each line in full; with all lines, what is assumed behind them."""
    console.print(f"[bold]{heading(report)}[/]")
    console.print(f"{workload_words(report.usage)}\n")
    for index, line in enumerate(lines):
        if index:
            console.print()
        for label, text in explanation(line):
            console.print(f"[dim]{label:<9}[/] {text}", soft_wrap=True)
    if len(lines) > 1 and report.option != "local":
        console.print("\n[bold]Assumed, where the YAML says nothing[/]")
        for name, value, words in report.assumptions.stated():
            console.print(f"[dim]{name:<21}[/] {plain(value)}: {words}", soft_wrap=True)


def _cells(line: Line) -> tuple[RenderableType, ...]:
    price = " × ".join(str(each) for each in line.prices) if line.amount is not None else "unknown"
    return _indented(line), str(line.quantity), price, line.basis, line.confidence, _amount(line)


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
