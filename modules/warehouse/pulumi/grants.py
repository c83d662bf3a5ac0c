"""Pulumi resources for who may do what: roles in roles, roles of users, owners, privileges present and future."""

from __future__ import annotations

from typing import Any

import pulumi_snowflake as snowflake

from modules.warehouse.estate import Estate, Grant, Ownership, RoleGrant
from modules.warehouse.pulumi.resources import Made, Maker

__all__ = ["declare_grants", "declare_role_grants"]

_ACCOUNT_OBJECTS = ("DATABASE", "WAREHOUSE", "INTEGRATION", "EXTERNAL VOLUME", "RESOURCE MONITOR")


def declare_role_grants(make: Maker, estate: Estate, depends_on: Made) -> None:
    """Roles of users, and roles in roles."""
    for one in estate.role_grants:
        _role_grant(make, one, depends_on)


def _role_grant(make: Maker, one: RoleGrant, depends_on: Made) -> None:
    to = one.to_role
    if to is None:
        make(snowflake.GrantAccountRole, one.key, depends_on, role_name=one.role.name, user_name=one.to_user)
    elif one.role.database is None:
        make(snowflake.GrantAccountRole, one.key, depends_on, role_name=one.role.name, parent_role_name=to.name)
    else:
        make(
            snowflake.GrantDatabaseRole,
            one.key,
            depends_on,
            database_role_name=one.role.qualified,
            parent_database_role_name=to.qualified if to.database else None,
            parent_role_name=None if to.database else to.qualified,
        )


def declare_grants(make: Maker, estate: Estate, depends_on: Made, objects: Made) -> None:
    """Owners first (what others hold stays), then privileges: future ones do not wait for what is in schemas."""
    owners = [_owner(make, owner, [*depends_on, *objects]) for owner in estate.ownership]
    for grant in estate.grants:
        present = grant.scope in ("one", "all") and grant.object_type != "SCHEMA"
        waits = [*depends_on, *owners, *(objects if present else ())]
        if grant.role.database:
            make(
                snowflake.GrantPrivilegesToDatabaseRole,
                grant.key,
                waits,
                database_role_name=grant.role.qualified,
                privileges=list(grant.privileges),
                **_on(grant, of_database_role=True),
            )
        else:
            make(
                snowflake.GrantPrivilegesToAccountRole,
                grant.key,
                waits,
                account_role_name=grant.role.name,
                privileges=list(grant.privileges),
                **_on(grant),
            )


def _on(grant: Grant, *, of_database_role: bool = False) -> dict[str, Any]:
    """The argument that says what a grant is on."""
    if grant.scope == "account":
        return {"on_account": True}
    if grant.scope == "one" and grant.object_type in _ACCOUNT_OBJECTS:
        # Objects of the account are named without quotation marks, as the provider's state has them.
        name = grant.object_name[0]
        if of_database_role:
            return {"on_database": name}
        return {"on_account_object": {"object_type": grant.object_type, "object_name": name}}
    if grant.object_type == "SCHEMA":
        key = {"one": "schema_name", "all": "all_schemas_in_database", "future": "future_schemas_in_database"}
        return {"on_schema": {key[grant.scope]: grant.qualified}}
    if grant.scope == "one":
        return {"on_schema_object": {"object_type": grant.object_type, "object_name": grant.qualified}}
    return {"on_schema_object": {grant.scope: _plural(grant)}}


def _plural(grant: Grant) -> dict[str, str]:
    container = "in_schema" if len(grant.object_name) == 2 else "in_database"
    return {"object_type_plural": f"{grant.object_type}S", container: grant.qualified}


def _owner(make: Maker, owner: Ownership, depends_on: Made) -> Any:
    grant = owner.grant
    on: dict[str, Any] = {owner.scope: _plural(grant)}
    if owner.scope == "one":
        account = grant.object_type in _ACCOUNT_OBJECTS
        name = grant.object_name[0] if account else grant.qualified
        on = {"object_type": grant.object_type, "object_name": name}
    role = owner.role
    return make(
        snowflake.GrantOwnership,
        f"{grant.key} owner",
        depends_on,
        account_role_name=None if role.database else role.name,
        database_role_name=role.qualified if role.database else None,
        outbound_privileges="COPY",
        on=on,
    )
