"""Who may do what in Snowflake: the matrix of connectors, the preset's roles, and nothing beyond their tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.errors import ConfigError
from modules.warehouse.build import connector_of, estate_of
from modules.warehouse.estate import CONNECTOR_ROLE, Estate, RoleRef
from modules.warehouse.matrix import MATRIX, rights_of
from tests.warehouse.rights import CONNECTORS, ENVIRONMENTS, FOLDER, Right, environment_of, table
from tests.warehouse.rights import rights_of as rights_in

TABLE = ("STREAMING", "PUBLIC", "ORDER_EVENTS")


def estate(connector: str) -> Estate:
    return estate_of(environment_of(CONNECTORS[connector]), ENVIRONMENTS)


@pytest.mark.parametrize("connector", CONNECTORS)
def test_each_role_has_the_rights_in_its_table_and_no_others(connector: str) -> None:
    kept = (FOLDER / f"snowflake-{connector}.md").read_text(encoding="utf-8")
    assert table(connector) == kept, "python -m tests.warehouse.rights, if it is meant"


def test_there_is_a_table_for_every_connector_and_no_other() -> None:
    assert {file.stem.removeprefix("snowflake-") for file in FOLDER.glob("snowflake-*.md")} == set(CONNECTORS)


@pytest.mark.parametrize(
    ("connector", "version", "evolution", "table_rights", "owns"),
    [
        ("sink", None, False, ("INSERT", "SELECT"), False),
        ("sink", None, True, ("INSERT", "SELECT", "EVOLVE SCHEMA"), False),
        ("managed", "v3", False, (), True),
        ("kafka-connect", "v2", False, (), True),
        ("kafka-connect", "2.5.0", True, ("EVOLVE SCHEMA",), True),
        ("kafka-connect", "v3", False, (), True),
        ("kafka-connect", "v4", False, ("INSERT",), False),
        ("kafka-connect", "4.0.1", True, ("INSERT", "EVOLVE SCHEMA"), False),
        ("kafka-connect", None, False, ("INSERT",), False),
    ],
)
def test_a_connector_needs_what_the_matrix_says(
    connector: str, version: str | None, evolution: bool, table_rights: tuple[str, ...], owns: bool
) -> None:
    rights = rights_of(connector, version, evolution)
    assert (rights.table, rights.owns_table, rights.evolves) == (table_rights, owns, evolution)
    assert rights.why and rights.source


def test_an_unknown_connector_is_told_which_are_known() -> None:
    with pytest.raises(ConfigError, match="needs") as caught:
        rights_of("kafka-connect", "v5")
    assert str(caught.value).startswith(
        "nothing is known of the rights a connector `kafka-connect` of version v5 needs"
    )
    assert "kafka-connect 4" in str(caught.value.do)


def test_each_line_is_there_with_and_without_schema_evolution() -> None:
    lines = [(each.connector, each.versions, each.evolves) for each in MATRIX]
    assert len(set(lines)) == len(lines)
    assert {line[:2] for line in lines if line[2]} == {line[:2] for line in lines if not line[2]}


@pytest.mark.parametrize("connector", CONNECTORS)
def test_the_connectors_role_holds_its_rights_itself(connector: str) -> None:
    """v4 counts no inherited privilege; no connector needs one, so none has one."""
    made = estate(connector)
    assert [each.key for each in made.role_grants if each.to_role == RoleRef(CONNECTOR_ROLE)] == []
    kind, version = connector_of(environment_of(CONNECTORS[connector]))
    rights = rights_of(kind, version, connector.endswith("evolving"))
    held = {
        each.privileges for each in made.grants if each.role == RoleRef(CONNECTOR_ROLE) and each.object_name == TABLE
    }
    assert held == ({rights.table} if rights.table and not rights.owns_table else set())
    owners = [each for each in made.ownership if each.role == RoleRef(CONNECTOR_ROLE)]
    assert [each.object_name for each in owners] == ([TABLE] if rights.owns_table else [])


@pytest.mark.parametrize("connector", CONNECTORS)
def test_readers_write_nothing_and_nobody_but_the_connector_and_loaders_writes_events(connector: str) -> None:
    rights = rights_in(estate(connector), f"{connector}-writers")
    assert {each.may for each in rights if each.principal == "ANALYST"} == {"USAGE", "SELECT"}
    writes = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "OWNERSHIP")
    writers = {each.principal for each in rights if each.may in writes and "STREAMING" in each.on}
    assert writers == {"KAFKA_CONNECTOR", "LOADER"}
    assert not [each for each in rights if each.on == "account" or each.may == "MANAGE GRANTS"]
    assert Right("ANALYST", "SELECT", "table STREAMING.PUBLIC.ORDER_EVENTS", "STREAMING.PUBLIC_READ") not in rights


def test_msk_connect_runs_the_connector_it_is_given() -> None:
    environment = environment_of(
        {"platform": "msk", "connect": {"kind": "managed", "plugin": {"file": "x.zip"}, "version": "v4"}}
    )
    assert connector_of(environment) == ("kafka-connect", "v4")


def test_without_fields_as_columns_the_table_has_the_whole_event_in_one(tmp_path: Path) -> None:
    connect = {"kind": "kafka-connect", "version": "v2", "schematization": False}
    made = estate_of(environment_of({"connect": connect}), ENVIRONMENTS)
    assert [(each.name, each.type) for each in made.tables[0].columns] == [
        ("RECORD_METADATA", "VARIANT"),
        ("RECORD_CONTENT", "VARIANT"),
    ]
    assert not made.views, "there is no column that would be its key"


def test_a_sources_role_reads_its_table_and_nothing_else() -> None:
    source = {
        "kind": "snowflake",
        "table": "CRM.PUBLIC.CUSTOMERS",
        "mode": "id",
        "column": "ID",
        "key": "ID",
        "topic": "c",
    }
    made = estate_of(environment_of({"sources": {"customers": source}, "warehouse": {"preset": "none"}}), ENVIRONMENTS)
    assert {(each.on, each.privileges) for each in made.grants if each.role == RoleRef("KAFKA_SOURCE")} == {
        ('WAREHOUSE "STREAMING_WH"', ("USAGE",)),
        ('DATABASE "CRM"', ("USAGE",)),
        ('SCHEMA "CRM"."PUBLIC"', ("USAGE",)),
        ('TABLE "CRM"."PUBLIC"."CUSTOMERS"', ("SELECT",)),
    }
    assert [each.key for each in made.role_grants if each.to_user == "SVC_KAFKA_SOURCE"] == [
        "KAFKA_SOURCE to SVC_KAFKA_SOURCE"
    ]
