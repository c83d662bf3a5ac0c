"""What comes out of an apply: per stack what was done, or one error that says what was and what was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from modules.errors import ApplyError, InfraError, InterruptedRun, PlanError
from modules.terraform.plan import EnvironmentPlan

__all__ = ["ApplyResult", "PlanRefusedError", "StackFailed", "StackResult", "apply_failure"]


class PlanRefusedError(PlanError):
    """A review refused the plan; `plan` is there to be shown. Nothing was touched."""

    def __init__(self, plan: EnvironmentPlan) -> None:
        refused = plan.refused
        stack, first = refused[0]
        super().__init__(
            first.message,
            where=f"stack {stack}, {first.address}",
            do=first.do or "change the environment's YAML and plan again",
            details=[f"{name}, {finding.address}: {finding.message}" for name, finding in refused[1:]],
        )
        self.plan = plan


@dataclass(frozen=True)
class StackResult:
    """What an apply did to one stack. `outcome` is `applied` or `unchanged`."""

    stack: str
    outcome: str
    added: int = 0
    changed: int = 0
    destroyed: int = 0
    imported: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ApplyResult:
    """What an apply did, stack by stack in the order it was done."""

    environment: str
    stacks: tuple[StackResult, ...]
    destroy: bool = False
    offline: bool = False

    @property
    def changed(self) -> bool:
        return any(stack.outcome == "applied" for stack in self.stacks)

    def to_json(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "destroy": self.destroy,
            "offline": self.offline,
            "changed": self.changed,
            "stacks": [stack.to_json() for stack in self.stacks],
        }


class StackFailed(Exception):
    """One stack's apply failed; carries what was done."""

    def __init__(self, stack: str, error: InfraError, done: Sequence[str]) -> None:
        super().__init__(stack)
        self.stack = stack
        self.error = error
        self.done = tuple(done)


def apply_failure(
    plan: EnvironmentPlan, results: Sequence[StackResult], failed: Sequence[Exception], *, interrupted: bool
) -> InfraError:
    """One error for a wave that failed: what was done, what was not, how to go on."""
    offline = " --offline" if plan.offline else ""
    command = f"infra {'destroy' if plan.destroy else 'deploy'} --env {plan.environment}{offline}"
    done = {item.stack: item.done for item in failed if isinstance(item, StackFailed)}
    finished = [item.stack for item in results if item.outcome == "applied"]
    lines = [f"{stack}: applied" for stack in finished]
    touched = set(finished) | {item.stack for item in results}
    for stack in (item for item in plan.stacks if item.stack not in touched and item.has_changes):
        complete = set(done.get(stack.stack, ()))
        left = [change.address for change in stack.changes if change.address not in complete]
        lines.append(
            f"{stack.stack}: {len(complete)} of {len(complete) + len(left)} done"
            if complete
            else f"{stack.stack}: nothing done, {len(left)} to do"
        )
        if complete and left:
            lines.append(f"  not done: {', '.join(left[:10])}{' …' if len(left) > 10 else ''}")
    if interrupted:
        return InterruptedRun("interrupted", do=f"`{command}` goes on from here", details=lines)
    errors = [item.error if isinstance(item, StackFailed) else item for item in failed]
    first, *others = [error for error in errors if isinstance(error, InfraError)]
    if isinstance(first, PlanRefusedError) or not isinstance(first, ApplyError):
        first.details = (*first.details, *lines, *(str(error) for error in others))
        return first
    return ApplyError(
        first.what,
        where=first.where,
        do=f"{first.do}; `{command}` goes on from here" if first.do else f"`{command}` goes on from here",
        details=[*first.details, *(str(error) for error in others), *lines],
    )
