"""A price changes just the lines that use it; every line names where its price is from; no price lies about unused.

Reports of every golden environment of every platform, and of every option at several loads.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from modules.cost.book import PRICES, Price, PriceBook, load_book
from modules.cost.catalog import OPTIONS
from modules.cost.lines import Line
from modules.cost.report import report
from modules.cost.resources import price_resources, read_documents
from modules.environment.loader import load_environment
from modules.environment.model import Environment
from tests.platforms.golden import GOLDEN, cases, project_of

CASES = cases()
LOADS = ("0B/day", "1GB/day", "40MB/s")

Key = tuple[str, str]
"""A report and a line's id."""


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Environment]:
    found = {}
    for case in CASES:
        project, name = project_of(case, tmp_path_factory.mktemp(case))
        found[case] = load_environment(project, name)
    for option in OPTIONS.values():
        for load in LOADS:
            found[f"{option.id} {load}"] = on(option.platform, option.mode, load)
    found |= {name: on("confluent", "standard", "1GB/day", **more) for name, more in SPECIAL.items()}
    return found


SPECIAL: dict[str, dict[str, Any]] = {
    "Snowflake elsewhere": {"workload": {"snowflake_region": "eu-central-1"}},
    "by files": {
        "connect": {"kind": "kafka-connect", "settings": {"snowflake.ingestion.method": "SNOWPIPE"}},
    },
}
"""What no option has by itself."""


def on(platform: str, mode: str, load: str, **more: Any) -> Environment:
    """One option, with more cloud services than are free."""
    key = {"confluent": "tier", "msk": "mode", "redpanda": "compute"}[platform]
    text: dict[str, Any] = {
        "name": "e",
        "source": "environments/e.yaml",
        "platform": platform,
        platform: {key: mode},
        "topics": {"events": {"partitions": 40, "sink": {"table": "A.B.EVENTS"}}},
        "connect": {"kind": "managed"},
        **more,
        "workload": {"ingress": load, "cloud_services_per_day": 5, **more.get("workload", {})},
    }
    return Environment.model_validate(text)


def lines(environments: dict[str, Environment], book: PriceBook) -> dict[Key, Line]:
    return {(name, line.id): line for name, its in environments.items() for line in report(its, book).estimate.lines}


@cache
def items() -> tuple[str, ...]:
    """All items of the book with a price."""
    return tuple(sorted({price.id for price in load_book().prices if price.known}))


def dearer(book: PriceBook, chosen: Iterable[str]) -> PriceBook:
    """The book with these items at 10 % more."""
    wanted = set(chosen)

    def changed(price: Price) -> Price:
        tiers = tuple(replace(tier, price=tier.price * Decimal("1.1")) for tier in price.tiers)
        return replace(price, tiers=tiers) if price.id in wanted else price

    return PriceBook(tuple(changed(price) for price in book.prices))


def factor(line: Line, chosen: set[str]) -> Decimal:
    """By what these items make a line dearer; 1 where it uses none of them."""
    return Decimal("1.1") ** sum(1 for price in line.prices if price.id in chosen and price.known)


ALLOWED = {"snowflake.cloud_services": "snowflake.warehouse."}
"""Lines whose quantity hangs on another price: what is free of cloud services is a tenth of the warehouse's credits."""


@pytest.mark.parametrize("bit", range(10))
def test_a_dearer_item_changes_the_lines_that_use_it_and_no_other(
    bit: int, environments: dict[str, Environment]
) -> None:
    """All items whose number has this bit become dearer at once. An item is in as many of the ten rounds as its number
    has ones, and no two items are in the same ones, so that together they tell what each item changes."""
    assert len(items()) < 2**10
    chosen = {item for number, item in enumerate(items(), start=1) if number >> bit & 1}
    before = lines(environments, load_book())
    after = lines(environments, dearer(load_book(), chosen))
    assert set(before) == set(after)
    wrong = []
    for key, line in before.items():
        now = after[key]
        if key[1] in ALLOWED and any(item.startswith(ALLOWED[key[1]]) for item in chosen):
            continue
        by = factor(line, chosen)
        for was, is_ in ((line.amount, now.amount), (line.low, now.low), (line.high, now.high)):
            # Each line is rounded to a millionth.
            near = was is not None and is_ is not None and abs(is_ - was * by) <= Decimal("0.00001")
            if was != is_ if by == 1 or was is None else not near:
                wrong.append(f"{key}: {was} → {is_}, where × {by} was expected")
        if now.quantity != line.quantity:
            wrong.append(f"{key}: {line.quantity} → {now.quantity}: a price changed a quantity")
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.parametrize("name", sorted(file.name for file in PRICES.glob("*.yaml")))
def test_a_changed_file_changes_the_lines_of_its_items(
    name: str, environments: dict[str, Environment], tmp_path: Path
) -> None:
    """The file itself, in a copy of the folder: each `price: 1.5` of it doubled in its text."""
    folder = tmp_path / "prices"
    shutil.copytree(PRICES, folder)
    text = (folder / name).read_text(encoding="utf-8")
    doubled = re.sub(r"\bprice: ([\d.]+)", lambda match: f"price: {Decimal(match[1]) * 2}", text)
    assert doubled != text or "price: 0" in text
    (folder / name).write_text(doubled, encoding="utf-8")
    book = load_book(folder)
    changed = {
        (one.id, one.regions)
        for one, other in zip(load_book().prices, book.prices, strict=True)
        if one.tiers != other.tiers
    }
    assert all(Path(price.file).name == name for price in load_book().prices if (price.id, price.regions) in changed)
    before, after = lines(environments, load_book()), lines(environments, book)
    differ = {key for key, line in before.items() if after[key].amount != line.amount}
    using = {
        key
        for key, line in before.items()
        if line.amount and any((price.id, price.regions) in changed for price in line.prices)
    }
    if any(item.startswith("snowflake.warehouse.") for item, _ in changed):
        differ = {key for key in differ if key[1] not in ALLOWED}
        using = {key for key in using if key[1] not in ALLOWED}
    assert differ == using


def test_every_line_of_every_report_names_a_source_and_a_date(environments: dict[str, Environment]) -> None:
    found = lines(environments, load_book())
    assert len(found) > 1000
    for key, line in found.items():
        for price in line.prices:
            assert len(price.source.what) > 5, key
            assert dt.date(2025, 1, 1) <= price.source.read_date <= dt.date(2026, 12, 31), key
            assert price.confidence in "ABC", key
            assert price.file or not price.known, key
        assert line.how, key


KEPT = {
    "aws.ec2.": "redpanda.instance_type may be any of these",
    "aws.rds.": "msk.registry.database may be any of these",
    "msk.kafka.": "msk.broker_type may be any of these",
    "msk.express.m7g": "msk.broker_type may be any of these",
    "snowflake.credit.": "workload.snowflake_edition, and the region, choose one",
    "snowflake.warehouse.": "warehouse.size and workload.warehouse_generation choose one",
    "redpanda.serverless.": "a hosted Redpanda, which is no option here; beside the others for who asks",
    "snowflake.serverless.": "features of Snowflake that no estate here has; for who uses them beside it",
    "snowflake.transfer.": "nothing here takes rows out of Snowflake; for who does",
    "confluent.flink": "no statement runs on Flink here; for who has some beside it",
    "confluent.connect.custom": "a connector of one's own on Confluent, which no environment here deploys",
    "confluent.governance.advanced.schema": "unknown, for who has Advanced and more than 100 schemas",
    "redpanda.byoc.rpu": "by quote, so unknown; beside the others for who asks",
    "aws.internet.out": "no environment here reads from outside AWS; for who does",
    "aws.cloudmap.calls": "only calls of its API are billed, names are asked by DNS",
}
"""Items that no report of these has, by the beginning of their id, and why they are in the book."""


def test_every_price_is_used_or_kept_for_a_reason(environments: dict[str, Environment]) -> None:
    used = {price.id for line in lines(environments, load_book()).values() for price in line.prices}
    for case in CASES:
        for each in price_resources(read_documents(GOLDEN / case), load_book()).priced:
            used |= {price.id for price in (*(line.price for line in each.lines), *each.by_use)}
    used |= set(resources_use())
    idle = {price.id for price in load_book().prices} - used
    unsaid = {item for item in idle if not item.startswith(tuple(KEPT))}
    assert not unsaid, "in the book, in no report, and without a word why: " + ", ".join(sorted(unsaid))
    needless = {prefix for prefix in KEPT if not any(item.startswith(prefix) for item in idle)}
    assert not needless, "said to be idle, and is not: " + ", ".join(sorted(needless))


def resources_use() -> set[str]:
    """Items that `infra cost resources` looks for in anybody's plan, by their names in its source."""
    folder = Path(__file__).parents[2] / "modules" / "cost" / "resources"
    text = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    kinds = ("gp2", "gp3.iops", "io1", "io1.iops", "io2", "io2.iops", "st1", "sc1")
    return {f"aws.ebs.{kind}" for kind in kinds} | set(re.findall(r'"((?:aws|msk)\.[a-z0-9_.]+)"', text)) | {
        f"aws.{kind}.{what}" for kind in ("nlb", "alb") for what in ("hour", "capacity")
    } | {f"aws.fargate.arm.{what}" for what in ("vcpu", "memory")}  # fmt: skip


def test_a_price_that_is_taken_away_leaves_its_lines_unknown_and_no_other(
    environments: dict[str, Environment],
) -> None:
    gone = "aws.logs.in"
    book = PriceBook(
        tuple(
            replace(price, tiers=(), confidence="C", note="taken away") if price.id == gone else price
            for price in load_book().prices
        )
    )
    before, after = lines(environments, load_book()), lines(environments, book)
    unknown = {key for key, line in after.items() if line.amount is None and before[key].amount is not None}
    assert unknown == {key for key, line in before.items() if line.price.id == gone and line.amount is not None}
    assert unknown
