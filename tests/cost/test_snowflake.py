"""What Snowflake costs beside a platform, each case computed by hand.

A credit is $2.00 (Standard, us-east-1), a TB-month $23.00, a month 730 h or 730/24 = 30.41667 days.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from modules.cost.catalog import OPTIONS, estimate, inputs_for
from modules.cost.estate import MonitorUse, Rewritten
from modules.cost.estimators import snowflake
from modules.cost.estimators.base import Assumptions
from modules.cost.estimators.snowflake_compute import billed_cloud_services
from modules.cost.lines import Estimate, Line, total
from modules.cost.report import report
from modules.cost.warehouse_hours import ReaderUse, WarehouseUse, week_of
from modules.environment.model import Environment
from modules.errors import PriceError
from tests.cost.support import inputs, month
from tests.cost.test_usage import DBT, OFFICE, environment

GB_A_DAY = Decimal(10**9) / 86_400
NONE = Decimal(0)


def made(region: str = "us-east-1", **changes: object) -> Estimate:
    settings = {"bytes_per_second": GB_A_DAY, "warehouse_hours_per_day": NONE, **changes}
    return snowflake.estimate(inputs(month(**settings), region))


def line(found: Estimate, name: str) -> Line:
    return next(each for each in found.lines if each.id == name)


def amount(found: Estimate, name: str) -> Decimal:
    value = line(found, name).amount
    assert value is not None
    return value


def ids(found: Estimate) -> set[str]:
    return {each.id for each in found.lines}


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


def use(*readers: ReaderUse, name: str = "TRANSFORM_WH", size: str = "xsmall", **more: Any) -> WarehouseUse:
    return WarehouseUse(name, size, more.pop("auto_suspend", Decimal(60)), readers, **more)


def dbt(**more: Any) -> ReaderUse:
    return ReaderUse("dbt", Decimal(300), Decimal(20), **more)


# Ingest


def test_snowflakes_own_example_of_high_performance_streaming() -> None:
    """docs.snowflake.com, costs of the high-performance architecture: 1 MB/s is 3.6 GB an hour, at 1 GB = 1000 MB;
    × 0.0037 = 0.01332 credits an hour, × 730 = 9.7236 credits, × 2.00 = $19.45."""
    found = made(bytes_per_second=Decimal(10**6))
    assert line(found, "snowflake.ingest").quantity.amount == Decimal("3.6") * 730
    assert amount(found, "snowflake.ingest") == Decimal("19.4472")


def test_classic_streaming_pays_for_clients_and_for_compute_of_which_nobody_knows_how_much() -> None:
    """2 clients × 730 h × 0.01 = 14.6 credits = $29.20. 30.41667 GB at 0 to 0.037 credits: $0 to $2.250833."""
    found = made(ingest="classic", connector_tasks=2)
    assert amount(found, "snowflake.ingest") == Decimal("29.20")
    compute = line(found, "snowflake.ingest_compute")
    assert compute.amount is None
    assert (compute.low, compute.high) == (0, Decimal("2.250833"))
    assert "SNOWPIPE_STREAMING_FILE_MIGRATION_HISTORY" in compute.note


def test_snowpipe_pays_by_the_gb_of_files() -> None:
    """1 GB a day × 730/24 = 30.41667 GB × 0.0037 = 0.112542 credits = $0.225083."""
    found = made(ingest="snowpipe")
    assert line(found, "snowflake.ingest").price.id == "snowflake.ingest.snowpipe"
    assert amount(found, "snowflake.ingest") == Decimal("0.225083")


def test_without_traffic_only_a_classic_client_costs() -> None:
    for ingest in ("streaming", "snowpipe"):
        assert total(made(ingest=ingest, bytes_per_second=NONE).lines).known == 0
    found = made(ingest="classic", bytes_per_second=NONE)
    assert ids(found) == {"snowflake.ingest", "snowflake.storage", "snowflake.warehouse"}
    assert total(found.lines).known == Decimal("14.60")
    assert total(found.lines).exact


def test_rows_come_in_by_the_options_own_connector() -> None:
    """Confluent's managed sink is classic; elsewhere the project's own sink takes its place and pays by the GB."""
    its = environment("confluent", connect={"kind": "managed"}, workload={"ingress": "1GB/day"})
    book = inputs().book
    paid = {
        name: line(estimate(OPTIONS[name], inputs_for(its, book), its), "snowflake.ingest").price.id
        for name in ("confluent-basic", "redpanda-ec2", "msk")
    }
    assert paid == {
        "confluent-basic": "snowflake.ingest.classic.client",
        "redpanda-ec2": "snowflake.ingest.streaming",
        "msk": "snowflake.ingest.streaming",
    }


# Warehouses


def test_each_warehouse_has_a_line_with_its_own_size_and_hours() -> None:
    """dbt: 6.4 h a day × 730/24 = 194.6667 h × 4 credits (MEDIUM) × 2.00 = $1,557.33.
    Dashboards: 40 h a week × 730/168 = 173.8095 h × 1 × 2.00 = $347.62."""
    office = ReaderUse("dashboards", hours_per_day=Decimal(8), days_per_week=5)
    found = made(warehouses=(use(dbt(), size="medium"), use(office, name="REPORTING_WH")))
    assert cents(amount(found, "snowflake.warehouse.transform_wh")) == Decimal("1557.33")
    assert cents(amount(found, "snowflake.warehouse.reporting_wh")) == Decimal("347.62")
    assert "snowflake.warehouse" not in ids(found)
    assert "dbt every 5 min: 288 runs a day" in line(found, "snowflake.warehouse.transform_wh").how


def test_hours_of_the_short_form_stand_beside_those_of_named_warehouses() -> None:
    """2 h a day: 60.8333 h × 2.00 = $121.67; dbt 194.6667 h × 2.00 = $389.33."""
    found = made(warehouse_hours_per_day=Decimal(2), warehouses=(use(dbt()),))
    assert cents(amount(found, "snowflake.warehouse")) == Decimal("121.67")
    assert cents(amount(found, "snowflake.warehouse.transform_wh")) == Decimal("389.33")


def test_generation_2_takes_1_35_credits_for_each_of_generation_1() -> None:
    """730 h × 1.35 × 2.00 = $1,971; the line of the other generation says what it would be."""
    second = made(warehouse_hours_per_day=Decimal(24), warehouse_generation=2)
    assert amount(second, "snowflake.warehouse") == 1971
    assert "as Gen1 it would be $1,460.00" in line(second, "snowflake.warehouse").note
    first = made(warehouse_hours_per_day=Decimal(24))
    assert "× 1.35 = $1,971.00" in line(first, "snowflake.warehouse").note


@pytest.mark.parametrize(
    ("size", "credits"), [("xsmall", 1), ("small", 2), ("medium", 4), ("large", 8), ("xlarge", 16)]
)
def test_each_size_takes_twice_the_one_below(size: str, credits: int) -> None:
    found = made(warehouses=(use(ReaderUse("all day"), size=size),))
    assert amount(found, "snowflake.warehouse.transform_wh") == 730 * credits * 2


def test_clusters_that_always_run_are_paid_each() -> None:
    found = made(warehouses=(use(ReaderUse("all day"), clusters=3),), snowflake_edition="enterprise")
    assert amount(found, "snowflake.warehouse.transform_wh") == 730 * 3 * 3  # 3 clusters at $3.00 a credit


# Cloud services


def test_the_10_percent_rule_is_a_day_s_own() -> None:
    """2 credits of warehouse leave 0.2 free. 0.2 are free, 0.21 leave 0.01; without a warehouse all is billed."""
    free, edge, over = Decimal("0.19"), Decimal("0.2"), Decimal("0.21")
    two = week_of(5, Decimal(2))
    assert billed_cloud_services(week_of(5, free), two) == (0,) * 7
    assert billed_cloud_services(week_of(5, edge), two) == (0,) * 7
    assert billed_cloud_services(week_of(5, over), two) == (Decimal("0.01"),) * 5 + (0, 0)
    assert billed_cloud_services(week_of(7, free), two) == (0,) * 5 + (free,) * 2


@pytest.mark.parametrize(
    ("measured", "billed"),
    [
        ("0.2", None),  # 10 % of 2 credits a day to the last
        ("0.21", "0.61"),  # 0.01 a day × 730/24 = 0.304167 credits × 2.00 = $0.608333
        ("0", None),
    ],
)
def test_cloud_services_that_were_measured_are_billed_beyond_the_edge(measured: str, billed: str | None) -> None:
    found = made(warehouse_hours_per_day=Decimal(2), cloud_services_per_day=Decimal(measured))
    assert ("snowflake.cloud_services" in ids(found)) == (billed is not None)
    if billed:
        assert cents(amount(found, "snowflake.cloud_services")) == Decimal(billed)
        assert any("are more than 10 %" in note for note in found.notes)
    else:
        assert any("within the free 10 % (6.083 credits a month here)" in note for note in found.notes)


def test_on_a_weekend_without_a_warehouse_all_cloud_services_are_billed() -> None:
    """8 h on 5 days leave 0.8 credits free there, 0.5 used; on 2 days 0.5 each: 1 a week × 730/168 = 4.345238 credits,
    × 2.00 = $8.690476. Spread over seven days alike, 40 / 7 h a day would leave 0.571 free and nothing to pay."""
    office = ReaderUse("dashboards", hours_per_day=Decimal(8), days_per_week=5)
    found = made(warehouses=(use(office),), cloud_services_per_day=Decimal("0.5"))
    assert amount(found, "snowflake.cloud_services") == Decimal("8.690476")
    assert line(found, "snowflake.cloud_services").how.startswith("2 days a week × 0.5 credits")


def test_without_any_warehouse_the_connectors_statements_are_billed() -> None:
    """24 a day of one task × 0.0001 credits × 730/24 days = 0.073 credits × 2.00 = $0.146; without traffic nothing."""
    found = made()
    assert amount(found, "snowflake.cloud_services") == Decimal("0.146")
    assert "snowflake.cloud_services" not in ids(made(bytes_per_second=NONE))


def test_the_estimate_of_statements_is_on_the_days_readers_work() -> None:
    """dbt on 5 days: 288 runs × 10 + 24 of the sink = 2,904 statements × 0.0001 = 0.2904 credits, free: 10 % of 6.4.
    On the other 2: 24 × 0.0001 = 0.0024 each, 0.0048 a week × 730/168 × 2.00 = $0.041714."""
    found = made(warehouses=(use(dbt(days_per_week=5)),))
    assert amount(found, "snowflake.cloud_services") == Decimal("0.041714")


# Storage


def test_rows_that_are_only_added_leave_nothing_behind() -> None:
    """30 d × 1 GB = 0.03 TB × 23.00 = $0.69, and no line for Time Travel."""
    found = made()
    assert amount(found, "snowflake.storage") == Decimal("0.69")
    assert "snowflake.storage_history" not in ids(found)


def test_rows_that_are_deleted_are_kept_by_time_travel_and_fail_safe() -> None:
    """90 d × 1 GB = 0.09 TB = $2.07. Each day's GB stays 1 + 7 days more: 0.008 TB = $0.184; in a transient schema
    1 day: $0.023; without Time Travel there nothing."""
    found = made(rows_kept_days=Decimal(90), rows_history_days=Decimal(8))
    assert amount(found, "snowflake.storage") == Decimal("2.07")
    assert amount(found, "snowflake.storage_history") == Decimal("0.184")
    transient = made(rows_kept_days=Decimal(90), rows_history_days=Decimal(1))
    assert amount(transient, "snowflake.storage_history") == Decimal("0.023")
    assert "snowflake.storage_history" not in ids(made(rows_kept_days=Decimal(90), rows_history_days=NONE))


def test_a_mart_that_every_run_writes_anew_is_kept_many_times() -> None:
    """5 GB × 288 runs a day × 8 d = 11,520 GB = 11.52 TB × 23.00 = $264.96, fifty times what the rows cost; the mart
    itself 0.005 TB = $0.115."""
    mart = Rewritten("dbt", 5 * 10**9, Decimal(288), 8)
    found = made(rewritten=(mart,))
    assert amount(found, "snowflake.storage_history") == Decimal("264.96")
    assert amount(found, "snowflake.storage_derived") == Decimal("0.115")


def test_dynamic_tables_are_a_share_of_the_rows_and_are_written_anew() -> None:
    """Rows 30 GB, a table of 10 %: 3 GB = $0.069. Incremental: written anew once a day × 8 d = 24 GB = $0.552.
    In full every hour: 3 GB × 24 × 8 d = 576 GB = $13.248."""
    incremental = made(rewritten=(Rewritten("A.B.T", None, None, 8),))
    assert amount(incremental, "snowflake.storage_derived") == Decimal("0.069")
    assert amount(incremental, "snowflake.storage_history") == Decimal("0.552")
    full = made(rewritten=(Rewritten("A.B.T", None, Decimal(24), 8),))
    assert amount(full, "snowflake.storage_history") == Decimal("13.248")


# Region, edition, monitors


def test_another_region_has_its_own_prices_and_the_way_there_is_aws_s() -> None:
    """An account in Frankfurt beside Kafka in us-east-1: a credit $2.60, a TB-month $24.50; 1 GB a day is
    28.32773 GiB a month × 0.02 = $0.566555."""
    found = made(snowflake_region="eu-central-1", warehouse_hours_per_day=Decimal(24))
    assert amount(found, "snowflake.warehouse") == 730 * Decimal("2.60")
    assert amount(found, "snowflake.storage") == Decimal("0.735")
    assert amount(found, "snowflake.transfer") == Decimal("0.566555")
    assert "snowflake.transfer" not in ids(made(snowflake_region="us-east-1"))


def test_a_region_nobody_has_is_an_error_that_names_the_key() -> None:
    its = environment(workload={"snowflake_region": "eu-middle-1"})
    with pytest.raises(PriceError, match="the price book knows nothing of region `eu-middle-1`") as caught:
        inputs_for(its, inputs().book)
    assert caught.value.where == "environments/e.yaml: workload.snowflake_region"


@pytest.mark.parametrize(("edition", "said"), [("standard", True), ("enterprise", True), ("business_critical", False)])
def test_an_edition_below_what_the_estate_needs_is_said(edition: str, said: bool) -> None:
    found = made(snowflake_edition=edition, needs_edition=("business_critical", "PrivateLink"))
    assert said == any("Snowflake Business Critical is needed for PrivateLink" in note for note in found.notes)


def test_a_monitor_that_would_stop_its_warehouses_is_said_with_the_day() -> None:
    """dbt: 194.6667 credits a month; 100 are used up after 100 / 194.6667 × 30.41667 = 15.6 days."""
    monitor = MonitorUse("M", Decimal(100), ("TRANSFORM_WH",))
    found = made(warehouses=(use(dbt()),), monitors=(monitor,))
    (note,) = [each for each in found.notes if "resource monitor" in each]
    assert note == (
        "the resource monitor M stops its warehouses at 100 credits a month; 194.67 are estimated, so that they would "
        "stand still from about day 16 on"
    )
    larger = MonitorUse("M", Decimal(200), ("TRANSFORM_WH",))
    assert not [each for each in made(warehouses=(use(dbt()),), monitors=(larger,)).notes if "monitor" in each]
    other = MonitorUse("M", Decimal(1), ("REPORTING_WH",))
    assert not [each for each in made(warehouses=(use(dbt()),), monitors=(other,)).notes if "monitor" in each]


def test_what_the_estate_has_and_no_workload_tells_is_named() -> None:
    its = environment(
        warehouse={
            "pipes": {"A.B.P": {"copy_statement": "COPY INTO A.B.T FROM @A.B.S"}},
            "tables": {"A.B.ORDERS": {"cluster_by": ["ID"]}},
        }
    )
    (note,) = [each for each in report(its).estimate.notes if each.startswith("not counted in Snowflake")]
    assert note == "not counted in Snowflake: files that 1 pipe loads; automatic clustering of A.B.ORDERS"


# All together


def test_low_expected_and_high_cost_in_that_order() -> None:
    from modules.cost.book import load_book
    from modules.cost.estimators.base import Inputs
    from modules.cost.usage import usage_of

    its = environment(
        workload={
            "ingress": "10GB/day", "readers": [DBT],
            "low": {"ingress": "1GB/day", "readers": [OFFICE]},
            "high": {"ingress": "1TB/day", "readers": [DBT, OFFICE], "rows_kept": "365d"},
        }
    )  # fmt: skip
    months = [usage_of(its, name) for name in ("low", "expected", "high")]
    costs = [
        total(snowflake.estimate(Inputs(each, load_book(), "us-east-1", Assumptions())).lines).least for each in months
    ]
    assert costs == sorted(costs)
    assert costs[0] < costs[1] < costs[2]


def test_the_report_says_that_the_readers_bill_is_the_warehouse() -> None:
    from modules.cost.words import caveats

    its = environment(workload={"ingress": "1GB/day", "readers": [DBT]})
    found = report(its)
    assert found.mostly_warehouse
    assert "the reader's bill is the warehouse, not the ingest: $389.33 against $0.23" in caveats(found)
    busy = report(environment(workload={"ingress": "1TB/day", "warehouse_hours_per_day": 1}))
    assert not busy.mostly_warehouse


def test_every_line_names_a_source_and_a_date_and_every_assumption_is_in_words() -> None:
    its: Environment = environment(
        "confluent",
        connect={"kind": "managed"},
        workload={"readers": [{**DBT, "rewrites": "1GB"}], "rows_kept": "30d", "cloud_services_per_day": 5},
    )
    for each in report(its).estimate.of("snowflake"):
        for price in each.prices:
            assert price.source.what
            assert price.source.read_date
    stated = Assumptions().stated()
    assert {name for name, _, _ in stated} == set(Assumptions.__dataclass_fields__)
    assert all(words and value is not None for _, value, words in stated)
