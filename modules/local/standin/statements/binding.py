"""`identifier(?)` and `identifier('…')`: a name given as a binding or a text, put in its place before all else.

JDBC clients, Snowflake's Kafka connector among them, name every object that way.
"""

from __future__ import annotations

from typing import Any

from modules.local.standin.tokenizer import Tokens, quote

__all__ = ["inline_identifiers"]


def inline_identifiers(sql: str, params: Any) -> tuple[str, Any]:
    """The statement with such names in it, and the bindings that are left.

    Raises:
        SnowflakeError: a name that is none.
    """
    if "identifier" not in sql.lower():
        return sql, params
    tokens = Tokens(sql)
    parts: list[str] = []
    used: set[int] = set()
    copied = seen = 0
    positional = isinstance(params, tuple | list)
    while not tokens.done:
        token = tokens.next()
        if token.text == "?":
            seen += 1
        if token.kind != "word" or token.value != "IDENTIFIER" or not tokens.at("("):
            continue
        inner, closing = tokens.peek(1), tokens.peek(2)
        if inner is None or closing is None or closing.text != ")":
            continue
        if inner.text == "?" and positional and seen < len(params):
            name = str(params[seen])
            used.add(seen)
        elif inner.kind == "string":
            name = inner.value
        else:
            continue
        named = Tokens(name)
        parts += [sql[copied : token.position], quote(named.name())]
        named.end()
        copied = closing.end
    if not parts:
        return sql, params
    left = tuple(value for index, value in enumerate(params) if index not in used) if positional else params
    return "".join(parts) + sql[copied:], left
