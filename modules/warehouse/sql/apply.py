"""Runs statements one after the other; stops at the first that Snowflake refuses and says where it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modules.errors import ApplyError
from modules.warehouse.sql.quoting import identifier
from modules.warehouse.sql.roles import Roles
from modules.warehouse.sql.statement import Statement

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

__all__ = ["apply"]

_SHOWN = 20


def apply(
    connection: SnowflakeConnection,
    statements: Sequence[Statement],
    roles: Roles,
    note: Callable[[int, Statement], None] | None = None,
) -> int:
    """Run all of them.

    Args:
        note: told the number and the statement before each is run.

    Returns:
        How many were run.

    Raises:
        ApplyError: Snowflake refused one; those before it are done, and running again goes on from there.
    """
    role: str | None = None
    with connection.cursor() as cursor:
        for number, each in enumerate(statements):
            if note is not None:
                note(number + 1, each)
            try:
                if roles.of(each.area) != role:
                    role = roles.of(each.area)
                    cursor.execute(f"USE ROLE {identifier(role)}")
                cursor.execute(each.sql)
            except _errors() as error:
                raise _stopped(statements, number, role, error) from None
    return len(statements)


def _errors() -> Any:
    from snowflake.connector.errors import Error

    return Error


def _stopped(statements: Sequence[Statement], number: int, role: str | None, error: Any) -> ApplyError:
    said = " ".join(str(error.msg or error).split())
    left = [" ".join(each.sql.split()) for each in statements[number + 1 :]]
    details = [
        f"Snowflake said to {role}: {said}",
        f"statement {number + 1} of {len(statements)}: {' '.join(statements[number].sql.split())}",
        f"done before it: {number}",
        *(f"not done: {sql}" for sql in left[:_SHOWN]),
        *([f"not done: {len(left) - _SHOWN} more"] if len(left) > _SHOWN else []),
    ]
    return ApplyError(
        f"Snowflake refused the statement for {statements[number].about}",
        details=details,
        do="put right what it says, then run the same command again: what is done is not done twice",
    )
