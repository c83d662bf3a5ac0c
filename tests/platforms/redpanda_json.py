"""The Terraform JSON of Redpanda's cases, in the parts that tests look at."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.platforms.golden import cases, golden, synthesise

CASES = cases("redpanda")
PROD = [case for case in CASES if case.endswith("-prod")]
FARGATE = [case for case in CASES if "fargate" in case]
EC2 = [case for case in CASES if "ec2" in case]


def cluster(case: str) -> dict[str, Any]:
    return golden(case)["cluster"]


def resources(case: str, type_: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster(case)["resource"].get(type_, {})
    return found


def containers(case: str) -> dict[str, dict[str, Any]]:
    """Broker's key → its one container."""
    found = cluster(case)["locals"]["aws_ecs_task_definition_broker"]
    assert all(len(each) == 1 for each in found.values())
    return {key: each[0] for key, each in found.items()}


def files(case: str) -> list[dict[str, Any]]:
    """Every broker's redpanda.yaml, as its container is given it."""
    local = cluster(case)["locals"]
    found = []
    for container in containers(case).values():
        values = {each["name"]: each["value"] for each in container["environment"]}
        match = re.fullmatch(r"\$\{jsonencode\(local\.(\w+)\)\}", values["BROKER_FILE"])
        assert match
        found.append(local[match[1]])
    return found


def bootstrap(case: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster(case)["locals"]["broker_bootstrap"]
    return found


def changed(case: str, tmp_path: Path, old: str, new: str) -> dict[str, Any]:
    """The cluster stack after a change of the YAML."""
    from tests.platforms import golden as module

    text = (module.CASES / f"{case}.yaml").read_text()
    assert text.count(old) == 1
    folder = tmp_path / "cases"
    shutil.copytree(module.CASES, folder)
    (folder / f"{case}.yaml").write_text(text.replace(old, new))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CASES", folder)
        return synthesise(case, tmp_path / "changed")["cluster"]
