"""Snowflake identifiers and literals as text. Identifiers are always quoted, so they mean exactly what they say."""

from __future__ import annotations

import re

from modules.local.plugins.protocol.resource import PluginError

__all__ = ["literal", "parse_name", "qualified", "same_name"]

_PART = re.compile(r'"((?:[^"]|"")*)"|([^".|]+)')


def qualified(*parts: str) -> str:
    """`"D"."S"."T"`."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def parse_name(text: str, parts: int | None = None) -> tuple[str, ...]:
    """The parts of `D.S.T`, `"D"."S"."T"` or `D|S|T`; unquoted parts are taken as they stand.

    Raises:
        PluginError: it is no identifier, or has another number of parts.
    """
    found: list[str] = []
    position = 0
    while match := _PART.match(text, position):
        found.append(match[1].replace('""', '"') if match[1] is not None else match[2])
        position = match.end()
        if position == len(text):
            break
        if text[position] not in ".|":
            break
        position += 1
    if position != len(text) or not found or (parts is not None and len(found) != parts):
        wanted = '"DATABASE"."SCHEMA"."NAME"'.rsplit(".", 3 - parts)[0] if parts else "an identifier"
        raise PluginError(f"{text!r} is not the name of an object", f"It should look like {wanted}.")
    return tuple(found)


def same_name(left: str, right: str) -> bool:
    """Are two spellings (quoted or not) the same object?"""
    try:
        return parse_name(left) == parse_name(right)
    except PluginError:
        return left == right
