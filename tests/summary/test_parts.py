"""What goes into a summary: data that is lost, noise that is folded, schemas, cost."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modules.deployed import record_deploy
from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.guards import GuardReport, GuardResult
from modules.project import Project
from modules.summary import Base, BaseSchema, summarise
from modules.summary.avro_fields import field_changes
from modules.summary.entries import entries_of
from modules.summary.gather import bare
from modules.summary.text import to_lines
from modules.summary.words import cost_line, findings_of, schema_line
from modules.terraform.plan import EnvironmentPlan, Finding, StackPlan
from modules.terraform.plan_json import parse_plan
from modules.terraform.reviews.topics import KEYS_MOVE, partitions
from tests.summary.support import change, plan_of

TOPIC = {"name": "orders", "partitions": 6, "config": {"retention.ms": "1"}}
YAML = """\
platform: confluent
confluent: {tier: standard, region: us-east-1}
workload: {ingress: 1GB/day}
topics:
  orders:
    partitions: 6
    value: {schema: orders.avsc}
"""


def avro(*fields: Any, **more: Any) -> str:
    return json.dumps({"type": "record", "name": "Order", "fields": list(fields), **more})


ID = {"name": "id", "type": "string"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").write_text(YAML)
    (tmp_path / "environments" / "orders.avsc").write_text(avro(ID))
    return Project(tmp_path)


@pytest.fixture
def environment(project: Project) -> Environment:
    return load_environment(project, "dev")


def text(plan: EnvironmentPlan) -> list[str]:
    return [line for line, _ in to_lines(bare(plan))]


# --- changes ---


def test_what_holds_data_comes_before_what_does_not_and_says_what_is_lost() -> None:
    plan = plan_of(
        change("kafka_acl.a", ["delete"], {}),
        change("kafka_topic.t", ["delete"], TOPIC),
        change("confluent_schema.s", ["delete"], {"subject_name": "orders-value"}),
        change("snowflake_table.r", ["delete", "create"], {"name": "A"}, {"name": "B"}, replace_paths=[["name"]]),
    )
    found = [(each.kind, each.address, bool(each.lost)) for each in entries_of(plan)]
    assert found == [
        ("delete", "kafka_topic.t", True),
        ("delete", "confluent_schema.s", True),
        ("delete", "kafka_acl.a", False),
        ("replace", "snowflake_table.r", True),
    ]
    assert "      holds data: its messages are lost" in text(plan)
    apart = [line for line, _ in to_lines(bare(plan), losses_apart=True)]
    assert "      holds data: its messages are lost" not in apart and "  - topics: kafka_topic.t" in apart


def test_what_a_guard_says_is_not_said_by_the_review_as_well() -> None:
    moved = plan_of(change("kafka_topic.t", ["update"], TOPIC, {**TOPIC, "partitions": 12}))
    (stack,) = moved.stacks
    findings = (
        *partitions(stack.changes[0]),
        Finding("warn", "snowflake_table.t", "holds data: column NOTE will be dropped"),
        Finding("warn", "kafka_topic.t", "something else"),
    )
    plan = replace(moved, stacks=(replace(stack, findings=findings),))
    said = [each.message for _, each in findings_of(bare(plan))]
    assert len(said) == 3 and KEYS_MOVE in said[0]
    results = (
        GuardResult("keys-moved", "warn", stack.stack, "kafka_topic.t", "12 instead of 6 partitions", "fix"),
        GuardResult("data-loss", "warn", stack.stack, "snowflake_table.t", findings[1].message, "fix"),
    )
    guarded = replace(bare(plan), guards=GuardReport("dev", "environments/dev.yaml", results))
    assert [each.message for _, each in findings_of(guarded)] == ["something else"]
    assert guarded.to_json()["stacks"][0]["findings"] == bare(plan).to_json()["stacks"][0]["findings"]


def test_values_that_follow_are_folded_and_counted() -> None:
    after = {"partitions": 12, "tags_all": {"a": "b"}}
    before = {"partitions": 6, "tags_all": {}, "version": 1, "arn": "x"}
    plan = plan_of(change("x_y.z", ["update"], before, after, after_unknown={"version": True, "arn": True}))
    lines = text(plan)
    assert "      partitions: 6 → 12" in lines
    assert "      3 more follow from it: tags_all.a, version, arn" in lines
    assert not any("→ (known after apply)" in line for line in lines)


def test_a_change_of_nothing_but_what_follows_is_shown_whole() -> None:
    plan = plan_of(change("x_y.z", ["update"], {"version": 1}, {}, after_unknown={"version": True}))
    assert "      version: 1 → (known after apply)" in text(plan)


def test_reads_and_outputs_alone_are_a_line_each() -> None:
    read = {**change("aws_iam_policy_document.d", ["read"], None, {}), "mode": "data"}
    read["address"] = "data.aws_iam_policy_document.d"
    topics = parse_plan("topics", {"resource_changes": [read]})
    cluster = parse_plan("cluster", {"output_changes": {"a": {"actions": ["update"], "before": 1, "after": 2}}})
    lines = text(EnvironmentPlan("dev", (cluster, topics)))
    assert "1 data source is read during the apply: topics: data.aws_iam_policy_document.d" in lines
    assert "cluster: only 1 output changes: a" in lines


def test_very_many_creations_of_one_resource_are_named_in_part() -> None:
    plan = plan_of(*(change(f'kafka_topic.t["{at:04}"]', ["create"], None, TOPIC) for at in range(1_000)))
    lines = text(plan)
    assert lines[:5] == [
        "1,000 created",
        '  + topics: kafka_topic.t["0000"]',
        '  + topics: kafka_topic.t["0001"]',
        '  + topics: kafka_topic.t["0002"]',
        "  + topics: kafka_topic.t: 997 more, which --json names",
    ]


def test_of_two_long_values_the_part_that_differs_is_shown() -> None:
    words = " ".join(f"COLUMN_{at}" for at in range(40))
    plan = plan_of(change("x_y.v", ["update"], {"q": f"SELECT {words} FROM T"}, {"q": f"SELECT {words}, NEW FROM T"}))
    (line,) = [line for line in text(plan) if line.startswith("      q: ")]
    assert ", NEW FROM T" in line and len(line) < 140


def test_a_value_cannot_move_the_cursor() -> None:
    plan = plan_of(change("x_y.v", ["update"], {"a": "one\ntwo\x1b[2J"}, {"a": "one\nthree\x1b]0;x\x07"}))
    assert not any("\x1b" in line or "\x07" in line for line in text(plan))


# --- schemas ---


def test_fields_are_told_apart_by_their_path() -> None:
    inner = {"name": "ship", "type": {"type": "record", "name": "S", "fields": [{"name": "zip", "type": "int"}]}}
    other = {"name": "ship", "type": {"type": "record", "name": "S", "fields": [{"name": "zip", "type": "long"}]}}
    money = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    old, new = avro(ID, inner), avro(ID, other, {"name": "amount", "type": ["null", money], "default": None})
    assert field_changes(old, new) == ("~ ship.zip int → long", "+ amount null or decimal(9, 2), default null")
    assert field_changes(new, old)[0] == "- amount null or decimal(9, 2), default null"
    assert field_changes("no JSON", new) == ()


def checked(project: Project, environment: Environment, old: str, new: str, level: str, now: str = "BACKWARD") -> str:
    (project.environments / "orders.avsc").write_text(new)
    topic = environment.topics["orders"]
    assert topic.value is not None
    value = topic.value.model_copy(update={"compatibility": now})
    moved = environment.model_copy(update={"topics": {"orders": topic.model_copy(update={"value": value})}})
    base = Base("main", environment, {"orders-value": BaseSchema(old, level)})
    summary = summarise(EnvironmentPlan("dev", ()), environment=moved, project=project, base=base)
    return "; ".join(schema_line(each) for each in summary.schemas if each.subject == "orders-value")


NEEDED = {"name": "channel", "type": "string"}


@pytest.mark.parametrize(
    ("old", "new", "level", "now", "said"),
    [
        (avro(ID), avro(ID), "BACKWARD", "BACKWARD", ""),
        (avro(ID), json.dumps(json.loads(avro(ID)), indent=4), "BACKWARD", "BACKWARD", ""),
        (avro(ID), avro(ID, NEEDED), "BACKWARD", "BACKWARD", "orders-value: breaks main under BACKWARD"),
        (
            avro(ID),
            avro(ID, NEEDED),
            "BACKWARD",
            "NONE",
            "orders-value: breaks main under BACKWARD; its level becomes NONE",
        ),
        (avro(ID), avro(ID, NEEDED), "FORWARD", "FORWARD", "orders-value: compatible with main under FORWARD"),
        (avro(ID), avro(ID), "FULL", "NONE", "orders-value: the schema stays as it is (FULL); its level becomes NONE"),
        (avro(ID), "{", "BACKWARD", "BACKWARD", "orders-value: not valid"),
    ],
)
def test_the_bases_level_binds_although_terraform_shows_nothing(
    project: Project, environment: Environment, old: str, new: str, level: str, now: str, said: str
) -> None:
    assert checked(project, environment, old, new, level, now) == said


def test_what_breaks_the_base_refuses(project: Project, environment: Environment) -> None:
    (project.environments / "orders.avsc").write_text(avro(ID, NEEDED))
    base = Base(
        "main", environment, {"orders-value": BaseSchema(avro(ID), "BACKWARD"), "gone": BaseSchema("{}", "NONE")}
    )
    summary = summarise(EnvironmentPlan("dev", ()), environment=environment, project=project, base=base)
    assert [each.split(":")[0] for each in summary.refusals] == ["orders-value"]
    assert [(each.subject, each.verdict) for each in summary.schemas][:2] == [
        ("orders-value", "breaks"), ("gone", "removed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("schemaregistry_schema", {"subject": "s", "schema": avro(ID), "schema_type": "AVRO"}),
        ("confluent_schema", {"subject_name": "s", "schema": avro(ID), "format": "AVRO"}),
        ("aws_glue_schema", {"schema_name": "s", "schema_definition": avro(ID), "data_format": "AVRO"}),
    ],
)
def test_every_registrys_schema_is_held_against_what_is_deployed(
    type_: str, values: dict[str, Any], project: Project, environment: Environment
) -> None:
    text = next(key for key in values if key.startswith("schema") and values[key] == avro(ID))
    optional = {"name": "channel", "type": "string", "default": "web"}
    plan = plan_of(change(f"{type_}.it", ["update"], values, {**values, text: avro(ID, optional)}))
    (check,) = summarise(plan, environment=environment, project=project).schemas
    assert (check.subject, check.verdict, check.level) == ("s", "compatible", "BACKWARD")
    assert check.fields == ('+ channel string, default "web"',)


# --- cost ---


def cost(plan: EnvironmentPlan, environment: Environment, project: Project, base: Base | None = None) -> str:
    found = summarise(plan, environment=environment, project=project, base=base).cost
    assert found is not None
    return cost_line(found)


CREATES = plan_of(change("kafka_topic.t", ["create"], None, TOPIC))
UPDATES = plan_of(change("kafka_topic.t", ["update"], TOPIC, {**TOPIC, "partitions": 12}))


def test_where_nothing_is_deployed_the_whole_month_is_new(project: Project, environment: Environment) -> None:
    line = cost(CREATES, environment, project)
    assert line.endswith(" a month, where nothing was before") and "$" in line


def test_what_was_deployed_and_is_not_known_stays_unknown(project: Project, environment: Environment) -> None:
    line = cost(UPDATES, environment, project)
    assert line.endswith("a month as planned; the difference is not known: which YAML is deployed is not known here")


def test_the_last_deploys_revision_is_what_was_before(project: Project) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *words], cwd=project.root, check=True, capture_output=True)

    git("init", "-q")
    git("add", "environments")
    git("commit", "-qm", "first")
    record_deploy(project, "dev")
    file = project.environments / "dev.yaml"
    file.write_text(YAML.replace("1GB/day", "50GB/day"))
    line = cost(UPDATES, load_environment(project, "dev"), project)
    assert " → " in line and "(+$" in line
    file.write_text(YAML)
    assert cost(UPDATES, load_environment(project, "dev"), project).startswith("no difference (")


def test_against_a_base_the_base_is_what_was_before(project: Project, environment: Environment) -> None:
    (project.environments / "dev.yaml").write_text(YAML.replace("1GB/day", "50GB/day"))
    more = load_environment(project, "dev")
    line = cost(CREATES, more, project, Base("main", environment))
    assert " → " in line and "(+$" in line


def test_a_laptop_has_no_cost_to_speak_of(project: Project, environment: Environment) -> None:
    (project.environments / "dev.yaml").write_text(YAML.replace("platform: confluent", "platform: local"))
    laptop = load_environment(project, "dev")
    assert summarise(CREATES, environment=laptop, project=project).cost is None
    assert "ends" not in cost(UPDATES, laptop, project, Base("main", environment))


def test_a_destroy_ends_what_it_costs(project: Project, environment: Environment) -> None:
    plan = replace(plan_of(change("kafka_topic.t", ["delete"], TOPIC)), destroy=True)
    assert cost(plan, environment, project).endswith(" a month ends")


def test_a_price_list_that_is_wrong_leaves_the_cost_unknown_and_the_plan_as_it_is(
    project: Project, environment: Environment
) -> None:
    prices = project.environments / "prices"
    prices.mkdir()
    (prices / "mine.yaml").write_text("nonsense: [")
    line = cost(UPDATES, environment, project)
    assert line.startswith("not known: ") and "prices/mine.yaml" in line


# --- what it takes ---


def test_a_summary_of_a_thousand_changes_takes_little_beside_reading_the_plan(
    project: Project, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against reading the plan's JSON, the only thing in the run that grows alike; the limit is wide, for a machine
    is not always idle. The price list is read once, before."""
    entries = [change(f'kafka_topic.t["{at}"]', ["update"], TOPIC, {**TOPIC, "partitions": 12}) for at in range(500)]
    entries += [
        change(f'kafka_acl.a["billing read topic {at}"]', ["create"], None, {"acl_principal": f"User:{at}"})
        for at in range(500)
    ]
    document = json.dumps({"resource_changes": entries})
    summarise(CREATES, environment=environment, project=project)

    def read() -> StackPlan:
        return parse_plan("topics", json.loads(document))

    def summed() -> None:
        to_lines(summarise(plan, environment=environment, project=project))

    plan = EnvironmentPlan("dev", (read(),))
    reading, summing = (min(_seconds(each) for _ in range(3)) for each in (read, summed))
    with capsys.disabled():
        print(f"\nsummary of 1,000 changes: {summing / reading:.1f} × reading the plan")
    assert summing < 12 * reading


def _seconds(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
