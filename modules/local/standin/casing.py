"""Names that differ only in case, on an engine that cannot tell them apart.

Snowflake keeps `"a"` and `"A"` apart, DuckDB does not. A name with ASCII lower-case letters is therefore stored in
upper case with a mark and the places of its lower-case letters behind it. Names of the engine's own things stay.
"""

from __future__ import annotations

import re

__all__ = ["fold", "unfold", "unfold_text"]

_MARK = "\ue000"
"""A private-use character, which nobody types."""
_OWN = ("_fs_", "_infra_")
_LOWER = re.compile(r"[a-z]")
_FOLDED = re.compile(rf"([^\s\"'.,()]+){_MARK}([0-9a-f]+)")


def fold(name: str) -> str:
    """The name the engine is given."""
    if not _LOWER.search(name) or name.startswith(_OWN) or name in ("main", "memory", "temp") or _MARK in name:
        return name
    places = sum(1 << index for index, char in enumerate(name) if "a" <= char <= "z")
    return "".join(char.upper() if "a" <= char <= "z" else char for char in name) + f"{_MARK}{places:x}"


def unfold(name: str) -> str:
    """The inverse of `fold`."""
    folded, mark, places = name.partition(_MARK)
    if not mark:
        return name
    bits = int(places, 16)
    return "".join(char.lower() if bits >> index & 1 else char for index, char in enumerate(folded))


def unfold_text(text: str) -> str:
    """A message with the names in it as the user knows them."""
    return _FOLDED.sub(lambda match: unfold(match.group()), text)
