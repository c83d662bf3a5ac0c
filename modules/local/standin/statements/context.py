"""What a statement handler gets, and the registry that finds it by a statement's first words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from modules.local.standin.catalog import Catalog
from modules.local.standin.engine import Engine
from modules.local.standin.errors import SnowflakeError, does_not_exist
from modules.local.standin.privileges import Access, roles_of_user
from modules.local.standin.results import Result
from modules.local.standin.sessions import Session, Sessions
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__ = ["Context", "Handler", "find_handler", "handles"]


@dataclass
class Context:
    """One statement's surroundings."""

    catalog: Catalog
    engine: Engine
    sessions: Sessions
    session: Session
    params: Any = None
    _access: Access | None = field(default=None, repr=False)

    @property
    def access(self) -> Access:
        """What the session's role may do, as of the statement's start."""
        session = self.session
        if self._access is None or (self._access.role, self._access.secondary) != (session.role, self._secondary):
            self._access = Access(self.catalog, session.role, self._secondary)
        return self._access

    @property
    def _secondary(self) -> frozenset[str]:
        return roles_of_user(self.catalog, self.session.user) if self.session.secondary_roles else frozenset()

    def database_name(self, name: Name) -> Name:
        if len(name) != 1:
            raise does_not_exist("Database", quote(name))
        return name

    def schema_name(self, name: Name, kind: str = "SCHEMA") -> Name:
        """A schema's (or database role's) full name; one part is looked up in the session's database."""
        if len(name) == 1:
            return (self._database(), *name)
        if len(name) != 2:
            raise does_not_exist(kind, quote(name))
        return name

    def object_name(self, name: Name) -> Name:
        """A table's (or other schema object's) full name."""
        if len(name) == 1:
            return (self._database(), self._schema(), *name)
        if len(name) == 2:
            return (self._database(), *name)
        if len(name) != 3:
            raise does_not_exist("Object", quote(name))
        return name

    def _database(self) -> str:
        if self.session.database is None:
            raise SnowflakeError(
                90105,
                "22000",
                "Cannot perform operation. This session does not have a current database. "
                "Call 'USE DATABASE', or use a qualified name.",
            )
        return self.session.database

    def _schema(self) -> str:
        if self.session.schema is None:
            raise SnowflakeError(
                90106,
                "22000",
                "Cannot perform operation. This session does not have a current schema. "
                "Call 'USE SCHEMA', or use a qualified name.",
            )
        return self.session.schema


Handler = Callable[[Context, Tokens], Result]
_HANDLERS: dict[tuple[str, ...], Handler] = {}
_MODIFIERS = ("TRANSIENT", "TEMPORARY", "TEMP", "VOLATILE", "LOCAL", "GLOBAL", "TERSE", "SECURE", "RECURSIVE")
_LONGEST = 4


def handles(*statements: str) -> Callable[[Handler], Handler]:
    """Register a handler for statements that start with these words (`CREATE DATABASE`).

    The handler's tokens stand after those words; OR REPLACE, TRANSIENT and the like are skipped over in matching and
    can be asked for with `Tokens.modifiers`.
    """

    def register(handler: Handler) -> Handler:
        for statement in statements:
            _HANDLERS[tuple(statement.split())] = handler
        return handler

    return register


def find_handler(tokens: Tokens) -> Handler | None:
    """The handler for a statement, its tokens advanced past the verb; None for table SQL."""
    head: list[str] = []
    ends: list[int] = []
    modifiers: set[str] = set()
    ahead = 0
    while len(head) < _LONGEST:
        token = tokens.peek(ahead)
        if token is None or token.kind != "word":
            break
        ahead += 1
        follower = tokens.peek(ahead)
        if token.value == "OR" and follower is not None and follower.value == "REPLACE":
            modifiers.add("REPLACE")
            ahead += 1
        elif head and token.value in _MODIFIERS:
            modifiers.add(token.value)
        else:
            head.append(token.value)
            ends.append(ahead)
    for length in range(len(head), 0, -1):
        handler = _HANDLERS.get(tuple(head[:length]))
        if handler is not None:
            for _ in range(ends[length - 1]):
                tokens.next()
            tokens.modifiers = frozenset(modifiers)
            return handler
    return None
