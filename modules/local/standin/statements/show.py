"""The clauses every SHOW shares: LIKE, IN, STARTS WITH, LIMIT."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from modules.local.standin.catalog import Entity
from modules.local.standin.statements.context import Context
from modules.local.standin.tokenizer import Name, Tokens

__all__ = ["Show", "parse_like", "parse_show", "yes_no"]


def yes_no(value: bool) -> str:
    return "Y" if value else "N"


def _like(pattern: str) -> re.Pattern[str]:
    out, escaped = [], False
    for char in pattern:
        if escaped:
            out.append(re.escape(char))
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            out.append({"%": ".*", "_": "."}.get(char, re.escape(char)))
    return re.compile("".join(out) + r"\Z", re.IGNORECASE | re.DOTALL)


def parse_like(tokens: Tokens) -> re.Pattern[str] | None:
    """A LIKE clause, if there is one here; SHOW's LIKE ignores case."""
    return _like(tokens.string()) if tokens.accept("LIKE") else None


@dataclass(frozen=True)
class Show:
    """Parsed clauses; `within` is () for the account."""

    like: re.Pattern[str] | None = None
    within: Name = ()
    starts_with: str = ""
    limit: int | None = None

    def pick(self, context: Context, entities: Iterable[Entity]) -> list[Entity]:
        """Those that match, inside the container, and visible to the role."""
        found = [
            entity
            for entity in entities
            if (self.like is None or self.like.match(entity.name[-1]))
            and entity.name[-1].startswith(self.starts_with)
            and entity.name[: len(self.within)] == self.within
            and context.access.sees(entity)
        ]
        return found[: self.limit] if self.limit is not None else found


def parse_show(context: Context, tokens: Tokens, default: Literal["account", "database", "schema"] = "account") -> Show:
    """Read the clauses up to the end.

    Raises:
        SnowflakeError: a syntax error, or 002043 where the container is absent.
    """
    like = within = limit = None
    starts_with = ""
    tokens.accept("HISTORY")
    while not tokens.done:
        if tokens.accept("LIKE"):
            like = _like(tokens.string())
        elif tokens.accept("IN"):
            within = _container(context, tokens, default)
        elif tokens.accept("STARTS", "WITH"):
            starts_with = tokens.string()
        elif tokens.accept("LIMIT"):
            limit = int(tokens.next().value)
            if tokens.accept("FROM"):
                tokens.string()
        else:
            raise tokens.unexpected()
    return Show(like, _default(context, default) if within is None else within, starts_with, limit)


def _default(context: Context, default: str) -> Name:
    session = context.session
    if default == "account" or session.database is None:
        return ()
    if default == "database" or session.schema is None:
        return (session.database,)
    return (session.database, session.schema)


def _container(context: Context, tokens: Tokens, default: str) -> Name:
    if tokens.accept("ACCOUNT"):
        return ()
    if tokens.accept("DATABASE"):
        named = not (tokens.done or tokens.at("LIKE") or tokens.at("STARTS") or tokens.at("LIMIT"))
        name = tokens.name() if named else (str(context.session.database),)
        return context.access.container("DATABASE", context.database_name(name)).name
    explicit = tokens.accept("SCHEMA")
    name = tokens.name()
    if default == "database" and not explicit and len(name) == 1:
        return context.access.container("DATABASE", name).name
    return context.access.container("SCHEMA", context.schema_name(name)).name
