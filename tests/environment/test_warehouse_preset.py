"""A preset is extended and overridden key by key; what a grant is on is read from words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modules.environment import Environment, load_environment
from modules.environment.identifiers import Target, parse_target
from modules.environment.promote import differences, promote
from modules.environment.warehouse_presets import completed
from tests.environment.conftest import Write

HEAD = ("extends: base", "platform: confluent")


@pytest.fixture
def load(write: Write) -> Callable[..., Environment]:
    return lambda *lines: load_environment(write(dev="\n".join([*HEAD, *lines]) + "\n"), "dev")


def test_an_environment_extends_and_overrides_its_preset(load: Callable[..., Environment]) -> None:
    whole = completed(
        load(
            "warehouse:",
            "  size: SMALL",
            "  roles: {ANALYST: {inherits: [ANALYTICS.MARTS_READ, STREAMING.PUBLIC_READ]}, STEWARD: {}}",
            "  warehouses: {REPORTING_WH: {size: LARGE}}",
            "  databases: {ANALYTICS: {schemas: {STAGING: {transient: true}}}}",
        )
    )
    assert list(whole.roles) == ["KAFKA_CONNECTOR", "LOADER", "TRANSFORMER", "ANALYST", "STEWARD"]
    assert whole.roles["ANALYST"].inherits == ["ANALYTICS.MARTS_READ", "STREAMING.PUBLIC_READ"]
    assert whole.roles["ANALYST"].warehouses == ["REPORTING_WH"]
    assert (whole.warehouses["REPORTING_WH"].size, whole.warehouses["TRANSFORM_WH"].size) == ("LARGE", None)
    assert whole.warehouses["REPORTING_WH"].resource_monitor == "STREAMING_MONITOR"
    assert list(whole.databases["ANALYTICS"].schemas) == ["MARTS", "STAGING"]


def test_what_of_the_preset_is_not_wanted_takes_along_what_refers_to_it(load: Callable[..., Environment]) -> None:
    whole = completed(
        load("warehouse: {without: [databases.ANALYTICS, roles.ANALYST, resource_monitors.STREAMING_MONITOR]}")
    )
    assert list(whole.databases) == ["STREAMING"] and not whole.views
    assert list(whole.roles) == ["KAFKA_CONNECTOR", "LOADER", "TRANSFORMER"]
    assert whole.roles["TRANSFORMER"].inherits == ["STREAMING.PUBLIC_READ"]
    assert all(each.resource_monitor is None for each in whole.warehouses.values())


def test_without_a_preset_there_is_what_the_sinks_need(load: Callable[..., Environment]) -> None:
    whole = completed(load("warehouse: {preset: none}"))
    assert (list(whole.databases), list(whole.tables)) == (
        ["STREAMING"],
        ["STREAMING.PUBLIC.ORDER_EVENTS", "STREAMING.PUBLIC._INFRA_SMOKE"],
    )
    assert (list(whole.roles), list(whole.users)) == (["KAFKA_CONNECTOR"], ["SVC_KAFKA_CONNECTOR"])
    assert not whole.databases["STREAMING"].schemas["PUBLIC"].access_roles


def test_a_network_policy_is_there_only_if_addresses_are_given(load: Callable[..., Environment]) -> None:
    assert not completed(load()).network_policies
    whole = completed(load("warehouse: {allowed_cidrs: [192.0.2.0/24]}"))
    assert whole.network_policies["KAFKA_CONNECTOR_POLICY"].allowed_cidrs == ["192.0.2.0/24"]
    assert whole.users["SVC_KAFKA_CONNECTOR"].network_policy == "KAFKA_CONNECTOR_POLICY"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("table D.S.T", Target("one", "TABLE", ("D", "S", "T"))),
        ("Dynamic Table D.S.T", Target("one", "DYNAMIC TABLE", ("D", "S", "T"))),
        ("external volume V", Target("one", "EXTERNAL VOLUME", ("V",))),
        ("future dynamic tables in D.S", Target("future", "DYNAMIC TABLE", ("D", "S"))),
        ("all views in D", Target("all", "VIEW", ("D",))),
        ("future schemas in D", Target("future", "SCHEMA", ("D",))),
        ("account", Target("account", "ACCOUNT", ())),
    ],
)
def test_what_a_grant_is_on_is_read_from_words(text: str, expected: Target) -> None:
    assert parse_target(text) == expected
    assert parse_target(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "table", "table D.S", "schema D", "future schemas in D.S", "all warehouses in D"])
def test_anything_else_is_no_target(text: str) -> None:
    with pytest.raises(ValueError, match="expected a kind and a name"):
        parse_target(text)


def test_a_promotion_takes_objects_and_rights_along_and_leaves_addresses_and_keys(write: Write) -> None:
    extra = "roles: {STEWARD: {}}, tables: {ANALYTICS.MARTS.T: {columns: {A: {type: DATE}}}}"
    project = write(
        dev="\n".join([*HEAD, f"warehouse: {{{extra}, allowed_cidrs: [192.0.2.0/24]}}"]) + "\n",
        staging="\n".join(HEAD) + "\n",
    )
    moving = {each.name: each.moves for each in differences(project, "dev", "staging")}
    assert moving == {"warehouse.roles": True, "warehouse.tables": True, "warehouse.allowed_cidrs": False}
    promote(project, differences(project, "dev", "staging"), "staging")
    whole = completed(load_environment(project, "staging"))
    assert "STEWARD" in whole.roles and "ANALYTICS.MARTS.T" in whole.tables and not whole.network_policies


def test_sinks_of_one_name_in_two_schemas_have_a_view_each(load: Callable[..., Environment]) -> None:
    topic = "{key: order_id, value: {schema: schemas/order_events.avsc}, sink: {table: STREAMING.RAW.ORDER_EVENTS}}"
    assert list(completed(load(f"topics: {{other: {topic}}}")).views) == [
        "ANALYTICS.MARTS.PUBLIC_ORDER_EVENTS_CURRENT",
        "ANALYTICS.MARTS.RAW_ORDER_EVENTS_CURRENT",
    ]


def test_a_sink_may_be_in_the_presets_own_database(load: Callable[..., Environment]) -> None:
    whole = completed(load("topics: {order-events: {sink: {table: ANALYTICS.RAW.ORDER_EVENTS}}}"))
    assert {name: each.access_roles for name, each in whole.databases["ANALYTICS"].schemas.items()} == {
        "RAW": True,
        "MARTS": True,
    }
    assert whole.roles["LOADER"].inherits == ["ANALYTICS.RAW_WRITE"]


def test_without_topics_there_is_a_place_for_marts_and_nothing_to_load(load: Callable[..., Environment]) -> None:
    whole = completed(load("topics: {order-events: null}"))
    assert (list(whole.databases), list(whole.tables), list(whole.views)) == (["ANALYTICS"], [], [])
    assert whole.roles["LOADER"].inherits == []
