"""The data that goes with a plan: named one by one, with how long it is kept and how much it is where somebody counted.

Which kinds of resources hold data, `reviews/data.py` knows. Nothing is asked of a service here: counts are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from modules.environment.types import DurationValue
from modules.terraform.plan import Change, EnvironmentPlan
from modules.terraform.reviews.data import lost_data

__all__ = ["Loss", "losses", "object_name"]


@dataclass(frozen=True)
class Loss:
    """One object whose data goes."""

    stack: str
    address: str
    kind: str
    name: str
    clause: str
    """`its messages are lost`"""
    kept: str | None = None
    """How long what is in it is kept: `30d`."""
    holds: str | None = None
    """What is in it now, where it was counted: `1,234 messages`."""

    @property
    def text(self) -> str:
        """One line."""
        more = ", ".join(part for part in (self.holds, f"kept {self.kept}" if self.kept else None) if part)
        return f"{self.stack}: {self.kind} {self.name}" + (f" ({more})" if more else "") + f": {self.clause}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def losses(plan: EnvironmentPlan, holds: Mapping[str, str] | None = None) -> tuple[Loss, ...]:
    """Every object whose data goes, in the plan's order.

    Args:
        holds: type and name (`kafka_topic orders`) → what is in it now.
    """
    return tuple(
        Loss(
            stack.stack,
            change.address,
            change.type,
            object_name(change),
            lost,
            _kept(change.before or {}),
            (holds or {}).get(f"{change.type} {object_name(change)}"),
        )
        for stack in plan.stacks
        for change in stack.changes
        if (lost := lost_data(change)) is not None
    )


def object_name(change: Change) -> str:
    """What the service calls it, as far as its values tell; else its address."""
    values = change.before or {}
    name = next((values[key] for key in _NAMES if isinstance(values.get(key), str) and values[key]), change.address)
    parents = [values[key] for key in ("database", "schema") if isinstance(values.get(key), str)]
    return ".".join([*parents, name]) if change.type.startswith("snowflake_") else name


_NAMES = ("topic_name", "display_name", "cluster_name", "identifier", "name", "id")


def _kept(values: Mapping[str, Any]) -> str | None:
    settings = values.get("config")
    if not isinstance(settings, Mapping) or "retention.ms" not in settings:
        return None
    try:
        milliseconds = int(settings["retention.ms"])
    except (TypeError, ValueError):
        return None
    return "forever" if milliseconds < 0 else str(DurationValue(milliseconds))
