"""Redpanda run by oneself on AWS, Community edition: brokers on Fargate or EC2, gp3 disks, a balancer, logs, copies.

Brokers are in private subnets and are reached by their own names; the balancer stands before the Schema Registry
alone. The way out of the VPC is in `network.py`.
"""

from __future__ import annotations

from decimal import Decimal

from modules.cost.estimators import account
from modules.cost.estimators.base import REPLICATION, Inputs, copies_on_disk, disk_words
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Quantity, Unit, hours, of_bytes, plain

__all__ = ["estimate_ec2", "estimate_fargate", "logs_gib"]

_LEAST_GIB = 20
_ROOT_GIB = 30
_DETAILED_METRICS = 7
"""What EC2's detailed monitoring adds for an instance."""


def estimate_fargate(
    inputs: Inputs,
    brokers: int,
    vcpu: Decimal,
    memory_gib: Decimal,
    *,
    given_bytes: int | None = None,
    log_days: int = 30,
) -> Estimate:
    """One Fargate task a broker, its volume made and gone with it."""
    compute = (
        line(
            "redpanda.vcpu", "kafka", "fixed", hours(brokers * vcpu, Unit.VCPU_HOUR), inputs.price("aws.fargate.vcpu"),
            f"{_brokers(brokers)} × {vcpu} vCPU × 730 h", what=f"{brokers} Fargate brokers, {vcpu} vCPU", count=brokers,
        ),
        line(
            "redpanda.memory", "kafka", "fixed", hours(brokers * memory_gib, Unit.GIB_HOUR),
            inputs.price("aws.fargate.memory"), f"{_brokers(brokers)} × {plain(memory_gib)} GiB × 730 h",
            what=f"{brokers} Fargate brokers, {plain(memory_gib)} GiB",
        ),
    )  # fmt: skip
    return Estimate((*compute, *_disks(inputs, brokers, given_bytes, None))) + _around(inputs, brokers, log_days)


def estimate_ec2(
    inputs: Inputs,
    brokers: int,
    instance_type: str,
    *,
    production: bool = False,
    given_bytes: int | None = None,
    log_days: int = 30,
) -> Estimate:
    """One EC2 instance a broker, and a volume that outlives it."""
    item = f"aws.ec2.{instance_type}"
    compute = [
        line(
            "redpanda.instances", "kafka", "fixed", hours(brokers, Unit.INSTANCE_HOUR),
            inputs.price(item if item in inputs.book else "aws.ec2.other"), f"{_instances(brokers)} × 730 h",
            what=f"{brokers} EC2 {instance_type}", count=brokers,
        ),
        line(
            "redpanda.root_disks", "kafka", "fixed", Quantity(Decimal(brokers * _ROOT_GIB), Unit.GIB_MONTH),
            inputs.price("aws.ebs.gp3"), f"{_instances(brokers)} × {_ROOT_GIB} GiB",
            what=f"{brokers} root volumes",
        ),
    ]  # fmt: skip
    if production:
        metrics = Quantity(Decimal(brokers * _DETAILED_METRICS), Unit.METRIC_MONTH)
        compute.append(
            line(
                "redpanda.monitoring", "kafka", "fixed", metrics,
                inputs.price("aws.metric"), f"{_instances(brokers)} × {_DETAILED_METRICS} metrics",
                what="detailed monitoring",
            )
        )  # fmt: skip
    return Estimate((*compute, *_disks(inputs, brokers, given_bytes, brokers))) + _around(inputs, brokers, log_days)


def logs_gib(inputs: Inputs, brokers: int) -> Decimal:
    """What the brokers write to CloudWatch in a month."""
    return inputs.assumptions.logs_gib_per_broker * brokers


def _disks(inputs: Inputs, brokers: int, given_bytes: int | None, count: int | None) -> tuple[Line, ...]:
    copies = min(REPLICATION, brokers)
    disk, how = copies_on_disk(inputs, brokers, given_bytes, least=_LEAST_GIB)
    crossing = of_bytes(inputs.usage.bytes_in * (copies - 1) * 2, Unit.GIB)
    disks = line(
        "redpanda.disks", "kafka", "usage" if given_bytes is None else "fixed", disk, inputs.price("aws.ebs.gp3"), how,
        what=f"{brokers} EBS gp3 volume" + ("s" if brokers != 1 else ""),
        note="billed as provisioned; 3,000 IOPS and 125 MB/s come with each", count=count,
    )  # fmt: skip
    if copies == 1:
        return (disks,)
    copied = line(
        "redpanda.copies", "kafka", "usage", crossing, inputs.price("aws.zone.transfer"),
        f"{inputs.usage.data_in} sent × {copies - 1} copies to other zones × 2 directions", what="copies between zones",
    )  # fmt: skip
    return (disks, copied)


def _around(inputs: Inputs, brokers: int, log_days: int) -> Estimate:
    licence = line(
        "redpanda.licence", "kafka", "fixed", Quantity(Decimal(1), Unit.CLUSTER_MONTH),
        inputs.price("redpanda.community"), "1 cluster", what="licence", note="free: Community edition",
    )  # fmt: skip
    names = line(
        "redpanda.names", "kafka", "fixed", Quantity(Decimal(brokers), Unit.RESOURCE_MONTH),
        inputs.price("aws.cloudmap"), f"{_brokers(brokers)}, each under its name", what="Cloud Map, names",
        count=brokers,
    )  # fmt: skip
    logs = account.logs(inputs, "redpanda", {_brokers(brokers): logs_gib(inputs, brokers)}, log_days, groups=1)
    return (
        Estimate((licence,))
        + account.balancer(inputs, "redpanda", "nlb")
        + Estimate((names,))
        + logs
        + Estimate((), (*_NOTES, disk_words(inputs)))
    )


def _brokers(count: int) -> str:
    return f"{count} brokers" if count != 1 else "1 broker"


def _instances(count: int) -> str:
    return f"{count} instances" if count != 1 else "1 instance"


_NOTES = ("Redpanda: the time of the people who run it is not counted.",)
