"""Redpanda on ECS as a platform: SASL/SCRAM over TLS, with the authority of the cluster's own certificates.

Clients reach the brokers by their names in a private zone, so only from the network or through a tunnel into it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from modules.environment.model import Environment
from modules.environment.redpanda import domain_of
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError
from modules.platforms.base import RegistryClient
from modules.platforms.deployed import DeployedPlatform
from modules.platforms.names import password_variable

AUTHORITIES = "authorities"
"""As `modules/terraform/command.py` names it; clients do not import Terraform for a name."""

__all__ = ["AUTHORITY", "AUTHORITY_KEY", "BROKER_TLS", "USERS", "RedpandaPlatform", "users_of"]

AUTHORITY, AUTHORITY_KEY, BROKER_TLS = "redpanda-authority", "redpanda-authority-key", "redpanda-tls"
"""Secrets with certificates, JSON objects each; with `-` as `_` the variables that bring them."""

USERS = ("producer", "consumer", "sink", "registry")
"""Users beside the administrator, by the roles they have; `registry` is whom clients look schemas up as."""


def users_of(environment: Environment) -> tuple[str, ...]:
    """Every user with a login of its own beside the administrator: the fixed ones, then the applications."""
    return (*USERS, *environment.applications)


class RedpandaPlatform(DeployedPlatform):
    """One cluster of one's own."""

    name = "redpanda"

    def registry_client(self) -> RegistryClient:
        """The registry behind the load balancer, with the cluster's authority unless its certificate is public."""
        client = super().registry_client()
        if self.environment.network.domain:
            return client
        return replace(client, ca_file=str(self._authority_file(self._cluster())))

    def terraform_secrets(self, stack: str) -> dict[str, str]:
        """New passwords and certificates for the cluster, which take effect where a version was raised; the logins
        that were written for what is in it."""
        if stack == "cluster":
            return self._fresh()
        if stack not in ("topics", "connect"):
            return {}
        cluster = self._cluster()
        found = {"kafka_admin_password": self._credentials("admin", cluster)[1], "kafka_authority": self._ca(cluster)}
        if stack == "topics":
            self._authority_file(cluster)
            found |= {
                password_variable(user): self._credentials(user, cluster)[1] for user in users_of(self.environment)
            }
        return found

    def missing_credentials(self) -> list[str]:
        """Adds AWS."""
        return [*super().missing_credentials(), *self._no_aws()]

    def _login(self, role: str, cluster: Mapping[str, Any]) -> dict[str, Any]:
        return {**super()._login(role, cluster), "ssl.ca.pem": self._ca(cluster)}

    def _fresh(self) -> dict[str, str]:
        from modules.platforms.aws import PASSWORDS, fresh_password

        passwords = json.dumps({role: fresh_password() for role in ("admin", *users_of(self.environment))})
        if self.environment.redpanda.certificate is not None:
            return {PASSWORDS: passwords}
        from modules.platforms.redpanda_certificates import Authority, make_authority, make_pair

        kept = self._kept_authority()
        authority = Authority(*kept) if kept else make_authority(f"{self.environment.project}-{self.environment.name}")
        pair = make_pair(authority, domain_of(self.environment))
        values = {
            AUTHORITY: json.dumps({"ca": authority.certificate}),
            AUTHORITY_KEY: json.dumps({"private_key": authority.private_key}),
            BROKER_TLS: pair.as_json(),
        }
        return {PASSWORDS: passwords, **{name.replace("-", "_"): value for name, value in values.items()}}

    def _kept_authority(self) -> tuple[str, str] | None:
        """Certificate and key of the authority that signed what the brokers have now; None before there are any.

        New certificates must be its own, or brokers with old and new ones would not speak to each other while they
        roll.
        """
        try:
            cluster = self._cluster()
        except ConfigError:
            return None
        if AUTHORITY_KEY not in cluster.get("credentials", {}):
            return None
        return self._ca(cluster), self._part(cluster, AUTHORITY_KEY, "private_key")

    def _ca(self, cluster: Mapping[str, Any]) -> str:
        return self._part(cluster, AUTHORITY, "ca")

    def _part(self, cluster: Mapping[str, Any], what: str, key: str) -> str:
        """One value of a secret with certificates.

        Raises:
            ConfigError: the secret has no such value.
        """
        scheme, _, name = str(cluster["credentials"][what]).partition(":")
        reference = SecretRefValue(scheme, name)
        try:
            return str(json.loads(self._resolve(reference))[key])
        except (ValueError, KeyError, TypeError):
            raise ConfigError(
                f"the secret is no JSON object with `{key}`",
                where=str(reference),
                do=f"run `infra deploy --env {self.environment.name}`, or check `redpanda.certificate`",
            ) from None

    def _authority_file(self, cluster: Mapping[str, Any]) -> Path:
        """The authority's certificate as a file, for clients that take no text, and where Terraform's plugins find it:
        the registry's takes no authority at all. It is public.
        """
        folder = self.project.environment_state(self.environment.name) / AUTHORITIES
        path, text = folder / "redpanda.pem", self._ca(cluster)
        if not path.is_file() or path.read_text() != text:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return path
