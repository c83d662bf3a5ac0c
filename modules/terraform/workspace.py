"""An environment's working folders and what it takes to run Terraform in them: whose turn it is, with which secrets.

Planning (`planning.py`) and applying (`applying.py`) work in one of these; `Deployment` (`engine.py`) puts them
together.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from modules.project import OUTPUTS_FILE, Project
from modules.terraform.backend import remember
from modules.terraform.command import base_environment, invocation, terraform_command
from modules.terraform.failures import from_os
from modules.terraform.files import private_folder, write_private
from modules.terraform.interrupts import Interrupts
from modules.terraform.locks import wait_for_lock
from modules.terraform.own_locks import clear_own
from modules.terraform.plan import EnvironmentPlan
from modules.terraform.progress import Progress, Silent
from modules.terraform.providers import ProviderInstallation
from modules.terraform.records import environment_lock, settle
from modules.terraform.runner import Runner
from modules.terraform.s3 import S3Backend
from modules.terraform.salvage import salvage
from modules.terraform.snapshots import mounted
from modules.terraform.source import StackSource, waves
from modules.terraform.state import OutputValue
from modules.terraform.workdir import WorkingFolder, secret_inputs

__all__ = ["Options", "Workspace"]


@dataclass(frozen=True)
class Options:
    """How Terraform is run.

    Args:
        binary: a `terraform` or `tofu` program; default: `INFRA_TERRAFORM`, else the library that comes along.
        secrets: values of Terraform variables that must touch neither disk nor argv (ephemeral variables): passed as
            TF_VAR_* to every command, for an apply of a saved plan wants them again. A function is asked for each
            stack when its turn comes, for what an earlier stack makes can be read only then.
        applied: told the outputs of each stack, sensitive ones included, before a plan and after each wave, so before
            secrets of the stacks behind it are asked for; keeps what clients have to find.
        orphan_timeout: seconds to wait for a Terraform that a killed run left behind.
        lock_timeout: seconds to wait for another run that holds the environment or a state; 0 refuses at once.
        parallelism: Terraform's `-parallelism`; its default is 10.
    """

    binary: str | None = None
    secrets: Mapping[str, str] | Callable[[str], Mapping[str, str]] | None = None
    applied: Callable[[str, Mapping[str, Any]], None] | None = None
    progress: Progress | None = None
    orphan_timeout: float = 900.0
    lock_timeout: float = 0.0
    parallelism: int | None = None


class Workspace:
    """See `Deployment` for the arguments.

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
        options: Options,
    ) -> None:
        self.environment = environment_name
        self.waves = waves(stacks)
        self.root = project.environment_state(environment_name)
        self.simulated = providers.simulated
        self.folders = {stack.name: WorkingFolder(self.root / stack.name, stack, self.simulated) for stack in stacks}
        self.providers = providers
        self.command = terraform_command(options.binary)
        self.progress: Progress = options.progress or Silent()
        self.parallelism = (f"-parallelism={options.parallelism}",) if options.parallelism else ()
        self.interrupts = Interrupts(lambda text: self.progress.note(text))
        self.judge: Callable[[EnvironmentPlan], None] | None = None
        secrets, self._options = options.secrets, options
        self._secrets = secrets if callable(secrets) else partial(_same, dict(secrets or {}))

    @property
    def stack_names(self) -> tuple[str, ...]:
        """In the order of their application."""
        return tuple(stack.name for wave in self.waves for stack in wave)

    def outputs(self, stack: str) -> dict[str, OutputValue]:
        """A stack's outputs, read from its state; empty when it was never applied.

        Raises:
            PlanError: the state is malformed.
        """
        state = self.folders[stack].state()
        return dict(state.outputs) if state else {}

    def applied(self, stack: str) -> bool:
        """Whether the stack has anything in its state."""
        state = self.folders[stack].state()
        return state is not None and not state.empty

    def inputs(self, name: str) -> dict[str, OutputValue]:
        """The outputs of other stacks that a stack takes, by variable, as far as they are there."""
        found = {}
        for variable, (stack, output) in self.folders[name].source.inputs.items():
            outputs = self.outputs(stack)
            if output in outputs:
                found[variable] = outputs[output]
        return found

    def waits_for(self, name: str) -> tuple[str, ...]:
        """Upstream stacks that were never applied, or lack an output that this one takes."""
        source = self.folders[name].source
        waits = []
        for upstream in source.upstream:
            state = self.folders[upstream].state()
            wanted = [output for stack, output in source.inputs.values() if stack == upstream]
            if state is None or any(output not in state.outputs for output in wanted):
                ready = False
            else:
                ready = bool(wanted) or not state.empty
            if not ready and (wanted or self.folders[upstream].document().get("resource")):
                waits.append(upstream)
        return tuple(waits)

    def record_outputs(self) -> None:
        """Leave what is not secret in `outputs.json`, for clients, which know nothing of Terraform's states."""
        found = {
            name: {key: each.value for key, each in self.outputs(name).items() if not each.sensitive}
            for name in self.stack_names
        }
        content = json.dumps({name: outputs for name, outputs in found.items() if outputs}, indent=2, sort_keys=True)
        write_private(self.root / OUTPUTS_FILE, content.encode() + b"\n")

    def hand_over(self, stacks: Sequence[str]) -> None:
        """Tell these stacks' outputs to whoever keeps what clients have to find."""
        if self._options.applied is not None:
            for stack in stacks:
                self._options.applied(stack, {name: each.value for name, each in self.outputs(stack).items()})

    @contextlib.contextmanager
    def working(self, action: str) -> Iterator[None]:
        """Hold the environment, take the signals, and make every working folder ours."""
        command = invocation(action)
        where = f"environment {self.environment}"
        try:
            with self.interrupts.installed(), self._lock(command, where):
                for name in self.stack_names:
                    path = self.folders[name].path
                    if path.is_dir():
                        settle(
                            path,
                            name,
                            note=self.progress.note,
                            check=self.interrupts.check,
                            timeout=self._options.orphan_timeout,
                        )
                self._read_store()
                for name in self.stack_names:
                    salvage(self.folders[name], self.progress.note)
                    self.folders[name].recover(self.progress.note)
                write_private(private_folder(self.root) / "terraform.rc", self.providers.cli_config().encode())
                yield
        except OSError as error:
            raise from_os(error, self.root) from None

    def _lock(self, command: str, where: str) -> contextlib.AbstractContextManager[None]:
        note, check = self.progress.note, self.interrupts.check
        return environment_lock(self.root, command, where, note=note, check=check, timeout=self._options.lock_timeout)

    def _read_store(self) -> None:
        """Where states are elsewhere: none is locked, and each is read anew."""
        store = None if self.simulated else mounted(self.root)
        if not isinstance(store, S3Backend):
            return
        for name in store.locked(self.stack_names):
            clear_own(self.folders[name].path, store, name, self.progress.note)
            wait_for_lock(
                partial(store.holder, name),
                f"stack {name}",
                do=store.unlock_advice,
                note=self.progress.note,
                check=self.interrupts.check,
                timeout=self._options.lock_timeout,
            )
        store.refresh(self.stack_names)
        if any(store.read(name) is not None for name in self.stack_names):
            remember(self.root, store)

    def runner(self, name: str, inputs: Mapping[str, OutputValue]) -> Runner:
        """Runs Terraform for a stack, with its secrets in the environment."""
        secrets = {**self._secrets(name), **secret_inputs(inputs)}
        environment = base_environment(self.command, self.root / "terraform.rc", secrets)
        # Short values would cut holes into innocent text.
        hidden = [value for value in secrets.values() if len(value) >= 6]
        return Runner(self.command, environment, self.interrupts, hidden)


def _same(secrets: Mapping[str, str], stack: str) -> Mapping[str, str]:
    return secrets
