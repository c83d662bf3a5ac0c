"""The worked case: 1 MiB/s in, 1× out, 7 days kept, 6 partitions, 730 h; its arithmetic is beside each figure.

1 MiB/s × 730 h × 3600 s = 2,628,000 MiB = 2,566.40625 GiB a month; 7 d × 86,400 s = 604,800 MiB = 590.625 GiB kept.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from modules.cost.book import PriceBook, Tier, load_book
from modules.cost.estimators import confluent, msk, redpanda, snowflake
from modules.cost.lines import Estimate, Line, total
from modules.cost.units import Unit
from tests.cost.support import inputs, month

TWO, EIGHT = Decimal(2), Decimal(8)


def amount(estimate: Estimate, name: str) -> Decimal:
    found = next(each for each in estimate.lines if each.id == name)
    assert found.amount is not None, f"{name} is unknown"
    return found.amount


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


def lines_of(estimate: Estimate, *names: str) -> list[Line]:
    return [each for each in estimate.lines if each.id in names]


def test_the_month_is_2566_gib_in_and_591_gib_kept() -> None:
    assert month().data_in.amount == Decimal("2566.40625")
    assert month().data_in.unit is Unit.GIB
    assert month().kept.amount == Decimal("590.625")


def test_confluent_basic_is_398() -> None:
    made = confluent.estimate(inputs(), "basic")
    assert amount(made, "confluent.cluster") == 0  # one eCKU is free
    assert cents(amount(made, "confluent.in")) == Decimal("128.32")  # 2566.40625 × 0.05
    assert cents(amount(made, "confluent.out")) == Decimal("128.32")
    assert cents(amount(made, "confluent.storage")) == Decimal("141.75")  # 590.625 × 3 × 0.08
    assert cents(total(made.lines).known) == Decimal("398.39")


def test_confluent_standard_is_946() -> None:
    made = confluent.estimate(inputs(), "standard")
    assert amount(made, "confluent.cluster") == Decimal("547.5")  # 1 eCKU × 0.75 × 730
    assert cents(total(made.lines).known) == Decimal("945.89")  # 547.50 + 2 × 128.32 + 141.75


def test_three_m7g_large_are_624() -> None:
    made = msk.estimate_standard(inputs(), "kafka.m7g.large", 3)
    assert amount(made, "msk.brokers") == Decimal("446.76")  # 3 × 0.204 × 730
    # 590.625 GiB × 3 copies ÷ 3 brokers, in whole GiB: 3 × 591 × 0.10; what is kept alone would be 177.19.
    assert amount(made, "msk.storage") == Decimal("177.3")
    assert abs(total(made.lines).known - 624) < 1


def test_express_is_978() -> None:
    made = msk.estimate_express(inputs(), "express.m7g.large", 3)
    assert amount(made, "msk.brokers") == Decimal("893.52")  # 3 × 0.408 × 730
    assert cents(amount(made, "msk.in")) == Decimal("25.66")  # 2566.40625 × 0.01
    assert cents(amount(made, "msk.storage")) == Decimal("59.06")  # 590.625 × 0.10, one copy
    assert cents(total(made.lines).known) == Decimal("978.25")


def test_serverless_is_998() -> None:
    made = msk.estimate_serverless(inputs())
    assert amount(made, "msk.cluster") == Decimal("547.5")  # 0.75 × 730
    assert amount(made, "msk.partitions") == Decimal("6.57")  # 6 × 0.0015 × 730
    assert cents(amount(made, "msk.in")) == Decimal("256.64")  # 2566.40625 × 0.10
    assert cents(amount(made, "msk.out")) == Decimal("128.32")  # × 0.05
    assert cents(total(made.lines).known) == Decimal("998.09")


def test_redpanda_on_fargate_is_255_then_413_then_516() -> None:
    made = redpanda.estimate_fargate(inputs(), 3, TWO, EIGHT)
    compute = lines_of(made, "redpanda.vcpu", "redpanda.memory")
    disks = lines_of(made, "redpanda.disks", "redpanda.balancer")
    copies = lines_of(made, "redpanda.copies")
    # 3 × (2 × 0.04048 + 8 × 0.004445) × 730
    assert cents(total(compute).known) == Decimal("255.18")
    # + 3 × 591 × 0.08 + 0.0225 × 730
    assert abs(total([*compute, *disks]).known - 413) < 1
    # + 2566.40625 × 2 copies × (0.01 out of one zone + 0.01 into another)
    assert cents(amount(made, "redpanda.copies")) == Decimal("102.66")
    assert abs(total([*compute, *disks, *copies]).known - 516) < 1


def test_snowflake_ingest_is_10_2_credits_and_9_7_by_the_other_reading_of_a_gb() -> None:
    line = snowflake.ingest(inputs())
    credits = line.quantity.amount * Decimal("0.0037")
    assert credits.quantize(Decimal("0.1")) == Decimal("10.2")  # 2566.40625 × 2^30 / 10^9 × 0.0037
    assert "9.724 credits if 1 GB is 1000 MiB" in line.note  # 2,628,000 MiB / 1000 × 0.0037
    assert line.amount is not None
    assert cents(line.amount) == Decimal("20.39")


def test_an_always_on_xs_warehouse_is_730_credits() -> None:
    made = snowflake.estimate(inputs())
    warehouse = next(each for each in made.lines if each.id == "snowflake.warehouse")
    assert warehouse.quantity.amount == 730
    assert warehouse.amount == 1460  # 730 × 1 credit × 2.00


@pytest.mark.parametrize(
    ("edition", "price"), [("standard", "1460"), ("enterprise", "2190"), ("business_critical", "2920")]
)
def test_an_edition_changes_what_a_credit_costs(edition: str, price: str) -> None:
    made = snowflake.estimate(inputs(month(snowflake_edition=edition)))
    assert amount(made, "snowflake.warehouse") == Decimal(price)


def test_standard_at_the_bottom_of_its_data_prices_is_869() -> None:
    """547.50 + 2 × 2566.40625 × 0.035 + 141.75 = 868.90; the book counts the top of the range."""
    bottom = Tier(Decimal("0.035"))
    prices = (
        replace(price, tiers=(bottom,)) if price.id in ("confluent.standard.in", "confluent.standard.out") else price
        for price in load_book().prices
    )
    made = confluent.estimate(replace(inputs(), book=PriceBook(tuple(prices))), "standard")
    assert cents(total(made.lines).known) == Decimal("868.90")


FARGATE = ("redpanda.vcpu", "redpanda.memory")
FIGURES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Basic, in", ("confluent.in",), "128"),
    ("Basic, out", ("confluent.out",), "128"),
    ("Basic, storage × 3", ("confluent.storage",), "142"),
    ("Basic, one eCKU", ("confluent.cluster",), "0"),
    ("Basic", (), "398"),
    ("Standard", (), "946"),
    ("MSK 3 × m7g.large", (), "624"),
    ("Express 3 ×", (), "978"),
    ("Serverless", (), "998"),
    ("Redpanda on Fargate, compute", FARGATE, "255"),
    ("Redpanda on Fargate, with gp3 × 3 and NLB", (*FARGATE, "redpanda.disks", "redpanda.balancer"), "413"),
    (
        "Redpanda on Fargate, with 2× inter-zone copies",
        (*FARGATE, "redpanda.disks", "redpanda.balancer", "redpanda.copies"),
        "516",
    ),
    ("Snowflake, ingest where 1 GB is 10^9 bytes", ("snowflake.ingest",), "20.4"),
    ("Snowflake, an XS that never sleeps", ("snowflake.warehouse",), "1460"),
)
"""Each figure of the worked case: whose, of which lines (none: all of them), dollars."""


@pytest.mark.parametrize(("what", "lines", "dollars"), FIGURES, ids=[figure[0] for figure in FIGURES])
def test_every_figure_of_the_worked_case_is_met_within_a_dollar(
    what: str, lines: tuple[str, ...], dollars: str
) -> None:
    of = {
        "Basic": lambda: confluent.estimate(inputs(), "basic"),
        "Standard": lambda: confluent.estimate(inputs(), "standard"),
        "MSK": lambda: msk.estimate_standard(inputs(), "kafka.m7g.large", 3),
        "Express": lambda: msk.estimate_express(inputs(), "express.m7g.large", 3),
        "Serverless": lambda: msk.estimate_serverless(inputs()),
        "Redpanda": lambda: redpanda.estimate_fargate(inputs(), 3, TWO, EIGHT),
        "Snowflake": lambda: snowflake.estimate(inputs()),
    }
    made = of[what.split(",")[0].split()[0]]()
    found = lines_of(made, *lines) if lines else list(made.lines)
    assert len(found) == len(lines) or not lines
    assert abs(total(found).known - Decimal(dollars)) < 1


def test_ingest_where_1_gb_is_1000_mib_is_19_dollars() -> None:
    """2,628,000 MiB ÷ 1,000 × 0.0037 = 9.7236 credits × 2.00 = 19.45."""
    credits = Decimal(2_628_000) / snowflake.MIB_PER_SNOWFLAKE_GB * Decimal("0.0037")
    assert f"{credits:.3f} credits if 1 GB is 1000 MiB" in snowflake.ingest(inputs()).note
    assert abs(credits * 2 - 19) < 1
