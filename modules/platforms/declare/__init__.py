"""The Terraform half of platforms: one module each, one line of registration here."""

from __future__ import annotations

from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.platforms.base import Platform
from modules.platforms.declare.base import CLUSTER_OUTPUTS, Declarations
from modules.project import Project

__all__ = ["CLUSTER_OUTPUTS", "Declarations", "declarations_for"]


def declarations_for(environment: Environment, platform: Platform, project: Project) -> Declarations:
    """The declarations of the environment's platform.

    Raises:
        ConfigError: the platform has none yet.
        LocalError: the local platform was never started.
    """
    if environment.platform == "local":
        from modules.local.endpoints import load_endpoints
        from modules.platforms.declare.local import LocalDeclarations

        return LocalDeclarations(platform, load_endpoints(project))
    raise ConfigError(
        f"platform {environment.platform} cannot be deployed yet",
        where=environment.source,
        do="use `platform: local`; `infra cost` already prices it",
    )
