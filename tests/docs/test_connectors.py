"""The settings that docs/connectors.md shows are ones an environment takes, on the platform each is shown for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modules.environment import load_environment
from modules.environment.capture import CapturedTable, DebeziumPostgres
from modules.environment.connect import Connect, kind_of
from tests.platforms.golden import project_of

PAGE = (Path(__file__).parents[2] / "docs" / "connectors.md").read_text()
SHOWN = re.findall(r"```yaml (\w+)\n(.*?)```", PAGE, re.S)


@pytest.mark.parametrize("number", range(len(SHOWN)))
def test_what_is_shown_loads_and_is_what_it_says(number: int, tmp_path: Path) -> None:
    platform, shown = SHOWN[number]
    project, name = project_of("msk-serverless-dev", tmp_path)
    head = f"extends: _common\nplatform: {platform}\n"
    (project.environments / f"{name}.yaml").write_text(head + shown)
    environment = load_environment(project, name)
    assert kind_of(environment) == environment.connect.kind, "no other one takes its place"


def test_every_setting_of_a_captured_source_is_described() -> None:
    table = PAGE.partition("## Change data capture")[2]
    said = set(re.findall(r"`(\w+)`", table)) | set(re.findall(r"^    (\w+):", table, re.M))
    assert set(DebeziumPostgres.model_fields) - {"kind", "port", "prefix"} <= said
    assert set(CapturedTable.model_fields) <= {"key"}


def test_every_setting_of_connect_is_described() -> None:
    said = set(
        re.findall(
            r"\b(?:connect\.)?(\w+)\b", " ".join(re.findall(r"`([^`]+)`", re.sub("```.*?```", "", PAGE, flags=re.S)))
        )
    )
    shown = set(re.findall(r"(\w+):", " ".join(text for _, text in SHOWN)))
    assert set(Connect.model_fields) <= said | shown
