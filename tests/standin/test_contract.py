"""The contract: statements and answers kept as data, held by the stand-in and, where one is given, a real account."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.standin.harness import StandIn, refusal

CONTRACT = Path(__file__).parent / "contract"
FILES = sorted(path.stem for path in CONTRACT.glob("*.yaml"))
ACCOUNT = "INFRA_CONTRACT_ACCOUNT"


@pytest.fixture(
    scope="module",
    params=[
        "standin",
        pytest.param(
            "account",
            marks=pytest.mark.skipif(
                ACCOUNT not in os.environ,
                reason=f"no real account: set {ACCOUNT} and the others that tests/standin/contract/README.md names",
            ),
        ),
    ],
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """Where the contract is held, and a session there."""
    if request.param == "standin":
        server = StandIn(tmp_path_factory.mktemp("contract")).start()
        yield "standin", server.connect(warehouse="COMPUTE_WH")
        server.stop()
    else:
        connection = real_account()
        yield "account", connection
        connection.close()


def real_account() -> Any:
    import snowflake.connector
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

    pem = Path(os.environ["INFRA_CONTRACT_PRIVATE_KEY_FILE"]).read_bytes()
    return snowflake.connector.connect(
        account=os.environ[ACCOUNT],
        user=os.environ["INFRA_CONTRACT_USER"],
        role=os.environ.get("INFRA_CONTRACT_ROLE", "ACCOUNTADMIN"),
        warehouse=os.environ.get("INFRA_CONTRACT_WAREHOUSE", "COMPUTE_WH"),
        authenticator="SNOWFLAKE_JWT",
        private_key=load_pem_private_key(pem, None).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    )


def answer(connection: Any, sql: str) -> list[dict[str, str | None]]:
    """The rows, their values as text and their columns' names in lower case."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        names = [column.name.lower() for column in cursor.description]
        return [dict(zip(names, map(text, row), strict=True)) for row in cursor.fetchall()]


def text(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def contains(row: dict[str, str | None], wanted: dict[str, str]) -> bool:
    return all((row.get(key) or "") == value for key, value in wanted.items())


def check(connection: Any, case: dict[str, Any]) -> None:
    sql = case["sql"]
    if "error" in case:
        number, _, words = refusal(connection, sql)
        assert (number, case["error"]["words"] in words) == (case["error"]["number"], True), f"{sql}: {number} {words}"
        return
    with connection.cursor() as cursor:
        cursor.execute(sql)
        described, found = [column.name.lower() for column in cursor.description], cursor.fetchall()
    texts = [[text(value) for value in row] for row in found]
    rows = [dict(zip(described, row, strict=True)) for row in texts]
    if "rows" in case:
        assert texts == case["rows"], sql
    if "names" in case:
        assert [row["name"] for row in rows] == case["names"], sql
    for wanted in case.get("has", ()):
        assert any(contains(row, wanted) for row in rows), f"{sql}: no row has {wanted} in {rows}"
    for unwanted in case.get("lacks", ()):
        assert not any(contains(row, unwanted) for row in rows), f"{sql}: a row has {unwanted}"


def filled(value: Any, names: dict[str, str]) -> Any:
    """Placeholders put in, wherever they are."""
    if isinstance(value, dict):
        return {key: filled(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, names) for one in value]
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"{{{name}}}", text)
    return value


@pytest.mark.parametrize("name", FILES)
def test_the_contract_holds(name: str, place: tuple[str, Any]) -> None:
    where, connection = place
    own = f"CONTRACT_{name.upper()}_{uuid.uuid4().hex[:6].upper()}"
    me = answer(connection, "SELECT CURRENT_USER() AS U, CURRENT_ROLE() AS R, CURRENT_WAREHOUSE() AS W")[0]
    names = {key: f"{own}_{key}" for key in ("DB", "WH", "R1", "R2", "U")}
    names |= {"ME": str(me["u"]), "ROLE": str(me["r"]), "WAREHOUSE": str(me["w"])}
    try:
        for case in yaml.safe_load((CONTRACT / f"{name}.yaml").read_text()):
            if case.get("only", where) != where:
                continue
            connection.cursor().execute(f"USE ROLE {case.get('role', '{ROLE}')}".format(**names))
            if "role" in case:
                connection.cursor().execute(f"USE WAREHOUSE {names['WAREHOUSE']}")
            check(connection, filled(case, names))
    finally:
        connection.cursor().execute(f"USE ROLE {names['ROLE']}")
        connection.cursor().execute(f"USE WAREHOUSE {names['WAREHOUSE']}")
        for kind, key in (("DATABASE", "DB"), ("WAREHOUSE", "WH"), ("ROLE", "R1"), ("ROLE", "R2"), ("USER", "U")):
            connection.cursor().execute(f"DROP {kind} IF EXISTS {names[key]}")
