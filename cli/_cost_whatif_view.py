"""How a sweep looks in a terminal: a plot of one range, a grid of two, the numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from cli._cost_plot import Curve, legend, plot
from cli._cost_table import fitted, table_of
from cli._cost_view import bullets
from modules.cost.currency import report_currency, written
from modules.cost.lines import money
from modules.cost.sweep import Point, Series, Sweep
from modules.cost.sweep_words import cheapest_at, point_words, sweep_heading, sweep_notes

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["show_sweep"]

_WIDE = 100
"""Columns of the terminal from which the table shows both ends of the order."""

_ROWS = 12
"""Values of a range in the table; the plot and the files have all."""


def show_sweep(found: Sweep, console: Console) -> None:
    """All of it."""
    console.print(f"[bold]{sweep_heading(found)}[/]")
    if len(found.axes) == 2:
        _show_grid(found, console)
    else:
        drawn = [each for each in found.series if _drawable(each, alone=len(found.series) == 1)]
        if len(found.axes[0].values) > 3 and drawn and not found.axes[0].words:
            _show_plot(found, drawn, console)
        _show_table(found, console)
    bullets(sweep_notes(found), console)


def _drawable(series: Series, *, alone: bool) -> bool:
    """An option that could cost anything has no line among others, only its row in the table."""
    return any(_height(point, alone=alone) is not None for point in series.points)


def _height(point: Point, *, alone: bool) -> float | None:
    if point.total is None or (point.total.most is None and not alone):
        return None
    return float(point.total.least)


def _show_plot(found: Sweep, drawn: Sequence[Series], console: Console) -> None:
    """Cost over the range; both axes in even ratios where the range is."""
    axis, alone = found.axes[0], len(found.series) == 1
    curves = [Curve(each.title, each.option, tuple(_height(p, alone=alone) for p in each.points)) for each in drawn]
    width = max(50, min(console.width, 110))
    drawing = plot(curves, [float(each) for each in axis.numbers], axis.labels, by_ratio=axis.logarithmic, width=width)
    console.print(f"[dim]{report_currency()} a month[/]")
    console.print(drawing, no_wrap=True, overflow="ignore", crop=False, end="" if not alone else "\n")
    if len(curves) > 1:
        console.print(legend(curves, width))


def _show_table(found: Sweep, console: Console) -> None:
    """The values and what each series costs there; of many, some."""
    axis = found.axes[0]
    shown = _spread(len(axis.values), _ROWS)
    if len(found.series) > 3:
        wide = console.width >= _WIDE
        table = table_of(axis.name, "cheapest", ">a month", *(("dearest", ">a month ") if wide else ()))
        for place in shown:
            best, worst = cheapest_at(found.series, place), _dearest_at(found.series, place)
            cells = [best.title if best else "none fits", _cell(best, place)]
            cells += [worst.title if worst else "", _cell(worst, place)] if wide else []
            table.add_row(axis.labels[place], *cells)
    else:
        table = table_of(axis.name, *(f">{each.title}" for each in found.series), *_size_head(found))
        for place in shown:
            sizes = ", ".join(f"{key} {value}" for key, value in found.series[0].points[place].changes.items())
            cells = [point_words(found, each, place) for each in found.series]
            table.add_row(axis.labels[place], *cells, *([sizes] if _size_head(found) else []))
    console.print(table)


def _size_head(found: Sweep) -> list[str]:
    return ["size"] if len(found.series) == 1 and any(point.changes for point in found.series[0].points) else []


def _cell(series: Series | None, place: int) -> str:
    total = series.points[place].total if series else None
    return str(total) if total is not None else ""


def _dearest_at(every: Sequence[Series], place: int) -> Series | None:
    ranked = []
    for each in every:
        total = each.points[place].total if each.points[place].fits else None
        if total is not None and total.most is not None:
            ranked.append((total.least, each.title, each))
    return max(ranked, key=lambda each: each[:2])[2] if ranked else None


def _spread(count: int, most: int) -> list[int]:
    if count <= most:
        return list(range(count))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]


def _show_grid(found: Sweep, console: Console) -> None:
    """The second range across, the first down; cheap is green, dear is red. With all options: the cheapest of each."""
    down, across = found.axes
    amounts = [_amount_at(found, place) for place in range(found.size)]
    known = sorted(each for each in amounts if each is not None)
    wide = len(across.values)
    rows = []
    for row, label in enumerate(down.labels):
        cells = [label]
        for place in range(row * wide, (row + 1) * wide):
            text = _grid_words(found, place)
            cells.append(
                f"[{_heat(amounts[place], known)}]{text}[/]" if amounts[place] is not None else f"[dim]{text}[/]"
            )
        rows.append(cells)
    # A narrow terminal goes without every other value, then without all but the ends.
    spare = [*range(2, wide, 2), *range(3, wide, 2)]
    console.print(
        fitted(console, (f"{down.name} ↓  {across.name} →", *(f">{each}" for each in across.labels)), rows, spare)
    )


def _grid_words(found: Sweep, place: int) -> str:
    if len(found.series) == 1:
        point = found.series[0].points[place]
        return (
            (_short(point.total.least, exact=point.total.exact) + ("" if point.fits else " ✗")) if point.total else "✗"
        )
    best = cheapest_at(found.series, place)
    amount = _amount_at(found, place)
    return f"{best.title}\n{_short(amount, exact=True)}" if best and amount is not None else "✗"


def _short(amount: Decimal, *, exact: bool) -> str:
    return ("" if exact else "≥") + (written(f"{amount:,.0f}", report_currency()) if amount >= 100 else money(amount))


def _amount_at(found: Sweep, place: int) -> Decimal | None:
    best = found.series[0] if len(found.series) == 1 else cheapest_at(found.series, place)
    total = best.points[place].total if best else None
    return total.least if total is not None else None


def _heat(amount: Decimal | None, known: Sequence[Decimal]) -> str:
    """By rank: the cheapest third green, the dearest red."""
    if amount is None or len(known) < 3:
        return "default"
    rank = known.index(amount) / (len(known) - 1)
    return "green" if rank < 1 / 3 else "yellow" if rank < 2 / 3 else "red"
