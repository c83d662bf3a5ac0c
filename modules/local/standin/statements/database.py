"""DATABASE: create, alter, drop, show, describe."""

from __future__ import annotations

from modules.local.standin.catalog import Entity
from modules.local.standin.errors import SnowflakeError, already_exists, unsupported
from modules.local.standin.parameters import PARAMETERS, effective
from modules.local.standin.results import SCL, Result, rows_of, stamp, status
from modules.local.standin.statements.alter import alter_properties, dropped_already
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import pairs
from modules.local.standin.statements.show import parse_show, yes_no
from modules.local.standin.tokenizer import Tokens, quote

__all__: list[str] = []

_PARAMETERS = frozenset(PARAMETERS["DATABASE"])


@handles("CREATE DATABASE")
def create(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_not_exists()
    name = context.database_name(tokens.name())
    if tokens.at("CLONE") or tokens.at("FROM") or tokens.at("AS"):
        raise unsupported("CREATE DATABASE … CLONE/FROM/AS REPLICA")
    given = pairs(tokens, _PARAMETERS | {"COMMENT"})
    with context.engine.write_lock, context.catalog.change():
        existing = context.catalog.get("DATABASE", name)
        if existing is not None:
            if tolerant:
                return status(f"{quote(name)} already exists, statement succeeded.")
            if "REPLACE" not in tokens.modifiers:
                raise already_exists(quote(name))
        context.access.require_on_account("CREATE DATABASE")
        if existing is not None:
            context.access.require_owner(existing)
            _remove(context, existing)
        comment = given.pop("COMMENT", "")
        props = {"transient": "TRANSIENT" in tokens.modifiers}
        role = context.session.role
        entity = context.catalog.create("DATABASE", name, role, comment=comment, props=props, params=given)
        context.catalog.create("SCHEMA", (*name, "PUBLIC"), role, props={"transient": props["transient"]})
        context.engine.attach(name[0], entity.id, new=True)
        context.engine.create_schema((*name, "PUBLIC"))
    if existing is not None:
        context.engine.delete(name[0], existing.id)
    context.session.database, context.session.schema = name[0], "PUBLIC"
    return status(f"Database {quote(name)} successfully created.")


def _remove(context: Context, entity: Entity) -> None:
    context.catalog.drop(entity)
    context.engine.detach(entity.name[0], context.sessions.all())


@handles("DROP DATABASE")
def drop(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_exists()
    name = context.database_name(tokens.name())
    tokens.accept("CASCADE") or tokens.accept("RESTRICT")
    tokens.end()
    with context.engine.write_lock, context.catalog.change():
        entity = context.catalog.get("DATABASE", name)
        if entity is None or not context.access.sees(entity):
            if tolerant:
                return dropped_already(name)
            raise SnowflakeError(
                2003, "02000", f"SQL compilation error:\nDatabase '{quote(name)}' does not exist or not authorized."
            )
        context.access.require_owner(entity)
        _remove(context, entity)
    context.engine.delete(name[0], entity.id)
    return status(f"{quote(name)} successfully dropped.")


@handles("ALTER DATABASE")
def alter(context: Context, tokens: Tokens) -> Result:
    return alter_properties(context, tokens, "DATABASE", _PARAMETERS)


@handles("SHOW DATABASES")
def show(context: Context, tokens: Tokens) -> Result:
    picked = parse_show(context, tokens).pick(context, context.catalog.of_kind("DATABASE"))
    rows = [
        (
            stamp(entity.created_on),
            entity.name[0],
            "N",
            yes_no(entity.name[0] == context.session.database),
            "",
            entity.owner,
            entity.comment,
            "TRANSIENT" if entity.props.get("transient") else "",
            effective(context.catalog, entity, "DATA_RETENTION_TIME_IN_DAYS")[0],
            "STANDARD",
            "ROLE",
        )
        for entity in picked
    ]
    names = "created_on:ts,name,is_default,is_current,origin,owner,comment,options,retention_time,kind,owner_role_type"
    return rows_of(names, rows)


@handles("SHOW REPLICATION DATABASES")
def show_replication(context: Context, tokens: Tokens) -> Result:
    """None is ever replicated; the provider asks all the same."""
    names = (
        "region_group,snowflake_region,created_on:ts,account_name,name,comment,is_primary:bool,primary,"
        "replication_allowed_to_accounts,failover_allowed_to_accounts,organization_name,account_locator"
    )
    return rows_of(names, [])


@handles("DESCRIBE DATABASE", "DESC DATABASE")
def describe(context: Context, tokens: Tokens) -> Result:
    entity = context.access.find("DATABASE", context.database_name(tokens.name()))
    tokens.end()
    children = context.catalog.of_kind("SCHEMA", entity.name)
    rows = [(stamp(child.created_on), child.name[-1], "SCHEMA") for child in children if context.access.sees(child)]
    rows.append((stamp(entity.created_on), "INFORMATION_SCHEMA", "SCHEMA"))
    return rows_of("created_on:ts,name,kind", rows, SCL + 0x500)
