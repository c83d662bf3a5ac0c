"""For each guard a plan that it refuses and one, as near as can be, that it lets pass.

The plans are written as `terraform show -json` writes them; `test_golden.py` says what a person then sees.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.guards.support import Entry, entry

MSK = (
    "platform: msk",
    "msk: {mode: provisioned, broker_type: kafka.m7g.large, brokers: 3, region: us-east-1}",
    "network: {clients: [10.20.0.0/16]}",
)
CONFLUENT = ("platform: confluent", "confluent: {tier: standard, region: us-east-1}")
PRODUCTION = (
    *MSK[:2],
    "production: true",
    "network: {clients: [10.20.0.0/16], domain: streaming.example.com, zone_id: Z0EXAMPLE00000000000}",
)


@dataclass(frozen=True)
class Case:
    """A guard's two plans in one environment.

    Attributes:
        also: lines of the YAML that only the passing environment has; `instead` are those that only the refused has.
        options: of `check_guards`, for both; `to_pass` for the passing one alone.
        prepare: makes further files of the project.
    """

    lines: tuple[str, ...]
    refused: tuple[tuple[str, Entry], ...]
    passes: tuple[tuple[str, Entry], ...]
    also: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    to_pass: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Path], None] | None = None


def topic(name: str = "order-events", **settings: Any) -> dict[str, Any]:
    config = {"cleanup.policy": "delete", "retention.ms": "2592000000", **settings.pop("config", {})}
    return {"name": name, "partitions": 6, "replication_factor": 3, "config": config, **settings}


def updated(
    type_: str, before: Mapping[str, Any], after: Mapping[str, Any], stack: str = "topics"
) -> tuple[str, Entry]:
    return entry(stack, f'{type_}.topic["order-events"]', "update", dict(before), dict(after))


def made(address: str, stack: str = "cluster", **after: Any) -> tuple[str, Entry]:
    return entry(stack, address, "create", None, after)


def policy(*actions: str, resource: str, **more: Any) -> str:
    statement = {"Sid": "Topics", "Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TOPIC = 'kafka_topic.topic["order-events"]'


def _locked(version: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        folder = root / ".infra" / "env" / "prod" / "topics"
        folder.mkdir(parents=True)
        block = f'provider "registry.terraform.io/mongey/kafka" {{\n  version = "{version}"\n}}\n'
        (folder / ".terraform.lock.hcl").write_text(block)

    return write


CASES: dict[str, Case] = {
    "protected-environment": Case(
        (*MSK, "protected: true"),
        (made("aws_sns_topic.alarms", name="alarms"),),
        (made("aws_sns_topic.alarms", name="alarms"),),
        options={"applying": True},
        to_pass={"reviewed": True},
    ),
    "data-loss": Case(
        MSK,
        (entry("topics", TOPIC, "delete", topic()),),
        (entry("topics", TOPIC, "delete", topic()),),
        to_pass={"allow_destroy": (TOPIC,)},
    ),
    "retention-reduced": Case(
        MSK,
        (updated("kafka_topic", topic(), topic(config={"retention.ms": "259200000"})),),
        (updated("kafka_topic", topic(), topic(config={"retention.ms": "-1"})),),
    ),
    "partitions-reduced": Case(
        MSK,
        (updated("kafka_topic", topic(), topic(partitions=3)),),
        (updated("kafka_topic", topic("metrics"), topic("metrics", partitions=12)),),
    ),
    "keys-moved": Case(
        (*MSK, "topics: {metrics: {partitions: 6}}", "guards: {keys-moved: {severity: refuse}}"),
        (updated("kafka_topic", topic(), topic(partitions=12)),),
        (updated("kafka_topic", topic("metrics"), topic("metrics", partitions=12)),),
    ),
    "compatibility-lowered": Case(
        MSK,
        (
            updated(
                "schemaregistry_schema",
                {"subject": "order-events-value", "compatibility_level": "FULL_TRANSITIVE"},
                {"subject": "order-events-value", "compatibility_level": "BACKWARD"},
            ),
        ),
        (
            updated(
                "schemaregistry_schema",
                {"subject": "order-events-value", "compatibility_level": "BACKWARD"},
                {"subject": "order-events-value", "compatibility_level": "FULL"},
            ),
        ),
    ),
    "public-endpoint": Case(
        MSK,
        (
            made("aws_vpc_security_group_ingress_rule.kafka", cidr_ipv4="0.0.0.0/0", from_port=9096, to_port=9096),
            made("aws_lb.registry", internal=False),
        ),
        (
            made("aws_vpc_security_group_ingress_rule.kafka", cidr_ipv4="10.20.0.0/16", from_port=9096, to_port=9096),
            made("aws_vpc_security_group_egress_rule.kafka", cidr_ipv4="0.0.0.0/0", from_port=443, to_port=443),
            made("aws_lb.registry", internal=True),
        ),
    ),
    "wildcard-rights": Case(
        MSK,
        (
            made(
                'kafka_acl.allow["reader"]', "topics", acl_principal="User:reader", acl_operation="Read",
                acl_permission_type="Allow", resource_type="Topic", resource_name="*", acl_host="*",
            ),
            made("aws_iam_role_policy.connect", "connect", policy=policy("kafka-cluster:*", resource="arn:aws:kafka")),
        ),
        (
            made(
                'kafka_acl.allow["reader"]', "topics", acl_principal="User:reader", acl_operation="Read",
                acl_permission_type="Allow", resource_type="Topic", resource_name="order-events", acl_host="*",
            ),
            made(
                "aws_iam_role_policy.connect", "connect",
                policy=policy("kafka-cluster:ReadData", resource="arn:aws:kafka:us-east-1:1:topic/c/*"),
            ),
        ),
    ),
    "unencrypted": Case(
        PRODUCTION,
        (made("aws_db_instance.registry", storage_encrypted=False),),
        (made("aws_db_instance.registry", storage_encrypted=True),),
    ),
    "replication": Case(
        PRODUCTION,
        (made(TOPIC, "topics", **topic(replication_factor=1)),),
        (made(TOPIC, "topics", **topic(config={"min.insync.replicas": "2"})),),
    ),
    "budget": Case(
        CONFLUENT,
        (made("confluent_environment.main", display_name="streaming"),),
        (made("confluent_environment.main", display_name="streaming"),),
        instead=("budget: {monthly: 50 USD}",),
        also=("budget: {monthly: 5000 USD}",),
    ),
    "cost-jump": Case(
        (*CONFLUENT, "guards: {cost-jump: {severity: refuse, percent: 10}}"),
        (made("confluent_environment.main", display_name="streaming"),),
        (made("confluent_environment.main", display_name="streaming"),),
    ),
    "missing-tags": Case(
        (*PRODUCTION, "guards: {missing-tags: {tags: [cost-center]}}"),
        (made("aws_sns_topic.alarms", tags_all={"project": "streaming"}),),
        (made("aws_sns_topic.alarms", tags_all={"project": "streaming", "cost-center": "4711"}),),
    ),
    "provider-versions": Case(
        MSK,
        (made(TOPIC, "topics", **topic()),),
        (made(TOPIC, "topics", **topic()),),
        also=("guards: {provider-versions: {allow: {mongey/kafka: [0.99.0]}}}",),
        prepare=_locked("0.99.0"),
    ),
}  # fmt: skip
