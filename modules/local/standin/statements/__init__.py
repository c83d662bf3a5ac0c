"""Every statement the stand-in understands, one file per kind of object; adding a kind is one file and one import here.

A statement about account objects goes to the handler registered for its first words; anything else is table SQL.
"""

from __future__ import annotations

from typing import Any

from modules.local.standin.results import Result
from modules.local.standin.statements import (  # noqa: F401  (importing registers the handlers)
    alter_table,
    database,
    grants,
    parameters,
    query,
    role,
    schema,
    session,
    show_grants,
    streaming,
    table,
    user,
    warehouse,
)
from modules.local.standin.statements.binding import inline_identifiers
from modules.local.standin.statements.context import Context, find_handler
from modules.local.standin.tokenizer import Tokens

__all__ = ["run"]


def run(context: Context, sql: str, params: Any = None, batch: list[tuple[Any, ...]] | None = None) -> Result:
    """Answer one statement.

    Args:
        params: positional or named bindings.
        batch: an array binding's rows (INSERT only).

    Raises:
        SnowflakeError: in Snowflake's own words.
    """
    sql, params = inline_identifiers(sql, params)
    tokens = Tokens(sql)
    if tokens.done:
        from modules.local.standin.errors import SnowflakeError

        raise SnowflakeError(900, "42601", "SQL compilation error:\nEmpty SQL statement.")
    handler = find_handler(tokens)
    if handler is not None:
        context.params = params
        return handler(context, tokens)
    return query.run(context, sql, params, batch)
