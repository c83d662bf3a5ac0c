"""A smoke run's page: every chart value is the data's, the data is the documents', the curves are the histograms'."""

from __future__ import annotations

import itertools
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

from cli.main import main
from modules.smoke.document import to_json
from modules.smoke.html import run_page
from tests.charts.marks import Read, pointed, read
from tests.smoke.runs import run_of
from tests.smoke.test_report import CASES


@pytest.fixture(scope="module")
def disturbed() -> dict[str, Any]:
    return run_of(stall=True, lost=25, name="disturbed")


@pytest.fixture(scope="module")
def calm() -> dict[str, Any]:
    return run_of(seed=2, slower=0.8, name="calm")


def values_match(page: Read) -> int:
    document = page.document
    for mark in page.marks:
        assert Decimal(mark.value) == Decimal(str(pointed(document, mark.path))), mark
    return len(page.marks)


def figures(page: Read) -> set[str]:
    return {mark.figure for mark in page.marks}


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_run_has_a_page_whose_values_are_the_datas(name: str) -> None:
    document = to_json(CASES[name])
    page = read(run_page(document))
    assert values_match(page) > 50
    assert page.document["runs"] == [document]
    assert len(page.ids) == len(set(page.ids))
    assert page.links == ["data:,"]


def test_it_has_curves_hops_the_course_and_a_histogram_of_every_stage(disturbed: dict[str, Any]) -> None:
    page = read(run_page(disturbed))
    stages = {"acknowledged", "consumed", "committed", "handed-over", "row-visible"}
    assert figures(page) == {
        "curves", "hops", *(f"course-{stage}" for stage in stages), *(f"histogram-{stage}" for stage in stages),
    }  # fmt: skip
    words = " ".join(page.words)
    for text in ("missed", "p99 is", "25 of 4,000 events", "Measured on a laptop", "exact to", "SLO missed"):
        assert text in words


def test_curves_are_the_histograms_read_by_another_decoder(disturbed: dict[str, Any]) -> None:
    data = read(run_page(disturbed)).document
    for each in data["curves"]:
        stage = disturbed["stages"][each["stage"]]
        histogram = HdrHistogram.decode(stage["histogram"]["hdr"])
        everything = histogram.get_total_count() + stage["lost"] - stage["late"]
        came = [
            (step.value_iterated_to / 1000, step.total_count_to_this_value)
            for step in histogram.get_recorded_iterator()
        ]
        for percentile, ms in zip(each["percentiles"], each["ms"], strict=True):
            not_slower = max((count for value, count in came if value <= ms * 1.001), default=0)
            assert not_slower >= int(percentile / 100 * everything), (each["stage"], percentile)
        for name, percentile in (("p50_ms", 50), ("p95_ms", 95), ("p99_ms", 99)):
            points = list(zip(each["percentiles"], each["ms"], strict=True))
            before = [ms for at, ms in points if at <= percentile][-1]
            after = next(ms for at, ms in points if at >= percentile)
            assert before * 0.999 <= stage[name] <= after * 1.001, (each["stage"], name)
        assert all(one <= other for one, other in itertools.pairwise(each["percentiles"]))
        assert all(one <= other for one, other in itertools.pairwise(each["ms"]))


def test_what_never_came_ends_the_curve_sooner(disturbed: dict[str, Any]) -> None:
    ends = {each["stage"]: each["percentiles"][-1] for each in read(run_page(disturbed)).document["curves"]}
    assert ends["row_visible"] <= 100 * (4000 - 25) / 4000 < ends["acknowledged"]


def test_a_curve_says_from_where_on_it_is_a_guess(disturbed: dict[str, Any]) -> None:
    page = read(run_page(disturbed))
    rule = next(mark for mark in page.marks if mark.path.endswith("enough_to"))
    assert Decimal(rule.value) == Decimal("99.75"), "ten of 4,000 lie beyond"


def test_bins_hold_every_event_that_came(disturbed: dict[str, Any]) -> None:
    for each in read(run_page(disturbed)).document["bins"]:
        stage = disturbed["stages"][each["stage"]]
        assert sum(each["counts"]) == stage["n"] + stage["late"]
        assert math.isclose(sum(each["per_cent"]), 100, abs_tol=0.01)
        assert each["from_ms"][1:] == pytest.approx(each["to_ms"][:-1], rel=1e-6)


def test_a_stall_is_seen_in_the_course_of_every_stage_behind_it(disturbed: dict[str, Any]) -> None:
    page = read(run_page(disturbed))
    for stage in ("acknowledged", "row-visible"):
        slowest = {
            int(mark.path.rsplit("/", 1)[1]): float(mark.value)
            for mark in page.marks
            if mark.figure == f"course-{stage}" and "/max_ms/" in mark.path
        }
        assert max(slowest, key=lambda second: slowest[second]) == 8
        assert slowest[8] > 1900


def test_a_limit_is_drawn_where_it_does_not_press_the_course_flat(disturbed: dict[str, Any]) -> None:
    drawn = {mark.figure: mark.value for mark in read(run_page(disturbed)).marks if mark.path.endswith("limit_ms")}
    assert drawn["course-acknowledged"] == "100.0"
    assert "course-row-visible" in drawn, "5 s is less than three times the slowest"
    assert "course-consumed" not in drawn, "it has no SLO"


def test_a_rehearsed_fault_is_shaded_in_every_course(calm: dict[str, Any]) -> None:
    fault = {"name": "broker-restart", "at_s": 4.0, "over_s": 6.5, "recovery_s": 7.0, "stages": {}}
    page = read(run_page({**calm, "fault": fault}))
    shaded = {mark.figure for mark in page.marks if mark.path == "/runs/0/fault/at_s"}
    assert len(shaded) == 5
    assert "broker-restart" in page.words
    values_match(page)


def test_lost_events_are_shaded_where_they_were_due(disturbed: dict[str, Any]) -> None:
    assert read(run_page(disturbed)).document["losses"] == [
        {"stage": "row_visible", "from_s": 12.0, "to_s": 13.0, "lost": 25}
    ]


def test_means_of_the_hops_add_up_to_the_row(calm: dict[str, Any]) -> None:
    page = read(run_page(calm))
    parts = [float(mark.value) for mark in page.marks if mark.figure == "hops"]
    assert len(parts) == 4
    assert sum(parts) == pytest.approx(calm["stages"]["row_visible"]["mean_ms"], rel=1e-3)


def test_two_runs_are_laid_over_each_other(disturbed: dict[str, Any], calm: dict[str, Any]) -> None:
    html = run_page(disturbed, calm)
    page = read(html)
    assert values_match(page) > 1000
    assert [run["run_id"] for run in page.document["runs"]] == ["disturbed", "calm"]
    for figure in ("curves", "course-row-visible", "histogram-row-visible", "hops"):
        names = " ".join(mark.attributes.get("data-name", "") for mark in page.marks if mark.figure == figure)
        paths = " ".join(mark.path for mark in page.marks if mark.figure == figure)
        assert "earlier" in names or "/runs/1/" in paths, figure
    assert "line c3 dashed" in html
    shares = [mark for mark in page.marks if mark.figure == "histogram-consumed"]
    assert all("/per_cent/" in mark.path for mark in shares), "counts of two runs may differ"
    assert "× 0." in html or "× 1." in html


def test_too_few_events_make_no_curve_of_guesses_and_still_a_page() -> None:
    page = read(run_page(run_of(12)))
    assert "curves" in figures(page)
    assert not [mark for mark in page.marks if mark.path == "/curves/0/ms/100"]
    words = " ".join(page.words)
    assert "not proven" in words and "–" in words


def test_kept_runs_become_a_page_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], disturbed: dict[str, Any], calm: dict[str, Any]
) -> None:
    for name, run in (("now", disturbed), ("before", calm)):
        (tmp_path / f"{name}.json").write_text(json.dumps(run), encoding="utf-8")
    file = tmp_path / "both.html"
    code = main(["smoke", "report", str(tmp_path / "now.json"), str(tmp_path / "before.json"), "--html", str(file)])
    assert code == 0 and "wrote" in capsys.readouterr().err
    assert read(file.read_text(encoding="utf-8")).document["runs"] == [disturbed, calm]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        ("{", "line 1 is not JSON"),
        ("[]", "it has no `schema_version`"),
        ('{"schema_version": 1, "stages": {}}', "has schema_version 1; this reads 2"),
    ],
)
def test_a_file_that_is_no_run_is_one_clear_error(
    content: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    code = main(["smoke", "report", str(file), "--html", str(tmp_path / "run.html")])
    captured = capsys.readouterr()
    assert (code, captured.out) == (1, "")
    assert says in captured.err and str(file) in captured.err
    assert not (tmp_path / "run.html").exists()


def test_a_report_wants_a_file_to_go_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", "report", str(tmp_path / "run.json")]) == 1
    assert "--html FILE" in capsys.readouterr().err


def test_names_cannot_become_markup(calm: dict[str, Any]) -> None:
    assert "<img" not in run_page({**calm, "topic": "<img src=x>", "facts": {"<img>": "<img>"}})
