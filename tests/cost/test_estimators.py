"""Estimators as pure functions: sizing, monotony, exact sums, and what an unknown does to a total."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from modules.cost.book import PriceBook, Tier, load_book
from modules.cost.catalog import COMPARED, OPTIONS, estimate
from modules.cost.estimators import confluent, connector, msk, snowflake
from modules.cost.estimators.base import Inputs
from modules.cost.lines import total
from modules.cost.units import Unit
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


def test_compression_makes_what_is_kept_less_and_what_is_sent_the_same() -> None:
    usage = month(compression=Decimal("0.25"))
    assert usage.kept.amount == month().kept.amount / 4
    assert usage.data_in == month().data_in
    assert usage.kept.unit is Unit.GIB_MONTH
