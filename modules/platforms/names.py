"""Names and tags of what is made in a cloud: `<project>-<environment>-<what>`, within each service's limit."""

from __future__ import annotations

from modules.environment.model import Environment
from modules.environment.names import connector_name, resource_name

__all__ = ["connector_name", "default_tags", "password_variable", "resource_name"]


def password_variable(user: str) -> str:
    """The ephemeral variable that brings a Kafka user's password to the stack that makes the user."""
    return f"kafka_{user.replace('-', '_')}_password"


def default_tags(environment: Environment) -> dict[str, str]:
    """Tags for everything that takes them; the YAML's own cannot hide the three that say whose it is."""
    return {
        **environment.tags,
        "project": environment.project,
        "environment": environment.name,
        "managed-by": "infra",
    }
