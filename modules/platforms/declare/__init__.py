"""The Terraform half of platforms: one module each, one line of registration here."""

from __future__ import annotations

import importlib

from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.platforms.base import Platform
from modules.platforms.declare.base import CLUSTER_OUTPUTS, Declarations
from modules.project import Project

__all__ = ["CLUSTER_OUTPUTS", "DECLARATIONS", "Declarations", "declarations_for"]

DECLARATIONS = {
    "confluent": "modules.platforms.declare.confluent:ConfluentDeclarations",
    "local": "modules.platforms.declare.local:LocalDeclarations",
    "redpanda": "modules.platforms.declare.redpanda:RedpandaDeclarations",
    "msk": "modules.platforms.declare.msk:MskDeclarations",
}
"""Name → class; imported when an environment on it is synthesised."""


def declarations_for(environment: Environment, platform: Platform, project: Project) -> Declarations:
    """The declarations of the environment's platform.

    Raises:
        ConfigError: the platform has none yet.
    """
    found = DECLARATIONS.get(environment.platform)
    if found is None:
        raise ConfigError(
            f"platform {environment.platform} cannot be deployed yet",
            where=environment.source,
            do="use `platform: local`; `infra cost` already prices it",
        )
    module, _, name = found.partition(":")
    declarations: Declarations = getattr(importlib.import_module(module), name)(environment, platform, project)
    return declarations
