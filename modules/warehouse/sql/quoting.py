"""Names and values as SQL text. Everything that comes from a person or from the account goes through here.

Names are always quoted, so nothing is folded and no word is reserved. Not for a view's query or a pipe's COPY: those
are SQL by intention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from modules.errors import ConfigError

__all__ = [
    "boolean",
    "comment_line",
    "identifier",
    "identifiers",
    "literal",
    "literals",
    "number",
    "parse_name",
    "qualified",
]

_LONGEST = 255
_LINE_ENDS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_PART = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([A-Za-z_][\w$]*))\s*(\.|\Z)')


def identifier(name: str) -> str:
    """One name in quotation marks.

    Raises:
        ConfigError: it is empty, longer than Snowflake allows, or holds a NUL.
    """
    if not name or "\0" in name or len(name) > _LONGEST:
        shown = name[:40].replace("\0", "\\0")
        raise ConfigError(
            f"'{shown}' cannot be a name in Snowflake", do=f"use 1 to {_LONGEST} characters, none of them NUL"
        )
    return '"' + name.replace('"', '""') + '"'


def qualified(parts: Iterable[str]) -> str:
    """`"D"."S"."T"`."""
    return ".".join(identifier(part) for part in parts)


def identifiers(names: Iterable[str]) -> str:
    """`("A", "B")`."""
    return f"({', '.join(identifier(name) for name in names)})"


def literal(text: str) -> str:
    """Text in single quotation marks. A backslash begins an escape sequence there, so it is doubled as well.

    Raises:
        ConfigError: it holds a NUL, which Snowflake's text cannot.
    """
    if "\0" in text:
        raise ConfigError("a text for Snowflake holds a NUL character", do="take it out")
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """`('a', 'b')`."""
    return f"({', '.join(literal(text) for text in texts)})"


def number(value: int) -> str:
    return str(int(value))


def boolean(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def comment_line(text: str) -> str:
    """Text as one line of `-- …`; what could end the line becomes a space."""
    return f"-- {_LINE_ENDS.sub(' ', text)}".rstrip()


def parse_name(text: str) -> tuple[str, ...]:
    """A dotted name as SHOW writes it, `STREAMING."odd name".T`, in its parts; names without marks are kept as they
    stand, for SHOW writes them as they are."""
    parts: list[str] = []
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            # SHOW writes some names bare that are no plain identifiers: the rest is one name.
            return (*parts, text[position:])
        parts.append(match[1].replace('""', '"') if match[1] is not None else match[2])
        position = match.end()
        if not match[3]:
            break
    return tuple(parts)
