"""What an estate has, by kind and name, and how a check says that something is not among it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from modules.environment.document import Problem
from modules.environment.identifiers import OBJECT_KINDS, SYSTEM_ROLES, Target
from modules.environment.warehouse import Warehouse

if TYPE_CHECKING:
    from modules.environment.explain import Positions

__all__ = ["Declared", "Said", "closest"]

_SECTIONS = {
    "DATABASE": "databases",
    "WAREHOUSE": "warehouses",
    "INTEGRATION": "storage_integrations",
    "EXTERNAL VOLUME": "external_volumes",
    "RESOURCE MONITOR": "resource_monitors",
    "TABLE": "tables",
    "VIEW": "views",
    "DYNAMIC TABLE": "dynamic_tables",
    "ICEBERG TABLE": "iceberg_tables",
    "STAGE": "stages",
    "PIPE": "pipes",
    "NETWORK RULE": "network_rules",
    "NETWORK POLICY": "network_policies",
}
"""Kind → the section it is declared in."""


def closest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or what there is."""
    there = sorted(known)
    folded = {each.upper(): each for each in there}
    near = difflib.get_close_matches(name.upper(), folded, n=1)
    if near:
        return f"; did you mean `{folded[near[0]]}`?"
    return f"; there are {', '.join(there)}" if 0 < len(there) <= 12 else ""


class Said:
    """Makes problems of the `warehouse:` section, each at its place."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions

    def problem(self, message: str, *at: str | int) -> Problem:
        path = ("warehouse", *at)
        return Problem(self._positions.at(*path), ".".join(str(key) for key in path), message)

    def elsewhere(self, message: str, *path: str | int) -> Problem:
        return Problem(self._positions.at(*path), ".".join(str(key) for key in path), message)


class Declared:
    """The names of everything in a completed estate."""

    def __init__(self, whole: Warehouse) -> None:
        self._whole = whole
        self.schemas = {
            f"{database}.{schema}": database
            for database, its in whole.databases.items()
            for schema in ("PUBLIC", *its.schemas)
        }
        self.access_roles = {
            f"{database}.{schema}_{access}"
            for database, its in whole.databases.items()
            for schema, each in its.schemas.items()
            if each.access_roles
            for access in ("READ", "WRITE", "OWNER")
        }
        self.database_roles = {*self.access_roles, *whole.database_roles}
        self.roles = set(whole.roles)

    def of(self, kind: str) -> Mapping[str, object]:
        """The section of a kind: name → settings."""
        section: Mapping[str, object] = getattr(self._whole, _SECTIONS[kind])
        return section

    def objects(self) -> dict[str, list[str]]:
        """Tables, views and the like, which share one space of names: name → sections."""
        found: dict[str, list[str]] = {}
        for kind in OBJECT_KINDS[:4]:
            for name in self.of(kind):
                found.setdefault(name, []).append(_SECTIONS[kind])
        return found

    def missing_role(self, name: str, *, system: bool = False) -> str | None:
        """Why there is no such role; database roles as `DATABASE.ROLE`."""
        if "." in name:
            known = self.database_roles
            return None if name in known else f"there is no database role `{name}`{closest(name, known)}"
        if name in self.roles or (system and name in SYSTEM_ROLES):
            return None
        return f"there is no role `{name}`{closest(name, self.roles)}"

    def missing(self, kind: str, name: str) -> str | None:
        """Why there is no such object, in words."""
        known = self.schemas if kind == "SCHEMA" else self.of(kind)
        return None if name in known else f"there is no {kind.lower()} `{name}` in this estate{closest(name, known)}"

    def missing_target(self, target: Target) -> str | None:
        """What a grant is on and does not exist."""
        if target.scope == "account":
            return None
        if target.scope == "one":
            return self.missing(target.kind, target.dotted)
        return self.missing("SCHEMA" if len(target.name) == 2 else "DATABASE", target.dotted)
