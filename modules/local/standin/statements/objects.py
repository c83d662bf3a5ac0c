"""What most kinds of objects share: CREATE, ALTER … SET/UNSET/RENAME, DROP, SHOW, DESCRIBE over the catalogue.

A kind says how its definition is read and how it is shown (`ObjectKind`), `register` does the rest: rights, OR REPLACE,
IF [NOT] EXISTS, comments. Kinds with rows of their own (tables, views) have their own files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modules.local.standin.catalog import Entity
from modules.local.standin.errors import already_exists, does_not_exist
from modules.local.standin.kinds import KINDS
from modules.local.standin.results import SCL, Result, rows_of, stamp, status
from modules.local.standin.statements.alter import dropped_already, full_name
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import names, not_understood, options, unknown_property
from modules.local.standin.statements.show import parse_show
from modules.local.standin.tokenizer import Tokens, quote

__all__ = ["ObjectKind", "head", "make_room", "place", "register"]

_DONE = "Statement executed successfully."


def _nothing(context: Context, entity: Entity) -> None:
    return


@dataclass(frozen=True)
class ObjectKind:
    """How one kind of object is read, kept and shown."""

    kind: str
    show: str
    """SHOW's columns, as `rows_of` takes them."""
    row: Callable[[Context, Entity], Sequence[Any]]
    properties: frozenset[str] = frozenset()
    """What CREATE and SET take besides COMMENT."""
    parse: Callable[[Context, Tokens], dict[str, Any]] | None = None
    """Reads a CREATE after the name; without it `KEY = value` lists."""
    alter: Callable[[Context, Entity, Tokens], bool] | None = None
    """Reads an ALTER of the kind's own; False when it is none."""
    check: Callable[[Context, dict[str, Any]], None] | None = None
    """Refuses values that cannot be."""
    describe: str = ""
    details: Callable[[Context, Entity], Sequence[Sequence[Any]]] | None = None
    created: Callable[[Context, Entity], None] = _nothing
    dropping: Callable[[Context, Entity], None] = _nothing
    words: str = ""
    """In statements, where it is not the kind's name."""
    privilege: str = ""
    show_words: str = ""

    @property
    def sql(self) -> str:
        return self.words or self.kind

    @property
    def scope(self) -> Literal["account", "database", "schema"]:
        scopes: tuple[Literal["account", "database", "schema"], ...] = ("account", "database", "schema")
        return scopes[KINDS[self.kind].depth - 1]


def register(kind: ObjectKind) -> None:
    """Make the statements of a kind known."""
    plural = kind.show_words or KINDS[kind.kind].plural
    handles(f"CREATE {kind.sql}")(lambda context, tokens: _create(kind, context, tokens))
    handles(f"ALTER {kind.sql}")(lambda context, tokens: _alter(kind, context, tokens))
    handles(f"DROP {kind.sql}")(lambda context, tokens: _drop(kind, context, tokens))
    handles(f"SHOW {plural}")(lambda context, tokens: _show(kind, context, tokens))
    if kind.details is not None:
        handles(f"DESCRIBE {kind.sql}", f"DESC {kind.sql}")(lambda c, tokens: _describe(kind, c, tokens))


def place(context: Context, kind: str, name: tuple[str, ...], privilege: str) -> None:
    """Check that the role may create an object of this kind there.

    Raises:
        SnowflakeError: 002003 no such database or schema, 003001 no right.
    """
    if len(name) == 1:
        context.access.require_on_account(privilege)
        return
    database = context.access.find("DATABASE", name[:1])
    within = database if len(name) == 2 else context.access.find("SCHEMA", name[:2])
    context.access.require(privilege, within)


def make_room(
    context: Context, kind: str, name: tuple[str, ...], tolerant: bool, replace: bool, remove: Callable[[Entity], None]
) -> Result | None:
    """Deal with an object of that name: a result when there is nothing left to do, `remove` what is replaced."""
    existing = context.catalog.get(kind, name)
    if existing is None:
        return None
    if tolerant:
        return status(f"{quote(name[-1])} already exists, statement succeeded.")
    if not replace:
        raise already_exists(quote(name))
    context.access.require_owner(existing)
    remove(existing)
    context.catalog.drop(existing)
    return None


def _create(kind: ObjectKind, context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_not_exists()
    name = full_name(context, kind.kind, tokens.name())
    # The engine's lock first, as everywhere, so that no two statements wait for each other.
    with context.engine.write_lock, context.catalog.change():
        place(context, kind.kind, name, kind.privilege or f"CREATE {kind.kind}")
        replace = "REPLACE" in tokens.modifiers
        done = make_room(context, kind.kind, name, tolerant, replace, lambda old: kind.dropping(context, old))
        if done is not None:
            return done
        given = kind.parse(context, tokens) if kind.parse else options(tokens, {*kind.properties, "COMMENT"})
        tokens.end()
        if kind.check is not None:
            kind.check(context, given)
        comment = given.pop("COMMENT", "")
        entity = context.catalog.create(kind.kind, name, context.session.role, comment=comment, props=given)
        kind.created(context, entity)
    return status(f"{kind.sql.capitalize()} {quote(name[-1])} successfully created.")


def _alter(kind: ObjectKind, context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_exists()
    name = full_name(context, kind.kind, tokens.name())
    # The engine's lock first, as everywhere, so that no two statements wait for each other.
    with context.engine.write_lock, context.catalog.change():
        entity = context.catalog.get(kind.kind, name)
        if entity is None or not context.access.sees(entity):
            if tolerant:
                return status(_DONE)
            raise does_not_exist(kind.sql, quote(name))
        if not context.access.holds("MODIFY", kind.kind, name):
            context.access.require_owner(entity)
        if kind.alter is not None and kind.alter(context, entity, tokens):
            tokens.end()
            context.catalog.put(entity)
            return status(_DONE)
        _change(kind, context, entity, tokens)
    return status(_DONE)


def _change(kind: ObjectKind, context: Context, entity: Entity, tokens: Tokens) -> None:
    if tokens.accept("RENAME", "TO"):
        new = full_name(context, kind.kind, tokens.name())
        tokens.end()
        if context.catalog.get(kind.kind, new) is not None:
            raise already_exists(quote(new))
        context.catalog.rename(entity, new)
        return
    if tokens.accept("SET"):
        given = options(tokens, {*kind.properties, "COMMENT"})
        if kind.check is not None:
            kind.check(context, given)
        entity.comment = given.pop("COMMENT", entity.comment)
        entity.props.update(given)
        entity.props = {key: value for key, value in entity.props.items() if value != "null"}
    elif tokens.accept("UNSET"):
        for key in names(tokens):
            if key == "COMMENT":
                entity.comment = ""
            elif key in kind.properties:
                entity.props.pop(key, None)
            else:
                raise unknown_property(key)
    else:
        raise not_understood(tokens, f"ALTER {kind.sql}")
    context.catalog.put(entity)


def _drop(kind: ObjectKind, context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_exists()
    name = full_name(context, kind.kind, tokens.name())
    tokens.end()
    with context.engine.write_lock, context.catalog.change():
        entity = context.catalog.get(kind.kind, name)
        if entity is None or not context.access.sees(entity):
            if tolerant:
                return dropped_already(name)
            raise does_not_exist(kind.sql, quote(name))
        context.access.require_owner(entity)
        kind.dropping(context, entity)
        context.catalog.drop(entity)
    return status(f"{quote(name[-1])} successfully dropped.")


def _show(kind: ObjectKind, context: Context, tokens: Tokens) -> Result:
    picked = parse_show(context, tokens, kind.scope).pick(context, context.catalog.of_kind(kind.kind))
    return rows_of(kind.show, [tuple(kind.row(context, entity)) for entity in picked])


def _describe(kind: ObjectKind, context: Context, tokens: Tokens) -> Result:
    entity = context.access.find(kind.kind, full_name(context, kind.kind, tokens.name()))
    tokens.end()
    assert kind.details is not None
    return rows_of(kind.describe, [tuple(row) for row in kind.details(context, entity)], SCL + 0x500)


def head(entity: Entity) -> tuple[str, ...]:
    """created_on, name, database_name, schema_name: how most rows of schema objects begin."""
    return (stamp(entity.created_on), entity.name[2], entity.name[0], entity.name[1])
