"""Publishes the rows of a Snowflake table or stream to a topic, losing and repeating nothing through any crash.

Start with `source_settings`, then `Source(settings, SourceOptions(...)).run()`. How it holds together is told in
`place` (how far it has come), `publisher` (rows and place in one transaction) and `table` (which rows are new).
"""

from __future__ import annotations

from modules.connectors.source.metrics import SourceStatus
from modules.connectors.source.runner import Source, SourceOptions, open_reader
from modules.connectors.source.schema import derived_schema
from modules.connectors.source.settings import SourceSettings, source_settings
from modules.connectors.source.snowflake import Session

__all__ = [
    "Session",
    "Source",
    "SourceOptions",
    "SourceSettings",
    "SourceStatus",
    "derived_schema",
    "open_reader",
    "source_settings",
]
