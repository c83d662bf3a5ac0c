"""What must hold of every option whatever the workload: more never costs less, sums are exact, units never mix.

Unknown amounts are compared by the least they can come to. The examples are the same in every run.
"""

from __future__ import annotations

import itertools
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modules.cost.book import load_book
from modules.cost.catalog import OPTIONS, estimate
from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, total
from modules.cost.units import Quantity, Unit
from modules.cost.usage import usage_of
from modules.environment.model import Environment

BOOK = load_book()
REGION = "us-east-1"
TRIES = settings(max_examples=15, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

GROWING: dict[str, tuple[Any, ...]] = {
    "bytes a day": (0, 1, 10**6, 10**9, 3 * 10**9, 10**11, 7 * 10**11, 10**13),
    "hours kept": (1, 24, 72, 168, 720, 8760),
    "partitions": (1, 6, 30, 31, 250, 251, 1500, 5000),
    "brokers": (3, 6, 9, 30),
    "warehouse hours": (0, 1, 2, 7, 24),
    "read per byte": (0, 1, 2, 5, 40),
    "tasks": (1, 2, 3, 8),
    "peak to mean": (1, 2, 3, 10),
    "cloud services": (0, 1, 3, 50),
}
"""What a workload has more or less of; brokers by whole zones, cloud services in credits a day."""

READERS: dict[str, tuple[int, ...]] = {
    "runs a day": (1, 24, 96, 288, 1440),
    "seconds a run": (1, 20, 59, 60, 61, 600),
    "seconds idle before a warehouse sleeps": (60, 61, 300, 600),
    "hours at work": (1, 8, 24),
    "days a week": (1, 5, 7),
}

workloads = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in GROWING.items()})
options = pytest.mark.parametrize("option", list(OPTIONS))


@cache
def environment(
    option: str,
    brokers: int,
    partitions: int,
    tasks: int,
    per_day: int,
    kept: int,
    hours: int,
    read: int,
    peak: int,
    services: int,
) -> Environment:
    """An environment that is on this option, with one topic that is carried into the warehouse."""
    its = OPTIONS[option]
    section: dict[str, Any] = {
        "confluent": {"tier": its.mode},
        "msk": {"mode": its.mode, "brokers": brokers},
        "redpanda": {"compute": its.mode, "brokers": brokers},
    }[its.platform]
    return Environment.model_validate(
        {
            "name": "e",
            "source": "environments/e.yaml",
            "platform": its.platform,
            its.platform: section,
            "topics": {"events": {"partitions": partitions, "sink": {"table": "A.B.EVENTS"}}},
            "connect": {"tasks": tasks},
            "workload": {
                "ingress": f"{per_day}B/day",
                "retention": f"{kept}h",
                "warehouse_hours_per_day": hours,
                "fan_out": read,
                "peak_to_mean": peak,
                "cloud_services_per_day": services,
            },
        }
    )


def priced(option: str, workload: dict[str, Any]) -> Estimate:
    its = environment(
        option, workload["brokers"], workload["partitions"], workload["tasks"], workload["bytes a day"],
        workload["hours kept"], workload["warehouse hours"], workload["read per byte"],
        workload["peak to mean"], workload["cloud services"],
    )  # fmt: skip
    return estimate(OPTIONS[option], Inputs(usage_of(its), BOOK, REGION), its)


@pytest.mark.parametrize("what", list(GROWING))
@options
@TRIES
@given(workloads, st.data())
def test_more_never_costs_less(option: str, what: str, workload: dict[str, Any], data: st.DataObject) -> None:
    less, more = sorted(data.draw(st.tuples(st.sampled_from(GROWING[what]), st.sampled_from(GROWING[what]))))
    small, large = priced(option, {**workload, what: less}), priced(option, {**workload, what: more})
    assert total(small.lines).least <= total(large.lines).least
    assert total(small.lines).known <= total(large.lines).known


@pytest.mark.parametrize("what", list(READERS))
@TRIES
@given(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in READERS.items()}), st.data())
def test_readers_that_do_more_never_cost_less(what: str, reader: dict[str, int], data: st.DataObject) -> None:
    less, more = sorted(data.draw(st.tuples(st.sampled_from(READERS[what]), st.sampled_from(READERS[what]))))
    small, large = (_read_by({**reader, what: value}) for value in (less, more))
    assert small <= large


@cache
def _reading(every: int, takes: int, idle: int, hours: int, days: int) -> Decimal:
    reader = {
        "name": "dbt", "warehouse": "STREAMING_WH", "every": f"{every}s", "takes": f"{takes}s",
        "hours_per_day": hours, "days_per_week": days,
    }  # fmt: skip
    its = Environment.model_validate(
        {
            "name": "e",
            "source": "environments/e.yaml",
            "platform": "msk",
            "topics": {"events": {"sink": {"table": "A.B.EVENTS"}}},
            "warehouse": {"auto_suspend": f"{idle}s"},
            "workload": {"readers": [reader], "cloud_services_per_day": 1},
        }
    )
    made = estimate(OPTIONS["msk"], Inputs(usage_of(its), BOOK, REGION), its)
    return total(made.of("snowflake")).least


def _read_by(reader: dict[str, int]) -> Decimal:
    return _reading(
        86_400 // reader["runs a day"], reader["seconds a run"], reader["seconds idle before a warehouse sleeps"],
        reader["hours at work"], reader["days a week"],
    )  # fmt: skip


@options
@TRIES
@given(workloads, st.randoms(use_true_random=False))
def test_lines_sum_to_the_total_exactly_in_any_order(option: str, workload: dict[str, Any], dice: Any) -> None:
    lines = list(priced(option, workload).lines)
    whole = total(lines)
    assert whole.known == sum((line.amount for line in lines if line.amount is not None), Decimal(0))
    assert whole.unknown == sum(1 for line in lines if line.amount is None)
    cut = dice.randrange(len(lines) + 1)
    dice.shuffle(lines)
    parts = total(lines[:cut]), total(lines[cut:])
    assert parts[0].known + parts[1].known == whole.known
    assert parts[0].least + parts[1].least == whole.least


@options
@TRIES
@given(workloads)
def test_what_is_billed_is_never_negative_and_usage_without_traffic_of_its_own_is_nothing(
    option: str, workload: dict[str, Any]
) -> None:
    for line in priced(option, workload).lines:
        assert line.quantity.amount >= 0, line.id
        assert line.amount is None or line.amount >= 0, line.id
        assert line.low is None or line.high is None or line.low <= line.high, line.id
        if not line.quantity.amount:
            assert not line.amount, line.id


@options
@TRIES
@given(workloads, st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_a_month_in_parts_costs_what_the_month_costs(option: str, workload: dict[str, Any], parts: list[int]) -> None:
    """Each line whose price has no tiers and so no allowance: any split of its quantity costs the same in all."""
    for line in priced(option, workload).lines:
        price = line.price
        if len(price.tiers) != 1:
            continue
        # A grid of thousandths of the month keeps every part exact, where a division would not be.
        grain = line.quantity.amount.quantize(Decimal("0.001"))
        split = [Quantity(grain * part, line.quantity.unit) for part in parts]
        summed = sum((price.cost(part) or Decimal(0) for part in split), Decimal(0))
        assert summed == price.cost(Quantity(grain * sum(parts), line.quantity.unit)), line.id


@pytest.mark.parametrize(
    "price",
    [price for price in BOOK.prices if len(price.tiers) > 1],
    ids=lambda price: f"{price.id}@{price.regions[0]}",
)
@TRIES
@given(st.data())
def test_a_tiered_price_rises_and_never_by_more_than_its_dearest_tier(price: Any, data: st.DataObject) -> None:
    edges = [tier.up_to for tier in price.tiers if tier.up_to is not None]
    amounts = st.decimals(0, max(edges) * 3, places=3)
    low, high = sorted(data.draw(st.tuples(amounts, amounts)))
    cost = [price.cost(Quantity(each, price.unit)) for each in (low, high)]
    assert 0 <= cost[1] - cost[0] <= (high - low) * max(tier.price for tier in price.tiers)


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(Unit, 2))[::7])
def test_two_units_never_add_up(one: Unit, other: Unit) -> None:
    with pytest.raises(TypeError, match="cannot add"):
        _ = Quantity(Decimal(1), one) + Quantity(Decimal(1), other)


def test_a_price_takes_its_own_unit_alone() -> None:
    for price in BOOK.prices:
        for unit in Unit:
            quantity = Quantity(Decimal(2), unit)
            if unit is price.unit:
                price.cost(quantity)
                continue
            with pytest.raises(TypeError, match="is priced per"):
                price.cost(quantity)
            with pytest.raises(TypeError, match="is priced per"):
                price.bounds(quantity)


@pytest.mark.parametrize("other", [1, Decimal(1), "1 GiB", None])
def test_a_quantity_never_adds_to_something_without_a_unit(other: Any) -> None:
    with pytest.raises(TypeError, match="cannot add"):
        _ = Quantity(Decimal(1), Unit.GIB) + other
