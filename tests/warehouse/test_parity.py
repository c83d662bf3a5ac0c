"""One estate, several engines: what Terraform and the SQL engine leave in a fresh account is the same.

Three kinds of differences are none: the order of a set (Snowflake's lists of addresses), a default that is said
(AUTO_INGEST = FALSE), and the administrator's key, of which each stand-in has its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from snowflake.connector.errors import ProgrammingError

from modules.local.plugins import write_mirror
from modules.local.plugins.snowflake.provider import SnowflakeProvider
from modules.local.standin.tokenizer import Tokens
from modules.terraform.providers import ProviderInstallation
from modules.warehouse.sql import Roles, script
from tests.plugins.attached import AttachedPlugin, attached
from tests.standin.harness import StandIn, run
from tests.warehouse.parity import HERE, Declared, by_sql, by_terraform, declared, differing, dumped, governed

OFFICIAL = os.environ.get("INFRA_PLUGIN_DIR")
ESTATES = ("preset", "rich")


@contextmanager
def bundled() -> Iterator[None]:
    """The bundled plugin, served from here rather than started by every Terraform command."""
    plugin = AttachedPlugin(SnowflakeProvider)
    try:
        with attached(plugin):
            yield
    finally:
        plugin.close()


def gaps(left: Any, right: Any, where: str = "") -> list[str]:
    """Where two dumps differ, a line each."""
    if isinstance(left, dict) and isinstance(right, dict):
        return [
            line for key in sorted({*left, *right}) for line in gaps(left.get(key), right.get(key), f"{where}/{key}")
        ]
    if isinstance(left, list) and isinstance(right, list) and where.count("/") == 1:
        return [f"{where}: only left {each}" for each in left if each not in right] + [
            f"{where}: only right {each}" for each in right if each not in left
        ]
    return [] if left == right else [f"{where}: {left!r} and {right!r}"]


@dataclass(frozen=True)
class Account:
    """A stand-in that the SQL engine made an estate in, and what was in it then."""

    ours: Declared
    standin: StandIn
    dump: dict[str, Any]


@pytest.fixture(scope="module", params=ESTATES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Each estate, made by the SQL engine; tests leave the account as it was."""
    folder = tmp_path_factory.mktemp(request.param)
    ours = declared(folder / "project", HERE / f"{request.param}.yaml")
    standin = StandIn(folder).start()
    try:
        assert by_sql(ours, standin) > 0
        yield Account(ours, standin, comparable(dumped(standin)))
    finally:
        standin.stop()


@pytest.fixture
def rich(made: Account) -> Account:
    if not made.ours.estate.iceberg_tables:
        pytest.skip("of the rich estate only")
    return made


def plugins(kind: str, folder: Path) -> ProviderInstallation:
    if kind == "official":
        assert OFFICIAL
        return ProviderInstallation("official", Path(OFFICIAL))
    write_mirror(folder / "mirror")
    return ProviderInstallation("bundled", folder / "mirror")


def comparable(dump: dict[str, Any]) -> dict[str, Any]:
    dump["objects"]["USER"]["INFRA_ADMIN"]["properties"].pop("RSA_PUBLIC_KEY")
    objects = dump["objects"]
    for policy in [*objects.get("NETWORK POLICY", {}).values(), *objects.get("NETWORK RULE", {}).values()]:
        for name, value in policy["properties"].items():
            policy["properties"][name] = sorted(value) if isinstance(value, list) else value
    for pipe in objects.get("PIPE", {}).values():
        if pipe["properties"].get("AUTO_INGEST") == "false":
            del pipe["properties"]["AUTO_INGEST"]
    return dump


@pytest.mark.parametrize(
    "kind",
    [
        "bundled",
        pytest.param(
            "official",
            marks=pytest.mark.skipif(
                not OFFICIAL, reason="no official snowflakedb/snowflake plugin: name its mirror in INFRA_PLUGIN_DIR"
            ),
        ),
    ],
)
def test_terraform_and_sql_leave_the_same_account(
    kind: str, made: Account, own_standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    with bundled() if kind == "bundled" else nullcontext():
        deployment = by_terraform(made.ours, own_standin, plugins(kind, tmp_path), tmp_path / "terraform")
        assert gaps(comparable(dumped(own_standin)), made.dump) == []
        seen = differing(made.ours, own_standin)
        assert (seen.statements, seen.undeclared) == ((), ()), "the SQL engine finds nothing to do after Terraform"
        assert deployment.plan().counts == {}, "nor does Terraform"


def test_sql_applied_twice_does_nothing_the_second_time(made: Account) -> None:
    assert by_sql(made.ours, made.standin) == 0
    assert comparable(dumped(made.standin)) == made.dump


def as_snowflake_would(connection: Any, sql: str) -> None:
    """Runs a statement of the script. A block is Snowflake Scripting, which the stand-in has not: its one statement is
    run, and may find the object there."""
    if not sql.startswith("EXECUTE IMMEDIATE "):
        run(connection, sql)
        return
    inner = Tokens(sql).all()[-1].value.partition("\n")[2].partition(";\nEXCEPTION")[0].strip()
    try:
        run(connection, inner)
    except ProgrammingError as error:
        assert error.errno == 2002


def test_the_printed_script_leaves_what_apply_leaves_however_often_it_runs(rich: Account, own_standin: StandIn) -> None:
    governed(own_standin)
    connection = own_standin.connect()
    safe = [each.sql for each in script(rich.ours.wanted) if not each.unsafe]
    for _ in ("once", "twice"):
        for sql in safe:
            as_snowflake_would(connection, sql)
        assert gaps(comparable(dumped(own_standin)), rich.dump) == []
    connection.close()


def test_administrators_who_split_the_work_make_the_same_objects_with_owners_of_their_own(
    rich: Account, own_standin: StandIn
) -> None:
    assert by_sql(rich.ours, own_standin, Roles.split()) > 0
    assert differing(rich.ours, own_standin).statements == ()
    found = comparable(dumped(own_standin))["objects"]
    owners = {
        kind: {each["owner"] for name, each in objects.items() if "GOVERN" not in name.split(".")}
        for kind, objects in found.items()
    }
    assert owners["DATABASE"] == owners["TABLE"] == {"SYSADMIN"}
    assert owners["INTEGRATION"] == owners["RESOURCE MONITOR"] == {"ACCOUNTADMIN"}
    assert "SECURITYADMIN" in owners["ROLE"]
    assert {kind: set(objects) for kind, objects in found.items()} == {
        kind: set(objects) for kind, objects in rich.dump["objects"].items()
    }


DRIFT = {
    'ALTER WAREHOUSE "TRANSFORM_WH" SET WAREHOUSE_SIZE = LARGE AUTO_SUSPEND = 900': (
        'ALTER WAREHOUSE "TRANSFORM_WH" SET WAREHOUSE_SIZE = MEDIUM AUTO_SUSPEND = 300',
        None,
    ),
    'REVOKE SELECT ON TABLE "STREAMING"."RAW"."CUSTOMERS" FROM ROLE "LEAD"': (
        'GRANT SELECT ON TABLE "STREAMING"."RAW"."CUSTOMERS" TO ROLE "LEAD"',
        None,
    ),
    'ALTER TABLE "STREAMING"."RAW"."CUSTOMERS" ADD COLUMN "BY_HAND" VARCHAR': (
        'ALTER TABLE "STREAMING"."RAW"."CUSTOMERS" DROP COLUMN "BY_HAND"',
        "its values are lost",
    ),
    'ALTER DATABASE "STREAMING" SET DATA_RETENTION_TIME_IN_DAYS = 5': (
        'ALTER DATABASE "STREAMING" SET DATA_RETENTION_TIME_IN_DAYS = 1',
        "from 5 to 1 days",
    ),
    'GRANT UPDATE ON TABLE "STREAMING"."RAW"."CUSTOMERS" TO ROLE "LEAD"': (
        'REVOKE UPDATE ON TABLE "STREAMING"."RAW"."CUSTOMERS" FROM ROLE "LEAD"',
        "whoever works in LEAD may use it",
    ),
    'ALTER SCHEMA "STREAMING"."RAW" DISABLE MANAGED ACCESS': (
        'ALTER SCHEMA "STREAMING"."RAW" ENABLE MANAGED ACCESS',
        None,
    ),
    'ALTER USER "SVC_DBT" UNSET NETWORK_POLICY': ('ALTER USER "SVC_DBT" SET NETWORK_POLICY = "OFFICE"', None),
    'REVOKE ROLE "LEAD" FROM USER "SVC_DBT"': ('GRANT ROLE "LEAD" TO USER "SVC_DBT"', None),
    'DROP VIEW "ANALYTICS"."MARTS"."BIG_SPENDERS"': (
        'CREATE VIEW IF NOT EXISTS "ANALYTICS"."MARTS"."BIG_SPENDERS" AS\n'
        "SELECT ID FROM ANALYTICS.MARTS.SPENDERS WHERE BALANCE > 1000",
        None,
    ),
    'ALTER NETWORK RULE "STREAMING"."GOVERNANCE"."BAD" SET VALUE_LIST = (\'203.0.113.1\')': (
        'ALTER NETWORK RULE "STREAMING"."GOVERNANCE"."BAD" SET VALUE_LIST = (\'198.51.100.7\')',
        None,
    ),
    'COMMENT ON TABLE "STREAMING"."RAW"."CUSTOMERS" IS \'other\'': (
        'ALTER TABLE "STREAMING"."RAW"."CUSTOMERS" SET COMMENT = \'Who buys.\'',
        None,
    ),
}
"""What a person did by hand → the statement that puts it right, and what the statement warns of."""


def test_what_was_done_by_hand_is_found_and_put_right_and_the_unsafe_only_when_allowed(rich: Account) -> None:
    ours, standin = rich.ours, rich.standin
    connection = standin.connect()
    for by_hand in DRIFT:
        run(connection, by_hand)
    statements = differing(ours, standin).statements
    found = {each.sql: each for each in statements}
    assert len(found) == len(statements)
    for by_hand, (cure, warning) in DRIFT.items():
        assert cure in found, (by_hand, list(found))
        unsafe = found.pop(cure).unsafe
        assert (warning is None and unsafe is None) or (warning is not None and warning in (unsafe or "")), by_hand
    # A view that is made again needs its grants and its owner again; LEAD is to read all tables of the schema.
    assert found.keys() == {
        'GRANT OWNERSHIP ON VIEW "ANALYTICS"."MARTS"."BIG_SPENDERS" TO ROLE "LEAD" COPY CURRENT GRANTS',
        'GRANT SELECT ON VIEW "ANALYTICS"."MARTS"."BIG_SPENDERS" TO DATABASE ROLE "ANALYTICS"."MARTS_READ"',
        'GRANT SELECT ON ALL TABLES IN SCHEMA "STREAMING"."RAW" TO ROLE "LEAD"',
    }
    assert by_sql(ours, standin) == len(statements)
    assert differing(ours, standin).statements == ()
    assert gaps(comparable(dumped(standin)), rich.dump) == []
    connection.close()


def test_what_nobody_declared_is_said_and_left(rich: Account) -> None:
    connection = rich.standin.connect()
    for sql in (
        'CREATE TABLE "STREAMING"."RAW"."odd name" ("a" VARCHAR)',
        'CREATE SCHEMA "STREAMING"."SCRATCH"',
        'CREATE TABLE "STREAMING"."SCRATCH"."T" ("A" VARCHAR)',
        'ALTER TABLE "STREAMING"."RAW"."CLICKS" ADD COLUMN "NEW_FIELD" VARCHAR',
        'GRANT MONITOR ON DATABASE "ANALYTICS" TO ROLE "LEAD"',
        'GRANT ROLE "ANALYST" TO USER "SVC_DBT"',
    ):
        run(connection, sql)
    found = differing(rich.ours, rich.standin)
    # LEAD may read all tables of the schema, so also the one that was made by hand.
    assert [each.sql for each in found.statements] == [
        'GRANT SELECT ON ALL TABLES IN SCHEMA "STREAMING"."RAW" TO ROLE "LEAD"'
    ]
    assert found.undeclared == (
        "schema STREAMING.SCRATCH is there and not declared, with 1 objects in it",
        "table STREAMING.RAW.odd name is there and not declared",
        "table STREAMING.RAW.CLICKS has the column NEW_FIELD that its schema's evolution added",
        "role LEAD: MONITOR on database ANALYTICS is granted and not declared",
        "role ANALYST to user SVC_DBT is granted and not declared",
    )
    for sql in (
        'DROP TABLE "STREAMING"."RAW"."odd name"',
        'DROP SCHEMA "STREAMING"."SCRATCH"',
        'ALTER TABLE "STREAMING"."RAW"."CLICKS" DROP COLUMN "NEW_FIELD"',
        'REVOKE MONITOR ON DATABASE "ANALYTICS" FROM ROLE "LEAD"',
        'REVOKE ROLE "ANALYST" FROM USER "SVC_DBT"',
    ):
        run(connection, sql)
    connection.close()
