"""Refresh-only plans as Terraform shows them, and an environment of a copied project."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modules.drift.model import Drift, DriftReport
from modules.project import Project
from modules.terraform.plan import EnvironmentPlan
from modules.terraform.plan_json import parse_plan

REPOSITORY = Path(__file__).resolve().parents[2]
AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PROVIDERS = {
    "kafka": "registry.terraform.io/mongey/kafka",
    "schemaregistry": "registry.terraform.io/cultureamp/schemaregistry",
    "snowflake": "registry.terraform.io/snowflakedb/snowflake",
}


def new_project(folder: Path, **files: str) -> Project:
    """A copy of the repository's environments, with further files `<name>.yaml`."""
    shutil.copytree(REPOSITORY / "environments", folder / "environments")
    for name, text in files.items():
        (folder / "environments" / f"{name}.yaml").write_text(text)
    return Project(folder)


def entry(address: str, before: dict[str, Any], after: dict[str, Any] | None, key: str | None = None) -> dict[str, Any]:
    """One of `resource_drift`."""
    type_, name = address.split(".")
    return {
        "address": f'{address}["{key}"]' if key else address,
        "mode": "managed",
        "type": type_,
        "name": name,
        "index": key,
        "provider_name": PROVIDERS[type_.partition("_")[0]],
        "change": {
            "actions": ["delete"] if after is None else ["update"],
            "before": before,
            "after": after,
            "after_unknown": {},
            "before_sensitive": {},
            "after_sensitive": {},
        },
    }


def refreshed(**stacks: list[dict[str, Any]]) -> EnvironmentPlan:
    """A refresh-only plan, stack by stack."""
    plans = [parse_plan(stack, {"resource_drift": found, "resource_changes": []}) for stack, found in stacks.items()]
    return EnvironmentPlan("local", tuple(plans))


def report(*drifts: Drift, **more: Any) -> DriftReport:
    return DriftReport("local", more.pop("at", AT), drifts, looked_at=("topics",), **more)
