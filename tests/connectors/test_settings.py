"""What connectors are set to, in each form of them; every setting is one the connector has."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from modules.connectors.settings import (
    ConnectorConfig,
    Database,
    KafkaAccount,
    RegistryLogin,
    debezium_connector,
    one_line,
    sink_connector,
)
from modules.environment import Environment, load_environment
from modules.environment.connector_settings import CONNECTORS
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError
from modules.platforms.base import RegistryClient, SnowflakeClient
from tests.environment.conftest import Write, write

__all__ = ["write"]

KEY = "MIIEvQIBADANBg"
CLIENT = SnowflakeClient(
    "ACME", "STREAMING", "SVC_KAFKA_CONNECTOR", "KAFKA_CONNECTOR", SecretRefValue("env", "KEY"),
    "acme-streaming.snowflakecomputing.com"
)  # fmt: skip
REGISTRY = RegistryClient("http://127.0.0.1:8081/apis/ccompat/v7")
GLUE = RegistryClient("glue", kind="glue", region="eu-west-1", registry_name="streaming-dev")
CLOUD = "kind: kafka-connect, rest_url: 'http://connect:8083'"
TOPICS = "topics: {shop.public.orders: {sink: {table: A.B.ORDERS}, value: {schema: schemas/order_events.avsc}}}"
SHOP = "kind: debezium-postgres, host: db.example.com, password: 'env:SHOP', tables: {public.orders: {key: [id, line]}}"

Load = Callable[..., Environment]


@pytest.fixture
def load(write: Write) -> Load:
    return lambda *lines: load_environment(write(dev="\n".join(("extends: base", *lines)) + "\n"), "dev")


def sink(environment: Environment, topic: str = "order-events", registry: RegistryClient = REGISTRY) -> ConnectorConfig:
    return sink_connector(environment, topic, CLIENT, registry, private_key=KEY)


def unknown(found: ConnectorConfig) -> list[str]:
    """Settings that the connector does not have."""
    connector = CONNECTORS[found.config["connector.class"]]
    names = {**found.config, **found.sensitive}
    return [each for each in names if each not in connector.settings and not each.startswith(connector.prefixes)]


@pytest.mark.parametrize(
    "lines",
    [
        ("platform: confluent", "connect: {kind: managed}"),
        ("platform: local", "connect: {kind: kafka-connect}"),
        ("platform: redpanda", f"connect: {{{CLOUD}, version: v2}}"),
        ("platform: redpanda", f"connect: {{{CLOUD}, version: v3}}"),
        ("platform: redpanda", f"connect: {{{CLOUD}, version: v4}}"),
        ("platform: msk", "connect: {kind: managed, plugin: {bucket: acme, key: a.zip}}"),
    ],
)
def test_a_sink_is_set_to_what_its_class_has_and_secrets_are_apart(load: Load, lines: tuple[str, ...]) -> None:
    found = sink(load(*lines))
    assert unknown(found) == []
    assert found.name == found.config["name"] == "streaming-dev-sink-order-events"
    assert found.sensitive == {"snowflake.private.key": KEY}
    assert KEY not in repr(found)
    assert found.config["snowflake.role.name"] == "KAFKA_CONNECTOR"
    assert found.config["topics"] == "order-events,_infra_smoke"
    assert found.config["snowflake.topic2table.map"] == "order-events:ORDER_EVENTS,_infra_smoke:_INFRA_SMOKE"
    assert (found.config["snowflake.database.name"], found.config["snowflake.schema.name"]) == ("STREAMING", "PUBLIC")
    assert found.config["errors.deadletterqueue.topic.name"] == "order-events.dlq"


def test_a_laptop_has_the_settings_of_a_cloud_but_for_addresses(load: Load) -> None:
    here = sink(load("platform: local", "connect: {kind: kafka-connect, tasks: 2}")).config
    there = sink(load("platform: redpanda", f"connect: {{{CLOUD}, tasks: 2}}")).config
    assert here | {"errors.deadletterqueue.topic.replication.factor": "3"} == there


def test_confluents_is_told_whom_it_works_as_and_no_converter(load: Load) -> None:
    environment = load("platform: confluent", "connect: {kind: managed, tasks: 3, settings: {max.poll.records: 400}}")
    found = sink_connector(environment, "order-events", CLIENT, REGISTRY, private_key=KEY, account=KafkaAccount("sa-1"))
    assert found.config["kafka.auth.mode"] == "SERVICE_ACCOUNT"
    assert found.config["kafka.service.account.id"] == "sa-1"
    assert found.config["input.data.format"] == "AVRO"
    assert (found.config["tasks.max"], found.config["max.poll.records"]) == ("3", "400")
    assert not [name for name in found.config if "converter" in name]


def test_the_registrys_login_is_a_secret(load: Load) -> None:
    environment = load("platform: redpanda", f"connect: {{{CLOUD}}}")
    login = RegistryLogin("user:word")
    found = sink_connector(environment, "order-events", CLIENT, REGISTRY, private_key=KEY, registry_login=login)
    assert found.config["value.converter.basic.auth.credentials.source"] == "USER_INFO"
    assert found.sensitive["value.converter.basic.auth.user.info"] == "user:word"
    assert "user:word" not in repr(found)


def test_glues_messages_are_read_with_its_own_converter(load: Load) -> None:
    found = sink(load("platform: msk", "connect: {kind: managed, plugin: {bucket: acme, key: a.zip}}"), registry=GLUE)
    assert found.config["value.converter"].endswith("AWSKafkaAvroConverter")
    assert found.config["value.converter.registry.name"] == "streaming-dev"
    assert unknown(found) == []


def test_without_a_dead_letter_topic_the_connector_stops(load: Load) -> None:
    found = sink(load("platform: redpanda", f"connect: {{{CLOUD}}}", "topics: {order-events: {dead_letter: false}}"))
    assert found.config["errors.tolerance"] == "none"
    assert not [name for name in found.config if "deadletter" in name]


def test_a_setting_of_another_version_is_passed_over_on_a_laptop(load: Load) -> None:
    settings = "settings: {snowflake.cache.pipe.exists: true, jmx: false}"
    here = sink(load("platform: local", f"connect: {{kind: kafka-connect, version: v4, {settings}}}"))
    there = sink(load("platform: redpanda", f"connect: {{{CLOUD}, version: v4, {settings}}}"))
    assert "snowflake.cache.pipe.exists" not in here.config
    assert there.config["snowflake.cache.pipe.exists"] == "true"
    assert here.config["jmx"] == there.config["jmx"] == "false"
    assert unknown(here) == unknown(there) == []


def test_the_projects_own_sink_is_no_connector(load: Load) -> None:
    with pytest.raises(ConfigError, match="carried by the project's own sink"):
        sink(load("platform: local"))


def test_a_name_has_only_what_snowflake_takes_in_one(load: Load) -> None:
    environment = load("platform: local", "connect: {kind: kafka-connect}", TOPICS)
    assert sink(environment, "shop.public.orders").name == "streaming-dev-sink-shop-public-orders"


def test_a_private_key_is_one_line_without_its_first_and_last() -> None:
    key = rsa.generate_private_key(65537, 2048)
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    import base64

    assert one_line(pem.decode()) == base64.b64encode(der).decode()
    assert one_line(one_line(pem.decode())) == one_line(pem.decode())


@pytest.mark.parametrize(
    "lines",
    [
        ("platform: confluent", "connect: {kind: managed}"),
        ("platform: local", "connect: {kind: kafka-connect}"),
        ("platform: redpanda", f"connect: {{{CLOUD}}}"),
    ],
)
def test_debezium_is_set_to_what_its_class_has(load: Load, lines: tuple[str, ...]) -> None:
    environment = load(*lines, TOPICS, f"sources: {{shop: {{{SHOP}}}}}")
    found = debezium_connector(environment, "shop", REGISTRY, password="secret-word", account=KafkaAccount("sa-2"))
    assert unknown(found) == []
    assert found.sensitive == {"database.password": "secret-word"}
    assert "secret-word" not in repr(found)
    config = found.config
    assert config["table.include.list"] == "public.orders"
    assert config["topic.prefix"] == "shop"
    assert (config["slot.name"], config["publication.name"]) == ("streaming_dev_shop", "shop_changes")
    assert config["publication.autocreate.mode"] == "filtered"
    assert config["message.key.columns"] == "public.orders:id,line"
    assert config["transforms"] == "row"
    assert config["transforms.row.delete.tombstone.handling.mode"] == "rewrite"
    assert config["heartbeat.interval.ms"] == "10000"


def test_the_same_source_says_the_same_on_every_platform(load: Load) -> None:
    """But for how it is logged in to the platform, and how its values are written."""
    managed = debezium_connector(
        load("platform: confluent", TOPICS, f"sources: {{shop: {{{SHOP}}}}}"), "shop", REGISTRY, password="x"
    )
    own = debezium_connector(
        load("platform: redpanda", f"connect: {{{CLOUD}}}", TOPICS, f"sources: {{shop: {{{SHOP}}}}}"), "shop",
        REGISTRY, password="x"
    )  # fmt: skip
    assert managed.config["connector.class"] == "PostgresCdcSourceV2"
    same = set(managed.config) & set(own.config) - {"connector.class"}
    assert {name: managed.config[name] for name in same} == {name: own.config[name] for name in same}
    differing = set(own.config) - set(managed.config)
    assert all("converter" in name or "adjustment" in name for name in differing), differing


def test_a_laptops_own_postgresql_is_told_by_who_runs_it(load: Load) -> None:
    shop = "kind: debezium-postgres, tables: {public.orders: {key: [id]}}"
    environment = load("platform: local", "connect: {kind: kafka-connect}", TOPICS, f"sources: {{shop: {{{shop}}}}}")
    with pytest.raises(ConfigError, match="names no server"):
        debezium_connector(environment, "shop", REGISTRY, password="x")
    where = Database("127.0.0.1", 15432, "shop", "capture")
    config = debezium_connector(environment, "shop", REGISTRY, password="x", database=where).config
    assert (config["database.hostname"], config["database.port"]) == ("127.0.0.1", "15432")
    assert (config["database.user"], config["database.dbname"]) == ("capture", "shop")
    assert config["database.sslmode"] == "prefer"


def test_an_envelope_is_kept_where_it_is_wanted(load: Load) -> None:
    environment = load("platform: confluent", TOPICS, f"sources: {{shop: {{{SHOP}, unwrap: false}}}}")
    config = debezium_connector(environment, "shop", REGISTRY, password="x").config
    assert not [name for name in config if name.startswith("transforms")]


def test_a_configuration_cannot_be_changed_by_accident(load: Load) -> None:
    found = sink(load("platform: confluent", "connect: {kind: managed}"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.name = "other"  # type: ignore[misc]
