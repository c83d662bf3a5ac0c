"""`infra warehouse sql` and what it runs, against a stand-in: names that are no plain words, failures, the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from modules.errors import ApplyError
from modules.warehouse.sql import Catalogue, Roles, Statement, apply, difference, read_live
from modules.warehouse.sql.catalogue import Column, Item, Member, Right
from modules.warehouse.sql.environment import account_of
from modules.warehouse.sql.quoting import qualified
from tests.standin.harness import StandIn, run
from tests.warehouse.parity import HERE, declared, differing

ADMIN = Roles.one("ACCOUNTADMIN")
ODD = ("ODD", "lower case", "TABLE", 'o"dd; DROP DATABASE ODD; --', "a b")
"""Names of a database, schema, table, role and column. What the stand-in's engine cannot name, test_sql_text tries."""


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    server = StandIn(tmp_path_factory.mktemp("standin")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With keys that stay the same."""
    folder = tmp_path_factory.mktemp("project")
    declared(folder, HERE / "preset.yaml", "prod")
    return folder


def odd_estate() -> Catalogue:
    """An estate whose every name and text would be another statement if it were not quoted."""
    database, schema, table, role, column = ODD
    comment = 'it\'s \\ "so"; --\n/* $$ */'
    items = [
        Item("ROLE", (role,), {"COMMENT": comment}),
        Item("DATABASE", (database,), {"COMMENT": comment}),
        Item("SCHEMA", (database, schema), {"MANAGED_ACCESS": True, "COMMENT": comment}),
        Item("DATABASE ROLE", (database, role), {"COMMENT": comment}),
        Item(
            "TABLE",
            (database, schema, table),
            {"COMMENT": 'it\'s "so"', "CHANGE_TRACKING": True},
            (Column(column, "VARCHAR(16777216)", True, "it's"), Column("PLAIN", "NUMBER(10,0)", False)),
        ),
        Item(
            "VIEW",
            (database, schema, "v"),
            {"COMMENT": comment, "QUERY": f"SELECT \"PLAIN\", ' as ' AS X FROM {qualified((database, schema, table))}"},
        ),
    ]
    rights = [
        Right((role,), "SELECT", "TABLE", (database, schema, table)),
        Right((database, role), "SELECT", "VIEW", (database, schema), "future"),
    ]
    return Catalogue.of(items, rights, [Member((database, role), "ROLE", (role,))])


def test_names_and_texts_that_are_no_plain_words_are_made_once_and_read_back(standin: StandIn) -> None:
    estate = odd_estate()
    with closing(standin.connect()) as connection:
        first = difference(estate, read_live(connection, estate))
        assert apply(connection, first.statements, ADMIN) == len(first.statements)
        again = difference(estate, read_live(connection, estate))
        assert [each.sql for each in again.statements] == []
        assert again.undeclared == ()
        run(connection, f"DROP DATABASE {qualified(ODD[:1])}")
        run(connection, f"DROP ROLE {qualified(ODD[3:4])}")


def statement(sql: str) -> Statement:
    return Statement(sql, "Tables", "objects", f"what {sql.split()[-1]} is")


def test_the_first_refusal_stops_and_says_what_is_done_and_what_is_not(standin: StandIn) -> None:
    statements = [statement(f"CREATE DATABASE IF NOT EXISTS STOPS_{number}") for number in range(4)]
    statements[2] = statement("CREATE TABLE NOWHERE.S.T (A VARCHAR)")
    told: list[int] = []
    with closing(standin.connect()) as connection:
        with pytest.raises(ApplyError) as stopped:
            apply(connection, statements, ADMIN, lambda number, each: told.append(number))
        assert told == [1, 2, 3]
        words = str(stopped.value)
        assert "Snowflake said to ACCOUNTADMIN: 002003" in words and "NOWHERE" in words
        assert "statement 3 of 4" in words and "done before it: 2" in words
        assert "not done: CREATE DATABASE IF NOT EXISTS STOPS_3" in words and "run the same command again" in words
        found = [row[1] for row in run(connection, "SHOW DATABASES LIKE 'STOPS%'")]
        assert found == ["STOPS_0", "STOPS_1"]
        statements[2] = statement("CREATE DATABASE IF NOT EXISTS STOPS_2")
        assert apply(connection, statements, ADMIN) == 4


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def infra(standin: StandIn, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in a project whose Snowflake is the stand-in."""

    class Platform:
        def snowflake_client(self, role: str) -> Any:
            return standin.client()

    monkeypatch.setenv("INFRA_PROJECT", str(project))
    monkeypatch.setattr("modules.platforms.platform_for", lambda environment, project: Platform())

    def run_it(*arguments: str) -> tuple[int, str, str]:
        code = main(["warehouse", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run_it


def test_printing_needs_no_account_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = declared(tmp_path, HERE / "preset.yaml", "prod")
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    assert main(["warehouse", "sql", "--env", "prod"]) == 0
    script = capsys.readouterr().out
    unnamed = ours.environment.warehouse.model_copy(update={"account": None})
    elsewhere = ours.environment.model_copy(update={"warehouse": unnamed})
    assert account_of(elsewhere)[0] == "not named yet (`warehouse.account`)", "the laptop's is nobody else's"
    assert script.startswith("-- The Snowflake estate of the environment prod: all of it")
    assert "-- Account INFRA-LOCAL; to be run by a user who has ACCOUNTADMIN" in script
    assert 'CREATE TABLE IF NOT EXISTS "STREAMING"."PUBLIC"."ORDER_EVENTS"' in script
    assert ours.keys["SVC_KAFKA_CONNECTOR"].first in script
    for key in tmp_path.rglob("*.p8"):
        assert all(line not in script for line in key.read_text().splitlines()[1:-1])
    assert main(["warehouse", "sql", "--env", "prod", "--json", "--roles", "split"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["role"] for each in found["statements"]} == {"ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN"}


def test_the_command_compares_applies_and_then_has_nothing_to_do(infra: Run, standin: StandIn) -> None:
    code, out, _ = infra("sql", "--env", "prod", "--diff")
    assert code == 2 and 'CREATE DATABASE IF NOT EXISTS "STREAMING"' in out and "what differs from the account" in out

    code, _, err = infra("sql", "--env", "prod", "--apply")
    assert code == 1 and "there is nobody to confirm the statements" in err
    assert infra("sql", "--env", "prod", "--diff")[0] == 2, "nothing was run"

    code, out, err = infra("sql", "--env", "prod", "--apply", "--yes")
    assert code == 0 and "1/" in err and "applied: " in err
    for options in (("--diff",), ("--apply", "--yes")):
        code, out, err = infra("sql", "--env", "prod", *options)
        assert code == 0 and "the account has all that is declared" in err, (out, err)
    assert infra("sql", "--env", "prod", "--apply", "--yes", "--json")[1:] == (
        '{\n  "applied": 0,\n  "left_out": []\n}\n',
        "reading the account's objects\nreading the database ANALYTICS\nreading the database STREAMING\n"
        "reading who may do what\nnothing to do\n",
    )


def test_what_another_engine_makes_is_compared_and_not_applied(infra: Run, project: Path) -> None:
    text = (HERE / "preset.yaml").read_text()
    (project / "environments" / "other.yaml").write_text(text.replace("engine: sql", "engine: terraform"))
    code, _, err = infra("sql", "--env", "other", "--apply", "--yes")
    assert code == 1 and "made by terraform, which would not know" in err and "environments/other.yaml" in err
    assert infra("sql", "--env", "other", "--diff")[0] in (0, 2)


def test_what_may_lose_something_is_run_only_when_it_is_allowed(infra: Run, standin: StandIn) -> None:
    infra("sql", "--env", "prod", "--apply", "--yes")
    with closing(standin.connect()) as connection:
        run(connection, 'ALTER TABLE "STREAMING"."PUBLIC"."ORDER_EVENTS" ADD COLUMN "BY_HAND" VARCHAR')
        run(connection, 'REVOKE INSERT ON TABLE "STREAMING"."PUBLIC"."ORDER_EVENTS" FROM ROLE "KAFKA_CONNECTOR"')
    code, out, err = infra("sql", "--env", "prod", "--apply", "--yes")
    assert code == 2 and "left out: 1 that may lose something" in err and "applied: 1 of 1" in err
    assert '-- ALTER TABLE "STREAMING"."PUBLIC"."ORDER_EVENTS" DROP COLUMN "BY_HAND";' in out
    code, out, err = infra("sql", "--env", "prod", "--diff", "--json")
    (left,) = json.loads(out)["statements"]
    assert code == 2 and left["unsafe"] == "column BY_HAND is not declared; its values are lost"
    code, _, err = infra("sql", "--env", "prod", "--apply", "--yes", "--allow-unsafe")
    assert code == 0 and "applied: 1 of 1" in err
    assert infra("sql", "--env", "prod", "--diff")[0] == 0


def test_an_account_that_refuses_to_answer_is_an_error_of_ours(standin: StandIn, tmp_path: Path) -> None:
    ours = declared(tmp_path, HERE / "preset.yaml")
    assert differing(ours, standin) is not None
    with closing(standin.connect()) as connection:
        connection.close()
        from modules.errors import ServiceError

        with pytest.raises(ServiceError, match="Snowflake refused to answer"):
            read_live(connection, ours.wanted)
