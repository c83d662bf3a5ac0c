"""The tables of cost's views, and how they fit a narrow terminal: a column that can be spared goes, none is cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

__all__ = ["fitted", "table_of"]


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


def fitted(
    console: Console,
    columns: Sequence[str],
    rows: Sequence[Sequence[RenderableType] | None],
    spare: Sequence[int],
) -> Table:
    """A table without as many of the `spare` columns, by number and in that order, as the terminal is too narrow for.

    None among the rows is a line across.
    """
    from rich.measure import Measurement

    for count in range(len(spare) + 1):
        kept = [number for number in range(len(columns)) if number not in spare[:count]]
        table = table_of(*(columns[number] for number in kept))
        for row in rows:
            if row is None:
                table.add_section()
            else:
                table.add_row(*(row[number] for number in kept))
        for number, column in zip(kept, table.columns, strict=True):
            if column.no_wrap:
                # Rich counts on breaking what it was told not to break.
                cells = [columns[number].lstrip(">"), *(row[number] for row in rows if row is not None)]
                column.min_width = max(console.measure(cell).maximum for cell in cells)
        if Measurement.get(console, console.options.update(width=10_000), table).minimum <= console.width:
            break
    return table
