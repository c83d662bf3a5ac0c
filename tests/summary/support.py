"""Plans to summarise: recorded ones (`terraform show -json`, without what stays as it is), and made ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.project import Project
from modules.summary import Base, summarise
from modules.summary.model import Summary
from modules.summary.schemas import schemas_of
from modules.terraform.plan import EnvironmentPlan
from modules.terraform.plan_json import parse_plan
from modules.terraform.review import review

__all__ = ["CASES", "TESTDATA", "change", "plan_of", "recorded", "summary_of"]

TESTDATA = Path(__file__).parent / "testdata"
STACKS = ("cluster", "warehouse", "topics", "connect")

_REFUNDS = """
  refunds:
    partitions: 3
    value: {schema: schemas/order_events.avsc}
    sink: {table: STREAMING.PUBLIC.REFUNDS}

warehouse:"""
_ADDED = (
    ("base.yaml", "partitions: 6 #", "partitions: 12 #"),
    ("base.yaml", "retention: 30d", "retention: 7d"),
    ("base.yaml", "\nwarehouse:", _REFUNDS),
    (
        "schemas/order_events.avsc",
        '"default": null}\n',
        '"default": null},\n    {"name": "channel", "type": "string", "default": "web"}\n',
    ),
)
_RENAMED = (
    ("base.yaml", "  order-events:\n", "  orders:\n"),
    ("base.yaml", "compatibility: BACKWARD", "compatibility: FULL"),
    ("dev.yaml", "connect: {kind: managed}", "connect: {kind: sink}"),
)


@dataclass(frozen=True)
class Case:
    """An environment, what its files changed by, and whether the golden files have its cost (prices change)."""

    environment: str
    edits: Sequence[tuple[str, str, str]]
    cost: bool = False


CASES: Mapping[str, Case] = {
    "confluent-topic-added": Case("dev", _ADDED, cost=True),
    "confluent-topic-renamed": Case("dev", _RENAMED),
    "msk-schema-changed": Case("prod", _ADDED),
}


def recorded(case: str, root: Path) -> Summary:
    """The case against its base revision."""
    its = CASES[case]
    before, after = (_project(root / side, edits) for side, edits in (("before", ()), ("after", its.edits)))
    old, new = (load_environment(project, its.environment) for project in (before, after))
    stacks = []
    for name in STACKS:
        document = json.loads((TESTDATA / case / f"{name}.json").read_text(encoding="utf-8"))
        stack = parse_plan(name, document)
        stacks.append(replace(stack, findings=review(stack)))
    plan = EnvironmentPlan(its.environment, tuple(stacks), offline=True)
    base = Base("main (0a1b2c3)", old, schemas_of(old, before))
    found = summarise(plan, environment=new, project=after, base=base)
    return found if its.cost else replace(found, cost=None)


def _project(root: Path, edits: Iterable[tuple[str, str, str]]) -> Project:
    shutil.copytree(TESTDATA / "environments", root / "environments")
    for name, old, new in edits:
        file = root / "environments" / name
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        file.write_text(text.replace(old, new), encoding="utf-8")
    return Project(root, offline=True)


def change(
    address: str,
    actions: Sequence[str],
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An entry of `resource_changes`."""
    kind, _, rest = address.partition(".")
    name, bracket, key = rest.partition("[")
    found: dict[str, Any] = {"address": address, "mode": "managed", "type": kind, "name": name}
    if bracket:
        found["index"] = json.loads(key.rstrip("]"))
    return {
        **found,
        "change": {"actions": list(actions), "before": before, "after": after, "after_unknown": {}, **more},
    }


def plan_of(*entries: Mapping[str, Any], stack: str = "topics", environment: str = "dev") -> EnvironmentPlan:
    """An environment of one stack."""
    plan = parse_plan(stack, {"resource_changes": list(entries)})
    return EnvironmentPlan(environment, (replace(plan, findings=review(plan)),))


def summary_of(plan: EnvironmentPlan, environment: Environment, project: Project, **more: Any) -> Summary:
    return summarise(plan, environment=environment, project=project, **more)
