"""A task that runs elsewhere knows from its environment what a machine of one's own knows from its last deploy."""

from __future__ import annotations

import json

import pytest

from modules.environment import load_environment
from modules.platforms.connector import connector_key
from modules.project import recorded_outputs
from tests.environment.conftest import Write, write

__all__ = ["write"]


def test_a_task_is_told_the_clusters_outputs(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    project = write(dev="extends: base\nplatform: redpanda\n")
    assert recorded_outputs(project, "dev", "cluster") is None
    monkeypatch.setenv("INFRA_OUTPUTS", json.dumps({"cluster": {"bootstrap_servers": "b:9092"}}))
    assert recorded_outputs(project, "dev", "cluster") == {"bootstrap_servers": "b:9092"}
    assert recorded_outputs(project, "dev", "connect") is None
    monkeypatch.setenv("INFRA_OUTPUTS", "no JSON")
    assert recorded_outputs(project, "dev", "cluster") is None


def test_a_task_is_told_where_its_key_is(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    project = write(dev="extends: base\nplatform: redpanda\n")
    environment = load_environment(project, "dev")
    assert str(connector_key(environment, project)).startswith("file:")
    reference = "aws-sm:arn:aws:secretsmanager:us-east-1:1:secret:streaming-dev-connectors#private_key"
    monkeypatch.setenv("INFRA_CONNECTOR_KEY", reference)
    assert str(connector_key(environment, project)) == reference
