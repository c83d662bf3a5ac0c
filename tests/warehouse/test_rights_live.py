"""The preset on a stand-in, tried statement by statement: the connector may do what the matrix says and is refused
everything else, readers read and do not write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest
import snowflake.connector
import yaml

from modules.environment.types import SecretRefValue
from modules.warehouse.build import connector_of
from modules.warehouse.connection import connect
from modules.warehouse.keys import private_key_of
from modules.warehouse.matrix import Rights, rights_of
from tests.standin.harness import StandIn
from tests.warehouse.parity import HERE, Declared, by_sql, declared

CONNECTORS = {
    "sink": {"kind": "sink"},
    "v2": {"kind": "kafka-connect", "version": "v2", "rest_url": "http://127.0.0.1:8083"},
    "v4": {"kind": "kafka-connect", "version": "v4", "rest_url": "http://127.0.0.1:8083"},
}
TABLE = "STREAMING.PUBLIC.ORDER_EVENTS"

REFUSED = (
    f"UPDATE {TABLE} SET NOTE = 'x'",
    f"DELETE FROM {TABLE}",
    f"TRUNCATE TABLE {TABLE}",
    f"ALTER TABLE {TABLE} ADD COLUMN MORE VARCHAR",
    f"ALTER TABLE {TABLE} SET COMMENT = 'mine'",
    f"GRANT SELECT ON TABLE {TABLE} TO ROLE ANALYST",
    f"DROP TABLE {TABLE}",
)
"""What only the table's owner may do."""

NEVER = (
    "CREATE TABLE STREAMING.PUBLIC.MORE (A NUMBER)",
    "CREATE VIEW STREAMING.PUBLIC.V AS SELECT 1 AS A",
    "CREATE STAGE STREAMING.PUBLIC.S",
    "CREATE SCHEMA STREAMING.MORE",
    "CREATE DATABASE MORE",
    "CREATE ROLE MORE",
    "CREATE USER MORE",
    "CREATE WAREHOUSE MORE_WH",
    "ALTER USER SVC_KAFKA_CONNECTOR SET DEFAULT_ROLE = 'ACCOUNTADMIN'",
    "ALTER WAREHOUSE STREAMING_WH SET WAREHOUSE_SIZE = 'LARGE'",
    "DROP WAREHOUSE STREAMING_WH",
    "DROP SCHEMA STREAMING.PUBLIC",
    "DROP DATABASE STREAMING",
    "GRANT ROLE ANALYST TO USER SVC_KAFKA_CONNECTOR",
    "GRANT DATABASE ROLE STREAMING.PUBLIC_OWNER TO ROLE KAFKA_CONNECTOR",
    "USE ROLE ANALYST",
    "USE ROLE SYSADMIN",
    "USE ROLE ACCOUNTADMIN",
    "USE WAREHOUSE REPORTING_WH",
    "SELECT * FROM ANALYTICS.MARTS.ORDER_EVENTS_CURRENT",
)
"""What no connector may do."""


@dataclass(frozen=True)
class Account:
    standin: StandIn
    ours: Declared
    rights: Rights

    def connector(self) -> Any:
        """A session of SVC_KAFKA_CONNECTOR with its own key."""
        key = private_key_of(self.ours.environment, self.ours.project, "SVC_KAFKA_CONNECTOR")
        client = replace(
            self.standin.client(),
            user="SVC_KAFKA_CONNECTOR",
            role="KAFKA_CONNECTOR",
            private_key=SecretRefValue("file", str(self.ours.project.root / key.reference.name)),
        )
        return connect(client, self.ours.project)


@pytest.fixture(scope="module", params=CONNECTORS)
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The preset as its engine makes it, for one connector."""
    folder = tmp_path_factory.mktemp(request.param)
    written = yaml.safe_load((HERE / "preset.yaml").read_text()) | {"connect": CONNECTORS[request.param]}
    (folder / "preset.yaml").write_text(yaml.safe_dump(written))
    ours = declared(folder / "project", folder / "preset.yaml")
    standin = StandIn(folder).start()
    try:
        by_sql(ours, standin)
        kind, version = connector_of(ours.environment)
        yield Account(standin, ours, rights_of(kind, version))
    finally:
        standin.stop()


def tried(connection: Any, statement: str) -> str:
    """`done`, or the error's code: 3001 insufficient privileges, 2003 unknown or not authorized."""
    try:
        connection.cursor().execute(statement)
    except snowflake.connector.errors.Error as error:
        return str(error.errno)
    return "done"


def test_the_connector_is_refused_whatever_no_connector_needs(account: Account) -> None:
    with closing(account.connector()) as connection:
        found = {statement: tried(connection, statement) for statement in NEVER}
    assert {statement for statement, answer in found.items() if answer == "done"} == set()
    assert set(found.values()) <= {"2003", "3001", "2043", "2037", "3013", "390189"}, found


def test_the_connector_can_do_what_the_matrix_says_and_only_an_owner_more(account: Account) -> None:
    rights = account.rights
    columns = "EVENT_ID, ORDER_ID, CUSTOMER_ID, EVENT_TYPE, PRODUCT_ID, QUANTITY, AMOUNT, CURRENCY, EVENT_TIME"
    insert = f"INSERT INTO {TABLE} ({columns}) VALUES ('e', 'o', 'c', 't', 'p', 1, 2.5, 'EUR', '2026-01-01')"
    with closing(account.connector()) as connection:
        assert (tried(connection, "USE WAREHOUSE STREAMING_WH") == "done") is rights.warehouse
        # Streaming needs no virtual warehouse; the statements that stand for it here do.
        with closing(account.standin.connect()) as admin:
            admin.cursor().execute("GRANT USAGE ON WAREHOUSE STREAMING_WH TO ROLE KAFKA_CONNECTOR")
        assert tried(connection, "USE WAREHOUSE STREAMING_WH") == "done"
        assert tried(connection, insert) == "done"
        reads = "SELECT" in rights.table or rights.owns_table
        assert (tried(connection, f"SELECT COUNT(*) FROM {TABLE}") == "done") is reads
        # An owner's DROP would work as well, and leave nothing to try the rest on.
        statements = REFUSED[:-1] if rights.owns_table else REFUSED
        found = {statement: tried(connection, statement) for statement in statements}
    allowed = {statement for statement, answer in found.items() if answer == "done"}
    assert allowed == (set(statements) if rights.owns_table else set()), found


def test_an_analyst_reads_marts_and_writes_nothing(account: Account) -> None:
    with closing(account.standin.connect(role="ANALYST")) as connection:
        connection.cursor().execute("USE SECONDARY ROLES NONE")
        assert tried(connection, "USE WAREHOUSE REPORTING_WH") == "done"
        assert tried(connection, "SELECT * FROM ANALYTICS.MARTS.ORDER_EVENTS_CURRENT") == "done"
        for statement in (
            f"SELECT * FROM {TABLE}",
            f"INSERT INTO {TABLE} (NOTE) VALUES ('x')",
            f"DELETE FROM {TABLE}",
            "CREATE TABLE ANALYTICS.MARTS.MINE (A NUMBER)",
            "DROP VIEW ANALYTICS.MARTS.ORDER_EVENTS_CURRENT",
            "USE WAREHOUSE TRANSFORM_WH",
        ):
            assert tried(connection, statement) in ("2003", "3001", "2043"), statement


def test_what_a_transformer_makes_is_readable_at_once_and_loaders_only_load(account: Account) -> None:
    with closing(account.standin.connect(role="TRANSFORMER")) as connection:
        connection.cursor().execute("USE SECONDARY ROLES NONE")
        assert tried(connection, f"SELECT * FROM {TABLE}") == "done"
        assert tried(connection, f"DELETE FROM {TABLE}") != "done"
        assert tried(connection, "CREATE OR REPLACE TABLE ANALYTICS.MARTS.FCT AS SELECT 1 AS A") == "done"
    with closing(account.standin.connect(role="ANALYST")) as connection:
        connection.cursor().execute("USE SECONDARY ROLES NONE")
        assert tried(connection, "SELECT A FROM ANALYTICS.MARTS.FCT") == "done"
        assert tried(connection, "INSERT INTO ANALYTICS.MARTS.FCT VALUES (2)") != "done"
    with closing(account.standin.connect(role="LOADER")) as connection:
        connection.cursor().execute("USE SECONDARY ROLES NONE")
        assert tried(connection, f"DELETE FROM {TABLE}") == "done"
        assert tried(connection, f"DROP TABLE {TABLE}") != "done"
        assert tried(connection, "SELECT A FROM ANALYTICS.MARTS.FCT") != "done"
