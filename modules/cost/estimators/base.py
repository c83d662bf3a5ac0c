"""What an estimator is: a pure function from a month's usage and the price book to lines. One file a service.

Adding a service is one file here and one line in `catalog.py`. What an estimator takes for granted beyond the usage is
in `Assumptions`, printed with the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from modules.cost.book import Price, PriceBook
from modules.cost.units import Quantity, Unit
from modules.cost.usage import Usage

__all__ = ["Assumptions", "Inputs", "copies_on_disk", "disk_words", "whole"]

REPLICATION = 3


@dataclass(frozen=True)
class Assumptions:
    """What is stated rather than measured.

    Attributes:
        headroom: disk provisioned per byte kept (1.3: 30 % more), where a platform bills what is provisioned.
        logs_gib_per_broker: CloudWatch Logs a broker writes in a month.
        logs_gib_per_task: and a Schema Registry's task.
        sink_vcpu, sink_gib: one Fargate task of the project's sink.
        registry_vcpu, registry_gib: the Fargate task of a Schema Registry, where a platform has none.
        registry_traffic_gib: what clients look up in it in a month, through its balancer.
        table_days: days of rows that Snowflake's table holds.
    """

    headroom: Decimal = Decimal("1.3")
    logs_gib_per_broker: Decimal = Decimal(3)
    logs_gib_per_task: Decimal = Decimal(1)
    sink_vcpu: Decimal = Decimal("0.5")
    sink_gib: Decimal = Decimal(1)
    registry_vcpu: Decimal = Decimal("0.5")
    registry_gib: Decimal = Decimal(1)
    registry_traffic_gib: Decimal = Decimal(1)
    table_days: Decimal = Decimal(30)


@dataclass(frozen=True)
class Inputs:
    """All an estimator may look at: the month, the prices of one region, and what is assumed."""

    usage: Usage
    book: PriceBook
    region: str
    assumptions: Assumptions = Assumptions()

    def price(self, item: str) -> Price:
        return self.book.price(item, self.region)


def copies_on_disk(
    inputs: Inputs, brokers: int, given_bytes: int | None = None, *, least: int = 1
) -> tuple[Quantity, str]:
    """Disk to provision on all brokers, in whole GiB each, and how it was found.

    Three copies (or as many as there are brokers) of what is kept, spread evenly, with headroom, and `least` GiB a
    broker; or what the environment gives per broker.
    """
    each_of = f"{brokers} brokers" if brokers != 1 else "1 broker"
    if given_bytes is not None:
        each = whole(Decimal(given_bytes) / 2**30)
        return Quantity(each * brokers, Unit.GIB_MONTH), f"{each_of} × {each:,} GiB provisioned as given"
    kept, copies = inputs.usage.kept.amount, min(REPLICATION, brokers)
    headroom = inputs.assumptions.headroom
    each = max(Decimal(least), whole(kept * copies * headroom / brokers))
    extra = f" × {headroom} headroom" if headroom != 1 else ""
    times = f" × {copies} copies" if copies != 1 else ""
    floor = f", {least} at least" if least > 1 else ""
    how = f"{kept:,.2f} GiB kept{times}{extra} ÷ {each_of}, in whole GiB{floor}: {brokers} × {each:,} GiB provisioned"
    return Quantity(each * brokers, Unit.GIB_MONTH), how


def disk_words(inputs: Inputs) -> str:
    """What is taken for granted of brokers with disks of their own."""
    extra = (inputs.assumptions.headroom - 1) * 100
    return (
        f"MSK Standard and Redpanda: disks have {extra.normalize():f} % headroom over what is kept; whether the "
        "brokers carry the rate is not checked, since no limit is published."
    )


def whole(amount: Decimal) -> Decimal:
    """The next whole number up."""
    return amount.to_integral_value(ROUND_CEILING)
