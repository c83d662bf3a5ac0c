"""How `infra cost advise` looks in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli._cost_view import bullets
from modules.cost.formats.advice import amount_words, combination_words, nothing_words, small_words

if TYPE_CHECKING:
    from rich.console import Console

    from modules.cost.advise import Advice, Saving

__all__ = ["show_advice"]


def show_advice(advice: Advice, console: Console) -> None:
    """Each saving with its amount, risk and change; then what they come to together."""
    console.print(f"[bold]{advice.environment}: what could be saved[/]")
    console.print(f"{advice.title}, {advice.region}, now {advice.now} a month")
    if not advice.savings:
        console.print()
        console.print(nothing_words(advice))
    for number, saving in enumerate(advice.savings, 1):
        console.print()
        _show(number, saving, console)
    console.print()
    for words in (combination_words(advice), small_words(advice)):
        if words:
            console.print(f"[bold]{words}[/]" if words.startswith(("Together", "With")) else words)
    bullets(advice.notes, console)


def _show(number: int, saving: Saving, console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(justify="right", no_wrap=True, min_width=3)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(f"[bold]{number}[/]", f"[bold]{escape(saving.title)}[/]", f"[green]{amount_words(saving)}[/]")
    grid.add_row("", f"[dim]risk:[/] {escape(saving.risk)}", "")
    if saving.also:
        grid.add_row("", f"[dim]also:[/] {escape(saving.also)}", "")
    for warning in (saving.breaks, *saving.near):
        if warning:
            grid.add_row("", f"[yellow]warning:[/] {escape(warning)}", "")
    for source in saving.sources:
        grid.add_row("", f"[dim]source:[/] {escape(source)}", "")
    for place in saving.places:
        grid.add_row("", f"[dim]{escape(str(place))}[/]", "")
    console.print(grid)
    if saving.files:
        console.print(f"      [dim]{saving.files.shown}[/]")
    for line in saving.difference.splitlines()[2:]:
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        console.print(Text(f"      {line}", style=style), soft_wrap=True)
