"""The events of a run: the project's own order events, in the topic's registered Avro schema."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from modules.environment.model import Environment
from modules.smoke.transport import Payloads

if TYPE_CHECKING:
    from modules.platforms.base import Platform
    from modules.producer import EventSerializer, OrderEvents

__all__ = ["order_events"]


class _OrderPayloads:
    def __init__(self, events: OrderEvents, serializer: EventSerializer, key: str | None) -> None:
        self._events = events
        self._serializer = serializer
        self._key = key

    def next(self) -> tuple[bytes, bytes]:
        event = next(self._events)
        return str(event[self._key]).encode() if self._key else b"", self._serializer(event)


def order_events(environment: Environment, platform: Platform, topic: str) -> Payloads:
    """An endless supply of keys and values for a topic; each run has events of its own.

    Raises:
        ServiceError: the registry does not answer, or does not know the topic's subject.
        ConfigError: an order event does not fit the topic's schema.
    """
    from modules.producer import EventSerializer, OrderEvents

    serializer = EventSerializer(platform.registry_client(), f"{topic}-value")
    events = OrderEvents(secrets.randbits(48), start=datetime.now(UTC))
    payloads = _OrderPayloads(events, serializer, environment.topics[topic].key)
    payloads.next()  # Fails here, before anything is sent, when the topic is made for other events.
    return payloads
