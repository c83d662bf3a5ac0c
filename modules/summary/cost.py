"""What a plan adds to the month: the environment as the base or the last deploy has it, against what is planned.

What cannot be told stays unknown and says why; nothing here turns unknown into nothing.
"""

from __future__ import annotations

from modules.deployed import last_deployed
from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.errors import InfraError
from modules.project import Project
from modules.revisions import at_revision
from modules.summary.model import Base, CostPart
from modules.terraform.plan import EnvironmentPlan

__all__ = ["cost_of"]

NOTHING = "nothing deployed"


def cost_of(plan: EnvironmentPlan, environment: Environment, project: Project, base: Base | None) -> CostPart | None:
    """The expected month before and after; None on a laptop, which costs nothing."""
    if environment.platform == "local" and (base is None or base.environment.platform == "local"):
        return None
    from modules.cost.diff import Side, diff_reports
    from modules.cost.overlay import project_book
    from modules.cost.report import report

    try:
        book = project_book(project, (), "USD")
        planned = None if plan.destroy else report(environment, book)
        label, before, why = _before(plan, environment, project, base)
        if label is None:
            return CostPart(None, why, planned.total if planned else None)
        old = Side(label, report(before, book) if before else None)
        return CostPart(diff_reports(environment.name, old, Side("planned", planned)), why)
    except InfraError as error:
        return CostPart(None, f"{error.where}: {error.what}" if error.where else error.what)


def _before(
    plan: EnvironmentPlan, environment: Environment, project: Project, base: Base | None
) -> tuple[str | None, Environment | None, str | None]:
    """What to call the earlier side, the environment then, and what to know about it; no label: it cannot be told."""
    if base is not None:
        return base.label, base.environment, None
    if plan.destroy:
        return "deployed", environment, None
    if not _deployed(plan):
        return NOTHING, None, None
    last = last_deployed(project, environment.name)
    if last is None or last.revision is None:
        return None, None, "which YAML is deployed is not known here"
    with at_revision(project, last.revision) as then:
        found = load_environment(then, environment.name)
    uncommitted = "the last deploy had changes in environments/ that were not committed: they are not in `before`"
    return last.revision[:12], found, uncommitted if last.changed else None


def _deployed(plan: EnvironmentPlan) -> bool:
    """Whether anything of it is there."""
    return any(
        stack.unchanged or any(change.kind not in ("create", "read", "import") for change in stack.changes)
        for stack in plan.stacks
    )
