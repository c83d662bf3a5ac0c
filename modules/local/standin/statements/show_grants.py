"""SHOW GRANTS ON / TO / OF and SHOW FUTURE GRANTS."""

from __future__ import annotations

from typing import Any

from modules.local.standin.catalog import Entity, Grant
from modules.local.standin.results import Result, rows_of, stamp
from modules.local.standin.statements.alter import full_name
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.grants import grantee_role, object_kind
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__: list[str] = []

_COLUMNS = "created_on:ts,privilege,granted_on,name,granted_to,grantee_name,grant_option,granted_by"
_ROLE_COLUMNS = "created_on:ts,role,granted_to,grantee_name,granted_by"
_FUTURE_COLUMNS = "created_on:ts,privilege,grant_on,name,grant_to,grantee_name,grant_option"
_ACCOUNT = "INFRA-LOCAL"

_Row = tuple[Any, ...]


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _grantee(role: Name) -> tuple[str, str]:
    """What a role is called in granted_to and grantee_name; a database role goes by its own name there."""
    return ("ROLE", role[0]) if len(role) == 1 else ("DATABASE_ROLE", role[-1])


def _grant_row(grant: Grant) -> _Row:
    name = quote(grant.on_name) if grant.on_name else _ACCOUNT
    kind = _GRANTED_ON.get(grant.on_kind, grant.on_kind.replace(" ", "_"))
    return (
        stamp(grant.created_on), grant.privilege, kind, name, *_grantee(grant.role), _bool(grant.grant_option),
        grant.granted_by,
    )  # fmt: skip


_GRANTED_ON = {"EXTERNAL VOLUME": "VOLUME"}


def _owner_row(entity: Entity) -> _Row:
    kind = _GRANTED_ON.get(entity.kind, entity.kind.replace(" ", "_"))
    return (
        stamp(entity.created_on), "OWNERSHIP", kind, quote(entity.name), *_grantee(entity.owned_by), "true",
        entity.owner,
    )  # fmt: skip


@handles("SHOW GRANTS")
def show(context: Context, tokens: Tokens) -> Result:
    if tokens.accept("ON"):
        return _on(context, tokens)
    if tokens.accept("TO"):
        return _to(context, tokens)
    if tokens.accept("OF"):
        return _of(context, tokens)
    tokens.end()
    return _to_user(context, context.session.user)


def _on(context: Context, tokens: Tokens) -> Result:
    if tokens.accept("ACCOUNT"):
        tokens.end()
        return rows_of(_COLUMNS, _rows_on(context, "ACCOUNT", ()))
    kind = object_kind(tokens)
    entity = context.access.find(kind, full_name(context, kind, tokens.name()))
    tokens.end()
    owner = [_owner_row(entity)] if entity.owner else []
    return rows_of(_COLUMNS, [*owner, *_rows_on(context, kind, entity.name)])


def _rows_on(context: Context, kind: str, name: Name) -> list[_Row]:
    grants = [g for g in context.catalog.grants.values() if (g.on_kind, g.on_name) == (kind, name)]
    return [_grant_row(grant) for grant in sorted(grants, key=lambda g: (g.privilege, g.role))]


def _to(context: Context, tokens: Tokens) -> Result:
    if tokens.accept("USER"):
        name = tokens.identifier()
        tokens.end()
        context.access.find("USER", (name,))
        return _to_user(context, name)
    role = grantee_role(context, tokens, bare=True)
    tokens.end()
    with context.catalog.lock:
        owned = [_owner_row(e) for e in context.catalog.entities.values() if e.owned_by == role]
        grants = [_grant_row(g) for g in context.catalog.grants.values() if g.role == role]
        roles = [
            (
                stamp(g.created_on), "USAGE", "ROLE" if len(g.role) == 1 else "DATABASE_ROLE", quote(g.role),
                *_grantee(role), "false", g.granted_by,
            )
            for g in context.catalog.role_grants.values()
            if g.to_kind != "USER" and g.to_name == role
        ]  # fmt: skip
    return rows_of(_COLUMNS, sorted([*owned, *grants, *roles], key=lambda row: (row[2], row[3], row[1])))


def _to_user(context: Context, user: str) -> Result:
    grants = [g for g in context.catalog.role_grants.values() if (g.to_kind, g.to_name) == ("USER", (user,))]
    rows = [(stamp(g.created_on), quote(g.role), "USER", user, g.granted_by) for g in grants]
    return rows_of(_ROLE_COLUMNS, sorted(rows, key=lambda row: row[1]))


def _of(context: Context, tokens: Tokens) -> Result:
    role = grantee_role(context, tokens)
    tokens.end()
    grants = [g for g in context.catalog.role_grants.values() if g.role == role]
    rows = [
        (stamp(g.created_on), role[-1], g.to_kind.replace(" ", "_"), _named(g.to_name), g.granted_by) for g in grants
    ]
    return rows_of(_ROLE_COLUMNS, sorted(rows, key=lambda row: (row[2], row[3])))


def _named(grantee: Name) -> str:
    return grantee[0] if len(grantee) == 1 else quote(grantee)


@handles("SHOW FUTURE GRANTS")
def show_future(context: Context, tokens: Tokens) -> Result:
    futures = list(context.catalog.future_grants.values())
    if tokens.accept("TO"):
        role = grantee_role(context, tokens, bare=True)
        futures = [f for f in futures if f.role == role]
    else:
        tokens.expect("IN")
        kind = "DATABASE" if tokens.accept("DATABASE") else "SCHEMA"
        if kind == "SCHEMA":
            tokens.expect("SCHEMA")
        container = context.access.container(kind, full_name(context, kind, tokens.name()))
        futures = [f for f in futures if (f.in_kind, f.in_name) == (kind, container.name)]
    tokens.end()
    rows = [
        (
            stamp(future.created_on),
            future.privilege,
            future.kind.replace(" ", "_"),
            f"{quote(future.in_name)}.<{future.kind.replace(' ', '_')}>",
            *_grantee(future.role),
            _bool(future.grant_option),
        )
        for future in sorted(futures, key=lambda f: (f.kind, f.privilege, f.role))
    ]
    return rows_of(_FUTURE_COLUMNS, rows)
