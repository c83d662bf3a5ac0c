"""Readers of Snowflake: how often they run, how long their warehouses stay awake, how large these are, what is kept."""

from __future__ import annotations

from collections.abc import Iterator

from modules.cost.advise.change import Edit, Key
from modules.cost.advise.rules.base import Context, Proposal, minutes, rule
from modules.environment.source import snowflake_sources
from modules.environment.types import DurationValue

__all__ = ["READERS"]

_CADENCES = (15, 60)
"""Minutes between runs that are proposed."""

_SUSPEND = minutes(1)
"""Snowflake bills a minute at least each time a warehouse is resumed, so that less saves little."""

_SIZES = ("XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE")
_LONG_DAY, _WORKING_DAY, _WORKING_WEEK = 20, 12, 5


@rule("reader-cadence", "let scheduled readers run less often")
def _cadence(context: Context) -> Iterator[Proposal]:
    for number, reader in enumerate(context.environment.workload.readers):
        if reader.every is None:
            continue
        for count in _CADENCES:
            wanted = minutes(count)
            if reader.every < wanted:
                yield Proposal(
                    f"Run {reader.name} every {wanted} instead of every {reader.every}",
                    (Edit(("workload", "readers", number, "every"), str(wanted)),),
                    f"what {reader.name} makes is up to {wanted} old; each run has more to do and may take longer",
                    kind="statement",
                    also=f"change {reader.name}'s schedule",
                    cautious=_longer(context, number, wanted),
                )


def _longer(context: Context, number: int, wanted: DurationValue) -> tuple[Edit, ...]:
    """The same work in fewer runs: a run takes longer by as much as it is rarer."""
    reader = context.environment.workload.readers[number]
    if reader.takes is None or reader.every is None:
        return ()
    takes = reader.takes.milliseconds * wanted.milliseconds // reader.every.milliseconds
    return (Edit(("workload", "readers", number, "takes"), str(DurationValue(min(takes, wanted.milliseconds)))),)


@rule("reader-hours", "let readers rest at night and at weekends")
def _hours(context: Context) -> Iterator[Proposal]:
    for number, reader in enumerate(context.environment.workload.readers):
        at = ("workload", "readers", number)
        hours = 24 if reader.hours_per_day is None else reader.hours_per_day
        if hours > _LONG_DAY:
            yield Proposal(
                f"Let {reader.name} work {_WORKING_DAY} hours a day instead of {hours:f}"
                if reader.hours_per_day is not None
                else f"Let {reader.name} work {_WORKING_DAY} hours a day instead of 24",
                (Edit((*at, "hours_per_day"), _WORKING_DAY),),
                f"nothing new from {reader.name} outside these hours; the first run of the day has a night to catch up",
                kind="statement",
                also=f"change {reader.name}'s schedule",
            )
        if reader.days_per_week == 7:
            yield Proposal(
                f"Let {reader.name} rest at weekends",
                (Edit((*at, "days_per_week"), _WORKING_WEEK),),
                f"nothing new from {reader.name} on Saturday and Sunday; Monday's first run has two days to catch up",
                kind="statement",
                also=f"change {reader.name}'s schedule",
            )


@rule("warehouse-hours", "let the warehouse sleep at night")
def _short_form(context: Context) -> Iterator[Proposal]:
    workload = context.environment.workload
    if not workload.readers and workload.warehouse_hours_per_day > _LONG_DAY:
        yield Proposal(
            f"Let the warehouse run {_WORKING_DAY} hours a day instead of {workload.warehouse_hours_per_day:f}",
            (Edit(("workload", "warehouse_hours_per_day"), _WORKING_DAY),),
            "whoever reads outside these hours waits, or wakes it up again",
            kind="statement",
            also="suspend what keeps it awake; `workload.readers` says who that is",
        )


@rule("reader-rewrites", "build tables incrementally")
def _rewrites(context: Context) -> Iterator[Proposal]:
    for number, reader in enumerate(context.environment.workload.readers):
        size = reader.rewrites.bytes
        if size and reader.every is not None:
            at = ("workload", "readers", number, "rewrites")
            yield Proposal(
                f"Let {reader.name} write a tenth anew; counted so, at the least half",
                (Edit(at, f"{size // 10}B"),),
                "incremental models are harder to write, and late events need a second look; what was written wrongly "
                "stays until a full run",
                kind="statement",
                also=f"incremental models in {reader.name}, or transient tables, which have no Fail-safe",
                cautious=(Edit(at, f"{size // 2}B"),),
            )


@rule("target-lag", "let dynamic tables refresh less often")
def _target_lag(context: Context) -> Iterator[Proposal]:
    for name, table in context.environment.warehouse.dynamic_tables.items():
        if table.target_lag == "downstream":
            continue
        for count in _CADENCES:
            wanted = minutes(count)
            if DurationValue.parse(table.target_lag) < wanted:
                yield Proposal(
                    f"Let {name} be up to {wanted} old instead of {table.target_lag}",
                    (Edit(("warehouse", "dynamic_tables", name, "target_lag"), str(wanted)),),
                    f"whoever reads {name.rpartition('.')[2]} sees events later",
                )


@rule("source-poll", "look for new rows less often")
def _poll(context: Context) -> Iterator[Proposal]:
    for name, source in snowflake_sources(context.environment).items():
        for count in _CADENCES:
            wanted = minutes(count)
            if source.poll < wanted:
                yield Proposal(
                    f"Let source {name} look for new rows every {wanted} instead of every {source.poll}",
                    (Edit(("sources", name, "poll"), str(wanted)),),
                    f"rows reach topic {source.topic} up to {wanted} later",
                )


@rule("min-clusters", "let a warehouse begin with one cluster")
def _clusters(context: Context) -> Iterator[Proposal]:
    for name, its in context.environment.warehouse.warehouses.items():
        if its.min_clusters > 1:
            yield Proposal(
                f"Let {name} begin with one cluster instead of {its.min_clusters}",
                (Edit(("warehouse", "warehouses", name, "min_clusters"), 1),),
                "the first queries of a rush wait until further clusters are up",
            )


@rule("time-travel", "keep old versions of rows for a day")
def _time_travel(context: Context) -> Iterator[Proposal]:
    its = context.environment.warehouse
    found: list[tuple[Key, DurationValue | None]] = [
        (("warehouse", "databases", name, "retention"), each.retention) for name, each in its.databases.items()
    ]
    found += [
        (("warehouse", "databases", name, "schemas", schema, "retention"), each.retention)
        for name, database in its.databases.items()
        for schema, each in database.schemas.items()
    ]
    found += [(("warehouse", "tables", name, "retention"), each.retention) for name, each in its.tables.items()]
    day = minutes(24 * 60)
    for path, given in found:
        if given is not None and given > day:
            yield Proposal(
                f"Keep a day of Time Travel instead of {given} in {path[-2]}",
                (Edit(path, str(day)),),
                "what was changed or dropped by mistake comes back for a day, later by Snowflake's support alone",
            )


@rule("auto-suspend", "suspend idle warehouses after a minute")
def _suspend(context: Context) -> Iterator[Proposal]:
    its = context.environment.warehouse
    wanted = str(_SUSPEND)
    risk = "a warehouse that was suspended has lost its cache, and its first query waits a second or two"
    if its.auto_suspend > _SUSPEND:
        yield Proposal(
            f"Suspend warehouses after {wanted} instead of {its.auto_suspend}",
            (Edit(("warehouse", "auto_suspend"), wanted),),
            risk,
        )
    for name, warehouse in its.warehouses.items():
        if warehouse.auto_suspend is not None and warehouse.auto_suspend > _SUSPEND:
            yield Proposal(
                f"Suspend {name} after {wanted} instead of {warehouse.auto_suspend}",
                (Edit(("warehouse", "warehouses", name, "auto_suspend"), wanted),),
                risk,
            )


@rule("warehouse-size", "take the next smaller warehouse")
def _size(context: Context) -> Iterator[Proposal]:
    its = context.environment.warehouse
    found: list[tuple[Key, str, str]] = [(("warehouse", "size"), its.size, "warehouses")]
    found += [
        (("warehouse", "warehouses", name, "size"), each.size, name)
        for name, each in its.warehouses.items()
        if each.size
    ]
    for path, size, name in found:
        place = _SIZES.index(size)
        if not place:
            continue
        smaller = _SIZES[place - 1]
        yield Proposal(
            f"Make {name} {smaller} instead of {size}",
            (Edit(path, smaller),),
            "a query that keeps the larger one busy takes twice as long: the least counts all of them as such",
            cautious=_twice(context),
        )


def _twice(context: Context) -> tuple[Edit, ...]:
    """Every run takes twice as long; hours that are given as such cannot be told to."""
    readers = context.environment.workload.readers
    edits = [
        Edit(("workload", "readers", number, "takes"), str(DurationValue(reader.takes.milliseconds * 2)))
        for number, reader in enumerate(readers)
        if reader.takes is not None
    ]
    if not readers:
        hours = min(context.environment.workload.warehouse_hours_per_day * 2, 24)
        edits.append(Edit(("workload", "warehouse_hours_per_day"), _number(hours)))
    return tuple(edits)


def _number(amount: object) -> float | int:
    value = float(str(amount))
    return int(value) if value.is_integer() else value


@rule("warehouse-generation", "use Gen1 warehouses where Gen2's speed is not needed")
def _generation(context: Context) -> Iterator[Proposal]:
    if context.environment.workload.warehouse_generation == 2:
        yield Proposal(
            "Run the readers on Gen1 warehouses",
            (Edit(("workload", "warehouse_generation"), 1),),
            "Gen2 costs 1.35 times as much and is often faster by more than that: compare a day of each",
            kind="statement",
            also="ALTER WAREHOUSE … SET GENERATION = '1' for each warehouse",
        )


@rule("edition", "leave an edition that nothing here needs")
def _edition(context: Context) -> Iterator[Proposal]:
    cheaper = {"business_critical": "enterprise", "enterprise": "standard"}
    edition = context.environment.workload.snowflake_edition
    if edition in cheaper and not context.report.usage.needs_edition:
        wanted = cheaper[edition]
        yield Proposal(
            f"Use the {wanted.title()} edition instead of {edition.replace('_', ' ').title()}",
            (Edit(("workload", "snowflake_edition"), wanted),),
            "the edition is the account's: others in it may need what it has (longer Time Travel, multi-cluster "
            "warehouses, masking, PrivateLink)",
            kind="statement",
            also="a new account, or a change of the contract",
        )


READERS = (
    _cadence, _hours, _short_form, _rewrites, _target_lag, _poll, _suspend, _size, _clusters, _time_travel, _generation,
    _edition,
)  # fmt: skip
