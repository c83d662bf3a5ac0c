"""Files and the earlier run of `infra smoke`: checked before anything is measured, written whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli._smoke_outputs import Outputs
from cli.smoke import app
from modules.errors import ConfigError, InfraError, SmokeError
from tests.smoke.runs import run_of

RUN, SLOW = run_of(1200, seed=1, name="first"), run_of(1200, seed=2, slower=1.8, name="slow")


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    file = tmp_path / "earlier.json"
    file.write_text(json.dumps(RUN))
    return file


def refused(arguments: list[str]) -> InfraError:
    done = CliRunner().invoke(app, ["--env", "local", *arguments])
    assert isinstance(done.exception, InfraError), done.output
    return done.exception


def test_a_regression_fails_only_where_that_is_asked_for(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = dict(SLOW)
    outputs = Outputs(baseline=earlier)
    made = outputs.compare(document)
    assert made is not None and made.regressions and not outputs.fails(made)
    assert document["baseline"]["like_for_like"] is True
    assert Outputs(baseline=earlier, gate=True).fails(made)
    assert "REGRESSION: row visible p95 1.8× slower (+" in capsys.readouterr().err


def test_an_equal_run_passes_and_another_load_proves_nothing(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = Outputs(baseline=earlier, gate=True)
    assert not outputs.fails(outputs.compare(dict(run_of(1200, seed=9, name="same"))))
    other: dict[str, Any] = {**SLOW, "load": {**SLOW["load"], "rate": 500.0}}
    assert outputs.fails(outputs.compare(other))
    assert (
        "NOT PROVEN: not comparable with the baseline like for like: rate is 500/s, was 200/s"
        in capsys.readouterr().err
    )


def test_files_are_written_whole_over_earlier_ones_of_their_kind(tmp_path: Path, earlier: Path) -> None:
    junit, metrics, page = tmp_path / "smoke.xml", tmp_path / "smoke.prom", tmp_path / "smoke.html"
    for _ in range(2):
        outputs = Outputs(page, junit, metrics, earlier)
        document = dict(SLOW)
        outputs.compare(document)
        outputs.write(document)
    assert junit.read_text().startswith("<?xml") and metrics.read_text().endswith("# EOF\n")
    assert "Against the earlier run" in page.read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["earlier.json", "smoke.html", "smoke.prom", "smoke.xml"]


@pytest.mark.parametrize(
    ("option", "kind"), [("--junit", "JUnit file"), ("--openmetrics", "OpenMetrics file of infra smoke")]
)
def test_nothing_else_is_written_over_and_that_is_said_before_the_run(tmp_path: Path, option: str, kind: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes")
    error = refused([option, str(file)])
    assert str(error).startswith(f"{option}: {file} is there already and is no {kind}")
    assert file.read_text() == "my notes"
    assert f"there is no folder {tmp_path / 'no'}" in str(refused([option, str(tmp_path / "no" / "x")]))
    assert f"{tmp_path} is a folder" in str(refused([option, str(tmp_path)]))


def test_options_that_do_not_go_together_are_refused() -> None:
    assert "--fail-on-regression: slower than what?" in str(refused(["--fail-on-regression"]))
    assert "--junit and --json both go to stdout" in str(refused(["--junit", "-", "--json"]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not what `infra smoke --json` prints: line 1 is not JSON"),
        ("[]", "it has no `schema_version` and `stages`"),
        ('{"schema_version": 1, "stages": {}}', "has schema_version 1; this reads 2"),
    ],
)
def test_a_baseline_that_is_none_is_refused_before_the_run(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "odd.json"
    file.write_text(text)
    error = refused(["--baseline", str(file)])
    assert isinstance(error, SmokeError) and words in str(error)
    assert isinstance(refused(["--baseline", str(tmp_path / "none.json")]), SmokeError)


def test_the_errors_are_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Outputs(gate=True)


def test_report_makes_the_files_of_a_run_that_was_kept_and_says_how_two_differ(tmp_path: Path, earlier: Path) -> None:
    now = tmp_path / "now.json"
    now.write_text(json.dumps(SLOW))
    done = CliRunner().invoke(app, ["report", str(now), str(earlier), "--junit", str(tmp_path / "now.xml")])
    assert done.exit_code == 0, done.output
    assert "row visible p95 1.8× slower (+" in done.output
    assert (tmp_path / "now.xml").read_text().startswith("<?xml")
    nothing = CliRunner().invoke(app, ["report", str(now)])
    assert "infra smoke report: where is the page to go?" in str(nothing.exception)
