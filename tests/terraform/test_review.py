"""Reviews as a whole: their order, what a refusal stops, and judging without a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modules.errors import PlanError
from modules.terraform.engine import PlanRefusedError
from modules.terraform.plan import Change, EnvironmentPlan, StackPlan
from modules.terraform.review import judge, review, review_declared
from tests.terraform.plans import entry, findings, schema, topic
from tests.terraform.support import Workbench, data


def test_refusals_come_first() -> None:
    found = findings(
        entry("kafka_topic", ["update"], topic(), topic(partitions=12)),
        entry("kafka_topic", ["update"], topic(), topic(partitions=1), name="other"),
    )
    assert [finding.severity for finding in found] == ["refuse", "warn"]


def test_a_refused_plan_is_an_error_and_cannot_be_applied(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a=1)})
    change = Change("kafka_topic.t", "kafka_topic", "t", "update", before=topic(), after=topic(partitions=1))
    stack = StackPlan("one", changes=(change,))
    stack = StackPlan("one", changes=(change,), findings=review(stack))
    plan = EnvironmentPlan("test", (stack,))
    with pytest.raises(PlanError, match="Kafka cannot remove partitions") as caught:
        bench.deployment().apply(plan)
    assert isinstance(caught.value, PlanRefusedError) and caught.value.plan is plan
    assert caught.value.exit_code == 1
    assert not bench.folder("one").exists()


def test_what_a_plugin_refuses_itself_is_judged_from_json_and_state(tmp_path: Path) -> None:
    state = tmp_path / "terraform.tfstate"

    def held(type_: str, key: str, attributes: dict[str, Any]) -> dict[str, Any]:
        instance = {"index_key": key, "attributes": attributes}
        return {"mode": "managed", "type": type_, "name": "t", "instances": [instance]}

    resources = [
        held("kafka_topic", "a.b", topic(name="a.b")),
        held("kafka_topic", "kept", topic(name="kept")),
        held("schemaregistry_schema", "s", schema("id")),
    ]
    state.write_text(json.dumps({"version": 4, "resources": resources}))
    values = {"name": "${each.key}", "partitions": "${each.value.partitions}"}
    document = {
        "locals": {"topics": {"a.b": {"partitions": 3}, "kept": {"partitions": 6}, "new": {"partitions": 1}}},
        "resource": {
            "kafka_topic": {"t": {"for_each": "${local.topics}", **values}},
            "schemaregistry_schema": {"t": {"for_each": {"s": schema("id", "vat")}, "schema": "${each.value.schema}"}},
        },
    }
    refused = review_declared(document, state)
    assert [change.address for change in refused] == ['kafka_topic.t["a.b"]', 'schemaregistry_schema.t["s"]']
    messages = [finding.message for change in refused for finding in judge(change)]
    assert "from 6 down to 3" in messages[0] and 'field "vat" has no default' in messages[1]
    assert review_declared({"resource": {}}, state) == ()
    assert review_declared(document, tmp_path / "nothing") == ()
