"""What `infra guards` draws: the guards, then hooks and waivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from modules.guards.listing import Listing, Standing

__all__ = ["show_guards"]

_COLOUR = {"refuse": "red", "warn": "yellow", "off": "dim"}


def show_guards(found: Listing, console: Console) -> None:
    """Draw it."""
    from rich.table import Table
    from rich.text import Text

    kind = "protected" if found.protected else "not protected"
    console.print(f"{found.source}: {kind}", markup=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("guard", "does", "when"):
        table.add_column(name, no_wrap=name != "when")
    for each in found.guards:
        given = ", ".join(f"{name}: {_written(value)}" for name, value in each.parameters.items())
        title = f"{each.guard.title} ({given})" if given else each.guard.title
        does = "-" if each.severity == "off" else f"{each.severity}s"
        table.add_row(Text(each.guard.id), Text(does, style=_COLOUR[each.severity]), Text(title))
    console.print(table)
    for hook in found.hooks:
        console.print(f"hook {hook}", markup=False)
    if not found.waivers:
        console.print("no waivers", markup=False)
        return
    console.print("\nwaivers", markup=False, style="bold")
    for standing in found.waivers:
        waiver = standing.waiver
        by = f", {waiver.by}" if waiver.by else ""
        console.print(
            Text.assemble(
                f"{waiver.guard} {waiver.address}  ",
                (_ends(standing), "red" if standing.expired else "yellow" if standing.soon else ""),
                f"  {waiver.where}{by}",
            )
        )
        console.print(Text(f"    {waiver.reason}"))


def _ends(standing: Standing) -> str:
    until = standing.waiver.until
    if standing.expired:
        return f"EXPIRED {until}"
    if standing.soon:
        return f"until {until} (SOON: {'today is its last day' if standing.days == 0 else f'{standing.days} days'})"
    return f"until {until}"


def _written(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(str(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_written(each)}" for name, each in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)
