"""DATABASE ROLE: create, alter, drop, show. What it was granted is in `grants`."""

from __future__ import annotations

from typing import Any

from modules.local.standin.catalog import Entity
from modules.local.standin.results import stamp
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.objects import ObjectKind, register

__all__: list[str] = []


def _row(context: Context, entity: Entity) -> tuple[Any, ...]:
    grants = list(context.catalog.role_grants.values())
    return (
        stamp(entity.created_on), entity.name[1], "N", "N", "Y" if entity.name in context.access.roles else "N",
        sum(1 for g in grants if g.role == entity.name and g.to_kind == "ROLE"),
        sum(1 for g in grants if g.role == entity.name and g.to_kind == "DATABASE ROLE"),
        sum(1 for g in grants if g.to_name == entity.name),
        entity.owner, entity.comment, entity.owner_role_type,
    )  # fmt: skip


def _inherit(context: Context, entity: Entity) -> None:
    """What it owned falls to the role that drops it."""
    for owned in [e for e in context.catalog.entities.values() if e.owned_by == entity.name]:
        owned.give_to((context.session.role,))
        context.catalog.put(owned)


register(
    ObjectKind(
        kind="DATABASE ROLE",
        show="created_on:ts,name,is_default,is_current,is_inherited,granted_to_roles:int,granted_to_database_roles:int,"
        "granted_database_roles:int,owner,comment,owner_role_type",
        row=_row,
        dropping=_inherit,
    )
)
