"""The events of a run: valid records of the topic's registered schema, as large as was asked for.

Where the schema takes the project's order events, they are those; else values made up from the schema. A handful are
made beforehand and sent again and again, each time with the key, time and mark of its own that `shape` finds room for:
making up a new one for each event would take longer than sending it.
"""

from __future__ import annotations

import base64
import random
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.smoke.keys import DEFAULT_PARTITIONER, spread
from modules.smoke.shape import Shape, kind_of_field, shape_of, value_of
from modules.smoke.transport import Clock, monotonic

if TYPE_CHECKING:
    from modules.platforms.base import Platform
    from modules.producer import EventSerializer

__all__ = ["RecordPayloads", "Stamps", "record_payloads"]

_TEMPLATES = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stamps:
    """Wall-clock times that cannot go back: one reading of the wall clock, and the run's monotonic clock since."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._wall, self._start = time.time_ns(), clock()

    def now(self) -> datetime:
        return self.at(self._clock())

    def at(self, reading: int) -> datetime:
        """The time at a reading of the monotonic clock; the run's beginning for readings before it."""
        return _EPOCH + timedelta(microseconds=(self._wall + max(0, reading - self._start)) // 1000)


class RecordPayloads:
    """An endless supply of keys and values; each run has events of its own."""

    def __init__(
        self, serializer: EventSerializer, shape: Shape, keys: list[bytes], run_id: str, size: int | None = None
    ) -> None:
        self.shape = shape
        self.stamps = Stamps()
        self._serializer = serializer
        self._keys = keys
        self._run = run_id
        self._number = -1
        rng = random.Random(secrets.randbits(64))
        fields = {field["name"]: kind_of_field(field["type"]) for field in serializer.schema["fields"]}
        self._whole_key = fields.get(shape.key or "") in ("int", "long")
        self._bytes_fill = fields.get(shape.fill or "") == "bytes"
        self._templates = _samples(serializer, rng)
        if size is not None:
            self._templates = [self._filled(one, size, rng) for one in self._templates]

    def next(self) -> tuple[bytes, bytes]:
        self._number += 1
        return self._event(self._templates[self._number % len(self._templates)], self._number)

    def try_one(self) -> None:
        """Make an event and throw it away.

        Raises:
            ConfigError: it does not fit the schema.
        """
        self._event(self._templates[0], 0)

    def _event(self, values: Mapping[str, Any], number: int) -> tuple[bytes, bytes]:
        event, shape = dict(values), self.shape
        key = self._keys[number % len(self._keys)]
        if shape.key is not None:
            event[shape.key] = int(key) if self._whole_key else key.decode()
        if shape.mark is not None:
            event[shape.mark] = f"{self._run}-{number:010d}"
        if shape.time is not None:
            event[shape.time] = self.stamps.now()
        return key, self._serializer(event)

    def _filled(self, values: Mapping[str, Any], size: int, rng: random.Random) -> dict[str, Any]:
        """The values with one field made so long that the event has `size` bytes.

        Raises:
            ConfigError: no field can be filled, or the event is larger without.
        """
        name, where = self.shape.fill, f"schema {self._serializer.subject}"
        if name is None:
            raise ConfigError(
                f"events of {size:,} bytes cannot be made: the schema has no text or bytes field that could be filled",
                where=where,
                do="leave --size out, or add a string field to the schema",
            )

        def with_(length: int) -> dict[str, Any]:
            text = base64.b64encode(rng.randbytes(length * 3 // 4 + 3))[:length]
            return {**values, name: text if self._bytes_fill else text.decode()}

        def measured(length: int) -> int:
            return len(self._event(with_(length), 0)[1])

        least = measured(0)
        if size < least:
            raise ConfigError(
                f"events of {size:,} bytes cannot be made: this schema's have {least:,} at least",
                where=where,
                do=f"give --size {least}B or more, or leave it out",
            )
        length = size - least
        # The field's own length takes more bytes as it grows.
        while length > 0 and measured(length) > size:
            length -= 1
        return with_(length)


def record_payloads(
    environment: Environment,
    platform: Platform,
    topic: str,
    partitions: int,
    run_id: str,
    size: int | None = None,
) -> RecordPayloads:
    """Events for a topic, their keys spread over all its partitions.

    Raises:
        ServiceError: the registry does not answer, or does not know the topic's subject.
        ConfigError: events of that size cannot be made.
    """
    from modules.producer import EventSerializer

    serializer = EventSerializer(platform.registry_client(), f"{topic}-value")
    shape = shape_of(serializer.schema, environment.topics[topic].key, filled=size is not None)
    partitioner = str(platform.kafka_client("producer").get("partitioner", DEFAULT_PARTITIONER))
    keys = spread(partitions, _key_maker(serializer, shape), partitioner)
    payloads = RecordPayloads(serializer, shape, keys, run_id, size)
    payloads.try_one()  # Fails here, before anything is sent, if it fails at all.
    return payloads


def _key_maker(serializer: EventSerializer, shape: Shape) -> Callable[[int], bytes]:
    """Keys of the kind that the key's field takes; any text where the key is no field of the value."""
    fields = {field["name"]: kind_of_field(field["type"]) for field in serializer.schema["fields"]}
    kind = fields.get(shape.key, "string") if shape.key else "string"
    if kind in ("int", "long"):
        return lambda number: str(1_000_000 + number).encode()
    if kind == "uuid":
        return lambda number: str(uuid.uuid5(uuid.NAMESPACE_OID, f"smoke-{number}")).encode()
    if kind == "string":
        return lambda number: f"smoke-{number:06d}".encode()
    raise ConfigError(
        f"the key {shape.key} is a {kind}: a run can make keys of text, whole numbers and UUIDs",
        where=f"schema {serializer.subject}",
        do="measure a topic with such a key",
    )


def _samples(serializer: EventSerializer, rng: random.Random) -> list[dict[str, Any]]:
    """Order events where the schema takes them; else made up."""
    from modules.producer import OrderEvents

    orders = OrderEvents(rng.getrandbits(48), start=datetime.now(UTC))
    found = [next(orders) for _ in range(_TEMPLATES)]
    try:
        for each in found:
            serializer(each)
    except ConfigError:
        named = dict(serializer.schema.get("__named_schemas", {}))
        return [value_of(serializer.schema, rng, named) for _ in range(_TEMPLATES)]
    return found
