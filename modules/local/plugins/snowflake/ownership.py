"""`snowflake_grant_ownership`.

Ownership of what exists cannot be revoked: deleting the resource gives it to the role that is logged in, as the
official plugin does. Ownership of future objects is a grant like others.
"""

from __future__ import annotations

from collections.abc import Sequence

from modules.local.plugins.protocol.resource import Diagnostic, Plan, PluginError, Resource, State
from modules.local.plugins.protocol.values import UNKNOWN, has_unknown
from modules.local.plugins.snowflake.client import Refusal, SnowflakeSession
from modules.local.plugins.snowflake.grants import Target, bare_name, schema_object_target
from modules.local.plugins.snowflake.names import parse_name, qualified

__all__ = ["OwnershipResource"]

_DEPTHS = {"DATABASE": 1, "SCHEMA": 2, "DATABASE ROLE": 2}
_ACCOUNT = ("DATABASE", "ROLE", "USER", "WAREHOUSE", "INTEGRATION", "NETWORK POLICY", "EXTERNAL VOLUME")


class OwnershipResource(Resource):
    replace_on = frozenset({"account_role_name", "database_role_name", "on", "outbound_privileges"})

    def __init__(self, session: SnowflakeSession) -> None:
        self._session = session

    def validate(self, config: State) -> Sequence[Diagnostic]:
        roles = [config["account_role_name"], config["database_role_name"]]
        if not has_unknown(roles) and sum(role is not None for role in roles) != 1:
            return (Diagnostic("exactly one of account_role_name and database_role_name must be given"),)
        return ()

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        known = not has_unknown([planned[name] for name in ("account_role_name", "database_role_name", "on")])
        return super().plan(prior, {**planned, "id": _identity(planned) if known else UNKNOWN}, config, changed)

    def create(self, planned: State) -> State:
        self._give(planned, _grantee(planned))
        return {**planned, "id": _identity(planned)}

    def read(self, state: State) -> State | None:
        target = _target(state)
        if target.show is None:
            return state
        rows = self._session.rows_if_there(target.show)
        if rows is None:
            return None
        role = _role(state)[-1]
        held = any(
            row["privilege"] == "OWNERSHIP"
            and bare_name(row["grantee_name"]) == role
            and (target.kind is None or str(row["grant_on"]).replace("_", " ") == target.kind)
            for row in rows
        )
        return state if held else None

    def delete(self, state: State) -> None:
        target = _target(state)
        try:
            if target.kind is not None:
                self._session.run(f"REVOKE OWNERSHIP ON {target.on} FROM {_grantee(state)}")
            else:
                role = self._session.rows("SELECT CURRENT_ROLE() AS ROLE")[0]["role"]
                self._give(state, f"ROLE {qualified(role)}")
        except Refusal as refusal:
            if not refusal.missing:
                raise

    def import_(self, identifier: str) -> State:
        raise PluginError("the bundled snowflakedb/snowflake plugin does not import ownership")

    def _give(self, state: State, grantee: str) -> None:
        what = state["outbound_privileges"]
        outbound = f" {what.upper()} CURRENT GRANTS" if what else ""
        self._session.run(f"GRANT OWNERSHIP ON {_target(state).on} TO {grantee}{outbound}")


def _role(state: State) -> tuple[str, ...]:
    if state["database_role_name"] is not None:
        return parse_name(state["database_role_name"], 2)
    return parse_name(state["account_role_name"], 1)


def _grantee(state: State) -> str:
    role = _role(state)
    return f"{'ROLE' if len(role) == 1 else 'DATABASE ROLE'} {qualified(*role)}"


def _target(state: State) -> Target:
    on = state["on"][0]
    if on["object_type"]:
        kind = on["object_type"].upper()
        name = qualified(*parse_name(on["object_name"], 1 if kind in _ACCOUNT else _DEPTHS.get(kind, 3)))
        return Target(f"{kind} {name}", f"SHOW GRANTS ON {kind} {name}", f"OnObject|{kind}|{name}")
    return schema_object_target(on)


def _identity(state: State) -> str:
    role = _role(state)
    to = "ToAccountRole" if len(role) == 1 else "ToDatabaseRole"
    identity = _target(state).identity.removeprefix("OnSchemaObject|")
    return "|".join([to, qualified(*role), (state["outbound_privileges"] or "").upper(), identity])
