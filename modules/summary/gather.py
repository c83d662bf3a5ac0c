"""Makes a summary of a plan. Reads schema files, price lists and, for what the last deploy cost, one git revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.environment.model import Environment
from modules.project import Project
from modules.summary.entries import entries_of
from modules.summary.model import Base, Summary
from modules.terraform.plan import EnvironmentPlan

if TYPE_CHECKING:
    from modules.guards.result import GuardReport

__all__ = ["bare", "summarise"]


def bare(plan: EnvironmentPlan) -> Summary:
    """What the plan alone tells."""
    entries = entries_of(plan)
    return Summary(plan, entries, tuple(each for each in plan.changes if each[1].kind == "read"))


def summarise(
    plan: EnvironmentPlan,
    *,
    environment: Environment,
    project: Project,
    base: Base | None = None,
    guards: GuardReport | None = None,
    notes: tuple[str, ...] = (),
) -> Summary:
    """The plan with what it means: data that goes, schemas, money, rights, guards.

    Args:
        environment: as planned.
        project: where its files are.
        base: the revision that the plan was made against (`modules/summary/base.py`); default: what is deployed.
        guards: what the guards found, shown with the rest.
        notes: sentences to show first.
    """
    from modules.summary.cost import cost_of
    from modules.summary.rights import rights_that_change
    from modules.summary.schemas import check_schemas, schemas_of

    entries = entries_of(plan)
    gained, lost, unknown = rights_that_change(entries)
    now = {} if plan.destroy or base is None else schemas_of(environment, project)
    return Summary(
        plan,
        entries,
        reads=tuple(each for each in plan.changes if each[1].kind == "read"),
        schemas=check_schemas(plan, entries, now, base),
        cost=cost_of(plan, environment, project, base),
        gained=gained,
        lost=lost,
        unknown_rights=unknown,
        guards=guards,
        base=base.label if base else None,
        notes=notes,
    )
