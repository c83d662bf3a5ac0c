"""The bundled `snowflakedb/snowflake` plugin under real Terraform against the local stand-in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import RunningPlatform
from tests.integration.plugin_parts import SnowflakeFolder

pytestmark = pytest.mark.platform

DATABASE = {"snowflake_database": {"db": {"name": "PLUGIN_DB"}}}
SCHEMA = {"snowflake_schema": {"s": {"database": "${snowflake_database.db.name}", "name": "S"}}}
COLUMNS = [
    {"name": "ID", "type": "VARCHAR", "nullable": False, "comment": "the key"},
    {"name": "QUANTITY", "type": "NUMBER(10,0)"},
    {"name": "AMOUNT", "type": "number(12, 2)"},
    {"name": "SEEN", "type": "TIMESTAMP_NTZ(6)", "nullable": True},
    {"name": "RECORD_METADATA", "type": "VARIANT"},
]


@pytest.fixture(scope="module")
def _folder(local_platform: RunningPlatform, tmp_path_factory: pytest.TempPathFactory) -> SnowflakeFolder:
    return SnowflakeFolder(tmp_path_factory.mktemp("snowflake"), local_platform)


@pytest.fixture
def snowflake(_folder: SnowflakeFolder) -> Iterator[SnowflakeFolder]:
    """An initialised folder with an empty state, on an account without the plugin tests' objects."""
    yield _folder
    (_folder.folder / "terraform.tfstate").unlink(missing_ok=True)
    for statement in (
        "DROP DATABASE IF EXISTS PLUGIN_DB",
        "DROP WAREHOUSE IF EXISTS PLUGIN_WH",
        "DROP WAREHOUSE IF EXISTS PLUGIN_WH2",
        "DROP USER IF EXISTS PLUGIN_USER",
        "DROP ROLE IF EXISTS PLUGIN_ROLE",
        "DROP ROLE IF EXISTS PLUGIN_PARENT",
    ):
        with contextlib.suppress(Exception):
            _folder.sql(statement)


def imported(snowflake: SnowflakeFolder, address: str, identifier: str, *parts: dict[str, Any]) -> None:
    """Forget one resource and import it again; nothing may be left to do, or only what cannot be read back."""
    assert snowflake.run("state", "rm", address)[0] == 0
    snowflake.resources(*parts, **{"import": [{"to": address, "id": identifier}]})
    out = snowflake.apply()
    assert "1 imported, 0 added" in out
    assert "0 destroyed" in out
    assert snowflake.plan() == {}


def test_databases_and_schemas_are_created_altered_and_dropped(snowflake: SnowflakeFolder) -> None:
    snowflake.resources(DATABASE, SCHEMA)
    assert snowflake.plan() == {"snowflake_database.db": ("create",), "snowflake_schema.s": ("create",)}
    snowflake.apply()
    assert snowflake.values("snowflake_database.db")["fully_qualified_name"] == '"PLUGIN_DB"'
    assert snowflake.values("snowflake_schema.s")["fully_qualified_name"] == '"PLUGIN_DB"."S"'
    assert snowflake.plan() == {}

    database = {
        "snowflake_database": {"db": {"name": "PLUGIN_DB", "comment": "it's", "data_retention_time_in_days": 2}}
    }
    schema = {"snowflake_schema": {"s": {**SCHEMA["snowflake_schema"]["s"], "with_managed_access": "true"}}}
    snowflake.resources(database, schema)
    assert snowflake.plan() == {"snowflake_database.db": ("update",), "snowflake_schema.s": ("update",)}
    snowflake.apply()
    shown = snowflake.sql("SHOW DATABASES LIKE 'PLUGIN_DB'")[0]
    assert (shown["comment"], shown["retention_time"]) == ("it's", "2")
    assert "MANAGED ACCESS" in snowflake.sql("SHOW SCHEMAS LIKE 'S' IN DATABASE PLUGIN_DB")[0]["options"]
    assert snowflake.plan() == {}

    snowflake.sql("ALTER DATABASE PLUGIN_DB SET COMMENT = 'by hand'")
    snowflake.sql("ALTER DATABASE PLUGIN_DB SET DATA_RETENTION_TIME_IN_DAYS = 5")
    assert snowflake.plan() == {"snowflake_database.db": ("update",)}
    snowflake.resources(DATABASE, SCHEMA)
    snowflake.apply()
    shown = snowflake.sql("SHOW DATABASES LIKE 'PLUGIN_DB'")[0]
    assert (shown["comment"], shown["retention_time"]) == ("", "1")
    assert snowflake.plan() == {}

    imported(snowflake, "snowflake_database.db", '"PLUGIN_DB"', DATABASE, SCHEMA)
    imported(snowflake, "snowflake_schema.s", '"PLUGIN_DB"."S"', DATABASE, SCHEMA)
    snowflake.destroy()
    assert snowflake.sql("SHOW DATABASES LIKE 'PLUGIN_DB'") == []


def test_a_database_dropped_by_hand_is_planned_again_with_all_in_it(snowflake: SnowflakeFolder) -> None:
    snowflake.resources(DATABASE, SCHEMA)
    snowflake.apply()
    snowflake.sql("DROP DATABASE PLUGIN_DB")
    assert snowflake.plan() == {"snowflake_database.db": ("create",), "snowflake_schema.s": ("create",)}


def test_the_schema_public_is_taken_over(snowflake: SnowflakeFolder) -> None:
    public = {
        "snowflake_schema": {"p": {"database": "${snowflake_database.db.name}", "name": "PUBLIC", "comment": "c"}}
    }
    snowflake.resources(DATABASE, public)
    snowflake.apply()
    assert snowflake.sql("SHOW SCHEMAS LIKE 'PUBLIC' IN DATABASE PLUGIN_DB")[0]["comment"] == "c"
    assert snowflake.plan() == {}


def table(columns: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    body = {
        "database": "${snowflake_schema.s.database}",
        "schema": "${snowflake_schema.s.name}",
        "name": "T",
        "column": columns,
        **more,
    }
    return {"snowflake_table": {"t": body}}


def test_a_table_changes_its_columns_in_place_and_keeps_its_rows(snowflake: SnowflakeFolder) -> None:
    snowflake.resources(DATABASE, SCHEMA, table(COLUMNS, comment="orders"))
    snowflake.apply()
    values = snowflake.values("snowflake_table.t")
    assert (values["id"], values["owner"]) == ("PLUGIN_DB|S|T", "ACCOUNTADMIN")
    assert snowflake.plan() == {}
    snowflake.sql("INSERT INTO PLUGIN_DB.S.T (ID, QUANTITY) VALUES ('a', 1)")

    changed = [
        {**COLUMNS[0], "comment": "the new key"},
        {"name": "NOTE", "type": "VARCHAR(50)", "comment": "added in the middle"},
        {"name": "QUANTITY", "type": "NUMBER(20,0)"},
        {**COLUMNS[3], "name": "SEEN"},
        COLUMNS[4],
    ]
    snowflake.resources(DATABASE, SCHEMA, table(changed, comment="all orders"))
    assert snowflake.plan() == {"snowflake_table.t": ("update",)}
    snowflake.apply()
    described = {row["name"]: row for row in snowflake.sql("DESCRIBE TABLE PLUGIN_DB.S.T TYPE = COLUMNS")}
    assert set(described) == {"ID", "NOTE", "QUANTITY", "SEEN", "RECORD_METADATA"}
    assert described["QUANTITY"]["type"] == "NUMBER(20,0)"
    assert described["ID"]["comment"] == "the new key"
    assert snowflake.sql("SELECT ID, QUANTITY FROM PLUGIN_DB.S.T") == [{"ID": "a", "QUANTITY": 1}]
    assert snowflake.plan() == {}


def test_a_table_changed_by_hand_drifts_and_can_be_imported(snowflake: SnowflakeFolder) -> None:
    parts = (DATABASE, SCHEMA, table(COLUMNS, comment="orders"))
    snowflake.resources(*parts)
    snowflake.apply()
    imported(snowflake, "snowflake_table.t", "PLUGIN_DB|S|T", *parts)
    snowflake.resources(*parts)
    snowflake.sql("ALTER TABLE PLUGIN_DB.S.T ADD COLUMN EXTRA VARCHAR")
    assert snowflake.plan() == {"snowflake_table.t": ("update",)}
    snowflake.apply()
    assert "EXTRA" not in {row["name"] for row in snowflake.sql("DESCRIBE TABLE PLUGIN_DB.S.T TYPE = COLUMNS")}
    snowflake.sql("DROP TABLE PLUGIN_DB.S.T")
    assert snowflake.plan() == {"snowflake_table.t": ("create",)}


def test_a_table_that_exists_is_named_with_the_import_block(snowflake: SnowflakeFolder) -> None:
    snowflake.resources(DATABASE, SCHEMA)
    snowflake.apply()
    snowflake.sql("CREATE TABLE PLUGIN_DB.S.T (ID VARCHAR)")
    snowflake.resources(DATABASE, SCHEMA, table(COLUMNS))
    message = snowflake.fails()
    assert 'the table "PLUGIN_DB"."S"."T" already exists' in message
    assert 'id = "PLUGIN_DB|S|T"' in message


def warehouse(**body: Any) -> dict[str, Any]:
    return {"snowflake_warehouse": {"w": {"name": "PLUGIN_WH", "warehouse_size": "XSMALL", **body}}}


def test_a_warehouse_is_resized_in_place_renamed_and_read_back(snowflake: SnowflakeFolder) -> None:
    first = warehouse(auto_suspend=60, auto_resume="true", initially_suspended=True, comment="streaming")
    snowflake.resources(first)
    snowflake.apply()
    assert snowflake.plan() == {}
    imported(snowflake, "snowflake_warehouse.w", '"PLUGIN_WH"', first)
    snowflake.resources(warehouse(auto_suspend=120, warehouse_size="SMALL", statement_timeout_in_seconds=600))
    assert snowflake.plan() == {"snowflake_warehouse.w": ("update",)}
    snowflake.apply()
    shown = snowflake.sql("SHOW WAREHOUSES LIKE 'PLUGIN_WH'")[0]
    assert (shown["size"], shown["auto_suspend"], shown["comment"]) == ("Small", 120, "")
    timeout = "SHOW PARAMETERS LIKE 'STATEMENT_TIMEOUT_IN_SECONDS' IN WAREHOUSE PLUGIN_WH"
    assert snowflake.sql(timeout)[0]["value"] == "600"
    assert snowflake.plan() == {}
    snowflake.sql("ALTER WAREHOUSE PLUGIN_WH SET WAREHOUSE_SIZE = 'LARGE'")
    assert snowflake.plan() == {"snowflake_warehouse.w": ("update",)}
    snowflake.resources(warehouse(name="PLUGIN_WH2"))
    snowflake.apply()
    shown = snowflake.sql("SHOW WAREHOUSES LIKE 'PLUGIN_WH%'")
    assert [(row["name"], row["size"], row["auto_suspend"]) for row in shown] == [("PLUGIN_WH2", "X-Small", 600)]
    assert snowflake.plan() == {}


ROLES = {"snowflake_account_role": {"r": {"name": "PLUGIN_ROLE"}, "p": {"name": "PLUGIN_PARENT", "comment": "above"}}}


def user(key: str, **body: Any) -> dict[str, Any]:
    given = {"name": "PLUGIN_USER", "rsa_public_key": key, "default_role": "PLUGIN_ROLE", **body}
    return {"snowflake_service_user": {"u": given}}


def test_a_service_user_with_its_key_roles_and_memberships(snowflake: SnowflakeFolder) -> None:
    from modules.warehouse.connection import public_key_of

    key = public_key_of(snowflake.key)
    members = {
        "snowflake_grant_account_role": {
            "user": {"role_name": "${snowflake_account_role.r.name}", "user_name": "${snowflake_service_user.u.name}"},
            "up": {
                "role_name": "${snowflake_account_role.r.name}",
                "parent_role_name": "${snowflake_account_role.p.name}",
            },
        }
    }
    first = user(key, default_warehouse="WH", default_namespace="PLUGIN_DB.S", comment="connector")
    snowflake.resources(ROLES, first, members)
    snowflake.apply()
    described = {row["property"]: row["value"] for row in snowflake.sql("DESCRIBE USER PLUGIN_USER")}
    assert described["RSA_PUBLIC_KEY"] == key
    assert snowflake.sql("SHOW USERS LIKE 'PLUGIN_USER'")[0]["type"] == "SERVICE"
    assert snowflake.values("snowflake_grant_account_role.up")["id"] == '"PLUGIN_ROLE"|ROLE|"PLUGIN_PARENT"'
    assert snowflake.plan() == {}
    imported(snowflake, "snowflake_service_user.u", '"PLUGIN_USER"', ROLES, first, members)
    imported(snowflake, "snowflake_grant_account_role.up", '"PLUGIN_ROLE"|ROLE|"PLUGIN_PARENT"', ROLES, first, members)
    imported(snowflake, "snowflake_account_role.p", '"PLUGIN_PARENT"', ROLES, first, members)

    second = user(key, comment="another", disabled="true")
    snowflake.resources(ROLES, second, members)
    assert snowflake.plan() == {"snowflake_service_user.u": ("update",)}
    snowflake.apply()
    shown = snowflake.sql("SHOW USERS LIKE 'PLUGIN_USER'")[0]
    assert (shown["comment"], shown["disabled"], shown["default_warehouse"]) == ("another", "true", "")
    assert snowflake.plan() == {}
    snowflake.sql("REVOKE ROLE PLUGIN_ROLE FROM USER PLUGIN_USER")
    snowflake.sql("ALTER ROLE PLUGIN_PARENT SET COMMENT = 'by hand'")
    assert snowflake.plan() == {
        "snowflake_grant_account_role.user": ("create",),
        "snowflake_account_role.p": ("update",),
    }
    snowflake.destroy()
    assert snowflake.sql("SHOW USERS LIKE 'PLUGIN_USER'") == []
    assert snowflake.sql("SHOW ROLES LIKE 'PLUGIN_%'") == []


def grants(**bodies: dict[str, Any]) -> dict[str, Any]:
    common = {"account_role_name": "${snowflake_account_role.r.name}"}
    given = {name: {**common, "depends_on": ["snowflake_table.t"], **body} for name, body in bodies.items()}
    return {"snowflake_grant_privileges_to_account_role": given}


ALL_GRANTS = {
    "account": {"privileges": ["CREATE DATABASE"], "on_account": True},
    "database": {
        "privileges": ["USAGE", "MONITOR"],
        "on_account_object": {"object_type": "DATABASE", "object_name": "PLUGIN_DB"},
    },
    "schema": {"privileges": ["USAGE"], "on_schema": {"schema_name": '"PLUGIN_DB"."S"'}},
    "table": {
        "privileges": ["INSERT", "SELECT"],
        "on_schema_object": {"object_type": "TABLE", "object_name": "PLUGIN_DB.S.T"},
    },
    "coming": {
        "privileges": ["SELECT"],
        "on_schema_object": {"future": {"object_type_plural": "TABLES", "in_schema": "PLUGIN_DB.S"}},
    },
    "schemas": {"privileges": ["USAGE"], "on_schema": {"future_schemas_in_database": "PLUGIN_DB"}},
    "present": {
        "all_privileges": True,
        "on_schema_object": {"all": {"object_type_plural": "TABLES", "in_schema": "PLUGIN_DB.S"}},
    },
}
_KIND = "snowflake_grant_privileges_to_account_role"


def test_every_kind_of_grant_is_given_read_back_changed_and_taken(snowflake: SnowflakeFolder) -> None:
    base = (DATABASE, SCHEMA, table(COLUMNS), ROLES)
    snowflake.resources(*base, grants(**ALL_GRANTS))
    snowflake.apply()
    identifier = '"PLUGIN_ROLE"|false|false|MONITOR,USAGE|OnAccountObject|DATABASE|"PLUGIN_DB"'
    assert snowflake.values(f"{_KIND}.database")["id"] == identifier
    assert snowflake.plan() == {}

    snowflake.sql("REVOKE MONITOR ON DATABASE PLUGIN_DB FROM ROLE PLUGIN_ROLE")
    assert snowflake.plan() == {f"{_KIND}.database": ("update",)}
    snowflake.sql("REVOKE USAGE ON DATABASE PLUGIN_DB FROM ROLE PLUGIN_ROLE")
    snowflake.sql("REVOKE SELECT ON FUTURE TABLES IN SCHEMA PLUGIN_DB.S FROM ROLE PLUGIN_ROLE")
    assert snowflake.plan() == {f"{_KIND}.database": ("create",), f"{_KIND}.coming": ("create",)}
    snowflake.apply()
    assert snowflake.plan() == {}

    fewer = {**ALL_GRANTS, "table": {**ALL_GRANTS["table"], "privileges": ["SELECT", "DELETE"]}}
    snowflake.resources(*base, grants(**fewer))
    assert snowflake.plan() == {f"{_KIND}.table": ("update",)}
    snowflake.apply()
    held = {
        row["privilege"]
        for row in snowflake.sql("SHOW GRANTS ON TABLE PLUGIN_DB.S.T")
        if row["grantee_name"] == "PLUGIN_ROLE"
    }
    assert {"SELECT", "DELETE"} <= held
    assert snowflake.plan() == {}

    other = {**fewer, "schema": {**fewer["schema"], "with_grant_option": True}}
    snowflake.resources(*base, grants(**other))
    assert snowflake.plan() == {f"{_KIND}.schema": ("delete", "create")}
    snowflake.apply()
    assert snowflake.plan() == {}
    snowflake.destroy()


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("database", '"PLUGIN_ROLE"|false|false|MONITOR,USAGE|OnAccountObject|DATABASE|"PLUGIN_DB"'),
        ("schema", '"PLUGIN_ROLE"|false|false|USAGE|OnSchema|OnSchema|"PLUGIN_DB"."S"'),
        ("coming", '"PLUGIN_ROLE"|false|false|SELECT|OnSchemaObject|OnFuture|TABLES|InSchema|"PLUGIN_DB"."S"'),
    ],
)
def test_a_grant_is_imported_by_the_official_id(snowflake: SnowflakeFolder, name: str, identifier: str) -> None:
    body = dict(ALL_GRANTS[name])
    if "on_schema_object" in body:
        body["on_schema_object"] = {"future": {"object_type_plural": "TABLES", "in_schema": '"PLUGIN_DB"."S"'}}
    parts = (DATABASE, SCHEMA, table(COLUMNS), ROLES, grants(**{name: body}))
    snowflake.resources(*parts)
    snowflake.apply()
    imported(snowflake, f"{_KIND}.{name}", identifier, *parts)


def test_a_grant_without_or_with_two_objects_is_refused_before_anything_is_asked(snowflake: SnowflakeFolder) -> None:
    snowflake.resources(ROLES, {_KIND: {"g": {"account_role_name": "R", "privileges": ["USAGE"]}}})
    assert "exactly one of on_account, on_account_object" in snowflake.fails("validate")


def test_a_resource_only_the_official_plugin_has_is_refused_by_name(snowflake: SnowflakeFolder) -> None:
    snowflake.resources(
        {
            "snowflake_task": {
                "n": {"name": "N", "database": "D", "schema": "S", "started": False, "sql_statement": "SELECT 1"}
            }
        }
    )
    message = snowflake.fails("plan")
    assert "bundled snowflakedb/snowflake plugin does not implement snowflake_task" in message
    assert "terraform.providers: official" in message


def test_a_server_that_is_down_is_one_clear_error(snowflake: SnowflakeFolder) -> None:
    snowflake.resources(ROLES, provider={"port": 9})
    message = snowflake.fails("plan")
    assert message.count("Snowflake at 127.0.0.1:9 does not answer") == 1
    assert "infra local up" in message


def test_an_unreadable_key_and_a_foreign_key_are_told_apart(snowflake: SnowflakeFolder, tmp_path: Path) -> None:
    from modules.warehouse.connection import make_key_pair

    snowflake.resources(ROLES, provider={"private_key": "-----BEGIN PRIVATE KEY-----\nnonsense\n"})
    message = snowflake.fails()
    assert "the private key cannot be read" in message
    assert "nonsense" not in message.replace("nonsense\\n", "")
    make_key_pair(tmp_path / "other.p8")
    snowflake.resources(ROLES, provider={"private_key": (tmp_path / "other.p8").read_text()})
    message = snowflake.fails()
    assert "refuses the login of INFRA_ADMIN" in message
