"""Rights are enforced: a role may do what was granted to it and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standin.harness import StandIn, records, refusal, run

HIDDEN = (2003, "42S02")
REFUSED = (3001, "42501")
"""The role holds another right on it, so it may know of the table."""


@pytest.fixture(scope="module")
def estate(standin: StandIn) -> Iterator[tuple[Any, Any]]:
    """The connector's world: database, table, warehouse, role, user. (administrator's connection, connector's)"""
    admin = standin.connect()
    run(admin, "CREATE DATABASE G")
    run(admin, "CREATE TABLE G.PUBLIC.T (A NUMBER(10,0), B VARCHAR)")
    run(admin, "CREATE TABLE G.PUBLIC.OTHER (A NUMBER(10,0))")
    run(admin, "INSERT INTO G.PUBLIC.OTHER VALUES (42)")
    run(admin, "CREATE WAREHOUSE GW")
    key = standin.user(admin, "CONNECTOR", "CONNECTOR_ROLE")
    connector = standin.connect("CONNECTOR", "CONNECTOR_ROLE", key)
    yield admin, connector
    connector.close()
    admin.close()


def test_rights_come_one_by_one(estate: tuple[Any, Any]) -> None:
    admin, connector = estate
    select = "SELECT COUNT(*) FROM G.PUBLIC.T"
    assert refusal(connector, select)[:2] == HIDDEN
    assert records(connector, "SHOW DATABASES LIKE 'G'") == []
    run(admin, "GRANT USAGE ON DATABASE G TO ROLE CONNECTOR_ROLE")
    assert refusal(connector, select)[:2] == HIDDEN
    run(admin, "GRANT USAGE ON SCHEMA G.PUBLIC TO ROLE CONNECTOR_ROLE")
    assert refusal(connector, select)[:2] == HIDDEN
    run(admin, "GRANT SELECT ON TABLE G.PUBLIC.T TO ROLE CONNECTOR_ROLE")
    run(admin, "REVOKE USAGE ON WAREHOUSE COMPUTE_WH FROM ROLE PUBLIC")
    code, state, message = refusal(connector, select)
    assert (code, state) == (606, "57P03")
    assert "No active warehouse" in message
    assert refusal(connector, "USE WAREHOUSE GW")[0] == 2043
    run(admin, "GRANT USAGE ON WAREHOUSE GW TO ROLE CONNECTOR_ROLE")
    run(connector, "USE WAREHOUSE GW")
    assert run(connector, select) == [(0,)]
    assert refusal(connector, "INSERT INTO G.PUBLIC.T VALUES (1, 'x')")[:2] == REFUSED
    run(admin, "GRANT INSERT ON TABLE G.PUBLIC.T TO ROLE CONNECTOR_ROLE")
    run(connector, "INSERT INTO G.PUBLIC.T VALUES (1, 'x')")
    assert run(connector, select) == [(1,)]
    for sql in ("UPDATE G.PUBLIC.T SET A = 2", "DELETE FROM G.PUBLIC.T", "TRUNCATE TABLE G.PUBLIC.T"):
        assert refusal(connector, sql)[:2] == REFUSED
    run(admin, "GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE PUBLIC")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM G.PUBLIC.OTHER",
        "SELECT A FROM G.PUBLIC.T UNION ALL SELECT A FROM G.PUBLIC.OTHER",
        "SELECT (SELECT MAX(A) FROM G.PUBLIC.OTHER)",
        "WITH C AS (SELECT * FROM G.PUBLIC.OTHER) SELECT * FROM C",
        "INSERT INTO G.PUBLIC.T SELECT A, 'x' FROM G.PUBLIC.OTHER",
        "SELECT * FROM IDENTIFIER('G.PUBLIC.OTHER')",
        "SELECT * FROM G.PUBLIC.T WHERE EXISTS (SELECT 1 FROM G.PUBLIC.OTHER)",
    ],
)
def test_no_way_around_reads_a_table_that_was_not_granted(estate: tuple[Any, Any], sql: str) -> None:
    assert refusal(estate[1], sql)[:2] == HIDDEN


def test_a_cte_of_the_same_name_does_not_open_the_table(estate: tuple[Any, Any]) -> None:
    _, connector = estate
    run(connector, "USE SCHEMA G.PUBLIC")
    assert refusal(connector, "WITH OTHER AS (SELECT * FROM OTHER) SELECT * FROM OTHER")[:2] == HIDDEN
    assert run(connector, "WITH OTHER AS (SELECT 7 AS A) SELECT A FROM OTHER") == [(7,)]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("CREATE TABLE G.PUBLIC.MINE (A NUMBER(38,0))", 3001),
        ("CREATE SCHEMA G.MINE", 3001),
        ("CREATE DATABASE MINE", 3001),
        ("CREATE ROLE MINE", 3001),
        ("CREATE USER MINE", 3001),
        ("CREATE WAREHOUSE MINE", 3001),
        ("DROP TABLE G.PUBLIC.T", 3001),
        ("ALTER TABLE G.PUBLIC.T ADD COLUMN C VARCHAR", 3001),
        ("DROP DATABASE G", 3001),
        ("GRANT SELECT ON TABLE G.PUBLIC.T TO ROLE PUBLIC", 3001),
        ("GRANT ROLE ACCOUNTADMIN TO USER CONNECTOR", 3001),
        ("ALTER USER INFRA_ADMIN SET RSA_PUBLIC_KEY = ''", 3001),
        ("DROP TABLE G.PUBLIC.OTHER", 2003),
    ],
)
def test_what_the_connector_may_not_do(estate: tuple[Any, Any], sql: str, code: int) -> None:
    assert refusal(estate[1], sql)[0] == code


def test_roles_inherit_and_owners_may_all(standin: StandIn, estate: tuple[Any, Any]) -> None:
    admin, _ = estate
    key = standin.user(admin, "PARENT", "PARENT_ROLE")
    run(admin, "GRANT ROLE CONNECTOR_ROLE TO ROLE PARENT_ROLE")
    run(admin, "GRANT CREATE TABLE ON SCHEMA G.PUBLIC TO ROLE PARENT_ROLE")
    with standin.connect("PARENT", "PARENT_ROLE", key, warehouse="GW") as parent:
        run(parent, "SELECT * FROM G.PUBLIC.T")
        run(parent, "CREATE TABLE G.PUBLIC.OWN (A NUMBER(38,0))")
        run(parent, "INSERT INTO G.PUBLIC.OWN VALUES (1)")
        run(parent, "UPDATE G.PUBLIC.OWN SET A = 2")
        run(parent, "GRANT SELECT ON TABLE G.PUBLIC.OWN TO ROLE CONNECTOR_ROLE")
    owner = records(admin, "SHOW GRANTS ON TABLE G.PUBLIC.OWN")[0]
    assert (owner["privilege"], owner["grantee_name"]) == ("OWNERSHIP", "PARENT_ROLE")
    assert refusal(admin, "GRANT OWNERSHIP ON TABLE G.PUBLIC.OWN TO ROLE SYSADMIN")[0] == 3037
    run(admin, "GRANT OWNERSHIP ON TABLE G.PUBLIC.OWN TO ROLE SYSADMIN COPY CURRENT GRANTS")
    with standin.connect("PARENT", "PARENT_ROLE", key, warehouse="GW") as parent:
        assert refusal(parent, "UPDATE G.PUBLIC.OWN SET A = 3")[:2] == REFUSED


def test_future_grants_apply_to_new_tables(estate: tuple[Any, Any]) -> None:
    admin, connector = estate
    run(admin, 'GRANT SELECT ON FUTURE TABLES IN SCHEMA "G"."PUBLIC" TO ROLE "CONNECTOR_ROLE"')
    (future,) = records(admin, 'SHOW FUTURE GRANTS IN SCHEMA "G"."PUBLIC"')
    assert (future["privilege"], future["grant_on"], future["name"]) == ("SELECT", "TABLE", "G.PUBLIC.<TABLE>")
    run(admin, "CREATE TABLE G.PUBLIC.LATER (A NUMBER(38,0))")
    assert run(connector, "SELECT * FROM G.PUBLIC.LATER") == []
    run(admin, 'REVOKE SELECT ON FUTURE TABLES IN SCHEMA "G"."PUBLIC" FROM ROLE "CONNECTOR_ROLE"')
    assert records(admin, 'SHOW FUTURE GRANTS IN SCHEMA "G"."PUBLIC"') == []


def test_show_grants_has_what_the_provider_reads(estate: tuple[Any, Any]) -> None:
    admin, _ = estate
    run(admin, "GRANT MONITOR, MODIFY ON WAREHOUSE GW TO ROLE SYSADMIN WITH GRANT OPTION")
    rows = {(g["privilege"], g["grantee_name"]): g for g in records(admin, "SHOW GRANTS ON WAREHOUSE GW")}
    found = rows["MODIFY", "SYSADMIN"]
    assert {key: found[key] for key in ("granted_on", "name", "granted_to", "grant_option", "granted_by")} == {
        "granted_on": "WAREHOUSE", "name": "GW", "granted_to": "ROLE", "grant_option": "true",
        "granted_by": "ACCOUNTADMIN",
    }  # fmt: skip
    run(admin, "GRANT CREATE DATABASE ON ACCOUNT TO ROLE CONNECTOR_ROLE")
    assert ("CREATE DATABASE", "CONNECTOR_ROLE") in {
        (g["privilege"], g["grantee_name"]) for g in records(admin, "SHOW GRANTS ON ACCOUNT")
    }
    run(admin, "REVOKE CREATE DATABASE ON ACCOUNT FROM ROLE CONNECTOR_ROLE")
    to_role = {(g["privilege"], g["granted_on"]) for g in records(admin, "SHOW GRANTS TO ROLE CONNECTOR_ROLE")}
    assert {("USAGE", "DATABASE"), ("USAGE", "SCHEMA"), ("USAGE", "WAREHOUSE"), ("INSERT", "TABLE")} <= to_role
    assert ("CREATE DATABASE", "ACCOUNT") not in to_role
    assert [g["role"] for g in records(admin, "SHOW GRANTS TO USER CONNECTOR")] == ["CONNECTOR_ROLE"]
    assert refusal(admin, "GRANT SELECT ON WAREHOUSE GW TO ROLE PUBLIC")[0] == 1003
