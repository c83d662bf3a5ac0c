"""What is said of a workload that does not fit a cluster, and the environment with what would make it fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modules.environment.model import Environment

__all__ = ["GIB", "MB", "MIB", "Change", "Misfit", "up", "with_change"]

MB, MIB, GIB = Decimal(10**6), Decimal(2**20), Decimal(2**30)

Change = Mapping[str, Mapping[str, object]]
"""Section → key → value, as the YAML would have it."""


@dataclass(frozen=True)
class Misfit:
    """Why a workload does not fit, and what would.

    Attributes:
        change: what to write in the environment's YAML so that it fits, such as `{"msk": {"brokers": 6}}`;
            `with_change` gives the environment with it. None where no setting of this platform helps.
        warns: it would run, but past what the vendor recommends: said beside the price, and no reason to rank it last.
    """

    why: str
    fits: str
    change: Change | None = None
    warns: bool = False

    def __str__(self) -> str:
        return f"{self.why}; {self.fits}"


def with_change(environment: Environment, change: Change) -> Environment:
    """The environment as it would be with these settings, each as the YAML would have it; nothing else is checked.

    Raises:
        pydantic.ValidationError: a section has no such key, or takes no such value.
    """
    changed = {}
    for name, its in change.items():
        section = getattr(environment, name)
        given = {key: getattr(section, key) for key in section.model_fields_set}
        changed[name] = type(section).model_validate({**given, **its})
    return environment.model_copy(update=changed)


def up(amount: Decimal, step: int = 1) -> int:
    """The next multiple of `step`."""
    return int((amount / step).to_integral_value(ROUND_CEILING)) * step
