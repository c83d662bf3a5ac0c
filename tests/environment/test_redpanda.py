"""Redpanda's settings: what is refused, in the words a user reads, and what follows from the settings."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from modules.environment import load_environment
from modules.environment.redpanda import IMAGE, Redpanda, domain_of, machine, size_of, storage_of
from modules.environment.types import DataSizeValue
from modules.errors import ConfigError
from tests.environment.conftest import Write

GIB = 2**30
START = ("extends: base", "platform: redpanda")
PRODUCTION = (*START, "production: true")

Refusal = Callable[..., ConfigError]


def only(error: ConfigError) -> str:
    text = str(error)
    assert text.count("redpanda.") >= 1, text
    return text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "{image: docker.io/redpandadata/redpanda:latest}",
            f"redpanda.image: `latest` moves by itself; pin a version (`{IMAGE}`) or a digest (`@sha256:…`)",
        ),
        (
            "{image: redpandadata/redpanda}",
            "redpanda.image: no version is given, which means `latest`, and that moves by itself; "
            f"pin a version (`{IMAGE}`) or a digest (`@sha256:…`)",
        ),
        (
            "{image: 'localhost:5000/redpanda'}",
            "redpanda.image: no version is given, which means `latest`, and that moves by itself; "
            f"pin a version (`{IMAGE}`) or a digest (`@sha256:…`)",
        ),
        ("{image: 'redpandadata/redpanda@sha256:12'}", "redpanda.image: the digest is none; it is `@sha256:` and 64"),
        ("{brokers: 2}", "redpanda.brokers: two brokers cannot lose one either, for both must agree; write 1 or 3"),
        (
            "{compute: fargate, vcpu: 3}",
            "redpanda.vcpu: Fargate has no task of 3 vCPU; it has 1, 2, 4, 8 and 16",
        ),
        (
            "{compute: fargate, vcpu: 2, memory: 17GiB}",
            "redpanda.memory: with 2 vCPU Fargate has 4GiB to 16GiB in whole GiB, not 17GiB",
        ),
        (
            "{compute: fargate, vcpu: 8, memory: 18GiB}",
            "redpanda.memory: with 8 vCPU Fargate has 16GiB to 60GiB in steps of 4GiB, not 18GiB",
        ),
        (
            "{compute: fargate, vcpu: 2, memory: 4GiB}",
            "redpanda.memory: Redpanda needs 2GB a core for itself; of 4GiB 3.5GiB are left for 2 cores",
        ),
        (
            "{vcpu: 4, memory: 8GiB}",
            "redpanda.memory: Redpanda needs 2GB a core for itself; of 8GiB 6.5GiB are left for 4 cores",
        ),
        ("{vcpu: 2.5}", "redpanda.vcpu: a broker is pinned to whole cores, got 2.5"),
        (
            "{instance_type: x9z.large}",
            "redpanda.instance_type: 'x9z.large' is no machine brokers are known to run on here; families are",
        ),
        (
            "{instance_type: m7g.tiny}",
            "redpanda.instance_type: 'm7g.tiny' is no machine brokers are known to run on here",
        ),
        (
            "{instance_type: t3.large}",
            "redpanda.instance_type: t3.large is burstable: a broker that has used up its credits stalls; use m7g",
        ),
        (
            "{instance_type: m7g.large, vcpu: 4}",
            "redpanda.vcpu: m7g.large has 2 vCPU, not 4; lower this, or take a larger machine",
        ),
        (
            "{instance_type: m7g.large, memory: 16GiB}",
            "redpanda.memory: m7g.large has 8GiB, not 16GiB; lower this, or take a larger machine",
        ),
        (
            "{compute: fargate, instance_type: m7g.large}",
            "redpanda.instance_type: Fargate has no machines to choose; take the line out, or write `compute: ec2`",
        ),
        (
            "{log_retention: 10d}",
            "redpanda.log_retention: CloudWatch keeps logs for fixed numbers of days; the nearest to this is 7d",
        ),
        (
            "{certificate: 'env:CERTIFICATE'}",
            "redpanda.certificate: ECS reads it by its ARN; write `aws-sm:arn:aws:secretsmanager:…`",
        ),
        (
            "{storage_per_broker: 20TiB}",
            "redpanda.storage_per_broker: an EBS volume has at most 16,384GiB, not 20,480GiB; add brokers, or keep "
            "events for a shorter time",
        ),
        ("{operators: [everyone]}", "redpanda.operators: 'everyone' is no CIDR block and no security group (`sg-…`)"),
        (
            "{operators: [0.0.0.0/0]}",
            "redpanda.operators: 0.0.0.0/0 is next to everyone; name the operators' own blocks",
        ),
    ],
)
def test_what_redpanda_or_ecs_would_refuse_is_refused_first(refusal: Refusal, line: str, message: str) -> None:
    assert f"environments/dev.yaml:3: {message}" in only(refusal(*START, f"redpanda: {line}"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ("redpanda: {brokers: 1}", "network: {zones: 3}"),
            "redpanda.brokers: production needs three brokers or more, got 1: fewer cannot lose one",
        ),
        (
            ("network: {zones: 2}",),
            "redpanda.brokers: network.zones is 2, so that the loss of one zone can stop the cluster; production needs",
        ),
        (
            ("redpanda: {brokers: 3}", "network: {zones: 4}"),
            "redpanda.brokers: 3 brokers for 4 zones leave a zone without one; lower network.zones",
        ),
        (
            ("redpanda: {compute: fargate}",),
            "redpanda.compute: on Fargate a broker's volume dies with its task; for production write `compute: ec2`, "
            "or beside this line `acknowledge_volumes_die_with_tasks: true`",
        ),
        (
            ("redpanda: {vcpu: 1, memory: 8GiB}",),
            "redpanda.vcpu: Redpanda needs two cores or more in production, got 1",
        ),
    ],
)
def test_production_is_held_to_more(refusal: Refusal, lines: tuple[str, ...], message: str) -> None:
    assert message in only(refusal(*PRODUCTION, *lines))


def test_more_partitions_than_the_memory_carries_are_refused(refusal: Refusal) -> None:
    error = refusal(*START, "redpanda: {brokers: 3}", "topics:", "  order-events: {partitions: 4000}")
    assert (
        "redpanda.memory: 4,001 partition replicas a broker need 8,002MB (2MB each), which is more than the 6,979MB it "
        "has; give it more memory, or add brokers" in only(error)
    )


def test_all_problems_are_told_at_once(refusal: Refusal) -> None:
    text = only(
        refusal(*PRODUCTION, "redpanda: {compute: fargate, brokers: 1, vcpu: 3, image: 'x:latest', log_retention: 8d}")
    )
    for key in ("compute", "brokers", "vcpu", "image", "log_retention"):
        assert f"redpanda.{key}: " in text, key


@pytest.mark.parametrize(
    "lines",
    [
        ("redpanda: {brokers: 3}",),
        ("redpanda: {brokers: 1}", "network: {zones: 1}"),
        ("production: true",),
        ("production: true", "redpanda: {compute: fargate, acknowledge_volumes_die_with_tasks: true}"),
        ("redpanda: {image: 'redpandadata/redpanda@sha256:" + "0a" * 32 + "'}",),
        ("redpanda: {image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/redpanda:v26.2.2'}",),
        ("redpanda: {operators: [10.0.0.0/16, sg-0a1b]}",),
        ("redpanda: {certificate: 'aws-sm:arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf'}",),
        ("redpanda: {brokers: 5}",),
    ],
)
def test_what_is_right_passes(write: Write, lines: tuple[str, ...]) -> None:
    project = write(dev="\n".join((*START, *lines)) + "\n")
    assert load_environment(project, "dev").platform == "redpanda"


def test_ec2_is_what_brokers_run_on_unless_someone_says_otherwise() -> None:
    assert Redpanda().compute == "ec2"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (2, "m7g.large", 7 * GIB)),
        ({"vcpu": Decimal(4), "memory": DataSizeValue(16 * GIB)}, (4, "m7g.xlarge", 15 * GIB)),
        ({"memory": DataSizeValue(12 * GIB)}, (2, "m7g.xlarge", 11 * GIB)),
        ({"instance_type": "r7g.2xlarge"}, (8, "r7g.2xlarge", 64 * GIB - 1967 * 2**20)),
        ({"instance_type": "r7g.2xlarge", "memory": DataSizeValue(32 * GIB)}, (8, "r7g.2xlarge", 31 * GIB)),
        ({"compute": "fargate"}, (2, None, 8 * GIB)),
    ],
)
def test_a_brokers_size(settings: dict[str, object], expected: tuple[int, str | None, int]) -> None:
    size = size_of(Redpanda(**settings))  # type: ignore[arg-type]
    assert (size.vcpu, size.instance_type, size.task) == expected
    assert size.memory < size.task


@pytest.mark.parametrize(("name", "architecture"), [("m7g.large", "ARM64"), ("m7i.large", "X86_64")])
def test_the_machine_says_what_the_image_is_built_for(name: str, architecture: str) -> None:
    assert size_of(Redpanda(instance_type=name)).architecture == architecture


def test_machines_that_are_known() -> None:
    assert machine("m7g.large") == (2, 8 * GIB)
    assert machine("c6i.4xlarge") == (16, 32 * GIB)
    assert machine("r6g.xlarge") == (4, 32 * GIB)
    assert machine("m7g.metal") is None


def test_a_broker_has_room_for_what_the_workload_keeps(write: Write) -> None:
    project = write(
        dev="extends: base\nplatform: redpanda\nworkload: {ingress: 1GB/day, retention: 30d}\n",
        small="extends: base\nplatform: redpanda\nworkload: {ingress: 1MB/day, retention: 1d}\n",
        given="extends: base\nplatform: redpanda\nredpanda: {storage_per_broker: 100GB}\n",
    )
    # 30 GB in three copies on three brokers, 30 % on top, in GiB: 30e9 × 1.3 / 2^30, as the cost report has it.
    assert storage_of(load_environment(project, "dev")) == 37
    assert storage_of(load_environment(project, "small")) == 20
    assert storage_of(load_environment(project, "given")) == 94


def test_the_brokers_domain(write: Write) -> None:
    project = write(
        dev="extends: base\nplatform: redpanda\n",
        own="extends: base\nplatform: redpanda\nredpanda: {domain: kafka.example.net}\n",
    )
    assert domain_of(load_environment(project, "dev")) == "dev.streaming.internal"
    assert domain_of(load_environment(project, "own")) == "kafka.example.net"
