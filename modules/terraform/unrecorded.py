"""Objects that a killed apply made and no state knows: which of them exist, and what a plan says of them.

Whether one exists only its provider can tell. So they are planned as imports once: what Terraform can import is there.
The plan that is shown then takes these over, and is to be confirmed like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from modules.terraform.journal import Unfinished
from modules.terraform.plan import Finding
from modules.terraform.source import declared
from modules.terraform.workdir import WorkingFolder

__all__ = ["findings", "take_over"]


def take_over(
    folder: WorkingFolder,
    document: Mapping[str, Any],
    found: Unfinished,
    importable: Callable[[], Collection[str] | None],
) -> tuple[str, ...]:
    """Have those that exist imported by the next apply; their addresses.

    Args:
        importable: plans, and tells which addresses can be imported; None: all that wait for it.
    """
    there = {item.address for item in declared(document)}
    wanted = {each.address: each.id for each in found.began if each.id and each.address in there}
    others = {address: identifier for address, identifier in folder.adopting().items() if address not in wanted}
    if not wanted:
        return ()
    folder.adopt({**others, **wanted})
    able = importable()
    exist = {address: identifier for address, identifier in wanted.items() if able is None or address in able}
    if exist != wanted:
        folder.adopt({**others, **exist})
    return tuple(exist)


def findings(found: Unfinished | None, taken: Collection[str], *, destroy: bool) -> tuple[Finding, ...]:
    """A warning for each that exists, or may: nobody should read of it first in a service's console."""
    if found is None:
        return ()
    story = f"`{found.command}` of {found.since} was stopped while it created this"
    lines = []
    for each in found.began:
        if each.address in taken:
            lines.append(
                Finding("warn", each.address, f"left behind: {story}; it exists, and no state knew it", _TAKEN)
            )
        elif destroy:
            lines.append(
                Finding("warn", each.address, f"{story}, and no state knows it: it stays if it exists", _FIRST)
            )
        elif each.id is None or not each.told:
            lines.append(Finding("warn", each.address, f"{story}; whether it exists cannot be told from here", _LOOK))
    return tuple(lines)


_TAKEN = (
    "this plan takes it over by an import block; is it not this environment's, answer no and give yours another name"
)
_FIRST = "run `infra deploy` first, which takes it over, and destroy then; or delete it by hand"
_LOOK = "look for it where it would be, and delete it or import it (`infra import`); else there may be two of it"
