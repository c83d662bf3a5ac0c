"""ROLE: create, alter, drop, show."""

from __future__ import annotations

from modules.local.standin.errors import SnowflakeError, already_exists, does_not_exist, insufficient_privileges
from modules.local.standin.results import Result, rows_of, stamp, status
from modules.local.standin.statements.alter import alter_properties, dropped_already
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import pairs
from modules.local.standin.statements.show import parse_show, yes_no
from modules.local.standin.tokenizer import Tokens, quote

__all__: list[str] = []

_SYSTEM = frozenset({"ACCOUNTADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC"})


@handles("CREATE ROLE")
def create(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_not_exists()
    name = (tokens.identifier(),)
    given = pairs(tokens, {"COMMENT"})
    with context.catalog.change():
        existing = context.catalog.get("ROLE", name)
        if existing is not None:
            if tolerant:
                return status(f"{quote(name)} already exists, statement succeeded.")
            if "REPLACE" not in tokens.modifiers:
                raise already_exists(quote(name))
        context.access.require_on_account("CREATE ROLE")
        if existing is not None:
            context.access.require_owner(existing)
            context.catalog.drop(existing)
        context.catalog.create("ROLE", name, context.session.role, comment=given.get("COMMENT", ""))
    return status(f"Role {quote(name)} successfully created.")


@handles("DROP ROLE")
def drop(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_exists()
    name = (tokens.identifier(),)
    tokens.end()
    with context.catalog.change():
        entity = context.catalog.get("ROLE", name)
        if entity is None:
            if tolerant:
                return dropped_already(name)
            raise does_not_exist("Role", quote(name))
        if name[0] in _SYSTEM:
            raise insufficient_privileges("ROLE", name[0])
        context.access.require_owner(entity)
        if name[0] == context.session.role:
            raise SnowflakeError(3532, "42601", "SQL compilation error:\nCannot drop the current role.")
        # What it owned falls to the role that drops it, as in Snowflake.
        for owned in [e for e in context.catalog.entities.values() if e.owned_by == name]:
            owned.give_to((context.session.role,))
            context.catalog.put(owned)
        context.catalog.drop(entity)
    return status(f"{quote(name)} successfully dropped.")


@handles("ALTER ROLE")
def alter(context: Context, tokens: Tokens) -> Result:
    return alter_properties(context, tokens, "ROLE", ())


@handles("SHOW ROLES")
def show(context: Context, tokens: Tokens) -> Result:
    picked = parse_show(context, tokens).pick(context, context.catalog.of_kind("ROLE"))
    grants = list(context.catalog.role_grants.values())
    user = context.catalog.get("USER", (context.session.user,))
    default = user.props.get("DEFAULT_ROLE") if user else None
    rows = []
    for entity in picked:
        name = entity.name[0]
        rows.append(
            (
                stamp(entity.created_on),
                name,
                yes_no(name == default),
                yes_no(name == context.session.role),
                yes_no(name != context.session.role and (name,) in context.access.roles),
                sum(1 for g in grants if g.role == (name,) and g.to_kind == "USER"),
                sum(1 for g in grants if g.role == (name,) and g.to_kind == "ROLE"),
                sum(1 for g in grants if g.to_kind == "ROLE" and g.to_name == (name,)),
                entity.owner,
                entity.comment,
            )
        )
    names = (
        "created_on:ts,name,is_default,is_current,is_inherited,assigned_to_users:int,granted_to_roles:int,"
        "granted_roles:int,owner,comment"
    )
    return rows_of(names, rows)
