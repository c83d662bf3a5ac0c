"""Who may do what: role hierarchy, ownership and grants, asked by every statement and every append.

As in Snowflake an object a role may not know of and an absent one look the same. The session's primary role and the
roles granted to it decide; after USE SECONDARY ROLES ALL all roles of the user do, except for creating objects.
"""

from __future__ import annotations

from modules.local.standin.catalog import Catalog, Entity
from modules.local.standin.errors import does_not_exist, insufficient_privileges, no_such_object
from modules.local.standin.kinds import RELATIONS
from modules.local.standin.tokenizer import Name, quote

__all__ = ["Access", "closure", "roles_of_user"]

_OPEN = ("ROLE", "USER", "DATABASE ROLE")
"""Kinds everyone may know of (database roles: who sees their database)."""


def closure(catalog: Catalog, start: set[Name]) -> frozenset[Name]:
    """The roles and everything granted to them, transitively."""
    found, todo = set(start), list(start)
    with catalog.lock:
        grants = [g for g in catalog.role_grants.values() if g.to_kind != "USER"]
    while todo:
        role = todo.pop()
        for grant in grants:
            if grant.to_name == role and grant.role not in found:
                found.add(grant.role)
                todo.append(grant.role)
    return frozenset(found)


def roles_of_user(catalog: Catalog, user: str) -> frozenset[str]:
    """Every account role a user may take: those granted to it, those below them, and PUBLIC."""
    with catalog.lock:
        direct = {g.role for g in catalog.role_grants.values() if g.to_kind == "USER" and g.to_name == (user,)}
    return frozenset(role[0] for role in closure(catalog, direct | {("PUBLIC",)}) if len(role) == 1)


class Access:
    """What one role (with secondary roles, if there are any) may do right now."""

    def __init__(self, catalog: Catalog, role: str, secondary: frozenset[str] = frozenset()) -> None:
        self._catalog = catalog
        self.role = role
        self.secondary = secondary
        self.primary_roles = closure(catalog, {(role,), ("PUBLIC",)})
        more = {(one,) for one in secondary}
        self.roles = closure(catalog, more | set(self.primary_roles)) if more else self.primary_roles
        self.admin = ("ACCOUNTADMIN",) in self.roles

    def owns(self, entity: Entity) -> bool:
        return self.admin or entity.owned_by in self.roles

    def holds(self, privilege: str, kind: str, name: Name, *, create: bool = False) -> bool:
        """A grant of that privilege (or OWNERSHIP) on exactly that object."""
        roles = self.primary_roles if create else self.roles
        if ("ACCOUNTADMIN",) in roles:
            return True
        grants = self._catalog.grants
        return any((wanted, kind, name, role) in grants for role in roles for wanted in (privilege, "OWNERSHIP", "ALL"))

    def may(self, privilege: str, entity: Entity) -> bool:
        return self.owns(entity) or self.holds(privilege, entity.kind, entity.name)

    def on_account(self, privilege: str) -> bool:
        return self.holds(privilege, "ACCOUNT", (), create=privilege.startswith("CREATE "))

    def sees(self, entity: Entity) -> bool:
        """Any right on it or on something in it makes an object visible; roles and users are visible to all."""
        if self.owns(entity) or (entity.kind in _OPEN and len(entity.name) == 1):
            return True
        if entity.kind == "DATABASE ROLE":
            database = self._catalog.get("DATABASE", entity.name[:1])
            return entity.name in self.roles or (database is not None and self.sees(database))
        depth = len(entity.name)
        with self._catalog.lock:
            for grant in self._catalog.grants.values():
                same = grant.on_kind == entity.kind and grant.on_name == entity.name
                inside = entity.kind in ("DATABASE", "SCHEMA") and grant.on_name[:depth] == entity.name
                if grant.role in self.roles and (same or (inside and len(grant.on_name) > depth)):
                    return True
            if entity.kind in ("DATABASE", "SCHEMA"):
                return any(
                    e.name[:depth] == entity.name and len(e.name) > depth and e.owned_by in self.roles
                    for e in self._catalog.entities.values()
                )
        return False

    def find(self, kind: str, name: Name) -> Entity:
        """A visible object.

        Raises:
            SnowflakeError: 002003, it is absent or hidden.
        """
        entity = self._catalog.get(kind, name)
        if entity is None or not self.sees(entity):
            raise does_not_exist(kind, quote(name))
        return entity

    def container(self, kind: str, name: Name) -> Entity:
        """A visible database or schema, for SHOW … IN and USE (002043 otherwise)."""
        entity = self._catalog.get(kind, name)
        if entity is None or not self.sees(entity):
            raise no_such_object()
        return entity

    def require_owner(self, entity: Entity) -> None:
        if not self.owns(entity):
            raise insufficient_privileges(entity.kind, quote(entity.name[-1]))

    def require(self, privilege: str, entity: Entity) -> None:
        create = privilege.startswith("CREATE ")
        owned = self.owns(entity) if not create else entity.owned_by in self.primary_roles
        if not (owned or self.holds(privilege, entity.kind, entity.name, create=create)):
            raise insufficient_privileges(entity.kind, quote(entity.name[-1]))

    def require_on_account(self, privilege: str) -> None:
        if not self.on_account(privilege):
            raise insufficient_privileges("ACCOUNT", "INFRA-LOCAL")

    def table(self, name: Name, privilege: str) -> Entity:
        """The table, if the role may use its database and schema and has the privilege on it.

        Raises:
            SnowflakeError: 002003, absent or not allowed, the same words for both.
        """
        entity = self._reachable(self._catalog.get("TABLE", name), name)
        if not self.may(privilege, entity):
            raise does_not_exist("Object", quote(name))
        return entity

    def relation(self, name: Name, privilege: str) -> Entity:
        """Whatever can stand in a query: tables of all kinds, views, streams.

        Raises:
            SnowflakeError: 002003, absent or out of sight; 003001, the role has another right on it.
        """
        found = (self._catalog.get(kind, name) for kind in RELATIONS)
        entity = self._reachable(next((one for one in found if one is not None), None), name)
        if not self.may(privilege, entity):
            if self.sees(entity):
                raise insufficient_privileges("TABLE", quote(name[-1]))
            raise does_not_exist("Object", quote(name))
        return entity

    def _reachable(self, entity: Entity | None, name: Name) -> Entity:
        database = self._catalog.get("DATABASE", name[:1])
        schema = self._catalog.get("SCHEMA", name[:2])
        if entity and database and schema and self.may("USAGE", database) and self.may("USAGE", schema):
            return entity
        raise does_not_exist("Object", quote(name))
