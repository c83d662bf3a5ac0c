"""Names as Snowflake takes them: what it refuses, folds or keeps for itself, and the ways objects are referred to.

Everything the project makes is named in upper case without characters that need quotation marks, so that a person may
write the name in a query as it stands. Nothing is looked up here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ACCOUNT_KINDS", "OBJECT_KINDS", "PRIVILEGES", "SYSTEM_ROLES", "Target", "Use", "fold", "name_problem",
    "parse_target", "path_problem",
]  # fmt: skip

_LONGEST = 255
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")

SYSTEM_ROLES = ("ACCOUNTADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC", "ORGADMIN")
"""Roles every account has."""

_RESERVED = frozenset(
    [
        "ALL",
        "ALTER",
        "AND",
        "ANY",
        "AS",
        "BETWEEN",
        "BY",
        "CHECK",
        "COLUMN",
        "CONNECT",
        "CREATE",
        "CURRENT",
        "DELETE",
        "DISTINCT",
        "DROP",
        "ELSE",
        "EXISTS",
        "FOLLOWING",
        "FOR",
        "FROM",
        "GRANT",
        "GROUP",
        "HAVING",
        "ILIKE",
        "IN",
        "INCREMENT",
        "INSERT",
        "INTERSECT",
        "INTO",
        "IS",
        "LIKE",
        "MINUS",
        "NOT",
        "NULL",
        "OF",
        "ON",
        "OR",
        "ORDER",
        "QUALIFY",
        "REGEXP",
        "REVOKE",
        "RLIKE",
        "ROW",
        "ROWS",
        "SAMPLE",
        "SELECT",
        "SET",
        "SOME",
        "START",
        "TABLE",
        "TABLESAMPLE",
        "THEN",
        "TO",
        "TRIGGER",
        "UNION",
        "UNIQUE",
        "UPDATE",
        "VALUES",
        "WHENEVER",
        "WHERE",
        "WITH",
    ]
)
_RESERVED_FOR = {
    "column": frozenset(
        [
            "CASE",
            "CAST",
            "CONSTRAINT",
            "CURRENT_DATE",
            "CURRENT_TIME",
            "CURRENT_TIMESTAMP",
            "CURRENT_USER",
            "FALSE",
            "LOCALTIME",
            "LOCALTIMESTAMP",
            "TRUE",
            "TRY_CAST",
            "WHEN",
        ]
    ),
    "table": frozenset(["CROSS", "FULL", "INNER", "JOIN", "LATERAL", "LEFT", "NATURAL", "RIGHT", "USING"]),
    "container": frozenset(
        ["ACCOUNT", "CONNECTION", "DATABASE", "GSCLUSTER", "ISSUE", "ORGANIZATION", "SCHEMA", "VIEW"]
    ),
}
"""Source: docs.snowflake.com, Reserved & limited keywords: words by where they cannot stand as a name."""

Use = Literal["column", "table", "container", "other"]


def fold(name: str) -> str:
    """A name without quotation marks as Snowflake keeps it."""
    return name.upper()


def name_problem(name: str, use: Use = "other") -> str | None:
    """Why one part of a name cannot be used here; None if it can."""
    if not name:
        return "a name is missing"
    if '"' in name:
        return f"names are written without quotation marks, got {name}"
    if not _NAME.fullmatch(name):
        if name.endswith("-STREAMING"):
            return f"`{name}` is a pipe Snowflake makes and keeps by itself; take it out"
        bad = "".join(sorted(set(re.sub(r"[A-Za-z0-9_$]", "", name))))
        what = f"{bad!r} is not allowed" if bad else "a digit or `$` cannot be first"
        return f"Snowflake refuses the name '{name}': {what}; use letters, digits, `_` and `$`, a letter or `_` first"
    if len(name) > _LONGEST:
        return f"the name has {len(name)} characters; Snowflake allows {_LONGEST}"
    if name != fold(name):
        return f"Snowflake folds `{name}` to `{fold(name)}`; write it in upper case"
    if name in _RESERVED or name in _RESERVED_FOR.get(use, ()):
        return f"`{name}` is a word Snowflake keeps for itself; choose another name"
    return None


def path_problem(text: str, parts: Sequence[str], use: Use = "other") -> str | None:
    """Why `DATABASE.SCHEMA.NAME` cannot be used; `parts` says what is expected, as ("DATABASE", "SCHEMA", "TABLE")."""
    names = text.split(".")
    if len(names) != len(parts):
        return f"expected {'.'.join(parts)}, got '{text}'"
    for number, name in enumerate(names):
        wrong = name_problem(name, use if number == len(names) - 1 else "container")
        if wrong:
            return wrong
    return None


ACCOUNT_KINDS = ("DATABASE", "WAREHOUSE", "INTEGRATION", "EXTERNAL VOLUME", "RESOURCE MONITOR")
OBJECT_KINDS = ("TABLE", "VIEW", "DYNAMIC TABLE", "ICEBERG TABLE", "STAGE", "PIPE")
_PLURALS = {f"{kind}S": kind for kind in (*OBJECT_KINDS, "SCHEMA")}

_CREATE = ("TABLE", "VIEW", "DYNAMIC TABLE", "ICEBERG TABLE", "STAGE", "PIPE", "STREAM", "TASK", "FILE FORMAT",
           "FUNCTION", "PROCEDURE", "SEQUENCE")  # fmt: skip
_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "EVOLVE SCHEMA", "REBUILD")
PRIVILEGES: dict[str, tuple[str, ...]] = {
    "ACCOUNT": ("CREATE DATABASE", "CREATE WAREHOUSE", "CREATE ROLE", "CREATE USER", "CREATE INTEGRATION",
                "EXECUTE TASK", "EXECUTE MANAGED TASK", "MANAGE GRANTS", "MONITOR USAGE", "MONITOR EXECUTION"),
    "DATABASE": ("USAGE", "MODIFY", "MONITOR", "CREATE SCHEMA", "CREATE DATABASE ROLE"),
    "SCHEMA": ("USAGE", "MODIFY", "MONITOR", *(f"CREATE {each}" for each in _CREATE)),
    "WAREHOUSE": ("USAGE", "OPERATE", "MONITOR", "MODIFY"),
    "INTEGRATION": ("USAGE",),
    "EXTERNAL VOLUME": ("USAGE",),
    "RESOURCE MONITOR": ("MODIFY", "MONITOR"),
    "TABLE": _TABLE,
    "ICEBERG TABLE": ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"),
    "VIEW": ("SELECT", "REFERENCES"),
    "DYNAMIC TABLE": ("SELECT", "OPERATE", "MONITOR"),
    "STAGE": ("USAGE", "READ", "WRITE"),
    "PIPE": ("OPERATE", "MONITOR"),
}  # fmt: skip
"""What may be granted on an object of a kind. Source: docs.snowflake.com, Access control privileges."""


@dataclass(frozen=True)
class Target:
    """What a grant is on.

    Attributes:
        scope: `one` object, `all` there are or `future` ones of a kind, or the `account`.
        kind: in the singular, as `DYNAMIC TABLE`.
        name: its parts; with `all` and `future` those of the database or schema they are in.
    """

    scope: Literal["one", "all", "future", "account"]
    kind: str
    name: tuple[str, ...]

    @property
    def dotted(self) -> str:
        return ".".join(self.name)

    def __str__(self) -> str:
        if self.scope == "account":
            return "account"
        if self.scope == "one":
            return f"{self.kind.lower()} {self.dotted}"
        return f"{self.scope} {self.kind.lower()}s in {self.dotted}"


def parse_target(text: str) -> Target:
    """`table D.S.T`, `schema D.S`, `warehouse W`, `future tables in D.S`, `all schemas in D`, `account`.

    Raises:
        ValueError: it is none of these; the message says what was expected.
    """
    words = text.split()
    upper = [word.upper() for word in words]
    if upper == ["ACCOUNT"]:
        return Target("account", "ACCOUNT", ())
    if upper and upper[0] in ("ALL", "FUTURE") and "IN" in upper:
        at = upper.index("IN")
        kind = _PLURALS.get(" ".join(upper[1:at]))
        container = words[at + 1].split(".") if len(words) == at + 2 else []
        if kind and len(container) in ((1,) if kind == "SCHEMA" else (1, 2)):
            return Target("all" if upper[0] == "ALL" else "future", kind, tuple(container))
    elif len(words) > 1:
        kind, name = " ".join(upper[:-1]), tuple(words[-1].split("."))
        depth = 1 if kind in ACCOUNT_KINDS else 2 if kind == "SCHEMA" else 3 if kind in OBJECT_KINDS else 0
        if len(name) == depth:
            return Target("one", kind, name)
    raise ValueError(
        "expected a kind and a name, as `table DATABASE.SCHEMA.TABLE`, `schema DATABASE.SCHEMA`, `warehouse NAME`, "
        f"`future tables in DATABASE.SCHEMA`, or `account`, got '{text}'"
    )
