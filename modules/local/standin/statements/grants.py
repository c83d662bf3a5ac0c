"""GRANT and REVOKE: privileges on objects, on all or future objects, roles, ownership."""

from __future__ import annotations

import time
from dataclasses import dataclass

from modules.local.standin.catalog import Entity, FutureGrant, Grant, RoleGrant
from modules.local.standin.errors import SnowflakeError, does_not_exist, insufficient_privileges
from modules.local.standin.results import Result, status
from modules.local.standin.statements.alter import full_name
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__ = ["PLURALS", "object_kind"]

PLURALS = {"DATABASES": "DATABASE", "SCHEMAS": "SCHEMA", "TABLES": "TABLE", "WAREHOUSES": "WAREHOUSE"}
_ALLOWED: dict[str, frozenset[str]] = {
    "DATABASE": frozenset(
        {"USAGE", "MODIFY", "MONITOR", "CREATE SCHEMA", "IMPORTED PRIVILEGES", "CREATE DATABASE ROLE", "APPLYBUDGET"}
    ),
    "SCHEMA": frozenset(
        {
            "USAGE", "MODIFY", "MONITOR", "ADD SEARCH OPTIMIZATION", "CREATE TABLE", "CREATE VIEW", "CREATE STAGE",
            "CREATE PIPE", "CREATE STREAM", "CREATE TASK", "CREATE SEQUENCE", "CREATE FILE FORMAT", "CREATE FUNCTION",
            "CREATE PROCEDURE", "CREATE DYNAMIC TABLE", "CREATE ICEBERG TABLE", "CREATE EXTERNAL TABLE",
            "CREATE MATERIALIZED VIEW", "CREATE NETWORK RULE", "CREATE SECRET", "CREATE TAG", "CREATE TEMPORARY TABLE",
            "CREATE ALERT", "CREATE EVENT TABLE", "CREATE HYBRID TABLE", "APPLYBUDGET",
        }
    ),
    "TABLE": frozenset(
        {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "EVOLVE SCHEMA", "REBUILD", "APPLYBUDGET"}
    ),
    "WAREHOUSE": frozenset({"USAGE", "OPERATE", "MODIFY", "MONITOR", "APPLYBUDGET"}),
    "USER": frozenset({"MONITOR", "MODIFY PROGRAMMATIC AUTHENTICATION METHODS"}),
    "ROLE": frozenset({"USAGE"}),
    "ACCOUNT": frozenset(
        {
            "CREATE DATABASE", "CREATE ROLE", "CREATE USER", "CREATE WAREHOUSE", "CREATE NETWORK POLICY",
            "CREATE INTEGRATION", "CREATE SHARE", "CREATE ACCOUNT", "CREATE EXTERNAL VOLUME", "MANAGE GRANTS",
            "MONITOR USAGE", "MONITOR EXECUTION", "MONITOR", "EXECUTE TASK", "EXECUTE MANAGED TASK", "EXECUTE ALERT",
            "IMPORT SHARE", "MANAGE WAREHOUSES", "APPLY MASKING POLICY", "APPLY ROW ACCESS POLICY", "APPLY TAG",
            "ATTACH POLICY", "RESOLVE ALL", "AUDIT", "MANAGE ACCOUNT SUPPORT CASES", "MODIFY", "BIND SERVICE ENDPOINT",
        }
    ),
}  # fmt: skip
_DONE = "Statement executed successfully."


@dataclass(frozen=True)
class _Target:
    """What a privilege is granted on."""

    kind: str
    entities: tuple[Entity | None, ...] = ()
    """None stands for the account."""
    future_in: tuple[str, Name] | None = None


def object_kind(tokens: Tokens, table: dict[str, str] | None = None) -> str:
    """A kind's word (TABLE, or with `table` its plural)."""
    word = tokens.word()
    kinds = table or {kind: kind for kind in _ALLOWED}
    if word not in kinds:
        raise SnowflakeError(2, "0A000", f"Unsupported feature 'GRANT ON {word}'.")
    return kinds[word]


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
        kind = object_kind(tokens, PLURALS)
        tokens.expect("IN")
        in_kind = "DATABASE" if tokens.accept("DATABASE") else "SCHEMA"
        if in_kind == "SCHEMA":
            tokens.expect("SCHEMA")
        container = context.access.container(in_kind, full_name(context, in_kind, tokens.name()))
        if future:
            return _Target(kind, future_in=(in_kind, container.name))
        return _Target(kind, tuple(context.catalog.of_kind(kind, container.name)))
    kind = object_kind(tokens)
    return _Target(kind, (context.access.find(kind, full_name(context, kind, tokens.name())),))


def _grantee(context: Context, tokens: Tokens, word: str) -> str:
    tokens.expect(word)
    if tokens.at("DATABASE", "ROLE") or tokens.at("SHARE") or tokens.at("APPLICATION"):
        raise SnowflakeError(2, "0A000", f"Unsupported feature '{word} {tokens.word()}'.")
    tokens.accept("ROLE")
    role = tokens.identifier()
    if context.catalog.get("ROLE", (role,)) is None:
        raise does_not_exist("Role", quote(role))
    return role


def _expand(privileges: list[str], kind: str) -> list[str]:
    if privileges == ["ALL"]:
        return sorted(_ALLOWED[kind] - {"IMPORTED PRIVILEGES"})
    for privilege in privileges:
        if privilege not in _ALLOWED[kind]:
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
            raise SnowflakeError(2, "0A000", "Unsupported feature 'GRANT OWNERSHIP ON FUTURE'.")
        for entity in target.entities:
            if entity is None:
                raise tokens.unexpected()
            _require(
                context.access.owns(entity) or context.access.on_account("MANAGE GRANTS"), entity.kind, entity.name
            )
            outstanding = [
                g for g in context.catalog.grants.values() if (g.on_kind, g.on_name) == (entity.kind, entity.name)
            ]
            if outstanding and not (copy or drop) and entity.owner != role:
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
            entity.owner = role
            context.catalog.put(entity)
    return status(_DONE)


@handles("GRANT ROLE")
def grant_role(context: Context, tokens: Tokens) -> Result:
    return _role(context, tokens, "TO")


@handles("REVOKE ROLE")
def revoke_role(context: Context, tokens: Tokens) -> Result:
    return _role(context, tokens, "FROM")


def _role(context: Context, tokens: Tokens, word: str) -> Result:
    role = tokens.identifier()
    tokens.expect(word)
    to_kind = tokens.word()
    if to_kind not in ("ROLE", "USER"):
        raise tokens.unexpected()
    to_name = tokens.identifier()
    tokens.end()
    with context.catalog.change():
        entity = context.access.find("ROLE", (role,))
        context.access.find(to_kind, (to_name,))
        _require(context.access.owns(entity) or context.access.on_account("MANAGE GRANTS"), "ROLE", (role,))
        record = RoleGrant(role, to_kind, to_name, context.session.role, time.time())
        if word == "FROM":
            existing = context.catalog.role_grants.get(record.key)
            if existing is not None:
                context.catalog.discard(existing)
        else:
            if to_kind == "ROLE" and _contains(context, role, to_name):
                raise SnowflakeError(
                    3022,
                    "42501",
                    f"SQL access control error:\nGranting role '{quote(role)}' to role '{quote(to_name)}' "
                    "would create a cycle.",
                )
            if record.key not in context.catalog.role_grants:
                context.catalog.put(record)
    return status(_DONE)


def _contains(context: Context, role: str, other: str) -> bool:
    """Whether `role` already has `other` granted to it, directly or not (or is it)."""
    from modules.local.standin.privileges import Access

    closure = Access(context.catalog, role).roles - {"PUBLIC"}
    return role == other or other in closure
