"""One statement: its text, where it belongs, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Area", "Statement"]

Area = Literal["account", "security", "objects"]
"""Whose work it is: the account's (monitors, policies, integrations), security's (roles, users, grants), or that of
whoever owns databases and warehouses."""


@dataclass(frozen=True)
class Statement:
    """Attributes:
    sql: without its semicolon.
    section: the heading it stands under.
    about: what it touches: `table STREAMING.PUBLIC.ORDER_EVENTS`.
    unsafe: what may be lost by it, as a sentence; None where nothing is.
    was: what the account has now, where the statement changes it.
    by_hand: Snowflake refuses the statement as it stands; it says what is wanted, and is never run.
    """

    sql: str
    section: str
    area: Area
    about: str
    unsafe: str | None = None
    was: str | None = None
    by_hand: bool = False
