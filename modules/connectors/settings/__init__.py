"""What connectors are set to: one public function a connector, used by the laptop and by every cloud alike."""

from __future__ import annotations

from modules.connectors.settings.config import ConnectorConfig, KafkaAccount, RegistryLogin, connector_name, one_line
from modules.connectors.settings.debezium import Database, debezium_connector
from modules.connectors.settings.snowflake import sink_connector

__all__ = [
    "ConnectorConfig",
    "Database",
    "KafkaAccount",
    "RegistryLogin",
    "connector_name",
    "debezium_connector",
    "one_line",
    "sink_connector",
]
