"""`infra smoke frontier` in a terminal: the plot, clouds in one table, laptops in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from string import ascii_uppercase
from typing import TYPE_CHECKING

from rich.table import Table

from modules.smoke.report import title
from modules.smoke.stats import duration

if TYPE_CHECKING:
    from rich.console import Console

    from modules.smoke.frontier import Frontier, Point, Step

__all__ = ["show_frontier"]


def show_frontier(found: Frontier, stage: str, percentile: str, console: Console) -> None:
    """Plot and tables; what is missing is said."""
    name = f"{title(stage)} {percentile}"
    if not (found.points or found.unpriced or found.stand_ins):
        console.print(f"no run that knows {name} is kept yet; measure one: infra smoke --env local", soft_wrap=True)
        return
    if found.points or found.unpriced:
        _clouds(found, name, console)
    else:
        console.print("no cloud was measured from this machine yet, so there is nothing to set against money.\n")
    if found.stand_ins:
        console.print(
            f"[bold]Stand-in[/] · {name} on a laptop: no cloud's latency, and no money to set it against",
            soft_wrap=True,
        )
        console.print(_stand_ins(found.stand_ins))


def _clouds(found: Frontier, name: str, console: Console) -> None:
    from cli._smoke_plot import Mark, places_plot

    letters = dict(zip(found.points, ascii_uppercase + ascii_uppercase.lower(), strict=False))
    console.print(f"[bold]{name} against cost a month[/]\n")
    if len(found.points) > 1:
        marks = [
            Mark(letter, float(one.monthly or 0), one.milliseconds, one in found.best)
            for one, letter in letters.items()
        ]
        console.print(places_plot(marks, "${:,.0f}", min(console.width, 100)), soft_wrap=True)
        console.print("[dim]across: cost a month · up: latency · green: nothing else is as cheap and as fast[/]\n")
    console.print(_table(found, letters, short=console.width < 100))
    console.print()
    for step in found.steps:
        console.print(_step(step, letters), soft_wrap=True)
    for note in _notes(found):
        console.print(f"[dim]{note}[/]", soft_wrap=True)
    console.print()


def _table(found: Frontier, letters: Mapping[Point, str], *, short: bool) -> Table:
    """`short`: for a narrow terminal, without when it was measured."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", "environment", "variant"):
        table.add_column(column, overflow="fold")
    table.add_column("latency", justify="right", no_wrap=True)
    table.add_column("a month", justify="right", no_wrap=True)
    table.add_column("a ms less", justify="right", no_wrap=True)
    if not short:
        table.add_column("measured", no_wrap=True)
    to = {step.faster: step for step in found.steps}
    for one in found.points:
        best = one in found.best
        step = to.get(one)
        table.add_row(
            f"[{'bold green' if best else 'yellow'}]{letters.get(one, '')}[/]",
            one.environment,
            one.variant,
            duration(one.milliseconds * 1e6),
            _cost(one),
            f"+{_small(step.per_ms)}" if step else "cheapest" if best else "[dim]beaten[/]",
            *([] if short else [_measured(one)]),
        )
    for one in found.unpriced:
        when = [] if short else [_measured(one)]
        table.add_row("", one.environment, one.variant, duration(one.milliseconds * 1e6), "unknown", "", *when)
    return table


def _stand_ins(points: Sequence[Point]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("environment")
    table.add_column("variant")
    table.add_column("latency", justify="right")
    table.add_column("load")
    table.add_column("measured")
    for one in points:
        table.add_row(one.environment, one.variant, duration(one.milliseconds * 1e6), one.load, _measured(one))
    return table


def _step(step: Step, letters: Mapping[Point, str]) -> str:
    slower, faster = letters.get(step.slower, "?"), letters.get(step.faster, "?")
    return (
        f"{slower} → {faster}: {duration(step.saved_ms * 1e6)} less for ${step.more:,.2f} more a month: "
        f"[bold]{_small(step.per_ms)} a millisecond[/]{'' if step.exact else ', by what is known'}"
    )


def _notes(found: Frontier) -> list[str]:
    notes = []
    if found.loads:
        notes.append(f"measured at different loads, so compare with care: {'; '.join(found.loads)}")
    if any(not one.exact for one in found.points):
        notes.append("≥: some lines have no known price; it costs at least that (infra cost --env E)")
    if any(one.as_measured for one in found.points):
        notes.append("*: the environment is another today; the cost is that of when it was measured")
    if any(one.outcome != "met" for one in found.points):
        notes.append("!: that run did not meet its SLOs, or did not prove them")
    return notes


def _cost(one: Point) -> str:
    return f"{'' if one.exact else '≥ '}${one.monthly:,.2f}{'*' if one.as_measured else ''}"


def _small(amount: Decimal) -> str:
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.3g}" if amount >= Decimal("0.001") else "< $0.001"


def _measured(one: Point) -> str:
    runs = "" if one.runs == 1 else f", newest of {one.runs}"
    return f"{one.started[:10]}{runs}{'' if one.outcome == 'met' else ' !'}"
