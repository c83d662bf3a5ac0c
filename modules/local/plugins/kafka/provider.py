"""The provider block of `mongey/kafka`: which broker, and how to log in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from modules.local.plugins.kafka.acls import AclResource
from modules.local.plugins.kafka.admin import KafkaAdmin, unreachable
from modules.local.plugins.kafka.topics import TopicResource
from modules.local.plugins.kafka.users import UserResource
from modules.local.plugins.network import listens, split_address
from modules.local.plugins.protocol.resource import Diagnostic, Provider, Resource, State
from modules.local.plugins.protocol.schema import load_schema, snapshot_path
from modules.local.plugins.protocol.values import UNKNOWN, has_unknown

__all__ = ["KafkaProvider", "client_settings"]

_MECHANISMS = {"plain": "PLAIN", "scram-sha256": "SCRAM-SHA-256", "scram-sha512": "SCRAM-SHA-512"}


class KafkaProvider(Provider):
    """Topics, ACLs and users of one cluster."""

    def __init__(self) -> None:
        super().__init__(load_schema(snapshot_path("kafka")))
        self._admin = KafkaAdmin()
        self._resources: dict[str, Resource] = {
            "kafka_topic": TopicResource(self._admin),
            "kafka_acl": AclResource(self._admin),
            "kafka_user_scram_credential": UserResource(self._admin),
        }

    @property
    def resources(self) -> Mapping[str, Resource]:
        return self._resources

    def validate_config(self, config: State) -> Sequence[Diagnostic]:
        mechanism = config["sasl_mechanism"]
        if isinstance(mechanism, str) and mechanism.lower() not in _MECHANISMS:
            known = ", ".join(_MECHANISMS)
            return (
                Diagnostic(
                    f"sasl_mechanism {mechanism!r} is not known to the {self.title}",
                    f"Use one of {known}; others need the official plugin (`terraform.providers: official`).",
                    ("sasl_mechanism",),
                ),
            )
        return ()

    def configure(self, config: State) -> Sequence[Diagnostic]:
        servers = config["bootstrap_servers"]
        if has_unknown(servers):
            # Then there is nothing to read yet either; Terraform configures again before it applies.
            return ()
        self._admin.configure(client_settings(config))
        if any(listens(*split_address(server, 9092)) for server in servers):
            return ()
        return (unreachable(",".join(servers), ("bootstrap_servers",)),)


def client_settings(config: State) -> dict[str, Any]:
    """librdkafka's settings for a provider block; the official plugin's environment variables fill the gaps."""
    tls = _given(config["tls_enabled"])
    if tls is None:
        tls = os.environ.get("KAFKA_ENABLE_TLS", "true").lower() not in ("false", "0")
    username = _given(config["sasl_username"]) or os.environ.get("KAFKA_SASL_USERNAME")
    settings: dict[str, Any] = {
        "bootstrap.servers": ",".join(config["bootstrap_servers"]),
        "security.protocol": f"{'SASL_' if username else ''}{'SSL' if tls else 'PLAINTEXT'}",
    }
    if username:
        mechanism = _given(config["sasl_mechanism"]) or os.environ.get("KAFKA_SASL_MECHANISM") or "plain"
        settings["sasl.mechanism"] = _MECHANISMS.get(mechanism.lower(), mechanism)
        settings["sasl.username"] = username
        settings["sasl.password"] = _given(config["sasl_password"]) or os.environ.get("KAFKA_SASL_PASSWORD") or ""
    if tls:
        settings.update(_tls_settings(config))
    return settings


def _tls_settings(config: State) -> dict[str, Any]:
    options = {
        "ssl.ca.pem": config["ca_cert"],
        "ssl.ca.location": config["ca_cert_file"],
        "ssl.certificate.pem": config["client_cert"],
        "ssl.certificate.location": config["client_cert_file"],
        "ssl.key.pem": config["client_key"],
        "ssl.key.location": config["client_key_file"],
        "ssl.key.password": config["client_key_passphrase"],
    }
    chosen = {name: value for name, value in options.items() if _given(value) is not None}
    if config["skip_tls_verify"] is True:
        chosen["enable.ssl.certificate.verification"] = False
    return chosen


def _given(value: Any) -> Any:
    return None if value is UNKNOWN else value
