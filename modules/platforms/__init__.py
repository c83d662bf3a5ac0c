"""The platforms, and which one an environment is on. A new one is one module here and one line below."""

from __future__ import annotations

from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.platforms.base import Platform
from modules.project import Project

__all__ = ["platform_for"]


def platform_for(environment: Environment, project: Project) -> Platform:
    """The environment's platform, for clients that connect to it.

    Raises:
        ConfigError: nothing can connect to that platform yet.
    """
    if environment.platform == "local":
        from modules.platforms.local import LocalPlatform

        return LocalPlatform(project, environment)
    raise ConfigError(
        f"platform `{environment.platform}` cannot be deployed or connected to yet (planned)",
        where=environment.source,
        do=f"see what it would cost with `infra cost --env {environment.name}`, or use the environment `local`",
    )
