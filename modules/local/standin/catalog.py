"""The account's objects: what exists, who owns it, who was granted what. Durable in one SQLite file.

Everything is held in memory and written through: the changes of one statement are one SQLite transaction, so a kill
at any moment leaves either all or none of them. Table rows are not here; they are DuckDB's.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modules.local.standin.tokenizer import Name

__all__ = ["RENAMING", "Catalog", "Entity", "FutureGrant", "Grant", "RoleGrant"]

RENAMING = "renaming_to"
"""A table's property while DuckDB renames it."""
_CONTAINERS = ("DATABASE", "SCHEMA")
_ROLES = ("ROLE", "DATABASE ROLE")


@dataclass
class Entity:
    """An object of the account, of a kind in `kinds`."""

    kind: str
    name: Name
    """Fully qualified: (database, schema, table), (role,)."""
    owner: str
    """The owning role's own name; `owned_by` is its full one."""
    created_on: float
    id: int
    comment: str = ""
    props: dict[str, Any] = field(default_factory=dict)
    """What is particular to the kind: a warehouse's size, a table's columns, a user's keys."""
    params: dict[str, str] = field(default_factory=dict)
    """Parameters set on this very object."""
    owner_database: str = ""
    """The database of an owner that is a database role."""

    @property
    def owned_by(self) -> Name:
        return (self.owner_database, self.owner) if self.owner_database else (self.owner,)

    @property
    def owner_role_type(self) -> str:
        return "DATABASE_ROLE" if self.owner_database else "ROLE"

    def give_to(self, role: Name) -> None:
        self.owner, self.owner_database = role[-1], role[0] if len(role) == 2 else ""


@dataclass(frozen=True)
class Grant:
    """A privilege on an object; `on_name` is () for the account. A role of two names is a database role."""

    privilege: str
    on_kind: str
    on_name: Name
    role: Name
    grant_option: bool = False
    granted_by: str = ""
    created_on: float = 0.0

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.privilege, self.on_kind, self.on_name, self.role)


@dataclass(frozen=True)
class FutureGrant:
    """A privilege on objects of a kind yet to be created in a database or schema."""

    privilege: str
    kind: str
    in_kind: str
    in_name: Name
    role: Name
    grant_option: bool = False
    granted_by: str = ""
    created_on: float = 0.0

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.privilege, self.kind, self.in_kind, self.in_name, self.role)


@dataclass(frozen=True)
class RoleGrant:
    """A role granted to a role (`to_kind` ROLE or DATABASE ROLE) or a user."""

    role: Name
    to_kind: str
    to_name: Name
    granted_by: str = ""
    created_on: float = 0.0

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.role, self.to_kind, self.to_name)


_Record = Entity | Grant | FutureGrant | RoleGrant
_BUCKETS: dict[type, str] = {Entity: "entity", Grant: "grant", FutureGrant: "future", RoleGrant: "role"}


def _key(record: _Record) -> tuple[Any, ...]:
    return (record.kind, record.name) if isinstance(record, Entity) else record.key


def _load(bucket: str, text: str) -> _Record:
    data = json.loads(text)
    for name in ("name", "on_name", "in_name", "role", "to_name"):
        given = data.get(name)
        if given is not None:
            # Folders of earlier versions have roles as plain text.
            data[name] = tuple(given) if isinstance(given, list) else (given,)
    for kind, name in _BUCKETS.items():
        if name == bucket:
            record: _Record = kind(**data)
            return record
    raise ValueError(f"unknown bucket {bucket!r}")


class Catalog:
    """All objects and grants. Change it only inside `with catalog.change():`."""

    def __init__(self, file: Path) -> None:
        self.lock = threading.RLock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS records (bucket TEXT, key TEXT, value TEXT, PRIMARY KEY (bucket, key))"
        )
        self._pending: dict[tuple[str, str], _Record | None] = {}
        self._depth = 0
        self._reload()

    def _reload(self) -> None:
        self.entities: dict[tuple[str, Name], Entity] = {}
        self.grants: dict[tuple[Any, ...], Grant] = {}
        self.future_grants: dict[tuple[Any, ...], FutureGrant] = {}
        self.role_grants: dict[tuple[Any, ...], RoleGrant] = {}
        renamed = []
        for bucket, key, value in self._db.execute("SELECT bucket, key, value FROM records").fetchall():
            record = _load(bucket, value)
            self._shelf(record)[_key(record)] = record
            if json.dumps(_key(record)) != key:
                renamed.append((json.dumps(_key(record)), bucket, key))
        self._db.executemany("UPDATE OR REPLACE records SET key = ? WHERE bucket = ? AND key = ?", renamed)
        self._next_id = max((entity.id for entity in self.entities.values()), default=0) + 1

    def _shelf(self, record: _Record) -> dict[tuple[Any, ...], Any]:
        if isinstance(record, Entity):
            return self.entities
        if isinstance(record, Grant):
            return self.grants
        return self.future_grants if isinstance(record, FutureGrant) else self.role_grants

    @contextmanager
    def change(self) -> Iterator[None]:
        """One atomic, durable change; nested uses join the outermost. An exception undoes everything."""
        with self.lock:
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self._flush()
            except BaseException:
                if self._depth == 1 and self._pending:
                    self._pending.clear()
                    self._reload()
                raise
            finally:
                self._depth -= 1

    def _flush(self) -> None:
        if not self._pending:
            return
        self._db.execute("BEGIN")
        try:
            for (bucket, key), record in self._pending.items():
                if record is None:
                    self._db.execute("DELETE FROM records WHERE bucket = ? AND key = ?", (bucket, key))
                else:
                    value = json.dumps(asdict(record))
                    self._db.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (bucket, key, value))
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        self._pending.clear()

    def note(self, entity: Entity, key: str, value: str) -> None:
        """Make a property durable at once, inside a change that has nothing else pending yet."""
        entity.props[key] = value
        self.put(entity)
        self._flush()

    def put(self, record: _Record) -> None:
        """Insert or replace."""
        key = _key(record)
        self._shelf(record)[key] = record
        self._pending[_BUCKETS[type(record)], json.dumps(key)] = record

    def discard(self, record: _Record) -> None:
        key = _key(record)
        self._shelf(record).pop(key, None)
        self._pending[_BUCKETS[type(record)], json.dumps(key)] = None

    def create(self, kind: str, name: Name, owner: str, **attributes: Any) -> Entity:
        """A new entity, with the future grants that apply to it made."""
        entity = Entity(kind, name, owner, time.time(), self._next_id, **attributes)
        self._next_id += 1
        self.put(entity)
        matching = [
            future
            for future in self.future_grants.values()
            if future.kind == kind and name[: len(future.in_name)] == future.in_name
        ]
        # As in Snowflake, future grants on the schema leave those on the database without effect.
        nearest = [future for future in matching if future.in_kind == "SCHEMA" and kind != "SCHEMA"] or matching
        for future in nearest:
            if future.privilege == "OWNERSHIP":
                entity.give_to(future.role)
                self.put(entity)
                continue
            by = future.granted_by
            self.put(Grant(future.privilege, kind, name, future.role, future.grant_option, by, time.time()))
        return entity

    def get(self, kind: str, name: Name) -> Entity | None:
        return self.entities.get((kind, name))

    def of_kind(self, kind: str, within: Name = ()) -> list[Entity]:
        """Entities of a kind below a name, by name."""
        with self.lock:
            found = [e for e in self.entities.values() if e.kind == kind and e.name[: len(within)] == within]
        return sorted(found, key=lambda entity: entity.name)

    def drop(self, entity: Entity) -> None:
        """Remove an entity, everything inside it, and the grants on or to any of that."""
        for child in list(self.entities.values()):
            inside = entity.kind in _CONTAINERS and child.name[: len(entity.name)] == entity.name
            if child is entity or (inside and len(child.name) > len(entity.name)):
                self.discard(child)
                self._drop_grants(child)

    def _drop_grants(self, entity: Entity) -> None:
        name, is_role = entity.name, entity.kind in _ROLES
        for grant in list(self.grants.values()):
            to_it = is_role and grant.role == name
            if to_it or (grant.on_kind == entity.kind and grant.on_name == entity.name):
                self.discard(grant)
        for future in list(self.future_grants.values()):
            to_it = is_role and future.role == name
            if to_it or (future.in_kind == entity.kind and future.in_name == entity.name):
                self.discard(future)
        for role in list(self.role_grants.values()):
            if (role.to_kind == entity.kind and role.to_name == name) or (is_role and role.role == name):
                self.discard(role)

    def rename(self, entity: Entity, name: Name) -> None:
        """Move an entity and what is inside it to another name; grants on them follow."""
        old = entity.name
        for child in list(self.entities.values()):
            inside = entity.kind in _CONTAINERS and child.name[: len(old)] == old and len(child.name) > len(old)
            if child is not entity and not inside:
                continue
            moved = Entity(**{**child.__dict__, "name": name + child.name[len(old) :]})
            self.discard(child)
            self.put(moved)
            for grant in list(self.grants.values()):
                if grant.on_kind == child.kind and grant.on_name == child.name:
                    self.discard(grant)
                    self.put(Grant(**{**grant.__dict__, "on_name": moved.name}))
        self._rename_grantee(entity.kind, old, name)

    def _rename_grantee(self, kind: str, old: Name, new: Name) -> None:
        if kind in _ROLES:
            for grant in [g for g in self.grants.values() if g.role == old]:
                self.discard(grant)
                self.put(Grant(**{**grant.__dict__, "role": new}))
            for future in [f for f in self.future_grants.values() if f.role == old]:
                self.discard(future)
                self.put(FutureGrant(**{**future.__dict__, "role": new}))
            for entity in [e for e in self.entities.values() if e.owned_by == old]:
                entity.give_to(new)
                self.put(entity)
        if kind in _ROLES or kind == "USER":
            for given in list(self.role_grants.values()):
                role = new if kind in _ROLES and given.role == old else given.role
                to_name = new if given.to_kind == kind and given.to_name == old else given.to_name
                if (role, to_name) != (given.role, given.to_name):
                    self.discard(given)
                    self.put(RoleGrant(role, given.to_kind, to_name, given.granted_by, given.created_on))

    def close(self) -> None:
        self._db.close()
