"""Serves the plugin to Terraform."""

from __future__ import annotations

from modules.local.plugins.protocol.serve import serve
from modules.local.plugins.snowflake.provider import SnowflakeProvider

if __name__ == "__main__":
    serve(SnowflakeProvider())
