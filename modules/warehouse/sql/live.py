"""Reads an account into a catalogue: what is declared, and whatever else is in the declared databases and roles.

Only reads: SHOW, DESCRIBE and SYSTEM$GET_TAG, as the role the connection has. SHOW answers with 10,000 rows at most, as
Snowflake has it; a database with more objects of a kind than that is compared in part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modules.errors import ServiceError
from modules.warehouse.sql import live_rows as rows
from modules.warehouse.sql.catalogue import Catalogue, Item, Member, Name, Right, Tagged
from modules.warehouse.sql.live_rows import Row
from modules.warehouse.sql.quoting import identifier, literal, parse_name, qualified

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

__all__ = ["read_live"]

_ABSENT = (2003, 2043)


def read_live(
    connection: SnowflakeConnection, wanted: Catalogue, note: Callable[[str], None] | None = None
) -> Catalogue:
    """The account's side of the comparison.

    Args:
        wanted: says which objects of the account, databases and roles to look at.
        note: told what is being read.

    Raises:
        ServiceError: Snowflake refuses a query.
    """
    return _Reader(connection, wanted, note or (lambda _: None)).read()


class _Reader:
    def __init__(self, connection: SnowflakeConnection, wanted: Catalogue, note: Callable[[str], None]) -> None:
        self._connection = connection
        self._wanted = wanted
        self._note = note

    def read(self) -> Catalogue:
        items = {item.key: item for item in self._items()}
        live = Catalogue(items)
        rights = frozenset(self._rights(live))
        return Catalogue(items, rights, frozenset(self._members()), frozenset(self._tags(live)))

    def _items(self) -> Iterator[Item]:
        self._note("reading the account's objects")
        for kind, read in self._account_readers().items():
            for item in self._wanted.of_kind(kind):
                yield from read(item.name[0])
        for item in self._wanted.of_kind("DATABASE"):
            database = item.name[0]
            shown = self._show("DATABASES", database)
            if shown:
                self._note(f"reading the database {database}")
                yield rows.database(shown[0])
                yield from self._in_database(database)

    def _account_readers(self) -> dict[str, Callable[[str], Iterator[Item]]]:
        return {
            "ROLE": lambda name: map(rows.role, self._show("ROLES", name)),
            "RESOURCE MONITOR": lambda name: map(rows.monitor, self._show("RESOURCE MONITORS", name)),
            "WAREHOUSE": self._warehouse,
            "NETWORK POLICY": self._network_policy,
            "STORAGE INTEGRATION": self._integration,
            "EXTERNAL VOLUME": self._volume,
            "USER": self._user,
        }

    def _warehouse(self, name: str) -> Iterator[Item]:
        for row in self._show("WAREHOUSES", name):
            item = rows.warehouse(row)
            parameters = self._parameters("WAREHOUSE", name)
            timeouts = ("STATEMENT_TIMEOUT_IN_SECONDS", "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS")
            given = {key: int(parameters[key]) for key in timeouts if key in parameters}
            yield replace(item, values={**item.values, **dict.fromkeys(timeouts), **given})

    def _network_policy(self, name: str) -> Iterator[Item]:
        for row in self._show("NETWORK POLICIES", name):
            described = rows.described(self._rows(f"DESCRIBE NETWORK POLICY {identifier(name)}"), "name")
            yield rows.network_policy(row, described)

    def _integration(self, name: str) -> Iterator[Item]:
        for row in self._show("STORAGE INTEGRATIONS", name):
            words = f"DESCRIBE STORAGE INTEGRATION {identifier(name)}"
            yield rows.integration(row, rows.described(self._rows(words), value="property_value"))

    def _volume(self, name: str) -> Iterator[Item]:
        for row in self._show("EXTERNAL VOLUMES", name):
            yield rows.volume(row, self._rows(f"DESCRIBE EXTERNAL VOLUME {identifier(name)}"))

    def _user(self, name: str) -> Iterator[Item]:
        for row in self._show("USERS", name):
            described = rows.described(self._rows(f"DESCRIBE USER {identifier(name)}"))
            policy = self._parameters("USER", name).get("NETWORK_POLICY")
            yield rows.user(row, described, policy or None)

    def _in_database(self, database: str) -> Iterator[Item]:
        found: dict[tuple[str, Name], Item] = {}
        for plural, read in rows.IN_DATABASE.values():
            for row in self._rows(f"SHOW {plural} IN DATABASE {identifier(database)}"):
                item = read({"database_name": database, **row})
                found[item.key] = item
        for kind, name in list(found):
            # SHOW TABLES lists dynamic and Iceberg tables as well, and alone says how the latter are clustered.
            others = [other for other in ("DYNAMIC TABLE", "ICEBERG TABLE") if (other, name) in found]
            if kind == "TABLE" and others:
                table, other = found.pop((kind, name)), found[others[0], name]
                if other.kind == "ICEBERG TABLE":
                    values = {**other.values, "CLUSTER_BY": table.values["CLUSTER_BY"]}
                    found[other.key] = replace(other, values=values)
        for key, item in found.items():
            if key in self._wanted.items:
                yield self._detailed(item)
            elif item.name[1:2] != ("INFORMATION_SCHEMA",):
                yield item

    def _detailed(self, item: Item) -> Item:
        """With what only DESCRIBE or SHOW PARAMETERS says."""
        name = qualified(item.name)
        if item.kind in ("TABLE", "ICEBERG TABLE"):
            return replace(item, columns=rows.columns_of(self._rows(f"DESCRIBE TABLE {name} TYPE = COLUMNS")))
        if item.kind == "NETWORK RULE":
            described = self._rows(f"DESCRIBE NETWORK RULE {name}")
            listed = tuple(
                each.strip() for row in described for each in str(row["value_list"]).split(",") if each.strip()
            )
            return replace(item, values={**item.values, "VALUE_LIST": listed})
        return item

    def _parameters(self, kind: str, name: str) -> dict[str, str]:
        """Those that are set on the object itself."""
        found = self._rows(f"SHOW PARAMETERS IN {kind} {identifier(name)}")
        return {str(row["key"]): str(row["value"]) for row in found if str(row.get("level", "")).upper() == kind}

    def _rights(self, live: Catalogue) -> Iterator[Right]:
        self._note("reading who may do what")
        for item in self._roles(live):
            words = "DATABASE ROLE" if len(item) == 2 else "ROLE"
            for row in self._rows(f"SHOW GRANTS TO {words} {qualified(item)}"):
                kind = rows.kind_of_granted(str(row["granted_on"]))
                if kind in ("ROLE", "DATABASE ROLE"):
                    continue
                scope, name = ("account", ()) if kind == "ACCOUNT" else ("one", parse_name(str(row["name"])))
                yield Right(item, str(row["privilege"]), kind, name, scope)  # type: ignore[arg-type]
            for row in self._rows(f"SHOW FUTURE GRANTS TO {words} {qualified(item)}"):
                kind = rows.kind_of_granted(str(row["grant_on"]))
                yield Right(item, str(row["privilege"]), kind, parse_name(str(row["name"]))[:-1], "future")

    def _roles(self, live: Catalogue) -> list[Name]:
        """Declared roles that are there, and those that are not declared and get a right; never Snowflake's own."""
        declared = {item.name for item in self._wanted.of_kind("ROLE", "DATABASE ROLE")}
        there = [item.name for item in live.of_kind("ROLE", "DATABASE ROLE") if item.name in declared]
        others = {right.role for right in self._wanted.rights} - declared
        return [*there, *sorted(each for each in others if self._exists(each))]

    def _exists(self, role: Name) -> bool:
        if len(role) == 1:
            return bool(self._show("ROLES", role[0]))
        return any(
            row["name"] == role[1] for row in self._rows(f"SHOW DATABASE ROLES IN DATABASE {identifier(role[0])}")
        )

    def _members(self) -> Iterator[Member]:
        declared = {item.name for item in self._wanted.of_kind("ROLE", "DATABASE ROLE")}
        for role in sorted(declared | {member.role for member in self._wanted.members}):
            words = "DATABASE ROLE" if len(role) == 2 else "ROLE"
            for row in self._rows(f"SHOW GRANTS OF {words} {qualified(role)}"):
                kind = rows.kind_of_granted(str(row["granted_to"]))
                if kind in ("ROLE", "DATABASE ROLE", "USER"):
                    to = (
                        (str(row["grantee_name"]),) if kind != "DATABASE ROLE" else parse_name(str(row["grantee_name"]))
                    )
                    if kind == "DATABASE ROLE" and len(to) == 1:
                        to = (role[0], *to)
                    yield Member(role, kind, to)  # type: ignore[arg-type]

    def _tags(self, live: Catalogue) -> Iterator[Tagged]:
        for tagged in sorted(self._wanted.tags):
            there = tagged.kind not in ("TABLE", "SCHEMA", "DATABASE", "WAREHOUSE") or (
                (tagged.kind, tagged.name) in live.items or (tagged.kind, tagged.name) not in self._wanted.items
            )
            if not there:
                continue
            call = f"SYSTEM$GET_TAG({literal(qualified(tagged.tag))}, {literal(qualified(tagged.name))}, "
            found = self._rows(f"SELECT {call}{literal(tagged.kind.lower())}) AS TAG_VALUE")
            value = found[0]["tag_value"] if found else None
            if value is not None:
                yield replace(tagged, value=str(value))

    def _show(self, plural: str, name: str) -> list[Row]:
        """The one row of that very name: LIKE ignores case, and `_` and `%` stand for anything."""
        found = self._rows(f"SHOW {plural} LIKE {literal(name)}")
        return [row for row in found if row.get("name") == name]

    def _rows(self, sql: str) -> list[Row]:
        from snowflake.connector.errors import Error

        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                titles = [column.name.lower() for column in cursor.description or ()]
                return [dict(zip(titles, row, strict=True)) for row in cursor.fetchall()]
        except Error as error:
            if error.errno in _ABSENT:
                return []
            raise _refused(sql, error) from None


def _refused(sql: str, error: Any) -> ServiceError:
    return ServiceError(
        f"Snowflake refused to answer: {' '.join(str(error.msg or error).split())}",
        where=sql,
        do="read the account with a role that may see the estate (warehouse.account.role)",
    )
