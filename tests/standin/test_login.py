"""Logging in with a key pair, by the unmodified connector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modules.errors import SecretError, ServiceError
from modules.project import Project
from modules.warehouse.connection import connect, make_key_pair, public_key_of
from tests.standin.harness import StandIn, free_port, records, refusal, run


def test_a_key_pair_logs_in_and_the_session_has_role_and_warehouse(standin: StandIn) -> None:
    with standin.connect() as connection:
        assert run(connection, "SELECT CURRENT_USER(), CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE()") == [
            ("INFRA_ADMIN", "ACCOUNTADMIN", "COMPUTE_WH", None)
        ]
        assert connection.role == "ACCOUNTADMIN"


def test_a_wrong_key_is_390144(standin: StandIn, tmp_path: Path) -> None:
    import snowflake.connector
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    other = tmp_path / "other.p8"
    make_key_pair(other)
    with pytest.raises(ServiceError, match="does not accept the key of user INFRA_ADMIN"):
        standin.connect(key=other)
    with pytest.raises(snowflake.connector.errors.DatabaseError) as raised:
        snowflake.connector.connect(
            account="INFRA-LOCAL", user="INFRA_ADMIN", host="127.0.0.1", port=standin.port, protocol="http",
            authenticator="SNOWFLAKE_JWT", private_key=load_pem_private_key(other.read_bytes(), None), login_timeout=10,
        )  # fmt: skip
    assert raised.value.errno == 390144
    assert "JWT token is invalid." in str(raised.value)


def test_an_unknown_user_gets_the_same_answer_as_a_wrong_key(standin: StandIn) -> None:
    with pytest.raises(ServiceError, match="JWT token is invalid"):
        standin.connect(user="NOBODY", role="PUBLIC")


def test_a_login_without_a_name_takes_the_tokens_as_the_go_driver_does(standin: StandIn) -> None:
    import httpx

    from tests.standin.rest import key_pair_jwt

    def login(**data: str) -> dict[str, Any]:
        token = key_pair_jwt("INFRA_ADMIN", standin.admin_key)
        body = {"data": {"AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": token, **data}}
        answer: dict[str, Any] = httpx.post(f"{standin.url}/session/v1/login-request", json=body).json()
        return answer

    assert login()["data"]["displayUserName"] == "INFRA_ADMIN"
    assert login(LOGIN_NAME="SOMEONE_ELSE")["code"] == "390144"


def test_the_second_public_key_logs_in_and_unset_ends_that(standin: StandIn, admin: Any, tmp_path: Path) -> None:
    first = standin.user(admin, "ROTATING", "ROTATING_ROLE")
    second = tmp_path / "second.p8"
    run(admin, f"ALTER USER ROTATING SET RSA_PUBLIC_KEY_2 = '{make_key_pair(second)}'")
    for key in (first, second):
        standin.connect("ROTATING", "ROTATING_ROLE", key).close()
    run(admin, "ALTER USER ROTATING UNSET RSA_PUBLIC_KEY")
    standin.connect("ROTATING", "ROTATING_ROLE", second).close()
    with pytest.raises(ServiceError, match="JWT token is invalid"):
        standin.connect("ROTATING", "ROTATING_ROLE", first)


def test_a_role_that_was_not_granted_cannot_be_used(standin: StandIn, admin: Any) -> None:
    key = standin.user(admin, "LOWLY", "LOWLY_ROLE")
    with pytest.raises(ServiceError, match="may not use the role ACCOUNTADMIN"):
        standin.connect("LOWLY", "ACCOUNTADMIN", key)
    with standin.connect("LOWLY", "LOWLY_ROLE", key) as connection:
        code, state, message = refusal(connection, "USE ROLE ACCOUNTADMIN")
        assert (code, state) == (3013, "42501")
        assert "Requested role 'ACCOUNTADMIN' is not assigned to the executing user" in message
        assert refusal(connection, "USE ROLE NO_SUCH_ROLE")[0] == 2043


def test_a_disabled_user_is_refused(standin: StandIn, admin: Any) -> None:
    key = standin.user(admin, "GONE", "GONE_ROLE")
    run(admin, "ALTER USER GONE SET DISABLED = TRUE")
    with pytest.raises(ServiceError, match="User access disabled"):
        standin.connect("GONE", "GONE_ROLE", key)


def test_a_closed_session_is_not_accepted_any_more(standin: StandIn) -> None:
    import httpx

    connection = standin.connect()
    token = connection.rest.token
    connection.close()
    answer = httpx.post(
        f"{standin.url}/queries/v1/query-request",
        headers={"Authorization": f'Snowflake Token="{token}"'},
        json={"sqlText": "SELECT 1"},
    )
    assert answer.status_code == 200
    assert (answer.json()["success"], answer.json()["code"]) == (False, "390104")


def test_a_session_token_can_be_renewed(standin: StandIn) -> None:
    with standin.connect() as connection:
        before = connection.rest.token
        connection.rest._renew_session()
        assert connection.rest.token != before
        assert run(connection, "SELECT 1") == [(1,)]


def test_two_connections_have_sessions_of_their_own(standin: StandIn, admin: Any) -> None:
    run(admin, "CREATE OR REPLACE DATABASE ONE_D")
    with standin.connect() as other:
        assert run(other, "SELECT CURRENT_DATABASE()") == [(None,)]
        run(other, "USE SCHEMA ONE_D.PUBLIC")
        assert run(other, "SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()") == [("ONE_D", "PUBLIC")]
        run(admin, "DROP DATABASE ONE_D")
        assert run(other, "SELECT CURRENT_DATABASE()") == [(None,)]
        assert run(other, "SELECT 2") == [(2,)]


def test_the_log_has_no_tokens(standin: StandIn) -> None:
    with standin.connect() as connection:
        run(connection, "SELECT 'a secret thing'")
        token = connection.rest.token
    assert "POST /queries/v1/query-request 200" in standin.log
    assert token not in standin.log
    assert "secret thing" not in standin.log


def test_a_server_that_is_down_is_named_at_once(standin: StandIn, tmp_path: Path) -> None:
    client = standin.client()
    dead = type(client)(**{**client.__dict__, "port": free_port()})
    with pytest.raises(ServiceError, match="does not answer") as raised:
        connect(dead, Project(tmp_path))
    assert raised.value.where == f"127.0.0.1:{dead.port}"
    assert raised.value.do is not None


@pytest.mark.parametrize("text", ["not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_an_unreadable_private_key_names_its_file(standin: StandIn, tmp_path: Path, text: str) -> None:
    broken = tmp_path / "broken.p8"
    broken.write_text(text)
    broken.chmod(0o600)
    with pytest.raises(SecretError) as raised:
        standin.connect(key=broken)
    assert str(broken) in str(raised.value)
    assert "PKCS#8" in str(raised.value)


def test_a_key_pair_is_made_once_and_kept(tmp_path: Path) -> None:
    private = tmp_path / "deep" / "user.p8"
    public = make_key_pair(private)
    assert private.stat().st_mode & 0o777 == 0o600
    assert private.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert make_key_pair(private) == public == public_key_of(private.read_text())
    assert "\n" not in public
    assert [path.name for path in private.parent.iterdir()] == ["user.p8"]


def test_public_keys_that_are_none_are_refused(standin: StandIn, admin: Any) -> None:
    assert refusal(admin, "CREATE USER BROKEN_KEY RSA_PUBLIC_KEY = 'abc'")[0] == 390250
    assert records(admin, "SHOW USERS LIKE 'BROKEN_KEY'") == []
