"""Plans as `terraform show -json` gives them, a resource's change at a time, and what a review says of them."""

from __future__ import annotations

import json
from typing import Any

from modules.terraform.plan import Finding
from modules.terraform.plan_json import parse_plan
from modules.terraform.review import review


def entry(type_: str, actions: list[str], before: Any, after: Any, name: str = "this", key: str | None = None) -> Any:
    address = f"{type_}.{name}" + (f'["{key}"]' if key else "")
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
    value = {"address": address, "mode": "managed", "type": type_, "name": name, "change": change}
    return value | ({"index": key} if key else {})


def findings(*entries: Any) -> list[Finding]:
    return list(review(parse_plan("topics", {"resource_changes": list(entries)})))


def topic(**settings: Any) -> dict[str, Any]:
    return {"name": "order-events", "partitions": 6, "replication_factor": 3, "config": {}, **settings}


def schema(*fields: str, **settings: Any) -> dict[str, Any]:
    body = {"type": "record", "name": "R", "fields": [{"name": name, "type": "string"} for name in fields]}
    return {
        "subject": "order-events-value",
        "schema_type": "AVRO",
        "compatibility_level": "BACKWARD",
        "schema": json.dumps(body),
        **settings,
    }
