"""What ALTER shares across kinds: RENAME TO, SET, UNSET of a comment, properties and parameters."""

from __future__ import annotations

from collections.abc import Callable, Collection

from modules.local.standin.catalog import Entity
from modules.local.standin.errors import already_exists, does_not_exist, unsupported
from modules.local.standin.kinds import KINDS
from modules.local.standin.results import Result, status
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import names, not_understood, pairs, unknown_property
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__ = ["alter_properties", "dropped_already", "full_name", "store"]


def full_name(context: Context, kind: str, name: Name) -> Name:
    """A name with the parts its kind needs."""
    depth = KINDS[kind].depth
    if depth == 3:
        return context.object_name(name)
    if depth == 2:
        return context.schema_name(name, kind)
    if len(name) != 1:
        raise does_not_exist(kind, quote(name))
    return name


def dropped_already(name: Name) -> Result:
    """What DROP … IF EXISTS says when there was nothing."""
    return status(f"Drop statement executed successfully ({quote(name[-1])} already dropped).")


def store(entity: Entity, given: dict[str, str], parameters: Collection[str]) -> None:
    """Put SET values where they belong."""
    for key, value in given.items():
        if key == "COMMENT":
            entity.comment = value
        elif key in parameters:
            entity.params[key] = value
        else:
            entity.props[key] = value


def _unset(entity: Entity, keys: list[str], parameters: Collection[str], properties: Collection[str]) -> None:
    for key in keys:
        if key == "COMMENT":
            entity.comment = ""
        elif key in parameters:
            entity.params.pop(key, None)
        elif key in properties:
            entity.props.pop(key, None)
        else:
            raise unknown_property(key)


def alter_properties(
    context: Context,
    tokens: Tokens,
    kind: str,
    parameters: Collection[str],
    properties: Collection[str] = (),
    *,
    check: Callable[[dict[str, str]], None] | None = None,
) -> Result:
    """`ALTER <kind> [IF EXISTS] <name> RENAME TO … | SET … | UNSET …`; the kind is already read.

    Raises:
        SnowflakeError: 002003 absent, 003001 not the owner, 001420 unknown property.
    """
    tolerant = tokens.if_exists()
    name = full_name(context, kind, tokens.name())
    with context.engine.write_lock, context.catalog.change():
        entity = context.catalog.get(kind, name)
        if entity is None or not context.access.sees(entity):
            if tolerant:
                return status("Statement executed successfully.")
            raise does_not_exist(kind, quote(name))
        if not context.access.may("MODIFY", entity):
            context.access.require_owner(entity)
        if tokens.accept("RENAME", "TO"):
            _rename(context, entity, tokens)
        elif tokens.accept("SET"):
            given = pairs(tokens, {*parameters, *properties, "COMMENT"})
            if check is not None:
                check(given)
            store(entity, given, parameters)
            context.catalog.put(entity)
        elif tokens.accept("UNSET"):
            _unset(entity, names(tokens), parameters, properties)
            context.catalog.put(entity)
        else:
            raise not_understood(tokens, f"ALTER {kind}")
    return status("Statement executed successfully.")


_COMMENTED = ("DATABASE", "SCHEMA", "TABLE", "ROLE", "USER", "WAREHOUSE")


@handles("COMMENT")
def comment(context: Context, tokens: Tokens) -> Result:
    """`COMMENT [IF EXISTS] ON <kind> <name> IS '…'`."""
    tolerant = tokens.if_exists()
    tokens.expect("ON")
    kind = tokens.word()
    if kind not in _COMMENTED:
        raise unsupported(f"COMMENT ON {kind}")
    name = full_name(context, kind, tokens.name())
    tokens.expect("IS")
    text = tokens.string()
    tokens.end()
    with context.catalog.change():
        entity = context.catalog.get(kind, name)
        if entity is None and tolerant:
            return status("Statement executed successfully.")
        entity = context.access.find(kind, name)
        context.access.require_owner(entity)
        entity.comment = text
        context.catalog.put(entity)
    return status("Statement executed successfully.")


def _rename(context: Context, entity: Entity, tokens: Tokens) -> None:
    new = full_name(context, entity.kind, tokens.name())
    tokens.end()
    if entity.kind in ("DATABASE", "SCHEMA"):
        # DuckDB cannot rename a schema, and a database's name is in its views.
        raise unsupported(f"ALTER {entity.kind} … RENAME")
    if context.catalog.get(entity.kind, new) is not None:
        raise already_exists(quote(new))
    context.catalog.rename(entity, new)
