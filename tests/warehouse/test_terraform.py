"""The estate as Terraform: addresses, order, preview features, and what must not be touched."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.errors import ConfigError
from modules.project import Project
from modules.warehouse.build import estate_of
from modules.warehouse.estate import Estate
from modules.warehouse.terraform import preview_features
from tests.warehouse.rights import ENVIRONMENTS, declared, environment_of

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Every kind of object there is."""
    project = Project(tmp_path_factory.mktemp("project"))
    shutil.copytree(ENVIRONMENTS / "schemas", project.environments / "schemas")
    shutil.copy(HERE / "rich.yaml", project.environments)
    return estate_of(load_environment(project, "rich"), project.environments)


@pytest.fixture(scope="module")
def document(everything: Estate) -> Mapping[str, Any]:
    return declared(everything, "everything")


def made_from(**warehouse: Any) -> Estate:
    return estate_of(environment_of({"warehouse": warehouse}), ENVIRONMENTS)


def test_a_kind_is_one_resource_however_many_there_are() -> None:
    few = declared(made_from(), "few")
    more = {f"DB{number}": {"schemas": {"A": {}, "B": {}}} for number in range(20)}
    many = declared(made_from(databases=more), "many")
    count = {name: len(each) for name, each in few["resource"].items()}
    assert {name: len(each) for name, each in many["resource"].items()} == count
    assert len(many["locals"]["snowflake_database_role_database_role"]) == 6 + 20 * 2 * 3


def test_whatever_a_resource_needs_comes_before_it(document: Mapping[str, Any]) -> None:
    """By the graph of `depends_on`: containers before objects, objects before views of them, roles before grants."""
    needs: dict[str, set[str]] = {}
    for type_, resources in document["resource"].items():
        for name, body in resources.items():
            needs[f"{type_}.{name}"] = set(body.get("depends_on", ()))

    def before(address: str) -> set[str]:
        found: set[str] = set()
        todo = [address]
        while todo:
            for each in needs[todo.pop()] - found:
                found.add(each)
                todo.append(each)
        return found

    views, deeper = before("snowflake_view.view"), before("snowflake_view.view_1")
    tables = {address for address in needs if address.startswith("snowflake_table.")}
    assert tables <= views and "snowflake_view.view" in deeper
    for address in needs:
        if address.startswith("snowflake_grant_privileges"):
            assert {"snowflake_account_role.role", "snowflake_database.database"} <= before(address), address
        if address.startswith(("snowflake_table.", "snowflake_view.", "snowflake_stage", "snowflake_network_rule.")):
            assert "snowflake_schema.schema" in before(address), address
    future = [address for address in needs if ".database_role_future" in address]
    assert future and not any(before(address) & tables for address in future), "what dbt makes meanwhile is readable"


def test_preview_features_are_named_where_they_are_used() -> None:
    assert preview_features(made_from(preset="none")) == ["snowflake_table_resource"]
    dynamic = {"ANALYTICS.MARTS.D": {"query": "SELECT 1 AS A", "target_lag": "5m", "warehouse": "TRANSFORM_WH"}}
    assert preview_features(made_from(dynamic_tables=dynamic)) == [
        "snowflake_dynamic_table_resource",
        "snowflake_table_resource",
    ]


def test_text_of_people_is_text_in_terraform() -> None:
    made = declared(made_from(roles={"R": {"comment": "Reads ${secrets} and %{more}."}}), "text")
    assert made["locals"]["snowflake_account_role_role"]["R"]["comment"] == "Reads $${secrets} and %%{more}."


def test_what_a_connector_adds_by_itself_is_no_drift() -> None:
    made = declared(made_from(tables={"STREAMING.PUBLIC.ORDER_EVENTS": {"schema_evolution": True}}), "evolving")
    table = made["resource"]["snowflake_table"]["streaming_public_order_events"]
    assert table["lifecycle"] == {"ignore_changes": ["column"]}
    switch = made["resource"]["snowflake_execute"]["schema_evolution"]
    assert switch["execute"] == "ALTER TABLE ${each.value.table} SET ENABLE_SCHEMA_EVOLUTION = TRUE"
    assert (
        "lifecycle"
        not in declared(made_from(), "fixed")["resource"]["snowflake_table"]["streaming_public_order_events"]
    )


def test_owners_come_before_privileges_and_others_keep_theirs() -> None:
    estate = estate_of(environment_of({"connect": {"kind": "kafka-connect", "version": "v2"}}), ENVIRONMENTS)
    made = declared(estate, "owners")["resource"]
    owner = made["snowflake_grant_ownership"]["owner_of_schema_object"]
    assert owner["outbound_privileges"] == "COPY"
    grants = made["snowflake_grant_privileges_to_database_role"]["database_role_on_schema_object"]
    assert "snowflake_grant_ownership.owner_of_schema_object" in grants["depends_on"]


def test_no_secret_and_no_password_is_in_it(document: Mapping[str, Any]) -> None:
    users = document["resource"]["snowflake_service_user"]["service_user"]
    assert not any("password" in key for key in users)
    assert "PRIVATE KEY" not in str(document)


def test_views_that_read_each_other_in_a_circle_are_refused() -> None:
    views = {
        "ANALYTICS.MARTS.A": {"query": "SELECT * FROM ANALYTICS.MARTS.B"},
        "ANALYTICS.MARTS.B": {"query": "SELECT * FROM ANALYTICS.MARTS.A"},
    }
    with pytest.raises(ConfigError) as caught:
        made_from(views=views)
    circle = "ANALYTICS.MARTS.A → ANALYTICS.MARTS.B → ANALYTICS.MARTS.A"
    assert f"queries read each other in a circle: {circle}" in str(caught.value)


def test_a_view_follows_the_columns_of_its_table() -> None:
    (view,) = made_from().views
    assert view.query.startswith("SELECT RECORD_METADATA, EVENT_ID, ORDER_ID, ")
    assert re.search(r"FROM STREAMING\.PUBLIC\.ORDER_EVENTS QUALIFY ROW_NUMBER\(\)", view.query)


def test_a_view_named_like_the_beginning_of_another_is_not_taken_for_it() -> None:
    views = {
        "ANALYTICS.MARTS.DAY": {"query": "SELECT 1 AS A"},
        "ANALYTICS.MARTS.DAYS": {"query": "SELECT 1 AS A"},
        "ANALYTICS.MARTS.LAST": {"query": "SELECT A FROM ANALYTICS.MARTS.DAYS"},
    }
    levels = {view.name: view.level for view in made_from(views=views).views}
    assert (levels["DAY"], levels["DAYS"], levels["LAST"]) == (0, 0, 1)
