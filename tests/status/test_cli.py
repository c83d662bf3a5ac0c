"""What the command line takes and refuses before anything is connected to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import main
from cli.status import app
from modules.errors import ConfigError

runner = CliRunner()


def test_two_documents_on_one_stdout_are_refused() -> None:
    done = runner.invoke(app, ["--env", "local", "--json", "--openmetrics"])
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == "--json and --openmetrics both write to stdout\n  → give one of them"


def test_a_language_that_is_not_there_is_refused() -> None:
    done = runner.invoke(app, ["--env", "local", "--rules", "nagios"])
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == "--rules: no language `nagios`\n  → give one of prometheus, cloudwatch, confluent"


def test_rules_are_printed_without_asking_anybody() -> None:
    prometheus = runner.invoke(app, ["--env", "prod", "--rules", "prometheus"])
    assert yaml.safe_load(prometheus.output)["groups"][0]["name"] == "infra-prod"
    assert json.loads(runner.invoke(app, ["--env", "prod", "--rules", "cloudwatch"]).output)


@pytest.mark.parametrize("env", ["local", "dev"])
def test_what_was_never_deployed_cannot_be_looked_at(
    env: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    shutil.copytree(Path(__file__).resolve().parents[2] / "environments", tmp_path / "environments")
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    assert main(["status", "--env", env]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "→ run `infra" in said.err
