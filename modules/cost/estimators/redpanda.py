"""Redpanda run by oneself on AWS, Community edition: brokers on Fargate or EC2, gp3 disks, a balancer, logs, copies.

Brokers are in private subnets and are reached by their own names; the balancer stands before the Schema Registry
alone. The way out of the VPC is in `network.py`.
"""

from __future__ import annotations

from decimal import Decimal

from modules.cost.estimators import account, connector, flink, network
from modules.cost.estimators.base import REPLICATION, Inputs, copies_on_disk, disk_words
from modules.cost.estimators.prepared import Bill, joined
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Quantity, Unit, hours, of_bytes, plain
from modules.environment.model import Environment
from modules.environment.redpanda import size_of
from modules.topics import client_roles

__all__ = ["estimate_ec2", "estimate_fargate", "logs_gib", "prepare"]

_LEAST_GIB = 20
_ROOT_GIB = 30
_DETAILED_METRICS = 7
"""What EC2's detailed monitoring adds for an instance."""


def prepare(inputs: Inputs, environment: Environment) -> Bill:
    """Everything of an environment on Redpanda, by its month."""
    its, size = environment.redpanda, size_of(environment.redpanda)
    given = its.storage_per_broker.bytes if its.storage_per_broker else None
    days = its.log_retention.milliseconds // 86_400_000
    ec2 = size.instance_type is not None
    if size.instance_type is None:
        compute = _tasks(inputs, its.brokers, Decimal(size.vcpu), Decimal(its.memory.bytes) / 2**30)
    else:
        compute = _machines(inputs, its.brokers, size.instance_type, environment.production)

    def disks(now: Inputs) -> Estimate:
        return Estimate(_disks(now, its.brokers, given, its.brokers if ec2 else None, environment.network.zones))

    logs = logs_gib(inputs, its.brokers) + connector.logs_gib(inputs, environment)
    return joined(
        inputs,
        Estimate(compute),
        disks,
        _around(inputs, its.brokers, days),
        *connector.parts(inputs, environment, "redpanda"),
        _account(inputs, environment),
        *network.parts(inputs, environment, logs),
        network.between_zones(environment),
        flink.missing(),
    )


def _account(inputs: Inputs, environment: Environment) -> Estimate:
    """Secrets, their key and the names' zones."""
    secrets = account.secrets(
        inputs, environment, {
            "administrator's login": 1,
            "Kafka logins": len(client_roles(environment)) + 1,  # and the Schema Registry's own
            "certificates": 0 if environment.redpanda.certificate else 3,
        },
    )  # fmt: skip
    names = ("brokers' names", *(() if environment.network.domain else ("registry's name",)))
    return secrets + account.key(inputs, "volumes and secrets") + account.zones(inputs, names)


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
    lines = _tasks(inputs, brokers, vcpu, memory_gib) + _disks(inputs, brokers, given_bytes, None)
    return Estimate(lines) + _around(inputs, brokers, log_days)


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
    lines = _machines(inputs, brokers, instance_type, production) + _disks(inputs, brokers, given_bytes, brokers)
    return Estimate(lines) + _around(inputs, brokers, log_days)


def _tasks(inputs: Inputs, brokers: int, vcpu: Decimal, memory_gib: Decimal) -> tuple[Line, ...]:
    return (
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


def _machines(inputs: Inputs, brokers: int, instance_type: str, production: bool) -> tuple[Line, ...]:
    item = f"aws.ec2.{instance_type}"
    made = (
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
    )  # fmt: skip
    if not production:
        return made
    metrics = line(
        "redpanda.monitoring", "kafka", "fixed", Quantity(Decimal(brokers * _DETAILED_METRICS), Unit.METRIC_MONTH),
        inputs.price("aws.metric"), f"{_instances(brokers)} × {_DETAILED_METRICS} metrics",
        what="detailed monitoring",
    )  # fmt: skip
    return (*made, metrics)


def logs_gib(inputs: Inputs, brokers: int) -> Decimal:
    """What the brokers write to CloudWatch in a month."""
    return inputs.assumptions.logs_gib_per_broker * brokers


def _disks(
    inputs: Inputs, brokers: int, given_bytes: int | None, count: int | None, zones: int = 3
) -> tuple[Line, ...]:
    copies = min(REPLICATION, brokers)
    disk, how = copies_on_disk(inputs, brokers, given_bytes, least=_LEAST_GIB)
    elsewhere = _elsewhere(copies, zones)
    crossing = of_bytes(inputs.usage.bytes_in * elsewhere * 2, Unit.GIB)
    disks = line(
        "redpanda.disks", "kafka", "usage" if given_bytes is None else "fixed", disk, inputs.price("aws.ebs.gp3"), how,
        what=f"{brokers} EBS gp3 volume" + ("s" if brokers != 1 else ""),
        note="billed as provisioned; 3,000 IOPS and 125 MB/s come with each", count=count,
    )  # fmt: skip
    if not elsewhere:
        return (disks,)
    copied = line(
        "redpanda.copies", "kafka", "usage", crossing, inputs.price("aws.zone.transfer"),
        lambda: f"{inputs.usage.data_in} sent × {plain(elsewhere)} copies to other zones × 2 directions",
        what="copies between zones",
    )  # fmt: skip
    return (disks, copied)


def _elsewhere(copies: int, zones: int) -> Decimal:
    """Copies in another zone than the leader's, on average: rack awareness spreads them as evenly as it can."""
    in_zone = [copies // zones + (zone < copies % zones) for zone in range(zones)]
    return copies - Decimal(sum(each * each for each in in_zone)) / copies


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
