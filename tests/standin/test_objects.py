"""Account objects: create, alter, drop, show and describe, and the exact errors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.standin.harness import records, refusal, run

TRACKING = ' --terraform_provider_usage_tracking {"json_version":"2","version":"v2.20.0","resource":"x"}'


def one(connection: Any, sql: str) -> dict[str, Any]:
    (row,) = records(connection, sql)
    return row


def test_a_database_as_the_provider_makes_it(admin: Any) -> None:
    run(
        admin,
        f"CREATE TRANSIENT DATABASE \"PROV\" DATA_RETENTION_TIME_IN_DAYS = 3 COMMENT = 'it''s \\\\ ours'{TRACKING}",
    )
    row = one(admin, f"SHOW DATABASES LIKE 'PROV'{TRACKING}")
    assert (row["name"], row["owner"], row["comment"], row["options"]) == (
        "PROV",
        "ACCOUNTADMIN",
        "it's \\ ours",
        "TRANSIENT",
    )
    assert (row["retention_time"], row["kind"], row["owner_role_type"], row["origin"]) == ("3", "STANDARD", "ROLE", "")
    parameters = {p["key"]: p for p in records(admin, 'SHOW PARAMETERS IN DATABASE "PROV"')}
    assert len(parameters) == 19
    assert parameters["DATA_RETENTION_TIME_IN_DAYS"]["level"] == "DATABASE"
    assert parameters["LOG_LEVEL"] == {**parameters["LOG_LEVEL"], "value": "OFF", "level": ""}
    run(admin, 'ALTER DATABASE "PROV" SET DATA_RETENTION_TIME_IN_DAYS = 5')
    run(admin, "ALTER DATABASE \"PROV\" SET COMMENT = 'new'")
    assert one(admin, "SHOW DATABASES LIKE 'prov'")["comment"] == "new"
    run(admin, 'ALTER DATABASE "PROV" UNSET DATA_RETENTION_TIME_IN_DAYS, COMMENT')
    row = one(admin, "SHOW DATABASES LIKE 'PROV'")
    assert (row["retention_time"], row["comment"]) == ("1", "")
    assert records(admin, 'SHOW REPLICATION DATABASES WITH PRIMARY "INFRA"."LOCAL"."PROV"') == []
    run(admin, 'DROP DATABASE IF EXISTS "PROV"')
    assert records(admin, "SHOW DATABASES LIKE 'PROV'") == []


def test_schemas_have_the_columns_the_provider_reads(admin: Any, database: str) -> None:
    run(admin, f"CREATE SCHEMA \"{database}\".\"S\" WITH MANAGED ACCESS LOG_LEVEL = 'INFO' COMMENT = 'c'")
    row = one(admin, f"SHOW SCHEMAS LIKE 'S' IN DATABASE \"{database}\"")
    assert (row["options"], row["owner"], row["is_default"], row["is_current"]) == (
        "MANAGED ACCESS",
        "ACCOUNTADMIN",
        "N",
        "Y",
    )
    parameters = {p["key"]: p["level"] for p in records(admin, f'SHOW PARAMETERS IN SCHEMA "{database}"."S"')}
    assert (parameters["LOG_LEVEL"], parameters["TRACE_LEVEL"]) == ("SCHEMA", "")
    assert records(admin, f'DESCRIBE SCHEMA "{database}"."S"') == []
    run(admin, f'DROP SCHEMA IF EXISTS "{database}"."PUBLIC"')
    assert [s["name"] for s in records(admin, f'SHOW SCHEMAS IN DATABASE "{database}"')] == ["S"]


def test_a_schema_inherits_its_databases_parameters(admin: Any, database: str) -> None:
    run(admin, f'ALTER DATABASE "{database}" SET DATA_RETENTION_TIME_IN_DAYS = 7')
    parameters = {p["key"]: p for p in records(admin, f'SHOW PARAMETERS IN SCHEMA "{database}"."PUBLIC"')}
    found = parameters["DATA_RETENTION_TIME_IN_DAYS"]
    assert (found["value"], found["level"]) == ("7", "DATABASE")


def test_a_warehouse(admin: Any) -> None:
    run(
        admin,
        "CREATE WAREHOUSE \"W1\" WAREHOUSE_TYPE = 'STANDARD' WAREHOUSE_SIZE = 'X-SMALL' AUTO_SUSPEND = 60 "
        "AUTO_RESUME = true INITIALLY_SUSPENDED = true MAX_CONCURRENCY_LEVEL = 4 COMMENT = 'w'",
    )
    row = one(admin, "SHOW WAREHOUSES LIKE 'W1'")
    assert (row["size"], row["auto_suspend"], row["auto_resume"], row["state"]) == ("X-Small", 60, "true", "SUSPENDED")
    assert row["resource_monitor"] == "null"
    levels = {p["key"]: (p["value"], p["level"]) for p in records(admin, 'SHOW PARAMETERS IN WAREHOUSE "W1"')}
    assert levels["MAX_CONCURRENCY_LEVEL"] == ("4", "WAREHOUSE")
    run(admin, 'ALTER WAREHOUSE "W1" SET WAREHOUSE_SIZE = MEDIUM AUTO_SUSPEND = 30')
    row = one(admin, "SHOW WAREHOUSES LIKE 'W1'")
    assert (row["size"], row["auto_suspend"]) == ("Medium", 30)
    run(admin, "ALTER WAREHOUSE W1 RESUME")
    assert one(admin, "SHOW WAREHOUSES LIKE 'W1'")["state"] == "STARTED"
    code, state, message = refusal(admin, "ALTER WAREHOUSE W1 SET WAREHOUSE_SIZE = 'HUGE'")
    assert (code, state) == (1008, "22023")
    assert "HUGE" in message
    run(admin, "ALTER WAREHOUSE W1 RENAME TO W2")
    run(admin, "DROP WAREHOUSE W2")
    assert records(admin, "SHOW WAREHOUSES LIKE 'W_'") == []


def test_a_service_user(admin: Any) -> None:
    run(
        admin,
        'CREATE USER "SVC" LOGIN_NAME = \'svc_login\' DEFAULT_WAREHOUSE = "COMPUTE_WH" DEFAULT_ROLE = "PUBLIC" '
        "TYPE = SERVICE COMMENT = 'svc'",
    )
    row = one(admin, "SHOW USERS LIKE 'SVC'")
    assert len(row) == 29
    assert (row["type"], row["login_name"], row["has_rsa_public_key"], row["disabled"]) == (
        "SERVICE",
        "svc_login",
        "false",
        "false",
    )
    described = {p["property"]: p["value"] for p in records(admin, 'DESCRIBE USER "SVC"')}
    assert described["RSA_PUBLIC_KEY"] == "null"
    assert described["DEFAULT_WAREHOUSE"] == "COMPUTE_WH"
    assert len(records(admin, 'SHOW PARAMETERS IN USER "SVC"')) == 59
    assert refusal(admin, "CREATE USER P TYPE = SERVICE PASSWORD = 'x'")[0] == 1420
    run(admin, 'DROP USER IF EXISTS "SVC"')


def test_roles_count_their_grants(admin: Any) -> None:
    run(admin, "CREATE ROLE \"R1\" COMMENT = 'r'")
    run(admin, 'CREATE ROLE "R2"')
    run(admin, 'GRANT ROLE "R1" TO ROLE "R2"')
    run(admin, 'GRANT ROLE "R1" TO USER "INFRA_ADMIN"')
    row = one(admin, "SHOW ROLES LIKE 'R1'")
    assert (row["assigned_to_users"], row["granted_to_roles"], row["granted_roles"], row["comment"]) == (1, 1, 0, "r")
    of = records(admin, 'SHOW GRANTS OF ROLE "R1"')
    assert [(g["granted_to"], g["grantee_name"]) for g in of] == [("ROLE", "R2"), ("USER", "INFRA_ADMIN")]
    assert refusal(admin, "GRANT ROLE R2 TO ROLE R1")[0] == 3022
    run(admin, 'REVOKE ROLE "R1" FROM USER "INFRA_ADMIN"')
    run(admin, "DROP ROLE R2")
    assert records(admin, 'SHOW GRANTS OF ROLE "R1"') == []
    run(admin, "DROP ROLE R1")


@pytest.mark.parametrize(
    ("sql", "code", "state", "words"),
    [
        ("CREATE ROLE PUBLIC", 2002, "42710", "Object 'PUBLIC' already exists."),
        ("CREATE WAREHOUSE COMPUTE_WH", 2002, "42710", "already exists"),
        ("DROP DATABASE NO_SUCH", 2003, "02000", "Database 'NO_SUCH' does not exist or not authorized."),
        ("DROP ROLE NO_SUCH", 2003, "42S02", "Role 'NO_SUCH' does not exist or not authorized."),
        ("USE DATABASE NO_SUCH", 2043, "02000", "Object does not exist, or operation cannot be performed."),
        ("SHOW SCHEMAS IN DATABASE NO_SUCH", 2043, "02000", "Object does not exist, or operation cannot be performed."),
        (
            "SELECT * FROM NO_SUCH.PUBLIC.T",
            2003,
            "42S02",
            "Object 'NO_SUCH.PUBLIC.T' does not exist or not authorized.",
        ),
        ("SELECT * FROM T", 90105, "22000", "does not have a current database"),
        ("CREATE DATABASE X FOO = 1", 1420, "22023", "invalid property 'FOO'"),
        ("CREATE DATABASE", 1003, "42000", "unexpected '<EOF>'"),
        ("CREATE ROLE R COMMENT = ", 1003, "42000", "syntax error"),
        ("SELEC 1", 1003, "42000", "syntax error"),
        ("GRANT SELECT ON DATABASE D TO ROLE NO_SUCH", 2003, "42S02", "does not exist or not authorized"),
        ("SELECT NO_SUCH_FUNCTION(1)", 2140, "42601", "Unknown function NO_SUCH_FUNCTION"),
        ("CREATE MATERIALIZED VIEW V AS SELECT 1", 2, "0A000", "Unsupported feature"),
        ("", 900, "42601", "Empty SQL statement"),
    ],
)
def test_errors_are_snowflakes(standin: Any, sql: str, code: int, state: str, words: str) -> None:
    with standin.connect() as connection:
        if not sql:
            import httpx

            answer = httpx.post(
                f"{standin.url}/queries/v1/query-request",
                headers={"Authorization": f'Snowflake Token="{connection.rest.token}"'},
                json={"sqlText": sql},
            ).json()
            assert (int(answer["code"]), answer["data"]["sqlState"]) == (code, state)
            return
        found = refusal(connection, sql)
    assert found[:2] == (code, state)
    assert words in found[2]


def test_comments_can_be_set_by_comment_on(admin: Any, database: str) -> None:
    run(admin, "CREATE TABLE T (A VARCHAR) CLUSTER BY (A)")
    run(admin, f'COMMENT ON TABLE "{database}"."PUBLIC"."T" IS \'it\'\'s mine\'')
    run(admin, "ALTER TABLE T DROP CLUSTERING KEY")
    row = one(admin, "SHOW TABLES LIKE 'T'")
    assert (row["comment"], row["cluster_by"]) == ("it's mine", "")


def test_grants_on_all_tables_and_all_privileges(admin: Any, database: str) -> None:
    run(admin, "CREATE OR REPLACE ROLE ALL_R")
    run(admin, "CREATE TABLE T1 (A VARCHAR)")
    run(admin, "CREATE TABLE T2 (A VARCHAR)")
    run(admin, f'GRANT SELECT ON ALL TABLES IN SCHEMA "{database}"."PUBLIC" TO ROLE "ALL_R"')
    run(admin, 'GRANT ALL PRIVILEGES ON TABLE T1 TO ROLE "ALL_R"')
    granted = [(g["name"].rsplit(".", 1)[-1], g["privilege"]) for g in records(admin, "SHOW GRANTS TO ROLE ALL_R")]
    assert ("T2", "SELECT") in granted
    assert ("T2", "INSERT") not in granted
    assert {("T1", "INSERT"), ("T1", "EVOLVE SCHEMA")} <= set(granted)
    run(admin, 'REVOKE ALL PRIVILEGES ON TABLE T1 FROM ROLE "ALL_R"')
    assert [g["privilege"] for g in records(admin, "SHOW GRANTS TO ROLE ALL_R")] == ["SELECT"]
    run(admin, f'GRANT IMPORTED PRIVILEGES ON DATABASE "{database}" TO ROLE "ALL_R"')
