"""`KEY = value` lists, as CREATE and ALTER … SET take them."""

from __future__ import annotations

from collections.abc import Collection

from modules.local.standin.errors import SnowflakeError
from modules.local.standin.tokenizer import Token, Tokens, quote

__all__ = ["names", "pairs", "unknown_property"]


def unknown_property(key: str) -> SnowflakeError:
    return SnowflakeError(1420, "22023", f"SQL compilation error:\ninvalid property '{key}'")


def pairs(tokens: Tokens, allowed: Collection[str]) -> dict[str, str]:
    """The rest of a statement as properties, in upper case; values as text (identifiers unquoted, lists joined by ,).

    Raises:
        SnowflakeError: an unknown property, a syntax error.
    """
    found: dict[str, str] = {}
    while not tokens.done:
        tokens.accept(",")
        token = tokens.peek()
        key = tokens.word()
        if key == "WITH" and not tokens.at("="):
            continue
        if key not in allowed:
            raise unknown_property(key) if tokens.at("=") or token is None else _unexpected(token)
        tokens.expect("=")
        found[key] = value(tokens)
    return found


def _unexpected(token: Token) -> SnowflakeError:
    from modules.local.standin.errors import syntax_error

    return syntax_error(token.position, token.text)


def value(tokens: Tokens) -> str:
    """One property's value."""
    token = tokens.peek()
    if token is None:
        raise tokens.unexpected()
    if token.text == "(":
        return ",".join(inner.value for inner in tokens.parenthesised() if inner.text != ",")
    if token.text == "-":
        tokens.next()
        return "-" + tokens.next().value
    if token.kind in ("string", "number"):
        return tokens.next().value
    if token.kind == "word" and token.value in ("TRUE", "FALSE", "NULL"):
        return tokens.next().value.lower()
    name = tokens.name()
    return name[0] if len(name) == 1 else quote(name)


def names(tokens: Tokens) -> list[str]:
    """The rest as property names (ALTER … UNSET a, b)."""
    found = [tokens.word()]
    while tokens.accept(",") or not tokens.done:
        found.append(tokens.word())
    return found
