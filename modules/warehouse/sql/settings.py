"""A setting of a kind of object: how it is written, how it is changed, and what a change may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from modules.warehouse.sql.quoting import boolean, identifier, identifiers, literal, literals, number, qualified
from modules.warehouse.sql.statement import Area

__all__ = [
    "UNKNOWN", "Setting", "comment", "flag", "frequency", "key", "name", "names", "network_policy", "plain",
    "retention", "rule_names", "text", "texts", "whole",
]  # fmt: skip

UNKNOWN = object()
"""Instead of what the account has, where nobody has looked."""


def _harmless(old: object, new: object) -> str | None:
    return None


@dataclass(frozen=True)
class Setting:
    """Attributes:
    keyword: what SQL calls it; the key of its value in an `Item`.
    render: its value in SQL.
    change: `set` is changed in place; `fixed` only by making the object anew; `create` is said once and not compared.
    clause: instead of `SET KEYWORD = value`, the whole tail of the ALTER.
    absent: how a value is taken away: UNSET KEYWORD, or SET KEYWORD = NULL.
    default: what an object has that was made without it: then neither CREATE nor the script says it.
    area: whose work it is, where that is not the object's; then it is a statement of its own.
    risk: what a change from the old to the new value may cost.
    """

    keyword: str
    render: Callable[[Any], str]
    change: Literal["set", "fixed", "create"] = "set"
    clause: Callable[[Any], str] | None = None
    absent: Literal["UNSET", "NULL"] = "UNSET"
    default: Any = UNKNOWN
    area: Area | None = None
    risk: Callable[[Any, Any], str | None] = _harmless

    def assigned(self, value: Any) -> str:
        """`KEYWORD = value`."""
        return f"{self.keyword} = {self.render(value)}"

    def tail(self, value: Any) -> str:
        """What follows the name in an ALTER that changes this alone."""
        if self.clause is not None:
            return self.clause(value)
        if value is None:
            return f"UNSET {self.keyword}" if self.absent == "UNSET" else f"SET {self.keyword} = NULL"
        return f"SET {self.assigned(value)}"


def comment() -> Setting:
    return text("COMMENT", default="")


def text(keyword: str, **more: Any) -> Setting:
    return Setting(keyword, literal, **more)


def texts(keyword: str, **more: Any) -> Setting:
    return Setting(keyword, literals, **more)


def plain(keyword: str, **more: Any) -> Setting:
    """A word of Snowflake's own, that the model allows only a few of."""
    return Setting(keyword, str, **more)


def name(keyword: str, **more: Any) -> Setting:
    return Setting(keyword, identifier, **more)


def names(keyword: str, **more: Any) -> Setting:
    return Setting(keyword, identifiers, **more)


def rule_names(keyword: str) -> Setting:
    """Full names of network rules."""
    return Setting(keyword, lambda rules: f"({', '.join(qualified(rule) for rule in rules)})", default=())


def whole(keyword: str, **more: Any) -> Setting:
    return Setting(keyword, number, **more)


def flag(keyword: str, **more: Any) -> Setting:
    return Setting(keyword, boolean, **more)


def retention() -> Setting:
    """Time travel in days."""

    def risk(old: Any, new: Any) -> str | None:
        lost = "what was changed or dropped further back can no longer be brought back"
        if old is UNKNOWN:
            return f"if it is longer now, {lost}"
        return f"from {old} to {new} days: {lost}" if old is not None and int(old) > int(new) else None

    return whole("DATA_RETENTION_TIME_IN_DAYS", risk=risk)


def key(keyword: str) -> Setting:
    """A user's public key."""

    def risk(old: Any, new: Any) -> str | None:
        locked_out = (
            "who logs in with the key that is there no longer can; `infra warehouse rotate-key` changes it gently"
        )
        if old is UNKNOWN:
            return f"if another key is there, {locked_out}"
        return locked_out if old else None

    return text(keyword, risk=risk)


def frequency() -> Setting:
    """A resource monitor's period, which Snowflake takes with a start only."""

    def risk(old: Any, new: Any) -> str | None:
        begins = "a new period begins now: credits used so far no longer count"
        return f"if it is another now, {begins}" if old is UNKNOWN else begins

    return plain("FREQUENCY", clause=lambda value: f"SET FREQUENCY = {value} START_TIMESTAMP = IMMEDIATELY", risk=risk)


def network_policy() -> Setting:
    """A user's network policy."""

    def risk(old: Any, new: Any) -> str | None:
        return "it may then log in from anywhere the account allows" if new is None and old is not UNKNOWN else None

    return name("NETWORK_POLICY", default=None, risk=risk)
