"""What a workload amounts to in a month: rates, volumes, readers, the estate behind them, and its scenarios."""

from __future__ import annotations

import time
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from typing import Any

import pytest

from modules.cost.estate import estate_of, ingest_of
from modules.cost.usage import Usage, usage_of
from modules.environment.model import Environment
from modules.environment.workload import SCENARIOS
from tests.cost.support import month

TOPICS = {"orders": {"partitions": 6, "retention": "7d", "sink": {"table": "A.B.ORDERS"}}}
DBT = {"name": "dbt", "every": "5m", "takes": "20s"}
OFFICE = {"name": "dashboards", "hours_per_day": 8, "days_per_week": 5}


def environment(platform: str = "redpanda", **changes: Any) -> Environment:
    settings = {"name": "e", "source": "environments/e.yaml", "platform": platform, "topics": TOPICS, **changes}
    return Environment.model_validate(settings)


def usage(**workload: Any) -> Usage:
    return usage_of(environment(workload=workload))


@pytest.mark.parametrize(
    ("written", "per_second"),
    [
        ("5MB/s", Decimal(5 * 10**6)),
        ("1GB/day", Decimal(10**9) / 86_400),
        ("30GB/month", Decimal(30 * 10**9) / (730 * 3600)),
        ("1MiB/s", Decimal(2**20)),
    ],
)
def test_ingress_is_a_rate_or_a_volume(written: str, per_second: Decimal) -> None:
    assert usage(ingress=written).bytes_per_second == per_second


def test_limits_are_held_against_peaks_and_volumes_follow_the_mean() -> None:
    calm, wild = usage(ingress="1MB/s", peak_to_mean=1), usage(ingress="1MB/s", peak_to_mean=5, fan_out=1)
    assert calm.peak_bytes_per_second == 10**6
    assert wild.peak_bytes_per_second == 5 * 10**6
    assert (wild.data_in, wild.kept) == (calm.data_in, calm.kept)
    assert usage(ingress="1MB/s").peak_bytes_per_second == 3 * 10**6, "the default is three times the mean"
    assert usage(ingress="1MB/s", fan_out=2).peak_bytes_out_per_second == 6 * 10**6


def test_compression_makes_what_kafka_carries_less_and_what_snowflake_bills_the_same() -> None:
    plain, packed = usage(ingress="1MB/s"), usage(ingress="1MB/s", compression="0.25")
    for name in ("bytes_in", "bytes_out", "bytes_kept", "peak_bytes_per_second"):
        assert getattr(packed, name) == getattr(plain, name) / 4, name
    assert packed.bytes_sunk == plain.bytes_sunk
    assert packed.messages_per_second == plain.messages_per_second


def test_rows_are_events_that_have_a_sink() -> None:
    # 86,400 events of 1,000 bytes in 86.4 MB a day
    assert usage(ingress="86400000B/day", message_size="1KB").rows_per_day == 86_400
    assert usage_of(environment(topics={"t": {}}, workload={"ingress": "1GB/day"})).rows_per_day == 0


def test_a_share_of_the_bytes_may_be_all_that_is_carried_into_snowflake() -> None:
    assert usage(ingress="1GB/day").bytes_sunk == usage(ingress="1GB/day").bytes_of_events
    assert usage(ingress="1GB/day", sink_share="0.25").bytes_sunk == usage(ingress="1GB/day").bytes_sunk / 4
    assert not usage(sink_share=0).carries


def test_without_readers_the_short_form_is_the_only_warehouse() -> None:
    its = usage(warehouse_hours_per_day=3)
    (only,) = its.all_warehouses
    assert (only.name, only.size, only.hours_per_day) == ("", "xsmall", 3)
    assert its.warehouse_hours == Decimal(3) * 730 / 24


def test_readers_take_the_place_of_the_short_form() -> None:
    its = usage(readers=[DBT, OFFICE])
    assert its.warehouse_hours_per_day == 0
    assert [each.name for each in its.all_warehouses] == ["TRANSFORM_WH", "REPORTING_WH"]
    # 288 × 80 s = 6.4 h a day; 8 h on 5 of 7 days
    assert [each.week[0] for each in its.all_warehouses] == [Decimal("6.4"), Decimal(8)]
    assert its.warehouse_hours == (Decimal("6.4") * 7 + 40) * 730 / 168


def test_hours_follow_from_the_warehouses_own_settings() -> None:
    estate = {"auto_suspend": "60s", "warehouses": {"TRANSFORM_WH": {"size": "MEDIUM", "auto_suspend": "10m"}}}
    its = usage_of(environment(warehouse=estate, workload={"readers": [DBT]}))
    (transform,) = its.warehouses
    assert (transform.size, transform.auto_suspend) == ("medium", 600)
    assert transform.hours_per_month == 730, "20 s + 10 min idle are more than the five minutes"


def test_an_auto_suspend_of_nothing_is_snowflakes_never() -> None:
    its = usage_of(environment(warehouse={"auto_suspend": "0s"}, workload={"readers": [OFFICE]}))
    assert its.warehouse_hours == 730


def test_dynamic_tables_of_one_lag_refresh_together_on_their_warehouse() -> None:
    table = {"query": "SELECT 1", "target_lag": "5m", "warehouse": "TRANSFORM_WH"}
    tables = {
        "ANALYTICS.MARTS.A": table,
        "ANALYTICS.MARTS.B": table,
        "ANALYTICS.MARTS.C": {**table, "target_lag": "1h"},
    }
    its = usage_of(environment(warehouse={"dynamic_tables": tables}))
    (transform,) = its.warehouses
    # two of 5 min: 288 × (2 × 10 s + 60 s) = 23,040 s; one of 1 h: 24 × (10 s + 60 s) = 1,680 s
    assert transform.week[0] == Decimal(23_040 + 1_680) / 3600
    assert [each.name for each in transform.readers] == ["2 dynamic tables", "a dynamic table"]
    assert its.warehouse_hours_per_day == 2, "the short form's hours are beside them"


def test_a_dynamic_table_that_waits_for_its_readers_wakes_nothing() -> None:
    table = {"query": "SELECT 1", "target_lag": "downstream", "warehouse": "TRANSFORM_WH"}
    assert usage_of(environment(warehouse={"dynamic_tables": {"ANALYTICS.MARTS.A": table}})).warehouses == ()


def test_a_source_that_polls_keeps_its_warehouse_awake() -> None:
    source = {"kind": "snowflake", "table": "A.B.OUT", "mode": "id", "column": "ID", "key": "ID", "topic": "orders"}
    (streaming,) = usage_of(environment(sources={"shop": source})).warehouses
    assert streaming.name == "STREAMING_WH"
    assert streaming.hours_per_month == 730, "1 s of work and 60 s of idling fill the 5 s between two looks"


@pytest.mark.parametrize(
    ("platform", "connect", "ingest"),
    [
        ("redpanda", {}, "streaming"),
        ("redpanda", {"kind": "managed"}, "streaming"),  # the project's own sink takes its place
        ("confluent", {"kind": "managed"}, "classic"),  # Confluent's connector is v3
        ("redpanda", {"kind": "kafka-connect", "version": "v4"}, "streaming"),
        ("redpanda", {"kind": "kafka-connect", "version": "v2"}, "classic"),
        ("redpanda", {"kind": "kafka-connect"}, "classic"),
        ("redpanda", {"kind": "kafka-connect", "settings": {"snowflake.ingestion.method": "SNOWPIPE"}}, "snowpipe"),
        ("local", {"kind": "kafka-connect"}, "classic"),
    ],
)
def test_how_rows_come_in_follows_from_the_connector(platform: str, connect: dict[str, Any], ingest: str) -> None:
    its = environment(platform, connect=connect)
    assert ingest_of(its) == ingest
    assert usage_of(its).ingest == ingest


@pytest.mark.parametrize(
    ("estate", "days"),
    [
        ({}, 8),  # a day of Time Travel, seven of Fail-safe
        ({"databases": {"A": {"transient": True}}}, 1),
        ({"databases": {"A": {"schemas": {"B": {"transient": True}}}}}, 1),
        ({"databases": {"A": {"retention": "30d"}}}, 37),
        ({"databases": {"A": {"retention": "30d", "schemas": {"B": {"retention": "2d"}}}}}, 9),
        ({"databases": {"A": {"retention": "30d"}}, "tables": {"A.B.ORDERS": {"retention": "0d"}}}, 7),
        ({"databases": {"A": {"transient": True, "retention": "0d"}}}, 0),
    ],
)
def test_what_is_deleted_is_kept_by_the_nearest_retention_and_fail_safe(estate: dict[str, Any], days: int) -> None:
    assert usage_of(environment(warehouse=estate)).rows_history_days == days


@pytest.mark.parametrize(
    ("changes", "edition"),
    [
        ({}, ()),
        ({"warehouse": {"warehouses": {"STREAMING_WH": {"max_clusters": 3}}}}, ("enterprise", "the 3 clusters of STR")),
        ({"warehouse": {"databases": {"A": {"retention": "30d"}}}}, ("enterprise", "30 days of Time Travel")),
        ({"warehouse": {"databases": {"A": {"retention": "1d"}}}}, ()),
        ({"warehouse": {"tables": {"A.B.ORDERS": {"masked": {"X": "A.B.P"}}}}}, ("enterprise", "masking policies")),
    ],
)
def test_the_estate_says_which_edition_it_needs(changes: dict[str, Any], edition: tuple[str, ...]) -> None:
    found = estate_of(environment(**changes)).needs_edition
    assert found[:1] == edition[:1]
    assert not edition or found[1].startswith(edition[1])


def test_resource_monitors_allow_what_they_say_in_a_month() -> None:
    its = environment(
        warehouse={
            "monthly_credits": 40,
            "resource_monitors": {"DAILY": {"credits": 2, "frequency": "DAILY", "suspend_at": 50}},
            "warehouses": {"REPORTING_WH": {"resource_monitor": "DAILY"}},
        }
    )
    by_name = {each.name: each for each in usage_of(its).monitors}
    assert by_name["STREAMING_MONITOR"].credits == 40
    assert by_name["STREAMING_MONITOR"].warehouses == ("STREAMING_WH", "TRANSFORM_WH")
    # 2 credits a day × 30.41667 days, and it stops at half of them
    assert by_name["DAILY"].credits == pytest.approx(Decimal("30.4166667"))


def test_a_scenario_is_the_expected_month_with_what_is_otherwise_in_it() -> None:
    its = environment(
        workload={
            "ingress": "1GB/day",
            "fan_out": 2,
            "low": {"ingress": "300MB/day", "warehouse_hours_per_day": 1},
            "high": {"ingress": "5GB/day", "readers": [DBT], "peak_to_mean": 10},
        }
    )
    low, expected, high = (usage_of(its, each) for each in SCENARIOS)
    assert low.bytes_in < expected.bytes_in < high.bytes_in
    assert (low.fan_out, high.fan_out) == (2, 2)
    assert low.warehouse_hours < expected.warehouse_hours < high.warehouse_hours
    assert (expected.peak_to_mean, high.peak_to_mean) == (3, 10)
    assert usage_of(its) == expected


def test_a_scenario_nobody_gave_is_the_expected_month() -> None:
    its = environment(workload={"ingress": "1GB/day"})
    assert usage_of(its, "low") == usage_of(its, "high") == usage_of(its)


def test_a_month_is_frozen_and_another_is_cheap_to_make() -> None:
    its = usage(readers=[DBT, OFFICE])
    with pytest.raises(FrozenInstanceError):
        its.fan_out = Decimal(2)  # type: ignore[misc]
    assert its.times(10).bytes_in == its.bytes_in * 10
    assert its.times(10).warehouse_hours == its.warehouse_hours
    started = time.perf_counter()
    for number in range(1000):
        replace(its, bytes_per_second=Decimal(number))
    apart = time.perf_counter() - started
    started = time.perf_counter()
    for _ in range(1000):
        usage_of(environment())
    whole = time.perf_counter() - started
    assert apart * 5 < whole, "a further month does not look at the model again"


def test_the_worked_cases_month_is_as_it_was() -> None:
    assert month().warehouse_hours == 730
    assert month().peak_bytes_per_second == month().bytes_per_second
