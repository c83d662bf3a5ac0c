"""`platform:` is the one line that moves a pipeline: what it is made of stays equal on all of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from modules.environment import Environment, load_environment
from modules.project import Project
from modules.topics import access_acls, schema_specs, sink_acls, topic_specs
from modules.warehouse.build import estate_of

ROOT = Path(__file__).parents[2]
PLATFORMS = ("local", "confluent", "msk", "redpanda")


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Environment, Project]]:
    """One YAML on every platform; only the one line differs."""
    root = tmp_path_factory.mktemp("switch")
    shutil.copytree(ROOT / "environments", root / "environments")
    for platform in PLATFORMS:
        file = root / "environments" / f"on{platform}.yaml"
        file.write_text(f"extends: base\nplatform: {platform}\nconnect: {{kind: sink}}\ntags: {{owner: us}}\n")
    project = Project(root)
    return {platform: (load_environment(project, f"on{platform}"), project) for platform in PLATFORMS}


def pipeline(environment: Environment, project: Project) -> dict[str, Any]:
    """What is to be the same everywhere. Replication is not: a laptop has one broker."""
    durability = ("min.insync.replicas",)
    topics = {
        spec.name: (spec.partitions, {key: value for key, value in spec.config if key not in durability})
        for spec in topic_specs(environment)
    }
    return {
        "topics": topics,
        "schemas": schema_specs(environment),
        "rights": [*access_acls(environment), *sink_acls(environment)],
        "estate": estate_of(environment, project.environments),
        "connector": environment.connect,
        "workload": environment.workload,
        "slo": environment.slo,
    }


@pytest.mark.parametrize("platform", [name for name in PLATFORMS if name != "local"])
def test_the_pipeline_is_the_same_as_on_the_laptop(
    moved: dict[str, tuple[Environment, Project]], platform: str
) -> None:
    here, there = pipeline(*moved["local"]), pipeline(*moved[platform])
    assert here["topics"] and here["rights"] and here["schemas"]
    for part, value in here.items():
        assert there[part] == value, part


def test_only_the_platform_differs_in_the_models(moved: dict[str, tuple[Environment, Project]]) -> None:
    for environment, _ in moved.values():
        other = environment.model_copy(update={"platform": "local", "name": "x", "source": "x"})
        first = moved["local"][0].model_copy(update={"name": "x", "source": "x"})
        assert other == first
