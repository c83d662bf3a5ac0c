"""Applies an environment's plan wave by wave: a wave's plan files, its outputs, then what was pending or whose inputs
moved is planned anew and goes on only if that equals what was approved. A destroy goes the other way round.
"""

from __future__ import annotations

import contextlib
import time
from functools import partial

from modules.errors import ApplyError, InfraError, PlanError
from modules.terraform.command import invocation
from modules.terraform.compare import differences
from modules.terraform.copies import back_up_before, keep_after
from modules.terraform.events import Event, ResourceEvent, Summary
from modules.terraform.failures import from_os, terraform_failure
from modules.terraform.journal import Journal
from modules.terraform.parallel import side_by_side
from modules.terraform.plan import EnvironmentPlan, StackPlan
from modules.terraform.planning import Planner
from modules.terraform.progress import Action
from modules.terraform.results import ApplyResult, PlanRefusedError, StackFailed, StackResult, apply_failure
from modules.terraform.runner import Runner, RunResult
from modules.terraform.workdir import WorkingFolder, inputs_digest
from modules.terraform.workspace import Workspace

__all__ = ["Applier"]


class Applier:
    """Applies in a workspace that somebody else holds."""

    def __init__(self, workspace: Workspace, planner: Planner) -> None:
        self._at = workspace
        self._planner = planner

    def all_stacks(self, plan: EnvironmentPlan) -> ApplyResult:
        """See `Deployment.apply`."""
        results: list[StackResult] = []
        # A plan with targets leaves stacks out.
        planned = {stack.stack for stack in plan.stacks}
        interrupts = self._at.interrupts
        waves = [[stack.name for stack in wave if stack.name in planned] for wave in self._at.waves]
        if plan.destroy:
            waves.reverse()
        for number, names in enumerate(waves):
            if interrupts.count:
                # Nothing new is begun; but what has nothing to do is as the plan has it.
                if any(self._has_work(plan, name) for wave in waves[number:] for name in wave):
                    raise apply_failure(plan, results, [], interrupted=True)
                results += [StackResult(name, "unchanged") for wave in waves[number:] for name in wave]
                break
            jobs = {name: partial(self._apply_stack, plan, plan.stack(name)) for name in names}
            outcomes = side_by_side(jobs, also=StackFailed)
            results += [item for item in outcomes.values() if isinstance(item, StackResult)]
            failed = [item for item in outcomes.values() if isinstance(item, Exception)]
            try:
                self._at.record_outputs()
                self._at.hand_over(names)
            except InfraError:
                if not failed:  # else what failed first is what is told
                    raise
            if failed:
                raise apply_failure(plan, results, failed, interrupted=bool(interrupts.count))
        if interrupts.count:
            self._at.progress.note(
                f"there was nothing left to stop: all is {'destroyed' if plan.destroy else 'applied'}"
            )
        return ApplyResult(self._at.environment, tuple(results), plan.destroy, self._at.simulated)

    def _has_work(self, whole: EnvironmentPlan, name: str) -> bool:
        """Whether the stack is still to be applied, or looked at again because what it takes from others has moved."""
        approved = whole.stack(name)
        moved = not whole.destroy and inputs_digest(self._at.inputs(name)) != approved.inputs_digest
        return approved.has_changes or approved.pending or moved

    def _apply_stack(self, whole: EnvironmentPlan, approved: StackPlan) -> StackResult:
        name = approved.stack
        folder = self._at.folders[name]
        inputs = self._at.inputs(name)
        plan = approved
        if not whole.destroy and (approved.pending or inputs_digest(inputs) != approved.inputs_digest):
            plan = self._replanned(approved)
        if not plan.has_changes:
            return StackResult(name, "unchanged")
        if not plan.digest or folder.plan_digest() != plan.digest:
            raise PlanError(
                "the plan file is gone or was made anew by another run",
                where=f"stack {name}",
                do="plan again, review and apply",
            )
        action: Action = "destroy" if whole.destroy else "apply"
        self._at.progress.started(name, action, sum(plan.counts.values()))
        course = _Course(plan)
        outcome = "failed"
        begun = time.monotonic()
        try:
            folder.check_space(ApplyError)
            backup = back_up_before(folder)
            journal = Journal(folder.path, plan, invocation(action), _held(folder), backup)
            try:
                result = self._run_apply(folder, self._at.runner(name, inputs), plan, course, journal)
            finally:
                with contextlib.suppress(InfraError):  # a state that cannot be read is told by who needs it
                    journal.close(_held(folder))
            folder.adopt(_still_waiting(folder, plan))
            outcome = "ok"
        except OSError as error:
            raise StackFailed(name, from_os(error, folder.path, ApplyError), course.done, course.running) from None
        except InfraError as error:
            raise StackFailed(name, error, course.done, course.running) from None
        finally:
            folder.changed(self._at.progress.note, failed=outcome == "failed")
            if outcome == "ok":
                keep_after(folder, self._at.progress.note)
            self._at.progress.finished(name, action, outcome)
        seconds = time.monotonic() - begun
        counts = result.summary or _planned(plan)
        return StackResult(name, "applied", counts.added, counts.changed, counts.destroyed, counts.imported, seconds)

    def _run_apply(
        self, folder: WorkingFolder, runner: Runner, plan: StackPlan, course: _Course, journal: Journal
    ) -> RunResult:
        name = folder.source.name
        begun = False

        def on_event(event: Event) -> None:
            nonlocal begun
            if not begun and isinstance(event, ResourceEvent):
                begun = True
                folder.changing()
            journal.take(event)
            course.take(event)
            self._at.progress.event(name, event)

        arguments = ["apply", "-json", "-input=false", *self._at.parallelism, folder.plan_file.name]
        result = runner.stream(arguments, folder.path, on_event)
        # A plan file holds sensitive values and serves once.
        folder.plan_file.unlink(missing_ok=True)
        if result.code and not _stopped_when_done(result, plan, course):
            raise terraform_failure(
                result.diagnostics, stack=name, folder=folder.path, phase="apply", output=result.messages
            )
        return result

    def _replanned(self, approved: StackPlan) -> StackPlan:
        """Plan against real outputs and hold it against what was approved."""
        fresh = self._planner.stack(approved.stack, targets=approved.targets)
        if any(finding.severity == "refuse" for finding in fresh.findings):
            raise PlanRefusedError(EnvironmentPlan(self._at.environment, (fresh,), offline=self._at.simulated))
        different = differences(approved, fresh)
        if different:
            raise PlanError(
                "planned against the real outputs, it is not what was approved",
                where=f"stack {approved.stack}",
                do=f"run `infra plan --env {self._at.environment}`, review and deploy again; what was applied stays",
                details=different,
            )
        if self._at.judge is not None:
            self._at.judge(EnvironmentPlan(self._at.environment, (fresh,), offline=self._at.simulated))
        return fresh


class _Course:
    """How far an apply has come: what is done, and what it is at (address → Terraform's word for the action)."""

    def __init__(self, plan: StackPlan) -> None:
        self.done: list[str] = []
        self.running: dict[str, str] = {}
        # A replacement completes twice, as a deletion and as a creation.
        self._steps = {change.address: 2 for change in plan.changes if change.kind == "replace"}

    def take(self, event: Event) -> None:
        if not isinstance(event, ResourceEvent):
            return
        if event.step == "apply_start":
            self.running[event.address] = event.action
        elif event.step in ("apply_complete", "apply_errored"):
            self.running.pop(event.address, None)
        if event.step == "apply_complete":
            self._steps[event.address] = self._steps.get(event.address, 1) - 1
            if not self._steps[event.address]:
                self.done.append(event.address)


def _stopped_when_done(result: RunResult, plan: StackPlan, course: _Course) -> bool:
    """Whether an interrupt came as the last change was done: Terraform fails then, with nothing left but outputs."""
    errors = [item.summary for item in result.diagnostics if item.severity == "error"]
    left = {change.address for change in plan.changes if change.kind != "read"} - set(course.done)
    return errors == [_HALTED] and not left and not plan.outputs


_HALTED = "execution halted"
"""Terraform's whole message where it was asked to stop and had steps left (internal/terraform, `graph.walk`)."""


def _planned(plan: StackPlan) -> Summary:
    """What an apply did that did all of its plan and was stopped before it could say so."""
    made, gone = plan.count("create") + plan.count("replace"), plan.count("delete") + plan.count("replace")
    return Summary("apply", made, plan.count("update"), gone, plan.count("import"))


def _held(folder: WorkingFolder) -> tuple[str, ...]:
    state = folder.state()
    return state.addresses if state else ()


def _still_waiting(folder: WorkingFolder, plan: StackPlan) -> dict[str, str]:
    """Imports that a plan with targets left out."""
    if not plan.targets:
        return {}
    state = folder.state()
    done = set(state.addresses) if state else set()
    return {address: identifier for address, identifier in folder.adopting().items() if address not in done}
