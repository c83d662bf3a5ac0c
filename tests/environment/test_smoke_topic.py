"""The topic that `infra smoke` measures on: when there is one, what it is like, what carries it, who sees it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modules.environment import Environment, load_environment
from modules.environment.smoke import SMOKE_TOPIC, own_topics, sinks_by_carrier
from modules.environment.warehouse_presets import completed
from modules.errors import ConfigError
from modules.producer.produce import topic_to_produce
from modules.topics import access_acls, connector_group, schema_specs, sink_group
from tests.environment.conftest import Write, write

__all__ = ["write"]

Load = Callable[..., Environment]
REST = "connect: {kind: kafka-connect, rest_url: 'http://connect:8083'}"
SECOND = "topics: {payments: {partitions: 12, key: order_id, value: {schema: schemas/order_events.avsc}, %s}}"
SUNK = SECOND % "sink: {table: A.B.PAYMENTS}"


@pytest.fixture
def load(write: Write) -> Load:
    return lambda *lines: load_environment(write(dev="\n".join(("extends: base", *lines)) + "\n"), "dev")


def test_it_is_a_small_copy_with_a_table_beside_the_other(load: Load) -> None:
    environment = load("platform: local")
    own, real = environment.topics[SMOKE_TOPIC], environment.topics["order-events"]
    assert (own.partitions, str(own.retention), own.key, own.value) == (3, "1h", real.key, real.value)
    assert own.sink is not None
    assert own.sink.table == "STREAMING.PUBLIC._INFRA_SMOKE"
    assert own_topics(environment) == ["order-events"]


def test_it_follows_the_topic_that_is_named_and_has_partitions_as_asked(load: Load) -> None:
    environment = load("platform: local", SUNK, "smoke: {like: payments, partitions: 5}")
    own = environment.topics[SMOKE_TOPIC]
    assert own.sink is not None
    assert (own.partitions, own.sink.table) == (5, "A.B._INFRA_SMOKE")


@pytest.mark.parametrize(
    "lines",
    [
        ("smoke: {own: false}",),
        ("topics: {order-events: {sink: null}}",),
        ("topics: {order-events: null}",),
    ],
)
def test_without_a_sink_to_measure_or_where_it_is_not_wanted_there_is_none(load: Load, lines: tuple[str, ...]) -> None:
    assert SMOKE_TOPIC not in load("platform: local", *lines).topics


def test_one_that_the_yaml_declares_stays_as_it_is(load: Load) -> None:
    environment = load("platform: local", f"topics: {{{SMOKE_TOPIC}: {{partitions: 9}}}}")
    assert environment.topics[SMOKE_TOPIC].partitions == 9
    assert environment.topics[SMOKE_TOPIC].sink is None


@pytest.mark.parametrize(
    ("like", "why"),
    [
        ("nothing", "topic `nothing` is not declared; choose one of: order-events"),
        ("payments", "topic `payments` has no schema or no sink; choose one of: order-events"),
    ],
)
def test_a_topic_that_cannot_be_copied_is_refused_with_its_line(load: Load, like: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("platform: local", SECOND % "retention: 1d", f"smoke: {{like: {like}}}")
    assert list(caught.value.details) == [f"environments/dev.yaml:4: smoke.like: {why}"]


def test_rights_and_subject_follow_as_for_any_topic(load: Load) -> None:
    environment = load("platform: local")
    rules = {(each.role, each.operation) for each in access_acls(environment) if each.resource_name == SMOKE_TOPIC}
    assert rules == {("producer", "Write"), ("consumer", "Read")}
    assert f"{SMOKE_TOPIC}-value" in [each.subject for each in schema_specs(environment)]


def test_it_rides_in_the_connector_of_the_topic_it_is_like(load: Load) -> None:
    environment = load("platform: redpanda", REST, SUNK, "smoke: {like: payments}")
    assert sinks_by_carrier(environment) == {"order-events": ["order-events"], "payments": ["payments", SMOKE_TOPIC]}
    assert connector_group(environment, SMOKE_TOPIC) == connector_group(environment, "payments")
    assert environment.topics[SMOKE_TOPIC].dead_letter_of(SMOKE_TOPIC) is None


def test_the_projects_own_sink_carries_it_like_any_other(load: Load) -> None:
    environment = load("platform: local")
    assert sinks_by_carrier(environment) == {"order-events": ["order-events"], SMOKE_TOPIC: [SMOKE_TOPIC]}
    assert sink_group(SMOKE_TOPIC) == f"sink-{SMOKE_TOPIC}"


def test_nobody_reads_its_table_and_events_are_not_produced_into_it_unasked(load: Load) -> None:
    environment = load("platform: local")
    assert [name for name in completed(environment).views if "SMOKE" in name] == []
    assert completed(environment).tables["STREAMING.PUBLIC._INFRA_SMOKE"].retention is not None
    assert topic_to_produce(environment, None) == "order-events"
    assert topic_to_produce(environment, SMOKE_TOPIC) == SMOKE_TOPIC
