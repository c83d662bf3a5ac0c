"""`platform:` was changed while the environment is deployed: said before anything is synthesised or logged in to.

Terraform would, as the two platforms' providers happen to be, stop with words about configurations, or plan to destroy
every broker. Neither moves an event.
"""

from __future__ import annotations

from pathlib import Path

from modules.environment.loader import read_document
from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.project import Project
from modules.terraform.state import read_state

__all__ = ["deployed_platform", "require_same_platform"]

_SIGNS = {
    "confluent_kafka_cluster.": "confluent",
    "aws_msk_cluster.": "msk",
    "aws_msk_serverless_cluster.": "msk",
    "aws_ecs_cluster.brokers": "redpanda",
    "terraform_data.cluster": "local",
}
"""How an address of the cluster stack begins → whose it is."""

_STACKS = ("cluster", "topics", "warehouse", "connect")
_SHOWN = 2


def deployed_platform(project: Project, name: str) -> str | None:
    """Which platform the environment's cluster stack was applied for; None where it was not, or cannot be told."""
    state = read_state(_state(project, name, "cluster"), simulated=project.offline)
    for address in state.addresses if state else ():
        for sign, platform in _SIGNS.items():
            if address.startswith(sign):
                return platform
    return None


def require_same_platform(environment: Environment, project: Project) -> None:
    """Stops where the environment is deployed on another platform than its YAML says.

    Raises:
        ConfigError: it is; what of the old platform is still there is named.
        PlanError: a state cannot be read.
    """
    there, wanted, name = deployed_platform(project, environment.name), environment.platform, environment.name
    if there is None or there == wanted:
        return
    lines = []
    for stack in _STACKS:
        state = read_state(_state(project, name, stack), simulated=project.offline)
        addresses = state.addresses if state else ()
        if addresses:
            count = "1 resource" if len(addresses) == 1 else f"{len(addresses)} resources"
            few = ", ".join(_telling(stack, there, addresses)[:_SHOWN])
            lines.append(f"stack {stack}: {count} of it ({few}{' …' if len(addresses) > _SHOWN else ''})")
    offline = " --offline" if project.offline else ""
    place = read_document(project, name).positions.at("platform")
    raise ConfigError(
        f"`platform` is {wanted}, but {name} is deployed on {there}, and one cannot be turned into the other: nothing "
        f"moves the events, and what is on {there} would be destroyed",
        where=str(place),
        details=lines,
        do=f"put `platform: {there}` back; then either write an environment of its own for {wanted}, bring the "
        f"pipeline over (`infra promote --from {name} --to NEW`), deploy it and move producers and consumers, or give "
        f"up the events: `infra destroy --env {name}{offline}`, and change the line after that",
    )


def _telling(stack: str, platform: str, addresses: tuple[str, ...]) -> list[str]:
    """The cluster first, in its stack."""
    signs = tuple(sign for sign, each in _SIGNS.items() if each == platform)
    return sorted(addresses, key=lambda address: not (stack == "cluster" and address.startswith(signs)))


def _state(project: Project, name: str, stack: str) -> Path:
    return project.environment_state(name) / stack / "terraform.tfstate"
