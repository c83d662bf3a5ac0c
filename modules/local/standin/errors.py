"""Snowflake's own errors: number, SQL state and message, as clients see them (HTTP 200, `success: false`).

Messages follow Snowflake's wording, since clients (the Terraform provider, the Kafka connector) match on it.
"""

from __future__ import annotations

__all__ = [
    "UNSUPPORTED",
    "SnowflakeError",
    "already_exists",
    "does_not_exist",
    "insufficient_privileges",
    "invalid_value",
    "no_such_object",
    "syntax_error",
    "unsupported",
]


UNSUPPORTED = 2


class SnowflakeError(Exception):
    """What Snowflake answers when a statement or a login fails."""

    def __init__(self, code: int, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.sqlstate = sqlstate
        self.message = message


def does_not_exist(kind: str, name: str) -> SnowflakeError:
    """002003 (42S02): absent, or the role may not know of it."""
    return SnowflakeError(
        2003, "42S02", f"SQL compilation error:\n{kind.capitalize()} '{name}' does not exist or not authorized."
    )


def no_such_object() -> SnowflakeError:
    """002043 (02000): what USE, SHOW … IN and DESCRIBE say of an absent container."""
    return SnowflakeError(
        2043, "02000", "SQL compilation error:\nObject does not exist, or operation cannot be performed."
    )


def already_exists(name: str) -> SnowflakeError:
    return SnowflakeError(2002, "42710", f"SQL compilation error:\nObject '{name}' already exists.")


def insufficient_privileges(kind: str, name: str) -> SnowflakeError:
    return SnowflakeError(
        3001, "42501", f"SQL access control error:\nInsufficient privileges to operate on {kind.lower()} '{name}'."
    )


def syntax_error(position: int, unexpected: str) -> SnowflakeError:
    return SnowflakeError(
        1003,
        "42000",
        f"SQL compilation error:\nsyntax error line 1 at position {position} unexpected '{unexpected}'.",
    )


def invalid_value(message: str) -> SnowflakeError:
    """001008 (22023): a property has a value it cannot take."""
    return SnowflakeError(1008, "22023", f"SQL compilation error:\n{message}")


def unsupported(feature: str) -> SnowflakeError:
    return SnowflakeError(UNSUPPORTED, "0A000", f"Unsupported feature '{feature}'.")
