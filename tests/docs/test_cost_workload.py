"""What docs/cost-workload.md shows loads, what its tables say is what is computed, and no key is left out of them."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost.book import load_book
from modules.cost.estimators.base import Assumptions
from modules.cost.lines import money
from modules.cost.units import Quantity, Unit, plain
from modules.cost.usage import usage_of
from modules.cost.warehouse_hours import ReaderUse, WarehouseUse
from modules.environment import load_environment
from modules.environment.types import DurationValue
from modules.environment.workload import Reader, Scenario, Workload
from tests.cost.support import project_with

PAGE = (Path(__file__).parents[2] / "docs" / "cost-workload.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
HOURS = re.findall(r"^\| (\d+[hms]+) \| (\d+s) \| (\d+s) \| ([\d.,]+) \| (\$[\d.,]+) \|$", PAGE, re.M)


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    table = re.search(r"(?:^\|.*\|\n)+", PAGE.partition(heading)[2], re.M)
    assert table, heading
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()[2:]]


@pytest.mark.parametrize("number", range(len(SHOWN)))
def test_what_is_shown_is_a_workload(number: int, tmp_path: Path) -> None:
    from modules.project import Project

    head = "platform: redpanda\ntopics: {orders: {retention: 7d}}\n"
    project = project_with(tmp_path, "dev", head + SHOWN[number])
    environment = load_environment(Project(project), "dev")
    low, expected, high = (usage_of(environment, name) for name in ("low", "expected", "high"))
    assert low.bytes_in < expected.bytes_in < high.bytes_in
    assert expected.warehouse_hours < high.warehouse_hours


@pytest.mark.parametrize("row", HOURS, ids=[f"every {row[0]} for {row[1]} then {row[2]}" for row in HOURS])
def test_hours_and_amounts_are_as_computed(row: tuple[str, ...]) -> None:
    every, takes, idle = (Decimal(DurationValue.parse(each).milliseconds) / 1000 for each in row[:3])
    hours = WarehouseUse("WH", "xsmall", idle, (ReaderUse("r", every, takes),)).hours_per_month
    assert plain(hours.quantize(Decimal("0.01"))) == row[3]
    book = load_book()
    credits = book.price("snowflake.warehouse.xsmall", "us-east-1").cost(Quantity(hours, Unit.WAREHOUSE_HOUR))
    assert credits is not None
    assert money(book.price("snowflake.credit.standard", "us-east-1").cost(Quantity(credits, Unit.CREDIT))) == row[4]


def test_there_are_hours_to_check() -> None:
    assert len(HOURS) == 6


def test_every_key_of_a_workload_and_of_a_reader_is_described() -> None:
    keys = {name for cells in rows("high: {ingress: 50GB/day") for name in re.findall(r"`(\w+)`", cells[0])}
    assert keys == set(Workload.model_fields)
    readers = {name for cells in rows("The last row is the minimum") for name in re.findall(r"`(\w+)`", cells[0])}
    assert readers == set(Reader.model_fields)
    assert set(Scenario.model_fields) <= keys


def test_defaults_are_the_models() -> None:
    its = Workload()
    said = {name: cells[1] for cells in rows("high: {ingress: 50GB/day") for name in re.findall(r"`(\w+)`", cells[0])}
    for name in ("ingress", "message_size", "fan_out", "peak_to_mean", "compression", "warehouse_hours_per_day",
                 "refresh_takes", "snowflake_edition", "warehouse_generation"):  # fmt: skip
        assert said[name] == str(getattr(its, name)), name


def test_assumptions_are_those_that_are_made() -> None:
    stated = {name: (plain(value), words) for name, value, words in Assumptions().stated()}
    said = {cells[0].strip("`"): (cells[1], cells[2]) for cells in rows("## What is assumed")}
    assert said == {name: stated[name] for name in said}
    mine = {name for name in stated if name.startswith(("table", "derived", "statement"))}
    assert set(said) == mine
