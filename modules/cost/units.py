"""Quantities with their units: an amount of GiB cannot be paid with a price per GB.

GB is 10^9 bytes, GiB 2^30, TB 10^12; a billing month has 730 hours. What a vendor calls "GB" is decided once, in the
price files, where Confluent's and AWS's are written as the GiB they bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

__all__ = ["BYTES_PER", "HOURS_PER_MONTH", "Quantity", "Unit", "hours", "of_bytes", "plain"]

HOURS_PER_MONTH = Decimal(730)


class Unit(StrEnum):
    """What a price is for. The value is how it is written in price files and reports, in the singular."""

    GIB = "GiB"
    GB = "GB"
    GIB_MONTH = "GiB-month"
    TB = "TB"
    TB_MONTH = "TB-month"
    GIB_HOUR = "GiB-hour"
    VCPU_HOUR = "vCPU-hour"
    ECKU_HOUR = "eCKU-hour"
    CKU_HOUR = "CKU-hour"
    TASK_HOUR = "task-hour"
    MCU_HOUR = "MCU-hour"
    BROKER_HOUR = "broker-hour"
    INSTANCE_HOUR = "instance-hour"
    CLUSTER_HOUR = "cluster-hour"
    CLUSTER_MONTH = "cluster-month"
    PARTITION_HOUR = "partition-hour"
    SCHEMA_HOUR = "schema-hour"
    BALANCER_HOUR = "balancer-hour"
    NLCU_HOUR = "NLCU-hour"
    LCU_HOUR = "LCU-hour"
    ENDPOINT_HOUR = "endpoint-hour"
    PACKAGE_HOUR = "package-hour"
    GATEWAY_HOUR = "gateway-hour"
    ADDRESS_HOUR = "address-hour"
    IOPS_MONTH = "IOPS-month"
    MBPS_MONTH = "MBps-month"
    SECRET_MONTH = "secret-month"  # noqa: S105 (a unit)
    KEY_MONTH = "key-month"
    ALARM_MONTH = "alarm-month"
    METRIC_MONTH = "metric-month"
    ZONE_MONTH = "zone-month"
    RESOURCE_MONTH = "resource-month"
    THOUSAND_CALLS = "1k-calls"
    TEN_THOUSAND_CALLS = "10k-calls"
    COMPUTE_HOUR = "compute-hour"
    RPU_HOUR = "RPU-hour"
    MILLION_QUERIES = "1M-queries"
    CFU_HOUR = "CFU-hour"
    WAREHOUSE_HOUR = "warehouse-hour"
    CREDIT = "credit"
    COMMITMENT_MONTH = "commitment-month"

    def plural(self, amount: Decimal) -> str:
        """The unit as it is written after an amount: `3 broker-hours`, `1 credit`, `12 GiB`."""
        if self in _NEVER_PLURAL or amount == 1:
            return self.value
        return f"{self.value}s"


_NEVER_PLURAL = {Unit.GIB, Unit.GB, Unit.TB, Unit.THOUSAND_CALLS, Unit.TEN_THOUSAND_CALLS, Unit.MILLION_QUERIES}

BYTES_PER: Mapping[Unit, int] = MappingProxyType(
    {Unit.GIB: 2**30, Unit.GB: 10**9, Unit.TB: 10**12, Unit.GIB_MONTH: 2**30, Unit.TB_MONTH: 10**12}
)


@dataclass(frozen=True)
class Quantity:
    """An amount of one unit. Adding two units, or adding to a bare number, is a TypeError."""

    amount: Decimal
    unit: Unit

    def __add__(self, other: Quantity) -> Quantity:
        if not isinstance(other, Quantity) or other.unit is not self.unit:
            raise TypeError(f"cannot add {getattr(other, 'unit', type(other).__name__)} to {self.unit}")
        return Quantity(self.amount + other.amount, self.unit)

    def __mul__(self, factor: Decimal | int) -> Quantity:
        return Quantity(self.amount * factor, self.unit)

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.unit.plural(self.amount)}"


def of_bytes(count: Decimal | int, unit: Unit) -> Quantity:
    """Bytes as a quantity of GiB, GB, GiB-months or TB-months (the last two: kept for a whole month)."""
    return Quantity(Decimal(count) / BYTES_PER[unit], unit)


def hours(count: Decimal | int, unit: Unit) -> Quantity:
    """`count` of something that runs all month, as a quantity of its hours."""
    return Quantity(HOURS_PER_MONTH * count, unit)


def plain(amount: Decimal) -> str:
    """A number for people: thousands separated; two decimals above 100, else four digits; no tail of zeros.

    >>> plain(Decimal("2566.40625")), plain(Decimal("0.0037")), plain(Decimal(3))
    ('2,566.41', '0.0037', '3')
    """
    if amount == 0:
        return "0"
    places = 2 if abs(amount) >= 100 else max(0, 3 - amount.adjusted())
    text = f"{amount:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
