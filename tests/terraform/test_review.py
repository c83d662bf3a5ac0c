"""Reviews of plans as `terraform show -json` gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modules.errors import PlanError
from modules.terraform.engine import PlanRefusedError
from modules.terraform.plan import Change, EnvironmentPlan, Finding, StackPlan
from modules.terraform.plan_json import parse_plan
from modules.terraform.review import judge, review, review_declared
from tests.terraform.support import Workbench, data


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


def test_more_partitions_warn_that_keys_move() -> None:
    (finding,) = findings(entry("kafka_topic", ["update"], topic(), topic(partitions=12)))
    assert finding.severity == "warn"
    assert "12 instead of 6 partitions keys move to other partitions" in finding.message


@pytest.mark.parametrize("actions", [["update"], ["delete", "create"]])
def test_fewer_partitions_are_refused_with_the_reason_whatever_terraform_would_do(actions: list[str]) -> None:
    finding = findings(entry("kafka_topic", actions, topic(), topic(partitions=3), key="order-events"))[0]
    assert finding.severity == "refuse"
    assert finding.address == 'kafka_topic.this["order-events"]'
    assert "from 6 down to 3" in finding.message and "Kafka cannot remove partitions" in finding.message
    assert "keep partitions at 6" in (finding.do or "")


def test_confluents_topic_is_judged_alike() -> None:
    before, after = ({"topic_name": "t", "partitions_count": count} for count in (6, 3))
    (finding,) = findings(entry("confluent_kafka_topic", ["update"], before, after))
    assert finding.severity == "refuse"


def test_a_changed_replication_factor_warns() -> None:
    (finding,) = findings(entry("kafka_topic", ["update"], topic(), topic(replication_factor=1)))
    assert finding.severity == "warn" and "from 3 to 1" in finding.message


def test_retention_alone_is_nothing_to_talk_about() -> None:
    assert findings(entry("kafka_topic", ["update"], topic(), topic(config={"retention.ms": "1"}))) == []


@pytest.mark.parametrize("type_", ["kafka_topic", "snowflake_table", "snowflake_schema", "snowflake_database"])
@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"], ["create", "delete"]])
def test_what_holds_data_is_not_deleted_without_saying_so(type_: str, actions: list[str]) -> None:
    after = None if actions == ["delete"] else {"name": "new"}
    (finding,) = findings(entry(type_, actions, {"name": "old"}, after))
    assert finding.severity == "warn" and finding.message.startswith("holds data: it will be deleted")


def test_columns_in_another_order_are_told_since_snowflake_adds_them_at_the_end() -> None:
    names = ("RECORD_METADATA", "ORDER_ID", "COUPON")
    before, after = (
        {"name": "ORDERS", "column": [{"name": name, "type": "VARCHAR"} for name in some]}
        for some in (names, ("RECORD_METADATA", "COUPON", "ORDER_ID"))
    )
    (finding,) = findings(entry("snowflake_table", ["update"], before, after))
    assert finding.severity == "warn"
    assert finding.message.startswith("the columns of table ORDERS are declared in another order than they are in")
    assert finding.do and finding.do.endswith("RECORD_METADATA, ORDER_ID, COUPON")


def test_a_dropped_column_is_lost_data_and_an_added_one_is_not() -> None:
    columns = [{"name": "ORDER_ID", "type": "VARCHAR"}, {"name": "COUPON", "type": "VARCHAR"}]
    both, one = ({"name": "ORDERS", "column": some} for some in (columns, columns[:1]))
    (finding,) = findings(entry("snowflake_table", ["update"], both, one))
    assert finding.severity == "warn"
    assert finding.message == "holds data: column COUPON of table ORDERS will be dropped, its values are lost"
    assert findings(entry("snowflake_table", ["update"], one, both)) == []


def test_an_acl_may_go_without_a_word() -> None:
    assert findings(entry("kafka_acl", ["delete"], {"acl_principal": "User:x"}, None)) == []


def test_an_incompatible_schema_is_refused_naming_subject_field_and_rule() -> None:
    (finding,) = findings(entry("schemaregistry_schema", ["update"], schema("id"), schema("id", "priority")))
    assert finding.severity == "refuse"
    assert finding.message == (
        'order-events-value: field "priority" has no default: BACKWARD needs one, '
        "because new readers meet old events without it"
    )


def glue(*fields: str, level: str = "BACKWARD") -> dict[str, Any]:
    definition = schema(*fields)["schema"]
    return {
        "schema_name": "order-events-value",
        "data_format": "AVRO",
        "compatibility": level,
        "schema_definition": definition,
    }


def test_glues_schema_is_judged_alike() -> None:
    (finding,) = findings(entry("aws_glue_schema", ["update"], glue("id"), glue("id", "priority")))
    assert finding.severity == "refuse" and 'order-events-value: field "priority" has no default' in finding.message
    sides = [glue(*names, level="BACKWARD_ALL") for names in (("id", "x"), ("id",))]
    (finding,) = findings(entry("aws_glue_schema", ["update"], *sides))
    assert finding.severity == "warn" and "BACKWARD_TRANSITIVE also binds" in finding.message
    (finding,) = findings(entry("aws_glue_schema", ["update"], glue("id"), glue("other", level="NONE")))
    assert finding.severity == "warn" and "from BACKWARD to NONE" in finding.message
    (finding,) = findings(entry("aws_glue_schema", ["delete"], glue("id"), None))
    assert finding.severity == "warn" and "holds data" in finding.message


def test_a_schema_of_another_level_is_judged_by_the_level_that_will_hold() -> None:
    before, after = schema("id"), schema("id", "priority", compatibility_level="FORWARD")
    assert findings(entry("schemaregistry_schema", ["update"], before, after)) == []


def test_a_level_that_falls_to_none_warns() -> None:
    after = schema("other", compatibility_level="NONE")
    (finding,) = findings(entry("schemaregistry_schema", ["update"], schema("id"), after))
    assert finding.severity == "warn" and "from BACKWARD to NONE" in finding.message


def test_a_transitive_level_says_that_older_versions_are_the_registrys_to_check() -> None:
    before, after = (schema(*names, compatibility_level="BACKWARD_TRANSITIVE") for names in (("id", "x"), ("id",)))
    (finding,) = findings(entry("schemaregistry_schema", ["update"], before, after))
    assert finding.severity == "warn" and "versions before the current one" in finding.message


def test_a_new_schema_that_is_no_avro_is_refused() -> None:
    after = schema(schema='{"type": "recor"}')
    (finding,) = findings(entry("schemaregistry_schema", ["create"], None, after))
    assert finding.severity == "refuse" and "not valid Avro" in finding.message


def test_other_formats_and_other_subjects_are_left_to_the_registry() -> None:
    protobuf = schema(schema='syntax = "proto3";', schema_type="PROTOBUF")
    assert findings(entry("schemaregistry_schema", ["update"], protobuf, protobuf)) == []
    moved = schema("a", subject="payments-value")
    (finding,) = findings(entry("schemaregistry_schema", ["delete", "create"], schema("id"), moved))
    assert finding.severity == "warn"


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


def cluster(tier: str, **settings: Any) -> dict[str, Any]:
    tiers = {name: [] for name in ("basic", "standard", "enterprise", "freight", "dedicated")}
    return {"display_name": "streaming-dev", **tiers, tier: [settings]}


@pytest.mark.parametrize("actions", [["update"], ["delete", "create"]])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("standard", "basic"),
        ("basic", "dedicated"),
        ("standard", "dedicated"),
        ("dedicated", "standard"),
        ("standard", "enterprise"),
        ("enterprise", "freight"),
    ],
)
def test_another_type_of_cluster_is_refused_whatever_terraform_would_do(actions: list[str], old: str, new: str) -> None:
    finding = findings(entry("confluent_kafka_cluster", actions, cluster(old), cluster(new)))[0]
    assert finding.severity == "refuse"
    assert finding.message == (
        f"cluster streaming-dev cannot go from {old} to {new}: Confluent Cloud only changes basic to standard, in place"
    )
    assert f"keep {old}" in (finding.do or "")


def test_basic_becomes_standard_with_a_word_that_it_stays_so() -> None:
    (finding,) = findings(entry("confluent_kafka_cluster", ["update"], cluster("basic"), cluster("standard")))
    assert (finding.severity, finding.message) == (
        "warn",
        "cluster streaming-dev becomes standard, which cannot be undone",
    )


def test_a_larger_limit_or_more_units_are_nothing_to_talk_about_and_fewer_units_are() -> None:
    def change(old: Any, new: Any) -> list[Finding]:
        return findings(entry("confluent_kafka_cluster", ["update"], old, new))

    assert change(cluster("basic", max_ecku=1), cluster("basic", max_ecku=9)) == []
    assert change(cluster("dedicated", cku=2), cluster("dedicated", cku=3)) == []
    (finding,) = change(cluster("dedicated", cku=3), cluster("dedicated", cku=2))
    assert finding.severity == "warn" and "shrinks from 3 to 2 CKU" in finding.message


@pytest.mark.parametrize(
    ("type_", "lost"),
    [
        ("confluent_kafka_cluster", "its topics and their messages are lost"),
        ("confluent_environment", "its clusters, topics and schemas are lost"),
        ("confluent_kafka_topic", "its messages are lost"),
        ("confluent_schema", "consumers can no longer look up the schema"),
    ],
)
def test_what_holds_data_on_confluent_is_not_deleted_without_saying_so(type_: str, lost: str) -> None:
    (finding,) = findings(entry(type_, ["delete"], {"display_name": "x", "subject_name": "s"}, None))
    assert finding.severity == "warn" and lost in finding.message


def msk(type_: str, version: str = "3.9.x") -> dict[str, Any]:
    nodes = [{"instance_type": type_}]
    return {"cluster_name": "streaming-dev-kafka", "broker_node_group_info": nodes, "kafka_version": version}


@pytest.mark.parametrize("actions", [["update"], ["delete", "create"]])
@pytest.mark.parametrize(("old", "new"), [("Standard", "Express"), ("Express", "Standard")])
def test_msk_brokers_never_change_their_type(actions: list[str], old: str, new: str) -> None:
    types = {"Standard": "kafka.m7g.large", "Express": "express.m7g.large"}
    finding = findings(entry("aws_msk_cluster", actions, msk(types[old]), msk(types[new])))[0]
    assert (finding.severity, finding.message) == (
        "refuse",
        f"cluster streaming-dev-kafka cannot go from {old} to {new} brokers: that takes a cluster of its own",
    )
    assert findings(entry("aws_msk_cluster", ["update"], msk("kafka.m7g.large"), msk("kafka.m7g.xlarge"))) == []


def test_an_msk_cluster_never_goes_from_zookeeper_to_kraft() -> None:
    old, new = msk("kafka.m7g.large", "3.9.x"), msk("kafka.m7g.large", "3.9.x.kraft")
    (finding,) = findings(entry("aws_msk_cluster", ["update"], old, new))
    assert finding.severity == "refuse" and "from ZooKeeper to KRaft" in finding.message
    assert findings(entry("aws_msk_cluster", ["update"], new, msk("kafka.m7g.large", "4.0.x.kraft"))) == []


@pytest.mark.parametrize("type_", ["aws_msk_cluster", "aws_msk_serverless_cluster", "aws_db_instance"])
def test_what_holds_data_on_msk_is_not_deleted_without_saying_so(type_: str) -> None:
    (finding,) = findings(entry(type_, ["delete"], {}, None))
    assert finding.severity == "warn" and "are lost" in finding.message


def confluent_plan(level: str, *fields: str, before: str | None = None) -> list[Finding]:
    """A plan that changes a schema from one field `id` to these, under a level in a resource of its own."""
    sides = [
        {"subject_name": "orders-value", "format": "AVRO", "schema": schema(*each)["schema"]}
        for each in (["id"], fields)
    ]
    changes = [entry("confluent_schema", ["update"], *sides)]
    if before:
        levels = [{"subject_name": "orders-value", "compatibility_level": each} for each in (before, level)]
        changes.append(entry("confluent_subject_config", ["update"], *levels))
    settled = {
        "type": "confluent_subject_config",
        "values": {"subject_name": "orders-value", "compatibility_level": level},
    }
    planned = {"root_module": {"resources": [settled]}}
    return list(review(parse_plan("topics", {"resource_changes": changes, "planned_values": planned})))


def test_confluents_schema_is_judged_by_the_level_that_will_hold() -> None:
    (finding,) = confluent_plan("BACKWARD", "id", "priority")
    assert finding.severity == "refuse"
    assert finding.message.startswith('orders-value: field "priority" has no default: BACKWARD needs one')
    assert confluent_plan("FORWARD", "id", "priority") == []
    assert confluent_plan("BACKWARD", "id") == []


def test_confluents_level_that_falls_to_none_warns() -> None:
    (finding,) = confluent_plan("NONE", "other", before="BACKWARD")
    assert finding.severity == "warn" and "from BACKWARD to NONE" in finding.message


def broker(launch: str = "FARGATE", task: str = "arn:…:1", **more: Any) -> dict[str, Any]:
    return {"name": "streaming-dev-broker-1", "launch_type": launch, "task_definition": task, **more}


def service(actions: list[str], before: Any, after: Any, name: str = "broker-1") -> list[Finding]:
    return findings(entry("aws_ecs_service", actions, before, after, name=name))


@pytest.mark.parametrize(
    "after", [broker(task="arn:…:2"), broker(volume_configuration=[{"managed_ebs_volume": [{"size_in_gb": 50}]}])]
)
def test_a_redpanda_task_on_fargate_is_not_replaced_without_saying_that_its_volume_dies(after: Any) -> None:
    (finding,) = service(["update"], broker(), after)
    assert finding.severity == "warn" and finding.address == "aws_ecs_service.broker-1"
    assert "holds data: the task of broker-1 will be replaced, its volume dies with it" in finding.message


def test_a_redpanda_task_that_stays_or_keeps_its_volume_is_no_loss() -> None:
    assert service(["update"], broker(), broker(tags={"team": "x"})) == []
    assert service(["update"], broker("EC2"), broker("EC2", task="arn:…:2")) == []
    assert service(["update"], broker(), broker(task="arn:…:2"), name="registry") == []


@pytest.mark.parametrize(("launch", "dies"), [("FARGATE", True), ("EC2", False)])
@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"]])
def test_a_redpanda_broker_is_not_taken_out_without_saying_so(actions: list[str], launch: str, dies: bool) -> None:
    (finding,) = service(actions, broker(launch), None if actions == ["delete"] else broker(launch))
    assert finding.severity == "warn" and finding.message.startswith("holds data: broker-1 will be deleted")
    assert ("its volume dies with its task" in finding.message) is dies
    assert "decommission" in (finding.do or "")


@pytest.mark.parametrize(("old", "new"), [("FARGATE", "EC2"), ("EC2", "FARGATE")])
def test_redpanda_never_changes_what_its_brokers_run_on_all_at_once(old: str, new: str) -> None:
    (finding,) = service(["delete", "create"], broker(old), broker(new))
    assert (finding.severity, finding.message) == (
        "refuse",
        f"broker-1 cannot move from {old} to {new}: Terraform would end all brokers at once, and all copies of all "
        "partitions with them",
    )


@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"]])
def test_a_redpanda_brokers_volume_and_machine_are_not_taken_away_without_saying_so(actions: list[str]) -> None:
    after = None if actions == ["delete"] else {}
    (volume,) = findings(entry("aws_ebs_volume", actions, {}, after, name="broker", key="1"))
    assert volume.severity == "warn" and "the broker's copies of its partitions are lost" in volume.message
    (machine,) = findings(entry("aws_instance", actions, {}, after, name="broker-1"))
    assert machine.severity == "warn" and "its volume stays" in machine.message
    assert findings(entry("aws_instance", actions, {}, after, name="bastion")) == []


def test_a_schema_that_refers_to_others_is_left_to_the_registry_with_a_word() -> None:
    """Its types are in other subjects, so it cannot be read by itself."""
    body = '{"type": "record", "name": "R", "fields": [{"name": "m", "type": "com.acme.Money"}]}'
    sides = [schema("id"), {**schema("id"), "schema": body, "references": [{"name": "com.acme.Money"}]}]
    (finding,) = findings(entry("schemaregistry_schema", ["update"], *sides))
    assert finding.severity == "warn" and "the registry alone can tell" in finding.message
    assert findings(entry("schemaregistry_schema", ["create"], None, sides[1])) == []
