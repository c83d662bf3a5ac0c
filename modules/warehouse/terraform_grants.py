"""Terraform for who may do what: roles in roles, roles of users, owners, privileges present and future.

One resource for each way the provider's blocks are filled, since a block cannot be left out by instance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.resources.base import Resource, Stack
from modules.resources.expressions import Expr, each
from modules.resources.snowflake import (
    SnowflakeGrantAccountRole,
    SnowflakeGrantDatabaseRole,
    SnowflakeGrantOwnership,
    SnowflakeGrantPrivilegesToAccountRole,
    SnowflakeGrantPrivilegesToDatabaseRole,
)
from modules.warehouse.estate import Estate, Grant, Ownership, RoleGrant

__all__ = ["declare_grants", "declare_role_grants"]

_ACCOUNT_OBJECTS = ("DATABASE", "WAREHOUSE", "INTEGRATION", "EXTERNAL VOLUME", "RESOURCE MONITOR")


def declare_role_grants(stack: Stack, estate: Estate, depends_on: Sequence[Resource]) -> None:
    """`membership`: roles of users; `role_in_role`, `database_role_in_role`, `database_role_in_database_role`."""
    users = _keyed(estate.role_grants, lambda one: one.to_user is not None)
    if users:
        SnowflakeGrantAccountRole(
            stack,
            "membership",
            for_each={key: {"role": one.role.name, "user": one.to_user} for key, one in users.items()},
            role_name=each.value("role"),
            user_name=each.value("user"),
            depends_on=depends_on,
        )
    roles = _keyed(estate.role_grants, lambda one: one.to_role is not None and not one.role.database)
    if roles:
        SnowflakeGrantAccountRole(
            stack,
            "role_in_role",
            for_each={key: {"role": one.role.name, "parent": _parent(one).name} for key, one in roles.items()},
            role_name=each.value("role"),
            parent_role_name=each.value("parent"),
            depends_on=depends_on,
        )
    inside = _keyed(estate.role_grants, lambda one: bool(one.to_role and one.role.database and one.to_role.database))
    if inside:
        SnowflakeGrantDatabaseRole(
            stack,
            "database_role_in_database_role",
            for_each=_database_roles(inside),
            database_role_name=each.value("role"),
            parent_database_role_name=each.value("parent"),
            depends_on=depends_on,
        )
    above = _keyed(estate.role_grants, lambda one: bool(one.to_role and one.role.database and not one.to_role.database))
    if above:
        SnowflakeGrantDatabaseRole(
            stack,
            "database_role_in_role",
            for_each=_database_roles(above),
            database_role_name=each.value("role"),
            parent_role_name=each.value("parent"),
            depends_on=depends_on,
        )


def _keyed(grants: Sequence[RoleGrant], wanted: Callable[[RoleGrant], bool]) -> dict[str, RoleGrant]:
    return {one.key: one for one in grants if wanted(one)}


def _parent(one: RoleGrant) -> Any:
    return one.to_role


def _database_roles(grants: Mapping[str, RoleGrant]) -> dict[str, object]:
    return {key: {"role": one.role.qualified, "parent": _parent(one).qualified} for key, one in grants.items()}


def declare_grants(stack: Stack, estate: Estate, depends_on: Sequence[Resource], objects: Sequence[Resource]) -> None:
    """Owners first (what others hold stays), then privileges: future ones do not wait for what is in schemas."""
    owners = _owners(stack, estate.ownership, [*depends_on, *objects])
    for (kind, scope, place), grants in _ways(estate.grants).items():
        later = [] if scope == "future" else owners
        waits = [*depends_on, *later, *(objects if place == "on_schema_object" and scope != "future" else ())]
        values = {grant.key: _values(grant) for grant in grants}
        declare = _to_database_role if kind == "DATABASE ROLE" else _to_account_role
        declare(stack, scope, place, values, waits)


def _ways(grants: Sequence[Grant]) -> dict[tuple[str, str, str], list[Grant]]:
    """Grants by the kind of role and how the block has to be filled."""
    ways: dict[tuple[str, str, str], list[Grant]] = {}
    for grant in grants:
        ways.setdefault((grant.role.kind, grant.scope, _place(grant)), []).append(grant)
    return ways


def _place(grant: Grant) -> str:
    """Which block says what a grant is on; `…_in_database` where a database holds the objects, not a schema."""
    if grant.scope == "account":
        return "on_account"
    if grant.scope == "one" and grant.object_type in _ACCOUNT_OBJECTS:
        return "on_account_object"
    if grant.object_type == "SCHEMA":
        return "on_schema"
    return "on_schema_object" if grant.scope == "one" or len(grant.object_name) == 2 else "on_schema_object_in_database"


def _values(grant: Grant) -> dict[str, object]:
    role = grant.role.qualified if grant.role.database else grant.role.name
    values: dict[str, object] = {"role": role, "privileges": list(grant.privileges)}
    if grant.scope == "account":
        return values
    plural = "" if grant.scope == "one" else "S"
    # Objects of the account are named without quotation marks, as the provider's state has them.
    name = grant.object_name[0] if _place(grant) == "on_account_object" else grant.qualified
    return {**values, "type": f"{grant.object_type}{plural}", "name": name}


def _blocks(scope: str, place: str) -> dict[str, Any]:
    """The blocks of one way, from `each`."""
    name, type_ = each.value("name"), each.value("type")
    if place == "on_account":
        return {"on_account": True}
    if place == "on_account_object":
        return {"on_account_object": {"object_type": type_, "object_name": name}}
    if place == "on_schema":
        key = {"one": "schema_name", "all": "all_schemas_in_database", "future": "future_schemas_in_database"}[scope]
        return {"on_schema": {key: name}}
    if scope == "one":
        return {"on_schema_object": {"object_type": type_, "object_name": name}}
    container = "in_database" if place == "on_schema_object_in_database" else "in_schema"
    return {"on_schema_object": {scope: {"object_type_plural": type_, container: name}}}


def _id(prefix: str, scope: str, place: str) -> str:
    return f"{prefix}{place}" if scope in ("one", "account") else f"{prefix}{scope}_{place}"


def _to_account_role(
    stack: Stack, scope: str, place: str, values: Mapping[str, object], depends_on: Sequence[Resource]
) -> None:
    SnowflakeGrantPrivilegesToAccountRole(
        stack,
        _id("", scope, place),
        for_each=values,
        account_role_name=each.value("role"),
        privileges=each.value("privileges"),
        depends_on=depends_on,
        **_blocks(scope, place),
    )


def _to_database_role(
    stack: Stack, scope: str, place: str, values: Mapping[str, object], depends_on: Sequence[Resource]
) -> None:
    blocks = {"on_database": each.value("name")} if place == "on_account_object" else _blocks(scope, place)
    SnowflakeGrantPrivilegesToDatabaseRole(
        stack,
        _id("database_role_", scope, "on_database" if place == "on_account_object" else place),
        for_each=values,
        database_role_name=each.value("role"),
        privileges=each.value("privileges"),
        depends_on=depends_on,
        **blocks,
    )


def _owners(stack: Stack, owners: Sequence[Ownership], depends_on: Sequence[Resource]) -> list[Resource]:
    made: list[Resource] = []
    ways: dict[tuple[bool, str, str], list[Ownership]] = {}
    for owner in owners:
        ways.setdefault((owner.role.database is not None, owner.scope, _place(owner.grant)), []).append(owner)
    for (of_database, scope, place), these in ways.items():
        role: Expr = each.value("role")
        made.append(
            SnowflakeGrantOwnership(
                stack,
                _id("database_role_" if of_database else "", scope, place.replace("on_", "owner_of_", 1)),
                for_each={owner.grant.key: _values(owner.grant) for owner in these},
                account_role_name=None if of_database else role,
                database_role_name=role if of_database else None,
                outbound_privileges="COPY",
                on=_owned(scope, place),
                depends_on=depends_on,
            )
        )
    return made


def _owned(scope: str, place: str) -> Any:
    name, type_ = each.value("name"), each.value("type")
    if scope == "one":
        return {"object_type": type_, "object_name": name}
    in_database = place == "on_schema" or place == "on_schema_object_in_database"
    return {scope: {"object_type_plural": type_, "in_database" if in_database else "in_schema": name}}
