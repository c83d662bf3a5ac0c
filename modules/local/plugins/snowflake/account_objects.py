"""Objects of the account that stand by themselves: network policies, resource monitors, integrations, volumes."""

from __future__ import annotations

import json
from typing import Any

from modules.local.plugins.protocol.resource import State
from modules.local.plugins.snowflake.client import Row
from modules.local.plugins.snowflake.names import literal, qualified
from modules.local.plugins.snowflake.objects import Property, SqlObject

__all__ = ["ExternalVolumeResource", "NetworkPolicyResource", "ResourceMonitorResource", "StorageIntegrationResource"]

_COMMENT = Property("comment", "COMMENT", column="comment")


class NetworkPolicyResource(SqlObject):
    kind = "NETWORK POLICY"
    properties = (
        Property("allowed_network_rule_list", "ALLOWED_NETWORK_RULE_LIST", "names", "allowed_network_rule_list"),
        Property("blocked_network_rule_list", "BLOCKED_NETWORK_RULE_LIST", "names", "blocked_network_rule_list"),
        Property("allowed_ip_list", "ALLOWED_IP_LIST", "texts", "allowed_ip_list"),
        Property("blocked_ip_list", "BLOCKED_IP_LIST", "texts", "blocked_ip_list"),
        _COMMENT,
    )

    def show(self, parts: tuple[str, ...]) -> Row | None:
        row = super().show(parts)
        if row is None:
            return None
        described = self._session.rows(f"DESCRIBE NETWORK POLICY {qualified(*parts)}")
        lists: dict[str, Any] = {one.column or "": [] for one in self.properties if one.form in ("texts", "names")}
        for one in described:
            key, value = one["name"].lower(), one["value"]
            rules = key.endswith("rule_list")
            lists[key] = [rule["fullyQualifiedRuleName"] for rule in json.loads(value)] if rules else value
        return {**row, **lists}


class ResourceMonitorResource(SqlObject):
    kind = "RESOURCE MONITOR"
    properties = (
        Property("credit_quota", "CREDIT_QUOTA", "word", "credit_quota", normal=lambda text: text.split(".")[0],
                 unset="CREDIT_QUOTA = null"),
        Property("frequency", "FREQUENCY", "word", "frequency", "MONTHLY", normal=str.upper),
        # Snowflake shows a start it was told as IMMEDIATELY as the time that was then.
        Property("start_timestamp", "START_TIMESTAMP"),
        Property("end_timestamp", "END_TIMESTAMP", unset="END_TIMESTAMP = null"),
        Property("notify_users", "NOTIFY_USERS", "names", "notify_users", unset="NOTIFY_USERS = ()"),
    )  # fmt: skip

    def create_suffix(self, planned: State) -> str:
        return _triggers(planned)

    def create_modifiers(self, planned: State) -> str:
        return "WITH"

    def read_more(self, state: State, row: Row) -> State:
        seen: State = {}
        users = [one.strip('"') for one in (row["notify_users"] or "").split(", ") if one]
        if sorted(users) == sorted(state.get("notify_users") or ()):
            seen["notify_users"] = state.get("notify_users")
        notify = _percents(row["notify_at"])
        if sorted(notify) != sorted(state.get("notify_triggers") or ()):
            seen["notify_triggers"] = notify
        for key, column in (("suspend_trigger", "suspend_at"), ("suspend_immediate_trigger", "suspend_immediately_at")):
            found = _percents(row[column])
            seen[key] = found[0] if found else None
        return seen

    def update_more(self, prior: State, planned: State) -> None:
        before, after = _triggers(prior), _triggers(planned)
        if before != after:
            self._session.run(f"ALTER RESOURCE MONITOR {self.name_of(planned)} {after or 'TRIGGERS'}")


def _percents(text: str | None) -> list[int]:
    return [int(one.strip().rstrip("%")) for one in (text or "").split(",") if one.strip()]


def _triggers(state: State) -> str:
    found = [(int(one), "NOTIFY") for one in sorted(state["notify_triggers"] or ())]
    for key, action in (("suspend_trigger", "SUSPEND"), ("suspend_immediate_trigger", "SUSPEND_IMMEDIATE")):
        if state[key] is not None:
            found.append((int(state[key]), action))
    return "TRIGGERS " + " ".join(f"ON {percent} PERCENT DO {action}" for percent, action in found) if found else ""


class StorageIntegrationResource(SqlObject):
    kind = "INTEGRATION"
    words = "STORAGE INTEGRATION"
    resource = "snowflake_storage_integration_aws"
    replace_on = frozenset({"storage_provider"})
    properties = (
        Property("storage_provider", "STORAGE_PROVIDER", column="storage_provider", normal=str.upper, alterable=False),
        Property("enabled", "ENABLED", "word", "enabled", normal=str.lower),
        Property("storage_aws_role_arn", "STORAGE_AWS_ROLE_ARN", column="storage_aws_role_arn"),
        Property("storage_aws_external_id", "STORAGE_AWS_EXTERNAL_ID"),
        Property("storage_aws_object_acl", "STORAGE_AWS_OBJECT_ACL", column="storage_aws_object_acl"),
        Property("storage_allowed_locations", "STORAGE_ALLOWED_LOCATIONS", "texts", "storage_allowed_locations"),
        Property("storage_blocked_locations", "STORAGE_BLOCKED_LOCATIONS", "texts", "storage_blocked_locations"),
        _COMMENT,
    )

    def create_modifiers(self, planned: State) -> str:
        return "TYPE = EXTERNAL_STAGE"

    def show(self, parts: tuple[str, ...]) -> Row | None:
        row = super().show(parts)
        if row is None:
            return None
        described = self._session.rows(f"DESCRIBE STORAGE INTEGRATION {qualified(*parts)}")
        values = {one["property"].lower(): one["property_value"] for one in described}
        return {"storage_aws_object_acl": None, **row, **values}


class ExternalVolumeResource(SqlObject):
    kind = "EXTERNAL VOLUME"
    properties = (Property("allow_writes", "ALLOW_WRITES", "word", "allow_writes", "true", normal=str.lower), _COMMENT)

    def create_modifiers(self, planned: State) -> str:
        locations = ", ".join(_location(one) for one in planned["storage_location"])
        return f"STORAGE_LOCATIONS = ({locations})"

    def read_more(self, state: State, row: Row) -> State:
        described = self._session.rows(f"DESCRIBE EXTERNAL VOLUME {qualified(row['name'])}")
        found = [
            json.loads(one["property_value"]) for one in described if one["property"].startswith("STORAGE_LOCATION_")
        ]
        stated = state.get("storage_location") or []
        if [_known(one) for one in found] == [_stated(one) for one in stated]:
            return {}
        empty = dict.fromkeys(self._block.blocks["storage_location"].block.attributes)
        return {"storage_location": [{**empty, **_seen_location(one, stated)} for one in found]}

    def update_more(self, prior: State, planned: State) -> None:
        before, after = ([_stated(one) for one in state["storage_location"]] for state in (prior, planned))
        if before == after:
            return
        # Added before removed, since a volume has at least one; a changed one keeps its name and is made again.
        name = self.name_of(planned)
        gone = [one for one in prior["storage_location"] if _stated(one) not in after]
        new = [one for one in planned["storage_location"] if _stated(one) not in before]
        if gone and len(gone) == len(before):
            keeper = (
                {**new[0], "storage_location_name": "terraform_provider_sentinel_storage_location"} if new else None
            )
            if keeper is not None:
                self._session.run(f"ALTER EXTERNAL VOLUME {name} ADD STORAGE_LOCATION = {_location(keeper)}")
                gone.append(keeper)
        last = gone.pop() if gone and gone[-1]["storage_location_name"].startswith("terraform_") else None
        for one in gone:
            self._remove(name, one)
        for one in new:
            self._session.run(f"ALTER EXTERNAL VOLUME {name} ADD STORAGE_LOCATION = {_location(one)}")
        if last is not None:
            self._remove(name, last)

    def _remove(self, name: str, location: State) -> None:
        gone = literal(location["storage_location_name"])
        self._session.run(f"ALTER EXTERNAL VOLUME {name} REMOVE STORAGE_LOCATION {gone}")


_LOCATION = {
    "storage_location_name": "NAME",
    "storage_provider": "STORAGE_PROVIDER",
    "storage_base_url": "STORAGE_BASE_URL",
    "storage_aws_role_arn": "STORAGE_AWS_ROLE_ARN",
    "storage_aws_external_id": "STORAGE_AWS_EXTERNAL_ID",
    "storage_aws_access_point_arn": "STORAGE_AWS_ACCESS_POINT_ARN",
}


def _location(location: State) -> str:
    words = [f"{sql} = {literal(location[key])}" for key, sql in _LOCATION.items() if location[key] is not None]
    if location["encryption_type"] is not None:
        kms = location["encryption_kms_key_id"]
        key = f" KMS_KEY_ID = {literal(kms)}" if kms is not None else ""
        words.append(f"ENCRYPTION = (TYPE = {literal(location['encryption_type'])}{key})")
    return f"({' '.join(words)})"


def _stated(location: State) -> tuple[Any, ...]:
    return (
        location["storage_location_name"], location["storage_provider"].upper(), location["storage_base_url"],
        location["storage_aws_role_arn"],
    )  # fmt: skip


def _known(described: dict[str, Any]) -> tuple[Any, ...]:
    keys = ("NAME", "STORAGE_PROVIDER", "STORAGE_BASE_URL", "STORAGE_AWS_ROLE_ARN")
    return tuple(described.get(key) for key in keys)


def _seen_location(described: dict[str, Any], stated: list[State]) -> State:
    kept = next((one for one in stated if one["storage_location_name"] == described["NAME"]), None)
    if kept is not None and _stated(kept) == _known(described):
        return kept
    plain = [key for key in _LOCATION if key != "storage_aws_external_id"]
    return {key: described.get(_LOCATION[key]) for key in plain}
