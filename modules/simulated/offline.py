"""What a rehearsal (`--offline`) has instead of the real thing: a platform that logs in nowhere, and made-up secrets.

Real secrets are not read: `Project.offline` turns every reference into a placeholder where it would be resolved, and
the ephemeral variables of the synthesised stacks are filled here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from modules.environment.model import Environment
from modules.environment.network import private_host
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError
from modules.platforms.base import KafkaRole, Platform, RegistryClient, SnowflakeClient
from modules.terraform.source import StackSource, read_document

__all__ = ["OfflinePlatform", "placeholder_secrets", "without_secrets"]

_NO_CLIENT = "an offline rehearsal connects to nothing"


def without_secrets(environment: Environment) -> Environment:
    """The environment as a rehearsal takes it: the connector's key pair is made up rather than looked up."""
    warehouse = environment.warehouse.model_copy(update={"connector_private_key": None})
    return environment.model_copy(update={"warehouse": warehouse})


class OfflinePlatform:
    """The environment's platform, without its clients; what it declares is the same."""

    def __init__(self, inner: Platform, environment: Environment) -> None:
        self._inner = inner
        self._environment = environment
        self.name = inner.name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def kafka_client(self, role: KafkaRole) -> dict[str, Any]:
        """There is no broker to reach.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(_NO_CLIENT, do="leave --offline out to reach the brokers")

    def registry_client(self) -> RegistryClient:
        """There is no registry to reach.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(_NO_CLIENT, do="leave --offline out to reach the registry")

    def snowflake_client(self, role: Literal["admin", "connector"]) -> SnowflakeClient:
        """The account the YAML names, else a made-up one; nobody ever logs in with it."""
        account = self._environment.warehouse.account
        organization = account.organization if account else "OFFLINE"
        name = account.account if account else "REHEARSAL"
        public = f"{organization}-{name}.snowflakecomputing.com".lower().replace("_", "-")
        return SnowflakeClient(
            organization=organization,
            account=name,
            user=account.user if account else "INFRA_ADMIN",
            role=account.role if account else "ACCOUNTADMIN",
            private_key=SecretRefValue("env", "OFFLINE_REHEARSAL"),
            host=public if role == "admin" else private_host(self._environment) or public,
        )

    def terraform_secrets(self, stack: str) -> dict[str, str]:
        """None: `placeholder_secrets` fills every ephemeral variable."""
        return {}

    def missing_credentials(self) -> list[str]:
        """None: a rehearsal needs none."""
        return []

    def applied(self, stack: str, outputs: Mapping[str, Any]) -> None:
        """Nothing is handed to clients: they would find made-up keys where real ones belong."""

    def principal(self, role: KafkaRole) -> str:
        return self._inner.principal(role)


def placeholder_secrets(sources: Sequence[StackSource], stack: str) -> dict[str, str]:
    """A value of a plausible shape for each secret variable of a stack that no other stack fills."""
    source = next(source for source in sources if source.name == stack)
    variables = read_document(source, source.json_path.read_bytes()).get("variable") or {}
    return {
        name: _placeholder(name, body)
        for name, body in variables.items()
        if isinstance(body, dict)
        and (body.get("ephemeral") or body.get("sensitive"))
        and "default" not in body
        and name not in source.inputs
    }


def _placeholder(name: str, body: dict[str, Any]) -> str:
    kind = str(body.get("type", "string"))
    if kind in ("number", "bool"):
        return {"number": "1", "bool": "false"}[kind]
    if kind.startswith(("map", "object")):
        return json.dumps({})
    if kind.startswith(("list", "set", "tuple")):
        return json.dumps([])
    if name.endswith("private_key"):
        return f"-----BEGIN PRIVATE KEY-----\nsimulated-{name}\n-----END PRIVATE KEY-----\n"
    return f"simulated-{name}"
