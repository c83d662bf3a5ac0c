"""What Confluent Cloud would refuse, told with the line before anything is asked of it; and what it gets by default."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modules.environment import Environment, load_environment
from modules.environment.confluent import (
    availability_of,
    cku_of,
    deletion_protection_of,
    max_ecku_of,
    networking_of,
    secrets_of,
)
from modules.errors import ConfigError
from tests.environment.conftest import Write

Refusal = Callable[..., ConfigError]

HEAD = ("extends: base", "platform: confluent")
VPC = "network: {vpc_id: vpc-0a, subnet_ids: [subnet-0a, subnet-0b, subnet-0c], clients: [10.0.0.0/16]}"
PRIVATE = 'tier: dedicated, aws_account: "123456789012"'
PEERED = f"{PRIVATE}, networking: peering"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["confluent: {tier: premium}"],
            "3: confluent.tier: expected one of basic, standard, enterprise, freight, dedicated, got 'premium'",
        ),
        (
            ["confluent: {tier: dedicate}"],
            "3: confluent.tier: expected one of basic, standard, enterprise, freight, dedicated, got 'dedicate'; "
            "did you mean `dedicated`?",
        ),
        (
            ["confluent: {region: us-east-11}"],
            "3: confluent.region: Confluent Cloud is not in the AWS region `us-east-11`; did you mean `us-east-1`?",
        ),
        (
            ["confluent: {tier: standard, cku: 2}"],
            "3: confluent.cku: standard takes no `cku`: its size is `max_ecku`",
        ),
        (
            ["confluent: {tier: dedicated, max_ecku: 2}"],
            "3: confluent.max_ecku: dedicated takes no `max_ecku`: its size is `cku`",
        ),
        (
            ["confluent: {tier: dedicated, availability: multi-zone, cku: 1}"],
            "3: confluent.cku: multi-zone needs at least 2 CKU, got 1",
        ),
        (
            ["production: true", "confluent: {tier: dedicated, cku: 1}"],
            "4: confluent.cku: multi-zone needs at least 2 CKU, got 1",
        ),
        (
            ["confluent: {tier: dedicated, cku: 153}"],
            "3: confluent.cku: dedicated has at most 152 CKU, got 153",
        ),
        (
            ["confluent: {tier: standard, availability: high, max_ecku: 1}"],
            "3: confluent.max_ecku: high needs at least 2 eCKU, got 1",
        ),
        (
            ["confluent: {tier: standard, max_ecku: 11}"],
            "3: confluent.max_ecku: standard has at most 10 eCKU, got 11",
        ),
        (
            ["confluent: {tier: basic, max_ecku: 51}"],
            "3: confluent.max_ecku: basic has at most 50 eCKU, got 51",
        ),
        (
            ["confluent: {tier: freight, max_ecku: 1}", VPC],
            "3: confluent.max_ecku: freight has at least 2 eCKU, got 1",
        ),
        (
            ["confluent: {availability: high}"],
            "3: confluent.availability: basic takes low, not high",
        ),
        (
            ["confluent: {tier: freight, availability: low}", VPC],
            "3: confluent.availability: freight takes high, not low",
        ),
        (
            ["confluent: {tier: dedicated, availability: high}"],
            "3: confluent.availability: dedicated takes single-zone or multi-zone, not high",
        ),
        (
            ["confluent: {authorization: role-bindings}"],
            "3: confluent.authorization: basic has no roles for topics and groups; write acls, or take a larger tier",
        ),
        (
            ["confluent: {networking: privatelink}"],
            "3: confluent.networking: basic is public only; privatelink needs dedicated",
        ),
        (
            ["confluent: {tier: enterprise, networking: public}"],
            "3: confluent.networking: enterprise is privatelink only; public needs dedicated",
        ),
        (
            ["confluent: {cidr: 10.200.0.0/16}"],
            "3: confluent.cidr: a cluster that is public takes none; take the line out",
        ),
        (
            [f"confluent: {{{PRIVATE}, networking: privatelink}}", VPC],
            "3: confluent.zone_ids: dedicated is reached by privatelink here: write the ids of the subnets' three "
            "zones, such as [use1-az1, use1-az2, use1-az4]",
        ),
        (
            [f"confluent: {{{PEERED}, cidr: 10.200.0.0/16}}", VPC],
            "3: confluent.routes: peering needs your own CIDR blocks, such as [10.60.0.0/16]",
        ),
        (
            [f"confluent: {{{PEERED}, routes: [10.60.0.0/16]}}", VPC],
            "3: confluent.cidr: peering needs a /16 for Confluent's side, such as 10.200.0.0/16",
        ),
        (
            [f"confluent: {{{PEERED}, routes: [10.60.0.0/16], cidr: 10.200.0.0/24}}", VPC],
            "3: confluent.cidr: expected a CIDR block with /16, got '10.200.0.0/24'",
        ),
        (
            [f"confluent: {{{PEERED}, routes: [10.200.128.0/17], cidr: 10.200.0.0/16}}", VPC],
            "3: confluent.routes: 10.200.128.0/17 and Confluent's 10.200.0.0/16 overlap, so neither could route to "
            "the other",
        ),
        (
            [f"confluent: {{{PEERED}, routes: [mine], cidr: 10.200.0.0/16}}", VPC],
            "3: confluent.routes: expected a CIDR block such as 10.60.0.0/16, got 'mine'",
        ),
        (
            ["topics: {t: {config: {compression.type: zstd}}}"],
            "3: topics.t.config.compression.type: Confluent Cloud does not let a topic set `compression.type`; take "
            "the line out",
        ),
        (
            ["topics: {t: {config: {max.message.bytes: 8388609}}}"],
            "3: topics.t.config.max.message.bytes: basic takes messages of at most 8,388,608 bytes, got 8,388,609",
        ),
        (
            ["topics: {t: {config: {min.insync.replicas: 3}}}"],
            "3: topics.t.config.min.insync.replicas: Confluent Cloud takes 1 or 2 of its 3 replicas, got 3",
        ),
        (
            ["confluent: {tier: freight}", VPC, "topics: {t: {config: {cleanup.policy: compact}}}"],
            "5: topics.t.config.cleanup.policy: freight keeps no compacted topics, so only `delete`, not `compact`",
        ),
        (
            ["topics: {t: {partitions: 1494}}"],
            "3: topics: 1,501 partitions, dead-letter topics included; basic takes 1,500 a cluster: standard, "
            "enterprise, freight or dedicated would hold them, or take fewer",
        ),
        (
            ["confluent: {tier: dedicated, cku: 152}", "topics: {t: {partitions: 100000}}"],
            "4: topics: 100,007 partitions, dead-letter topics included; dedicated takes 100,000 a cluster: spread "
            "them over several clusters, or take fewer",
        ),
        (
            ["confluent: {max_ecku: 2}", "topics: {t: {partitions: 54}}"],
            "3: confluent.max_ecku: 2 eCKU hold 60 partitions, the topics have 61: write at least 3",
        ),
        (
            ["confluent: {tier: dedicated, cku: 1}", "topics: {t: {partitions: 4500}}"],
            "3: confluent.cku: 1 CKU hold 4,500 partitions, the topics have 4,507: write at least 2",
        ),
        (
            ["confluent: {cloud_api_secret: hunter2}"],
            "3: confluent.cloud_api_secret: expected a secret reference: env:NAME, file:PATH, aws-sm:NAME or "
            "aws-ssm:NAME (never the secret itself), got something else",
        ),
        (
            ["topics: {t: {replication: 2}}"],
            "3: topics.t.replication: confluent fixes replication at 3; take the line out",
        ),
    ],
    ids=lambda value: value[-1][:60] if isinstance(value, list) else "",
)  # fmt: skip
def test_what_would_be_refused_is_told_with_its_line(refusal: Refusal, lines: list[str], expected: str) -> None:
    error = refusal(*HEAD, *lines)
    shown = [line.removeprefix("environments/dev.yaml:") for line in error.details]
    if "secret" in expected:
        assert "hunter2" not in str(error)
        assert [line.split(", got")[0] for line in shown] == [expected.split(", got")[0]]
    else:
        assert shown == [expected]


def test_what_a_private_cluster_lacks_is_told_all_at_once(refusal: Refusal) -> None:
    error = refusal(*HEAD, "confluent: {tier: dedicated, networking: privatelink}")
    assert [line.partition(": ")[2] for line in error.details] == [
        "network.vpc_id: dedicated is reached by privatelink here: write the VPC to connect, `vpc_id: vpc-…`",
        "network.clients: dedicated is reached by privatelink here, but nobody may use it: write the clients' CIDR "
        "blocks or security groups",
        "confluent.aws_account: dedicated is reached by privatelink here: write the AWS account of the VPC, 12 digits",
        "confluent.zone_ids: dedicated is reached by privatelink here: write the ids of the subnets' three zones, "
        "such as [use1-az1, use1-az2, use1-az4]",
    ]


def test_enterprise_and_freight_need_a_vpc_for_they_have_no_public_endpoint(refusal: Refusal) -> None:
    for tier in ("enterprise", "freight"):
        error = refusal(*HEAD, f"confluent: {{tier: {tier}}}")
        assert f"{tier} is reached by privatelink here: write the VPC to connect" in str(error)


def test_other_platforms_are_not_judged_by_what_confluent_takes(write: Write) -> None:
    dev = load_environment(write(dev="extends: base\nplatform: local\nconfluent: {region: nowhere}\n"), "dev")
    assert dev.confluent.region == "nowhere"


def of(write: Write, *lines: str) -> Environment:
    return load_environment(write(dev="\n".join([*HEAD, *lines]) + "\n"), "dev")


def test_a_development_environment_is_small_and_in_one_zone(write: Write) -> None:
    dev = of(write)
    assert (availability_of(dev), max_ecku_of(dev), networking_of(dev)) == ("low", 1, "public")
    assert (deletion_protection_of(dev), secrets_of(dev)) == (False, "file")
    dedicated = of(write, "confluent: {tier: dedicated}")
    assert (availability_of(dedicated), cku_of(dedicated), max_ecku_of(dedicated)) == ("single-zone", 1, None)


def test_production_is_safe_without_a_further_line(write: Write) -> None:
    prod = of(write, "production: true", "confluent: {tier: standard}")
    assert (availability_of(prod), max_ecku_of(prod)) == ("high", None)
    assert (deletion_protection_of(prod), secrets_of(prod)) == (True, "aws-sm")
    dedicated = of(write, "production: true", "confluent: {tier: dedicated}")
    assert (availability_of(dedicated), cku_of(dedicated)) == ("multi-zone", 2)


@pytest.mark.parametrize(
    ("lines", "units"),
    [
        (["workload: {ingress: 4MB/s}"], 3),  # its peak, three times the mean, at 5 MB/s a unit
        (["workload: {ingress: 4MB/s, peak_to_mean: 1}"], 2),  # twice the mean at least
        (["workload: {ingress: 4MB/s, fan_out: 6}"], 5),  # 72 MB/s out at 15
        (["topics: {t: {partitions: 54}}"], 3),  # 61 partitions at 30
        (["workload: {ingress: 4GB/s}"], 50),  # no more than the tier has
    ],
)
def test_outside_production_a_cluster_may_grow_to_what_the_environment_needs(
    write: Write, lines: list[str], units: int
) -> None:
    assert max_ecku_of(of(write, *lines)) == units
