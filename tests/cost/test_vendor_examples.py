"""The vendors' own worked examples, priced by us: same inputs, same dollars.

Each test names the page, quotes nothing but figures, and writes the arithmetic out. Where an example uses a price that
is not us-east-1's of today, the book is given the example's (`with_prices`), and the test says so.

Not found in a form that could be read (2026-11): worked examples of the MSK pricing page, of Confluent's billing pages
(they explain dimensions; the pricing page's starting figures are here), and of Snowpipe Streaming beyond its rate.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from modules.cost.book import Price, PriceBook, Tier, load_book
from modules.cost.catalog import OPTIONS, estimate
from modules.cost.estimators import confluent
from modules.cost.estimators.base import Inputs
from modules.cost.estimators.snowflake_compute import billed_cloud_services
from modules.cost.lines import Line, total
from modules.cost.resources import price_resources
from modules.cost.resources.documents import parse_document
from modules.cost.units import HOURS_PER_MONTH, Quantity, Unit
from modules.cost.usage import usage_of
from modules.cost.warehouse_hours import ReaderUse, WarehouseUse
from modules.environment.model import Environment
from tests.cost.support import inputs, month

US = "us-east-1"


def with_prices(**prices: str) -> PriceBook:
    """The book with an example's prices; `aws_ebs_gp3` is `aws.ebs.gp3`."""
    given = {name.replace("_", "."): Decimal(price) for name, price in prices.items()}
    assert all(name in load_book() for name in given)

    def changed(price: Price) -> Price:
        return replace(price, tiers=(Tier(given[price.id]),)) if price.id in given else price

    return PriceBook(tuple(changed(price) for price in load_book().prices))


def priced(book: PriceBook | None = None, **resources: Any) -> dict[str, Line]:
    """Lines by price, of one resource as a stack has it, for a whole month of 730 h."""
    found = {line.price.id: line for line in all_lines(book, **resources)}
    assert len(found) == len(all_lines(book, **resources))
    return found


def all_lines(book: PriceBook | None = None, **resources: Any) -> tuple[Line, ...]:
    stack = {"provider": {"aws": [{"region": US}]}, "resource": resources}
    return price_resources([parse_document(stack, "example.tf.json")], book or load_book()).lines


def part(line: Line, hours: Decimal | int, of: Decimal = HOURS_PER_MONTH) -> Decimal:
    """What so many hours of a month cost."""
    assert line.amount is not None
    return line.amount * hours / of


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def tasks(count: int, cpu: str, memory: str, **more: Any) -> dict[str, Any]:
    return {
        "aws_ecs_task_definition": {"it": {"cpu": cpu, "memory": memory, **more}},
        "aws_ecs_service": {
            "it": {
                "launch_type": "FARGATE", "desired_count": count,
                "task_definition": "${aws_ecs_task_definition.it.arn}",
            }
        },
    }  # fmt: skip


# --- AWS Fargate, https://aws.amazon.com/fargate/pricing/ (examples 1 to 3, US East (N. Virginia)), read 2026-11 ---


def test_fargate_example_1() -> None:
    """5 tasks of 1 vCPU, 2 GB, 30 GB of disk, 600 s a day for 30 days: 5 h a month each.
    CPU 5 × 1 × 0.000011244 × 18,000 s = 1.01, memory 5 × 2 × 0.000001235 × 18,000 = 0.22,
    disk 5 × (30 − 20) × 0.0000000308 × 18,000 = 0.03; together 1.26."""
    found = priced(**tasks(5, "1024", "2048", ephemeral_storage={"size_in_gib": 30}))
    parts = [cents(part(found[f"aws.fargate.{each}"], 5)) for each in ("vcpu", "memory", "storage")]
    assert parts == [Decimal("1.01"), Decimal("0.22"), Decimal("0.03")]
    assert sum(parts) == Decimal("1.26")


def test_fargate_example_2_on_arm() -> None:
    """As example 1: 5 × 1 × 0.0000089944 × 18,000 = 0.81, 5 × 2 × 0.0000009889 × 18,000 = 0.18, disk 0.03: 1.02."""
    arm = {"cpu_architecture": "ARM64", "operating_system_family": "LINUX"}
    found = priced(**tasks(5, "1024", "2048", ephemeral_storage={"size_in_gib": 30}, runtime_platform=arm))
    parts = [cents(part(found[f"aws.fargate.{each}"], 5)) for each in ("arm.vcpu", "arm.memory", "storage")]
    assert parts == [Decimal("0.81"), Decimal("0.18"), Decimal("0.03")]


def test_fargate_example_3() -> None:
    """10 pods of 0.25 vCPU and 1 GB for 1 h a day, 30 h a month: 10 × 0.25 × 0.000011244 × 108,000 s = 3.04,
    10 × 1 × 0.000001235 × 108,000 = 1.33; together 4.37."""
    found = priced(**tasks(10, "256", "1024"))
    parts = [cents(part(found[f"aws.fargate.{each}"], 30)) for each in ("vcpu", "memory")]
    assert parts == [Decimal("3.04"), Decimal("1.33")]


# --- Amazon EBS, https://aws.amazon.com/ebs/pricing/ (examples 1 to 6), read 2026-11 ---


def test_ebs_gp3_example() -> None:
    """2,000 GB with 10,000 IOPS and 500 MB/s for 12 h of a 30-day month, 1/60 of it:
    0.08 × 2,000 ÷ 60 = 2.667; 0.005 × (10,000 − 3,000) ÷ 60 = 0.583; 0.06 × (500 − 125) ÷ 60 = 0.375; 3.625 in all.
    The example's region charges 0.06 a MB/s, us-east-1 0.04."""
    disk = {"type": "gp3", "size": 2000, "iops": 10_000, "throughput": 500}
    found = priced(with_prices(aws_ebs_gp3_throughput="0.06"), aws_ebs_volume={"it": disk})
    parts = [part(line, 12, Decimal(720)) for line in found.values()]
    assert [each.quantize(Decimal("0.001")) for each in parts] == [Decimal("2.667"), Decimal("0.583"), Decimal("0.375")]
    assert sum(parts).quantize(Decimal("0.001")) == Decimal("3.625")


@pytest.mark.parametrize(
    ("disk", "dollars"),
    [
        ({"type": "gp2"}, ["3.333"]),  # 0.10 × 2,000 ÷ 60
        ({"type": "io2", "iops": 1000}, ["4.167", "1.083"]),  # 0.125 × 2,000 ÷ 60; 0.065 × 1,000 ÷ 60
        # the first 32,000 at 0.065, the next 28,000 at 0.046: (2,080 + 1,288) ÷ 60
        ({"type": "io2", "iops": 60_000}, ["4.167", "56.133"]),
        ({"type": "io1", "iops": 1000}, ["4.167", "1.083"]),
        ({"type": "st1"}, ["1.500"]),  # 0.045 × 2,000 ÷ 60
        ({"type": "sc1"}, ["0.500"]),  # 0.015 × 2,000 ÷ 60
    ],
    ids=["gp2", "io2", "io2, large", "io1", "st1", "sc1"],
)
def test_ebs_examples_2_to_6(disk: dict[str, Any], dollars: list[str]) -> None:
    """2,000 GB each, for 12 h of a 30-day month, 1/60 of it."""
    found = priced(aws_ebs_volume={"it": {"size": 2000, **disk}})
    assert [str(part(line, 12, Decimal(720)).quantize(Decimal("0.001"))) for line in found.values()] == dollars


def test_ebs_steps_count_each_volume_by_itself() -> None:
    """Ten io2 volumes of 1,000 IOPS: none reaches the second step, 10 × 0.065 × 1,000 ÷ 60 = 10.83."""
    found = all_lines(aws_ebs_volume={"it": {"count": 10, "size": 2000, "type": "io2", "iops": 1000}})
    iops = total(line for line in found if line.price.id == "aws.ebs.io2.iops").known
    assert cents(iops * 12 / 720) == Decimal("10.83")


# --- Amazon CloudWatch, https://aws.amazon.com/cloudwatch/pricing/ (US East), read 2026-11 ---


def test_cloudwatch_detailed_monitoring_of_ten_instances() -> None:
    """7 metrics × 10 instances × 0.30 = 21 a month."""
    found = all_lines(aws_instance={"it": {"count": 10, "instance_type": "m7g.large", "monitoring": True}})
    assert total(line for line in found if line.price.id == "aws.metric").known == 21


def test_cloudwatch_four_alarms() -> None:
    """0.10 × 4 = 0.40."""
    assert total(all_lines(aws_cloudwatch_metric_alarm={"it": {"count": 4, "period": 300}})).known == Decimal("0.40")


def test_cloudwatch_logs_beyond_the_accounts_free_5_gb() -> None:
    """1 GB a day for 30 days: 5 GB free, 25 × 0.50 = 12.50. Those 5 are the whole account's, so that our lines never
    count on them: 30 × 0.50 = 15."""
    price = load_book().price("aws.logs.in", US)
    assert price.cost(Quantity(Decimal(25), Unit.GIB)) == Decimal("12.50")
    assert price.cost(Quantity(Decimal(30), Unit.GIB)) == 15


# --- Amazon VPC, https://aws.amazon.com/vpc/pricing/ (NAT gateway), read 2026-11 through a quotation ---


def test_nat_gateway_of_one_hour_and_one_gb() -> None:
    """0.045 for the hour, 0.045 for the GB."""
    assert part(priced(aws_nat_gateway={"it": {}})["aws.nat.hour"], 1) == Decimal("0.045")
    data = load_book().price("aws.nat.data", US)
    assert data.cost(Quantity(Decimal(1), Unit.GIB)) == Decimal("0.045")


# --- Confluent, https://www.confluent.io/confluent-cloud/pricing/ (what a cluster starts at), read 2026-11 ---


@pytest.mark.parametrize(
    ("tier", "said", "prices"),
    [
        ("basic", "0", {}),  # one eCKU free
        ("standard", "385", {}),  # 1 × 0.75 × 730 = 547.50, × 70 % = 383.25
        ("enterprise", "895", {"confluent_enterprise_ecku": "1.75"}),  # 1 × 1.75 × 730 × 70 % = 894.25
        ("freight", "2300", {}),  # 2 × 2.25 × 730 × 70 % = 2,299.50
    ],
)
def test_confluents_starting_figures(tier: Any, said: str, prices: dict[str, str]) -> None:
    """Without traffic, at the least units, for 70 % of a month's hours: what the page's figures come to.
    Enterprise's is at the bottom of its range of prices (1.75); ours is counted at its top (2.25)."""
    idle = replace(inputs(month(bytes_per_second=Decimal(0))), book=with_prices(**prices))
    cluster = confluent.estimate(idle, tier).lines[0]
    assert cluster.amount is not None
    assert abs(cluster.amount * Decimal("0.7") - Decimal(said)) < 2


# --- Snowflake, https://docs.snowflake.com/en/user-guide/warehouses-overview (Gen1, billed by the second), read 2026-11


@pytest.mark.parametrize(
    ("seconds", "xsmall", "xlarge"),
    [
        (1, "0.017", "0.267"),  # 60 s at least: 60 ÷ 3,600 × 1, × 16
        (60, "0.017", "0.267"),
        (61, "0.017", "0.271"),  # 61 ÷ 3,600 × 16 = 0.27111
        (120, "0.033", "0.533"),
        (600, "0.167", "2.667"),
        (3600, "1.000", "16.000"),
    ],
)
def test_snowflakes_table_of_running_times(seconds: int, xsmall: str, xlarge: str) -> None:
    reader = ReaderUse("it", every=Decimal(86_400), takes=Decimal(seconds))
    billed = reader.billed_seconds(Decimal(0)) / 3600
    for size, credits in (("xsmall", xsmall), ("xlarge", xlarge)):
        rate = load_book().price(f"snowflake.warehouse.{size}", US)
        used = rate.cost(Quantity(billed, Unit.WAREHOUSE_HOUR))
        assert used is not None
        assert used.quantize(Decimal("0.001")) == Decimal(credits)


def test_snowflakes_example_of_three_clusters() -> None:
    """https://docs.snowflake.com/en/user-guide/warehouses-multicluster, example 1, read 2026-11: a MEDIUM warehouse of
    3 clusters, maximized, for 2 h: 3 × 4 credits × 2 h = 24."""
    use = WarehouseUse("IT", "medium", readers=(ReaderUse("it", hours_per_day=Decimal(2)),), clusters=3)
    rate = load_book().price("snowflake.warehouse.medium", US)
    assert rate.cost(Quantity(use.hours_per_day, Unit.WAREHOUSE_HOUR)) == 24


CLOUD_SERVICES = (  # warehouse credits, cloud services, billed in all
    ("100", "20", "110"),  # 20 − 10 % of 100 = 10 more
    ("120", "10", "120"),  # 10 is below 12
    ("80", "5", "80"),  # 5 is below 8
    ("100", "13", "103"),  # 13 − 10 = 3 more
)


def test_snowflakes_example_of_four_days_of_cloud_services() -> None:
    """https://docs.snowflake.com/en/user-guide/cost-understanding-compute, as quoted, read 2026-11: what is beyond 10 %
    of each day's warehouse credits; of 400 + 48 credits 413 are billed."""
    warehouses, used, billed = (tuple(Decimal(day[index]) for day in CLOUD_SERVICES) for index in range(3))
    beyond = billed_cloud_services(used, warehouses)
    assert tuple(map(sum, zip(warehouses, beyond, strict=True))) == billed
    assert sum(billed) == 413


def test_the_first_of_those_days_as_an_environments_every_day() -> None:
    """An XLARGE (16 credits an hour) for 6.25 h is 100 credits a day, with 20 of cloud services: 10 a day are billed,
    × 730/24 days = 304.1667 credits × 2.00 = 608.33; the warehouse 100 × 730/24 × 2.00 = 6,083.33."""
    text = {
        "name": "e", "source": "environments/e.yaml", "platform": "msk", "warehouse": {"size": "XLARGE"},
        "workload": {"warehouse_hours_per_day": "6.25", "cloud_services_per_day": 20},
    }  # fmt: skip
    its = Environment.model_validate(text)
    made = estimate(OPTIONS["msk"], Inputs(usage_of(its), load_book(), US), its)
    amounts = {line.id: line.amount for line in made.lines}
    assert cents(amounts["snowflake.cloud_services"] or Decimal(0)) == Decimal("608.33")
    assert cents(amounts["snowflake.warehouse"] or Decimal(0)) == Decimal("6083.33")
