"""From an environment's name to something Terraform can plan: load, synthesise, choose plugins.

Shared by plan, deploy, destroy, output and demo. The order of the steps is the order of what can go wrong cheaply: the
YAML first, then the platform, then the synthesis.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cli._estate import say_who_makes_the_estate
from cli._states import find_states
from modules.environment import Environment, load_environment
from modules.errors import ConfigError
from modules.platforms import platform_for, require_credentials
from modules.platforms.base import Platform
from modules.project import Project, find_project

if TYPE_CHECKING:
    from modules.terraform.engine import Deployment
    from modules.terraform.progress import Progress
    from modules.terraform.providers import ProviderInstallation
    from modules.terraform.source import StackSource

__all__ = ["Target", "deployment_of", "open_target", "rehearsal_of", "start_carrying", "stop_carrying"]

PARALLELISM = 32
"""Terraform's `-parallelism`: the bundled plugins gather what arrives together into one call."""


@dataclass(frozen=True)
class Target:
    """An environment with its project and platform."""

    project: Project
    environment: Environment
    platform: Platform

    @property
    def offline(self) -> bool:
        """A rehearsal with simulated providers."""
        return self.project.offline


def open_target(name: str, *, offline: bool = False, states: bool = True) -> Target:
    """Load and check the environment; `offline` makes it a rehearsal, which says so.

    Args:
        states: whether what is deployed is looked at, for which the states have to be found.

    Raises:
        ConfigError: there is no such environment, or its YAML is wrong.
    """
    project = find_project()
    environment = load_environment(project, name)
    if not offline:
        platform = platform_for(environment, project)
        if states:
            find_states(environment, project, platform)
        return Target(project, environment, platform)
    from cli._output import note
    from modules.simulated import LABEL

    note(LABEL)
    return rehearsal_of(project, environment)


def rehearsal_of(project: Project, environment: Environment) -> Target:
    """The environment with simulated providers and made-up secrets."""
    from modules.simulated.offline import OfflinePlatform, without_secrets

    project, environment = replace(project, offline=True), without_secrets(environment)
    return Target(project, environment, OfflinePlatform(platform_for(environment, project), environment))


def deployment_of(target: Target, progress: Progress | None = None, *, to_run: bool = True) -> Deployment:
    """Synthesise the stacks and get Terraform ready for them; writes below the environment's state folder only.

    Args:
        to_run: False where Terraform is not going to be run, so that nothing has to be logged in to.

    Raises:
        ConfigError: credentials are missing; all are named, before Terraform is started.
    """
    from modules.platforms.switch import require_same_platform
    from modules.terraform.engine import Deployment, Options
    from stacks import synth, terraform_secrets

    environment, project = target.environment, target.project
    if to_run:
        require_same_platform(environment, project)
    if not target.offline and to_run:
        require_credentials(target.platform, environment)
        _require_reach(target)
    _say_what_is_left_out(environment)
    _say_what_does_not_carry(target)
    if to_run:
        say_who_makes_the_estate(target)
    out = project.environment_state(environment.name) / "cdktf.out"
    sources = synth(environment, project, target.platform, out)
    return Deployment(
        project,
        environment.name,
        sources,
        _providers(target),
        Options(
            binary=environment.terraform.binary,
            secrets=_placeholders(sources)
            if target.offline
            else partial(terraform_secrets, target.platform, project, engine=environment.warehouse.engine),
            applied=target.platform.applied,
            progress=progress,
            lock_timeout=environment.terraform.lock_timeout.seconds,
            parallelism=PARALLELISM,
        ),
    )


def _say_what_is_left_out(environment: Environment) -> None:
    from cli._output import note
    from modules.platforms.quotas import quotas_left_out

    for line in quotas_left_out(environment):
        note(line)


def _say_what_does_not_carry(target: Target) -> None:
    """A managed connector that the platform does not have, or not without more: the project's own sink is there."""
    from modules.environment.connect import kind_of

    environment = target.environment
    if environment.connect.kind == kind_of(environment) or not any(each.sink for each in environment.topics.values()):
        return
    from cli._output import note

    why = "MSK Connect needs `plugin`" if environment.platform == "msk" else f"{environment.platform} has none"
    note(
        f"{environment.source}: connect.kind `managed`: {why}, so the project's own sink carries the events: "
        f"`infra sink --env {environment.name}`"
    )


def _require_reach(target: Target) -> None:
    """Brokers that cannot be reached from here are said now, not by Terraform after minutes."""
    if target.environment.platform == "local":
        return  # its plugins say at once, and better, what is down
    from cli._output import note
    from modules.platforms.reach import first_deploy_words, require_reach
    from modules.project import recorded_outputs

    require_reach(target.environment, target.project)
    if recorded_outputs(target.project, target.environment.name, "cluster") is None:
        for line in first_deploy_words(target.environment):
            note(line)


def _placeholders(sources: list[StackSource]) -> Callable[[str], Mapping[str, str]]:
    from modules.simulated.offline import placeholder_secrets

    return partial(placeholder_secrets, sources)


def start_carrying(target: Target) -> None:
    """After an apply: what runs beside Terraform. On a laptop that is the sink, unless a connector carries the events;
    a rehearsal has nothing to carry."""
    from modules.environment.connect import kind_of

    if target.offline or target.environment.platform != "local":
        return
    if kind_of(target.environment) != "sink":
        # Both would write each event.
        stop_carrying(target)
    elif topics := [name for name, topic in target.environment.topics.items() if topic.sink]:
        from modules.local.sink_service import start_sink

        start_sink(target.project, target.environment.name, topics=topics)


def stop_carrying(target: Target) -> None:
    """Before a destroy: stop what writes into what is about to go."""
    if target.environment.platform == "local" and not target.offline:
        from modules.local.sink_service import stop_sink

        stop_sink(target.project)


def _providers(target: Target) -> ProviderInstallation:
    from modules.terraform.providers import ProviderInstallation

    if target.offline:
        from modules.simulated.mirror import write_simulated_mirror

        state = target.project.environment_state(target.environment.name)
        write_simulated_mirror(state / "plugins", state / "simulated.sqlite")
        return ProviderInstallation("simulated", state / "plugins")
    kind = target.environment.terraform.providers or (
        "bundled" if target.environment.platform == "local" else "official"
    )
    if kind == "official":
        from modules.terraform.lockfile import lock_path

        lock = lock_path(target.project.environments, target.environment.name)
        return ProviderInstallation("official", _official_mirror(), lock)
    if target.environment.platform != "local":
        raise ConfigError(
            "bundled plugins work against the local platform only",
            where=f"{target.environment.source}: terraform.providers",
            do="use `providers: official`",
        )
    from modules.local.plugins import write_mirror

    mirror = target.project.state / "plugins"
    write_mirror(mirror)
    return ProviderInstallation("bundled", mirror)


def _official_mirror() -> Path | None:
    """The folder of official plugins a machine without a registry has, named by INFRA_PLUGIN_DIR."""
    named = os.environ.get("INFRA_PLUGIN_DIR")
    if not named:
        return None
    if not Path(named).is_dir():
        raise ConfigError(
            f"{named} is not a folder",
            where="INFRA_PLUGIN_DIR",
            do="name a Terraform filesystem mirror (HOST/NAMESPACE/NAME/VERSION/OS_ARCH/...), or unset it",
        )
    return Path(named)
