"""Readers of Snowflake: how often they run, how long their warehouses stay awake, how large these are."""

from __future__ import annotations

from collections.abc import Iterator

from modules.cost.advise.change import Edit, Key
from modules.cost.advise.rules.base import Context, Proposal, minutes, rule
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


READERS = (_cadence, _hours, _suspend, _size, _generation, _edition)
