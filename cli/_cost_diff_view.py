"""How a difference looks in a terminal: a summary, then each environment's lines, the largest difference first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli._cost_table import fitted, table_of
from cli._cost_view import bullets
from modules.cost.diff import Change, Delta, Diff, DiffSet
from modules.cost.diff_words import (
    amount_words,
    change_words,
    delta_words,
    diff_notes,
    same_words,
    side_words,
    summary_words,
    total_words,
)
from modules.cost.words import footer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["show_changes", "show_diff"]


def show_diff(found: DiffSet, console: Console) -> None:
    """All of it."""
    console.print(f"[bold]{summary_words(found)}[/]")
    changed = found.changed
    if len(found.diffs) > 1 and changed:
        table = table_of("", "", f">{found.before}", f">{found.after}", ">a month")
        for diff in changed:
            table.add_row(
                f"[bold]{diff.environment}[/]", side_words(diff), total_words(diff.before), total_words(diff.after),
                coloured(diff.delta),
            )  # fmt: skip
        console.print(table)
    for diff in changed:
        if len(found.diffs) > 1:
            console.print(f"[bold]{diff.environment}[/]: {side_words(diff)}, {coloured(diff.delta)} a month")
        show_changes(diff, console)
    bullets(diff_notes(found), console)
    lines = [each.line for diff in changed for each in diff.changes]
    if lines:
        console.print()
        for text in footer(lines):
            console.print(f"[dim]{text}[/]")


def show_changes(diff: Diff, console: Console) -> None:
    """One environment's lines that differ, its totals below them."""
    rows: list[Sequence[str] | None] = [
        (_what(each), amount_words(each.before), amount_words(each.after), coloured(each.delta))
        for each in diff.changes
        if not each.free
    ]
    free = sum(each.free for each in diff.changes)
    rows += [
        None,
        ("[dim]" + same_words(diff.same, free) + "[/]", "", "", ""),
        ("[bold]total[/]", total_words(diff.before), total_words(diff.after), f"[bold]{coloured(diff.delta)}[/]"),
    ]
    # What it was and what it becomes give way to what the change adds; the heading says both of the total.
    console.print(fitted(console, ("", f">{diff.before.label}", f">{diff.after.label}", ">a month"), rows, (1, 2)))


def coloured(delta: Delta) -> str:
    """More is red, less is green, what could be either has no colour."""
    words = delta_words(delta)
    if delta.least is not None and delta.least > 0:
        return f"[red]{words}[/]"
    if delta.most is not None and delta.most < 0:
        return f"[green]{words}[/]"
    return words


def _what(change: Change) -> str:
    mark = {"added": "[red]+[/]", "removed": "[green]-[/]", "changed": "~"}[change.kind]
    return f"{mark} {change_words(change)}"
