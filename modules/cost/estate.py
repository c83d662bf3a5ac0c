"""What of the Snowflake estate costs: warehouses with their readers, tables that are written anew, limits, editions.

Read off the environment's completed `warehouse:` section, its sources and its connector, into plain values; prices
and hours are not this module's. Readers nobody wrote down are found here: dynamic tables refresh on a warehouse as
often as their lag asks, and a source that polls a table keeps its warehouse awake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from modules.cost.warehouse_hours import DAYS_PER_MONTH, ReaderUse, WarehouseUse
from modules.environment.connect import version_of
from modules.environment.identifiers import fold
from modules.environment.model import Environment
from modules.environment.source import snowflake_sources
from modules.environment.types import DurationValue
from modules.environment.warehouse import DynamicTable, VirtualWarehouse, Warehouse, days
from modules.environment.warehouse_presets import completed, sink_tables
from modules.environment.workload import Reader, Workload, reader_warehouse

__all__ = ["Estate", "Ingest", "MonitorUse", "Rewritten", "estate_of", "ingest_of", "reading_of"]

Ingest = Literal["streaming", "classic", "snowpipe"]
"""How rows come into Snowflake: Snowpipe Streaming of high performance or classic, or files by Snowpipe."""

FAIL_SAFE_DAYS = 7
"""What is permanent stays in Fail-safe for that long after Time Travel; what is transient does not."""

ACCOUNT_RETENTION_DAYS = 1
"""DATA_RETENTION_TIME_IN_DAYS of an account that nobody has changed."""

STANDARD_RETENTION_DAYS = 1

POLL_SECONDS = Decimal(1)
"""What a source's look for new rows takes of its warehouse."""

_MS = Decimal(1000)


@dataclass(frozen=True)
class Rewritten:
    """A table that is written anew; what was in it is kept for `history_days` more.

    Attributes:
        size: bytes written at a time; None: as large as what is made of the rows is assumed to be.
        times_per_day: how often all of it is replaced; None: as the assumption of incremental refreshes has it.
        derived: whether its own bytes are to be counted too: nothing else does.
    """

    name: str
    size: int | None
    times_per_day: Decimal | None
    history_days: int
    derived: bool = True


@dataclass(frozen=True)
class MonitorUse:
    """A resource monitor: credits a month for its warehouses, at which they stop. An empty name among them: all."""

    name: str
    credits: Decimal
    warehouses: tuple[str, ...]


@dataclass(frozen=True)
class Estate:
    """The estate as far as it costs.

    Attributes:
        warehouses: all of them, without readers or with those nobody wrote down.
        rows_history_days: Time Travel and Fail-safe of the sinks' tables, the longest of them.
        needs_edition: the least edition it works in, and why.
        uncounted: what of it costs something that no workload tells.
    """

    warehouses: tuple[WarehouseUse, ...]
    rewritten: tuple[Rewritten, ...]
    rows_history_days: int
    monitors: tuple[MonitorUse, ...]
    needs_edition: tuple[str, str] | tuple[()] = ()
    uncounted: tuple[str, ...] = ()


def ingest_of(environment: Environment) -> Ingest:
    """How rows come in: the project's own sink and v4 stream by the high-performance way, v2 and v3 by the classic one
    unless their settings say files."""
    version = version_of(environment)
    if version in (None, "v4"):
        return "streaming"
    method = environment.connect.settings.get("snowflake.ingestion.method", "SNOWPIPE_STREAMING")
    return "snowpipe" if method.upper() == "SNOWPIPE" else "classic"


def estate_of(environment: Environment) -> Estate:
    """The completed estate, with the readers it brings along."""
    whole = completed(environment)
    readers = _of_dynamic_tables(environment, whole)
    for warehouse, its in _of_sources(environment, whole).items():
        readers[warehouse] = (*readers.get(warehouse, ()), *its)
    return Estate(
        warehouses=tuple(
            _use(name, warehouse, environment.warehouse, readers.get(name, ()))
            for name, warehouse in whole.warehouses.items()
        ),
        rewritten=_rewritten(environment, whole),
        rows_history_days=max((_history(whole, table) for table in sink_tables(environment)), default=0),
        monitors=_monitors(whole),
        needs_edition=_edition(environment, whole),
        uncounted=tuple(_uncounted(whole)),
    )


def reading_of(workload: Workload, estate: Estate) -> tuple[WarehouseUse, ...]:
    """Each warehouse on which something runs, with all its readers; those that only `readers` name come last."""
    found = {each.name: each for each in estate.warehouses}
    for reader in workload.readers:
        name = reader_warehouse(reader, found)
        size = (reader.size or "XSMALL").lower()
        use = found.get(name) or WarehouseUse(name, size)
        found[name] = WarehouseUse(use.name, use.size, use.auto_suspend, (*use.readers, _reader(reader)), use.clusters)
    return tuple(each for each in found.values() if each.readers)


def _reader(reader: Reader) -> ReaderUse:
    hours = reader.hours_per_day
    return ReaderUse(
        name=reader.name,
        every=_seconds(reader.every) if reader.every else None,
        takes=_seconds(reader.takes) if reader.takes else Decimal(0),
        hours_per_day=Decimal(24) if hours is None else hours,
        days_per_week=reader.days_per_week,
        rewrites=reader.rewrites.bytes,
    )


def _use(name: str, its: VirtualWarehouse, general: Warehouse, readers: tuple[ReaderUse, ...]) -> WarehouseUse:
    idle = its.auto_suspend if its.auto_suspend is not None else general.auto_suspend
    return WarehouseUse(
        name=name,
        size=(its.size or general.size).lower(),
        auto_suspend=_seconds(idle) or None,  # 0 is Snowflake's never
        readers=readers,
        clusters=its.min_clusters,
    )


def _of_dynamic_tables(environment: Environment, whole: Warehouse) -> dict[str, tuple[ReaderUse, ...]]:
    """By warehouse: tables of one lag refresh together, one after the other."""
    takes = _seconds(environment.workload.refresh_takes)
    together: dict[tuple[str, Decimal], int] = {}
    for table in whole.dynamic_tables.values():
        every = _lag(table)
        if every is not None:
            key = (fold(table.warehouse), every)
            together[key] = together.get(key, 0) + 1
    found: dict[str, tuple[ReaderUse, ...]] = {}
    for (warehouse, every), count in together.items():
        name = "a dynamic table" if count == 1 else f"{count} dynamic tables"
        # They cannot take longer than their lag: then Snowflake leaves refreshes out.
        reader = ReaderUse(name, every, min(takes * count, every))
        found[warehouse] = (*found.get(warehouse, ()), reader)
    return found


def _lag(table: DynamicTable) -> Decimal | None:
    """Seconds between two refreshes at most; None where it waits for what reads it."""
    return None if table.target_lag == "downstream" else _seconds(DurationValue.parse(table.target_lag))


def _of_sources(environment: Environment, whole: Warehouse) -> dict[str, tuple[ReaderUse, ...]]:
    """Each source looks for new rows with the warehouse of its user."""
    found: dict[str, tuple[ReaderUse, ...]] = {}
    for name, source in snowflake_sources(environment).items():
        user = whole.users.get("SVC_KAFKA_SOURCE")
        warehouse = user.warehouse if user and user.warehouse else "STREAMING_WH"
        every = max(_seconds(source.poll), POLL_SECONDS)
        reader = ReaderUse(f"source {name}", every, POLL_SECONDS)
        found[warehouse] = (*found.get(warehouse, ()), reader)
    return found


def _rewritten(environment: Environment, whole: Warehouse) -> tuple[Rewritten, ...]:
    """Dynamic tables, and what readers write anew. Readers' tables are taken to be permanent, with a day of Time
    Travel: where they are, nobody says."""
    tables = tuple(
        Rewritten(
            name=name,
            size=None,
            times_per_day=86_400 / every if (every := _lag(table)) and table.refresh_mode == "FULL" else None,
            history_days=_history(whole, name),
        )
        for name, table in whole.dynamic_tables.items()
    )
    readers = tuple(
        Rewritten(
            name=each.name,
            size=each.rewrites.bytes,
            times_per_day=_reader(each).runs_per_day * each.days_per_week / 7,
            history_days=ACCOUNT_RETENTION_DAYS + FAIL_SAFE_DAYS,
        )
        for each in environment.workload.readers
        if each.rewrites.bytes
    )
    return tables + readers


def _history(whole: Warehouse, name: str) -> int:
    """Days for which a table's old bytes are kept: Time Travel by the nearest that sets it, then Fail-safe."""
    database, schema, _ = name.split(".")
    above = whole.databases.get(database)
    inside = above.schemas.get(schema) if above else None
    transient = bool((above and above.transient) or (inside and inside.transient))
    table = whole.tables.get(name)
    given = (
        days(table.retention) if table else None,
        days(inside.retention) if inside else None,
        days(above.retention) if above else None,
    )
    travel = next((each for each in given if each is not None), ACCOUNT_RETENTION_DAYS)
    return min(travel, 1) if transient else travel + FAIL_SAFE_DAYS


def _monitors(whole: Warehouse) -> tuple[MonitorUse, ...]:
    """Those that stop warehouses, by what they allow in a month."""
    a_month = {
        "DAILY": DAYS_PER_MONTH,
        "WEEKLY": DAYS_PER_MONTH / 7,
        "MONTHLY": Decimal(1),
        "YEARLY": Decimal(1) / 12,
    }
    found = []
    for name, monitor in whole.resource_monitors.items():
        watched = tuple(key for key, its in whole.warehouses.items() if its.resource_monitor == name)
        stops = [each for each in (monitor.suspend_at, monitor.suspend_now_at) if each is not None]
        if not watched or not stops or monitor.frequency not in a_month:
            continue
        every = ("",) if len(watched) == len(whole.warehouses) else ()
        credits = monitor.credits * a_month[monitor.frequency] * min(stops) / 100
        found.append(MonitorUse(name, credits, (*every, *watched)))
    return tuple(found)


def _edition(environment: Environment, whole: Warehouse) -> tuple[str, str] | tuple[()]:
    """The least edition in which all of this works, and what for; nothing where that is Standard."""
    if environment.network.snowflake is not None:
        return "business_critical", "PrivateLink"
    for name, warehouse in whole.warehouses.items():
        if warehouse.max_clusters > 1:
            return "enterprise", f"the {warehouse.max_clusters} clusters of {name}"
    if any(table.masked for table in whole.tables.values()):
        return "enterprise", "masking policies"
    kept = [database.retention for database in whole.databases.values()]
    kept += [schema.retention for database in whole.databases.values() for schema in database.schemas.values()]
    kept += [table.retention for table in whole.tables.values()]
    longest = max((days(each) or 0 for each in kept), default=0)
    if longest > STANDARD_RETENTION_DAYS:
        return "enterprise", f"{longest} days of Time Travel"
    return ()


def _uncounted(whole: Warehouse) -> Iterator[str]:
    """What costs something by an amount that follows from nothing in the environment."""
    if whole.pipes:
        count = len(whole.pipes)
        yield f"files that {count} pipe{'s load' if count != 1 else ' loads'}"
    clustered = [name for name, table in whole.tables.items() if table.cluster_by]
    clustered += [name for name, iceberg in whole.iceberg_tables.items() if iceberg.cluster_by]
    if clustered:
        yield f"automatic clustering of {', '.join(sorted(clustered))}"
    for name, warehouse in whole.warehouses.items():
        if warehouse.max_clusters > warehouse.min_clusters:
            yield f"the clusters of {name} beyond {warehouse.min_clusters}, up to {warehouse.max_clusters}"
    if whole.iceberg_tables:
        yield "the bucket in which Iceberg tables have their files"


def _seconds(duration: DurationValue) -> Decimal:
    return Decimal(duration.milliseconds) / _MS
