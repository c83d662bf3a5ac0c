"""Snowflake as the doctor sees it: the stand-in answers a real login of the real connector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.doctor.snowflake import examine_login, needed_privileges
from tests.standin.harness import StandIn

DECLARED = {"snowflake_database": 1, "snowflake_warehouse": 1, "snowflake_account_role": 3, "snowflake_service_user": 2}


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    server = StandIn(tmp_path_factory.mktemp("standin")).start()
    yield server
    server.stop()


def asking(connection: Any) -> Any:
    def ask(sql: str) -> list[dict[str, Any]]:
        cursor = connection.cursor()
        cursor.execute(sql)
        names = [column[0].lower() for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return ask


def test_the_account_user_and_role_are_told_and_an_administrator_may_do_everything(standin: StandIn) -> None:
    connection = standin.connect()
    who, may = examine_login(asking(connection), {**DECLARED, "snowflake_resource_monitor": 1})
    connection.close()
    assert who.state == "ok"
    assert who.text.endswith("user INFRA_ADMIN, role ACCOUNTADMIN")
    assert (may.state, may.text) == ("ok", "ACCOUNTADMIN may make everything that is declared")


def test_what_a_role_lacks_is_told_as_grants_and_inherited_privileges_count(standin: StandIn, tmp_path: Path) -> None:
    connection = standin.connect()
    run = connection.cursor().execute
    run("CREATE ROLE IF NOT EXISTS DOCTOR_BASE")
    run("CREATE ROLE IF NOT EXISTS DOCTOR_DEPLOYER")
    run("GRANT ROLE DOCTOR_DEPLOYER TO USER INFRA_ADMIN")
    run("GRANT ROLE DOCTOR_BASE TO ROLE DOCTOR_DEPLOYER")
    run("GRANT CREATE DATABASE ON ACCOUNT TO ROLE DOCTOR_BASE")
    run("GRANT CREATE WAREHOUSE ON ACCOUNT TO ROLE DOCTOR_DEPLOYER")
    run("USE ROLE DOCTOR_DEPLOYER")
    who, may = examine_login(asking(connection), DECLARED)
    assert "role DOCTOR_DEPLOYER" in who.text
    assert (may.state, may.text) == ("fail", "role DOCTOR_DEPLOYER lacks CREATE ROLE, CREATE USER on the account")
    assert may.do == (
        "as ACCOUNTADMIN: GRANT CREATE ROLE ON ACCOUNT TO ROLE DOCTOR_DEPLOYER; "
        "GRANT CREATE USER ON ACCOUNT TO ROLE DOCTOR_DEPLOYER"
    )
    run("USE ROLE ACCOUNTADMIN")
    run("GRANT CREATE ROLE ON ACCOUNT TO ROLE DOCTOR_BASE")
    run("GRANT CREATE USER ON ACCOUNT TO ROLE DOCTOR_BASE")
    run("USE ROLE DOCTOR_DEPLOYER")
    (
        _,
        monitors,
    ) = examine_login(asking(connection), {**DECLARED, "snowflake_resource_monitor": 1})
    assert (monitors.state, monitors.text) == ("fail", "role DOCTOR_DEPLOYER cannot make resource monitors")
    _, may = examine_login(asking(connection), DECLARED)
    assert may.state == "ok"
    connection.close()


def test_privileges_are_derived_from_what_is_declared() -> None:
    assert needed_privileges({"snowflake_database": 2, "aws_vpc": 1}) == {"CREATE DATABASE": "snowflake_database"}
