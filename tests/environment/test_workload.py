"""The `workload:` section: what it may say, and what each mistake is answered with, at its line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modules.environment import load_environment
from modules.environment.model import Workload
from modules.environment.workload import Reader, in_scenario, reader_warehouse, scenarios_of
from modules.errors import ConfigError
from tests.environment.conftest import Write

HEAD = "extends: base\nplatform: confluent\n"
DBT = "{name: dbt, every: 5m, takes: 20s}"


def refused(write: Write, *lines: str, head: str = HEAD) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_environment(write(dev=head + "workload:\n" + "".join(f"  {line}\n" for line in lines)), "dev")
    return list(caught.value.details)


def workload(write: Write, *lines: str) -> Workload:
    return load_environment(write(dev=HEAD + "workload:\n" + "".join(f"  {each}\n" for each in lines)), "dev").workload


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ingress: -1GB/day", "ingress: expected a rate such as 1GB/day or 5MB/s, got '-1GB/day', which is less than"),
        ("ingress: 0GB/day", "ingress: must be more than nothing"),
        ("ingress: 10000000TB/day", "ingress: 10000000TB/day is about 115TB/s; no cluster carries more than 100GB"),
        ("ingress: 10EB/day", "ingress: expected a rate such as 1GB/day or 5MB/s, got '10EB/day'"),
        ("message_size: 0B", "message_size: must be more than nothing"),
        ("message_size: 3GiB", "message_size: one event of 3GiB? Kafka takes none above 1GiB"),
        ("fan_out: 10000", "fan_out: expected at most 1000, got 10000 (a number)"),
        ("fan_out: -1", "fan_out: expected at least 0, got -1 (a number)"),
        ("retention: 365000d", "retention: kept for 1,000 years? The most is 100 years (36500d)"),
        ("retention: 0d", "retention: kept for no time at all? write, say, 7d"),
        ("rows_kept: 0d", "rows_kept: kept for no time at all? write, say, 7d"),
        ("rows_kept: 999999d", "rows_kept: kept for 2,739 years? The most is 100 years (36500d)"),
        ("peak_to_mean: 0.5", "peak_to_mean: expected at least 1, got 0.5 (a number)"),
        ("compression: 4", "compression: expected at most 2, got 4 (a number)"),
        ("compression: 0", "compression: expected more than 0, got 0 (a number)"),
        ("warehouse_hours_per_day: 25", "warehouse_hours_per_day: expected at most 24, got 25 (a number)"),
        ("warehouse_generation: 3", "warehouse_generation: expected one of 1, 2, got 3 (a number)"),
        ("cloud_services_per_day: -1", "cloud_services_per_day: expected at least 0, got -1 (a number)"),
        ("sink_share: 1.5", "sink_share: expected at most 1, got 1.5 (a number)"),
        ("refresh_takes: 0s", "refresh_takes: a refresh takes some time; write, say, 10s"),
        ("mean_to_peak: 3", "mean_to_peak: unknown key `mean_to_peak`; "),
    ],
)
def test_an_amount_that_nobody_has_is_refused_with_its_line(write: Write, line: str, message: str) -> None:
    (only,) = refused(write, line)
    assert only.startswith(f"environments/dev.yaml:4: workload.{message}")


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        ("{name: dbt, every: 5m}", "every: how long does a run take? write `takes: 20s` as well"),
        ("{name: dbt, takes: 20s}", "takes: how often does it run? write `every: 5m` as well"),
        ("{name: dbt}", "when does `dbt` run? write `every: 5m` and `takes: 20s`, or `hours_per_day: 8`"),
        (
            "{name: dbt, every: 5m, takes: 10m}",
            "takes: a run takes 10m and the next starts after 5m: runs would pile up; write a longer `every`",
        ),
        ("{name: dbt, every: 5m, takes: 0s}", "takes: a run takes some time; write, say, 1s"),
        ("{name: dbt, every: 10ms, takes: 5ms}", "every: the least is 1s, got 10ms"),
        ("{name: dbt, every: 5m, takes: 20s, days_per_week: 8}", "days_per_week: expected at most 7, got 8"),
        ("{name: dbt, hours_per_day: 30}", "hours_per_day: expected at most 24, got 30"),
        ("{name: dbt, hours_per_day: 8, rewrites: 1GB}", "rewrites: how often? `rewrites` is of each run"),
        (
            "{name: dbt, every: 5m, takes: 20s, warehouse: transfrom_wh}",
            "warehouse: the estate has no warehouse `TRANSFROM_WH`; did you mean `TRANSFORM_WH`?",
        ),
        (
            "{name: dbt, every: 5m, takes: 20s, warehouse: TRANSFORM_WH, size: LARGE}",
            "size: TRANSFORM_WH is of this estate, and XSMALL: its size is set by `warehouse`; take the line out",
        ),
    ],
)
def test_a_reader_that_cannot_be_is_refused_with_its_line(write: Write, reader: str, message: str) -> None:
    (only,) = refused(write, "readers:", f"  - {reader}")
    place = "" if message.startswith("when") else "."
    assert only.startswith(f"environments/dev.yaml:5: workload.readers.0{place or ': '}{message}")


def test_a_share_of_no_sink_is_refused(write: Write) -> None:
    (only,) = refused(
        write, "sink_share: 0.5", head="platform: confluent\nextends: base\ntopics: {order-events: null}\n"
    )
    assert only == "environments/dev.yaml:5: workload.sink_share: no topic has a `sink` that carries any of it"


def test_two_readers_of_one_name_are_refused(write: Write) -> None:
    (only,) = refused(write, "readers:", f"  - {DBT}", f"  - {DBT}")
    assert only.startswith("environments/dev.yaml:6: workload.readers.1.name: `dbt` is the name of reader 0 already")


def test_hours_and_readers_are_not_both_given(write: Write) -> None:
    (only,) = refused(write, f"readers: [{DBT}]", "warehouse_hours_per_day: 2")
    assert only == (
        "environments/dev.yaml:5: workload.warehouse_hours_per_day: hours follow from `readers`; keep one of the two "
        "(`warehouse_hours_per_day: null` drops what base says)"
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("ingress: 1GB/day", "low: {ingress: 2GB/day}"), "low.ingress: 2GB/day is more than is expected (1GB/day)"),
        (("ingress: 1GB/day", "high: {ingress: 1MB/day}"), "high.ingress: 1MB/day is less than is expected (1GB/day)"),
        (("fan_out: 2", "low: {fan_out: 3}"), "low.fan_out: 3 is more than is expected (2); a low month has no more"),
        (("fan_out: 2", "high: {retention: 1d}"), "high.retention: 1d is less than is expected (30d)"),
        (
            ("fan_out: 2", "low: {warehouse_hours_per_day: 9}"),
            "low.warehouse_hours_per_day: 9 is more than is expected",
        ),
        (("fan_out: 2", "high: {sink_share: 0.5}"), "high.sink_share: 0.5 is less than is expected (1); a high month"),
        (("fan_out: 2", "high: {ingress: 0B/day}"), "high.ingress: must be more than nothing"),
    ],
)
def test_low_expected_and_high_are_in_order(write: Write, lines: tuple[str, ...], message: str) -> None:
    found = refused(write, *lines)
    assert found[0].startswith(f"environments/dev.yaml:5: workload.{message}")


def test_a_scenarios_own_mistakes_have_their_lines_too(write: Write) -> None:
    found = refused(write, "low: {ingres: 1GB/day}", "high:", "  readers:", "    - {name: x, every: 1h}")
    assert found[0].startswith("environments/dev.yaml:4: workload.low.ingres: unknown key `ingres`; did you mean `ingr")
    assert found[1].startswith("environments/dev.yaml:7: workload.high.readers.0.every: how long does a run take?")


def test_without_low_or_high_there_is_the_expected_month_only(write: Write) -> None:
    its = workload(write, "ingress: 1GB/day")
    assert scenarios_of(its) == ("expected",)
    assert in_scenario(its, "high") is its


def test_a_scenario_changes_what_it_names_and_keeps_the_rest(write: Write) -> None:
    its = workload(write, "fan_out: 2", "high: {ingress: 5GB/day}")
    high = in_scenario(its, "high")
    assert scenarios_of(its) == ("expected", "high")
    assert str(high.ingress) == "5GB/day"
    assert high.fan_out == 2
    assert str(in_scenario(its, "expected").ingress) == "1GB/day"


def test_a_scenarios_hours_take_the_place_of_readers_and_the_other_way_round(write: Write) -> None:
    its = workload(write, f"readers: [{DBT}]", "low: {warehouse_hours_per_day: 1}")
    assert in_scenario(its, "low").readers == []
    assert in_scenario(its, "low").warehouse_hours_per_day == 1
    its = workload(write, "warehouse_hours_per_day: 3", f"high: {{readers: [{DBT}]}}")
    assert [each.name for each in in_scenario(its, "high").readers] == ["dbt"]


def test_defaults_are_those_of_the_docs() -> None:
    its = Workload()
    assert (its.peak_to_mean, its.compression, its.fan_out) == (3, 1, 1)
    assert its.warehouse_hours_per_day == Decimal(2)
    assert its.snowflake_edition == "standard"


@pytest.mark.parametrize(
    ("reader", "estate", "warehouse"),
    [
        ({"every": "5m", "takes": "20s"}, {"TRANSFORM_WH", "REPORTING_WH"}, "TRANSFORM_WH"),
        ({"hours_per_day": 8}, {"TRANSFORM_WH", "REPORTING_WH"}, "REPORTING_WH"),
        ({"hours_per_day": 8}, {"STREAMING_WH"}, "STREAMING_WH"),
        ({"hours_per_day": 8, "warehouse": "bi_wh"}, {"STREAMING_WH"}, "BI_WH"),
    ],
)
def test_a_reader_runs_where_its_kind_is_at_home(reader: dict[str, object], estate: set[str], warehouse: str) -> None:
    assert reader_warehouse(Reader.model_validate({"name": "x", **reader}), estate) == warehouse


def test_a_warehouse_of_somebody_elses_needs_its_size(write: Write) -> None:
    (only,) = refused(write, "readers:", "  - {name: bi, hours_per_day: 8, warehouse: BI_WH}")
    assert only.endswith("for one that is not of this estate write its `size`")
    its = workload(write, "readers:", "  - {name: bi, hours_per_day: 8, warehouse: BI_WH, size: SMALL}")
    assert its.readers[0].size == "SMALL"
