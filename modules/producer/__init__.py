"""Sends realistic order events to Kafka. Start with `produce` and `OrderEvents`.

`EventSerializer` and `Sender` are for those who send a load of their own, such as the smoke test.
"""

from __future__ import annotations

from modules.producer.events import OrderEvents
from modules.producer.produce import ProduceResult, Sender, produce, produce_to, topic_to_produce
from modules.producer.serializer import EventSerializer

__all__ = ["EventSerializer", "OrderEvents", "ProduceResult", "Sender", "produce", "produce_to", "topic_to_produce"]
