"""Statements about who may do what: privileges, ownership, roles of roles and users, tags."""

from __future__ import annotations

from collections.abc import Iterable

from modules.warehouse.sql.catalogue import Member, Name, Right, Tagged
from modules.warehouse.sql.quoting import identifier, literal, qualified
from modules.warehouse.sql.statement import Area, Statement

__all__ = ["OWNERSHIP", "grant_member", "grant_right", "ordered", "revoke_right", "set_tag", "target"]

OWNERSHIP = "OWNERSHIP"
_PLURALS = {"NETWORK POLICY": "NETWORK POLICIES", "MASKING POLICY": "MASKING POLICIES"}


def ordered(rights: Iterable[Right]) -> list[Right]:
    """Ownership first, so that privileges come from the owner there will be."""
    return sorted(rights, key=lambda right: (right.privilege != OWNERSHIP, right))


def grant_right(right: Right) -> Statement:
    """GRANT of a privilege; ownership leaves the privileges that others have."""
    keep = " COPY CURRENT GRANTS" if right.privilege == OWNERSHIP and right.scope != "future" else ""
    sql = f"GRANT {right.privilege} ON {target(right)} TO {_role(right.role)}{keep}"
    section = "Ownership" if right.privilege == OWNERSHIP else "Grants"
    return Statement(sql, section, "security", right.about)


def revoke_right(right: Right) -> Statement:
    """REVOKE of a privilege that a declared role has on a declared object and should not."""
    sql = f"REVOKE {right.privilege} ON {target(right)} FROM {_role(right.role)}"
    unsafe = f"whoever works in {'.'.join(right.role)} may use it; it is not declared"
    return Statement(sql, "Grants", "security", right.about, unsafe)


def grant_member(member: Member) -> Statement:
    """GRANT of a role to a role or user."""
    to = f"USER {identifier(member.to[0])}" if member.to_kind == "USER" else _role(member.to)
    # A database role is its database's owner's to give: security may not even see it.
    area: Area = "objects" if len(member.role) == 2 else "security"
    return Statement(f"GRANT {_role(member.role)} TO {to}", "Roles of roles and users", area, member.about)


def set_tag(tagged: Tagged) -> Statement:
    """A tag's value on an object."""
    sql = f"ALTER {tagged.kind} {qualified(tagged.name)} SET TAG {qualified(tagged.tag)} = {literal(tagged.value)}"
    return Statement(sql, "Tags", "objects", tagged.about)


def target(right: Right) -> str:
    """What follows ON."""
    if right.scope == "account":
        return "ACCOUNT"
    if right.scope == "one":
        return f"{right.kind} {qualified(right.name)}"
    container = "SCHEMA" if len(right.name) == 2 else "DATABASE"
    plural = _PLURALS.get(right.kind, f"{right.kind}S")
    return f"{right.scope.upper()} {plural} IN {container} {qualified(right.name)}"


def _role(role: Name) -> str:
    return f"DATABASE ROLE {qualified(role)}" if len(role) == 2 else f"ROLE {qualified(role)}"
