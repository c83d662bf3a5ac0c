"""Clients of a deployed platform: addresses and settings from the cluster stack's outputs, secrets by reference.

Every cloud platform outputs the same names (`modules/platforms/declare/base.py`), so what connects needs no branch on
the platform. A platform whose login is no user and password overrides `_login`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from modules.environment.model import Environment
from modules.environment.network import private_host
from modules.environment.secrets import resolve_secret
from modules.environment.types import AWS_SCHEMES, SecretRefValue
from modules.errors import ConfigError, SecretError
from modules.platforms.base import KafkaRole, RegistryClient, SnowflakeClient
from modules.platforms.connector import connector_key, connector_passphrase, connector_secrets, sink_schema
from modules.project import Project, recorded_outputs
from modules.warehouse.estate import CONNECTOR_ROLE, CONNECTOR_USER, WAREHOUSE

__all__ = ["DeployedPlatform"]


class DeployedPlatform:
    """A platform in a cloud, bound to an environment; outputs are read anew at each call."""

    name = ""

    def __init__(self, project: Project, environment: Environment) -> None:
        self.project = project
        self.environment = environment

    def kafka_client(self, role: KafkaRole) -> dict[str, Any]:
        """librdkafka settings of a role, its secret resolved.

        Raises:
            ConfigError: the environment was never deployed.
            SecretError: the role's secret cannot be read.
        """
        cluster = self._cluster()
        settings = {"bootstrap.servers": cluster["bootstrap_servers"], **cluster["client_settings"]}
        return {**settings, **self._login(role, cluster)}

    def registry_client(self) -> RegistryClient:
        """The registry, with its login where it has one."""
        cluster = self._cluster()
        if "registry" not in cluster["credentials"]:
            return RegistryClient(cluster["registry_url"])
        username, password = self._credentials("registry", cluster)
        return RegistryClient(cluster["registry_url"], username, password)

    def snowflake_client(self, role: Literal["admin", "connector"]) -> SnowflakeClient:
        """The account the YAML names, as its administrator or as the connector's service user.

        Raises:
            ConfigError: the YAML names no account.
        """
        account = self.environment.warehouse.account
        if account is None:
            raise ConfigError(
                "no Snowflake account is named",
                where=f"{self.environment.source}: warehouse.account",
                do="`account: {organization: …, account: …, user: …, private_key: env:…}`; `--offline` needs none",
            )
        admin = role == "admin"
        public = f"{account.organization}-{account.account}.snowflakecomputing.com".lower().replace("_", "-")
        database, schema = (None, None) if admin else sink_schema(self.environment)
        return SnowflakeClient(
            organization=account.organization,
            account=account.account,
            user=account.user if admin else CONNECTOR_USER,
            role=account.role if admin else CONNECTOR_ROLE,
            private_key=account.private_key if admin else connector_key(self.environment, self.project),
            host=public if admin else private_host(self.environment) or public,
            warehouse=None if admin else WAREHOUSE,
            database=database,
            schema=schema,
            passphrase=account.private_key_passphrase if admin else connector_passphrase(self.environment),
        )

    def connector_secrets(self) -> dict[str, str]:
        """Values of the variables by which the connect stack gets what connectors log in with."""
        return connector_secrets(self.environment, self.project, self.registry_client)

    def terraform_secrets(self, stack: str) -> dict[str, str]:
        """Values of the ephemeral variables that the platform's half of a stack declares."""
        return {}

    def principal(self, role: KafkaRole) -> str:
        """`User:<role>`."""
        return f"User:{role}"

    def missing_credentials(self) -> list[str]:
        """The Snowflake account and its key; a platform adds its own. No service is asked."""
        account = self.environment.warehouse.account
        if account is None:
            return [
                "warehouse.account: the Snowflake account; write `account: {organization: …, account: …, user: …, "
                "private_key: env:SNOWFLAKE_PRIVATE_KEY}` under `warehouse:`"
            ]
        if self.environment.warehouse.engine != "terraform":
            return []  # whoever applies the estate logs in, not who deploys the rest
        return self._unset("warehouse.account.private_key", account.private_key)

    def applied(self, stack: str, outputs: Mapping[str, Any]) -> None:
        """Nothing is to be kept: a platform that hands out secrets overrides this."""

    def _resolve(self, reference: SecretRefValue) -> str:
        return resolve_secret(reference, self.project)

    def _unset(self, path: str, reference: SecretRefValue) -> list[str]:
        """A line where a reference to an environment variable or a file leads nowhere."""
        if reference.scheme in AWS_SCHEMES:
            return self._no_aws()
        try:
            resolve_secret(reference, self.project)
        except SecretError as error:
            return [f"{path}: {error.what}; {error.do}" if error.do else f"{path}: {error.what}"]
        return []

    def _no_aws(self) -> list[str]:
        """A line where boto3 finds no credentials of AWS; which they are and what they may do is not asked."""
        import boto3
        from botocore.exceptions import BotoCoreError

        try:
            found = boto3.Session().get_credentials()
        except BotoCoreError as error:
            return [f"AWS: {error}; set AWS_PROFILE to a profile of ~/.aws/config"]
        how = "log in with `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        return [] if found else [f"AWS: no credentials; {how}"]

    def _login(self, role: str, cluster: Mapping[str, Any]) -> dict[str, Any]:
        """What makes the general settings one role's."""
        username, password = self._credentials(role, cluster)
        return {"sasl.username": username, "sasl.password": password}

    def _cluster(self) -> Mapping[str, Any]:
        """The cluster stack's outputs."""
        cluster = recorded_outputs(self.project, self.environment.name, "cluster")
        if cluster is None:
            raise ConfigError(
                f"environment {self.environment.name} has no cluster here yet",
                where=self.environment.source,
                do=f"run `infra deploy --env {self.environment.name}`, or `infra output` where its state is",
            )
        return cluster

    def _credentials(self, role: str, cluster: Mapping[str, Any]) -> tuple[str, str]:
        """User name and password behind a role's reference: a JSON object with these two keys."""
        given = cluster["credentials"].get(role)
        if given is None:
            raise ConfigError(
                f"environment {self.environment.name} has no credentials for the role {role}",
                where=self.environment.source,
                do=f"run `infra deploy --env {self.environment.name}`",
            )
        scheme, _, name = str(given).partition(":")
        reference = SecretRefValue(scheme, name)
        try:
            found = json.loads(resolve_secret(reference, self.project))
            return str(found["username"]), str(found["password"])
        except (ValueError, KeyError, TypeError):
            raise ConfigError(
                "the secret is no JSON object with `username` and `password`",
                where=str(reference),
                do=f"run `infra deploy --env {self.environment.name}`, which writes it",
            ) from None
