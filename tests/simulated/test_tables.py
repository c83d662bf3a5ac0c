"""The two tables are data: every name in them is held against the snapshots, every rule against plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import modules.simulated
from modules.local.plugins.protocol.schema import Block, load_schema, snapshot_path
from modules.local.plugins.protocol.values import UNKNOWN
from modules.simulated.documents import policy_document
from modules.simulated.invent import Invention
from modules.simulated.provider import SimulatedProvider
from modules.simulated.provider_names import SNAPSHOTS
from modules.simulated.rules import Changed, Rules, changed_values, load_rules
from tests.simulated.minimal import minimal

FOLDER = Path(modules.simulated.__file__).parent
CONSTANTS = {"region": "eu-west-1", "account": "000000000000", "partition": "aws", "org": "o"}


def table(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def members(block: Block, prefix: str = "") -> Iterator[str]:
    yield from (f"{prefix}{name}" for name in block.attributes)
    for name, nested in block.blocks.items():
        yield f"{prefix}{name}"
        yield from members(nested.block, f"{prefix}{name}.")


@pytest.mark.parametrize("source", SNAPSHOTS)
def test_every_argument_in_the_table_of_replacements_exists_and_every_type_names_its_source(source: str) -> None:
    schema = load_schema(snapshot_path(SNAPSHOTS[source]))
    for kind, rules in table("replaces")[source].items():
        if kind == "*":
            continue
        known = set(members(schema.resources[kind]))
        named = {name for key in ("replaces", "in_place", "replaces_when", "depends") for name in rules.get(key, ())}
        named |= {name for key in ("conflicts", "exactly_one") for group in rules.get(key, ()) for name in group}
        named |= {name for output, inputs in rules.get("recomputed", {}).items() for name in (output, *inputs)}
        assert named <= known, kind
        assert set(rules.get("replaces", ())).isdisjoint(rules.get("in_place", ())), kind
        assert rules["source"].startswith(("internal/", "pkg/", "kafka/", "connect/")), kind
        assert rules.get("others") in (None, "in-place"), kind


@pytest.mark.parametrize("source", SNAPSHOTS)
def test_every_format_is_of_a_computed_attribute(source: str) -> None:
    schema = load_schema(snapshot_path(SNAPSHOTS[source]))
    for kind, formats in table("formats")[source].items():
        if kind == "*":
            continue
        block = schema.data_sources[kind[5:]] if kind.startswith("data.") else schema.resources[kind]
        assert all(block.attributes[name].computed for name in formats), kind


@pytest.mark.parametrize(
    ("source", "kind", "path", "before", "after", "verdict"),
    [
        ("hashicorp/aws", "aws_msk_cluster", "broker_node_group_info.client_subnets", ["a"], ["b"], "replaces"),
        ("hashicorp/aws", "aws_msk_cluster", "broker_node_group_info.instance_type", "a", "b", "in-place"),
        ("hashicorp/aws", "aws_msk_cluster", "kafka_version", "3.10.0", "3.9.1", "replaces"),
        ("hashicorp/aws", "aws_msk_cluster", "kafka_version", "3.9.1", "3.10.0", "in-place"),
        ("hashicorp/aws", "aws_msk_cluster", "kafka_version", "3.6", "3.6.0", "in-place"),
        ("hashicorp/aws", "aws_msk_cluster", "kafka_version", "3.9.x", "3.8.x", "in-place"),
        ("hashicorp/aws", "aws_msk_cluster", "kafka_version", "3.9.x.kraft", "3.9.x", "in-place"),
        ("hashicorp/aws", "aws_service_discovery_service", "dns_config.dns_records.type", "A", "SRV", "replaces"),
        ("hashicorp/aws", "aws_service_discovery_service", "dns_config.dns_records.ttl", 10, 60, "in-place"),
        ("hashicorp/aws", "aws_ecs_task_definition", "volume.host_path", "a", "b", "replaces"),
        ("hashicorp/aws", "aws_vpc", "tags.Name", "a", "b", "in-place"),
        ("hashicorp/aws", "aws_vpc", "instance_tenancy", "default", "dedicated", None),
        ("hashicorp/aws", "aws_scheduler_schedule", "name", "a", "b", None),
        ("confluentinc/confluent", "confluent_kafka_cluster", "availability", "LOW", "HIGH", "replaces"),
        ("confluentinc/confluent", "confluent_kafka_cluster", "basic.max_ecku", 1, 2, "in-place"),
        ("confluentinc/confluent", "confluent_kafka_topic", "partitions_count", 6, 3, "replaces"),
        ("confluentinc/confluent", "confluent_kafka_topic", "partitions_count", 3, 6, "in-place"),
        ("confluentinc/confluent", "confluent_kafka_acl", "principal", "a", "b", "replaces"),
        ("mongey/kafka", "kafka_topic", "partitions", 6, 3, "replaces"),
        ("snowflakedb/snowflake", "snowflake_warehouse", "warehouse_size", "SMALL", None, "replaces"),
        ("snowflakedb/snowflake", "snowflake_warehouse", "warehouse_size", "SMALL", "LARGE", "in-place"),
    ],
)
def test_what_a_change_does(source: str, kind: str, path: str, before: Any, after: Any, verdict: str | None) -> None:
    assert load_rules(source, kind).verdict(Changed(path, (path,), before, after)) == verdict


def test_a_version_that_msk_would_not_take_back_is_said() -> None:
    rules = load_rules("hashicorp/aws", "aws_msk_cluster")
    assert (
        rules.remark(Changed("kafka_version", (), "4.1.x.kraft", "4.0.x.kraft")) == "MSK itself takes no version back"
    )
    assert rules.remark(Changed("kafka_version", (), "4.0.x.kraft", "4.1.x.kraft")) is None


def test_a_rule_inside_a_block_goes_before_the_blocks_own() -> None:
    rules = Rules(replaces=frozenset({"a", "b.c"}), in_place=frozenset({"a.x"}), others="in-place")
    found = {path: rules.verdict(Changed(path, ())) for path in ("a", "a.x", "a.y", "b", "b.c", "b.d", "z")}
    assert found == {
        "a": "replaces", "a.x": "in-place", "a.y": "replaces",
        "b": "in-place", "b.c": "replaces", "b.d": "in-place", "z": "in-place",
    }  # fmt: skip


def test_unknown_arguments_are_not_judged_as_exclusions() -> None:
    rules = Rules(exactly_one=(("a", "b"),))
    assert not list(rules.check("kind", {"a": UNKNOWN, "b": None}))
    assert not list(rules.check("kind", {"a": UNKNOWN, "b": "x"}))
    assert [found.summary for found in rules.check("kind", {"a": None, "b": None})] == ["kind: one of a, b is required"]


def test_changes_are_found_as_deep_as_they_are() -> None:
    block = load_schema(snapshot_path("aws")).resources["aws_msk_cluster"]
    before = {"cluster_name": "a", "broker_node_group_info": [_brokers(100)], "number_of_broker_nodes": 3}
    after = {**before, "broker_node_group_info": [_brokers(200)], "current_version": UNKNOWN}
    assert list(changed_values(block, before, after)) == [
        Changed(
            "broker_node_group_info.storage_info.ebs_storage_info.volume_size",
            ("broker_node_group_info", 0, "storage_info", 0, "ebs_storage_info", 0, "volume_size"),
            100,
            200,
        )
    ]


def _brokers(size: int) -> dict[str, Any]:
    return {"instance_type": "x", "storage_info": [{"ebs_storage_info": [{"volume_size": size}]}]}


def invented(kind: str, given: Mapping[str, Any], salt: int = 0) -> dict[str, Any]:
    source, snapshot = next(item for item in SNAPSHOTS.items() if kind.startswith(item[1]))
    block = load_schema(snapshot_path(snapshot)).resources[kind]
    unknown = {name: UNKNOWN if attribute.computed else None for name, attribute in block.attributes.items()}
    return Invention(kind, block, table("formats")[source], {**unknown, **given}, CONSTANTS, salt).filled()


def test_equal_arguments_give_equal_values_and_others_give_others() -> None:
    first, again = (invented("aws_vpc", {"cidr_block": "10.0.0.0/16"}) for _ in range(2))
    assert first == again
    assert invented("aws_vpc", {"cidr_block": "10.1.0.0/16"})["id"] != first["id"]
    assert invented("aws_vpc", {"cidr_block": "10.0.0.0/16"}, salt=1)["id"] != first["id"]
    assert first["arn"].endswith(first["id"])
    assert first["default_route_table_id"] == first["main_route_table_id"]


def test_a_task_definition_registered_again_is_the_next_revision() -> None:
    given = {"family": "connect", "container_definitions": "[]"}
    assert [invented("aws_ecs_task_definition", given, salt)["arn"][-2:] for salt in (0, 1)] == [":1", ":2"]


def test_sensitive_computed_values_say_that_they_are_simulated(tmp_path: Path) -> None:
    for source in SNAPSHOTS:
        provider = SimulatedProvider(source, tmp_path / "store")
        for kind, block in provider.schema.resources.items():
            unknown = {name: UNKNOWN if each.computed else None for name, each in block.attributes.items()}
            given = {**unknown, **minimal(block, kind)}
            made = Invention(kind, block, provider.formats, given, provider.constants, 0).filled()
            for name, attribute in block.attributes.items():
                if attribute.sensitive and attribute.computed and isinstance(made[name], str):
                    assert made[name].startswith("simulated-"), f"{kind}.{name}"


def test_a_policy_document_is_written_as_the_provider_writes_it() -> None:
    statement = {
        "sid": "Read",
        "actions": ["s3:GetObject", "s3:ListBucket"],
        "resources": ["arn:aws:s3:::b/&{aws:username}"],
        "principals": [{"type": "*", "identifiers": ["*"]}],
        "condition": [{"test": "StringLike", "variable": "aws:x", "values": ["<a>"]}],
    }
    made = policy_document({"statement": [statement]})
    assert made["json"] == (
        '{\n  "Version": "2012-10-17",\n  "Statement": [\n    {\n      "Sid": "Read",\n      "Effect": "Allow",\n'
        '      "Action": [\n        "s3:ListBucket",\n        "s3:GetObject"\n      ],\n'
        '      "Resource": "arn:aws:s3:::b/${aws:username}",\n      "Principal": "*",\n      "Condition": {\n'
        '        "StringLike": {\n          "aws:x": "\\u003ca\\u003e"\n        }\n      }\n    }\n  ]\n}'
    )
    assert json.loads(made["minified_json"]) == json.loads(made["json"])


def test_policy_documents_are_merged_by_sid() -> None:
    base = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Deny"}, {"Effect": "Allow"}]})
    made = policy_document({"source_policy_documents": [base], "statement": [{"sid": "A", "actions": ["a:B"]}]})
    assert json.loads(made["json"])["Statement"] == [
        {"Sid": "A", "Effect": "Allow", "Action": "a:B"},
        {"Effect": "Allow"},
    ]
    with pytest.raises(ValueError, match="duplicate Sid"):
        policy_document({"source_policy_documents": [base, base]})
