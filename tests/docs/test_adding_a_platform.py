"""The page on adding a platform is executed: its code is written out, registered as it says, and rehearsed."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import create_model

from cli._deployment import Target, deployment_of
from modules.environment import Environment
from modules.platforms import PLATFORMS, platform_for
from modules.platforms.declare import DECLARATIONS
from modules.project import Project
from modules.simulated.offline import OfflinePlatform, without_secrets
from modules.terraform.engine import Deployment
from tests.plugins.attached import simulations

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-platform.md"
PLACES = {
    "modules/environment/existing.py": "existing_settings",
    "modules/platforms/existing.py": "existing_clients",
    "modules/platforms/declare/existing.py": "existing_declarations",
}


def code() -> dict[str, str]:
    """File → its code, as the page shows it."""
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    return dict(blocks)


@pytest.fixture
def existing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The page's modules, imported under names of their own and registered; its settings module."""
    for file, name in PLACES.items():
        (tmp_path / f"{name}.py").write_text(code()[file], encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(PLATFORMS, "existing", "existing_clients:ExistingPlatform")
    monkeypatch.setitem(DECLARATIONS, "existing", "existing_declarations:ExistingDeclarations")
    yield importlib.import_module("existing_settings")
    for name in PLACES.values():
        sys.modules.pop(name, None)


def environment(settings: Any, **given: Any) -> Environment:
    """The model with the page's two lines in it."""
    model: Any = create_model(
        "WithExisting",
        __base__=Environment,
        platform=(Literal["existing"], ...),
        existing=(settings.Existing, settings.Existing()),
    )
    topic = {
        "partitions": 6,
        "key": "order_id",
        "value": {"schema": "schemas/order_events.avsc"},
        "sink": {"table": "STREAMING.PUBLIC.ORDER_EVENTS"},
    }
    made: Environment = model.model_validate(
        {"name": "theirs", "source": "environments/theirs.yaml", "platform": "existing",
         "topics": {"order-events": topic}, **given}
    )  # fmt: skip
    return made


def test_the_page_shows_each_file_in_about_a_hundred_lines() -> None:
    assert set(code()) == set(PLACES)
    lines = [line for text in code().values() for line in text.splitlines() if line.strip()]
    assert len(lines) <= 110


def test_a_missing_address_is_a_problem_with_its_key(existing: Any) -> None:
    class Positions:
        def at(self, *path: object) -> str:
            return "environments/theirs.yaml:3"

    problems = list(existing.check(environment(existing), Positions()))
    assert [str(each) for each in problems] == [
        "environments/theirs.yaml:3: existing.bootstrap_servers: is needed; there is no default",
        "environments/theirs.yaml:3: existing.registry_url: is needed; there is no default",
    ]


def test_it_is_planned_applied_planned_empty_and_destroyed(existing: Any, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "environments", tmp_path / "project" / "environments")
    project = replace(Project(tmp_path / "project"), offline=True)
    given = {"bootstrap_servers": "b1.example:9096,b2.example:9096", "registry_url": "https://registry.example"}
    wanted = without_secrets(environment(existing, existing=given))
    target = Target(project, wanted, OfflinePlatform(platform_for(wanted, project), wanted))
    with simulations(tmp_path / "simulated.sqlite"):
        _whole_life(deployment_of(target), given)


def _whole_life(deployment: Deployment, given: dict[str, str]) -> None:
    planned = deployment.plan()
    addresses = {change.address for _, change in planned.changes}
    assert 'kafka_topic.topic["order-events"]' in addresses and 'kafka_topic.topic["order-events.dlq"]' in addresses
    deployment.apply(planned)
    assert not deployment.plan().has_changes
    outputs = {name: value.value for name, value in deployment.outputs("cluster").items()}
    assert outputs["bootstrap_servers"] == given["bootstrap_servers"]
    assert outputs["credentials"]["sink"] == "env:KAFKA_SINK"
    deployment.destroy()
    assert not any(deployment.applied(stack) for stack in deployment.stack_names)


def test_missing_credentials_are_named(existing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_ADMIN_PASSWORD", raising=False)
    missing = platform_for(environment(existing), Project(tmp_path)).missing_credentials()
    assert any("existing.admin_password" in line and "KAFKA_ADMIN_PASSWORD" in line for line in missing)
