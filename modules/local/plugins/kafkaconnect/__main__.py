"""Serves the plugin to Terraform."""

from __future__ import annotations

from modules.local.plugins.kafkaconnect.provider import KafkaConnectProvider
from modules.local.plugins.protocol.serve import serve

if __name__ == "__main__":
    serve(KafkaConnectProvider())
