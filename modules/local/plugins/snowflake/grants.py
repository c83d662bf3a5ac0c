"""`snowflake_grant_privileges_to_account_role` and `…_to_database_role`.

A grant is read back by what Snowflake shows for its object; a privilege that somebody revoked shows as drift,
privileges granted by others do not. ALL PRIVILEGES and ON ALL are statements rather than objects: they are not read
back, as in the official plugin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from modules.local.plugins.protocol.resource import Diagnostic, Plan, PluginError, Resource, State
from modules.local.plugins.protocol.values import UNKNOWN, has_unknown
from modules.local.plugins.snowflake.client import Refusal, Row, SnowflakeSession
from modules.local.plugins.snowflake.names import parse_name, qualified

__all__ = [
    "DatabaseRolePrivilegesResource",
    "PrivilegesResource",
    "Target",
    "bare_name",
    "schema_object_target",
]

_TARGETS = ("on_account", "on_account_object", "on_database", "on_schema", "on_schema_object")


@dataclass(frozen=True)
class Target:
    """What privileges are granted on.

    Args:
        on: the words after GRANT … ON.
        show: the statement that lists its grants; None where there is nothing to list.
        identity: its part of the resource's id, as the official plugin writes it.
        kind: for future grants, the kind of object they will be on.
    """

    on: str
    show: str | None
    identity: str
    kind: str | None = None


class PrivilegesResource(Resource):
    replace_on = frozenset({"account_role_name", "database_role_name", "with_grant_option", *_TARGETS})
    role_argument: ClassVar[str] = "account_role_name"
    role_words: ClassVar[str] = "ROLE"
    targets: ClassVar[tuple[str, ...]] = ("on_account", "on_account_object", "on_schema", "on_schema_object")

    def __init__(self, session: SnowflakeSession) -> None:
        self._session = session

    def validate(self, config: State) -> Sequence[Diagnostic]:
        if has_unknown({name: config[name] for name in self.targets}):
            return ()
        given = [name for name in self.targets if config[name]]
        if len(given) != 1:
            return (Diagnostic(f"exactly one of {', '.join(self.targets)} must be given, not {len(given)}"),)
        privileges = config["privileges"]
        if privileges is not UNKNOWN and bool(privileges) is (config["all_privileges"] is True):
            return (Diagnostic("exactly one of privileges and all_privileges must be given"),)
        try:
            _target(config)
        except PluginError as error:
            return (error.diagnostic,)
        return ()

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        known = not has_unknown([planned[name] for name in (*self.targets, self.role_argument, "privileges")])
        return super().plan(prior, {**planned, "id": _identity(planned) if known else UNKNOWN}, config, changed)

    def create(self, planned: State) -> State:
        self._grant(planned, planned["privileges"] or [])
        return {**planned, "id": _identity(planned)}

    def read(self, state: State) -> State | None:
        if state.get(self.role_argument) is None:
            state = self._imported(state["id"])
        if not self._role_exists(_role(state)):
            return None
        target = _target(state)
        if state["all_privileges"] is True or target.show is None:
            return state
        rows = self._session.rows_if_there(target.show)
        if rows is None:
            return None
        held = {
            row["privilege"] for row in rows if _matches(row, target, _role(state), bool(state["with_grant_option"]))
        }
        left = [privilege for privilege in state["privileges"] or [] if privilege.upper() in held]
        return {**state, "privileges": left} if left else None

    def update(self, prior: State, planned: State) -> State:
        if prior["all_privileges"] is True and planned["all_privileges"] is not True:
            self._revoke(prior, [])
        before, after = ({one.upper() for one in state["privileges"] or []} for state in (prior, planned))
        if removed := sorted(before - after):
            self._revoke({**prior, "all_privileges": None}, removed)
        if planned["all_privileges"] is True or after - before:
            self._grant(planned, sorted(after - before))
        return {**planned, "id": _identity(planned)}

    def delete(self, state: State) -> None:
        try:
            self._revoke(state, state["privileges"] or [])
        except Refusal as refusal:
            # The grants went with the role or the object.
            if not refusal.missing:
                raise

    def import_(self, identifier: str) -> State:
        state = self._imported(identifier)
        if self.read(state) is None:
            raise PluginError(f"there is no grant {identifier} to import")
        return state

    def _grant(self, state: State, privileges: Sequence[str]) -> None:
        option = " WITH GRANT OPTION" if state["with_grant_option"] is True else ""
        what = _privileges(state, privileges)
        self._session.run(
            f"GRANT {what} ON {_target(state).on} TO {self.role_words} {qualified(*_role(state))}{option}"
        )

    def _revoke(self, state: State, privileges: Sequence[str]) -> None:
        what = _privileges(state, privileges)
        self._session.run(f"REVOKE {what} ON {_target(state).on} FROM {self.role_words} {qualified(*_role(state))}")

    def _role_exists(self, role: tuple[str, ...]) -> bool:
        """One listing answers for all grants."""
        place = f"DATABASE ROLES IN DATABASE {qualified(role[0])}" if len(role) == 2 else "ROLES"
        return any(row["name"] == role[-1] for row in self._session.rows_if_there(f"SHOW {place}") or ())

    def _imported(self, identifier: str) -> State:
        return _from_identity(identifier, self.role_argument)


class DatabaseRolePrivilegesResource(PrivilegesResource):
    """The same for a database role, which holds privileges in its own database only."""

    role_argument = "database_role_name"
    role_words = "DATABASE ROLE"
    targets = ("on_database", "on_schema", "on_schema_object")


def _role(state: State) -> tuple[str, ...]:
    if state.get("database_role_name") is not None:
        return parse_name(state["database_role_name"], 2)
    return parse_name(state["account_role_name"], 1)


def _privileges(state: State, privileges: Sequence[str]) -> str:
    return "ALL PRIVILEGES" if state["all_privileges"] is True else ", ".join(one.upper() for one in privileges)


def _target(state: State) -> Target:
    """What the one given block means."""
    if state.get("on_account"):
        return Target("ACCOUNT", "SHOW GRANTS ON ACCOUNT", "OnAccount")
    if state.get("on_database"):
        name = qualified(*parse_name(state["on_database"], 1))
        return Target(f"DATABASE {name}", f"SHOW GRANTS ON DATABASE {name}", f"OnDatabase|{name}")
    for block, read in (
        ("on_account_object", _account_object),
        ("on_schema", _schema),
        ("on_schema_object", schema_object_target),
    ):
        if state.get(block):
            body = state[block][0]
            if body.get("inherited"):
                raise PluginError(
                    "the bundled snowflakedb/snowflake plugin does not implement inherited grants",
                    "Use the official plugin (`terraform.providers: official`).",
                    path=(block,),
                )
            return read(body)
    raise PluginError(f"one of {', '.join(_TARGETS)} must be given")


def _account_object(body: State) -> Target:
    kind, name = _needed(body, "object_type").upper(), qualified(*parse_name(_needed(body, "object_name"), 1))
    return Target(f"{kind} {name}", f"SHOW GRANTS ON {kind} {name}", f"OnAccountObject|{kind}|{name}")


def _schema(body: State) -> Target:
    if body["schema_name"]:
        name = qualified(*parse_name(body["schema_name"], 2))
        return Target(f"SCHEMA {name}", f"SHOW GRANTS ON SCHEMA {name}", f"OnSchema|OnSchema|{name}")
    if body["all_schemas_in_database"]:
        name = qualified(*parse_name(body["all_schemas_in_database"], 1))
        return Target(f"ALL SCHEMAS IN DATABASE {name}", None, f"OnSchema|OnAllSchemasInDatabase|{name}")
    name = qualified(*parse_name(_needed(body, "future_schemas_in_database"), 1))
    identity = f"OnSchema|OnFutureSchemasInDatabase|{name}"
    return Target(
        f"FUTURE SCHEMAS IN DATABASE {name}", f"SHOW FUTURE GRANTS IN DATABASE {name}", identity, kind="SCHEMA"
    )


def schema_object_target(body: State) -> Target:
    for when, word in (("all", "OnAll"), ("future", "OnFuture")):
        if body[when]:
            return _bulk(body[when][0], when.upper(), word)
    kind, name = _needed(body, "object_type").upper(), qualified(*parse_name(_needed(body, "object_name"), 3))
    return Target(f"{kind} {name}", f"SHOW GRANTS ON {kind} {name}", f"OnSchemaObject|OnObject|{kind}|{name}")


def _bulk(body: State, when: str, word: str) -> Target:
    plural = body["object_type_plural"].upper()
    if body["in_schema"]:
        place, name, identity = "SCHEMA", qualified(*parse_name(body["in_schema"], 2)), "InSchema"
    else:
        place, name, identity = "DATABASE", qualified(*parse_name(_needed(body, "in_database"), 1)), "InDatabase"
    show = f"SHOW FUTURE GRANTS IN {place} {name}" if when == "FUTURE" else None
    singular = plural[:-3] + "Y" if plural.endswith("IES") else plural.removesuffix("S")
    return Target(
        f"{when} {plural} IN {place} {name}", show, f"OnSchemaObject|{word}|{plural}|{identity}|{name}", singular
    )


def _needed(body: State, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise PluginError(f"{name} is missing in the grant")
    return value


def _matches(row: Row, target: Target, role: tuple[str, ...], grant_option: bool) -> bool:
    granted_to = row.get("granted_to", row.get("grant_to"))
    kinds = ("ROLE", "ACCOUNT_ROLE") if len(role) == 1 else ("DATABASE_ROLE",)
    if granted_to not in kinds or bare_name(row["grantee_name"]) != role[-1]:
        return False
    if target.kind is not None and str(row["grant_on"]).replace("_", " ") != target.kind:
        return False
    return (str(row["grant_option"]).lower() == "true") is grant_option


def bare_name(name: str) -> str:
    """Snowflake quotes a grantee's name where it needs quoting."""
    return parse_name(name)[-1] if name.startswith('"') else name


def _identity(state: State) -> str:
    flags = [str(state[name] is True).lower() for name in ("with_grant_option", "always_apply")]
    what = "ALL" if state["all_privileges"] is True else ",".join(sorted(state["privileges"] or []))
    return "|".join([qualified(*_role(state)), *flags, what, _target(state).identity])


def _from_identity(identifier: str, argument: str) -> State:
    """The state an id stands for."""
    parts = identifier.split("|")
    if len(parts) < 5:
        raise PluginError(
            f"{identifier!r} is not the id of a grant",
            'It reads "ROLE"|with grant option|always apply|PRIVILEGE,…|On…|…, for example '
            '"R"|false|false|USAGE|OnAccountObject|DATABASE|"D".',
        )
    role, option, always, privileges, kind, *rest = parts
    everything = privileges in ("ALL", "ALL PRIVILEGES")
    state: State = {
        "id": identifier,
        argument: parse_name(role, 1)[0] if argument == "account_role_name" else role,
        "with_grant_option": True if option == "true" else None,
        "always_apply": True if always == "true" else None,
        "all_privileges": True if everything else None,
        "privileges": None if everything else privileges.split(","),
    }
    return {**state, **_from_target(kind, rest)}


def _from_target(kind: str, rest: list[str]) -> State:
    plain = [".".join(parse_name(part)) if part.startswith('"') else part for part in rest]
    try:
        if kind == "OnAccount":
            return {"on_account": True}
        if kind == "OnDatabase":
            return {"on_database": plain[0]}
        if kind == "OnAccountObject":
            return {"on_account_object": [{"object_type": plain[0], "object_name": plain[1], "inherited": []}]}
        if kind == "OnSchema":
            names = dict.fromkeys(("schema_name", "all_schemas_in_database", "future_schemas_in_database"))
            key = {"OnSchema": "schema_name", "OnAllSchemasInDatabase": "all_schemas_in_database"}.get(
                plain[0], "future_schemas_in_database"
            )
            return {"on_schema": [{**names, key: rest[1], "inherited": []}]}
        return {"on_schema_object": [_from_schema_object(rest)]}
    except IndexError:
        raise PluginError(f"the grant's id ends too early after {kind}") from None


def _from_schema_object(rest: list[str]) -> State:
    body: State = {"object_type": None, "object_name": None, "all": [], "future": [], "inherited": []}
    if rest[0] == "OnObject":
        return {**body, "object_type": rest[1], "object_name": rest[2]}
    place = {"InSchema": "in_schema", "InDatabase": "in_database"}[rest[2]]
    inner: dict[str, Any] = {"object_type_plural": rest[1], "in_schema": None, "in_database": None, place: rest[3]}
    return {**body, "all" if rest[0] == "OnAll" else "future": [inner]}
