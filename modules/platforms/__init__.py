"""The platforms, and which one an environment is on. A new one is a module and a line here, and again in `declare/`."""

from __future__ import annotations

import importlib

from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.platforms.base import Platform
from modules.project import Project

__all__ = ["PLATFORMS", "platform_for", "require_credentials"]

PLATFORMS = {
    "confluent": "modules.platforms.confluent:ConfluentPlatform",
    "local": "modules.platforms.local:LocalPlatform",
    "redpanda": "modules.platforms.redpanda:RedpandaPlatform",
    "msk": "modules.platforms.msk:MskPlatform",
}
"""Name → class; imported when an environment is on it."""


def platform_for(environment: Environment, project: Project) -> Platform:
    """The environment's platform, for clients that connect to it.

    Raises:
        ConfigError: nothing can connect to that platform yet.
    """
    found = PLATFORMS.get(environment.platform)
    if found is None:
        raise ConfigError(
            f"platform `{environment.platform}` cannot be deployed or connected to yet (planned)",
            where=environment.source,
            do=f"see what it would cost with `infra cost --env {environment.name}`, or use the environment `local`",
        )
    module, _, name = found.partition(":")
    platform: Platform = getattr(importlib.import_module(module), name)(project, environment)
    return platform


def require_credentials(platform: Platform, environment: Environment) -> None:
    """Whether this machine has what a plan or a deployment logs in with; no service is asked.

    Raises:
        ConfigError: something is missing; `details` names each and how to set it.
    """
    missing = list(dict.fromkeys(platform.missing_credentials()))
    if missing:
        count = "a credential is" if len(missing) == 1 else f"{len(missing)} accounts or credentials are"
        raise ConfigError(
            f"{count} missing for environment `{environment.name}`",
            where=environment.source,
            details=missing,
            do="set what is named above, or rehearse with `--offline`, which needs none",
        )
