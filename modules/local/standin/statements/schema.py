"""SCHEMA: create, alter, drop, show, describe."""

from __future__ import annotations

from modules.local.standin import streams
from modules.local.standin.catalog import Entity
from modules.local.standin.errors import already_exists, does_not_exist, unsupported
from modules.local.standin.parameters import PARAMETERS, effective
from modules.local.standin.results import SCL, Result, rows_of, stamp, status
from modules.local.standin.statements.alter import alter_properties, dropped_already
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import pairs
from modules.local.standin.statements.show import parse_show, yes_no
from modules.local.standin.tokenizer import Tokens, quote

__all__: list[str] = []

_PARAMETERS = frozenset(PARAMETERS["SCHEMA"])


@handles("CREATE SCHEMA")
def create(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_not_exists()
    name = context.schema_name(tokens.name())
    if tokens.at("CLONE"):
        raise unsupported("CREATE SCHEMA … CLONE")
    managed = tokens.accept("WITH", "MANAGED", "ACCESS")
    given = pairs(tokens, _PARAMETERS | {"COMMENT"})
    with context.engine.write_lock, context.catalog.change():
        database = context.access.find("DATABASE", name[:1])
        existing = context.catalog.get("SCHEMA", name)
        if existing is not None:
            if tolerant:
                return status(f"{quote(name[-1])} already exists, statement succeeded.")
            if "REPLACE" not in tokens.modifiers:
                raise already_exists(quote(name))
        context.access.require("CREATE SCHEMA", database)
        if existing is not None:
            context.access.require_owner(existing)
            _remove(context, existing)
        comment = given.pop("COMMENT", "")
        transient = "TRANSIENT" in tokens.modifiers or bool(database.props.get("transient"))
        props = {"transient": transient, "managed_access": managed}
        context.catalog.create("SCHEMA", name, context.session.role, comment=comment, props=props, params=given)
        context.engine.create_schema(name)
    context.session.database, context.session.schema = name
    return status(f"Schema {quote(name[-1])} successfully created.")


def _remove(context: Context, entity: Entity) -> None:
    for stream in context.catalog.of_kind("STREAM", entity.name):
        streams.drop_storage(context, stream)
    context.catalog.drop(entity)
    context.engine.drop_schema(entity.name)
    for session in context.sessions.all():
        if (session.database, session.schema) == entity.name:
            session.schema = None


@handles("DROP SCHEMA")
def drop(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_exists()
    name = context.schema_name(tokens.name())
    tokens.accept("CASCADE") or tokens.accept("RESTRICT")
    tokens.end()
    with context.engine.write_lock, context.catalog.change():
        entity = context.catalog.get("SCHEMA", name)
        if entity is None or not context.access.sees(entity):
            if tolerant:
                return dropped_already(name)
            raise does_not_exist("Schema", quote(name))
        context.access.require_owner(entity)
        _remove(context, entity)
    return status(f"{quote(name[-1])} successfully dropped.")


@handles("ALTER SCHEMA")
def alter(context: Context, tokens: Tokens) -> Result:
    managed = _managed_access(context, tokens)
    return managed or alter_properties(context, tokens, "SCHEMA", _PARAMETERS)


def _managed_access(context: Context, tokens: Tokens) -> Result | None:
    """ALTER SCHEMA x ENABLE|DISABLE MANAGED ACCESS."""
    rest = [token.value for token in (tokens.peek(i) for i in range(len(tokens))) if token]
    if rest[-2:] != ["MANAGED", "ACCESS"]:
        return None
    tokens.if_exists()
    name = context.schema_name(tokens.name())
    enable = tokens.accept("ENABLE")
    if not enable:
        tokens.expect("DISABLE")
    with context.catalog.change():
        entity = context.access.find("SCHEMA", name)
        context.access.require_owner(entity)
        entity.props["managed_access"] = enable
        context.catalog.put(entity)
    return status("Statement executed successfully.")


@handles("SHOW SCHEMAS")
def show(context: Context, tokens: Tokens) -> Result:
    picked = parse_show(context, tokens, "database").pick(context, context.catalog.of_kind("SCHEMA"))
    current = (context.session.database, context.session.schema)
    rows = [
        (
            stamp(entity.created_on),
            entity.name[1],
            "N",
            yes_no(entity.name == current),
            entity.name[0],
            entity.owner,
            entity.comment,
            ", ".join(_options(entity)),
            effective(context.catalog, entity, "DATA_RETENTION_TIME_IN_DAYS")[0],
            "ROLE",
        )
        for entity in picked
    ]
    names = (
        "created_on:ts,name,is_default,is_current,database_name,owner,comment,options,retention_time,owner_role_type"
    )
    return rows_of(names, rows)


def _options(entity: Entity) -> list[str]:
    known = (("transient", "TRANSIENT"), ("managed_access", "MANAGED ACCESS"))
    return [word for key, word in known if entity.props.get(key)]


@handles("DESCRIBE SCHEMA", "DESC SCHEMA")
def describe(context: Context, tokens: Tokens) -> Result:
    entity = context.access.find("SCHEMA", context.schema_name(tokens.name()))
    tokens.end()
    children = [e for e in context.catalog.of_kind("TABLE", entity.name) if context.access.sees(e)]
    rows = [(stamp(child.created_on), child.name[-1], "TABLE") for child in children]
    return rows_of("created_on:ts,name,kind", rows, SCL + 0x500)
