"""Names of what an environment makes: `<project>-<environment>-<what>`, within each service's limit."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modules.environment.model import Environment

__all__ = ["connector_name", "resource_name"]

_DIGEST = 6
_CONNECTOR = 64
"""Confluent's limit of a connector's name; MSK Connect takes 128."""


def resource_name(environment: Environment, *parts: str, limit: int = 64, prefix: str = "") -> str:
    """`<prefix><project>-<environment>-<parts…>`; what is longer than `limit` is cut and told apart by a digest.

    Args:
        limit: the service's longest name.
        prefix: what the service wants names to begin with (`AmazonMSK_`).
    """
    name = prefix + "-".join((environment.project, environment.name, *parts))
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[: limit - _DIGEST - 1].rstrip('-')}-{digest}"


def connector_name(environment: Environment, role: str, what: str) -> str:
    """`<project>-<environment>-<role>-<what>`, of the characters that Snowflake's connector takes in its name."""
    return resource_name(environment, role, re.sub(r"[^A-Za-z0-9_-]", "-", what), limit=_CONNECTOR)
