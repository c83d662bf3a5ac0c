"""Holds a stack's fresh plan against the approved one: same addresses, same actions, same known values."""

from __future__ import annotations

from modules.terraform.plan import UNKNOWN, Change, StackPlan

__all__ = ["differences"]


def differences(approved: StackPlan, fresh: StackPlan, most: int = 10) -> list[str]:
    """What differs, a line each; empty when the fresh plan may be applied in the approved one's place.

    A pending plan's `[*]` stands for any creations of that resource. Less than what was approved is fine only where
    nothing at all is left to do for an address (somebody did it already, or a value turned out equal).
    """
    lines: list[str] = []
    wanted = {change.address: change for change in approved.changes if change.kind != "read"}
    open_ended = {address.removesuffix("[*]") for address in wanted if address.endswith("[*]")}
    for change in fresh.changes:
        if change.kind == "read":
            continue
        before = wanted.get(change.address)
        if before is None:
            if change.kind == "create" and change.address.split("[", 1)[0] in open_ended:
                continue
            lines.append(f"{change.address}: {change.kind} was not approved")
        elif before.kind != change.kind:
            lines.append(f"{change.address}: approved was {before.kind}, now it is {change.kind}")
        elif not approved.pending:
            lines += _values(before, change)
    present = {change.address for change in fresh.changes}
    for address, change in wanted.items():
        if change.kind in ("create", "delete", "replace") and address not in present and not address.endswith("[*]"):
            lines.append(f"{address}: {change.kind} was approved and is no longer planned")
    if len(lines) > most:
        lines = [*lines[:most], f"… and {len(lines) - most} more"]
    return lines


def _values(before: Change, now: Change) -> list[str]:
    """Attributes whose approved value was known and is another now."""
    current = {item.path: item for item in now.attributes}
    lines = []
    for item in before.attributes:
        other = current.pop(item.path, None)
        if item.after == UNKNOWN or (other is not None and other.after == item.after):
            continue
        shown = "unchanged" if other is None else repr(other.after)
        lines.append(f"{now.address}: {item.path} was approved as {item.after!r}, now it is {shown}")
    unknown = [item.path for item in before.attributes if item.after == UNKNOWN]
    for path, item in current.items():
        # What was unknown as a whole may show its parts now.
        if not any(path.startswith(prefix) for prefix in unknown):
            lines.append(f"{now.address}: {path} becomes {item.after!r}, which was not approved")
    return lines
