"""What is read from Terraform's plan JSON: masked, without noise."""

from __future__ import annotations

import json
from typing import Any

from modules.terraform.plan_json import parse_plan
from tests.terraform.plans import entry, topic


def test_sensitive_values_are_masked_wherever_they_sit() -> None:
    change = {
        "actions": ["update"],
        "before": {"password": "old-secret", "config": {"key": "k-secret", "a": 1}, "list": ["l-secret"]},
        "after": {"password": "new-secret", "config": {"key": "k-secret", "a": 2}, "list": ["l-secret", "more"]},
        "after_unknown": {},
        "before_sensitive": {"password": True, "config": {"key": True}, "list": [True]},
        "after_sensitive": {"password": True, "config": {"key": True}, "list": [True, False]},
    }
    body = {"address": "x.y", "mode": "managed", "type": "x", "name": "y", "change": change}
    output = {
        "actions": ["update"], "before": "o-secret", "after": "p-secret", "after_unknown": False,
        "before_sensitive": True, "after_sensitive": True,
    }  # fmt: skip
    plan = parse_plan("one", {"resource_changes": [body], "output_changes": {"o": output}})
    assert "secret" not in (repr(plan) + json.dumps(plan.to_json()))
    assert [item.path for item in plan.changes[0].attributes] == ["password", "config.a", "list"]


def test_drift_shows_what_was_changed_outside() -> None:
    gone = entry("kafka_topic", ["delete"], topic(), None)
    plan = parse_plan("topics", {"resource_drift": [gone], "resource_changes": []})
    assert [(change.address, change.kind) for change in plan.drift] == [("kafka_topic.this", "delete")]


def test_drift_leaves_out_what_nobody_changed_and_keeps_what_somebody_did() -> None:
    before = {"warehouse_size": "XSMALL", "resource_constraint": None, "show_output": [{"is_current": True}]}
    seen = {"warehouse_size": "XSMALL", "resource_constraint": "", "show_output": [{"is_current": False}]}
    address = "registry.terraform.io/snowflakedb/snowflake"
    untouched = {**entry("snowflake_warehouse", ["update"], before, seen), "provider_name": address}
    resized = {
        **entry("snowflake_warehouse", ["update"], before, {**seen, "warehouse_size": "LARGE"}),
        "provider_name": address,
    }
    unknown = {**resized, "provider_name": "registry.terraform.io/example/snowflake"}

    def found(one: dict[str, Any]) -> list[str]:
        plan = parse_plan("warehouse", {"resource_drift": [one], "resource_changes": []})
        return [item.path for change in plan.drift for item in change.attributes]

    assert found(untouched) == []
    assert found(resized) == ["warehouse_size"]
    assert found(unknown) == ["warehouse_size", "show_output[0].is_current"], "of an unknown provider all is kept"


def test_an_import_is_told_from_a_creation() -> None:
    body = entry("kafka_topic", ["no-op"], topic(), topic())
    body["change"]["importing"] = {"id": "order-events"}
    plan = parse_plan("topics", {"resource_changes": [body]})
    assert plan.counts == {"import": 1} and plan.has_changes
