"""What typed resources render to, and what a wrong argument is answered with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modules.cdk import App, Fn, TerraformVariable
from modules.errors import SynthError
from modules.resources.aws import AwsAutoscalingGroup, AwsMskCluster, AwsSecurityGroup, AwsSecurityGroupRule
from modules.resources.aws import DataAwsCallerIdentity as CallerIdentity
from modules.resources.base import Stack
from modules.resources.expressions import each, function, literal, local, reference, var
from modules.resources.kafka import KafkaAcl, KafkaProvider, KafkaTopic
from modules.resources.schemaregistry import SchemaregistrySchema

Synth = Callable[[], dict[str, Any]]


def topic(stack: Stack, id_: str = "t", **changed: Any) -> KafkaTopic:
    return KafkaTopic(stack, id_, **{"name": "t", "partitions": 1, "replication_factor": 1, **changed})


def test_a_resource_is_written_under_its_own_address_with_its_provider_pinned(stack: Stack, synth: Synth) -> None:
    made = KafkaTopic(
        stack, "orders", name="orders", partitions=6, replication_factor=1, config={"retention.ms": "1", "a.b": "c"}
    )
    assert made.address == "kafka_topic.orders"
    written = synth()
    assert written["resource"]["kafka_topic"]["orders"] == {
        "name": "orders", "partitions": 6, "replication_factor": 1, "config": {"retention.ms": "1", "a.b": "c"},
    }  # fmt: skip
    assert written["terraform"]["required_providers"] == {"kafka": {"source": "mongey/kafka", "version": "0.13.1"}}
    assert written["terraform"]["backend"] == {"local": {"path": "terraform.tfstate"}}


def test_one_resource_over_a_map_has_an_instance_for_each_key(stack: Stack, synth: Synth) -> None:
    made = KafkaTopic(
        stack, "all", for_each={"a.b": {"partitions": 3, "config": {"x": "1"}}, "c": {"partitions": 1, "config": {}}},
        name=each.key, partitions=each.value("partitions"), replication_factor=1, config=each.value("config"),
    )  # fmt: skip
    KafkaAcl(
        stack, "read", for_each=["a.b", "c"], acl_host="*", acl_operation="Read", acl_permission_type="Allow",
        acl_principal="User:x", resource_type="Topic", resource_name=made.attr("name", key=each.key),
        depends_on=[made, "terraform_data.other"],
    )  # fmt: skip
    assert made.attr("config", "retention.ms", key="a.b") == '${kafka_topic.all["a.b"].config["retention.ms"]}'
    document = synth()
    written = document["resource"]
    assert document["locals"]["kafka_topic_all"] == {
        "a.b": {"partitions": 3, "config": {"x": "1"}}, "c": {"partitions": 1, "config": {}},
    }  # fmt: skip
    assert written["kafka_topic"]["all"] == {
        "for_each": "${local.kafka_topic_all}", "name": "${each.key}", "partitions": "${each.value.partitions}",
        "replication_factor": 1, "config": "${each.value.config}",
    }  # fmt: skip
    assert written["kafka_acl"]["read"]["for_each"] == '${toset(["a.b", "c"])}'
    assert written["kafka_acl"]["read"]["resource_name"] == "${kafka_topic.all[each.key].name}"
    assert written["kafka_acl"]["read"]["depends_on"] == ["kafka_topic.all", "terraform_data.other"]


def test_providers_variables_locals_outputs_and_lookups_are_written(stack: Stack, synth: Synth) -> None:
    brokers = stack.variable("brokers", type_="list(string)", sensitive=True, ephemeral=True)
    other = KafkaProvider(stack, alias="other", bootstrap_servers=brokers, tls_enabled=False)
    KafkaProvider(stack, bootstrap_servers=["a:1"])
    topic(stack, provider=other, lifecycle={"prevent_destroy": True, "ignore_changes": ["config"]})
    me = CallerIdentity(stack, "me")
    stack.output("account", me.attr("account_id"), sensitive=True, description="whose")
    assert stack.local("zones", ["a"]) == "${local.zones}" == local("zones")
    written = synth()
    assert written["variable"]["brokers"] == {"type": "list(string)", "sensitive": True, "ephemeral": True}
    assert written["provider"]["kafka"] == [
        {"alias": "other", "bootstrap_servers": "${var.brokers}", "tls_enabled": False},
        {"bootstrap_servers": ["a:1"]},
    ]
    assert written["resource"]["kafka_topic"]["t"]["provider"] == "kafka.other"
    assert written["resource"]["kafka_topic"]["t"]["lifecycle"] == {
        "prevent_destroy": True,
        "ignore_changes": ["config"],
    }
    assert written["data"] == {"aws_caller_identity": {"me": {}}}
    assert written["locals"] == {"zones": ["a"]}
    assert written["output"]["account"] == {
        "value": "${data.aws_caller_identity.me.account_id}", "sensitive": True, "description": "whose",
    }  # fmt: skip


def test_tokens_of_cdktf_itself_are_resolved(stack: Stack, synth: Synth) -> None:
    name = TerraformVariable(stack, "name", type="string").string_value
    topic(stack, name=f"{name}-x", config={"a": Fn.upper(name)})
    written = synth()["resource"]["kafka_topic"]["t"]
    assert written["name"] == "${var.name}-x"
    assert written["config"] == {"a": "${upper(var.name)}"}


def test_nested_blocks_of_every_kind_are_written(stack: Stack, synth: Synth) -> None:
    AwsMskCluster(
        stack, "m", cluster_name="m", kafka_version="4.1.x", number_of_broker_nodes=3,
        broker_node_group_info={
            "client_subnets": ["a", "b", "c"], "instance_type": "kafka.m7g.large", "security_groups": {"z", "s"},
            "storage_info": {"ebs_storage_info": {"volume_size": 100}},
        },
        timeouts={"create": "2h"},
    )  # fmt: skip
    AwsAutoscalingGroup(
        stack, "g", max_size=1, min_size=1, tag=[{"key": "a", "value": "b", "propagate_at_launch": True}]
    )
    AwsSecurityGroupRule(
        stack, "r", type="ingress", from_port=1, to_port=2, protocol="tcp", security_group_id="s", self_=True
    )
    AwsSecurityGroup(stack, "s", ingress=[{"from_port": 1, "to_port": 2, "protocol": "tcp"}])
    SchemaregistrySchema(
        stack,
        "v",
        schema="{}",
        schema_type="AVRO",
        subject="s",
        references=[{"name": "n", "subject": "b", "version": 1}],
    )
    written = synth()["resource"]
    group = written["aws_msk_cluster"]["m"]["broker_node_group_info"]
    assert group["storage_info"] == {"ebs_storage_info": {"volume_size": 100}}
    assert group["security_groups"] == ["s", "z"], "a set is written in an order that does not change"
    assert written["aws_msk_cluster"]["m"]["timeouts"] == {"create": "2h"}
    assert written["aws_autoscaling_group"]["g"]["tag"] == [{"key": "a", "value": "b", "propagate_at_launch": True}]
    assert written["aws_security_group_rule"]["r"]["self"] is True
    assert "cidr_blocks" in written["aws_security_group"]["s"]["ingress"][0]
    assert written["aws_security_group"]["s"]["ingress"][0]["cidr_blocks"] is None, "objects need every attribute"
    assert written["schemaregistry_schema"]["v"]["references"] == [{"name": "n", "subject": "b", "version": 1}]


def test_expressions_are_written_as_terraform_reads_them() -> None:
    assert literal("${a} %{b}") == "$${a} %%{b}"
    assert var("x").get("a", 0, "b.c", each.key) == '${var.x.a[0]["b.c"][each.key]}'
    assert reference("kafka_topic.t", "id") == "${kafka_topic.t.id}"
    assert function("f", var("x"), 'say "${hi}"', [1, True, None], {"k": 2.5}) == (
        '${f(var.x, "say \\"$${hi}\\"", [1, true, null], {"k" = 2.5})}'
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"partitons": 3}, "KafkaTopic has no argument `partitons`; did you mean `partitions`?"),
        ({"zzz": 3}, "KafkaTopic has no argument `zzz`; there are config, name, partitions, replication_factor"),
        ({"id": "x"}, "KafkaTopic: `id` is read-only: the provider computes it"),
        ({"partitions": None}, "KafkaTopic needs `partitions`"),
        ({"partitions": "3"}, "KafkaTopic.partitions takes a number (int or float), got text (str)"),
        ({"partitions": True}, "KafkaTopic.partitions takes a number (int or float), got a bool"),
        ({"name": 3}, "KafkaTopic.name takes text (str), got a number (int)"),
        ({"config": ["a"]}, "KafkaTopic.config takes a mapping, got a list"),
        ({"config": {"a": 1}}, "KafkaTopic.config[a] takes text (str), got a number (int)"),
        ({"config": {1: "a"}}, "KafkaTopic.config takes a mapping with text as keys, got a number (int) as a key"),
        ({"for_each": 3}, "KafkaTopic.for_each takes a mapping, a list of text or an expression"),
        ({"for_each": {1: 2}}, "KafkaTopic.for_each takes a mapping with text as keys"),
        (
            {"lifecycle": {"prevent_destruction": True}},
            "KafkaTopic.lifecycle has no `prevent_destruction`; did you mean",
        ),
        ({"id_": "a.b"}, "'a.b' cannot be an address"),
    ],
)
def test_a_wrong_argument_is_a_type_error_that_says_which(stack: Stack, changed: dict[str, Any], expected: str) -> None:
    with pytest.raises(TypeError) as caught:
        topic(stack, **changed)
    assert expected in str(caught.value)
    assert "kafka_topic" not in stack.declared.get("resource", {}), "nothing half-declared"


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({}, "AwsMskCluster.broker_node_group_info needs `client_subnets`, `instance_type`, `security_groups`"),
        ("x", "takes a list of mappings, got text (str)"),
        ([{}, {}], "AwsMskCluster.broker_node_group_info takes at most 1, got 2"),
        ([], "AwsMskCluster.broker_node_group_info takes at least 1, got 0"),
        ({"client_subnet": []}, "AwsMskCluster.broker_node_group_info has no argument `client_subnet`; did you mean"),
        ({"client_subnets": "a"}, "broker_node_group_info.client_subnets takes a list of values, got text"),
        ({"storage_info": {"ebs_storage_info": {"volume_size": "1"}}}, "ebs_storage_info.volume_size takes a number"),
    ],
)
def test_a_mistake_inside_a_block_names_the_path(stack: Stack, info: Any, expected: str) -> None:
    with pytest.raises(TypeError) as caught:
        AwsMskCluster(
            stack, "m", cluster_name="m", kafka_version="4", number_of_broker_nodes=3, broker_node_group_info=info
        )
    assert expected in str(caught.value)


def test_a_value_is_not_repeated_for_it_may_be_secret(stack: Stack) -> None:
    with pytest.raises(TypeError) as caught:
        KafkaProvider(stack, bootstrap_servers="hunter2")  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)


def test_two_of_one_address_are_refused(stack: Stack) -> None:
    topic(stack)
    with pytest.raises(SynthError, match=r"kafka_topic\.t is declared twice in stack test"):
        topic(stack)


def test_an_attribute_that_is_not_there_is_refused(stack: Stack) -> None:
    one, many = topic(stack), topic(stack, "many", for_each={})
    with pytest.raises(TypeError, match="has no attribute `nam`; did you mean `name`"):
        one.attr("nam")
    with pytest.raises(TypeError, match="has no instances"):
        one.attr("name", key="x")
    with pytest.raises(TypeError, match="needs `key`"):
        many.attr("name")


def test_ten_thousand_topics_over_a_map_are_one_resource(stack: Stack, synth: Synth) -> None:
    KafkaTopic(
        stack, "all", for_each={f"t{n}": {"partitions": n % 9 + 1} for n in range(10_000)},
        name=each.key, partitions=each.value("partitions"), replication_factor=1,
    )  # fmt: skip
    document = synth()
    assert list(document["resource"]["kafka_topic"]) == ["all"]
    topics = document["locals"]["kafka_topic_all"]
    assert len(topics) == 10_000
    assert topics["t9999"] == {"partitions": 1}


def test_a_thousand_separate_resources_keep_their_addresses(stack: Stack, synth: Synth) -> None:
    for n in range(1000):
        topic(stack, f"t{n}", name=f"name-{n}")
    written = synth()["resource"]["kafka_topic"]
    assert {id_: body["name"] for id_, body in written.items()} == {f"t{n}": f"name-{n}" for n in range(1000)}


def test_two_stacks_of_an_app_do_not_mix(app: App, stack: Stack, synth: Synth) -> None:
    topic(Stack(app, "other"), "elsewhere")
    topic(stack, "here")
    assert list(synth()["resource"]["kafka_topic"]) == ["here"]
