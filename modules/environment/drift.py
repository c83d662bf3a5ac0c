"""What `infra drift` leaves out of its report in an environment, and how far it looks."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from modules.environment.section import Section

__all__ = ["Drift", "DriftIgnore"]


def _day(value: Any) -> Any:
    """Says what is expected; pydantic would also take a number of seconds."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    elif type(value) is date:
        return value
    raise ValueError(f"expected a day such as 2027-01-31, got {value!r}")


class DriftIgnore(Section):
    """Drift that is known and left alone, for a reason."""

    match: str = Field(
        description="An address or a name as `infra drift` shows it (`topic clicks.*`, `role SHADOW`), `*` for any "
        "part.",
        min_length=1,
    )
    reason: str = Field(description="Why it is left alone.", min_length=1)
    until: Annotated[date, BeforeValidator(_day)] | None = Field(
        None, description="The last day it is left alone, as 2027-01-31; default: for good."
    )


class Drift(Section):
    """What `infra drift` leaves out, and how far it looks."""

    ignore: list[DriftIgnore] = Field(default_factory=list, description="Drift that is known, each with its reason.")
    whole_account: bool | None = Field(
        None,
        description="Whether every role, user, warehouse and database of the Snowflake account is this environment's "
        "to declare, or only what has to do with the declared ones; default: on a laptop yes, else no.",
    )
