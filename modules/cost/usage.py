"""What a workload amounts to in a month: bytes in, out and kept, partitions, warehouse hours.

Derived once from the environment, so that every platform is priced for the same month. Rates are means; peaks are not
modelled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from modules.cost.units import HOURS_PER_MONTH, Quantity, Unit, of_bytes
from modules.environment.model import Environment
from modules.topics.specs import schema_specs, topic_specs

__all__ = ["Usage", "usage_of"]

_MS_PER_DAY = Decimal(86_400_000)


@dataclass(frozen=True)
class Usage:
    """A month of one workload.

    Attributes:
        bytes_per_second: sent by producers, the mean over the month.
        fan_out: bytes read per byte written, the sink included.
        retention_days: how long the cluster keeps a byte.
        compression: bytes kept per byte sent.
        partitions: of all topics, dead-letter topics included.
        connector_tasks: of all topics that are carried into the warehouse.
        warehouse_hours_per_day: hours a day for which Snowflake's warehouse runs for readers.
    """

    bytes_per_second: Decimal
    message_bytes: int
    fan_out: Decimal
    retention_days: Decimal
    compression: Decimal
    partitions: int
    schemas: int
    sink_share: Decimal
    connector_tasks: int
    warehouse_size: str
    warehouse_hours_per_day: Decimal
    snowflake_edition: str

    @property
    def bytes_in(self) -> Decimal:
        """Sent in a month of 730 h."""
        return self.bytes_per_second * 3600 * HOURS_PER_MONTH

    @property
    def bytes_out(self) -> Decimal:
        return self.bytes_in * self.fan_out

    @property
    def bytes_kept(self) -> Decimal:
        """One copy, once the topic has been filled for a whole retention."""
        return self.bytes_per_second * 86_400 * self.retention_days * self.compression

    @property
    def bytes_sunk(self) -> Decimal:
        """Carried into the warehouse in a month."""
        return self.bytes_in * self.sink_share

    @property
    def data_in(self) -> Quantity:
        return of_bytes(self.bytes_in, Unit.GIB)

    @property
    def data_out(self) -> Quantity:
        return of_bytes(self.bytes_out, Unit.GIB)

    @property
    def kept(self) -> Quantity:
        """One copy, for the month."""
        return of_bytes(self.bytes_kept, Unit.GIB_MONTH)

    @property
    def warehouse_hours(self) -> Decimal:
        return self.warehouse_hours_per_day * HOURS_PER_MONTH / 24

    @property
    def messages_per_second(self) -> Decimal:
        return self.bytes_per_second / max(self.message_bytes, 1)

    def times(self, factor: Decimal | int) -> Usage:
        """The same workload with that many times the traffic; partitions and warehouse hours stay."""
        return replace(self, bytes_per_second=self.bytes_per_second * factor)


def usage_of(environment: Environment) -> Usage:
    """The month an environment's workload, topics, connector and warehouse describe."""
    workload = environment.workload
    kept_ms = workload.retention or max(
        (topic.retention for topic in environment.topics.values()), default=None, key=lambda each: each.milliseconds
    )
    sunk = sum(1 for topic in environment.topics.values() if topic.sink)
    return Usage(
        bytes_per_second=workload.ingress.bytes_per_second,
        message_bytes=workload.message_size.bytes,
        fan_out=workload.fan_out,
        retention_days=Decimal(kept_ms.milliseconds) / _MS_PER_DAY if kept_ms else Decimal(0),
        compression=workload.compression,
        partitions=sum(topic.partitions for topic in topic_specs(environment)),
        schemas=len(schema_specs(environment)),
        sink_share=Decimal(1 if sunk else 0),
        connector_tasks=environment.connect.tasks * max(1, sunk),
        warehouse_size=environment.warehouse.size.lower(),
        warehouse_hours_per_day=workload.warehouse_hours_per_day,
        snowflake_edition=workload.snowflake_edition,
    )
