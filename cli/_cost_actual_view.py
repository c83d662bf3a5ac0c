"""How `infra cost actual` looks in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli._cost_table import fitted
from cli._cost_view import bullets
from modules.cost.formats.actual import billed_words, error_words, percent_words, remarks, summary_words
from modules.cost.lines import money

if TYPE_CHECKING:
    from decimal import Decimal

    from rich.console import Console

    from modules.cost.actual.match import Actual, Kind, Row

__all__ = ["show_actual"]

_SECTIONS: tuple[tuple[Kind, str], ...] = (
    ("compared", ""),
    ("no bill", "estimated, not billed"),
    ("no line", "billed, not estimated"),
    ("not read", "estimated; the bill could not be read"),
)
_FAR = 20
"""Percent from which an error is coloured."""


def show_actual(actual: Actual, console: Console) -> None:
    """Lines beside their bills, largest first; then what could not be compared, and why."""
    rows: list[Sequence[str] | None] = []
    for kind, title in _SECTIONS:
        found = actual.of(kind)
        if found and title:
            rows += [None, (f"[dim]{title}[/]", "", "", "", "", "")]
        rows += map(_cells, found)
    if any(each.answered for each in actual.readings):
        total = (
            "[bold]total[/]", money(actual.estimated), money(actual.billed), f"[bold]{money(actual.monthly)}[/]",
            error_words(actual.error), percent_words(actual.percent),
        )  # fmt: skip
        rows += [None, total]
    table = fitted(console, ("", ">estimated", ">billed", ">as a month", ">error", ">"), rows, (2, 5, 3))
    console.print(f"[bold]{actual.environment}: {actual.title}, {actual.region}; estimated and billed[/]")
    console.print(actual.period.words)
    console.print(table)
    console.print(summary_words(actual))
    bullets(remarks(actual), console)


def _cells(row: Row) -> tuple[str, ...]:
    name = f"{row.name}\n[dim]{billed_words(row)}[/]" if row.lines and row.bills else row.name
    estimated = money(row.estimated) if row.lines else ""
    return (
        name,
        estimated,
        "" if row.billed is None else money(row.billed),
        "" if row.monthly is None else money(row.monthly),
        error_words(row.error),
        _coloured(row.percent),
    )


def _coloured(percent: Decimal | None) -> str:
    words = percent_words(percent)
    return f"[yellow]{words}[/]" if percent is not None and abs(percent) >= _FAR else words
