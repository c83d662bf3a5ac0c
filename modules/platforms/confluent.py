"""Confluent Cloud as a platform: SASL/PLAIN with API keys, the registry with a key of its own.

Keys are made by the cluster stack. They are kept in AWS Secrets Manager, or in private files that are written here
after each apply of that stack, from its sensitive output; either way a client finds them by the reference in
`credentials`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.environment.capture import runners_of
from modules.environment.confluent import in_aws
from modules.environment.connect import kind_of
from modules.environment.secrets import keep_secret
from modules.platforms.base import KafkaRole
from modules.platforms.deployed import DeployedPlatform
from modules.project import Project

__all__ = ["KEY_OUTPUT", "ConfluentPlatform", "key_file"]

KEY_OUTPUT = "keys"
"""The cluster stack's sensitive output with all API keys, where they are kept in files."""


def key_file(project: Project, environment: str, role: str) -> Path:
    """Where a role's API key is kept on this machine."""
    return project.environment_state(environment) / "secrets" / f"kafka-{role}.json"


class ConfluentPlatform(DeployedPlatform):
    """One cluster of Confluent Cloud."""

    name = "confluent"

    def terraform_secrets(self, stack: str) -> dict[str, str]:
        """The Cloud API key for the cluster; the deployer's own keys for what is in it."""
        confluent = self.environment.confluent
        cloud = {
            "confluent_cloud_api_key": confluent.cloud_api_key,
            "confluent_cloud_api_secret": confluent.cloud_api_secret,
        }
        if stack == "cluster":
            return {name: self._resolve(reference) for name, reference in cloud.items()}
        if stack not in ("topics", "connect"):
            return {}
        cluster = self._cluster()
        key, secret = self._credentials("admin", cluster)
        found = {"kafka_api_key": key, "kafka_api_secret": secret}
        if stack == "topics" and any(topic.value for topic in self.environment.topics.values()):
            key, secret = self._credentials("registry-admin", cluster)
            found |= {"registry_api_key": key, "registry_api_secret": secret}
        managed = kind_of(self.environment) == "managed" or "managed" in runners_of(self.environment)
        if confluent.authorization == "role-bindings" or (stack == "connect" and managed):  # they are the cloud's
            found |= {name: self._resolve(reference) for name, reference in cloud.items()}
        return found

    def principal(self, role: KafkaRole) -> str:
        """`User:sa-…`, the role's service account."""
        return f"User:{self._cluster()['deployer_account' if role == 'admin' else f'{role}_account']}"

    def _login(self, role: str, cluster: Mapping[str, Any]) -> dict[str, Any]:
        login = super()._login(role, cluster)
        if self.environment.confluent.tier == "freight" and role in ("producer", "sink"):
            # Freight has no idempotent producers: a retry may write an event twice.
            login["enable.idempotence"] = False
        return login

    def applied(self, stack: str, outputs: Mapping[str, Any]) -> None:
        """Keeps the keys a cluster stack hands out in private files; takes them away when it hands out none (any more).

        What was deployed decides, not the YAML: until a change of `secrets` is deployed, clients read the files.
        """
        if stack != "cluster":
            return
        keys: Mapping[str, Any] = outputs.get(KEY_OUTPUT) or {}
        folder = key_file(self.project, self.environment.name, "any").parent
        for path in folder.glob("kafka-*.json"):
            if path.stem.removeprefix("kafka-") not in keys:
                path.unlink()
        for role, login in keys.items():
            keep_secret(key_file(self.project, self.environment.name, role), json.dumps(login))

    def missing_credentials(self) -> list[str]:
        """Adds the Cloud API key, and AWS where something of the environment is there."""
        confluent = self.environment.confluent
        found = [
            *self._unset("confluent.cloud_api_key", confluent.cloud_api_key),
            *self._unset("confluent.cloud_api_secret", confluent.cloud_api_secret),
        ]
        if in_aws(self.environment):
            found += self._no_aws()
        return [*found, *super().missing_credentials()]
