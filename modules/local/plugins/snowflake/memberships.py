"""`snowflake_grant_account_role` and `snowflake_grant_database_role`: a role granted to somebody else.

Every argument is part of the identity, so nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from modules.local.plugins.protocol.resource import Diagnostic, Plan, PluginError, Resource, State
from modules.local.plugins.protocol.values import UNKNOWN, has_unknown
from modules.local.plugins.snowflake.client import Row, SnowflakeSession
from modules.local.plugins.snowflake.grants import bare_name
from modules.local.plugins.snowflake.names import parse_name, qualified

__all__ = ["DatabaseRoleMembershipResource", "RoleMembershipResource"]

Membership = tuple[tuple[str, ...], str, tuple[str, ...]]
"""The role, the grantee's kind and the grantee."""


class _MembershipResource(Resource):
    words: ClassVar[str]
    """What Snowflake calls such a role."""
    arguments: ClassVar[tuple[str, str, str]]
    """The role's name, and those of which exactly one names the grantee."""

    def __init__(self, session: SnowflakeSession) -> None:
        self._session = session

    def validate(self, config: State) -> Sequence[Diagnostic]:
        _, *grantees = self.arguments
        values = [config[name] for name in grantees]
        if not has_unknown(values) and sum(value is not None for value in values) != 1:
            return (Diagnostic(f"exactly one of {' and '.join(grantees)} must be given"),)
        return ()

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        known = not has_unknown([planned[name] for name in self.arguments])
        return super().plan(prior, {**planned, "id": self._id(planned) if known else UNKNOWN}, config, changed)

    def create(self, planned: State) -> State:
        role, kind, grantee = self._membership(planned)
        self._session.run(f"GRANT {self.words} {qualified(*role)} TO {kind} {qualified(*grantee)}")
        return {**planned, "id": self._id(planned)}

    def read(self, state: State) -> State | None:
        if state.get(self.arguments[0]) is None:
            state = self._state(state["id"])
        role, kind, grantee = self._membership(state)
        rows = self._session.rows_if_there(f"SHOW GRANTS OF {self.words} {qualified(*role)}")
        if rows is None:
            return None
        held = any(row["granted_to"] == kind.replace(" ", "_") and self._grantee(row) == grantee[-1] for row in rows)
        return state if held else None

    def delete(self, state: State) -> None:
        role, kind, grantee = self._membership(state)
        # The grant may have gone with the role or the grantee.
        self._session.run_if_there(f"REVOKE {self.words} {qualified(*role)} FROM {kind} {qualified(*grantee)}")

    def import_(self, identifier: str) -> State:
        state = self._state(identifier)
        if self.read(state) is None:
            raise PluginError(f"there is no grant {identifier} to import")
        return state

    def _id(self, state: State) -> str:
        role, kind, grantee = self._membership(state)
        return f"{qualified(*role)}|{kind}|{qualified(*grantee)}"

    def _membership(self, state: State) -> Membership:
        raise NotImplementedError

    def _state(self, identifier: str) -> State:
        """The state an id stands for."""
        raise NotImplementedError

    def _grantee(self, row: Row) -> str:
        """The grantee's own name in a row of SHOW GRANTS."""
        raise NotImplementedError


class RoleMembershipResource(_MembershipResource):
    """A role granted to a role or a user."""

    replace_on = frozenset({"role_name", "parent_role_name", "user_name"})
    words = "ROLE"
    arguments = ("role_name", "parent_role_name", "user_name")

    def _membership(self, state: State) -> Membership:
        kind = "USER" if state["user_name"] is not None else "ROLE"
        grantee = state["user_name"] if kind == "USER" else state["parent_role_name"]
        return parse_name(state["role_name"], 1), kind, parse_name(grantee, 1)

    def _state(self, identifier: str) -> State:
        parts = identifier.split("|")
        if len(parts) != 3 or parts[1] not in ("ROLE", "USER"):
            raise PluginError(
                f"{identifier!r} is not the id of a role grant", 'It reads "ROLE"|ROLE|"PARENT" or "ROLE"|USER|"NAME".'
            )
        grantee = parse_name(parts[2], 1)[0]
        return {
            "id": identifier,
            "role_name": parse_name(parts[0], 1)[0],
            "parent_role_name": grantee if parts[1] == "ROLE" else None,
            "user_name": grantee if parts[1] == "USER" else None,
        }

    def _grantee(self, row: Row) -> str:
        return bare_name(row["grantee_name"])


class DatabaseRoleMembershipResource(_MembershipResource):
    """A database role granted to an account role or to another database role."""

    replace_on = frozenset({"database_role_name", "parent_role_name", "parent_database_role_name", "share_name"})
    words = "DATABASE ROLE"
    arguments = ("database_role_name", "parent_role_name", "parent_database_role_name")

    def validate(self, config: State) -> Sequence[Diagnostic]:
        if isinstance(config["share_name"], str):
            return (
                Diagnostic("the bundled snowflakedb/snowflake plugin does not grant to shares", path=("share_name",)),
            )
        return super().validate(config)

    def _membership(self, state: State) -> Membership:
        role = parse_name(state["database_role_name"], 2)
        if state["parent_role_name"] is not None:
            return role, "ROLE", parse_name(state["parent_role_name"], 1)
        return role, "DATABASE ROLE", parse_name(state["parent_database_role_name"], 2)

    def _state(self, identifier: str) -> State:
        parts = identifier.split("|")
        if len(parts) != 3 or parts[1] not in ("ROLE", "DATABASE ROLE"):
            raise PluginError(
                f"{identifier!r} is not the id of a database role's grant",
                'It reads "D"."R"|ROLE|"PARENT" or "D"."R"|DATABASE ROLE|"D"."PARENT".',
            )
        return {
            "id": identifier,
            "database_role_name": parts[0],
            "parent_role_name": parts[2] if parts[1] == "ROLE" else None,
            "parent_database_role_name": parts[2] if parts[1] == "DATABASE ROLE" else None,
            "share_name": None,
        }

    def _grantee(self, row: Row) -> str:
        return parse_name(row["grantee_name"])[-1]
