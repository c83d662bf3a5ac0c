"""Carries a topic into a Snowflake table, losing and doubling nothing through any crash.

Start with `settings_for`, then `Sink(settings, SinkOptions(...)).run()`. How it holds together is told in `partition`
(one partition's life), `refused` (rows the warehouse skipped) and `deadletter` (what cannot be written).
"""

from __future__ import annotations

from modules.connectors.sink.carried import carried_topics
from modules.connectors.sink.metrics import SinkStatus
from modules.connectors.sink.runner import Sink, SinkOptions
from modules.connectors.sink.settings import Batching, SinkSettings, settings_for, sink_topics
from modules.connectors.sink.several import Sinks

__all__ = [
    "Batching",
    "Sink",
    "SinkOptions",
    "SinkSettings",
    "SinkStatus",
    "Sinks",
    "carried_topics",
    "settings_for",
    "sink_topics",
]
