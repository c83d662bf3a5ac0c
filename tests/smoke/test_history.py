"""The runs of an environment that are kept."""

from __future__ import annotations

import json
import multiprocessing
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.smoke import app
from modules.errors import ConfigError, SmokeError
from modules.project import Project
from modules.smoke.history import NEWEST, history_file, keep, read_history, value_of
from modules.smoke.history_page import history_page
from tests.smoke.runs import run_of

RUN = run_of(1200, name="base")


def taken(number: int, **more: Any) -> dict[str, Any]:
    """The run, as the one of a minute of some day."""
    day, minute = divmod(number, 1440)
    started = f"2026-11-{1 + day:02d}T{minute // 60:02d}:{minute % 60:02d}:00+00:00"
    return {**RUN, "run_id": f"run{number:06d}", "started": started, **more}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "local.yaml").write_text("platform: local\n")
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    return Project(tmp_path)


def test_a_run_is_kept_with_its_figures_in_about_a_kilobyte(project: Project) -> None:
    assert keep(project, taken(1), {"cost": None})
    (entry,) = read_history(project, "local").entries
    for percentile in ("p50", "p95", "p99", "max"):
        known = RUN["stages"]["row_visible"][f"{percentile}_ms"]
        assert value_of(entry, "row_visible", percentile) == known
    assert value_of(entry, "row_visible", "p99.9") is None
    assert value_of(entry, "nowhere", "p50") is None
    assert history_file(project, "local").stat().st_size < 1500


def test_what_was_cut_short_or_disturbed_on_purpose_is_not_kept(project: Project) -> None:
    assert not keep(project, taken(1, interrupted=True))
    assert not keep(project, taken(1, fault={"name": "broker-restart"}))
    assert read_history(project, "local").entries == ()


def test_damaged_lines_cost_only_themselves_and_are_said(project: Project) -> None:
    keep(project, taken(1))
    file = history_file(project, "local")
    good = file.read_text()
    entry = json.loads(good)
    bad = ["{half a li", "[]", "7", "null", '{"version": 1}', json.dumps({**entry, "started": "yesterday"})]
    bad += [json.dumps({**entry, "stages": {"row_visible": {"p50_ms": "fast"}}}), '"\\ud800"', "\x00\x00"]
    file.write_bytes(good.encode() + "\n".join(bad).encode() + b"\n\xff\xfe\n" + b'{"version":1,"torn')
    assert keep(project, taken(2)), "after a line that a killed run has left half"
    found = read_history(project, "local")
    assert [each["run_id"] for each in found.entries] == ["run000001", "run000002"]
    assert found.damaged == tuple(range(2, 2 + len(bad) + 2))
    done = CliRunner().invoke(app, ["history", "--env", "local"])
    assert done.exit_code == 0
    assert "smoke-history.jsonl: lines 2, 3, 4, 5, 6 … cannot be read and are left out" in done.output


def test_the_file_is_bounded_and_the_newest_stay(project: Project) -> None:
    keep(project, taken(0))
    file = history_file(project, "local")
    line = json.loads(file.read_text())
    many = [json.dumps({**line, "run_id": f"run{n:06d}", "started": taken(n)["started"]}) for n in range(NEWEST + 50)]
    file.write_text("\n".join(["damaged", *many]) + "\n")
    keep(project, taken(NEWEST + 50))
    lines = file.read_text().splitlines()
    assert len(lines) == NEWEST
    assert json.loads(lines[-1])["run_id"] == f"run{NEWEST + 50:06d}"
    assert read_history(project, "local").damaged == ()


def _keep_some(folder: str, first: int) -> None:
    for number in range(first, first + 20):
        keep(Project(Path(folder)), taken(number))


def test_runs_that_end_at_the_same_time_are_all_kept(project: Project) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_keep_some, args=(str(project.root), 20 * one)) for one in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = read_history(project, "local")
    assert len({each["run_id"] for each in found.entries}) == 60 and not found.damaged


def test_a_history_that_cannot_be_written_says_so(project: Project) -> None:
    project.state.write_text("a file where a folder belongs")
    with pytest.raises(SmokeError, match="the run was not added to the history: "):
        keep(project, taken(1))


def test_the_command_prints_a_table_and_a_trend_of_the_newest(project: Project) -> None:
    for number in range(6):
        keep(project, taken(number))
    done = CliRunner().invoke(app, ["history", "--env", "local", "--last", "4"], env={"COLUMNS": "120"})
    assert done.exit_code == 0
    assert "row visible · the newest 4 of 6 runs · stand-in: measured on a laptop" in done.output
    assert done.output.count("2026-11-01 00:0") == 4
    assert "● p50   ◆ p95   ▲ p99" in done.output and done.output.count("●") == 5


def test_a_narrow_terminal_cuts_no_figure(project: Project) -> None:
    large = {**RUN["stages"]["row_visible"], "lost": 70_639, "p50_ms": 28_340.0}
    busy = {
        "load": {**RUN["load"], "rate": 60_000, "sent": 180_000},
        "verdict": {**RUN["verdict"], "outcome": "missed"},
        "stages": {**RUN["stages"], "row_visible": large},
    }
    keep(project, taken(1))
    keep(project, {**taken(2), **busy})
    done = CliRunner().invoke(app, ["history", "--env", "local"], env={"COLUMNS": "80"})
    assert done.exit_code == 0 and "…" not in done.output
    assert all(figure in done.output for figure in ("60,000/s", "180,000", "28.34 s", "70,639"))


def test_the_command_gives_json_and_a_page(project: Project, tmp_path: Path) -> None:
    for number in range(3):
        keep(project, taken(number))
    done = CliRunner().invoke(app, ["history", "--env", "local", "--json"])
    assert [each["run_id"] for each in json.loads(done.output)["runs"]] == ["run000000", "run000001", "run000002"]
    page = tmp_path / "trend.html"
    CliRunner().invoke(app, ["history", "--env", "local", "--html", str(page)])
    text = page.read_text()
    assert 'id="trend-row-visible"' in text and "run000002" in text


def test_an_environment_without_runs_says_how_to_measure_one(project: Project) -> None:
    done = CliRunner().invoke(app, ["history", "--env", "local"])
    assert (done.exit_code, done.output.strip()) == (
        0, "no run of local is kept yet; measure one: infra smoke --env local",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--env", "locl"], "there is no environment `locl`"),
        (["--env", "local", "--stage", "row-visibel"], "--stage: there is no `row_visibel`"),
    ],
)
def test_what_does_not_exist_is_said(project: Project, arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, ["history", *arguments])
    assert isinstance(done.exception, ConfigError)
    assert words in str(done.exception)


def test_every_mark_of_the_trend_is_the_value_that_the_pages_data_has(project: Project) -> None:
    for number in range(3):
        keep(project, taken(number))
    page = history_page("local", read_history(project, "local").entries)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1].replace("\\u003c", "<"))
    marks = re.findall(r'data-value="([^"]+)" data-path="([^"]+)"', page)
    assert len(marks) == 5 * 3 * 3, "five stages, three percentiles, three runs"
    for value, path in marks:
        place: Any = data
        for key in path.strip("/").split("/"):
            place = place[int(key)] if isinstance(place, list) else place[key]
        assert float(value) == place, path
