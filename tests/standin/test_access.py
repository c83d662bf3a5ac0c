"""Logins with either key slot and under network policies; many sessions at once; the log of what is not supported."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from modules.warehouse.connection import make_key_pair
from tests.standin.harness import StandIn, records, refusal, run


def login_error(standin: StandIn, user: str, role: str, key: Path) -> tuple[int, str]:
    from snowflake.connector.errors import Error

    try:
        standin.connect(user, role, key).close()
    except Error as error:
        return int(error.errno or 0), str(error.msg)
    except Exception as error:  # The product's own words around the connector's.
        return 0, str(error)
    raise AssertionError("the login was not refused")


def test_a_key_is_rotated_without_a_moment_in_which_no_key_works(standin: StandIn, admin: Any, tmp_path: Path) -> None:
    old = standin.user(admin, "ROTATED", "ROTATED_ROLE")
    new = tmp_path / "new.p8"
    run(admin, f"ALTER USER ROTATED SET RSA_PUBLIC_KEY_2 = '{make_key_pair(new)}'")
    for key in (old, new):
        standin.connect("ROTATED", "ROTATED_ROLE", key).close()
    described = {row["property"]: row["value"] for row in records(admin, "DESCRIBE USER ROTATED")}
    assert described["RSA_PUBLIC_KEY_FP"] != described["RSA_PUBLIC_KEY_2_FP"]
    run(admin, "ALTER USER ROTATED UNSET RSA_PUBLIC_KEY")
    standin.connect("ROTATED", "ROTATED_ROLE", new).close()
    assert "JWT token is invalid" in login_error(standin, "ROTATED", "ROTATED_ROLE", old)[1]
    run(admin, "ALTER USER ROTATED UNSET RSA_PUBLIC_KEY_2")
    assert "JWT token is invalid" in login_error(standin, "ROTATED", "ROTATED_ROLE", new)[1]


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [
        ("ALLOWED_IP_LIST = ('127.0.0.1')", True),
        ("ALLOWED_IP_LIST = ('10.0.0.0/8')", False),
        ("ALLOWED_IP_LIST = ('0.0.0.0/0') BLOCKED_IP_LIST = ('127.0.0.1')", False),
        ("BLOCKED_IP_LIST = ('10.0.0.1')", True),
        ("ALLOWED_NETWORK_RULE_LIST = (NET.PUBLIC.HERE)", True),
        ("ALLOWED_IP_LIST = ('0.0.0.0/0') BLOCKED_NETWORK_RULE_LIST = (NET.PUBLIC.HERE)", False),
    ],
)
def test_a_users_network_policy_decides_about_its_logins(
    standin: StandIn, admin: Any, policy: str, admitted: bool
) -> None:
    run(admin, "CREATE OR REPLACE DATABASE NET")
    run(admin, "CREATE NETWORK RULE NET.PUBLIC.HERE TYPE = IPV4 VALUE_LIST = ('127.0.0.0/8') MODE = INGRESS")
    key = standin.user(admin, "NETWORKED", "NETWORKED_ROLE")
    try:
        run(admin, f"CREATE NETWORK POLICY NETWORKED_POLICY {policy}")
        run(admin, "ALTER USER NETWORKED SET NETWORK_POLICY = NETWORKED_POLICY")
        if admitted:
            standin.connect("NETWORKED", "NETWORKED_ROLE", key).close()
        else:
            assert "is not allowed to access Snowflake" in login_error(standin, "NETWORKED", "NETWORKED_ROLE", key)[1]
        assert refusal(admin, "DROP NETWORK POLICY NETWORKED_POLICY")[0] == 1492
        run(admin, "ALTER USER NETWORKED UNSET NETWORK_POLICY")
        standin.connect("NETWORKED", "NETWORKED_ROLE", key).close()
    finally:
        run(admin, "DROP USER NETWORKED")
        run(admin, "DROP NETWORK POLICY IF EXISTS NETWORKED_POLICY")


def test_nobody_locks_the_account_against_themselves(admin: Any) -> None:
    run(admin, "CREATE NETWORK POLICY ELSEWHERE ALLOWED_IP_LIST = ('10.0.0.0/8')")
    code, _, message = refusal(admin, "ALTER ACCOUNT SET NETWORK_POLICY = ELSEWHERE")
    assert code == 1008
    assert "127.0.0.1, must be included" in message
    run(admin, "DROP NETWORK POLICY ELSEWHERE")


def test_an_unsupported_statement_is_named_in_the_log_without_its_values(standin: StandIn, admin: Any) -> None:
    assert refusal(admin, "CREATE SECRET HIDDEN TYPE = PASSWORD USERNAME = 'u' PASSWORD = 'hunter2'")[0] == 2
    lines = [line for line in standin.log.splitlines() if "CREATE SECRET HIDDEN" in line]
    assert lines
    assert "unsupported" in lines[-1]
    assert "hunter2" not in standin.log


def test_sessions_that_define_and_read_at_once_do_not_wait_for_each_other_for_ever(
    standin: StandIn, admin: Any, database: str
) -> None:
    run(admin, f'CREATE TABLE "{database}".PUBLIC.BASE (A NUMBER)')

    def work(number: int) -> int:
        connection = standin.connect(database=f'"{database}"', schema="PUBLIC", warehouse="COMPUTE_WH")
        try:
            for step in range(4):
                name = f"N{number}_{step}"
                run(connection, f"CREATE TABLE {name} AS SELECT * FROM BASE")
                run(connection, f"CREATE VIEW V_{name} AS SELECT * FROM {name}")
                run(connection, f"CREATE STREAM S_{name} ON TABLE BASE")
                run(connection, f"CREATE ROLE R_{name}")
                run(connection, f"GRANT SELECT ON VIEW V_{name} TO ROLE R_{name}")
                run(connection, f"INSERT INTO BASE VALUES ({step})")
                run(connection, f"INSERT INTO {name} SELECT A FROM S_{name}")
                run(connection, f"SELECT * FROM V_{name}")
                run(connection, f"DROP ROLE R_{name}")
                run(connection, f"DROP VIEW V_{name}")
        finally:
            connection.close()
        return number

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(work, range(6), timeout=120)) == list(range(6))
    assert run(admin, f'SELECT COUNT(*) FROM "{database}".PUBLIC.BASE') == [(24,)]


def test_databases_of_any_name_live_side_by_side_and_come_back(own_standin: StandIn) -> None:
    connection = own_standin.connect()
    for name, number in (('"cased"', 1), ("CASED", 2), ('"with-a dash"', 3)):
        run(connection, f"CREATE DATABASE {name}")
        run(connection, f'CREATE TABLE {name}.PUBLIC."t" AS SELECT {number} AS "n"')
    connection.close()
    own_standin.stop()
    own_standin.start()
    connection = own_standin.connect()
    assert run(connection, 'SELECT "n" FROM "cased".PUBLIC."t"') == [(1,)]
    assert run(connection, 'SELECT "n" FROM CASED.PUBLIC."t"') == [(2,)]
    assert run(connection, 'SELECT "n" FROM "with-a dash".PUBLIC."t"') == [(3,)]
    run(connection, 'DROP DATABASE "cased"')
    assert run(connection, 'SELECT "n" FROM CASED.PUBLIC."t"') == [(2,)]
    connection.close()
