"""What the command line takes and refuses before anything is connected to."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli.smoke import app
from modules.errors import ConfigError

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
