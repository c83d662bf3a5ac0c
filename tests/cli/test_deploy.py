"""`infra deploy` of a part: what carries events is left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.main import main

ROOT = Path(__file__).resolve().parents[2]


def test_a_part_that_is_deployed_says_what_brings_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    monkeypatch.setattr("cli._deployment.start_carrying", lambda target: pytest.fail("the sink would be started"))
    assert main(["deploy", "--env", "dev", "--offline", "--yes", "--target", "cluster"]) == 0
    said = capsys.readouterr().err
    assert "only a part was deployed, so the rest is as it was: `infra deploy --env dev` brings it" in said
