"""Column types: one spelling for each, and which changes keep every value.

Source of synonyms and defaults: docs.snowflake.com, Summary of data types; of changes in place: ALTER TABLE … ALTER
COLUMN, which lengthens VARCHAR and BINARY, never shortens them, and changes a NUMBER's precision where the values fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Loss", "canonical", "loss", "short"]

_BASE = {
    **dict.fromkeys(("VARCHAR", "STRING", "TEXT", "NVARCHAR", "NVARCHAR2", "CHAR VARYING", "NCHAR VARYING"), "VARCHAR"),
    **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR"), "CHAR"),
    **dict.fromkeys(("NUMBER", "DECIMAL", "NUMERIC", "DEC"), "NUMBER"),
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"), "INT"),
    **dict.fromkeys(("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"), "FLOAT"),
    **dict.fromkeys(("TIMESTAMP_NTZ", "TIMESTAMP", "DATETIME", "TIMESTAMPNTZ"), "TIMESTAMP_NTZ"),
    **dict.fromkeys(("TIMESTAMP_LTZ", "TIMESTAMPLTZ"), "TIMESTAMP_LTZ"),
    **dict.fromkeys(("TIMESTAMP_TZ", "TIMESTAMPTZ"), "TIMESTAMP_TZ"),
    **dict.fromkeys(("BINARY", "VARBINARY"), "BINARY"),
}
_DEFAULTS: dict[str, tuple[int, ...]] = {
    "VARCHAR": (16_777_216,),
    "BINARY": (8_388_608,),
    "NUMBER": (38, 0),
    "TIME": (9,),
    "TIMESTAMP_NTZ": (9,),
    "TIMESTAMP_LTZ": (9,),
    "TIMESTAMP_TZ": (9,),
}
_TYPE = re.compile(r"\s*([A-Za-z][\w ]*?)\s*(?:\(([\d\s,]*)\))?\s*")


def canonical(type_: str) -> str:
    """`number` → `NUMBER(38,0)`, `string` → `VARCHAR(16777216)`; what is not known, in upper case as it is."""
    match = _TYPE.fullmatch(type_)
    if match is None:
        return " ".join(type_.upper().split())
    word = " ".join(match[1].upper().split())
    given = tuple(int(each) for each in match[2].split(",")) if match[2] and match[2].strip() else ()
    base = _BASE.get(word, word)
    if base == "CHAR":
        base, given = "VARCHAR", given or (1,)
    elif base == "INT":
        base, given = "NUMBER", (38, 0)
    elif base == "NUMBER" and len(given) == 1:
        given = (given[0], 0)
    arguments = given or _DEFAULTS.get(base, ())
    return f"{base}({','.join(map(str, arguments))})" if arguments else base


def short(type_: str) -> str:
    """A canonical type as people write it: without arguments that are the default's."""
    base, arguments = _parts(type_)
    return base if arguments and base != "NUMBER" and _DEFAULTS.get(base) == arguments else type_


@dataclass(frozen=True)
class Loss:
    """What a change of type may cost; `refused`: Snowflake does not do it in place."""

    why: str
    refused: bool = True


def loss(old: str, new: str) -> Loss | None:
    """What changing a column's type may lose or break, both canonical; None where every value stays as it is."""
    (old_base, old_arguments), (new_base, new_arguments) = _parts(old), _parts(new)
    if old_base != new_base:
        return Loss(f"Snowflake does not make {new} of {old} in place")
    if old_base == "NUMBER" and new_arguments[1:] == old_arguments[1:]:
        if new_arguments >= old_arguments:
            return None
        return Loss(f"Snowflake refuses it if there are values beyond {new}, and such values afterwards", refused=False)
    if old_base in ("VARCHAR", "BINARY") and new_arguments >= old_arguments:
        return None
    return Loss(f"Snowflake does not change {old} to {new} in place")


def _parts(type_: str) -> tuple[str, tuple[int, ...]]:
    base, _, arguments = type_.rstrip(")").partition("(")
    return base, tuple(int(each) for each in arguments.split(",") if each.strip().isdigit())
