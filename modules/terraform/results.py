"""What comes out of an apply: per stack what was done, or one error that says what was and what was not."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
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
    """One stack's apply failed; carries what was done, and what it was at (address → action) when it was cut off."""

    def __init__(
        self, stack: str, error: InfraError, done: Sequence[str], running: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(stack)
        self.stack = stack
        self.error = error
        self.done = tuple(done)
        self.running = dict(running or {})


def apply_failure(
    plan: EnvironmentPlan, results: Sequence[StackResult], failed: Sequence[Exception], *, interrupted: bool
) -> InfraError:
    """One error for a wave that failed: what was done, what was not, what to check, how to go on."""
    command = _command(plan)
    stopped = {item.stack: item for item in failed if isinstance(item, StackFailed)}
    lines = [*_course(plan, results, stopped), *_to_check(stopped.values())]
    if interrupted:
        do = f"`{command}` goes on from here"
        if any(item.running for item in stopped.values()):
            do = f"look at what is named; {do}, and its plan takes over what was made and is in no state"
        return InterruptedRun("interrupted", do=do, details=lines)
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


def _command(plan: EnvironmentPlan) -> str:
    words = ["infra", "destroy" if plan.destroy else "deploy", "--env", plan.environment]
    words += ["--offline"] if plan.offline else []
    return shlex.join([*words, *(word for target in plan.targets for word in ("--target", target))])


def _course(plan: EnvironmentPlan, results: Sequence[StackResult], stopped: Mapping[str, StackFailed]) -> Iterable[str]:
    """Stack by stack: done, done in part, or not begun."""
    finished = {item.stack: item for item in results}
    for stack in plan.stacks:
        if stack.stack in finished:
            if finished[stack.stack].outcome == "applied":
                yield f"{stack.stack}: {'destroyed' if plan.destroy else 'applied'}"
            continue
        if not stack.has_changes:
            continue
        complete = set(stopped[stack.stack].done) if stack.stack in stopped else set()
        left = [change.address for change in stack.changes if change.kind != "read" and change.address not in complete]
        if not complete:
            word = "nothing done" if stack.stack in stopped else "not begun"
            yield f"{stack.stack}: {word}, {len(left)} to do"
            continue
        unread = ", its outputs are not read" if stack.outputs and not left else ""
        yield f"{stack.stack}: {len(complete)} of {len(complete) + len(left)} done{unread}"
        if left:
            yield f"  not done: {', '.join(left[:_SHOWN])}{' …' if len(left) > _SHOWN else ''}"


def _to_check(stopped: Iterable[StackFailed]) -> Iterable[str]:
    """What was cut off in the middle, of which nobody knows how it ended."""
    for item in stopped:
        for address, action in list(item.running.items())[:_SHOWN]:
            yield f"check: {item.stack}: {address} was being {_BEING.get(action, 'changed')}"
        if len(item.running) > _SHOWN:
            yield f"check: {item.stack}: {len(item.running) - _SHOWN} more were being changed"


_SHOWN = 10
_BEING = {"create": "created", "delete": "destroyed", "update": "changed"}
