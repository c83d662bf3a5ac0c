"""The cost report as a page: every chart value is the document's, every line is there with formula and source."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from modules.cost.compare import Comparison, compare, grown
from modules.cost.formats import comparison_json, report_json
from modules.cost.formats.html import comparison_page, report_page
from modules.cost.report import Report, report
from modules.environment.loader import load_environment
from modules.project import Project
from tests.charts.marks import Read, pointed, read
from tests.cost.support import project_with, run

TESTDATA = Path(__file__).parent / "testdata"
CASES = sorted(folder.name for folder in TESTDATA.iterdir() if (folder / "env.yaml").exists())
TODAY = dt.date(2026, 11, 21)

Made = Callable[[str], tuple[Report, Comparison, str]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A golden case's report, comparison and page."""

    def make(case: str) -> tuple[Report, Comparison, str]:
        text = (TESTDATA / case / "env.yaml").read_text(encoding="utf-8")
        return make_of(tmp_path, text)

    return make


def make_of(folder: Path, text: str) -> tuple[Report, Comparison, str]:
    environment = load_environment(Project(project_with(folder, "case", text)), "case")
    comparison = grown(compare(environment), environment)
    found = report(environment)
    return found, comparison, report_page(found, comparison, TODAY)


def values_match(page: Read) -> int:
    """Hold every mark against the JSON it points into; how many there are."""
    document = page.document
    for mark in page.marks:
        assert Decimal(mark.value) == Decimal(str(pointed(document, mark.path))), mark
    return len(page.marks)


@pytest.mark.parametrize("case", CASES)
def test_chart_values_equal_the_json_and_every_page_is_whole(case: str, made: Made) -> None:
    found, comparison, html = made(case)
    page = read(html)
    assert page.document["report"] == report_json(found)
    assert page.document["comparison"] == comparison_json(comparison)
    assert values_match(page) > 30
    assert len(page.ids) == len(set(page.ids))
    assert page.links == ["data:,"]
    assert "https://" not in re.sub(r'"source": ".*"|<dd>.*</dd>|<th.*</th>|<li>.*</li>', "", html)


@pytest.mark.parametrize("case", ["basic-1gb-a-day", "msk-1gb-a-day"])
def test_bars_hold_every_known_line_of_every_option_and_are_as_long_as_it_says(case: str, made: Made) -> None:
    _, comparison, html = made(case)
    marks = [mark for mark in read(html).marks if mark.figure == "platforms"]
    lines = [mark for mark in marks if "/lines/" in mark.path]
    known = [line.amount for row in comparison.rows for line in row.report.estimate.lines if line.amount is not None]
    assert sorted(Decimal(mark.value) for mark in lines) == sorted(known)
    large = [mark for mark in lines if Decimal(mark.value) > 5]
    scales = [mark.percent("width") / float(mark.value) for mark in large]
    assert scales == pytest.approx([scales[0]] * len(scales), rel=1e-3)
    tops = [mark for mark in marks if mark.path.endswith("at_most")]
    bounded = [row for row in comparison.rows if not row.report.total.exact and row.report.total.most is not None]
    assert len(tops) == len(bounded) > 0
    for mark in tops:
        assert mark.percent("x") + mark.percent("width") == pytest.approx(scales[0] * float(mark.value), rel=1e-3)


def test_every_line_has_its_formula_its_source_and_its_date(made: Made) -> None:
    found, _, html = made("basic-1gb-a-day")
    words = " ".join(read(html).words)
    for line in found.estimate.lines:
        assert line.formula in words
        for price in line.prices:
            assert f"{price.source.what}, read {price.source.read}, confidence {price.confidence}" in words


def test_the_head_has_the_total_the_budget_and_what_may_still_come(made: Made) -> None:
    found, _, html = made("basic-1gb-a-day")
    words = " ".join(read(html).words)
    assert str(found.total) in words and f"up to ${found.total.most:,.2f}" in words
    assert "what the tutorial said".casefold() in words.casefold()


def test_over_budget_is_marked_so(made: Made) -> None:
    _, _, html = made("over-budget")
    assert '<div class="meter bad">' in html
    assert "Over budget" in html


def test_a_cluster_too_small_is_said_at_the_top_and_at_its_bar(made: Made) -> None:
    _, _, html = made("too-large-for-basic")
    assert html.index('<ul class="notes bad">') < html.index("<h2>")
    assert 'class="flag bad"' in html


def test_a_line_of_the_growth_chart_ends_where_the_option_carries_no_more(made: Made) -> None:
    _, comparison, html = made("basic-1gb-a-day")
    drawn = {mark.path for mark in read(html).marks if mark.figure == "growth"}
    document = comparison_json(comparison)["growth"]
    for index, option in enumerate(document["options"]):
        bounded = any(at and at["at_most"] for at in option["totals"])
        for number, at in enumerate(option["totals"]):
            path = f"/comparison/growth/options/{index}/totals/{number}/at_least"
            assert (path in drawn) == (at is not None and bounded)


def test_readers_of_a_warehouse_are_bars_of_working_and_idle_hours(tmp_path: Path) -> None:
    text = (TESTDATA / "basic-1gb-a-day" / "env.yaml").read_text(encoding="utf-8")
    reader = "readers: [{name: dbt, every: 5m, takes: 20s}]"
    found, _, html = make_of(tmp_path, text.replace("{ingress: 1GB/day}", f"{{ingress: 1GB/day, {reader}}}"))
    marks = {mark.path: Decimal(mark.value) for mark in read(html).marks if mark.figure == "warehouse"}
    working = next(value for path, value in marks.items() if path.endswith("/readers/0/working_hours"))
    assert working == pytest.approx(Decimal(288 * 20) / 3600 * 730 / 24, rel=Decimal("1e-6"))
    assert sum(marks.values()) == pytest.approx(found.usage.warehouse_hours, rel=Decimal("1e-6"))


def test_low_and_high_months_are_ranges_around_the_expected_one(tmp_path: Path) -> None:
    text = (TESTDATA / "basic-1gb-a-day" / "env.yaml").read_text(encoding="utf-8")
    months = "low: {ingress: 200MB/day}, high: {ingress: 5GB/day}"
    found, comparison, html = make_of(tmp_path, text.replace("{ingress: 1GB/day}", f"{{ingress: 1GB/day, {months}}}"))
    page = read(html)
    marks = [mark for mark in page.marks if mark.figure == "months"]
    bounded = [row for row in comparison.rows if row.report.total.most is not None]
    assert len(marks) == 3 * len(bounded) > 3
    low, high, expected = (mark.percent("cx") for mark in marks[:3])
    assert low < expected < high
    assert values_match(page) > 100
    alone = [mark for mark in read(report_page(found, None, TODAY)).marks if mark.figure == "months"]
    assert [mark.path.split("/")[3] for mark in alone] == ["scenarios", "scenarios", "total"]


def test_names_in_the_yaml_cannot_become_markup(tmp_path: Path) -> None:
    found, comparison, _ = make_of(tmp_path, (TESTDATA / "laptop" / "env.yaml").read_text(encoding="utf-8"))
    html = report_page(replace(found, environment="<img src=x onerror=alert(1)>"), comparison, TODAY)
    assert "<img" not in html


def test_old_prices_are_said_above_everything(made: Made) -> None:
    found, comparison, _ = made("basic-1gb-a-day")
    html = report_page(found, comparison, dt.date(2027, 6, 1))
    assert "Old prices" in html[: html.index("<h2>")]


def test_the_comparison_has_a_page_of_its_own(made: Made) -> None:
    _, comparison, _ = made("basic-1gb-a-day")
    page = read(comparison_page(comparison, TODAY))
    assert page.document == comparison_json(comparison)
    assert values_match(page) > 100
    words = " ".join(page.words)
    assert all(row.report.title in words and str(row.report.total) in words for row in comparison.rows)


@pytest.mark.parametrize("command", [["cost"], ["cost", "compare"]])
def test_html_goes_to_the_file_and_leaves_stdout_to_json(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (TESTDATA / "msk-1gb-a-day" / "env.yaml").read_text(encoding="utf-8")
    project, file = project_with(tmp_path / "p", "case", text), tmp_path / "cost.html"
    code, out, err = run(monkeypatch, capsys, project, *command, "-e", "case", "--html", str(file))
    assert (code, out) == (0, "")
    assert f"wrote {file}" in err
    first = file.read_text(encoding="utf-8")
    assert values_match(read(first)) > 100
    code, out, _ = run(monkeypatch, capsys, project, *command, "-e", "case", "--html", str(file), "--json")
    assert code == 0 and '"schema": "infra.cost/1"' in out
    assert file.read_text(encoding="utf-8") == first
    assert [each.name for each in tmp_path.iterdir() if each.name != "p"] == ["cost.html"]


def test_html_to_stdout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    project = project_with(tmp_path, "case", (TESTDATA / "laptop" / "env.yaml").read_text(encoding="utf-8"))
    code, out, err = run(monkeypatch, capsys, project, "cost", "-e", "case", "--html", "-")
    assert (code, err) == (0, "")
    assert out.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("folder", "is a folder"),
        ("missing/cost.html", "there is no folder"),
        ("notes.txt", "is there already and is no HTML page"),
        ("locked/cost.html", "permission denied"),
    ],
)
def test_a_file_that_cannot_be_written_is_one_clear_error_and_nothing_is_touched(
    target: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = project_with(tmp_path / "p", "case", (TESTDATA / "laptop" / "env.yaml").read_text(encoding="utf-8"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "locked").mkdir()
    if target.startswith("locked"):
        _lock(monkeypatch)
    code, out, err = run(monkeypatch, capsys, project, "cost", "-e", "case", "--html", str(tmp_path / target))
    assert (code, out) == (1, "")
    assert says in err and "--html" in err and "Traceback" not in err
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert list((tmp_path / "locked").iterdir()) == [] and list((tmp_path / "folder").iterdir()) == []


def _lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may not be written to; root, who may write anywhere, needs it played."""
    import tempfile

    def refuse(**_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--csv", "--json"], "two formats for one output"), (["--html", "x.html", "compare"], "stands before `compare`")],
)
def test_formats_that_contradict_each_other_are_refused(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = project_with(tmp_path, "case", (TESTDATA / "laptop" / "env.yaml").read_text(encoding="utf-8"))
    code, out, err = run(monkeypatch, capsys, project, "cost", *arguments, "-e", "case")
    assert (code, out) == (1, "")
    assert says in err


def test_what_snowflake_costs_is_said_of_each_option_only_where_it_is_the_same(made: Made) -> None:
    _, comparison, _ = made("basic-1gb-a-day")
    page = " ".join(read(comparison_page(comparison, TODAY)).words)
    beside = {row.report.snowflake.least for row in comparison.rows}
    assert len(beside) > 1 and "Snowflake, in each" not in page
    assert f"Snowflake, at least ${min(beside):,.2f} of the total" in page
