"""The one interface of a platform: what stacks declare on it and how clients reach it.

A platform is Confluent Cloud, Amazon MSK, Redpanda or the laptop. Clients (producer, sink, smoke) use the `*_client`
methods and pay for no cdktf import; stacks use `declare_*`, whose implementations import the generated resource
classes inside the method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from modules.environment.types import SecretRefValue

__all__ = ["KafkaRole", "Platform", "RegistryClient", "SnowflakeClient"]

KafkaRole = str
"""`admin`, `producer`, `consumer`, `sink`, or the name of an application."""


@dataclass(frozen=True)
class RegistryClient:
    """How to reach the Schema Registry."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    """The authority of its certificate, a PEM file; None for those everyone trusts."""
    kind: Literal["confluent", "glue"] = "confluent"
    """Whose protocol it speaks, and whose wire format its messages have."""
    region: str | None = None
    """glue: the AWS region."""
    registry_name: str | None = None
    """glue: the registry within the account."""
    role_arn: str | None = None
    """glue: the IAM role to read it as; None for whom boto3 finds."""


@dataclass(frozen=True)
class SnowflakeClient:
    """How to log in to Snowflake with a key pair. `private_key` is a reference; resolve it when connecting."""

    organization: str
    account: str
    user: str
    role: str
    private_key: SecretRefValue
    host: str
    port: int = 443
    protocol: Literal["http", "https"] = "https"
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    passphrase: SecretRefValue | None = None
    """Of an encrypted key."""

    @property
    def url(self) -> str:
        return f"{self.protocol}://{self.host}:{self.port}"


class Platform(Protocol):
    """One of the platforms, bound to one environment and project."""

    name: str

    def kafka_client(self, role: KafkaRole) -> dict[str, Any]:
        """librdkafka settings for a role (bootstrap.servers, security.protocol, sasl.*), the secret resolved."""

    def registry_client(self) -> RegistryClient:
        """Where schemas are registered and read."""

    def snowflake_client(self, role: Literal["admin", "connector"]) -> SnowflakeClient:
        """The login of Terraform's administrator, or of SVC_KAFKA_CONNECTOR."""

    def terraform_secrets(self, stack: str) -> dict[str, str]:
        """Values of the ephemeral variables that the platform's half of a stack declares; none for other stacks.

        Asked when the stack's turn comes: what reaches the brokers may have been made by the cluster stack before.
        """

    def principal(self, role: KafkaRole) -> str:
        """The Kafka principal of a role, as ACLs name it (`User:sink`)."""

    def missing_credentials(self) -> Sequence[str]:
        """What a deployment needs and this machine does not have, a line each; nothing is asked of any service."""

    def applied(self, stack: str, outputs: Mapping[str, Any]) -> None:
        """Told before a plan and after each wave what a stack outputs, sensitive values included; nothing of a stack
        that was destroyed."""
