"""Events of any schema, of the asked size, with keys for every partition."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import fastavro
import pytest

from modules.errors import ConfigError
from modules.smoke.keys import PER_PARTITION, partition_for, spread
from modules.smoke.payloads import RecordPayloads, _key_maker
from modules.smoke.shape import shape_of

ORDERS = json.loads((Path(__file__).parents[2] / "environments" / "schemas" / "order_events.avsc").read_text())


class Serializer:
    """The producer's, without a registry."""

    subject = "t-value"
    schema_id = 1

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema: Any = fastavro.parse_schema(schema)

    def __call__(self, event: dict[str, Any]) -> bytes:
        buffer = io.BytesIO()
        if not fastavro.validate(event, self.schema, raise_errors=False):
            raise ConfigError("it does not fit")
        fastavro.schemaless_writer(buffer, self.schema, event, strict_allow_default=True)
        return b"\0\0\0\0\1" + buffer.getvalue()

    def read(self, value: bytes) -> dict[str, Any]:
        return dict(fastavro.schemaless_reader(io.BytesIO(value[5:]), self.schema, None))  # type: ignore[arg-type]


def record(*fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "T", "fields": [{"name": name, "type": type_} for name, type_ in fields]}


def payloads(serializer: Serializer, key: str | None, partitions: int = 3, size: int | None = None) -> RecordPayloads:
    shape = shape_of(serializer.schema, key, filled=size is not None)
    keys = spread(partitions, _key_maker(serializer, shape))  # type: ignore[arg-type]
    return RecordPayloads(serializer, shape, keys, "0123456789ab", size)  # type: ignore[arg-type]


def test_an_order_event_carries_its_key_its_time_and_which_event_it_is() -> None:
    serializer = Serializer(ORDERS)
    source = payloads(serializer, "order_id")
    events = [(key, serializer.read(value)) for key, value in (source.next() for _ in range(10))]
    assert [event["event_id"] for _, event in events] == [f"0123456789ab-{number:010d}" for number in range(10)]
    assert all(event["order_id"] == key.decode() for key, event in events)
    assert source.shape.columns == {"key": "ORDER_ID", "mark": "EVENT_ID", "time": "EVENT_TIME"}
    times = [event["event_time"] for _, event in events]
    assert times == sorted(times)


@pytest.mark.parametrize("size", [200, 1024, 5000, 100_000])
def test_an_event_has_exactly_the_size_that_was_asked_for(size: int) -> None:
    source = payloads(Serializer(ORDERS), "order_id", size=size)
    assert {len(source.next()[1]) for _ in range(200)} == {size}


def test_a_size_below_the_schemas_least_says_what_the_least_is() -> None:
    with pytest.raises(ConfigError) as caught:
        payloads(Serializer(ORDERS), "order_id", size=20)
    assert "events of 20 bytes cannot be made: this schema's have " in caught.value.what
    assert "--size" in str(caught.value.do)


def test_a_schema_without_text_cannot_be_filled_and_says_so() -> None:
    with pytest.raises(ConfigError) as caught:
        payloads(Serializer(record(("id", "long"), ("x", "double"))), "id", size=1024)
    assert caught.value.what == (
        "events of 1,024 bytes cannot be made: the schema has no text or bytes field that could be filled"
    )
    assert caught.value.do == "leave --size out, or add a string field to the schema"


def test_values_of_every_type_are_made_up_where_order_events_do_not_fit() -> None:
    inner = {"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "int"}]}
    schema = record(
        ("id", "long"), ("flag", "boolean"), ("ratio", "float"), ("raw", "bytes"), ("maybe", ["null", "string"]),
        ("kind", {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}), ("list", {"type": "array", "items": "int"}),
        ("map", {"type": "map", "values": "string"}), ("fixed", {"type": "fixed", "name": "F", "size": 4}),
        ("amount", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
        ("day", {"type": "int", "logicalType": "date"}), ("at", {"type": "long", "logicalType": "timestamp-millis"}),
        ("uuid", {"type": "string", "logicalType": "uuid"}), ("inner", inner), ("again", "Inner"), ("none", "null"),
        ("clock", {"type": "long", "logicalType": "time-micros"}),
        ("local", {"type": "long", "logicalType": "local-timestamp-micros"}),
    )  # fmt: skip
    serializer = Serializer(schema)
    source = payloads(serializer, "id")
    key, value = source.next()
    event = serializer.read(value)
    assert event["id"] == int(key)
    assert event["maybe"] == "0123456789ab-0000000000"
    assert source.shape.time == "at"


def test_a_key_that_is_no_text_number_or_uuid_is_refused() -> None:
    with pytest.raises(ConfigError, match="the key id is a double"):
        payloads(Serializer(record(("id", "double"), ("x", "string"))), "id")


def test_a_uuid_key_is_a_uuid() -> None:
    serializer = Serializer(record(("id", {"type": "string", "logicalType": "uuid"}), ("x", "string")))
    key, value = payloads(serializer, "id").next()
    assert str(serializer.read(value)["id"]) == key.decode()
    assert len(key) == 36


@pytest.mark.parametrize("partitioner", ["consistent_random", "murmur2_random"])
@pytest.mark.parametrize("partitions", [1, 6, 24])
def test_keys_take_turns_over_all_partitions(partitions: int, partitioner: str) -> None:
    keys = spread(partitions, lambda number: f"smoke-{number:06d}".encode(), partitioner)
    assert len(set(keys)) == len(keys) == partitions * PER_PARTITION
    reached = [partition_for(key, partitions, partitioner) for key in keys]
    assert reached[:partitions] == list(range(partitions))
    assert set(Counter(reached).values()) == {PER_PARTITION}


def test_murmur2_is_kafkas() -> None:
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2 of Kafka has these.
    from modules.smoke.keys import _murmur2

    cases = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    assert {key: _murmur2(key) - (1 << 32 if _murmur2(key) >> 31 else 0) for key in cases} == cases
