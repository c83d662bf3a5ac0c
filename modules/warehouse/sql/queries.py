"""Queries as text: the query inside a CREATE statement, and whether two are the same but for white space."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["normalised", "query_of"]

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>--[^\n]*|//[^\n]*|/\*.*?\*/)
      | (?P<quoted>'(?:[^'\\]|''|\\.)*' | "(?:[^"]|"")*" | \$\$.*?\$\$)
      | (?P<word>[A-Za-z_][\w$]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text)


def query_of(text: str) -> str:
    """What follows AS in `CREATE … VIEW … AS SELECT …`; any other text as it is."""
    if not re.match(r"\s*CREATE\b", text, re.IGNORECASE):
        return text
    depth = 0
    for token in _tokens(text):
        if token["other"]:
            depth += {"(": 1, ")": -1}.get(token["other"], 0)
        elif token["word"] and token["word"].upper() == "AS" and depth == 0:
            return text[token.end() :].strip()
    return text


def normalised(query: str) -> str:
    """One blank for any white space outside quotation marks, no semicolon at the end."""
    parts = [" " if token["space"] else token.group() for token in _tokens(query)]
    return "".join(parts).strip().rstrip(";").strip()
