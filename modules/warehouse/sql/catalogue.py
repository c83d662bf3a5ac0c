"""What an account has, or should have, as plain values: the common form of the estate and of what SHOW answers.

A value's key is the keyword SQL sets it with (`AUTO_SUSPEND`), so that a difference is a statement. A key that is
absent from the wanted side is not compared: what nobody declared is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Catalogue", "Column", "Item", "Member", "Name", "Right", "Tagged", "describe"]

Name = tuple[str, ...]
"""A full name in its parts: ("STREAMING", "PUBLIC", "ORDER_EVENTS")."""


@dataclass(frozen=True)
class Column:
    """A column; `type` in the canonical form of `types.canonical`."""

    name: str
    type: str
    nullable: bool = True
    comment: str = ""
    masking_policy: Name | None = None


@dataclass(frozen=True)
class Item:
    """An object of a kind in `kinds.KINDS`."""

    kind: str
    name: Name
    values: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    owner: Name | None = None
    """The owning role where it is known: one part for an account role, two for a database role."""
    level: int = 0
    """What is created later has a higher one, within its kind."""

    @property
    def key(self) -> tuple[str, Name]:
        return (self.kind, self.name)

    @property
    def about(self) -> str:
        return describe(self.kind, self.name)


@dataclass(frozen=True, order=True)
class Right:
    """A privilege of a role on one object, on all or future objects of a kind in a container, or on the account."""

    role: Name
    privilege: str
    kind: str
    name: Name
    scope: Literal["one", "all", "future", "account"] = "one"

    @property
    def about(self) -> str:
        what = describe(self.kind, self.name)
        if self.scope == "account":
            what = "the account"
        elif self.scope != "one":
            what = f"{self.scope} {self.kind.lower()}s in {'.'.join(self.name)}"
        return f"{'.'.join(self.role)}: {self.privilege} on {what}"


@dataclass(frozen=True, order=True)
class Member:
    """A role granted to a role, a database role or a user."""

    role: Name
    to_kind: Literal["ROLE", "DATABASE ROLE", "USER"]
    to: Name

    @property
    def about(self) -> str:
        return f"role {'.'.join(self.role)} to {self.to_kind.lower()} {'.'.join(self.to)}"


@dataclass(frozen=True, order=True)
class Tagged:
    """A tag's value on an object."""

    tag: Name
    kind: str
    name: Name
    value: str

    @property
    def about(self) -> str:
        return f"tag {'.'.join(self.tag)} on {describe(self.kind, self.name)}"


@dataclass(frozen=True)
class Catalogue:
    """Objects by kind and name, and who may do what with them."""

    items: Mapping[tuple[str, Name], Item] = field(default_factory=dict)
    rights: frozenset[Right] = frozenset()
    members: frozenset[Member] = frozenset()
    tags: frozenset[Tagged] = frozenset()

    @classmethod
    def of(
        cls,
        items: Iterable[Item],
        rights: Iterable[Right] = (),
        members: Iterable[Member] = (),
        tags: Iterable[Tagged] = (),
    ) -> Catalogue:
        return cls({item.key: item for item in items}, frozenset(rights), frozenset(members), frozenset(tags))

    def of_kind(self, *kinds: str) -> list[Item]:
        """The items of these kinds, in order of creation."""
        found = [item for item in self.items.values() if item.kind in kinds]
        return sorted(found, key=lambda item: (item.level, item.name))

    def within(self, kinds: Iterable[str], container: Name) -> list[Item]:
        """The items of these kinds in a database or schema."""
        depth = len(container)
        return [item for item in self.of_kind(*kinds) if item.name[:depth] == container and len(item.name) > depth]


def describe(kind: str, name: Name) -> str:
    """`table STREAMING.PUBLIC.ORDER_EVENTS`."""
    return f"{kind.lower()} {'.'.join(name)}"
