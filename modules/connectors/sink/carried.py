"""Which of an environment's topics a sink carries when none is named."""

from __future__ import annotations

import time
from typing import Any

from modules.connectors.sink.settings import sink_topics
from modules.environment.model import Environment
from modules.environment.smoke import SMOKE_TOPIC
from modules.platforms.base import Platform

__all__ = ["carried_topics"]

_SECONDS = 5.0


def carried_topics(environment: Environment, platform: Platform) -> list[str]:
    """The topics with a sink; the smoke topic only where it is there.

    An environment that was deployed before it had one goes on carrying its real topics. A broker that does not answer
    decides nothing here: the sinks themselves wait for it, and say so.
    """
    names = sink_topics(environment)
    if SMOKE_TOPIC not in names or len(names) == 1 or _is_there(SMOKE_TOPIC, platform.kafka_client("sink")):
        return names
    return [name for name in names if name != SMOKE_TOPIC]


def _is_there(topic: str, client: dict[str, Any]) -> bool:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    from modules.connectors.sink.kafka import silent

    admin = AdminClient({**client, "logger": silent()})
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            return admin.list_topics(topic, timeout=1.0).topics[topic].error is None
        except KafkaException:
            admin.poll(0)  # where the login is a token, this asks for it
    return True
