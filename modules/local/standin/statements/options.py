"""`KEY = value` lists, as CREATE and ALTER … SET take them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from modules.local.standin.errors import SnowflakeError, unsupported
from modules.local.standin.tokenizer import Token, Tokens, quote

__all__ = ["names", "nested", "not_understood", "options", "pairs", "unknown_property"]


def unknown_property(key: str) -> SnowflakeError:
    return SnowflakeError(1420, "22023", f"SQL compilation error:\ninvalid property '{key}'")


def not_understood(tokens: Tokens, statement: str) -> SnowflakeError:
    """A clause Snowflake may know and the stand-in does not, or a syntax error where there is no word at all."""
    token = tokens.peek()
    if token is None or token.kind != "word":
        return tokens.unexpected()
    return unsupported(f"{statement} … {token.value}")


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


def options(tokens: Tokens, allowed: Collection[str], until: tuple[str, ...] = ()) -> dict[str, Any]:
    """As `pairs`, for values with structure: a list is a list, `(KEY = v …)` a dict, and both may nest.

    Args:
        until: words that end the options and are left standing (`AS`).

    Raises:
        SnowflakeError: an unknown property, a syntax error.
    """
    found: dict[str, Any] = {}
    while not tokens.done and not any(tokens.at(word) for word in until):
        tokens.accept(",")
        if tokens.accept("WITH"):
            continue
        key = tokens.word()
        if key not in allowed:
            raise unknown_property(key)
        tokens.accept("=")
        found[key] = nested(tokens)
    return found


def nested(tokens: Tokens) -> Any:
    """One value: text, a list of values, or a dict of them."""
    if not tokens.accept("("):
        return value(tokens)
    items: list[Any] = []
    fields: dict[str, Any] = {}
    while not tokens.accept(")"):
        token, follower = tokens.peek(), tokens.peek(1)
        if token is not None and token.kind == "word" and follower is not None and follower.text == "=":
            key = tokens.word()
            tokens.expect("=")
            fields[key] = nested(tokens)
        else:
            items.append(nested(tokens))
        tokens.accept(",")
    return fields or items
