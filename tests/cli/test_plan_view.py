"""What a person sees of a plan and of an apply."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from cli._plan_view import plan_lines, result_json, result_lines, show_plan
from cli._progress import LiveProgress, PlainProgress
from modules.terraform.events import Diagnostic, ResourceEvent
from modules.terraform.plan import Change, EnvironmentPlan, Finding, StackPlan
from modules.terraform.plan_json import parse_plan
from modules.terraform.results import ApplyResult, StackResult


def entry(address: str, actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    type_, name = address.split("[")[0].split(".")
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}, **more}
    return {"address": address, "mode": "managed", "type": type_, "name": name, "change": change}


def example() -> EnvironmentPlan:
    topic = {"name": "order-events", "partitions": 6, "config": {"retention.ms": "2592000000"}}
    topics = parse_plan(
        "topics",
        {
            "resource_changes": [
                entry('kafka_topic.topic["new"]', ["create"], None, {"name": "new"}),
                entry(
                    'kafka_topic.topic["order-events"]',
                    ["update"],
                    topic,
                    {**topic, "config": {"retention.ms": "604800000"}},
                ),
                entry("kafka_acl.old", ["delete"], {"acl_principal": "User:x"}, None),
                entry(
                    "snowflake_table.t", ["delete", "create"], {"name": "A"}, {"name": "B"}, replace_paths=[["name"]]
                ),
                entry("kafka_acl.kept", ["no-op"], {}, {}),
            ],
            "resource_drift": [entry("kafka_topic.gone", ["delete"], topic, None)],
        },
    )
    findings = (
        Finding("refuse", "kafka_topic.x", "partitions cannot go down", "keep them"),
        Finding("warn", "snowflake_table.t", "holds data: it will be deleted and created again, its rows are lost"),
    )
    topics = StackPlan(**{**vars(topics), "findings": findings, "warnings": (Diagnostic("warning", "Deprecated"),)})
    connect = StackPlan(
        "connect",
        changes=(Change("kafka_acl.later", "kafka_acl", "later", "create"),),
        pending_on=("topics",),
        note="values known only after topics is applied",
    )
    return EnvironmentPlan("dev", (topics, connect))


def test_a_plan_shows_what_hurts_first_then_values_then_creations() -> None:
    assert (
        "\n".join(text for text, _ in plan_lines(example()))
        == """\
1 destroyed
  - topics: kafka_acl.old

1 replaced: destroyed and created again
  ± topics: snowflake_table.t
      holds data: its rows are lost (Time Travel keeps them for the table's retention)
      name: "A" → "B"  ← forces replacement

1 changed in place
  ~ topics: kafka_topic.topic["order-events"]
      config["retention.ms"]: "2592000000" → "604800000"

2 created
  + topics: kafka_topic.topic["new"]
  + connect: kafka_acl.later  (values known later)

1 changed outside since the last deploy
  ! topics: kafka_topic.gone is gone

refused: topics, kafka_topic.x: partitions cannot go down
  → keep them
warning: topics: Deprecated

topics     1 to destroy, 1 to replace, 1 to change, 1 to create, 1 unchanged
connect    1 to create; values known only after topics is applied

dev: 1 to destroy, 1 to replace, 1 to change, 2 to create"""
    )


def test_a_schema_shows_the_fields_that_differ() -> None:
    def schema(*names: str) -> str:
        fields = [{"name": name, "type": "string"} for name in names]
        return json.dumps({"type": "record", "name": "OrderEvents", "fields": fields})

    body = entry("schemaregistry_schema.s", ["update"], {"schema": schema("a", "b")}, {"schema": schema("a", "c")})
    lines = [
        text.strip() for text, _ in plan_lines(EnvironmentPlan("dev", (parse_plan("t", {"resource_changes": [body]}),)))
    ]
    assert "- b string" in lines and "+ c string" in lines
    assert not any(line.split()[1:2] == ["a"] for line in lines)


def test_an_empty_plan_says_so() -> None:
    lines = plan_lines(EnvironmentPlan("local", (StackPlan("topics", unchanged=7),)))
    assert [text for text, _ in lines] == [
        "topics     no changes, 7 unchanged",
        "",
        "local: no changes: what is deployed equals the environment's YAML",
    ]


def test_brackets_of_an_address_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show_plan(example())
    printed = capsys.readouterr()
    assert 'kafka_topic.topic["order-events"]' in printed.out and "\033[" not in printed.out
    assert printed.err == ""


def test_a_result_says_what_was_done_and_has_a_json_form() -> None:
    result = ApplyResult(
        "dev", (StackResult("topics", "applied", 3, 1, 0, 0, 1.25), StackResult("connect", "unchanged"))
    )
    assert [text for text, _ in result_lines(result)] == [
        "topics     3 created, 1 changed in 1.2 s",
        "connect    unchanged",
        "dev: deployed",
    ]
    document = result_json(example(), result)
    assert document["result"]["stacks"][0]["added"] == 3 and document["plan"]["refused"]
    json.dumps(document)


def test_plain_progress_is_a_line_for_each_thing_done(capsys: pytest.CaptureFixture[str]) -> None:
    progress = PlainProgress()
    progress.started("topics", "apply", 2)
    progress.event("topics", ResourceEvent("apply_start", "kafka_topic.a", "create"))
    progress.event("topics", ResourceEvent("apply_complete", "kafka_topic.a", "create"))
    progress.event("topics", ResourceEvent("apply_errored", "kafka_topic.b", "create"))
    progress.finished("topics", "apply", "failed")
    assert capsys.readouterr().err.splitlines() == [
        "topics: applying, 2 to do",
        "topics: kafka_topic.a created",
        "topics: kafka_topic.b failed",
        "topics: apply failed",
    ]


def test_a_live_line_has_counts_and_the_resource_at_hand() -> None:
    from rich.console import Console

    progress = LiveProgress()
    progress.started("topics", "apply", 3)
    for name in ("a", "b"):
        progress.event("topics", ResourceEvent("apply_start", f'kafka_topic.t["{name}"]', "create"))
    progress.event("topics", ResourceEvent("apply_complete", 'kafka_topic.t["a"]', "create"))
    progress.started("warehouse", "plan", 0)
    progress.finished("warehouse", "plan", "no changes")
    screen = io.StringIO()
    Console(file=screen, width=80).print(progress.render())
    first, second = screen.getvalue().splitlines()
    assert 'topics     applying 1/3  kafka_topic.t["b"]' in first
    assert second.startswith("·  warehouse  no changes")
