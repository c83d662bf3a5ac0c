"""What is in the Snowflake account and nobody declared: objects, roles, users, rights. Only asks.

Objects in declared databases, rights of declared roles and rights of others on what is declared always count. Roles,
users, warehouses and databases beside those count where the whole account is the environment's (`drift.whole_account`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from modules.drift.managed import Managed
from modules.drift.model import Drift, Unlisted
from modules.environment.identifiers import SYSTEM_ROLES
from modules.environment.model import Environment
from modules.environment.source import snowflake_sources
from modules.errors import ServiceError
from modules.platforms.base import Platform
from modules.project import Project
from modules.warehouse.connection import connect
from modules.warehouse.sql import Catalogue, account_of, declared, read_live
from modules.warehouse.sql.catalogue import Item, Member, Name, Right
from modules.warehouse.sql.difference_rights import beyond
from modules.warehouse.sql.live_rows import kind_of_granted
from modules.warehouse.sql.quoting import identifier, parse_name, qualified

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

__all__ = ["unmanaged_in_snowflake"]

_ACCOUNT = {
    "ROLE": "ROLES",
    "USER": "USERS",
    "WAREHOUSE": "WAREHOUSES",
    "DATABASE": "DATABASES",
    "RESOURCE MONITOR": "RESOURCE MONITORS",
    "NETWORK POLICY": "NETWORK POLICIES",
    "STORAGE INTEGRATION": "STORAGE INTEGRATIONS",
    "EXTERNAL VOLUME": "EXTERNAL VOLUMES",
}
"""Kinds of the account, and what SHOW calls them."""

_BESIDE = {"STREAM": "STREAMS", "TASK": "TASKS"}
"""Kinds in a database that the estate has none of."""


_NOT_THERE = (2003, 2043)
_UNSUPPORTED = (2, 1003)
"""What the stand-in answers to kinds it has none of."""


def unmanaged_in_snowflake(
    environment: Environment,
    platform: Platform,
    project: Project,
    managed: Managed,
    unlisted: Callable[[Unlisted], None],
) -> list[Drift]:
    """Objects, rights and members that are neither in the YAML nor in a state."""
    should = declared(environment, project)
    client = platform.snowflake_client("admin")
    role = account_of(environment)[1]
    try:
        with closing(connect(client, project)) as connection:
            looker = _Looker(connection, environment, should, managed, unlisted, client.user, role)
            return list(looker.look())
    except ServiceError as error:
        needs = error.do or f"a role that may see the estate (warehouse.account.role is {role})"
        unlisted(Unlisted("objects and rights in Snowflake", error.what, needs))
        return []


class _Looker:
    def __init__(
        self,
        connection: SnowflakeConnection,
        environment: Environment,
        should: Catalogue,
        managed: Managed,
        unlisted: Callable[[Unlisted], None],
        user: str,
        role: str,
    ) -> None:
        self._connection = connection
        self._environment = environment
        self._should = should
        self._managed = managed
        self._unlisted = unlisted
        self._user = user
        self._role = role
        whole = environment.drift.whole_account
        self._whole = environment.platform == "local" if whole is None else whole
        self._people: set[str] = set()

    def look(self) -> Iterator[Drift]:
        live = read_live(self._connection, self._should)
        listed = {kind: self._listed(kind) for kind in _ACCOUNT} if self._whole else {"USER": self._listed("USER")}
        self._people = {name for name, row in listed["USER"].items() if _text(row, "type") in ("", "PERSON", "NULL")}
        found = list(self._of_account(listed)) if self._whole else []
        found += self._of_databases(live)
        roles: set[Name] = {(each.name,) for each in found if each.type == "role"}
        yield from found
        yield from self._rights(live)
        yield from self._foreign(live, roles)
        yield from self._members(live)

    # Objects

    def _of_account(self, listed: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[Drift]:
        for kind, rows in listed.items():
            for name, row in rows.items():
                key = (kind, (name,))
                if key in self._should.items or key in self._managed.objects or self._administrates(kind, name):
                    continue
                yield self._object(kind, (name,), _text(row, "owner") or None)

    def _administrates(self, kind: str, name: str) -> bool:
        """Who deploys is nobody's drift; PUBLIC and the like are left out by their rules."""
        return (kind, name) in (("USER", self._user), ("ROLE", self._role))

    def _of_databases(self, live: Catalogue) -> Iterator[Drift]:
        wanted = {item.name for item in self._should.of_kind("SCHEMA")}
        strange = {item.name for item in live.of_kind("SCHEMA") if item.name not in wanted and not self._has(item)}
        for item in live.of_kind(*{kind for kind, _ in live.items}):
            inside = len(item.name) == 3 and item.name[:2] in strange
            if item.key in self._should.items or self._has(item) or inside:
                continue
            owner = ".".join(item.owner) if item.owner else None
            held = sum(1 for each in live.items.values() if len(each.name) == 3 and each.name[:2] == item.name)
            yield self._object(item.kind, item.name, owner, held if item.kind == "SCHEMA" else 0)
        sources = {
            tuple(each.origin.split(".")) for each in snowflake_sources(self._environment).values() if each.stream
        }
        for database in (item.name[0] for item in live.of_kind("DATABASE")):
            for kind, plural in _BESIDE.items():
                for row in self._rows(f"SHOW {plural} IN DATABASE {identifier(database)}", plural.lower()):
                    name = (database, _text(row, "schema_name"), _text(row, "name"))
                    if name not in sources and name[:2] not in strange:
                        yield self._object(kind, name, _text(row, "owner") or None)

    def _has(self, item: Item) -> bool:
        return item.key in self._managed.objects

    def _object(self, kind: str, name: Name, owner: str | None, held: int = 0) -> Drift:
        facts: dict[str, Any] = {"owner": owner} if owner else {}
        if held:
            facts["objects"] = held
        word = {"ICEBERG TABLE": "Iceberg table"}.get(kind, kind.lower())
        sql = f"DROP {kind} {qualified(name)}"
        do = f"declare it under `warehouse.{_SECTIONS[kind]}`, or drop it" if kind in _SECTIONS else (
            "leave it to whoever made it (`drift.ignore`), or drop it"
        )  # fmt: skip
        return Drift("unmanaged", word, ".".join(name), facts=facts, do=do, by_hand=sql)

    # Rights

    def _rights(self, live: Catalogue) -> Iterator[Drift]:
        for right in beyond(self._should, live):
            if not any(
                right.role == role and right.privilege in privileges and _mentions(right, id_)
                for role, privileges, id_ in self._managed.grants
            ):
                yield self._grant(right)

    def _foreign(self, live: Catalogue, strange: set[Name]) -> Iterator[Drift]:
        """Rights on what is declared of roles that nobody declared; `strange` are roles that count themselves."""
        ours = {item.name for item in self._should.of_kind("ROLE", "DATABASE ROLE")}
        ours |= {name for kind, name in self._managed.objects if kind in ("ROLE", "DATABASE ROLE")}
        # Who gets a declared right is compared with the others.
        ours |= {right.role for right in self._should.rights} | {(name,) for name in SYSTEM_ROLES} | {(self._role,)}
        for item in live.of_kind("DATABASE", "SCHEMA", "TABLE", "VIEW", "DYNAMIC TABLE", "ICEBERG TABLE", "WAREHOUSE"):
            if item.key not in self._should.items:
                continue
            kind = "TABLE" if item.kind == "ICEBERG TABLE" else item.kind
            for row in self._rows(f"SHOW GRANTS ON {kind} {qualified(item.name)}", "rights on what is declared"):
                role, words = _grantee(row, "granted_to", item.name[0])
                owns = _text(row, "privilege") == "OWNERSHIP" and role not in strange
                if role and role not in ours and not owns:
                    yield self._grant(Right(role, _text(row, "privilege"), item.kind, item.name), words)
            if item.kind not in ("DATABASE", "SCHEMA"):
                continue
            for row in self._rows(f"SHOW FUTURE GRANTS IN {kind} {qualified(item.name)}", "rights on what will be"):
                role, words = _grantee(row, "grant_to", item.name[0])
                if role and role not in ours:
                    of = kind_of_granted(_text(row, "grant_on"))
                    yield self._grant(Right(role, _text(row, "privilege"), of, item.name, "future"), words)

    def _grant(self, right: Right, words: str = "") -> Drift:
        words = words or ("DATABASE ROLE" if len(right.role) == 2 else "ROLE")
        on = "ACCOUNT" if right.scope == "account" else f"{right.kind} {qualified(right.name)}"
        if right.scope == "future":
            place = "SCHEMA" if len(right.name) == 2 else "DATABASE"
            on = f"FUTURE {right.kind}S IN {place} {qualified(right.name)}"
        return Drift(
            "unmanaged",
            "grant",
            right.about.replace(": ", " ", 1),
            do="declare it under `warehouse.grants`, or revoke it",
            by_hand=f"REVOKE {right.privilege} ON {on} FROM {words} {qualified(right.role)}",
        )

    def _members(self, live: Catalogue) -> Iterator[Drift]:
        """Roles that are granted beyond what is declared: declared ones to anybody, any to a declared user or role."""
        roles = {item.name for item in self._should.of_kind("ROLE", "DATABASE ROLE")}
        served = {member.role for member in self._should.members if member.to_kind == "USER"}
        found = {member for member in live.members if member.role in roles} | set(self._granted_to_ours())
        for member in sorted(found - self._should.members):
            if (member.role, member.to) in self._managed.members or member.to == (self._role,):
                continue
            person = member.to_kind == "USER" and member.to[0] in self._people and member.role not in served
            words = "DATABASE ROLE" if len(member.role) == 2 else "ROLE"
            to = f"{member.to_kind} {qualified(member.to)}"
            yield Drift(
                "unmanaged",
                "role granted",
                member.about.removeprefix("role "),
                facts={"to_a_person": True} if person else {},
                do="declare it under `warehouse.roles` or `warehouse.users`, or revoke it",
                by_hand=f"REVOKE {words} {qualified(member.role)} FROM {to}",
            )

    def _granted_to_ours(self) -> Iterator[Member]:
        for user in self._should.of_kind("USER"):
            for row in self._rows(f"SHOW GRANTS TO USER {identifier(user.name[0])}", "roles of declared users"):
                yield Member(parse_name(_text(row, "role")), "USER", user.name)
        for role in self._should.of_kind("ROLE"):
            for row in self._rows(f"SHOW GRANTS TO ROLE {identifier(role.name[0])}", "roles of declared roles"):
                if kind_of_granted(_text(row, "granted_on")) in ("ROLE", "DATABASE ROLE"):
                    yield Member(parse_name(_text(row, "name")), "ROLE", role.name)

    # Asking

    def _listed(self, kind: str) -> dict[str, Mapping[str, Any]]:
        plural = _ACCOUNT[kind]
        return {_text(row, "name"): row for row in self._rows(f"SHOW {plural}", plural.lower())}

    def _rows(self, sql: str, what: str) -> list[Mapping[str, Any]]:
        from snowflake.connector.errors import Error

        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                titles = [column.name.lower() for column in cursor.description or ()]
                return [dict(zip(titles, row, strict=True)) for row in cursor.fetchall()]
        except Error as error:
            if error.errno in _NOT_THERE or (error.errno in _UNSUPPORTED and self._environment.platform == "local"):
                return []
            words = " ".join(str(error.msg or error).split())
            needs = f"{sql}, for role {self._role}: MONITOR or USAGE on it, or the global MANAGE GRANTS"
            self._unlisted(Unlisted(f"{what} in Snowflake", words, needs))
            return []


_SECTIONS = {
    "DATABASE": "databases", "SCHEMA": "databases", "TABLE": "tables", "VIEW": "views", "ROLE": "roles",
    "DATABASE ROLE": "database_roles", "DYNAMIC TABLE": "dynamic_tables", "ICEBERG TABLE": "iceberg_tables",
    "WAREHOUSE": "warehouses", "RESOURCE MONITOR": "resource_monitors", "NETWORK POLICY": "network_policies",
    "NETWORK RULE": "network_rules", "STORAGE INTEGRATION": "storage_integrations", "STAGE": "stages", "PIPE": "pipes",
    "EXTERNAL VOLUME": "external_volumes", "USER": "users",
}  # fmt: skip


def _grantee(row: Mapping[str, Any], column: str, database: str) -> tuple[Name, str]:
    """Whom a right is given to, and what REVOKE calls that: a role, a database role, a share."""
    words = _text(row, column).upper().replace("_", " ") or "ROLE"
    name = parse_name(_text(row, "grantee_name")) if _text(row, "grantee_name") else ()
    return ((database, *name) if words == "DATABASE ROLE" and len(name) == 1 else name), words


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)


def _mentions(right: Right, identifier_: str) -> bool:
    return right.scope == "account" or qualified(right.name) in identifier_
