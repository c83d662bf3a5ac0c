"""Plans, applies and destroys an environment's stacks with Terraform.

    plan     every stack that can be planned, side by side; those whose upstream was never applied are `pending`
    apply    wave by wave: apply a wave's plan files, read its outputs, plan what was pending or whose inputs moved,
             go on only if that equals what was approved
    destroy  the same in reverse

One `Deployment` is one environment; it holds the environment's lock only while it works, so that a person may take
their time to confirm: an apply checks that the plan files are still the ones that were shown.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from modules.errors import ApplyError, InfraError, PlanError
from modules.project import OUTPUTS_FILE, Project
from modules.terraform.command import base_environment, terraform_command
from modules.terraform.compare import differences
from modules.terraform.events import Event, ResourceEvent
from modules.terraform.failures import from_os, terraform_failure
from modules.terraform.files import private_folder, write_private
from modules.terraform.interrupts import Interrupts
from modules.terraform.leftovers import leftovers, refuse_leftovers
from modules.terraform.parallel import side_by_side
from modules.terraform.plan import EnvironmentPlan, StackPlan, parse_plan
from modules.terraform.progress import Action, Progress, Silent
from modules.terraform.providers import ProviderInstallation
from modules.terraform.records import environment_lock, settle
from modules.terraform.results import ApplyResult, PlanRefusedError, StackFailed, StackResult, apply_failure
from modules.terraform.review import judge, review, review_declared
from modules.terraform.runner import Runner, RunResult
from modules.terraform.source import Declared, StackSource, declared, planned_creations, waves
from modules.terraform.state import OutputValue
from modules.terraform.workdir import WorkingFolder, inputs_digest, secret_inputs

__all__ = ["ApplyResult", "Deployment", "PlanRefusedError", "StackResult"]

_HEAL = ("Required plugins are not installed", "Inconsistent dependency lock file", "initialization required")


class Deployment:
    """One environment's stacks and how to run Terraform on them.

    Args:
        stacks: all of the environment's stacks, in any order.
        binary: a `terraform` or `tofu` program; default: `INFRA_TERRAFORM`, else the library that comes along.
        secrets: values of Terraform variables that must touch neither disk nor argv (ephemeral variables): passed as
            TF_VAR_* to every command, for an apply of a saved plan wants them again. A function is asked for each
            stack when its turn comes, for what an earlier stack makes can be read only then.
        applied: told the outputs of each stack, sensitive ones included, before a plan and after each wave, so before
            secrets of the stacks behind it are asked for; keeps what clients have to find.
        orphan_timeout: seconds to wait for a Terraform that a killed run left behind.
        parallelism: Terraform's `-parallelism`; its default is 10.

    Raises:
        ConfigError: the chosen binary does not exist.
        SynthError: stacks need each other in a circle, or one that is not there.
    """

    def __init__(
        self,
        project: Project,
        environment_name: str,
        stacks: Sequence[StackSource],
        providers: ProviderInstallation,
        *,
        binary: str | None = None,
        secrets: Mapping[str, str] | Callable[[str], Mapping[str, str]] | None = None,
        applied: Callable[[str, Mapping[str, Any]], None] | None = None,
        progress: Progress | None = None,
        orphan_timeout: float = 900.0,
        parallelism: int | None = None,
    ) -> None:
        self.environment = environment_name
        self.waves = waves(stacks)
        self.root = project.environment_state(environment_name)
        self.simulated = providers.simulated
        self._folders = {stack.name: WorkingFolder(self.root / stack.name, stack, self.simulated) for stack in stacks}
        self._providers = providers
        self._command = terraform_command(binary)
        self._secrets = secrets if callable(secrets) else partial(_same, dict(secrets or {}))
        self._keep = applied
        self._progress: Progress = progress or Silent()
        self._orphan_timeout = orphan_timeout
        self._parallelism = [f"-parallelism={parallelism}"] if parallelism else []
        self._interrupts = Interrupts(lambda text: self._progress.note(text))

    def use_progress(self, progress: Progress) -> None:
        """Tell another progress from now on (a display ends while a person is asked to confirm)."""
        self._progress = progress

    @property
    def stack_names(self) -> tuple[str, ...]:
        """In the order of their application."""
        return tuple(stack.name for wave in self.waves for stack in wave)

    def outputs(self, stack: str) -> dict[str, OutputValue]:
        """A stack's outputs, read from its state; empty when it was never applied.

        Raises:
            PlanError: the state is malformed.
        """
        state = self._folders[stack].state()
        return dict(state.outputs) if state else {}

    def applied(self, stack: str) -> bool:
        """Whether the stack has anything in its state."""
        state = self._folders[stack].state()
        return state is not None and not state.empty

    def undeployed(self) -> dict[str, tuple[Declared, ...]]:
        """What each stack declares and its state does not hold."""
        found = {}
        for name, folder in self._folders.items():
            state = folder.state()
            held = set(state.addresses) if state else set()
            found[name] = tuple(item for item in declared(folder.document()) if item.address not in held)
        return found

    def adopt(self, blocks: Mapping[str, Mapping[str, str]]) -> None:
        """Import objects that exist already (stack → address → id) with the next apply; replaces what waited before.

        Raises:
            StateLockedError: another run is at work.
            TerraformError: they cannot be written down.
        """
        with self._working("import"):
            for name, addresses in blocks.items():
                self._folders[name].adopt(addresses)

    # --- plan ---

    def plan(self, *, destroy: bool = False) -> EnvironmentPlan:
        """Plan every stack; nothing outside the working folders is touched.

        Raises:
            PlanRefusedError: a review refused it.
            PlanError, StateLockedError, InterruptedRun: as their names say.
        """
        with self._working("plan"):
            folders = self._folders.items()
            refuse_leftovers(
                self.environment, {name: leftovers(each.state_file, each.document()) for name, each in folders}
            )
            self._hand_over([name for name in self.stack_names if self.applied(name)])
            plan = self._plan_all(destroy)
        if plan.refused:
            raise PlanRefusedError(plan)
        return plan

    def _plan_all(self, destroy: bool) -> EnvironmentPlan:
        names = self.stack_names[::-1] if destroy else self.stack_names
        results = side_by_side({name: partial(self._plan_stack, name, destroy) for name in names})
        failed = [(name, outcome) for name, outcome in results.items() if isinstance(outcome, InfraError)]
        if failed:
            self._interrupts.check()
            first = failed[0][1]
            for name, other in failed[1:]:
                alike = other.what == first.what
                first.details = (*first.details, f"stack {name} fails alike" if alike else f"{other}")
            raise first
        plans = [outcome for outcome in results.values() if isinstance(outcome, StackPlan)]
        return EnvironmentPlan(self.environment, tuple(plans), destroy, self.simulated)

    def _plan_stack(self, name: str, destroy: bool = False) -> StackPlan:
        self._progress.started(name, "plan", 0)
        outcome = "failed"
        try:
            plan = self._planned(name, destroy)
            outcome = plan.note or ("ok" if plan.has_changes else "no changes")
            return plan
        except OSError as error:
            raise from_os(error, self._folders[name].path) from None
        finally:
            self._progress.finished(name, "plan", outcome)

    def _planned(self, name: str, destroy: bool) -> StackPlan:
        folder = self._folders[name]
        state = folder.state()
        if destroy and (state is None or state.empty):
            return StackPlan(name, note="never applied")
        waits = self._waits_for(name)
        if waits and not destroy:
            changes = planned_creations(folder.document(), state.addresses if state else ())
            imports = folder.adopting()
            changes = tuple(replace(each, kind="import") if each.address in imports else each for each in changes)
            last = f" and {waits[-1]} are" if len(waits) > 1 else " is"
            note = f"values known only after {', '.join(waits[:-1] or waits)}{last} applied"
            return StackPlan(name, changes=changes, pending_on=waits, note=note)
        inputs = self._inputs(name)
        missing = sorted(set(folder.source.inputs) - set(inputs))
        if missing:
            stack, output = folder.source.inputs[missing[0]]
            raise PlanError(
                f"it needs output {output!r} of stack {stack}, which has none",
                where=f"stack {name}",
                do=f"restore the state of stack {stack} from {self._folders[stack].path / 'backups'}",
            )
        runner = self._runner(name, inputs)
        document = folder.prepare(inputs, unprotected=destroy and self.simulated)
        folder.check_space(PlanError)
        result, drifted = self._run_plan(folder, runner, document, destroy)
        if result.code not in (0, 2):
            return self._unplanned(folder, document, result, destroy)
        plan = StackPlan(name, warnings=result.warnings, unchanged=len(state.addresses) if state else 0)
        if result.code == 2 or drifted:
            plan = self._shown(folder, runner, result)
        plan = replace(
            plan, plan_file=folder.plan_file, digest=folder.plan_digest(), inputs_digest=inputs_digest(inputs)
        )
        return replace(plan, findings=review(plan))

    def _run_plan(
        self, folder: WorkingFolder, runner: Runner, document: Mapping[str, object], destroy: bool
    ) -> tuple[RunResult, bool]:
        """`init` where needed, then `plan`; initialises once more where Terraform says that it must be."""
        name = folder.source.name
        drifted = False

        def on_event(event: Event) -> None:
            nonlocal drifted
            drifted = drifted or (isinstance(event, ResourceEvent) and event.step == "drift")
            self._progress.event(name, event)

        arguments = ["plan", "-json", "-input=false", "-detailed-exitcode", "-out=plan.tfplan", *self._parallelism]
        if destroy:
            arguments.append("-destroy")
        fresh = folder.initialise(runner, self._command, self._providers, document, on_event)
        folder.plan_file.unlink(missing_ok=True)
        result = runner.stream(arguments, folder.path, on_event)
        heal = any(word in item.summary for item in result.diagnostics for word in _HEAL)
        if result.code == 1 and heal and not fresh:
            folder.initialise(runner, self._command, self._providers, document, on_event, force=True)
            result = runner.stream(arguments, folder.path, on_event)
        return result, drifted

    def _unplanned(
        self, folder: WorkingFolder, document: Mapping[str, object], result: RunResult, destroy: bool
    ) -> StackPlan:
        """Terraform made no plan: our own refusal where that is what a plugin objects to, else its failure."""
        self._interrupts.check()
        name = folder.source.name
        refused = () if destroy else review_declared(document, folder.state_file)
        objected = {item.address for item in result.diagnostics if item.severity == "error"}
        if refused and objected <= {change.address for change in refused}:
            findings = tuple(item for change in refused for item in judge(change) if item.severity == "refuse")
            return StackPlan(name, changes=refused, findings=findings, note="refused, so the rest is not planned")
        raise terraform_failure(
            result.diagnostics, stack=name, folder=folder.path, phase="plan", output=result.messages
        )

    def _shown(self, folder: WorkingFolder, runner: Runner, planned: RunResult) -> StackPlan:
        shown = runner.capture(["show", "-json", "-no-color", folder.plan_file.name], folder.path)
        if shown.code == 0:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                return parse_plan(folder.source.name, json.loads(shown.output), warnings=planned.warnings)
        self._interrupts.check()
        raise PlanError(
            "Terraform could not show the plan it made",
            where=f"stack {folder.source.name}",
            do="plan again",
            details=shown.messages[-5:],
        )

    def _waits_for(self, name: str) -> tuple[str, ...]:
        """Upstream stacks that were never applied, or lack an output that this one takes."""
        source = self._folders[name].source
        waits = []
        for upstream in source.upstream:
            state = self._folders[upstream].state()
            wanted = [output for stack, output in source.inputs.values() if stack == upstream]
            if state is None or any(output not in state.outputs for output in wanted):
                ready = False
            else:
                ready = bool(wanted) or not state.empty
            if not ready and (wanted or self._folders[upstream].document().get("resource")):
                waits.append(upstream)
        return tuple(waits)

    def _inputs(self, name: str) -> dict[str, OutputValue]:
        found = {}
        for variable, (stack, output) in self._folders[name].source.inputs.items():
            outputs = self.outputs(stack)
            if output in outputs:
                found[variable] = outputs[output]
        return found

    # --- apply ---

    def apply(self, plan: EnvironmentPlan) -> ApplyResult:
        """Apply a plan made by this environment's `plan`.

        Raises:
            ApplyError: a stack failed; says what was done, what was not, and how to go on.
            PlanError: the plan was replaced or no longer equals what was approved.
            StateLockedError, InterruptedRun: as their names say.
        """
        if plan.environment != self.environment:
            raise PlanError(f"the plan is for environment {plan.environment}, not {self.environment}")
        if plan.refused:
            raise PlanRefusedError(plan)
        results: list[StackResult] = []
        with self._working("destroy" if plan.destroy else "apply"):
            for wave in reversed(self.waves) if plan.destroy else self.waves:
                self._interrupts.check()
                jobs = {stack.name: partial(self._apply_stack, plan, plan.stack(stack.name)) for stack in wave}
                outcomes = side_by_side(jobs, also=StackFailed)
                results += [item for item in outcomes.values() if isinstance(item, StackResult)]
                failed = [item for item in outcomes.values() if isinstance(item, Exception)]
                self._record_outputs()
                self._hand_over([stack.name for stack in wave])
                if failed:
                    raise apply_failure(plan, results, failed, interrupted=bool(self._interrupts.count))
        return ApplyResult(self.environment, tuple(results), plan.destroy, self.simulated)

    def destroy(self) -> ApplyResult:
        """Plan the destruction of all stacks and apply it, without asking; never-applied stacks are skipped."""
        return self.apply(self.plan(destroy=True))

    def _apply_stack(self, whole: EnvironmentPlan, approved: StackPlan) -> StackResult:
        name = approved.stack
        folder = self._folders[name]
        inputs = self._inputs(name)
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
        self._progress.started(name, action, sum(plan.counts.values()))
        done: list[str] = []
        outcome = "failed"
        begun = time.monotonic()
        try:
            folder.check_space(ApplyError)
            folder.back_up()
            result = self._run_apply(folder, self._runner(name, inputs), plan, done)
            folder.adopt({})
            outcome = "ok"
        except InfraError as error:
            raise StackFailed(name, error, done) from None
        finally:
            self._progress.finished(name, action, outcome)
        seconds = time.monotonic() - begun
        counts = result.summary
        if counts is None:
            return StackResult(name, "applied", seconds=seconds)
        return StackResult(name, "applied", counts.added, counts.changed, counts.destroyed, counts.imported, seconds)

    def _run_apply(self, folder: WorkingFolder, runner: Runner, plan: StackPlan, done: list[str]) -> RunResult:
        name = folder.source.name
        # A replacement completes twice, as a deletion and as a creation.
        steps = {change.address: 2 for change in plan.changes if change.kind == "replace"}

        def on_event(event: Event) -> None:
            if isinstance(event, ResourceEvent) and event.step == "apply_complete":
                steps[event.address] = steps.get(event.address, 1) - 1
                if not steps[event.address]:
                    done.append(event.address)
            self._progress.event(name, event)

        arguments = ["apply", "-json", "-input=false", *self._parallelism, folder.plan_file.name]
        result = runner.stream(arguments, folder.path, on_event)
        # A plan file holds sensitive values and serves once.
        folder.plan_file.unlink(missing_ok=True)
        if result.code:
            raise terraform_failure(
                result.diagnostics, stack=name, folder=folder.path, phase="apply", output=result.messages
            )
        return result

    def _replanned(self, approved: StackPlan) -> StackPlan:
        """Plan against real outputs and hold it against what was approved."""
        fresh = self._plan_stack(approved.stack)
        if any(finding.severity == "refuse" for finding in fresh.findings):
            raise PlanRefusedError(EnvironmentPlan(self.environment, (fresh,), offline=self.simulated))
        different = differences(approved, fresh)
        if different:
            raise PlanError(
                "planned against the real outputs, it is not what was approved",
                where=f"stack {approved.stack}",
                do=f"run `infra plan --env {self.environment}`, review and deploy again; what was applied stays",
                details=different,
            )
        return fresh

    # --- shared ---

    def _record_outputs(self) -> None:
        """Leave what is not secret in `outputs.json`, for clients, which know nothing of Terraform's states."""
        found = {
            name: {key: each.value for key, each in self.outputs(name).items() if not each.sensitive}
            for name in self.stack_names
        }
        content = json.dumps({name: outputs for name, outputs in found.items() if outputs}, indent=2, sort_keys=True)
        write_private(self.root / OUTPUTS_FILE, content.encode() + b"\n")

    def _hand_over(self, stacks: Sequence[str]) -> None:
        if self._keep is not None:
            for stack in stacks:
                self._keep(stack, {name: each.value for name, each in self.outputs(stack).items()})

    @contextlib.contextmanager
    def _working(self, action: str) -> Iterator[None]:
        """Hold the environment, take the signals, and make every working folder ours."""
        command = shlex.join(["infra", *sys.argv[1:]]) if Path(sys.argv[0]).name == "infra" else f"infra {action}"
        where = f"environment {self.environment}"
        try:
            with self._interrupts.installed(), environment_lock(self.root, command, where):
                for name in self.stack_names:
                    path = self._folders[name].path
                    if path.is_dir():
                        settle(
                            path,
                            name,
                            note=self._progress.note,
                            check=self._interrupts.check,
                            timeout=self._orphan_timeout,
                        )
                        self._folders[name].recover(self._progress.note)
                write_private(private_folder(self.root) / "terraform.rc", self._providers.cli_config().encode())
                yield
        except OSError as error:
            raise from_os(error, self.root) from None

    def _runner(self, name: str, inputs: Mapping[str, OutputValue]) -> Runner:
        secrets = {**self._secrets(name), **secret_inputs(inputs)}
        environment = base_environment(self._command, self.root / "terraform.rc", secrets)
        # Short values would cut holes into innocent text.
        hidden = [value for value in secrets.values() if len(value) >= 6]
        return Runner(self._command, environment, self._interrupts, hidden)


def _same(secrets: Mapping[str, str], stack: str) -> Mapping[str, str]:
    return secrets
