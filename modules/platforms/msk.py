"""Amazon MSK as a platform: SCRAM users whose passwords are in Secrets Manager, or IAM roles with signed tokens.

With IAM a client sends a token that is signed with the credentials of its role; librdkafka asks for a new one before
the last runs out. The administrator is an IAM role in either case: see `declare/msk/access.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from modules.environment.types import AWS_SCHEMES
from modules.errors import ConfigError
from modules.platforms.aws import DATABASE_ROLE, PASSWORDS, assume, fresh_password, secret_name, stored_password
from modules.platforms.base import KafkaRole, RegistryClient
from modules.platforms.deployed import DeployedPlatform
from modules.topics import client_roles

__all__ = ["SECRET_PREFIX", "MskPlatform", "token_callback"]

SECRET_PREFIX = "AmazonMSK_"  # noqa: S105 - a name, not a secret
"""How MSK wants the names of its users' secrets to begin."""

_IAM = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}


class MskPlatform(DeployedPlatform):
    """One cluster of Amazon MSK."""

    name = "msk"

    def kafka_client(self, role: KafkaRole) -> dict[str, Any]:
        """librdkafka settings of a role; the administrator has addresses of its own.

        Raises:
            ConfigError: the environment was never deployed, or AWS credentials are missing.
            SecretError: the role's secret cannot be read.
        """
        if role != "admin":
            return super().kafka_client(role)
        cluster = self._cluster()
        return {"bootstrap.servers": cluster["admin_bootstrap_servers"], **_IAM, **self._token(role, cluster)}

    def registry_client(self) -> RegistryClient:
        """The registry; Glue's is read as the environment's role `registry`."""
        cluster = self._cluster()
        where = urlsplit(cluster["registry_url"])
        if where.scheme != "glue":
            return super().registry_client()
        return RegistryClient(
            cluster["registry_url"],
            kind="glue",
            region=where.hostname,
            registry_name=where.path.strip("/"),
            role_arn=cluster["role_arns"]["registry"],
        )

    def terraform_secrets(self, stack: str) -> dict[str, str]:
        """New passwords for the cluster, which are written once; the login of a registry that is there already."""
        msk = self.environment.msk
        if stack == "cluster":
            # With SCRAM each role is a user of its name.
            users = client_roles(self.environment) if msk.login == "scram" else ()
            passwords = {role: fresh_password() for role in users}
            if msk.registry.kind == "apicurio":
                passwords[DATABASE_ROLE] = self._database_password()
            return {PASSWORDS: json.dumps(passwords)} if passwords else {}
        if stack == "topics" and msk.registry.credentials is not None:
            username, password = self._credentials("registry", self._cluster())
            return {"registry_username": username, "registry_password": password}
        return {}

    def missing_credentials(self) -> list[str]:
        """Adds AWS, and the login of a registry that is there already."""
        found = self._no_aws()
        registry = self.environment.msk.registry
        if registry.credentials is not None and registry.credentials.scheme not in AWS_SCHEMES:
            found += self._unset("msk.registry.credentials", registry.credentials)
        return list(dict.fromkeys([*found, *super().missing_credentials()]))

    def _database_password(self) -> str:
        """The one that is there, for two places hold it: a secret written in a run that failed before the database was
        made would otherwise not be its password."""
        region = self.environment.msk.region
        return stored_password(secret_name(self.environment, DATABASE_ROLE), region) or fresh_password()

    def _login(self, role: str, cluster: Mapping[str, Any]) -> dict[str, Any]:
        return super()._login(role, cluster) if self.environment.msk.login == "scram" else self._token(role, cluster)

    def _token(self, role: str, cluster: Mapping[str, Any]) -> dict[str, Any]:
        missing = self._no_aws()
        if missing:
            raise ConfigError(
                "there are no AWS credentials to log in to Kafka with",
                where=f"{self.environment.source}: msk",
                details=missing,
                do="set them; `--offline` needs none",
            )
        region = self.environment.msk.region
        session = f"{self.environment.project}-{self.environment.name}-{role}"
        return {"oauth_cb": token_callback(region, cluster["role_arns"][role], session)}


def token_callback(region: str, role_arn: str, session_name: str) -> Callable[[str], tuple[str, float]]:
    """What librdkafka calls for a token: (token, when it runs out in seconds since 1970).

    The role's credentials are kept and refreshed before they run out; signing needs no network.

    Raises:
        ConfigError: the library that signs is not installed.
    """
    try:
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    except ImportError:
        raise ConfigError(
            "logging in to MSK with IAM needs the package aws-msk-iam-sasl-signer-python",
            where="msk.authentication",
            do="install it beside infra (`pip install aws-msk-iam-sasl-signer-python`), or use `authentication: scram`",
        ) from None
    from botocore.credentials import CredentialProvider, RefreshableCredentials

    class OfRole(CredentialProvider):
        """The role's credentials, as the signer asks for them."""

        _kept: Any = None

        def load(self) -> Any:
            if self._kept is None:
                self._kept = RefreshableCredentials.create_from_metadata(
                    metadata=refresh(), refresh_using=refresh, method="sts-assume-role"
                )
            return self._kept.get_frozen_credentials()

    def refresh() -> dict[str, Any]:
        return assume(role_arn, region, session_name)

    provider = OfRole()

    def callback(_configuration: str) -> tuple[str, float]:
        token, expires_ms = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(region, provider)
        return token, expires_ms / 1000

    return callback
