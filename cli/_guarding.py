"""Guards on the command line: asked about a plan, and asked again about what is planned between waves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cli._output import note

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.environment import Environment
    from modules.guards import GuardReport
    from modules.project import Project
    from modules.terraform.plan import EnvironmentPlan

__all__ = ["guard_report", "judge_later"]


def guard_report(
    planned: EnvironmentPlan,
    target: Target,
    allow_destroy: Sequence[str] | None = None,
    *,
    base: Environment | None = None,
    folders: Project | None = None,
    applying: bool = False,
    reviewed: bool = False,
    locks: Mapping[str, bytes] | None = None,
) -> GuardReport:
    """What the guards say; see `check_guards`."""
    from modules.guards import check_guards

    return check_guards(
        planned,
        environment=target.environment,
        project=target.project,
        allow_destroy=tuple(allow_destroy or ()),
        base=base,
        folders=folders,
        applying=applying,
        reviewed=reviewed,
        locks=locks,
    )


def judge_later(target: Target, allow_destroy: Sequence[str] | None = None) -> Callable[[EnvironmentPlan], None]:
    """For `Deployment.use_judge`: a stack whose values were not known when the whole was judged."""

    def judge(planned: EnvironmentPlan) -> None:
        from modules.guards import GuardsRefusedError

        report = guard_report(planned, target, allow_destroy)
        for result in report.warned:
            if not result.whole:
                note(f"warning: {result.id}: {result.stack} {result.address}: {result.message}")
        if report.refused:
            raise GuardsRefusedError(report, later=", ".join(stack.stack for stack in planned.stacks))

    return judge
