"""What an estimator is: a pure function from a month's usage and the price book to lines. One file a service.

Adding a service is one file here and one line in `catalog.py`. What an estimator takes for granted beyond the usage is
in `Assumptions`, printed with the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from modules.cost.book import Price, PriceBook
from modules.cost.lines import Words
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
        peak_hours_per_day: hours a day that the traffic is at its peak, where what scales by the hour is sized by it.
        dns_queries_millions: of the private names, in a month.
        calls_10k: of Secrets Manager and of KMS each, in a month: tasks that start, nothing else.
        table_days: days of rows that Snowflake's table holds, where the workload does not say when rows are deleted.
        derived_share: bytes of each dynamic table per byte of the rows.
        derived_churn: how often a day an incremental refresh has written all of a dynamic table anew.
        statements_per_run: of a reader's run, or of a refresh.
        statements_per_hour: of a reader that runs all the time.
        statements_per_client: a day, of each task that carries rows into the warehouse.
        statement_credits: of cloud services for a statement.
    """

    headroom: Decimal = Decimal("1.3")
    logs_gib_per_broker: Decimal = Decimal(3)
    logs_gib_per_task: Decimal = Decimal(1)
    sink_vcpu: Decimal = Decimal("0.5")
    sink_gib: Decimal = Decimal(1)
    registry_vcpu: Decimal = Decimal("0.5")
    registry_gib: Decimal = Decimal(1)
    registry_traffic_gib: Decimal = Decimal(1)
    peak_hours_per_day: Decimal = Decimal(4)
    dns_queries_millions: Decimal = Decimal("0.1")
    calls_10k: Decimal = Decimal(1)
    table_days: Decimal = Decimal(30)
    derived_share: Decimal = Decimal("0.1")
    derived_churn: Decimal = Decimal(1)
    statements_per_run: Decimal = Decimal(10)
    statements_per_hour: Decimal = Decimal(60)
    statements_per_client: Decimal = Decimal(24)
    statement_credits: Decimal = Decimal("0.0001")

    def stated(self) -> tuple[tuple[str, Decimal, str], ...]:
        """Each with its value and what it says, in this order: for reports and docs."""
        return tuple((name, getattr(self, name), words) for name, words in _STATED.items())


_STATED = {
    "headroom": "disk provisioned per byte kept, where a platform bills what is provisioned",
    "logs_gib_per_broker": "GiB of CloudWatch Logs a broker writes in a month",
    "logs_gib_per_task": "GiB of CloudWatch Logs a task writes in a month",
    "sink_vcpu": "vCPU of a Fargate task of the project's sink; a Connect worker has twice as much",
    "sink_gib": "GiB of memory of such a task; a Connect worker has four times as much",
    "registry_vcpu": "vCPU of a Schema Registry's Fargate task",
    "registry_gib": "GiB of memory of such a task",
    "registry_traffic_gib": "GiB that clients look up in a Schema Registry in a month",
    "peak_hours_per_day": "hours a day at the peak, where what scales by the hour is sized by it",
    "dns_queries_millions": "million queries of private names in a month",
    "calls_10k": "ten thousands of calls of Secrets Manager, and of KMS, in a month",
    "table_days": "days of rows in Snowflake's table, where `workload.rows_kept` does not say",
    "derived_share": "bytes of a dynamic table per byte of the rows it is made of",
    "derived_churn": "times a day that incremental refreshes write all of a dynamic table anew",
    "statements_per_run": "statements of a reader's run or a dynamic table's refresh",
    "statements_per_hour": "statements an hour of a reader that runs all the time",
    "statements_per_client": "statements a day of each task that carries rows into Snowflake",
    "statement_credits": "credits of cloud services that a statement takes; `workload.cloud_services_per_day` replaces "
    "the estimate by what was measured",
}


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
) -> tuple[Quantity, Words]:
    """Disk to provision on all brokers, in whole GiB each, and how it was found.

    Three copies (or as many as there are brokers) of what is kept, spread evenly, with headroom, and `least` GiB a
    broker; or what the environment gives per broker.
    """
    given = whole(Decimal(given_bytes) / 2**30) if given_bytes is not None else None
    kept, copies = inputs.usage.kept.amount, min(REPLICATION, brokers)
    headroom = inputs.assumptions.headroom
    each = given if given is not None else max(Decimal(least), whole(kept * copies * headroom / brokers))

    def how() -> str:
        each_of = f"{brokers} brokers" if brokers != 1 else "1 broker"
        if given is not None:
            return f"{each_of} × {each:,} GiB provisioned as given"
        extra = f" × {headroom} headroom" if headroom != 1 else ""
        times = f" × {copies} copies" if copies != 1 else ""
        floor = f", {least} at least" if least > 1 else ""
        return (
            f"{kept:,.2f} GiB kept{times}{extra} ÷ {each_of}, in whole GiB{floor}: {brokers} × {each:,} GiB provisioned"
        )

    return Quantity(each * brokers, Unit.GIB_MONTH), how


def disk_words(inputs: Inputs) -> str:
    """What is taken for granted of brokers with disks of their own."""
    extra = (inputs.assumptions.headroom - 1) * 100
    return (
        f"MSK Standard and Redpanda: disks have {extra.normalize():f} % headroom over what is kept; what the brokers "
        "carry is worked out from their machines' network and disks, since no limit is published."
    )


def whole(amount: Decimal) -> Decimal:
    """The next whole number up."""
    return amount.to_integral_value(ROUND_CEILING)
