"""What the pipeline carries and who reads it, as an environment's YAML says it: the input of the cost report.

Pure data. What it amounts to in a month is `modules/cost/usage.py`'s work, what is wrong with it
`workload_checks.py`'s.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from modules.environment.identifiers import fold
from modules.environment.section import Section
from modules.environment.types import (
    DataRate,
    DataRateValue,
    DataSize,
    DataSizeValue,
    Duration,
    DurationValue,
    Number,
    Whole,
)
from modules.environment.warehouse import Size

__all__ = [
    "SCENARIOS", "Edition", "Reader", "Scenario", "ScenarioName", "Workload", "in_scenario", "reader_warehouse",
    "scenarios_of",
]  # fmt: skip

ScenarioName = Literal["expected", "low", "high"]
SCENARIOS: tuple[ScenarioName, ...] = ("low", "expected", "high")

Edition = Literal["standard", "enterprise", "business_critical"]

_PREFERRED = {True: ("TRANSFORM_WH", "STREAMING_WH"), False: ("REPORTING_WH", "STREAMING_WH")}
"""Where readers of a schedule, and those that run all the time, are at home: the preset's warehouses."""

_HoursADay = Annotated[Number, Field(ge=0, le=24)]
_FanOut = Annotated[Number, Field(ge=0, le=1000)]
_Peak = Annotated[Number, Field(ge=1, le=1000)]
_Share = Annotated[Number, Field(ge=0, le=1)]
_Compression = Annotated[Number, Field(gt=0, le=2)]


class Reader(Section):
    """Something that runs queries: on a schedule (`every`, `takes`), or all the time for some hours of the day."""

    name: str = Field(description="What it is called in the report: dbt, dashboards.", min_length=1, max_length=60)
    warehouse: str | None = Field(
        None,
        description="The virtual warehouse it runs on. Default: TRANSFORM_WH with `every`, else REPORTING_WH, where "
        "the estate has them; else STREAMING_WH.",
    )
    size: Size | None = Field(
        None, description="For a warehouse that is not of this estate: its size; else that of the estate holds."
    )
    every: Duration | None = Field(
        None, description="From the start of a run to the start of the next; default: it runs all the time."
    )
    takes: Duration | None = Field(None, description="With `every`: how long the warehouse works on a run.")
    hours_per_day: _HoursADay | None = Field(
        None, description="For how many hours of a day it is at work; default with `every`: 24."
    )
    days_per_week: Whole = Field(7, ge=1, le=7, description="On how many days of a week it is at work.")
    rewrites: DataSize = Field(
        DataSizeValue(0), description="Tables that each run writes anew: Time Travel and Fail-safe keep the old ones."
    )


class Scenario(Section):
    """What is otherwise in a low or a high month; keys that are left out stay as expected."""

    ingress: DataRate | None = Field(None, description="As in `workload`.")
    message_size: DataSize | None = Field(None, description="As in `workload`.")
    fan_out: _FanOut | None = Field(None, description="As in `workload`.")
    retention: Duration | None = Field(None, description="As in `workload`.")
    peak_to_mean: _Peak | None = Field(None, description="As in `workload`.")
    compression: _Compression | None = Field(None, description="As in `workload`.")
    sink_share: _Share | None = Field(None, description="As in `workload`.")
    rows_kept: Duration | None = Field(None, description="As in `workload`.")
    readers: list[Reader] | None = Field(None, description="In place of the workload's readers or hours.")
    warehouse_hours_per_day: _HoursADay | None = Field(None, description="In place of the workload's readers or hours.")
    refresh_takes: Duration | None = Field(None, description="As in `workload`.")
    cloud_services_per_day: Annotated[Number, Field(ge=0, le=100_000)] | None = Field(
        None, description="As in `workload`."
    )


class Workload(Section):
    """What the pipeline carries; the cost report's input."""

    ingress: DataRate = Field(
        DataRateValue(10**9, 86400),
        description="Events as they are before compression, the mean: a rate (5MB/s) or a volume (1GB/day, "
        "30GB/month); GB is 10⁹ bytes.",
    )
    message_size: DataSize = Field(DataSizeValue(1024), description="An event's size before compression.")
    fan_out: _FanOut = Field(Decimal(1), description="Bytes read per byte written, the sink included.")
    retention: Duration | None = Field(None, description="Default: the longest retention of the topics.")
    peak_to_mean: _Peak = Field(
        Decimal(3),
        description="How much higher than its mean the traffic gets: limits are held against the peak, while what is "
        "billed by volume is billed by the mean.",
    )
    compression: _Compression = Field(
        Decimal(1),
        description="Bytes that producers send and Kafka keeps per byte of events: 0.25 for a quarter. Snowflake bills "
        "uncompressed bytes.",
    )
    sink_share: _Share | None = Field(
        None, description="Of the bytes, what topics with a sink carry; default: all of them, if any topic has one."
    )
    readers: list[Reader] = Field(
        default_factory=list, description="What runs on warehouses; hours follow from it. In place of the next key."
    )
    warehouse_hours_per_day: _HoursADay = Field(
        Decimal(2),
        description="The short form: hours a day for which a warehouse of `warehouse.size` runs for readers.",
    )
    refresh_takes: Duration = Field(
        DurationValue(10_000), description="How long a warehouse works on one refresh of a dynamic table."
    )
    rows_kept: Duration | None = Field(
        None, description="Age at which rows are deleted from the sinks' tables; default: they are not."
    )
    snowflake_region: str | None = Field(
        None,
        description="The AWS region of the Snowflake account, as us-east-1; default: the platform's.",
        pattern=r"^[a-z]{2,3}(-[a-z]+)+-[0-9]$",
    )
    flink_cfu: Annotated[Number, Field(ge=0, le=1_000)] = Field(
        Decimal(0), description="Confluent's Flink: CFUs at work, the mean over the month. No stack makes any."
    )
    snowflake_edition: Edition = Field("standard", description="Sets the price of a credit.")
    warehouse_generation: Literal[1, 2] = Field(
        1, description="Of the account's warehouses; 2 is the default of organisations made after mid-2025."
    )
    cloud_services_per_day: Annotated[Number, Field(ge=0, le=100_000)] | None = Field(
        None,
        description="Credits a day of cloud services, as METERING_DAILY_HISTORY has them; default: a stated estimate.",
    )
    low: Scenario | None = Field(None, description="A low month: what is otherwise in it.")
    high: Scenario | None = Field(None, description="A high month: what is otherwise in it.")


def reader_warehouse(reader: Reader, estate: Collection[str]) -> str:
    """The warehouse a reader runs on: as it says, else the preset's for its kind.

    Args:
        estate: the names of the estate's warehouses.
    """
    if reader.warehouse is not None:
        return fold(reader.warehouse)
    preferred = _PREFERRED[reader.every is not None]
    return next((name for name in preferred if name in estate), preferred[-1])


def scenarios_of(workload: Workload) -> tuple[ScenarioName, ...]:
    """Those the YAML gives, low to high; a range nobody gave is not made up."""
    return tuple(name for name in SCENARIOS if name == "expected" or getattr(workload, name) is not None)


def in_scenario(workload: Workload, scenario: ScenarioName) -> Workload:
    """The workload of a scenario; the expected one where the YAML has none of that name."""
    given: Scenario | None = None if scenario == "expected" else getattr(workload, scenario)
    if given is None:
        return workload
    update = {name: value for name in given.model_fields_set if (value := getattr(given, name)) is not None}
    if "warehouse_hours_per_day" in update and "readers" not in update:
        update["readers"] = []
    return workload.model_copy(update=update)
