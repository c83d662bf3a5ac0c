"""What the command line takes and refuses before anything is connected to."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.smoke import _table, app
from modules.errors import ConfigError
from modules.smoke.result import Progress, StageProgress

runner = CliRunner()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "1K"], "--size: expected a size such as 1KiB, 500MB or 1GB, got '1K'"),
        (["--size", "0B"], "an event has at least one byte, got a size of 0"),
        (["--deadline", "fast"], "--deadline: expected a duration such as"),
        (["--deadline", "2h"], "the deadline must be above 0 s and at most an hour, got 7200 s"),
        (["--rate", "0"], "rate must be above 0 and at most 1,000,000 events a second, got 0"),
        (["--count", "5", "--duration", "10s"], "--count and --duration say the same thing twice"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_what_would(arguments: list[str], words: str) -> None:
    done = runner.invoke(app, ["--env", "local", *arguments])
    assert isinstance(done.exception, ConfigError)
    assert words in str(done.exception)


def test_help_says_what_it_does_and_how_it_ends() -> None:
    text = " ".join(runner.invoke(app, ["--help"], env={"COLUMNS": "200"}).output.split())  # however it wraps
    for word in ("--size", "--poisson", "Exit codes: 0 every SLO met", "infra smoke --env local"):
        assert word in text


def test_the_live_screen_has_rate_in_flight_percentiles_and_a_bar_a_stage_in_eighty_columns() -> None:
    stages = (
        StageProgress("acknowledged", 900, 100_000_000, 200_000_000),
        StageProgress("handed_over", 800, 200_000_000, 400_000_000),
        StageProgress("row_visible", 0, None, None),
    )
    console = Console(width=80, file=StringIO())
    console.print(_table(Progress("measuring", 1_000, 2_000, 200.4, 200, stages)))
    assert isinstance(console.file, StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    (acknowledged,) = (line for line in lines if "acknowledged" in line)
    (handed,) = (line for line in lines if "handed to the warehouse" in line)
    (visible,) = (line for line in lines if "row visible" in line)
    assert acknowledged.split()[-1] == "█" * 3 + "░" * 3, "half as slow as the slowest"
    assert handed.split()[-1] == "█" * 6 + "░" * 6
    assert visible.split()[-3:] == ["0", "–", "–"], "no bar without a percentile"
    assert "1,000 of 2,000 sent · 200/s · 200 in flight" in lines[-1]
