"""Estimators as pure functions: sizing, monotony, exact sums, and what an unknown does to a total."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from modules.cost.book import PriceBook, Tier, load_book
from modules.cost.catalog import COMPARED, OPTIONS, estimate, moved, prepare
from modules.cost.estimators import confluent, connector, msk, snowflake
from modules.cost.estimators.base import Inputs
from modules.cost.lines import total
from modules.cost.units import Quantity, Unit
from modules.cost.usage import Usage, usage_of
from modules.environment.confluent_facts import TIERS
from modules.environment.confluent_facts import Tier as ConfluentTier
from modules.environment.model import Environment
from modules.errors import PriceError
from tests.cost.support import MIB, inputs, month

SINKS = {"platform": "msk", "name": "e", "source": "environments/e.yaml"}


def environment(**changes: object) -> Environment:
    return Environment.model_validate({**SINKS, **changes})


@pytest.mark.parametrize("tier", list(TIERS))
def test_no_estimate_of_confluent_has_an_unknown_that_counts_as_0(tier: ConfluentTier) -> None:
    made = confluent.estimate(inputs(), tier)
    for line in made.lines:
        if not line.price.known:
            assert line.amount is None
    assert total(made.lines).exact is (tier in ("basic", "standard", "enterprise"))


@pytest.mark.parametrize(
    ("tier", "mb_in", "mb_out", "partitions", "units"),
    [
        ("basic", "0", "0", 0, 1),
        ("basic", "5", "15", 30, 1),
        ("basic", "5.1", "0", 1, 2),
        ("basic", "1", "16", 1, 2),
        ("basic", "1", "1", 31, 2),
        ("standard", "25", "75", 250, 1),
        ("standard", "26", "0", 1, 2),
        ("freight", "1", "1", 1, 2),
    ],
)
def test_ecku_follow_the_limit_that_is_reached_first(
    tier: ConfluentTier, mb_in: str, mb_out: str, partitions: int, units: int
) -> None:
    found, _ = confluent.units_for(tier, Decimal(mb_in) * 10**6, Decimal(mb_out) * 10**6, partitions)
    assert found == units


def test_the_second_ecku_of_basic_is_billed() -> None:
    made = confluent.estimate(inputs(month(partitions=31)), "basic")
    assert made.lines[0].amount == Decimal("102.2")  # 2 × 730 − 730 free, × 0.14


def test_ecku_of_a_peak_are_billed_for_its_whole_hours() -> None:
    """5 MB/s with peaks of 15: 1 eCKU, and 3 for 4 of 24 h: 730 × 4/24 = 121.67, 122 whole hours.
    608 × 1 + 122 × 3 = 974 eCKU-hours, of which 730 are free: 244 × 0.14 = 34.16."""
    usage = month(bytes_per_second=Decimal(5 * 10**6), peak_to_mean=Decimal(3))
    cluster = confluent.estimate(inputs(usage), "basic").lines[0]
    assert cluster.quantity.amount == 974
    assert cluster.amount == Decimal("34.16")
    assert (cluster.basis, cluster.what) == ("usage", "1 eCKU, 3 at peaks")
    assert "× 608 h + 3 eCKU (15.00 MB/s in at 5 a unit) × 122 h" in cluster.how


def test_ckus_are_sized_for_the_peak_all_month() -> None:
    usage = month(bytes_per_second=Decimal(50 * 10**6), peak_to_mean=Decimal(3))  # 150 MB/s at 60 a unit
    assert confluent.estimate(inputs(usage), "dedicated").lines[0].quantity.amount == 3 * 730
    assert confluent.estimate(inputs(usage), "dedicated", 2).lines[0].quantity.amount == 2 * 730


def test_high_availability_is_two_ecku_at_least_and_max_ecku_ends_them() -> None:
    def cluster(usage: Usage, **its: object) -> Decimal:
        made = environment(platform="confluent", confluent={"tier": "standard", **its})
        found = estimate(OPTIONS["confluent-standard"], inputs(usage), made)
        return next(line.quantity.amount for line in found.lines if line.id == "confluent.cluster")

    assert cluster(month()) == 730
    assert cluster(month(), availability="high") == 2 * 730
    fast = month(bytes_per_second=Decimal(100 * 10**6), peak_to_mean=Decimal(2))
    assert cluster(fast) == 608 * 4 + 122 * 8
    assert cluster(fast, max_ecku=5) == 608 * 4 + 122 * 5


def test_the_101st_schema_is_billed() -> None:
    def governance(schemas: int) -> Decimal | None:
        made = confluent.estimate(inputs(month(schemas=schemas)), "basic")
        return next(line.amount for line in made.lines if line.id == "confluent.governance")

    assert governance(100) == 0
    assert governance(101) == Decimal("1.46")  # 730 × 0.002


def test_provisioned_disks_have_the_stated_headroom_in_whole_gib() -> None:
    made = msk.estimate_standard(inputs(headroom="1.3"), "kafka.m7g.large", 3)
    storage = made.lines[1]
    assert storage.quantity.amount == 3 * 768  # 590.625 × 1.3 = 767.8
    assert "1.3 headroom" in storage.how


def test_a_disk_the_environment_gives_is_priced_as_given() -> None:
    made = msk.estimate_standard(inputs(), "kafka.m7g.large", 3, given_bytes=100 * 2**30)
    assert made.lines[1].amount == 30
    assert made.lines[1].basis == "fixed"


def test_a_broker_type_the_book_lacks_is_an_error_with_the_ones_it_has() -> None:
    with pytest.raises(PriceError) as caught:
        msk.estimate_standard(inputs(), "kafka.m9z.large", 3)
    assert "kafka.m7g.large" in str(caught.value.do)


def test_the_managed_connector_of_confluent_is_unknown_within_a_range() -> None:
    made = connector.estimate(inputs(month(connector_tasks=2)), "confluent", "managed")
    task = made.lines[0]
    assert task.amount is None
    assert (task.low, task.high) == (Decimal("24.82"), Decimal(438))  # 2 × 730 × 0.017 and × 0.30
    found = total(made.lines)
    assert not found.exact
    assert str(found).startswith("≥ ")
    assert found.most is not None
    assert found.most - found.least == Decimal("413.18")


def test_a_workload_without_a_sink_has_no_connector() -> None:
    assert connector.estimate(inputs(month(sink_share=Decimal(0))), "msk", "managed").lines == ()


@pytest.mark.parametrize("name", COMPARED)
def test_nothing_costs_less_when_there_is_more_of_it(name: str) -> None:
    """Traffic, fan-out, retention, partitions, tasks and warehouse hours, each raised by a random factor."""
    option, seed = OPTIONS[name], random.Random(name)

    def cost(usage: Usage) -> Decimal:
        return total(estimate(option, inputs(usage, headroom="1.3"), environment()).lines).least

    raises: list[Callable[[Usage, int], Usage]] = [
        lambda usage, by: usage.times(by),
        lambda usage, by: replace(usage, fan_out=usage.fan_out * by),
        lambda usage, by: replace(usage, retention_days=usage.retention_days * by),
        lambda usage, by: replace(usage, partitions=usage.partitions * by),
        lambda usage, by: replace(usage, connector_tasks=usage.connector_tasks * by),
        lambda usage, by: replace(usage, warehouse_hours_per_day=min(Decimal(24), usage.warehouse_hours_per_day * by)),
    ]
    for _ in range(40):
        usage = month(
            bytes_per_second=MIB * seed.randrange(1, 5000) / 1000,
            retention_days=Decimal(seed.randrange(1, 60)),
            warehouse_hours_per_day=Decimal(seed.randrange(0, 25)),
            schemas=seed.randrange(0, 3),
        )
        for more in raises:
            assert cost(more(usage, seed.randrange(2, 9))) >= cost(usage)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_prepared_bill_of_another_month_is_that_months_estimate(name: str) -> None:
    """Lines, words and notes; what is made once for all months must not depend on the month it was made with."""
    option, its = OPTIONS[name], environment()
    bill = prepare(option, inputs(headroom="1.3"), its)
    seed = random.Random(name)
    for _ in range(20):
        usage = month(
            bytes_per_second=MIB * seed.randrange(0, 90_000) / 1000,
            fan_out=Decimal(seed.randrange(0, 9)),
            peak_to_mean=Decimal(seed.randrange(1, 5)),
            partitions=seed.randrange(1, 4000),
            schemas=seed.randrange(0, 200),
            connector_tasks=seed.randrange(1, 9),
            sink_share=Decimal(seed.randrange(0, 2)),
        )
        again, fresh = bill(usage), prepare(option, inputs(usage, headroom="1.3"), its)(usage)
        assert again.lines == fresh.lines
        assert [(line.how, line.note, line.what) for line in again.lines] == [
            (line.how, line.note, line.what) for line in fresh.lines
        ]
        assert again.notes == fresh.notes


@pytest.mark.parametrize("name", OPTIONS)
def test_words_of_a_month_are_made_when_they_are_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep's points cost numbers alone: no quantity is written out."""

    def written(_: Quantity) -> str:
        raise AssertionError("a quantity was written out")

    its = environment(topics={"orders": {"sink": {"table": "A.B.C"}}})
    bill = OPTIONS[name].prepare(inputs(), moved(its, OPTIONS[name]))
    bill(month())  # what looks at a part of the month alone is made with the first, words and all
    monkeypatch.setattr(Quantity, "__str__", written)
    made = bill(month(bytes_per_second=MIB * 3))
    with pytest.raises(AssertionError, match="written out"):
        _ = [line.how for line in made.lines]


@pytest.mark.parametrize("name", OPTIONS)
def test_lines_sum_to_the_total_exactly(name: str) -> None:
    made = estimate(OPTIONS[name], inputs(headroom="1.3"), environment())
    known = [line.amount for line in made.lines if line.amount is not None]
    assert total(made.lines).known == sum(known)
    split = [total(made.of(group)).known for group in ("kafka", "connect", "snowflake")]
    assert sum(split) == total(made.lines).known
    assert len({line.id for line in made.lines}) == len(made.lines)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_line_names_a_source_and_a_date(name: str) -> None:
    for line in estimate(OPTIONS[name], inputs(headroom="1.3"), environment()).lines:
        for price in line.prices:
            assert price.source.what
            assert price.source.read_date
        assert line.formula.endswith("a month") or "unknown" in line.formula


def test_changing_a_price_changes_only_the_lines_that_use_it() -> None:
    book = load_book()
    dearer = PriceBook(
        tuple(
            replace(price, tiers=(Tier(price.tiers[0].price * 2),)) if price.id == "msk.storage" else price
            for price in book.prices
        )
    )
    before = estimate(OPTIONS["msk"], Inputs(month(), book, "us-east-1"), environment()).lines
    after = estimate(OPTIONS["msk"], Inputs(month(), dearer, "us-east-1"), environment()).lines
    changed = [new.id for old, new in zip(before, after, strict=True) if old.amount != new.amount]
    assert changed == ["msk.storage"]


def test_without_traffic_only_what_is_fixed_is_left() -> None:
    made = snowflake.estimate(inputs(month(bytes_per_second=Decimal(0), warehouse_hours_per_day=Decimal(0))))
    assert total(made.lines).known == 0
    assert total(made.lines).exact


def test_a_region_without_a_credit_price_makes_snowflake_unknown() -> None:
    made = snowflake.estimate(inputs(region="sa-east-1"))
    assert {line.amount for line in made.lines} == {None}


def test_usage_takes_the_longest_retention_and_counts_dead_letters() -> None:
    made = environment(
        topics={
            "orders": {"partitions": 6, "retention": "30d", "sink": {"table": "A.B.C"}},
            "clicks": {"partitions": 12, "retention": "7d"},
        },
        workload={"ingress": "1GB/day"},
    )
    usage = usage_of(made)
    assert usage.retention_days == 30
    assert usage.partitions == 6 + 1 + 12
    assert usage.bytes_in == pytest.approx(Decimal(10**9) * 730 / 24)


def test_the_workloads_own_retention_comes_first() -> None:
    made = environment(topics={"orders": {"retention": "30d"}}, workload={"retention": "12h"})
    assert usage_of(made).retention_days == Decimal("0.5")


def test_compression_makes_what_is_sent_read_and_kept_less_and_what_snowflake_bills_the_same() -> None:
    usage = month(compression=Decimal("0.25"))
    assert usage.kept.amount == month().kept.amount / 4
    assert usage.data_in.amount == month().data_in.amount / 4
    assert usage.data_out.amount == month().data_out.amount / 4
    assert usage.bytes_sunk == month().bytes_sunk
    assert usage.kept.unit is Unit.GIB_MONTH


def amounts(option: str, **changes: object) -> dict[str, Decimal | None]:
    made = estimate(OPTIONS[option], inputs(headroom="1.3"), environment(**changes))
    return {line.id: line.amount for line in made.lines}


def test_stream_governance_advanced_is_730_dollars_and_more_schemas_than_are_free_in_essentials_unknown() -> None:
    confluent_with = {"platform": "confluent", "confluent": {"stream_governance": "advanced"}}
    assert amounts("confluent-basic", **confluent_with)["confluent.package"] == 730
    assert "confluent.package" not in amounts("confluent-basic", platform="confluent")
    few = confluent.estimate(inputs(month(schemas=100)), "basic", advanced=True)
    many = confluent.estimate(inputs(month(schemas=101)), "basic", advanced=True)
    assert [each.lines[-1].amount for each in (few, many)] == [0, None]


def test_confluents_keys_are_secrets_where_secrets_manager_keeps_them_and_applications_add_theirs() -> None:
    def count(**changes: object) -> Decimal | None:
        return amounts("confluent-basic", platform="confluent", **changes).get("aws.secrets")

    assert count() is None  # files, outside production
    assert count(production=True) == Decimal("2.4")  # 6 × 0.40
    application = {"billing": {"consumes": ["orders"]}}
    topics: dict[str, object] = {"orders": {}}
    assert count(production=True, topics=topics, applications=application) == Decimal("2.8")


@pytest.mark.parametrize(
    ("changes", "gateways", "endpoints"),
    [
        ({}, 1, 0),
        ({"production": True}, 3, 0),
        ({"production": True, "network": {"zones": 2}}, 2, 0),
        ({"msk": {"registry": {"kind": "glue"}}}, 0, 0),
        ({"network": {"vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "clients": ["10.0.0.0/8"]}}, 0, 0),
        ({"msk": {"registry": {"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/apicurio:3.3.3"}}}, 0, 12),
    ],
)
def test_the_way_out_of_the_vpc_is_what_runs_in_it_needs(
    changes: dict[str, object], gateways: int, endpoints: int
) -> None:
    found = amounts("msk", **changes)
    assert found.get("network.nat", 0) == gateways * 730 * Decimal("0.045")
    assert found.get("network.nat_addresses", 0) == gateways * 730 * Decimal("0.005")
    assert found.get("network.endpoints", 0) == endpoints * 730 * Decimal("0.01")


def test_apicurios_database_costs_twice_with_a_standby_and_an_unknown_class_is_unknown() -> None:
    assert amounts("msk")["registry.database"] == Decimal("11.68")  # 730 × 0.016
    assert amounts("msk", production=True)["registry.database"] == Decimal("94.9")  # 2 × 730 × 0.065
    other = amounts("msk", msk={"registry": {"database": "db.r8g.large"}})
    assert other["registry.database"] is None


def test_redpandas_machine_is_the_one_of_the_yaml_and_an_unknown_one_is_unknown() -> None:
    def instances(**its: object) -> Decimal | None:
        return amounts("redpanda-ec2", platform="redpanda", redpanda=its)["redpanda.instances"]

    assert instances() == Decimal("178.704")  # 3 × 730 × 0.0816
    assert instances(instance_type="c7g.xlarge") == Decimal("317.55")  # 3 × 730 × 0.145
    assert instances(instance_type="r8g.large") == Decimal("258.0258")  # 3 × 730 × 0.11782
    assert instances(instance_type="x8g.large") is None
    assert instances(vcpu=16, memory="64GiB", brokers=1) == Decimal("476.544")  # 730 × 0.6528, m7g.4xlarge


def test_one_broker_keeps_one_copy_and_sends_none() -> None:
    found = amounts("redpanda-ec2", platform="redpanda", redpanda={"brokers": 1, "storage_per_broker": "50GiB"})
    assert found["redpanda.disks"] == 4  # 50 × 0.08
    assert "redpanda.copies" not in found


def test_an_environment_is_compared_with_its_own_settings_on_its_own_platform_only() -> None:
    its = environment(msk={"broker_type": "kafka.m7g.2xlarge", "brokers": 6})
    assert moved(its, OPTIONS["msk"]) is its
    express = moved(its, OPTIONS["msk-express"])
    assert (express.msk.mode, express.msk.broker_type, express.msk.brokers) == ("express", "express.m7g.large", 6)
    there = moved(its, OPTIONS["redpanda-fargate"])
    assert (there.platform, there.redpanda.compute, there.production) == ("redpanda", "fargate", False)
    back = moved(environment(platform="redpanda"), OPTIONS["msk-serverless"])
    assert (back.msk.mode, back.msk.login) == ("serverless", "iam")
