"""A project of one environment, and plans as `terraform show -json` writes them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from modules.environment import Environment, load_environment
from modules.guards import GuardReport, check_guards
from modules.project import Project
from modules.terraform.plan import EnvironmentPlan
from modules.terraform.plan_json import parse_plan

REAL = Path(__file__).parents[2] / "environments"
TODAY = date(2026, 11, 22)

Entry = dict[str, Any]


def project_of(root: Path, *lines: str) -> tuple[Project, Environment]:
    """A project with environments/prod.yaml of these lines, on the real base.yaml."""
    folder = root / "environments"
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    shutil.copy(REAL / "base.yaml", folder)
    shutil.copy(REAL / "schemas" / "order_events.avsc", folder / "schemas")
    (folder / "prod.yaml").write_text("\n".join(["extends: base", *lines]) + "\n")
    project = Project(root)
    return project, load_environment(project, "prod")


def entry(
    stack: str, address: str, actions: str, before: Any = None, after: Any = None, unknown: Any = None
) -> tuple[str, Entry]:
    """One of `resource_changes`, in a stack; `actions` are `create`, `update`, `delete` or `delete,create`."""
    type_, _, rest = address.partition(".")
    name, _, key = rest.partition('["')
    change = {"actions": actions.split(","), "before": before, "after": after, "after_unknown": unknown or {}}
    index = {"index": key.removesuffix('"]')} if key else {}
    return stack, {"address": address, "mode": "managed", "type": type_, "name": name, "change": change, **index}


def plan_of(*entries: tuple[str, Mapping[str, Any]], destroy: bool = False, offline: bool = False) -> EnvironmentPlan:
    """A plan of the stacks that the entries name."""
    stacks: dict[str, list[Mapping[str, Any]]] = {}
    for stack, each in entries:
        stacks.setdefault(stack, []).append(each)
    plans = tuple(parse_plan(stack, {"resource_changes": each}) for stack, each in stacks.items())
    return EnvironmentPlan("prod", plans, destroy, offline)


def judged(
    root: Path, lines: Sequence[str], *entries: tuple[str, Mapping[str, Any]], destroy: bool = False, **options: Any
) -> GuardReport:
    """What the guards of such an environment say to such a plan."""
    project, environment = project_of(root, *lines)
    options.setdefault("today", TODAY)
    return check_guards(plan_of(*entries, destroy=destroy), environment=environment, project=project, **options)
