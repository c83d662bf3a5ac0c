"""Who may do what in an estate: roles of schemas, functional roles above them, the connector's rights, grants.

Each schema brings three database roles, each including the one before: `<SCHEMA>_READ` reads, `<SCHEMA>_WRITE`
changes rows, `<SCHEMA>_OWNER` makes objects. Their privileges are on what the estate declares (so that one revoked by
hand is drift) and on what comes later (future grants: what dbt makes is readable at once). The connector's role has
none of them, but its own line of the matrix, directly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modules.environment import warehouse as section
from modules.environment.identifiers import parse_target
from modules.environment.source import SnowflakeSource
from modules.warehouse.estate import (
    CONNECTOR_ROLE,
    WAREHOUSE,
    AccountRole,
    DatabaseRole,
    Estate,
    Grant,
    Ownership,
    RoleGrant,
    RoleRef,
    Schema,
    SchemaObject,
)
from modules.warehouse.matrix import rights_of

__all__ = ["ACCESS", "estate_grants", "estate_role_grants", "estate_roles"]

ACCESS = ("READ", "WRITE", "OWNER")
"""A schema's roles, each including the one before."""

_COMMENTS = {"READ": "Reads {}.", "WRITE": "Changes rows of {}.", "OWNER": "Makes objects in {}."}
_WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
_MAKES = ("TABLE", "VIEW", "DYNAMIC TABLE", "STAGE", "PIPE", "STREAM")
_READABLE = ("TABLE", "VIEW", "DYNAMIC TABLE")


def estate_roles(estate: Estate, whole: section.Warehouse) -> tuple[tuple[AccountRole, ...], tuple[DatabaseRole, ...]]:
    """Account roles, and database roles: those of schemas first."""
    made = [
        DatabaseRole(schema.database, f"{schema.name}_{access}", _COMMENTS[access].format(schema.dotted))
        for schema in _with_access(estate, whole)
        for access in ACCESS
    ]
    for name, each in whole.database_roles.items():
        database, _, role = name.partition(".")
        made.append(DatabaseRole(database, role, each.comment))
    return tuple(AccountRole(name, each.comment) for name, each in whole.roles.items()), tuple(made)


def estate_role_grants(estate: Estate, whole: section.Warehouse) -> tuple[RoleGrant, ...]:
    """Which role includes which, and which users have which."""
    grants = [
        RoleGrant(_access(schema, lower), _access(schema, higher))
        for schema in _with_access(estate, whole)
        for lower, higher in (("READ", "WRITE"), ("WRITE", "OWNER"))
    ]
    for name, each in whole.database_roles.items():
        grants += [RoleGrant(RoleRef.parse(lower), RoleRef.parse(name)) for lower in each.inherits]
    for name, role in whole.roles.items():
        grants += [RoleGrant(RoleRef.parse(lower), RoleRef(name)) for lower in role.inherits]
        grants += [RoleGrant(RoleRef(name), RoleRef(higher)) for higher in role.granted_to]
    for name, user in whole.users.items():
        grants += [RoleGrant(RoleRef(each), to_user=name) for each in (user.role, *user.further_roles)]
    return tuple(dict.fromkeys(grants))


def estate_grants(
    estate: Estate, whole: section.Warehouse, connector: str, version: str | None, sources: Iterable[SnowflakeSource]
) -> tuple[tuple[Grant, ...], tuple[Ownership, ...]]:
    """Every privilege, one grant for a role and object, and every owner that is not the maker."""
    grants = [*_connector(estate, connector, version), *_sources(estate, sources), *_access_grants(estate, whole)]
    for name, role in whole.roles.items():
        grants += [Grant(RoleRef(name), ("USAGE",), "WAREHOUSE", (each,)) for each in role.warehouses]
    for given in whole.grants:
        target = parse_target(given.on)
        privileges = tuple(each.upper() for each in given.privileges)
        grants.append(Grant(RoleRef.parse(given.to), privileges, target.kind, target.name, target.scope))
    owners = list(_connector_owns(estate, connector, version))
    for owner in whole.ownership:
        target = parse_target(owner.on)
        assert target.scope != "account"  # refused when the YAML was loaded
        owners.append(Ownership(RoleRef.parse(owner.to), target.kind, target.name, target.scope))
    return _joined(grants), tuple(dict.fromkeys(owners))


def _joined(grants: list[Grant]) -> tuple[Grant, ...]:
    """Privileges of one role on one object in one grant, in the order they were first named."""
    found: dict[str, Grant] = {}
    for grant in grants:
        before = found.get(grant.key)
        privileges = dict.fromkeys([*(before.privileges if before else ()), *grant.privileges])
        found[grant.key] = Grant(grant.role, tuple(privileges), grant.object_type, grant.object_name, grant.scope)
    return tuple(found.values())


def _connector(estate: Estate, connector: str, version: str | None) -> Iterator[Grant]:
    """The connector's line of the matrix for each table a topic lands in."""
    role = RoleRef(CONNECTOR_ROLE)
    tables = [table for table in estate.tables if table.topic]
    if rights_of(connector, version).warehouse:
        yield Grant(role, ("USAGE",), "WAREHOUSE", (WAREHOUSE,))
    for table in tables:
        rights = rights_of(connector, version, table.schema_evolution)
        yield Grant(role, rights.database, "DATABASE", (table.database,))
        yield Grant(role, rights.schema, "SCHEMA", (table.database, table.schema))
        if rights.table and not rights.owns_table:
            yield Grant(role, rights.table, "TABLE", _parts(table))


def _sources(estate: Estate, sources: Iterable[SnowflakeSource]) -> Iterator[Grant]:
    """What the role of a source reads, which need not be of this estate."""
    views = {view.dotted for view in estate.views}
    for source in sources:
        database, schema, name = source.origin.split(".")
        role = RoleRef(source.role.upper())
        kind = "VIEW" if source.origin in views else "TABLE"
        if source.stream and source.table:
            # Its changes are moved into a table that the role makes beside it.
            kind, table = "STREAM", tuple(source.table.upper().split("."))
            yield Grant(role, ("USAGE",), "DATABASE", table[:1])
            yield Grant(role, ("USAGE",), "SCHEMA", table[:2])
            yield Grant(role, ("SELECT",), "TABLE", table)
            yield Grant(role, ("USAGE", "CREATE TABLE"), "SCHEMA", (database, schema))
        yield Grant(role, ("USAGE",), "DATABASE", (database,))
        yield Grant(role, ("USAGE",), "SCHEMA", (database, schema))
        yield Grant(role, ("SELECT",), kind, (database, schema, name))


def _connector_owns(estate: Estate, connector: str, version: str | None) -> Iterator[Ownership]:
    for table in estate.tables:
        if table.topic and rights_of(connector, version, table.schema_evolution).owns_table:
            yield Ownership(RoleRef(CONNECTOR_ROLE), "TABLE", _parts(table))


def _access_grants(estate: Estate, whole: section.Warehouse) -> Iterator[Grant]:
    for schema in _with_access(estate, whole):
        place = (schema.database, schema.name)
        read, write, owner = (_access(schema, access) for access in ACCESS)
        yield Grant(read, ("USAGE",), "DATABASE", (schema.database,))
        yield Grant(read, ("USAGE",), "SCHEMA", place)
        for kind in _READABLE:
            yield Grant(read, ("SELECT",), kind, place, "future")
        for kind, each in _readable(estate):
            if (each.database, each.schema) == place:
                yield Grant(read, ("SELECT",), kind, _parts(each))
        yield Grant(write, _WRITES, "TABLE", place, "future")
        for table in estate.tables:
            if (table.database, table.schema) == place:
                yield Grant(write, _WRITES, "TABLE", _parts(table))
        yield Grant(owner, tuple(f"CREATE {kind}" for kind in _MAKES), "SCHEMA", place)


def _readable(estate: Estate) -> Iterator[tuple[str, SchemaObject]]:
    yield from (("TABLE", each) for each in estate.tables)
    yield from (("VIEW", each) for each in estate.views)
    yield from (("DYNAMIC TABLE", each) for each in estate.dynamic_tables)
    yield from (("ICEBERG TABLE", each) for each in estate.iceberg_tables)


def _with_access(estate: Estate, whole: section.Warehouse) -> Iterator[Schema]:
    """Schemas that bring roles: those that are named, unless they say otherwise."""
    for schema in estate.schemas:
        its = whole.databases[schema.database].schemas.get(schema.name)
        if its is not None and its.access_roles:
            yield schema


def _access(schema: Schema, access: str) -> RoleRef:
    return RoleRef(f"{schema.name}_{access}", schema.database)


def _parts(each: SchemaObject) -> tuple[str, ...]:
    return (each.database, each.schema, each.name)
