"""Plans an environment's stacks, side by side: those whose upstream was never applied are `pending`.

What is planned is judged here too (`review.py`). Nothing outside the working folders is touched.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from modules.errors import InfraError, PlanError
from modules.terraform import unrecorded
from modules.terraform.events import Event, ResourceEvent
from modules.terraform.failures import from_os, terraform_failure
from modules.terraform.files import write_private
from modules.terraform.journal import settled
from modules.terraform.parallel import side_by_side
from modules.terraform.plan import EnvironmentPlan, StackPlan
from modules.terraform.plan_file import LOCK_FILE, with_lock
from modules.terraform.plan_json import parse_plan
from modules.terraform.review import judge, review, review_declared
from modules.terraform.runner import Runner, RunResult
from modules.terraform.serving import put_back, serve, worth_it
from modules.terraform.settled import unsettled
from modules.terraform.source import declared, planned_creations
from modules.terraform.state import OutputValue
from modules.terraform.targets import covers
from modules.terraform.workdir import WorkingFolder, inputs_digest
from modules.terraform.workspace import Workspace

__all__ = ["Mode", "Planner"]

Mode = Literal["normal", "destroy", "refresh-only"]
"""Terraform's planning modes, by its own names."""

_HEAL = (
    "Required plugins are not installed",
    "Inconsistent dependency lock file",
    "initialization required",
    "Failed to decode current backend config",
)


@dataclass(frozen=True)
class _Ran:
    """What came of `terraform plan`."""

    result: RunResult
    drifted: bool
    imports: frozenset[str]
    """Addresses that are to be imported and can be, told also by a plan that fails."""


class Planner:
    """Makes plans in a workspace that somebody else holds."""

    def __init__(self, workspace: Workspace) -> None:
        self._at = workspace

    def all_stacks(
        self, mode: Mode, chosen: Mapping[str, tuple[str, ...]], targets: tuple[str, ...] = ()
    ) -> EnvironmentPlan:
        """See `Deployment.plan`; `chosen` holds the stacks that are meant, each with its addresses (none: all)."""
        names = [name for name in self._at.stack_names if name in chosen]
        if mode == "destroy":
            names.reverse()
        results = side_by_side({name: partial(self.stack, name, mode, chosen[name]) for name in names})
        failed = [(name, outcome) for name, outcome in results.items() if isinstance(outcome, InfraError)]
        if failed:
            self._at.interrupts.check()
            first = failed[0][1]
            for name, other in failed[1:]:
                alike = other.what == first.what
                first.details = (*first.details, f"stack {name} fails alike" if alike else f"{other}")
            raise first
        plans = tuple(outcome for outcome in results.values() if isinstance(outcome, StackPlan))
        for plan in plans:
            _require_upstream(plan, chosen)
        return EnvironmentPlan(self._at.environment, plans, mode == "destroy", self._at.simulated, targets)

    def stack(self, name: str, mode: Mode = "normal", targets: tuple[str, ...] = ()) -> StackPlan:
        """One stack's plan."""
        self._at.progress.started(name, "plan", 0)
        outcome = "failed"
        try:
            plan = replace(self._planned(name, mode, targets), targets=targets)
            outcome = plan.note or ("ok" if plan.has_changes else "no changes")
            return plan
        except OSError as error:
            raise from_os(error, self._at.folders[name].path) from None
        finally:
            self._at.progress.finished(name, "plan", outcome)

    def install(self, name: str, content: bytes, lock: bytes | None = None) -> str:
        """See `Deployment.install`."""
        folder = self._at.folders[name]
        inputs = self._at.inputs(name)
        document = folder.prepare(inputs)
        runner = self._at.runner(name, inputs)
        here = folder.path / LOCK_FILE

        def on_event(event: Event) -> None:
            self._at.progress.event(name, event)

        try:
            official = self._at.providers.kind == "official"
            another = official and lock is not None and write_private(here, lock)
            self._initialise(folder, runner, document, on_event, force=another)
            if official and lock is not None:
                write_private(here, lock)  # `init` may have added hashes of this system
            elif lock is not None and here.is_file():
                content = with_lock(content, here.read_bytes())
            write_private(folder.plan_file, content)
        except OSError as error:
            raise from_os(error, folder.path) from None
        return folder.plan_digest()

    def _planned(self, name: str, mode: Mode, targets: tuple[str, ...]) -> StackPlan:
        folder = self._at.folders[name]
        state = folder.state()
        found = settled(folder.path, state.addresses if state else ()) if mode != "refresh-only" else None
        if mode != "normal" and (state is None or state.empty):
            return StackPlan(name, note="never applied", findings=unrecorded.findings(found, (), destroy=True))
        if mode == "normal" and (waits := self._at.waits_for(name)):
            return self._pending(folder, waits, targets)
        inputs = self._known_inputs(folder)
        runner = self._at.runner(name, inputs)
        document = folder.prepare(inputs, unprotected=mode == "destroy" and self._at.simulated)
        folder.check_space(PlanError)
        run = partial(self._run_plan, folder, runner, document, mode, targets)
        taken: tuple[str, ...] = ()
        ran: _Ran | None = None
        if found and mode == "normal":

            def importable() -> frozenset[str] | None:
                nonlocal ran
                ran = run()
                if ran.result.code in (0, 2):
                    return None
                imports, ran = ran.imports, None
                return imports

            taken = unrecorded.take_over(folder, document, found, importable)
        ran = ran or run()
        if ran.result.code not in (0, 2):
            return self._unplanned(folder, document, ran.result, mode)
        plan = StackPlan(name, warnings=ran.result.warnings, unchanged=len(state.addresses) if state else 0)
        if ran.result.code == 2 or ran.drifted:
            plan = self._shown(folder, runner, ran.result)
        plan = replace(
            plan, plan_file=folder.plan_file, digest=folder.plan_digest(), inputs_digest=inputs_digest(inputs)
        )
        if mode == "refresh-only":
            return plan
        plan = replace(plan, drift=unsettled(plan.drift, declared(document)))
        return replace(plan, findings=(*review(plan), *unrecorded.findings(found, taken, destroy=mode == "destroy")))

    def _known_inputs(self, folder: WorkingFolder) -> dict[str, OutputValue]:
        inputs = self._at.inputs(folder.source.name)
        missing = sorted(set(folder.source.inputs) - set(inputs))
        if missing:
            stack, output = folder.source.inputs[missing[0]]
            raise PlanError(
                f"it needs output {output!r} of stack {stack}, which has none",
                where=f"stack {folder.source.name}",
                do=f"`infra state backups {stack} --env {self._at.environment}` lists earlier states of stack {stack}, "
                "`infra state restore` puts one back",
            )
        return inputs

    def _pending(self, folder: WorkingFolder, waits: tuple[str, ...], targets: tuple[str, ...]) -> StackPlan:
        state = folder.state()
        changes = planned_creations(folder.document(), state.addresses if state else ())
        if targets:
            changes = tuple(each for each in changes if any(covers(target, each.address) for target in targets))
        imports = folder.adopting()
        changes = tuple(replace(each, kind="import") if each.address in imports else each for each in changes)
        last = f" and {waits[-1]} are" if len(waits) > 1 else " is"
        note = f"values known only after {', '.join(waits[:-1] or waits)}{last} applied"
        return StackPlan(folder.source.name, changes=changes, pending_on=waits, note=note)

    def _run_plan(
        self,
        folder: WorkingFolder,
        runner: Runner,
        document: Mapping[str, object],
        mode: Mode,
        targets: tuple[str, ...],
    ) -> _Ran:
        """`init` where needed, then `plan`; initialises once more where Terraform says that it must be."""
        name = folder.source.name
        drifted = False
        imports: set[str] = set()

        def on_event(event: Event) -> None:
            nonlocal drifted
            if isinstance(event, ResourceEvent):
                drifted = drifted or event.step == "drift"
                if event.importing:
                    imports.add(event.address)
            self._at.progress.event(name, event)

        arguments = ["plan", "-json", "-input=false", "-detailed-exitcode", "-out=plan.tfplan", *self._at.parallelism]
        if mode != "normal":
            arguments.append(f"-{mode}")
        arguments += [f"-target={address}" for address in targets]
        initialise = partial(self._initialise, folder, runner, document, on_event, destroy=mode == "destroy")
        fresh = initialise()
        folder.plan_file.unlink(missing_ok=True)
        result = runner.stream(arguments, folder.path, on_event)
        heal = any(word in item.summary for item in result.diagnostics for word in _HEAL)
        if result.code == 1 and heal and not fresh:
            initialise(force=True)
            result = runner.stream(arguments, folder.path, on_event)
        return _Ran(result, drifted, frozenset(imports))

    def _initialise(
        self,
        folder: WorkingFolder,
        runner: Runner,
        document: Mapping[str, object],
        on_event: Callable[[Event], None],
        *,
        destroy: bool = False,
        force: bool = False,
    ) -> bool:
        """`terraform init` where needed, True when it ran; what follows works on the file, or is served the state."""
        put_back(folder.path)
        fresh = folder.initialise(runner, self._at.command, self._at.providers, document, on_event, force=force)
        if folder.store is None and self._at.command.bundled and worth_it(document, folder.state(), destroy=destroy):
            serve(folder.path, runner, anew=fresh)
        return fresh

    def _unplanned(
        self, folder: WorkingFolder, document: Mapping[str, object], result: RunResult, mode: Mode
    ) -> StackPlan:
        """Terraform made no plan: our own refusal where that is what a plugin objects to, else its failure."""
        self._at.interrupts.check()
        name = folder.source.name
        refused = () if mode != "normal" else review_declared(document, folder.state_file)
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
        self._at.interrupts.check()
        raise PlanError(
            "Terraform could not show the plan it made",
            where=f"stack {folder.source.name}",
            do="plan again",
            details=shown.messages[-5:],
        )


def _require_upstream(plan: StackPlan, chosen: Mapping[str, tuple[str, ...]]) -> None:
    """A part that waits for what was left out could never be applied.

    Raises:
        PlanError: it does.
    """
    if missing := [name for name in plan.pending_on if name not in chosen]:
        raise PlanError(
            f"it needs values of stack {missing[0]}, which was never applied and is left out by --target",
            where=f"stack {plan.stack}",
            do=f"leave out --target, or add --target {missing[0]}",
        )
