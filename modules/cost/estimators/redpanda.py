"""Redpanda run by oneself on AWS, Community edition: brokers on Fargate or EC2, gp3 disks, a balancer, logs, copies.

One internal Network Load Balancer; each broker has a public IPv4 address to reach AWS and its image, which is cheaper
than a NAT gateway a zone (three: $98.55 a month) and is stated with the report.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from modules.cost.book import Price
from modules.cost.estimators.base import REPLICATION, Inputs, copies_on_disk, disk_words
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Quantity, Unit, hours, of_bytes

__all__ = ["estimate_ec2", "estimate_fargate"]

# EC2 types of the price book that a broker of this many vCPU and GiB fits on, smallest first.
_EC2 = ((2, 8, "m7g.large"), (4, 16, "m7g.xlarge"), (8, 32, "m7g.2xlarge"))
_NLCU_BYTES = Decimal(2**30)


def estimate_fargate(inputs: Inputs, brokers: int, vcpu: Decimal, memory_gib: Decimal) -> Estimate:
    """One Fargate task a broker."""
    compute = (
        line(
            "redpanda.vcpu", "kafka", "fixed", hours(brokers * vcpu, Unit.VCPU_HOUR), inputs.price("aws.fargate.vcpu"),
            f"{brokers} brokers × {vcpu} vCPU × 730 h", what=f"{brokers} Fargate brokers, {vcpu} vCPU",
        ),
        line(
            "redpanda.memory", "kafka", "fixed", hours(brokers * memory_gib, Unit.GIB_HOUR),
            inputs.price("aws.fargate.memory"), f"{brokers} brokers × {memory_gib.normalize():f} GiB × 730 h",
            what=f"{brokers} Fargate brokers, {memory_gib.normalize():f} GiB",
        ),
    )  # fmt: skip
    return Estimate((*compute, *_around(inputs, brokers)), (*_NOTES, disk_words(inputs)))


def estimate_ec2(inputs: Inputs, brokers: int, vcpu: Decimal, memory_gib: Decimal) -> Estimate:
    """One EC2 instance a broker: the smallest m7g that has the vCPU and memory."""
    fits = [name for cores, gib, name in _EC2 if cores >= vcpu and gib >= memory_gib]
    name = fits[0] if fits else f"with {vcpu} vCPU, {memory_gib.normalize():f} GiB"
    price = inputs.price(f"aws.ec2.{name}") if fits else _no_such_instance(inputs, name)
    compute = line(
        "redpanda.instances", "kafka", "fixed", hours(brokers, Unit.INSTANCE_HOUR), price,
        f"{brokers} instances × 730 h", what=f"{brokers} EC2 {name}",
    )  # fmt: skip
    return Estimate((compute, *_around(inputs, brokers)), (*_NOTES, disk_words(inputs)))


def _no_such_instance(inputs: Inputs, what: str) -> Price:
    """An unknown price: a size the book has no instance for is not rounded to one it has."""
    like = inputs.price("aws.ec2.m7g.large")
    return replace(
        like, id="aws.ec2.other", what=f"EC2 {what}", confidence="C", tiers=(), low=None, high=None,
        note="the price book has no EC2 type that large",
    )  # fmt: skip


def _around(inputs: Inputs, brokers: int) -> tuple[Line, ...]:
    usage = inputs.usage
    disk, how = copies_on_disk(inputs, brokers)
    copies = REPLICATION - 1
    crossing = of_bytes(usage.bytes_in * copies * 2, Unit.GIB)
    through = of_bytes(usage.bytes_in + usage.bytes_out, Unit.GIB).amount
    # Capacity units are counted by the hour; at the mean rate the bytes decide (one GB an hour a unit).
    capacity = Quantity(through * 2**30 / _NLCU_BYTES, Unit.NLCU_HOUR)
    logs = inputs.assumptions.logs_gib_per_broker * brokers
    return (
        line("redpanda.licence", "kafka", "fixed", Quantity(Decimal(1), Unit.CLUSTER_MONTH),
             inputs.price("redpanda.community"), "1 cluster", what="licence", note="free: Community edition"),
        line("redpanda.disks", "kafka", "usage", disk, inputs.price("aws.ebs.gp3"), how,
             what=f"{brokers} EBS gp3 volumes", note="billed as provisioned; 3,000 IOPS and 125 MB/s come with each"),
        line("redpanda.copies", "kafka", "usage", crossing, inputs.price("aws.zone.transfer"),
             f"{usage.data_in} sent × {copies} copies to other zones × 2 directions", what="copies between zones"),
        line("redpanda.balancer", "kafka", "fixed", hours(1, Unit.BALANCER_HOUR), inputs.price("aws.nlb.hour"),
             "1 balancer × 730 h", what="balancer"),
        line("redpanda.balancer_capacity", "kafka", "usage", capacity, inputs.price("aws.nlb.capacity"),
             f"{through:,.2f} GiB in and out at 1 GiB an hour a unit", what="balancer, capacity"),
        line("redpanda.addresses", "kafka", "fixed", hours(brokers, Unit.ADDRESS_HOUR), inputs.price("aws.ipv4"),
             f"{brokers} brokers × 730 h", what=f"{brokers} public IPv4 addresses"),
        line("redpanda.logs", "kafka", "usage", Quantity(logs, Unit.GIB), inputs.price("aws.logs.in"),
             f"{brokers} brokers × {inputs.assumptions.logs_gib_per_broker} GiB", what="logs, taken in"),
        line("redpanda.logs_kept", "kafka", "usage", Quantity(logs, Unit.GIB_MONTH), inputs.price("aws.logs.kept"),
             f"{brokers} brokers × {inputs.assumptions.logs_gib_per_broker} GiB kept a month", what="logs, kept"),
    )  # fmt: skip


_NOTES = (
    "Redpanda: internal balancer, a public IPv4 address a broker in place of NAT gateways; "
    "the time of the people who run it is not counted.",
)
