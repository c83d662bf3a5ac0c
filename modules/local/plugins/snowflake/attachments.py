"""What joins two objects, and statements of one's own: tags, masks, network policies, keys on users; execute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.local.plugins.protocol.resource import Diagnostic, Plan, PluginError, Resource, State
from modules.local.plugins.protocol.values import UNKNOWN, has_unknown
from modules.local.plugins.snowflake.client import SnowflakeSession
from modules.local.plugins.snowflake.names import literal, parse_name, qualified

__all__ = [
    "ExecuteResource",
    "MaskingApplicationResource",
    "NetworkPolicyAttachmentResource",
    "PublicKeysResource",
    "TagAssociationResource",
]


class _Attachment(Resource):
    def __init__(self, session: SnowflakeSession) -> None:
        self._session = session


class TagAssociationResource(_Attachment):
    """One tag with one value on several objects of a kind."""

    replace_on = frozenset({"tag_id", "object_type"})

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        known = not has_unknown([planned[name] for name in ("tag_id", "tag_value", "object_type")])
        return super().plan(prior, {**planned, "id": _tag_id(planned) if known else UNKNOWN}, config, changed)

    def create(self, planned: State) -> State:
        for target in planned["object_identifiers"]:
            self._set(planned, target)
        return {**planned, "id": _tag_id(planned)}

    def read(self, state: State) -> State | None:
        found = []
        for target in state["object_identifiers"]:
            value = self._value(state, target)
            if value == state["tag_value"]:
                found.append(target)
            elif value is not None:
                return {**state, "tag_value": value}
        return {**state, "object_identifiers": found} if found else None

    def update(self, prior: State, planned: State) -> State:
        before, after = (set(state["object_identifiers"]) for state in (prior, planned))
        changed = after if prior["tag_value"] != planned["tag_value"] else after - before
        for target in sorted(changed):
            self._set(planned, target)
        for target in sorted(before - after):
            self._unset(prior, target)
        return {**planned, "id": _tag_id(planned)}

    def delete(self, state: State) -> None:
        for target in state["object_identifiers"]:
            self._unset(state, target)

    def import_(self, identifier: str) -> State:
        raise PluginError("a tag association cannot be imported: its id does not name the objects")

    def _set(self, state: State, target: str) -> None:
        tag = qualified(*parse_name(state["tag_id"], 3))
        self._session.run(f"ALTER {_place(state, target)} SET TAG {tag} = {literal(state['tag_value'])}")

    def _unset(self, state: State, target: str) -> None:
        self._session.run_if_there(
            f"ALTER {_place(state, target)} UNSET TAG {qualified(*parse_name(state['tag_id'], 3))}"
        )

    def _value(self, state: State, target: str) -> Any:
        tag, name = qualified(*parse_name(state["tag_id"], 3)), qualified(*parse_name(target))
        domain = state["object_type"].upper()
        rows = self._session.rows_if_there(
            f"SELECT SYSTEM$GET_TAG({literal(tag)}, {literal(name)}, {literal(domain)}) AS TAG"
        )
        if rows is None:
            return None
        return rows[0]["tag"]


def _place(state: State, target: str) -> str:
    parts = parse_name(target)
    if state["object_type"].upper() == "COLUMN":
        return f"TABLE {qualified(*parts[:-1])} MODIFY COLUMN {qualified(parts[-1])}"
    return f"{state['object_type'].upper()} {qualified(*parts)}"


def _tag_id(state: State) -> str:
    tag = qualified(*parse_name(state["tag_id"], 3))
    return f"{tag}|{state['tag_value']}|{state['object_type'].upper()}"


class MaskingApplicationResource(_Attachment):
    """A masking policy on a column."""

    replace_on = frozenset({"table", "column", "masking_policy"})

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        known = not has_unknown([planned["table"], planned["column"]])
        planned = {**planned, "id": f"{planned['table']}.{qualified(planned['column'])}" if known else UNKNOWN}
        return super().plan(prior, planned, config, changed)

    def create(self, planned: State) -> State:
        policy = qualified(*parse_name(planned["masking_policy"], 3))
        self._session.run(f"{self._column(planned)} SET MASKING POLICY {policy}")
        return planned

    def read(self, state: State) -> State | None:
        rows = self._session.rows_if_there(f"DESCRIBE TABLE {qualified(*parse_name(state['table'], 3))} TYPE = COLUMNS")
        if rows is None:
            return None
        found = next((row["policy name"] for row in rows if row["name"] == state["column"]), None)
        if not found:
            return None
        same = parse_name(found) == parse_name(state["masking_policy"])
        return state if same else {**state, "masking_policy": qualified(*parse_name(found))}

    def delete(self, state: State) -> None:
        self._session.run_if_there(f"{self._column(state)} UNSET MASKING POLICY")

    @staticmethod
    def _column(state: State) -> str:
        table = qualified(*parse_name(state["table"], 3))
        return f"ALTER TABLE {table} ALTER COLUMN {qualified(state['column'])}"


class NetworkPolicyAttachmentResource(_Attachment):
    """A network policy for the account, for users, or both."""

    replace_on = frozenset({"network_policy_name"})

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        name = planned["network_policy_name"]
        known = UNKNOWN if has_unknown(name) else f"{name}_attachment"
        return super().plan(prior, {**planned, "id": known}, config, changed)

    def create(self, planned: State) -> State:
        return self.update({**planned, "users": [], "set_for_account": None}, planned)

    def read(self, state: State) -> State | None:
        wanted = parse_name(state["network_policy_name"], 1)[0]
        account = self._parameter("ACCOUNT", wanted)
        users = [
            one for one in state["users"] or () if self._parameter(f"USER {qualified(*parse_name(one, 1))}", wanted)
        ]
        if not account and not users:
            return None
        stated = state["set_for_account"]
        return {
            **state,
            "users": users if users or state["users"] else state["users"],
            "set_for_account": stated if bool(stated) is account else account,
        }

    def update(self, prior: State, planned: State) -> State:
        policy = qualified(*parse_name(planned["network_policy_name"], 1))
        before, after = (set(state["users"] or ()) for state in (prior, planned))
        for user in sorted(after - before):
            self._session.run(f"ALTER USER {qualified(*parse_name(user, 1))} SET NETWORK_POLICY = {policy}")
        for user in sorted(before - after):
            self._session.run_if_there(f"ALTER USER {qualified(*parse_name(user, 1))} UNSET NETWORK_POLICY")
        if bool(prior["set_for_account"]) is not bool(planned["set_for_account"]):
            change = f"SET NETWORK_POLICY = {policy}" if planned["set_for_account"] else "UNSET NETWORK_POLICY"
            self._session.run(f"ALTER ACCOUNT {change}")
        return planned

    def delete(self, state: State) -> None:
        self.update(state, {**state, "users": [], "set_for_account": None})

    def _parameter(self, place: str, wanted: str) -> bool:
        rows = self._session.rows_if_there(f"SHOW PARAMETERS LIKE 'NETWORK_POLICY' IN {place}")
        if rows is None:
            return False
        level = place.split(" ")[0]
        return any(row["value"] == wanted and row["level"] == level for row in rows)


class PublicKeysResource(_Attachment):
    """Both key slots of a user."""

    replace_on = frozenset({"name"})

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        return super().plan(prior, {**planned, "id": planned["name"]}, config, changed)

    def create(self, planned: State) -> State:
        return self.update({**planned, "rsa_public_key": None, "rsa_public_key_2": None}, planned)

    def read(self, state: State) -> State | None:
        rows = self._session.rows_if_there(f"DESCRIBE USER {qualified(*parse_name(state['name'], 1))}")
        if rows is None:
            return None
        found = {row["property"].lower(): row["value"] for row in rows}
        seen = {}
        for slot in ("rsa_public_key", "rsa_public_key_2"):
            actual = None if found.get(slot) in (None, "", "null") else found[slot]
            stated = state.get(slot)
            seen[slot] = stated if _body(stated) == _body(actual) else actual
        return seen

    def update(self, prior: State, planned: State) -> State:
        user = qualified(*parse_name(planned["name"], 1))
        for slot in ("rsa_public_key", "rsa_public_key_2"):
            if _body(prior[slot]) != _body(planned[slot]):
                key = _body(planned[slot])
                change = f"SET {slot.upper()} = {literal(key)}" if key else f"UNSET {slot.upper()}"
                self._session.run(f"ALTER USER {user} {change}")
        return planned

    def delete(self, state: State) -> None:
        user = qualified(*parse_name(state["name"], 1))
        for slot in ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"):
            self._session.run_if_there(f"ALTER USER {user} UNSET {slot}")


def _body(key: str | None) -> str:
    """A key without PEM headers and line ends."""
    lines = (key or "").splitlines()
    return "".join(line.strip() for line in lines if not line.startswith("-----"))


class ExecuteResource(_Attachment):
    """Statements of one's own: one to make something, one to take it back, one to look."""

    replace_on = frozenset({"execute"})

    def validate(self, config: State) -> Sequence[Diagnostic]:
        return ()

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        if planned["query"] is None:
            planned = {**planned, "query_results": None}
        return super().plan(prior, planned, config, changed)

    def create(self, planned: State) -> State:
        import uuid

        self._session.run(planned["execute"])
        return {**planned, "id": str(uuid.uuid4()), "query_results": self._results(planned)}

    def read(self, state: State) -> State | None:
        return {"query_results": self._results(state)} if state["query"] is not None else {}

    def update(self, prior: State, planned: State) -> State:
        return {**planned, "query_results": self._results(planned)}

    def delete(self, state: State) -> None:
        self._session.run_if_there(state["revert"])

    def import_(self, identifier: str) -> State:
        raise PluginError("an executed statement cannot be imported")

    def _results(self, state: State) -> list[dict[str, str]] | None:
        if state["query"] is None:
            return None
        rows = self._session.rows(state["query"])
        return [{name: str(value) for name, value in row.items() if value is not None} for row in rows]
