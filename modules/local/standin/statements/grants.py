"""GRANT and REVOKE: privileges on objects, on all or future objects, roles, ownership."""

from __future__ import annotations

import time
from dataclasses import dataclass

from modules.local.standin.catalog import Entity, FutureGrant, Grant, RoleGrant
from modules.local.standin.errors import SnowflakeError, does_not_exist, insufficient_privileges, unsupported
from modules.local.standin.kinds import KINDS, PLURALS
from modules.local.standin.privileges import closure
from modules.local.standin.results import Result, status
from modules.local.standin.statements.alter import full_name
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__ = ["grantee_role", "object_kind"]

_DONE = "Statement executed successfully."


@dataclass(frozen=True)
class _Target:
    """What a privilege is granted on."""

    kind: str
    entities: tuple[Entity | None, ...] = ()
    """None stands for the account."""
    future_in: tuple[str, Name] | None = None


def _find(context: Context, kind: str, name: Name) -> Entity:
    """What is granted on; MANAGE GRANTS is over objects that the role does not see otherwise, too."""
    entity = context.catalog.get(kind, name)
    if entity is not None and context.access.on_account("MANAGE GRANTS"):
        return entity
    return context.access.find(kind, name)


def _container(context: Context, kind: str, name: Name) -> Entity:
    entity = context.catalog.get(kind, name)
    if entity is not None and context.access.on_account("MANAGE GRANTS"):
        return entity
    return context.access.container(kind, name)


def object_kind(tokens: Tokens, *, plural: bool = False) -> str:
    """A kind's words (`TABLE`, `NETWORK RULE`) or its plural's.

    Raises:
        SnowflakeError: 000002, no kind one can grant on here.
    """
    tokens.accept("STORAGE")  # A storage integration is an INTEGRATION in grants.
    first, second = tokens.peek(), tokens.peek(1)
    words = [token.value if token is not None and token.kind == "word" else "" for token in (first, second)]
    table = PLURALS if plural else {kind: kind for kind in KINDS}
    for length in (2, 1):
        kind = table.get(" ".join(words[:length]))
        if kind is not None:
            for _ in range(length):
                tokens.next()
            return kind
    raise unsupported(f"GRANT ON {' '.join(words).strip()}")


def _privileges(tokens: Tokens) -> list[str]:
    """`USAGE, CREATE SCHEMA` up to ON; ALL [PRIVILEGES] is one."""
    found: list[str] = []
    words: list[str] = []
    while not tokens.at("ON"):
        if tokens.accept(","):
            found.append(" ".join(words))
            words = []
        else:
            words.append(tokens.word())
    found.append(" ".join(words))
    return ["ALL" if privilege == "ALL PRIVILEGES" else privilege for privilege in found]


def _target(context: Context, tokens: Tokens) -> _Target:
    tokens.expect("ON")
    if tokens.accept("ACCOUNT"):
        return _Target("ACCOUNT", (None,))
    if tokens.at("ALL") or tokens.at("FUTURE"):
        future = tokens.next().value == "FUTURE"
        kind = object_kind(tokens, plural=True)
        tokens.expect("IN")
        in_kind = "DATABASE" if tokens.accept("DATABASE") else "SCHEMA"
        if in_kind == "SCHEMA":
            tokens.expect("SCHEMA")
        container = _container(context, in_kind, full_name(context, in_kind, tokens.name()))
        if future:
            return _Target(kind, future_in=(in_kind, container.name))
        return _Target(kind, tuple(context.catalog.of_kind(kind, container.name)))
    kind = object_kind(tokens)
    name = full_name(context, kind, tokens.name())
    if kind == "TABLE" and context.catalog.get("TABLE", name) is None:
        # ON TABLE is understood of the other kinds of tables, too.
        kind = next((other for other in _TABLES if context.catalog.get(other, name) is not None), kind)
    return _Target(kind, (_find(context, kind, name),))


_TABLES = ("DYNAMIC TABLE", "ICEBERG TABLE")


def grantee_role(context: Context, tokens: Tokens, *, bare: bool = False) -> Name:
    """`ROLE r` or `DATABASE ROLE d.r` (with `bare` also just `r`), which must exist.

    Raises:
        SnowflakeError: 002003, there is no such role; 000002, a share or an application.
    """
    if tokens.accept("DATABASE", "ROLE"):
        name = context.schema_name(tokens.name(), "DATABASE ROLE")
        return _find(context, "DATABASE ROLE", name).name
    if tokens.at("SHARE") or tokens.at("APPLICATION"):
        raise unsupported(f"GRANT TO {tokens.word()}")
    if not tokens.accept("ROLE") and not bare:
        raise tokens.unexpected()
    role = tokens.identifier()
    if context.catalog.get("ROLE", (role,)) is None:
        raise does_not_exist("Role", quote(role))
    return (role,)


def _grantee(context: Context, tokens: Tokens, word: str) -> Name:
    tokens.expect(word)
    return grantee_role(context, tokens, bare=True)


def _expand(privileges: list[str], kind: str) -> list[str]:
    if privileges == ["OWNERSHIP"]:
        return privileges
    if privileges == ["ALL"]:
        return sorted(KINDS[kind].privileges - {"IMPORTED PRIVILEGES"})
    for privilege in privileges:
        if privilege not in KINDS[kind].privileges:
            raise SnowflakeError(
                1003,
                "42000",
                f"SQL compilation error:\nInvalid object type for privilege '{privilege}': {kind} does not have it.",
            )
    return privileges


def _may_grant(context: Context, entity: Entity | None, privilege: str) -> bool:
    access = context.access
    if access.admin or access.on_account("MANAGE GRANTS"):
        return True
    if entity is not None and len(entity.name) == 3:
        schema = context.catalog.get("SCHEMA", entity.name[:2])
        if schema is not None and schema.props.get("managed_access"):
            # In a schema with managed access only its owner grants.
            return access.owns(schema)
    if entity is not None and access.owns(entity):
        return True
    kind, name = (entity.kind, entity.name) if entity else ("ACCOUNT", ())
    grants = context.catalog.grants
    return any(
        (found := grants.get((privilege, kind, name, role))) is not None and found.grant_option for role in access.roles
    )


@handles("GRANT")
def grant(context: Context, tokens: Tokens) -> Result:
    privileges = _privileges(tokens)
    if privileges == ["OWNERSHIP"]:
        return _ownership(context, tokens)
    with context.catalog.change():
        target = _target(context, tokens)
        role = _grantee(context, tokens, "TO")
        option = tokens.accept("WITH", "GRANT", "OPTION")
        tokens.end()
        by, now = context.session.role, time.time()
        for privilege in _expand(privileges, target.kind):
            if target.future_in is not None:
                in_kind, in_name = target.future_in
                _require(_may_grant(context, context.catalog.get(in_kind, in_name), privilege), in_kind, in_name)
                context.catalog.put(FutureGrant(privilege, target.kind, in_kind, in_name, role, option, by, now))
            for entity in target.entities:
                name = entity.name if entity else ()
                _require(_may_grant(context, entity, privilege), target.kind, name)
                existing = context.catalog.grants.get((privilege, target.kind, name, role))
                if existing is None or (option and not existing.grant_option):
                    context.catalog.put(Grant(privilege, target.kind, name, role, option, by, now))
    return status(_DONE)


def _require(allowed: bool, kind: str, name: Name) -> None:
    if not allowed:
        raise insufficient_privileges(kind, quote(name[-1]) if name else "INFRA-LOCAL")


@handles("REVOKE")
def revoke(context: Context, tokens: Tokens) -> Result:
    only_option = tokens.accept("GRANT", "OPTION", "FOR")
    privileges = _privileges(tokens)
    with context.catalog.change():
        target = _target(context, tokens)
        role = _grantee(context, tokens, "FROM")
        if privileges == ["OWNERSHIP"] and target.future_in is None:
            raise unsupported("REVOKE OWNERSHIP of objects that exist; grant it to another role")
        tokens.accept("CASCADE") or tokens.accept("RESTRICT")
        tokens.end()
        for privilege in _expand(privileges, target.kind):
            if target.future_in is not None:
                in_kind, in_name = target.future_in
                _require(_may_grant(context, context.catalog.get(in_kind, in_name), privilege), in_kind, in_name)
                future = context.catalog.future_grants.get((privilege, target.kind, in_kind, in_name, role))
                if future is not None:
                    context.catalog.discard(future)
            for entity in target.entities:
                name = entity.name if entity else ()
                _require(_may_grant(context, entity, privilege), target.kind, name)
                existing = context.catalog.grants.get((privilege, target.kind, name, role))
                if existing is not None and only_option:
                    context.catalog.put(Grant(**{**existing.__dict__, "grant_option": False}))
                elif existing is not None:
                    context.catalog.discard(existing)
    return status(_DONE)


def _ownership(context: Context, tokens: Tokens) -> Result:
    """GRANT OWNERSHIP ON … TO ROLE … [REVOKE|COPY CURRENT GRANTS]."""
    with context.catalog.change():
        target = _target(context, tokens)
        role = _grantee(context, tokens, "TO")
        copy = tokens.accept("COPY", "CURRENT", "GRANTS")
        drop = not copy and tokens.accept("REVOKE", "CURRENT", "GRANTS")
        tokens.end()
        if target.future_in is not None:
            in_kind, in_name = target.future_in
            _require(_may_grant(context, context.catalog.get(in_kind, in_name), "OWNERSHIP"), in_kind, in_name)
            by, now = context.session.role, time.time()
            context.catalog.put(FutureGrant("OWNERSHIP", target.kind, in_kind, in_name, role, False, by, now))
            return status(_DONE)
        for entity in target.entities:
            if entity is None:
                raise tokens.unexpected()
            _require(
                context.access.owns(entity) or context.access.on_account("MANAGE GRANTS"), entity.kind, entity.name
            )
            outstanding = [
                g for g in context.catalog.grants.values() if (g.on_kind, g.on_name) == (entity.kind, entity.name)
            ]
            if outstanding and not (copy or drop) and entity.owned_by != role:
                raise SnowflakeError(
                    3037,
                    "42501",
                    f"SQL execution error: Dependent grant of privilege '{outstanding[0].privilege}' on securable "
                    f"'{quote(entity.name)}' to role '{quote(outstanding[0].role)}' exists. It must be revoked first. "
                    "More than one dependent grant may exist: use 'SHOW GRANTS' command to view them. To revoke all "
                    "dependent grants while transferring object ownership, use convenience command "
                    "'GRANT OWNERSHIP ON <target_objects> TO <target_role> REVOKE CURRENT GRANTS'.",
                )
            for given in outstanding if drop else ():
                context.catalog.discard(given)
            entity.give_to(role)
            context.catalog.put(entity)
    return status(_DONE)


@handles("GRANT ROLE", "GRANT DATABASE ROLE")
def grant_role(context: Context, tokens: Tokens) -> Result:
    return _role(context, tokens, "TO")


@handles("REVOKE ROLE", "REVOKE DATABASE ROLE")
def revoke_role(context: Context, tokens: Tokens) -> Result:
    return _role(context, tokens, "FROM")


def _role(context: Context, tokens: Tokens, word: str) -> Result:
    kind = "DATABASE ROLE" if tokens.before("DATABASE", "ROLE") else "ROLE"
    role = full_name(context, kind, tokens.name())
    tokens.expect(word)
    to_name: Name
    if tokens.accept("USER"):
        to_kind, to_name = "USER", (tokens.identifier(),)
        _find(context, to_kind, to_name)
    else:
        to_name = grantee_role(context, tokens)
        to_kind = "ROLE" if len(to_name) == 1 else "DATABASE ROLE"
    tokens.end()
    _check_membership(role, to_kind, to_name)
    with context.catalog.change():
        entity = _find(context, kind, role)
        _require(context.access.owns(entity) or context.access.on_account("MANAGE GRANTS"), kind, role)
        record = RoleGrant(role, to_kind, to_name, context.session.role, time.time())
        if word == "FROM":
            existing = context.catalog.role_grants.get(record.key)
            if existing is not None:
                context.catalog.discard(existing)
        else:
            if to_kind != "USER" and to_name in closure(context.catalog, {role}):
                raise SnowflakeError(
                    3022,
                    "42501",
                    f"SQL access control error:\nGranting role '{quote(role)}' to role '{quote(to_name)}' "
                    "would create a cycle.",
                )
            if record.key not in context.catalog.role_grants:
                context.catalog.put(record)
    return status(_DONE)


def _check_membership(role: Name, to_kind: str, to_name: Name) -> None:
    if len(role) == 2 and to_kind == "USER":
        raise unsupported("GRANT DATABASE ROLE TO USER")
    if to_kind == "DATABASE ROLE" and role[:1] != to_name[:1]:
        raise unsupported("GRANT DATABASE ROLE across databases" if len(role) == 2 else "GRANT ROLE TO DATABASE ROLE")
