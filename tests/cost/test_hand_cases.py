"""Cases computed by hand, with their arithmetic: tier boundaries, allowances, least units, no traffic, unknown prices.

A month has 730 h, which are 2,628,000 s; 1 GiB is 2^30 bytes. Each case is a whole environment, priced as `infra cost`
prices it, and looks at the lines its arithmetic is about.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from modules.cost.lines import Line, total
from modules.cost.report import report
from modules.environment.model import Environment

GIB = 2**30


def lines(platform: str, **sections: Any) -> dict[str, Line]:
    """The report's lines by id, for an environment with one topic that is carried into the warehouse."""
    text = {
        "name": "e",
        "source": "environments/e.yaml",
        "platform": platform,
        "topics": {"events": {"partitions": 6, "sink": {"table": "A.B.EVENTS"}}},
        "connect": {"kind": "managed"},
        **sections,
    }
    return {line.id: line for line in report(Environment.model_validate(text)).estimate.lines}


def cents(value: Decimal | None) -> Decimal:
    assert value is not None, "unknown"
    return value.quantize(Decimal("0.01"))


def test_1_basic_at_exactly_one_unit_is_free_and_one_byte_more_a_second_is_a_second_unit() -> None:
    """5 MB/s is what one eCKU takes in. Free: 1 × 730 h; the second: 730 × 0.14 = 102.20."""
    at = lines("confluent", workload={"ingress": "5000000B/s", "peak_to_mean": 1})
    over = lines("confluent", workload={"ingress": "5000001B/s", "peak_to_mean": 1})
    assert at["confluent.cluster"].amount == 0
    assert over["confluent.cluster"].amount == Decimal("102.20")
    # 5,000,000 × 2,628,000 s ÷ 2^30 = 12,237.578630… GiB × 0.05 = 611.878932
    assert at["confluent.in"].amount == Decimal("611.878932")
    # each byte a second more is 2,628,000 bytes a month: 0.00244751… GiB × 0.05 = 0.000122
    assert over["confluent.in"].amount == Decimal("611.879054")


def test_2_standard_beyond_25_mb_a_second_pays_two_units() -> None:
    """26 MB/s ÷ 25 → 2 eCKU × 0.75 × 730 = 1,095; in 26e6 × 2,628,000 ÷ 2^30 = 63,635.4089 GiB × 0.05 = 3,181.77;
    kept 1 d: 26e6 × 86,400 ÷ 2^30 = 2,092.1230 GiB × 3 copies × 0.08 = 502.11."""
    found = lines(
        "confluent",
        confluent={"tier": "standard"},
        workload={"ingress": "26MB/s", "retention": "1d", "peak_to_mean": 1},
    )  # fmt: skip
    assert found["confluent.cluster"].amount == 1095
    assert cents(found["confluent.in"].amount) == Decimal("3181.77")
    assert cents(found["confluent.storage"].amount) == Decimal("502.11")


@pytest.mark.parametrize(("schemas", "monthly"), [(1, "0"), (100, "0"), (101, "1.46"), (103, "4.38")])
def test_3_the_first_100_schemas_are_free(schemas: int, monthly: str) -> None:
    """Beyond 100, each 730 h × 0.002 = 1.46."""
    from modules.cost.estimators import confluent
    from tests.cost.support import inputs, month

    made = confluent.estimate(inputs(month(schemas=schemas)), "basic")
    (line,) = [each for each in made.lines if each.id == "confluent.governance"]
    assert line.amount == Decimal(monthly)


def test_4_serverless_without_traffic_costs_its_cluster_and_partitions() -> None:
    """0.75 × 730 = 547.50; topic and dead letters, 6 + 1 partitions × 0.0015 × 730 = 7.665; nothing for traffic."""
    found = lines("msk", msk={"mode": "serverless"}, workload={"ingress": "0B/day", "warehouse_hours_per_day": 0})
    assert found["msk.cluster"].amount == Decimal("547.50")
    assert found["msk.partitions"].quantity.amount == 7 * 730
    assert found["msk.partitions"].amount == Decimal("7.665")
    for name in ("msk.in", "msk.out", "msk.storage", "snowflake.ingest", "snowflake.storage", "snowflake.warehouse"):
        assert found[name].amount == 0, name


def test_5_dedicated_is_unknown_and_what_is_known_beside_it_is_a_lower_bound() -> None:
    """2 CKU by sales: nobody's 0. Known: an XS warehouse 2 h a day, 2 × 730/24 = 60.8333 h × 2.00 = 121.67."""
    found = lines("confluent", confluent={"tier": "dedicated", "cku": 2}, production=True)
    cluster = found["confluent.cluster"]
    assert (cluster.amount, cluster.low, cluster.high) == (None, None, None)
    assert cluster.quantity.amount == 2 * 730
    sums = total(found.values())
    assert sums.most is None, "nobody can say what it comes to at most"
    assert str(sums).startswith("≥ $")
    assert cents(found["snowflake.warehouse"].amount) == Decimal("121.67")


def test_6_freight_starts_at_two_units_and_keeps_one_copy_at_3_cents() -> None:
    """2 eCKU × 2.25 × 730 = 3,285. 1 GB/day for 30 d = 3e10 ÷ 2^30 = 27.9397 GiB × 0.03 = 0.84."""
    found = lines("confluent", confluent={"tier": "freight"}, workload={"ingress": "1GB/day", "retention": "30d"})
    assert found["confluent.cluster"].amount == 3285
    assert cents(found["confluent.storage"].amount) == Decimal("0.84")
    assert found["confluent.in"].amount is None
    assert found["confluent.out"].amount is None


def test_7_msk_connect_bills_workers_times_units_of_each_connector() -> None:
    """Two sinks × 2 workers × 2 MCU = 8 MCU × 730 h × 0.11 = 642.40."""
    topics = {name: {"partitions": 3, "sink": {"table": f"A.B.{name.upper()}"}} for name in ("orders", "clicks")}
    plugin = {"bucket": "acme-plugins", "key": "snowflake-kafka-connector-3.5.4.zip"}
    found = lines(
        "msk", topics=topics, connect={"kind": "managed", "plugin": plugin, "capacity": {"workers": 2, "mcu": 2}}
    )
    assert found["connect.mcu"].amount == Decimal("642.40")


def test_8_endpoint_data_crosses_both_tier_boundaries() -> None:
    """2 GiB/s in, read once: 2 × 2 × 2,628,000 = 10,512,000 GiB through PrivateLink.
    1,048,576 × 0.01 + (5,242,880 − 1,048,576) × 0.006 + (10,512,000 − 5,242,880) × 0.004
    = 10,485.76 + 25,165.824 + 21,076.48 = 56,728.064. Three zones: 3 × 730 × 0.01 = 21.90."""
    found = lines(
        "confluent",
        confluent={"tier": "enterprise"},
        network={"vpc_id": "vpc-1", "subnet_ids": ["subnet-1", "subnet-2", "subnet-3"], "clients": ["10.0.0.0/8"]},
        workload={"ingress": f"{2 * GIB}B/s"},
    )
    assert found["privatelink.data"].quantity.amount == 10_512_000
    assert found["privatelink.data"].amount == Decimal("56728.064")
    assert found["privatelink.endpoint"].amount == Decimal("21.90")


@pytest.mark.parametrize(
    ("gib", "dollars"),
    [
        (0, "0"),
        (1_048_576, "10485.76"),  # 2^20 × 0.01: all of the first tier
        (1_048_577, "10485.766"),  # and one GiB of the second
        (5_242_880, "35651.584"),  # + 4 × 2^20 × 0.006
        (5_242_881, "35651.588"),  # and one of the third
    ],
)
def test_9_one_gib_beyond_a_tier_costs_the_next_tiers_price(gib: int, dollars: str) -> None:
    from modules.cost.book import load_book
    from modules.cost.units import Quantity, Unit

    price = load_book().price("aws.endpoint.data", "us-east-1")
    assert price.cost(Quantity(Decimal(gib), Unit.GIB)) == Decimal(dollars)


def test_10_a_disk_is_never_smaller_than_its_least() -> None:
    """1 MB a day for a day is a thousandth of a GiB: Redpanda provisions 20 GiB a broker, 3 × 20 × 0.08 = 4.80, and
    MSK Standard 1 GiB, 3 × 1 × 0.10 = 0.30."""
    tiny = {"ingress": "1MB/day", "retention": "1d"}
    assert lines("redpanda", workload=tiny)["redpanda.disks"].amount == Decimal("4.80")
    assert lines("msk", workload=tiny)["msk.storage"].amount == Decimal("0.30")


def test_11_express_pays_for_one_copy_and_for_what_is_written() -> None:
    """3 × 0.408 × 730 = 893.52. 100 MB/s: 1e8 × 2,628,000 ÷ 2^30 = 244,751.5726 GiB × 0.01 = 2,447.52.
    2 d kept: 1e8 × 172,800 ÷ 2^30 = 16,093.2541 GiB × 0.10 = 1,609.33."""
    found = lines("msk", msk={"mode": "express"}, workload={"ingress": "100MB/s", "retention": "2d"})
    assert found["msk.brokers"].amount == Decimal("893.52")
    assert cents(found["msk.in"].amount) == Decimal("2447.52")
    assert cents(found["msk.storage"].amount) == Decimal("1609.33")


def test_12_business_critical_in_frankfurt() -> None:
    """Storage 24.50 a TB: 1 GB/day × 30 d = 0.03 TB × 24.50 = 0.735. A credit is 5.20 there: an XS for 24 h a day
    730 × 1 × 5.20 = 3,796. Ingest: 1e9 ÷ 86,400 × 2,628,000 = 30.41666… GB × 0.0037 × 5.20 = 0.585217."""
    found = lines(
        "msk",
        msk={"region": "eu-central-1"},
        workload={"ingress": "1GB/day", "warehouse_hours_per_day": 24, "snowflake_edition": "business_critical"},
    )
    assert found["snowflake.warehouse"].amount == 3796
    assert found["snowflake.storage"].amount == Decimal("0.735")
    assert found["snowflake.ingest"].amount == Decimal("0.585217")
    assert found["msk.brokers"].amount is None, "us-east-1's price is not Frankfurt's"


def test_13_nat_gateways_are_one_a_zone_in_production() -> None:
    """3 × 0.045 × 730 = 98.55, each with an address: 3 × 0.005 × 730 = 10.95."""
    found = lines("msk", production=True)
    assert found["network.nat"].amount == Decimal("98.55")
    assert found["network.nat_addresses"].amount == Decimal("10.95")


def test_14_a_reader_that_comes_every_five_minutes_pays_a_minute_each_time() -> None:
    """288 runs a day of 1 s and no idle time are billed 60 s each: 288 × 60 ÷ 3,600 = 4.8 h a day, × 730/24 = 146 h,
    × 1 credit × 2.00 = 292. Idle for 60 s after each, 61 s: 4.88 h a day, 148.4333 h = 296.87."""

    def warehouse(idle: str) -> Decimal | None:
        found = lines(
            "msk",
            warehouse={"auto_suspend": idle},
            workload={"readers": [{"name": "dbt", "warehouse": "STREAMING_WH", "every": "5m", "takes": "1s"}]},
        )
        (line,) = [line for name, line in found.items() if name.startswith("snowflake.warehouse")]
        return line.amount

    assert cents(warehouse("60s")) == Decimal("296.87")
    from modules.cost.warehouse_hours import ReaderUse

    reader = ReaderUse("dbt", every=Decimal(300), takes=Decimal(1))
    assert reader.billed_seconds(Decimal(0)) / 3600 == Decimal("4.8")


def test_15_a_gen2_warehouse_takes_1_35_times_the_credits() -> None:
    """A MEDIUM for 10 h a day: 10 × 730/24 = 304.1667 h × 4 × 1.35 = 1,642.5 credits × 3.00 = 4,927.50."""
    found = lines(
        "msk",
        warehouse={"size": "MEDIUM"},
        workload={"warehouse_hours_per_day": 10, "warehouse_generation": 2, "snowflake_edition": "enterprise"},
    )
    assert found["snowflake.warehouse"].amount == Decimal("4927.50")


def test_16_a_peak_is_billed_for_its_hours_alone() -> None:
    """Basic at 4 MB/s, 12 at the peak: 1 eCKU at the mean, 3 at the peak for 4 h a day, 4 × 730/24 = 121.67, so 122 h:
    (730 − 122) × 1 + 122 × 3 = 974 eCKU-hours, 730 free, 244 × 0.14 = 34.16."""
    found = lines("confluent", workload={"ingress": "4MB/s", "peak_to_mean": 3})
    assert found["confluent.cluster"].quantity.amount == 974
    assert found["confluent.cluster"].amount == Decimal("34.16")


def test_17_classic_streaming_pays_for_the_hours_of_its_client() -> None:
    """Confluent's managed sink, one task: 730 h × 0.01 credit × 2.00 = 14.60, whatever it carries; the compute beside
    it is published by nobody, and so unknown."""
    found = lines("confluent", workload={"ingress": "1GB/day"})
    (clients,) = [line for line in found.values() if line.price.id == "snowflake.ingest.classic.client"]
    assert clients.amount == Decimal("14.60")
    assert found["snowflake.ingest_compute"].amount is None


def test_18_disks_with_more_iops_than_come_with_them() -> None:
    """Three of Redpanda's disks as a stack would have them, 500 GiB with 6,000 IOPS: 3 × 500 × 0.08 = 120 and
    3 × (6,000 − 3,000) × 0.005 = 45."""
    from modules.cost.book import load_book
    from modules.cost.resources import price_resources
    from modules.cost.resources.documents import parse_document

    disk = {"type": "gp3", "size": 500, "iops": 6000, "for_each": '${toset(["1", "2", "3"])}'}
    stack = {"resource": {"aws_ebs_volume": {"broker": disk}}}
    found = price_resources([parse_document(stack, "cluster.tf.json")], load_book())
    assert [line.amount for line in found.lines] == [40, 15] * 3
    assert found.total.known == 165


@pytest.mark.parametrize(
    ("gib", "dollars"),
    [
        (100, "0"),  # free
        (101, "0.09"),
        (10_240, "912.60"),  # (10,240 − 100) × 0.09
        (10_241, "912.685"),  # one more at 0.085
        (51_201, "4394.27"),  # 912.60 + 40,960 × 0.085 + 1 × 0.07
    ],
)
def test_19_the_way_out_to_the_internet_has_an_allowance_and_steps(gib: int, dollars: str) -> None:
    from modules.cost.book import load_book
    from modules.cost.units import Quantity, Unit

    price = load_book().price("aws.internet.out", "us-east-1")
    assert price.cost(Quantity(Decimal(gib), Unit.GIB)) == Decimal(dollars)
