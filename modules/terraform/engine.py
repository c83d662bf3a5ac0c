"""Plans, applies and destroys an environment's stacks with Terraform.

    plan     every stack that can be planned, side by side; those whose upstream was never applied are `pending`
    apply    wave by wave: apply a wave's plan files, read its outputs, plan what was pending or whose inputs moved,
             go on only if that equals what was approved
    destroy  the same in reverse

One `Deployment` is one environment; it holds the environment's lock only while it works, so that a person may take
their time to confirm: an apply checks that the plan files are still the ones that were shown.

How it is done is in `workspace.py` (folders, lock, secrets), `planning.py` and `applying.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from modules.errors import PlanError
from modules.project import Project
from modules.terraform.applying import Applier
from modules.terraform.command import TerraformCommand
from modules.terraform.leftovers import leftovers, refuse_leftovers
from modules.terraform.plan import EnvironmentPlan
from modules.terraform.planning import Mode, Planner
from modules.terraform.progress import Progress
from modules.terraform.providers import ProviderInstallation
from modules.terraform.results import ApplyResult, PlanRefusedError, StackResult
from modules.terraform.source import Declared, StackSource, declared
from modules.terraform.state import OutputValue
from modules.terraform.targets import choose
from modules.terraform.workdir import WorkingFolder
from modules.terraform.workspace import Options, Workspace

__all__ = ["ApplyResult", "Deployment", "Options", "PlanRefusedError", "StackResult"]


class Deployment:
    """One environment's stacks and how to run Terraform on them.

    Args:
        stacks: all of the environment's stacks, in any order.

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
        options: Options | None = None,
    ) -> None:
        self._at = Workspace(project, environment_name, stacks, providers, options or Options())
        self.environment = environment_name
        self.waves = self._at.waves
        self.root = self._at.root
        self.simulated = self._at.simulated
        self._planner = Planner(self._at)
        self._applier = Applier(self._at, self._planner)

    def use_progress(self, progress: Progress) -> None:
        """Tell another progress from now on (a display ends while a person is asked to confirm)."""
        self._at.progress = progress

    def use_judge(self, judge: Callable[[EnvironmentPlan], None]) -> None:
        """Have a stack's plan judged that is made only while others are applied; it raises what refuses it."""
        self._at.judge = judge

    @property
    def stack_names(self) -> tuple[str, ...]:
        """In the order of their application."""
        return self._at.stack_names

    def outputs(self, stack: str) -> dict[str, OutputValue]:
        """A stack's outputs, read from its state; empty when it was never applied.

        Raises:
            PlanError: the state is malformed.
        """
        return self._at.outputs(stack)

    def applied(self, stack: str) -> bool:
        """Whether the stack has anything in its state."""
        return self._at.applied(stack)

    def undeployed(self) -> dict[str, tuple[Declared, ...]]:
        """What each stack declares and its state does not hold."""
        found = {}
        for name, folder in self._at.folders.items():
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
        with self._at.working("import"):
            for name, addresses in blocks.items():
                self._at.folders[name].adopt(addresses)

    def plan(
        self, *, destroy: bool = False, refresh_only: bool = False, targets: Sequence[str] = ()
    ) -> EnvironmentPlan:
        """Plan every stack; nothing outside the working folders is touched.

        Args:
            refresh_only: only what was changed outside since the last apply (`StackPlan.drift`); never-applied stacks
                are left alone, and nothing is judged.
            targets: stacks or addresses; the plan holds these stacks only, and of them these addresses with what they
                need.

        Raises:
            ConfigError: a target is neither a stack nor an address.
            PlanRefusedError: a review refused it.
            PlanError, StateLockedError, InterruptedRun: as their names say.
        """
        mode: Mode = "destroy" if destroy else "refresh-only" if refresh_only else "normal"
        with self._at.working("plan"):
            folders = self._at.folders
            chosen = choose(targets, {name: folders[name] for name in self.stack_names})
            refuse_leftovers(
                self.environment, {name: leftovers(each.state_file, each.document()) for name, each in folders.items()}
            )
            self._at.hand_over([name for name in self.stack_names if self.applied(name)])
            plan = self._planner.all_stacks(mode, chosen, tuple(targets))
        if plan.refused:
            raise PlanRefusedError(plan)
        return plan

    @property
    def folders(self) -> Mapping[str, WorkingFolder]:
        """Every stack's working folder."""
        return self._at.folders

    @property
    def command(self) -> TerraformCommand:
        """Which Terraform is run."""
        return self._at.command

    def install(self, files: Mapping[str, bytes], locks: Mapping[str, bytes] | None = None) -> dict[str, str]:
        """Put saved plan files (stack → content) where `apply` takes them from: configuration and plugins are made
        ready as before a plan, and nothing is planned.

        Args:
            locks: the dependency locks the plans were made with, which Terraform wants to find unchanged. Of bundled
                and simulated plugins, which are part of this program, the plan takes on the lock that is here.

        Returns:
            SHA-256 of each plan file as it lies there.

        Raises:
            PlanError: plugins are missing, a file cannot be written.
            StateLockedError, InterruptedRun: as their names say.
        """
        with self._at.working("apply"):
            self._at.hand_over([name for name in self.stack_names if self.applied(name)])
            given = locks or {}
            return {name: self._planner.install(name, content, given.get(name)) for name, content in files.items()}

    def apply(self, plan: EnvironmentPlan) -> ApplyResult:
        """Apply a plan made by this environment's `plan`, or one whose plan files were put in place by `install`.

        Raises:
            ApplyError: a stack failed; says what was done, what was not, and how to go on.
            PlanError: the plan was replaced or no longer equals what was approved.
            StateLockedError, InterruptedRun: as their names say.
        """
        if plan.environment != self.environment:
            raise PlanError(f"the plan is for environment {plan.environment}, not {self.environment}")
        if plan.refused:
            raise PlanRefusedError(plan)
        with self._at.working("destroy" if plan.destroy else "apply"):
            return self._applier.all_stacks(plan)

    def destroy(self) -> ApplyResult:
        """Plan the destruction of all stacks and apply it, without asking; never-applied stacks are skipped."""
        return self.apply(self.plan(destroy=True))
