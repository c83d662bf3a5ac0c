"""What readers cost: virtual warehouses by the hours they run, and cloud services beyond what is free.

Cloud services (compiling statements, logins, looking for changes) are free up to 10 % of the warehouse credits of the
same day, so a day on which no warehouse runs pays for all of them. Days are taken as the readers' week has them: seven
days, the busiest first. Snowflake says what was used in METERING_DAILY_HISTORY; until then it is a stated estimate.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from modules.cost.book import Price
from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Line, credit_line, line, money
from modules.cost.units import Quantity, Unit, plain
from modules.cost.warehouse_hours import DAYS_PER_MONTH, WarehouseUse, Week, a_month, added, week_of

__all__ = ["FREE_SHARE", "GEN2_ON_AWS", "LOOKS_AT", "billed_cloud_services", "estimate"]

FREE_SHARE = Decimal("0.1")
"""Cloud services that are free, of the day's warehouse credits (Service Consumption Table effective 2026-03-31)."""

GEN2_ON_AWS = Decimal("1.35")
"""Credits of a Gen2 warehouse on AWS per Gen1 credit (Service Consumption Table effective 2026-03-31)."""

LOOKS_AT = (
    "warehouses", "warehouse_size", "warehouse_hours_per_day", "warehouse_generation", "snowflake_edition",
    "cloud_services_per_day", "connector_tasks", "carries", "needs_edition", "monitors", "uncounted",
)  # fmt: skip
"""What of a month this part of the estimate depends on."""

_EDITIONS = ("standard", "enterprise", "business_critical")


def estimate(inputs: Inputs) -> Estimate:
    """A line for each warehouse on which something runs, one for cloud services where any are billed."""
    uses = inputs.usage.all_warehouses
    warehouses = tuple(_warehouse(inputs, each) for each in uses)
    cloud = _cloud_services(inputs)
    notes = [_cloud_note(inputs, cloud), *_edition_note(inputs), *_monitor_notes(inputs)]
    if inputs.usage.uncounted:
        notes.append(f"not counted in Snowflake: {'; '.join(inputs.usage.uncounted)}")
    return Estimate((*warehouses, *((cloud,) if cloud else ())), tuple(notes))


def _credit(inputs: Inputs) -> Price:
    return inputs.price(f"snowflake.credit.{inputs.usage.snowflake_edition}")


def _rate(inputs: Inputs, use: WarehouseUse, generation: int | None = None) -> Price:
    generation = inputs.usage.warehouse_generation if generation is None else generation
    return inputs.price(f"snowflake.warehouse.{'gen2.' if generation == 2 else ''}{use.size}")


def _warehouse(inputs: Inputs, use: WarehouseUse) -> Line:
    running = Quantity(use.hours_per_month, Unit.WAREHOUSE_HOUR)
    given = not use.name  # the short form
    how = f"{plain(use.hours_per_day)} h a day × 730/24 days" if given else use.words
    size = use.size.upper()
    return credit_line(
        "snowflake.warehouse" if given else f"snowflake.warehouse.{use.name.lower()}",
        "usage", running, _rate(inputs, use), _credit(inputs), how,
        what=f"warehouse {size}" if given else f"{use.name}, {size}", note=_generation_note(inputs, use, running),
    )  # fmt: skip


def _generation_note(inputs: Inputs, use: WarehouseUse, running: Quantity) -> str:
    """What the other generation comes to."""
    if not running.amount:
        return ""
    name = use.name or "the warehouse"
    other = 1 if inputs.usage.warehouse_generation == 2 else 2
    credits = _rate(inputs, use, other).cost(running)
    amount = _credit(inputs).cost(Quantity(credits, Unit.CREDIT)) if credits is not None else None
    if other == 1:
        return f"{name} is counted as Gen2; as Gen1 it would be {money(amount)}"
    return f"{name} is counted as Gen1; as Gen2, the default of newer organisations, × {GEN2_ON_AWS} = {money(amount)}"


def _credits_of_the_week(inputs: Inputs) -> Week | None:
    """Warehouse credits of each day; None where a size has no price."""
    weeks = []
    for use in inputs.usage.all_warehouses:
        an_hour = _rate(inputs, use).cost(Quantity(Decimal(1), Unit.WAREHOUSE_HOUR))
        if an_hour is None:
            return None
        weeks.append(tuple(hours * an_hour * use.clusters for hours in use.week))
    return added(weeks)


def _used_in_the_week(inputs: Inputs) -> Week:
    """Cloud services of each day, in credits: as measured, else statements × what each takes."""
    usage, assumed = inputs.usage, inputs.assumptions
    if usage.cloud_services_per_day is not None:
        return week_of(7, usage.cloud_services_per_day)
    weeks = [week_of(7, assumed.statements_per_client * usage.connector_tasks)] if usage.carries else []
    for use in usage.all_warehouses:
        for reader in use.readers:
            a_day = assumed.statements_per_hour * reader.hours_per_day
            if reader.every is not None:
                a_day = assumed.statements_per_run * reader.runs_per_day
            weeks.append(week_of(reader.days_per_week, a_day))
    return tuple(statements * assumed.statement_credits for statements in added(weeks))


def billed_cloud_services(used: Week, warehouses: Week) -> Week:
    """What is left of each day's cloud services beyond 10 % of that day's warehouse credits."""
    return tuple(
        max(services - credits * FREE_SHARE, Decimal(0)) for services, credits in zip(used, warehouses, strict=True)
    )


def _cloud_services(inputs: Inputs) -> Line | None:
    """None where each day's are within what is free."""
    warehouses = _credits_of_the_week(inputs)
    if warehouses is None:
        return None
    used = _used_in_the_week(inputs)
    billed = billed_cloud_services(used, warehouses)
    if not any(billed):
        return None
    how = " + ".join(_days_in_words(used, warehouses, billed)) + ", × 730/168 weeks"
    source = "as measured" if inputs.usage.cloud_services_per_day is not None else "estimated from statements"
    return line(
        "snowflake.cloud_services", "snowflake", "usage", Quantity(a_month(billed), Unit.CREDIT), _credit(inputs), how,
        what="cloud services beyond the free 10 %",
        note=f"{source}; a day without a warehouse has nothing free",
    )  # fmt: skip


def _days_in_words(used: Week, warehouses: Week, billed: Week) -> Iterator[str]:
    """Like days together: `5 days × (0.3 - 10 % of 2 credits)`."""
    kinds: dict[tuple[Decimal, Decimal], int] = {}
    for services, credits, paid in zip(used, warehouses, billed, strict=True):
        if paid:
            kinds[services, credits] = kinds.get((services, credits), 0) + 1
    for (services, credits), days in kinds.items():
        each = f"({plain(services)} - 10 % of {plain(credits)} credits)" if credits else f"{plain(services)} credits"
        yield f"{days} day{'s' * (days != 1)} a week × {each}"


def _cloud_note(inputs: Inputs, cloud: Line | None) -> str:
    edition = inputs.usage.snowflake_edition.replace("_", " ").title()
    warehouses = _credits_of_the_week(inputs)
    if cloud is not None:
        return (
            f"Snowflake {edition}: cloud services are more than 10 % of the warehouse's credits on some days, "
            "and billed there."
        )
    free = ""
    if warehouses is not None:
        free = f" ({plain(a_month(warehouses) * FREE_SHARE)} credits a month here)"
    return f"Snowflake {edition}: cloud services stay within the free 10 %{free}."


def _edition_note(inputs: Inputs) -> Iterator[str]:
    if not inputs.usage.needs_edition:
        return
    needed, why = inputs.usage.needs_edition
    counted = inputs.usage.snowflake_edition
    if _EDITIONS.index(counted) < _EDITIONS.index(needed):
        name = needed.replace("_", " ").title()
        yield (
            f"Snowflake {name} is needed for {why}, and credits are counted at {counted.title()}'s price: write "
            f"`workload.snowflake_edition: {needed}`"
        )


def _monitor_notes(inputs: Inputs) -> Iterator[str]:
    """Monitors that would stop their warehouses before the month is over."""
    for monitor in inputs.usage.monitors:
        used = Decimal(0)
        for use in inputs.usage.all_warehouses:
            credits = _rate(inputs, use).cost(Quantity(use.hours_per_month, Unit.WAREHOUSE_HOUR))
            used += credits or Decimal(0) if use.name in monitor.warehouses else Decimal(0)
        if used > monitor.credits:
            day = int(monitor.credits / used * DAYS_PER_MONTH) + 1
            yield (
                f"the resource monitor {monitor.name} stops its warehouses at {plain(monitor.credits)} credits a "
                f"month; {plain(used)} are estimated, so that they would stand still from about day {day} on"
            )
