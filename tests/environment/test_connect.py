"""What of `connect` and of captured sources would be refused by a service, told with its line beforehand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modules.environment import Environment, load_environment
from modules.environment.capture import captured_topics, debezium_sources, publication_of, runner_of, slot_of
from modules.environment.connect import kind_of, runs_in_vpc, sink_class, tolerance_of, version_of
from modules.environment.connector_settings import CONNECTORS
from modules.errors import ConfigError
from tests.environment.conftest import Write

Refusal = Callable[..., ConfigError]

IMAGE = "image: '111122223333.dkr.ecr.us-east-1.amazonaws.com/connect:1'"
PLUGIN = "plugin: {bucket: acme, key: snowflake.zip}"
SHOP = "kind: debezium-postgres, host: db.example.com, password: 'env:SHOP'"
TABLES = "tables: {public.orders: {key: [id]}}"
TOPICS = "topics: {shop.public.orders: {sink: {table: A.B.ORDERS}, value: {schema: schemas/order_events.avsc}}}"


@pytest.fixture
def load(write: Write) -> Callable[..., Environment]:
    return lambda *lines: load_environment(write(dev="\n".join(("extends: base", *lines)) + "\n"), "dev")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["platform: msk", f"connect: {{kind: managed, {PLUGIN}, settings: {{buffer.flush.tme: 10}}}}"],
            "3: connect.settings.buffer.flush.tme: com.snowflake.kafka.connector.SnowflakeSinkConnector has no setting "
            "`buffer.flush.tme`; did you mean `buffer.flush.time`?",
        ),
        (
            ["platform: confluent", "connect: {kind: managed, settings: {max.poll.records: many}}"],
            "3: connect.settings.max.poll.records: `max.poll.records` takes a whole number, got 'many'",
        ),
        (
            ["platform: confluent", "connect: {kind: managed, settings: {max.poll.records: 501}}"],
            "`max.poll.records` is at most 500, got 501",
        ),
        (
            ["platform: confluent", "connect: {kind: managed, settings: {input.data.format: avro}}"],
            "takes one of AVRO, JSON_SR, PROTOBUF, JSON, BYTES, got 'avro'; did you mean `AVRO`?",
        ),
        (
            ["platform: confluent", "connect: {kind: managed, settings: {snowflake.private.key: MIIEvQ}}"],
            "`snowflake.private.key` is a secret; a YAML holds references only, and there is none for it",
        ),
        (
            ["platform: confluent", "connect: {kind: managed, settings: {tasks.max: 3}}"],
            "`tasks.max` follows from `connect.tasks`; write it there, or take the line out",
        ),
        (
            ["platform: msk", f"connect: {{kind: managed, version: v4, {PLUGIN}, settings: {{buffer.flush.time: 9}}}}"],
            "com.snowflake.kafka.connector.SnowflakeStreamingSinkConnector has no setting `buffer.flush.time`",
        ),
        (["platform: local", "connect: {settings: {a: b}}"], "the project's own sink has no connector's settings"),
        (["platform: local", "connect: {version: v3}"], "the project's own sink is none of Snowflake's connectors"),
        (["platform: confluent", "connect: {kind: managed, version: v4}"], "Confluent's managed connector is v3"),
        (["platform: confluent", "connect: {kind: kafka-connect}"], "connect.kind: Confluent Cloud runs no Kafka"),
        (["platform: redpanda", "connect: {kind: kafka-connect}"], "Kafka Connect runs on ECS from an `image`"),
        (
            ["platform: msk", f"connect: {{kind: kafka-connect, rest_url: 'http://c:8083', {IMAGE}}}"],
            "connect.image: one that is there already (`rest_url`) needs no image",
        ),
        (["platform: msk", "connect: {rest_url: 'http://c:8083'}"], "address is for kind kafka-connect"),
        (
            ["platform: local", "connect: {rest_url: 'http://me:MIIEvQ@c:8083'}"],
            "connect.rest_url: expected a URL without a login, such as https://connect.example.com",
        ),
        (["platform: local", "sources: {shop: x}"], "sources.shop: expected settings (`key: value` lines below it)"),
        (
            ["platform: local", "sources: {s: {kind: snowflake, table: A.B.C, mode: id, column: id, key: id, "
             "topic: order-events, host: h}}"],
            "unknown key `host` here; it belongs under `sources.<name> (kind debezium-postgres):`",
        ),
        (["platform: msk", "connect: {kind: self-managed}"], "one of sink, managed, kafka-connect, got 'self-managed'"),
        (["platform: msk", "connect: {where: ecs}"], "connect.where: a task needs an `image`"),
        (["platform: msk", f"connect: {{kind: managed, where: ecs, {PLUGIN}}}"], "`where` is for kind sink"),
        (["platform: msk", f"connect: {{{IMAGE}}}"], "nothing of this runs on ECS"),
        (["platform: msk", "connect: {capacity: {mcu: 3}, kind: managed}"], "connect.capacity.mcu"),
        (
            ["platform: msk", f"connect: {{kind: managed, {PLUGIN}, capacity: {{autoscale: {{least: 3}}}}}}"],
            "connect.capacity.autoscale.least: least 3 is more than most 2",
        ),
        (
            ["platform: msk", "connect: {kind: managed, plugin: {file: a.zip, bucket: acme}}"],
            "connect.plugin: `file` is uploaded into a bucket that is made; keep it, or `bucket` and `key`",
        ),
        (["platform: msk", "connect: {kind: managed, plugin: {file: a.tar}}"], "MSK Connect takes one .zip or .jar"),
        (
            ["platform: msk", f"connect: {{kind: managed, {PLUGIN}, worker: {{group.id: mine}}}}"],
            "connect.worker.group.id: which cluster a worker belongs to is not chosen here",
        ),
        (
            ["platform: confluent", "connect: {kind: managed, errors: {tolerance: all}}",
             "topics: {order-events: {dead_letter: false}}"],
            "connect.errors.tolerance: events of `order-events` that cannot be written would be lost",
        ),
        (["platform: local", "connect: {errors: {tolerance: none}}"], "puts what it cannot write into the dead-letter"),
        (["platform: local", "connect: {schematization: false}"], "the project's own sink writes a column a field"),
    ],
)  # fmt: skip
def test_what_a_connector_cannot_be_is_refused(refusal: Refusal, lines: list[str], expected: str) -> None:
    error = refusal("extends: base", *lines)
    assert len(error.details) == 1, error.details
    assert expected in error.details[0]
    assert "MIIEvQ" not in str(error)


@pytest.mark.parametrize(
    ("shop", "expected"),
    [
        (f"{SHOP}", "sources.shop: it captures no table; write `tables: {public.orders: {key: [id]}}`"),
        (f"{SHOP}, tables: {{orders: {{key: [id]}}}}", "expected schema.table, such as public.orders, got 'orders'"),
        (f"{SHOP}, tables: {{public.orders: {{}}}}", "which columns are its primary key? write `key: [id]`"),
        (f"{SHOP}, tables: {{public.people: {{key: [id]}}}}", "the topic `shop.public.people`, which is not declared"),
        (f"kind: debezium-postgres, {TABLES}", "missing `host`: only a laptop brings a PostgreSQL of its own"),
        (f"{SHOP}, {TABLES}, slot: Shop", "sources.shop.slot"),
        (f"{SHOP}, {TABLES}, snapshot: never", "expected one of initial, always, initial_only, no_data, when_needed"),
        (f"{SHOP}, {TABLES}, hots: db", "unknown key `hots`; did you mean `host`?"),
        (f"{SHOP}, {TABLES}, settings: {{max.batch.sise: 1}}", "did you mean `max.batch.size`?"),
        (f"{SHOP}, {TABLES}, settings: {{slot.name: a}}", "`slot.name` follows from `slot`; write it there"),
        ("host: db", "sources.shop.kind: missing; write one of snowflake, debezium-postgres"),
        ("kind: debezium", "did you mean `debezium-postgres`?"),
    ],
)
def test_what_is_wrong_with_a_captured_source_is_said(refusal: Refusal, shop: str, expected: str) -> None:
    error = refusal(
        "extends: base", "platform: confluent", "connect: {kind: managed}", TOPICS, f"sources: {{shop: {{{shop}}}}}"
    )
    assert any(expected in each and ":5: " in each for each in error.details), error.details


def test_msk_connect_needs_debeziums_program(refusal: Refusal) -> None:
    error = refusal("extends: base", "platform: msk", TOPICS, f"sources: {{shop: {{{SHOP}, {TABLES}}}}}")
    assert "MSK Connect needs Debezium's program" in error.details[0]


def test_two_sources_do_not_share_a_slot(refusal: Refusal) -> None:
    both = f"shop: {{{SHOP}, {TABLES}, slot: one}}, other: {{{SHOP}, prefix: shop, {TABLES}, slot: one}}"
    error = refusal("extends: base", "platform: confluent", TOPICS, f"sources: {{{both}}}")
    assert [each.partition(": ")[2] for each in error.details] == [
        "sources.other.slot: `shop` reads the slot `one` of this server already; a slot has one reader",
        "sources.other.prefix: `shop` has the prefix `shop` already; their topics would be one",
    ]


@pytest.mark.parametrize(
    ("platform", "connect", "kind", "version", "class_name"),
    [
        ("confluent", "kind: managed", "managed", "v3", "SnowflakeSink"),
        ("msk", f"kind: managed, {PLUGIN}", "managed", "v3", "com.snowflake.kafka.connector.SnowflakeSinkConnector"),
        ("msk", "kind: managed", "sink", None, None),
        ("redpanda", "kind: managed", "sink", None, None),
        ("local", "kind: managed", "sink", None, None),
        ("local", "kind: kafka-connect, version: v4", "kafka-connect", "v2",
         "com.snowflake.kafka.connector.SnowflakeSinkConnector"),
        ("redpanda", f"kind: kafka-connect, version: v4, {IMAGE}", "kafka-connect", "v4",
         "com.snowflake.kafka.connector.SnowflakeStreamingSinkConnector"),
    ],
)  # fmt: skip
def test_a_kind_is_what_the_platform_makes_of_it(
    load: Callable[..., Environment],
    platform: str,
    connect: str,
    kind: str,
    version: str | None,
    class_name: str | None,
) -> None:
    environment = load(f"platform: {platform}", f"connect: {{{connect}}}")
    assert (kind_of(environment), version_of(environment), sink_class(environment)) == (kind, version, class_name)


def test_errors_are_tolerated_where_they_are_kept(load: Callable[..., Environment]) -> None:
    environment = load(
        "platform: confluent", "connect: {kind: managed}", "topics: {order-events: {dead_letter: false}}"
    )
    assert tolerance_of(environment, "order-events") == "none"
    assert tolerance_of(load("platform: confluent"), "order-events") == "all"


def test_a_captured_table_has_a_topic_a_slot_and_a_publication(load: Callable[..., Environment]) -> None:
    environment = load(
        "platform: redpanda",
        f"connect: {{kind: kafka-connect, {IMAGE}}}",
        TOPICS,
        f"sources: {{shop: {{{SHOP}, {TABLES}}}}}",
    )
    shop = debezium_sources(environment)["shop"]
    assert captured_topics(environment) == {"shop.public.orders": ("shop", "public.orders")}
    assert (slot_of(environment, "shop"), publication_of("shop", shop)) == ("streaming_dev_shop", "shop_changes")
    assert runner_of(environment, shop) == "kafka-connect"
    assert runs_in_vpc(environment)


def test_settings_keep_the_text_they_were_written_as(load: Callable[..., Environment]) -> None:
    environment = load(
        "platform: confluent",
        "connect: {kind: managed, settings: {snowflake.metadata.all: false, max.poll.records: 0100}}",
    )
    assert environment.connect.settings == {"snowflake.metadata.all": "false", "max.poll.records": "0100"}


def test_every_setting_that_has_a_key_says_which() -> None:
    own = {setting.key for connector in CONNECTORS.values() for setting in connector.settings.values() if setting.key}
    assert len(CONNECTORS) == 5
    assert all(own)
    for connector in CONNECTORS.values():
        for name in ("connector.class", "tasks.max", "name"):
            assert connector.settings[name].key, (connector.class_name, name)
