"""Which privileges are missing, which are too many on what is declared, which nobody declared. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from modules.warehouse.sql.catalogue import Catalogue, Item, Name, Right
from modules.warehouse.sql.grants import OWNERSHIP, grant_right, ordered, revoke_right
from modules.warehouse.sql.kinds import RELATIONS
from modules.warehouse.sql.statement import Statement

__all__ = ["beyond", "missing_rights", "superfluous_rights", "undeclared_rights"]

_SYSTEM_ROLES = frozenset({"ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN", "ORGADMIN", "PUBLIC"})
_Key = tuple[Name, str, str, Name, str]


def missing_rights(wanted: Catalogue, live: Catalogue) -> Iterator[Statement]:
    """GRANT for what is declared and not there."""
    there = {_key(right) for right in live.rights}
    for right in ordered(wanted.rights):
        if right.scope == "all":
            if not _all_have(right, wanted, live, there):
                yield grant_right(right)
        elif right.privilege == OWNERSHIP and right.scope == "one":
            yield from _owner(right, live)
        elif _key(right) not in there:
            yield grant_right(right)


def superfluous_rights(wanted: Catalogue, live: Catalogue) -> Iterator[Statement]:
    """REVOKE for what a role has on an object beyond what is declared of the two; always unsafe."""
    pairs = {_pair(right) for right in wanted.rights}
    for right in beyond(wanted, live):
        if _pair(right) in pairs:
            yield revoke_right(right)


def undeclared_rights(wanted: Catalogue, live: Catalogue) -> Iterator[str]:
    """Lines about rights and members of declared roles that nobody declared."""
    pairs = {_pair(right) for right in wanted.rights}
    for right in beyond(wanted, live):
        if _pair(right) not in pairs:
            yield f"role {right.about} is granted and not declared"
    declared = {item.name for item in wanted.of_kind("ROLE", "DATABASE ROLE")}
    for member in sorted(live.members - wanted.members):
        if member.role in declared:
            yield f"{member.about} is granted and not declared"


def beyond(wanted: Catalogue, live: Catalogue) -> Iterator[Right]:
    """What roles of the estate have and no declaration explains."""
    declared = {_key(right) for right in wanted.rights}
    roles = {item.name for item in wanted.of_kind("ROLE", "DATABASE ROLE")}
    databases = {item.name for item in wanted.of_kind("DATABASE")}
    for right in sorted(live.rights):
        if right.role not in roles or right.privilege == OWNERSHIP or _key(right) in declared:
            continue
        undeclared_object = right.name[:1] in databases and _item(right.kind, right.name, wanted) is None
        if right.scope == "one" and ((undeclared_object and len(right.name) > 1) or _explained(right, wanted)):
            continue  # the object itself is said, or a grant on all or future objects gave it
        if len(right.role) == 2 and right.kind == "DATABASE" and right.name == right.role[:1]:
            continue  # a database role has USAGE of its database by itself
        yield right


def _explained(right: Right, wanted: Catalogue) -> bool:
    return any(
        given.scope in ("all", "future")
        and (given.role, given.privilege, given.kind) == (right.role, right.privilege, right.kind)
        and right.name[: len(given.name)] == given.name
        for given in wanted.rights
    )


def _owner(right: Right, live: Catalogue) -> Iterator[Statement]:
    item = _item(right.kind, right.name, live)
    if item is None or item.owner is None:
        yield grant_right(right)
    elif item.owner != right.role:
        owner = ".".join(item.owner)
        lost = None if item.owner[-1] in _SYSTEM_ROLES else f"{owner} is no longer the owner"
        yield replace(grant_right(right), unsafe=lost, was=f"owner {owner}")


def _all_have(right: Right, wanted: Catalogue, live: Catalogue, there: set[_Key]) -> bool:
    """Whether every object of the kind in the container has it, those included that are still to be made."""
    kinds = (right.kind,)
    if any(item.key not in live.items for item in wanted.within(kinds, right.name)):
        return False
    for item in live.within(kinds, right.name):
        if item.name[1:2] == ("INFORMATION_SCHEMA",) or (item.kind == "PIPE" and item.name[2].endswith("-STREAMING")):
            continue
        has = item.owner == right.role if right.privilege == OWNERSHIP else False
        if not has and _key(replace(right, scope="one", name=item.name)) not in there:
            return False
    return True


def _item(kind: str, name: Name, catalogue: Catalogue) -> Item | None:
    kinds = RELATIONS if kind in RELATIONS else (kind, f"STORAGE {kind}")
    return next((catalogue.items[each, name] for each in kinds if (each, name) in catalogue.items), None)


def _key(right: Right) -> _Key:
    # Tables of all kinds and views share a name space; SHOW GRANTS is not of one mind what it calls them.
    kind = "RELATION" if right.scope == "one" and right.kind in RELATIONS else right.kind
    return (right.role, right.privilege, kind, right.name, right.scope)


def _pair(right: Right) -> tuple[Name, str, Name, str]:
    role, _, kind, name, scope = _key(right)
    return (role, kind, name, scope)
