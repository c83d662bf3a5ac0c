"""What a workload amounts to in a month: bytes in, out and kept, partitions, who reads and for how many hours.

Derived once from the environment, so that every platform is priced for the same month. Everything is a plain value, so
that another month is cheap to make: `replace(usage, bytes_per_second=…)` or `usage.times(10)`.

Two rates: what is billed by volume follows the mean (`bytes_per_second`, `data_in` …), while what has to carry the
traffic, a limit or a size, is held against `peak_bytes_per_second` and `peak_bytes_out_per_second`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from modules.cost.estate import Ingest, MonitorUse, Rewritten, estate_of, ingest_of, reading_of
from modules.cost.units import HOURS_PER_MONTH, Quantity, Unit, of_bytes
from modules.cost.warehouse_hours import ReaderUse, WarehouseUse
from modules.environment.model import Environment
from modules.environment.smoke import own_sinks
from modules.environment.workload import ScenarioName, in_scenario
from modules.topics.specs import schema_specs, topic_specs

__all__ = ["Usage", "usage_of"]

_MS_PER_DAY = Decimal(86_400_000)


@dataclass(frozen=True)
class Usage:
    """A month of one workload.

    Attributes:
        bytes_per_second: of events before compression, the mean over the month.
        fan_out: bytes read per byte written, the sink included.
        retention_days: how long the cluster keeps a byte.
        compression: bytes sent and kept per byte of events.
        partitions: of all topics, dead-letter topics included.
        sink_share: of the bytes, what is carried into the warehouse.
        connector_tasks: of all topics that are carried into the warehouse.
        warehouse_size, warehouse_hours_per_day: the short form: hours a day on some warehouse of this size.
        peak_to_mean: how much higher than its mean the traffic gets.
        ingest: how rows come into Snowflake.
        warehouses: each virtual warehouse on which something runs, beside the short form's hours.
        snowflake_region: where the account is; None: where the platform is.
        warehouse_generation: 1 or 2, of all warehouses.
        cloud_services_per_day: credits, as measured; None: estimated.
        rows_kept_days: age at which rows are deleted from the sinks' tables; None: they are not.
        rows_history_days: for how long Time Travel and Fail-safe keep what is deleted there.
        rewritten: tables that are written anew, whose old bytes are kept for a while.
        needs_edition: the edition the estate needs, and what for; empty where standard will do.
        flink_cfu: CFUs of Confluent's Flink at work, the mean over the month.
        uncounted: what of the estate costs something that no workload tells.
        monitors: what the estate's resource monitors let its warehouses use.
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
    peak_to_mean: Decimal = Decimal(1)
    ingest: Ingest = "streaming"
    warehouses: tuple[WarehouseUse, ...] = ()
    snowflake_region: str | None = None
    warehouse_generation: int = 1
    cloud_services_per_day: Decimal | None = None
    rows_kept_days: Decimal | None = None
    rows_history_days: Decimal = Decimal(8)
    rewritten: tuple[Rewritten, ...] = ()
    needs_edition: tuple[str, str] | tuple[()] = ()
    monitors: tuple[MonitorUse, ...] = ()
    uncounted: tuple[str, ...] = ()
    flink_cfu: Decimal = Decimal(0)

    @property
    def wire_bytes_per_second(self) -> Decimal:
        """As producers send them, compressed: what Kafka's vendors count. The mean."""
        return self.bytes_per_second * self.compression

    @property
    def peak_bytes_per_second(self) -> Decimal:
        """As producers send them when they send most: what limits are held against."""
        return self.wire_bytes_per_second * self.peak_to_mean

    @property
    def peak_bytes_out_per_second(self) -> Decimal:
        return self.peak_bytes_per_second * self.fan_out

    @property
    def bytes_of_events(self) -> Decimal:
        """In a month of 730 h, before compression."""
        return self.bytes_per_second * 3600 * HOURS_PER_MONTH

    @property
    def bytes_in(self) -> Decimal:
        """Sent in a month of 730 h, compressed."""
        return self.wire_bytes_per_second * 3600 * HOURS_PER_MONTH

    @property
    def bytes_out(self) -> Decimal:
        return self.bytes_in * self.fan_out

    @property
    def bytes_kept(self) -> Decimal:
        """One copy, once the topic has been filled for a whole retention."""
        return self.wire_bytes_per_second * 86_400 * self.retention_days

    @property
    def bytes_sunk(self) -> Decimal:
        """Carried into the warehouse in a month, uncompressed."""
        return self.bytes_of_events * self.sink_share

    @property
    def carries(self) -> bool:
        """Whether anything is carried into the warehouse."""
        return bool(self.bytes_per_second and self.sink_share)

    @property
    def bytes_sunk_per_day(self) -> Decimal:
        return self.bytes_per_second * 86_400 * self.sink_share

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

    @cached_property
    def all_warehouses(self) -> tuple[WarehouseUse, ...]:
        """Those with readers, behind the short form's, whose name is empty; it is there whenever it is the only one."""
        if self.warehouses and not self.warehouse_hours_per_day:
            return self.warehouses
        readers = (ReaderUse("readers", hours_per_day=self.warehouse_hours_per_day),)
        return (WarehouseUse("", self.warehouse_size, readers=readers), *self.warehouses)

    @property
    def warehouse_hours(self) -> Decimal:
        """Billed in a month, all warehouses together."""
        return sum((each.hours_per_month for each in self.all_warehouses), Decimal(0))

    @property
    def messages_per_second(self) -> Decimal:
        return self.bytes_per_second / max(self.message_bytes, 1)

    @property
    def rows_per_day(self) -> Decimal:
        """Carried into the warehouse."""
        return self.messages_per_second * 86_400 * self.sink_share

    def times(self, factor: Decimal | int) -> Usage:
        """The same workload with that many times the traffic; partitions and warehouse hours stay."""
        return replace(self, bytes_per_second=self.bytes_per_second * factor)


def usage_of(environment: Environment, scenario: ScenarioName = "expected") -> Usage:
    """The month an environment's workload, topics, connector and warehouses describe.

    Args:
        scenario: `low` and `high` are the expected month where the YAML does not say what is otherwise in them.
    """
    workload = in_scenario(environment.workload, scenario)
    if workload is not environment.workload:
        environment = environment.model_copy(update={"workload": workload})
    sunk = len(own_sinks(environment))  # the smoke topic rides with one of them
    estate = estate_of(environment)
    return Usage(
        bytes_per_second=workload.ingress.bytes_per_second,
        message_bytes=workload.message_size.bytes,
        fan_out=workload.fan_out,
        retention_days=_days(environment.workload_retention.milliseconds) if _keeps(environment) else Decimal(0),
        compression=workload.compression,
        partitions=sum(topic.partitions for topic in topic_specs(environment)),
        schemas=len(schema_specs(environment)),
        sink_share=(Decimal(1) if workload.sink_share is None else workload.sink_share) if sunk else Decimal(0),
        connector_tasks=environment.connect.tasks * max(1, sunk),
        warehouse_size=environment.warehouse.size.lower(),
        warehouse_hours_per_day=Decimal(0) if workload.readers else workload.warehouse_hours_per_day,
        snowflake_edition=workload.snowflake_edition,
        peak_to_mean=workload.peak_to_mean,
        ingest=ingest_of(environment),
        warehouses=reading_of(workload, estate),
        snowflake_region=workload.snowflake_region,
        warehouse_generation=workload.warehouse_generation,
        cloud_services_per_day=workload.cloud_services_per_day,
        rows_kept_days=_days(workload.rows_kept.milliseconds) if workload.rows_kept else None,
        rows_history_days=Decimal(estate.rows_history_days),
        rewritten=estate.rewritten,
        needs_edition=estate.needs_edition,
        monitors=estate.monitors,
        uncounted=estate.uncounted,
        flink_cfu=workload.flink_cfu,
    )


def _keeps(environment: Environment) -> bool:
    return environment.workload.retention is not None or bool(environment.topics)


def _days(milliseconds: int) -> Decimal:
    return Decimal(milliseconds) / _MS_PER_DAY
