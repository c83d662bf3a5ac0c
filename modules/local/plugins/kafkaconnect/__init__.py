"""The bundled plugin for `mongey/kafka-connect`: connectors through a worker's REST API.

Run as `python -m modules.local.plugins.kafkaconnect` by Terraform. httpx is imported at the first request only.
"""

from __future__ import annotations
