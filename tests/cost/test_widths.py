"""Narrow terminals: a table leaves columns out and cuts none, so that every line has its name and its amount."""

from __future__ import annotations

import re

import pytest

from modules.cost.book import load_book
from modules.cost.report import report
from modules.environment.loader import load_environment
from modules.project import find_project
from tests.cost.support import ROOT, run

Patch = pytest.MonkeyPatch
Capture = pytest.CaptureFixture[str]

WIDTHS = (50, 60, 70, 80, 100, 120)


def lines_of(monkeypatch: Patch, capsys: Capture, width: int, *arguments: str) -> list[str]:
    code, out, err = run(monkeypatch, capsys, ROOT, "cost", *arguments, environment={"COLUMNS": str(width)})
    assert code == 0, err
    lines = out.splitlines()
    assert max(map(len, lines)) <= width
    return lines


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_line_of_a_report_keeps_its_amount(
    monkeypatch: Patch, capsys: Capture, width: int, environment: str
) -> None:
    lines = lines_of(monkeypatch, capsys, width, "-e", environment)
    table = lines[: next(number for number, line in enumerate(lines) if line.startswith(" total"))]
    amounts = [line for line in table if re.search(r"(\$[\d,]+\.\d\d|unknown) $", line)]
    found = report(load_environment(find_project(ROOT), environment), load_book())
    assert len(amounts) == len(found.estimate.lines) + 4  # fixed, usage and both sides
    assert any(re.match(r"   warehouse XSMALL .*\$121\.67 $", line) for line in lines)
    assert any(line.rstrip().endswith("per month") for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_line_of_a_difference_keeps_its_name_and_what_it_adds(
    monkeypatch: Patch, capsys: Capture, width: int
) -> None:
    lines = lines_of(monkeypatch, capsys, width, "diff", "dev", "prod")
    assert any(re.match(r" \+ 3 kafka\.m7g\.large .*\+\$446\.76 $", line) for line in lines)
    assert any(re.match(r" - managed sink, 1 task .*−\$219\.00 to −\$12\.41 $", line) for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_comparison_keeps_what_each_costs_and_how_it_grows(monkeypatch: Patch, capsys: Capture, width: int) -> None:
    lines = lines_of(monkeypatch, capsys, width, "compare", "-e", "dev")
    head = next(line for line in lines if " total " in line)
    assert {"total", "10×", "100×"} <= set(head.split())
    assert any(re.search(r"Confluent Basic +.*≥\$159\.61|Confluent Basic +.*≥\$160", line) for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_grid_keeps_the_values_down_its_side(monkeypatch: Patch, capsys: Capture, width: int) -> None:
    over = ("--over", "msk.brokers=3,6", "--over", "workload.ingress=10GB/day..1TB/day", "--points", "5")
    lines = lines_of(monkeypatch, capsys, width, "whatif", "-e", "prod", *over)
    assert any(re.match(r" 6 .*≥\$[\d,]+ +.*≥\$[\d,]+", line) for line in lines)
    assert any("10 GB/day" in line for line in lines[2:])


@pytest.mark.parametrize("width", WIDTHS[1:])
def test_the_price_book_keeps_price_and_day(monkeypatch: Patch, capsys: Capture, width: int) -> None:
    lines = lines_of(monkeypatch, capsys, width, "prices", "msk.express")
    assert any(re.match(r" msk\.express\.storage +\$0\.10 per .*2026-\d\d( |$)", line) for line in lines)
