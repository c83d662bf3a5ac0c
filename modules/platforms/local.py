"""The laptop as a platform: how its clients log in, read from what `infra local up` recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

from modules.environment.model import Environment
from modules.environment.types import SecretRefValue
from modules.local.credentials import ADMIN_KEY, kafka_password, kafka_password_file, write_private
from modules.local.endpoints import LocalEndpoints, load_endpoints, secret_file
from modules.platforms.aws import fresh_password
from modules.platforms.base import KafkaRole, RegistryClient, SnowflakeClient
from modules.platforms.connector import connector_key, connector_passphrase, sink_schema
from modules.platforms.names import password_variable
from modules.project import Project
from modules.warehouse.estate import CONNECTOR_ROLE, CONNECTOR_USER, WAREHOUSE

__all__ = ["MECHANISM", "LocalPlatform", "application_password", "application_references", "password_version"]

MECHANISM = "SCRAM-SHA-256"


def application_password(project: Project, name: str) -> str:
    """An application's password; made on first use, and kept when the application goes, should it come back."""
    path = kafka_password_file(project, name)
    if not path.exists():
        write_private(path, fresh_password())
    return kafka_password(project, name)


def password_version(password: str) -> str:
    """What changes with the password and does not give it away: a few digits of the digest of many random ones."""
    return hashlib.sha256(password.encode()).hexdigest()[:8]


def application_references(project: Project, environment: Environment) -> dict[str, str]:
    """Where each application's password is; its user name is the application's."""
    files = {name: kafka_password_file(project, name) for name in environment.applications}
    return {name: f"file:{path.relative_to(project.root)}" for name, path in files.items()}


class LocalPlatform:
    """The local platform, bound to an environment; its record is read anew at each call, as ports may change."""

    name = "local"

    def __init__(self, project: Project, environment: Environment) -> None:
        self._project = project
        self._environment = environment

    @property
    def endpoints(self) -> LocalEndpoints:
        """Where the services listen.

        Raises:
            LocalError: the local platform is not up.
        """
        return load_endpoints(self._project)

    def kafka_client(self, role: KafkaRole) -> dict[str, Any]:
        """librdkafka settings of a role, its password read from its file."""
        return {
            "bootstrap.servers": self.endpoints.kafka_bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": MECHANISM,
            "sasl.username": role,
            "sasl.password": kafka_password(self._project, role),
        }

    def registry_client(self) -> RegistryClient:
        """The registry: loopback, without a login."""
        return RegistryClient(self.endpoints.registry_url)

    def snowflake_client(self, role: Literal["admin", "connector"]) -> SnowflakeClient:
        """The stand-in's administrator, or the connector's service user at the sink's database."""
        endpoints = self.endpoints
        if role == "admin":
            user, snowflake_role, key = endpoints.snowflake_admin_user, "ACCOUNTADMIN", self._admin_key()
            warehouse = database = schema = None
        else:
            user, snowflake_role, key = CONNECTOR_USER, CONNECTOR_ROLE, connector_key(self._environment, self._project)
            warehouse = WAREHOUSE
            database, schema = sink_schema(self._environment)
        return SnowflakeClient(
            organization=endpoints.snowflake_organization,
            account=endpoints.snowflake_account,
            user=user,
            role=snowflake_role,
            private_key=key,
            # The stand-in's administrator is no account of the YAML's: his key is made with the platform.
            passphrase=None if role == "admin" else connector_passphrase(self._environment),
            host=endpoints.snowflake_host,
            port=endpoints.snowflake_port,
            protocol="http",
            warehouse=warehouse,
            database=database,
            schema=schema,
        )

    def terraform_secrets(self, stack: str) -> dict[str, str]:
        """The administrator's password, for the stacks that make topics and ACLs; those of applications, which the
        topics stack makes users of."""
        if stack not in ("topics", "connect"):
            return {}
        found = {"kafka_admin_password": kafka_password(self._project, "admin")}
        if stack == "topics":
            for name in self._environment.applications:
                found[password_variable(name)] = application_password(self._project, name)
        return found

    def principal(self, role: KafkaRole) -> str:
        """`User:<role>`: the SCRAM users are named after the roles."""
        return f"User:{role}"

    def missing_credentials(self) -> list[str]:
        """None: what reaches the services was made with them."""
        return []

    def applied(self, stack: str, outputs: Mapping[str, Any]) -> None:
        """Nothing is to be kept."""

    def _admin_key(self) -> SecretRefValue:
        return SecretRefValue("file", str(secret_file(self._project, ADMIN_KEY).relative_to(self._project.root)))
