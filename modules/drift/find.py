"""One look at an environment: what was changed outside, is missing, or is there and nobody declared it.

Runs a refresh-only plan of every stack that was applied, and asks the services for what they have; changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from modules.drift.changes import drift_of_plan
from modules.drift.ignored import sift
from modules.drift.managed import StateObject, managed_by
from modules.drift.model import Drift, DriftReport, Unlisted
from modules.environment.model import Environment
from modules.platforms.base import Platform
from modules.project import Project

if TYPE_CHECKING:
    from modules.terraform.plan import EnvironmentPlan
    from modules.terraform.source import Declared

__all__ = ["find_drift", "unmanaged"]


def find_drift(
    environment: Environment,
    project: Project,
    platform: Platform,
    plan: EnvironmentPlan,
    held: Iterable[StateObject],
    declared: Mapping[str, Mapping[str, Declared]] | None = None,
    note: Callable[[str], None] = lambda _: None,
    now: datetime | None = None,
) -> DriftReport:
    """The report, without what the history knows.

    Args:
        plan: refresh-only, of all stacks.
        held: everything in the stacks' states.
        declared: what the YAML comes to by now, see `drift_of_plan`.
        note: told what is being asked for.
    """
    at = now or datetime.now(UTC)
    unlisted: dict[tuple[str, str], Unlisted] = {}
    applied = tuple(stack.stack for stack in plan.stacks if stack.note is None)
    found = drift_of_plan(plan, environment, declared)
    if not project.offline:
        note("asking Kafka, the registry and Snowflake for what they have")

        def missing(one: Unlisted) -> None:
            unlisted.setdefault((one.what, one.why), one)

        found += unmanaged(environment, project, platform, held, applied, missing)
    sifted = sift((_told(each, environment) for each in found), environment.drift.ignore, at.date())
    return DriftReport(
        environment.name,
        at,
        sifted.drifts,
        sifted.ignored,
        tuple(unlisted.values()),
        applied,
        {
            **{stack.stack: str(stack.note) for stack in plan.stacks if stack.note is not None},
            **_by_others(environment),
        },
        sifted.expired,
        offline=project.offline,
    )


def _by_others(environment: Environment) -> dict[str, str]:
    """What Terraform has none of."""
    engine = environment.warehouse.engine
    if engine == "terraform":
        return {}
    command = f"infra warehouse sql --env {environment.name} --diff"
    return {"warehouse": f"its objects are made by {engine}; `{command}` compares them"}


def unmanaged(
    environment: Environment,
    project: Project,
    platform: Platform,
    held: Iterable[StateObject],
    applied: Iterable[str],
    unlisted: Callable[[Unlisted], None],
) -> list[Drift]:
    """What is there and nobody declared, of the services whose stacks are there."""
    from modules.drift.kafka import unmanaged_in_kafka, unmanaged_subjects
    from modules.drift.warehouse import unmanaged_in_snowflake

    managed, applied = managed_by(held), tuple(applied)
    found: list[Drift] = []
    if "topics" in applied:
        found += unmanaged_in_kafka(environment, platform, managed, unlisted)
        found += unmanaged_subjects(environment, platform, managed, unlisted)
    if "warehouse" in applied:
        found += unmanaged_in_snowflake(environment, platform, project, managed, unlisted)
    return found


def _told(drift: Drift, environment: Environment) -> Drift:
    """With what to do about it, where that is not said yet."""
    from dataclasses import replace

    if drift.do:
        return drift
    command = f"infra drift --env {environment.name}"
    if drift.kind == "missing":
        lost = drift.type in ("topic", "table", "schema", "database")
        data = "; what was in it is lost" if lost else ""
        return replace(drift, do=f"`{command} --revert` makes it again{data}, or take it out of the YAML")
    more = [each for each in drift.attributes if each.path in ("partitions", "partitions_count")]
    if more and int(more[0].after or 0) > int(more[0].before or 0):
        adopts = f"`{command} --adopt` writes it into the YAML; " if more[0].key else ""
        return replace(drift, do=f"{adopts}Kafka takes no partitions back")
    if any(each.key for each in drift.attributes):
        return replace(drift, do=f"`{command} --adopt` writes it into the YAML, `--revert` takes it back")
    return replace(drift, do=f"`{command} --revert` takes it back")
