"""Every statement the stand-in understands, one file per kind of object; adding a kind is one file and one import here.

A statement about account objects goes to the handler registered for its first words; anything else is table SQL.
"""

from __future__ import annotations

import logging
from typing import Any

from modules.local.standin.errors import UNSUPPORTED, SnowflakeError
from modules.local.standin.results import Result
from modules.local.standin.statements import (  # noqa: F401  (importing registers the handlers)
    alter_table,
    database,
    database_role,
    dynamic_table,
    governance,
    grants,
    monitors,
    network,
    parameters,
    query,
    role,
    schema,
    session,
    show_grants,
    storage,
    stream,
    streaming,
    table,
    user,
    view,
    warehouse,
)
from modules.local.standin.statements.binding import inline_identifiers
from modules.local.standin.statements.context import Context, find_handler
from modules.local.standin.tokenizer import Tokens

__all__ = ["run"]

_COMMITS = ("CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE")
_log = logging.getLogger(__name__)


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
        raise SnowflakeError(900, "42601", "SQL compilation error:\nEmpty SQL statement.")
    try:
        if governance.is_tagging(tokens):
            return governance.tagging(context, tokens)
        if governance.asks_policies(tokens):
            return governance.policy_references(context, tokens)
        handler = find_handler(tokens)
        if handler is not None:
            context.params = params
            if tokens.all()[0].value in _COMMITS and not tokens.before("ALTER", "SESSION"):
                context.engine.commit(context.session)
            return handler(context, tokens)
        return query.run(context, sql, params, batch)
    except SnowflakeError as error:
        if error.code == UNSUPPORTED:
            _log.warning("unsupported: %s: %s", error.message, _without_values(tokens))
        raise


def _without_values(tokens: Tokens) -> str:
    """A statement for the log: its literals may be secrets."""
    shown = " ".join("'…'" if token.kind == "string" else token.text for token in tokens.all())
    return shown if len(shown) <= 500 else shown[:500] + "…"
