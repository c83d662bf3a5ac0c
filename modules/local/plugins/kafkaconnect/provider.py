"""The provider block of `mongey/kafka-connect`: the worker's address and login."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from modules.local.plugins.kafkaconnect.client import ConnectApi, unreachable
from modules.local.plugins.kafkaconnect.connector import Connector
from modules.local.plugins.network import listens
from modules.local.plugins.protocol.resource import Diagnostic, Provider, Resource, State
from modules.local.plugins.protocol.schema import load_schema, snapshot_path
from modules.local.plugins.protocol.values import UNKNOWN

__all__ = ["KafkaConnectProvider"]


class KafkaConnectProvider(Provider):
    """Connectors of one Kafka Connect cluster."""

    def __init__(self) -> None:
        super().__init__(load_schema(snapshot_path("kafka-connect")))
        self._api = ConnectApi()
        self._resources: dict[str, Resource] = {"kafka-connect_connector": Connector(self._api)}

    @property
    def resources(self) -> Mapping[str, Resource]:
        return self._resources

    def validate_config(self, config: State) -> Sequence[Diagnostic]:
        url = config["url"]
        if isinstance(url, str) and urlsplit(url).scheme not in ("http", "https"):
            return (Diagnostic(f"{url!r} is not an http address", path=("url",)),)
        return ()

    def configure(self, config: State) -> Sequence[Diagnostic]:
        if config["url"] is UNKNOWN:
            return ()
        url = config["url"] or os.environ.get("KAFKA_CONNECT_URL")
        if not url:
            return (Diagnostic("the Kafka Connect worker's address is missing", "Give `url`.", ("url",)),)
        username = config["basic_auth_username"] or os.environ.get("KAFKA_CONNECT_BASIC_AUTH_USERNAME")
        password = config["basic_auth_password"] or os.environ.get("KAFKA_CONNECT_BASIC_AUTH_PASSWORD") or ""
        headers = config["headers"] or {}
        if any(value is UNKNOWN for value in (username, password, headers)):
            return ()
        self._api.configure(url, (username, password) if username else None, headers)
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if listens(parts.hostname or "", port):
            return ()
        return (unreachable(url, ("url",)),)

    def close(self) -> None:
        self._api.close()
