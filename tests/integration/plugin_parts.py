"""Terraform folders whose bundled plugins manage the local platform, each with a client of its service's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]

from modules.local.endpoints import secret_file
from modules.local.plugins import write_mirror
from modules.local.plugins.kafka.provider import KafkaProvider
from modules.local.plugins.snowflake.provider import SnowflakeProvider
from tests.integration.conftest import RunningPlatform
from tests.plugins.terraform_folder import Terraform

__all__ = ["KafkaFolder", "SnowflakeFolder"]


class KafkaFolder(Terraform):
    """A Terraform folder that manages the local broker, and an AdminClient to look behind its back."""

    def __init__(self, folder: Path, platform: RunningPlatform) -> None:
        write_mirror(folder / "mirror")
        super().__init__(folder / "work", folder / "mirror", plugin=KafkaProvider)
        self.password = secret_file(platform.project, "kafka-admin.password").read_text().strip()
        self.bootstrap = platform.endpoints.kafka_bootstrap
        self.admin = AdminClient(
            {
                "bootstrap.servers": self.bootstrap,
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "SCRAM-SHA-256",
                "sasl.username": "admin",
                "sasl.password": self.password,
            }
        )
        self.resources()
        self.init()

    def resources(
        self,
        topics: dict[str, Any] | None = None,
        acls: dict[str, Any] | None = None,
        provider: dict[str, Any] | None = None,
        **extra: Any,
    ) -> None:
        resource = {kind: body for kind, body in {"kafka_topic": topics, "kafka_acl": acls}.items() if body}
        self.write(
            {
                "terraform": {"required_providers": {"kafka": {"source": "mongey/kafka", "version": "0.13.1"}}},
                "provider": {
                    "kafka": {
                        "bootstrap_servers": [self.bootstrap],
                        "tls_enabled": False,
                        "sasl_mechanism": "scram-sha256",
                        "sasl_username": "admin",
                        "sasl_password": self.password,
                        **(provider or {}),
                    }
                },
                **({"resource": resource} if resource else {}),
                **extra,
            }
        )

    def topics(self) -> dict[str, int]:
        """The plugin tests' topics and their numbers of partitions, as the broker has them."""
        listed = self.admin.list_topics(timeout=10).topics
        return {name: len(topic.partitions) for name, topic in listed.items() if name.startswith("plugin-")}

    def settings(self, name: str) -> dict[str, str]:
        """The settings made on a topic itself."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        entries = self.admin.describe_configs([resource])[resource].result(10)
        return {key: entry.value for key, entry in entries.items() if entry.source == 1}


class SnowflakeFolder(Terraform):
    """A Terraform folder that manages the stand-in, and a session to look behind its back."""

    def __init__(self, folder: Path, platform: RunningPlatform) -> None:
        write_mirror(folder / "mirror")
        super().__init__(folder / "work", folder / "mirror", plugin=SnowflakeProvider)
        self.endpoints = platform.endpoints
        self.key = secret_file(platform.project, "snowflake-admin.p8").read_text()
        self.resources({})
        self.init()
        self._session = self._connect()

    def _connect(self) -> Any:
        import snowflake.connector
        from cryptography.hazmat.primitives import serialization

        key = serialization.load_pem_private_key(self.key.encode(), None)
        plain = serialization.NoEncryption()
        der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, plain)
        return snowflake.connector.connect(
            account="INFRA-LOCAL",
            user=self.endpoints.snowflake_admin_user,
            role="ACCOUNTADMIN",
            host=self.endpoints.snowflake_host,
            port=self.endpoints.snowflake_port,
            protocol="http",
            authenticator="SNOWFLAKE_JWT",
            private_key=der,
        )

    def resources(self, *parts: dict[str, Any], provider: dict[str, Any] | None = None, **extra: Any) -> None:
        merged: dict[str, dict[str, Any]] = {}
        for part in parts:
            for kind, bodies in part.items():
                merged.setdefault(kind, {}).update(bodies)
        source = {"source": "snowflakedb/snowflake", "version": "2.20.0"}
        self.write(
            {
                "terraform": {"required_providers": {"snowflake": source}},
                "provider": {
                    "snowflake": {
                        "organization_name": "INFRA",
                        "account_name": "LOCAL",
                        "user": self.endpoints.snowflake_admin_user,
                        "role": "ACCOUNTADMIN",
                        "authenticator": "SNOWFLAKE_JWT",
                        "private_key": self.key,
                        "host": self.endpoints.snowflake_host,
                        "port": self.endpoints.snowflake_port,
                        "protocol": "http",
                        "params": {"CLIENT_TELEMETRY_ENABLED": "false"},
                        "preview_features_enabled": ["snowflake_table_resource"],
                        **(provider or {}),
                    }
                },
                **({"resource": merged} if merged else {}),
                **extra,
            }
        )

    def sql(self, statement: str) -> list[dict[str, Any]]:
        with self._session.cursor() as cursor:
            cursor.execute(statement)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
