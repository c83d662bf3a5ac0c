"""The page about the stand-in names what there is, and what it says is refused is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modules.local.standin.information_schema import served
from modules.local.standin.kinds import KINDS
from tests.standin.harness import StandIn, refusal, run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "snowflake-stand-in.md").read_text()


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return StandIn(tmp_path_factory.mktemp("standin"))


def test_every_kind_of_object_is_named() -> None:
    words = PAGE.lower()
    for kind in KINDS.keys() - {"ACCOUNT", "ROLE"}:
        plural = kind.lower()[:-1] + "ies" if kind.endswith("CY") else f"{kind.lower()}s"
        assert plural in words or plural.split(" ")[-1] in words, kind


def test_the_views_of_information_schema_are_those_that_are_served() -> None:
    match = re.search(r"`INFORMATION_SCHEMA` \(([A-Z, ]+)\)", PAGE)
    assert match is not None
    assert set(match[1].split(", ")) == served()


def test_what_the_page_says_is_refused_is_refused(standin: StandIn) -> None:
    standin.start()
    connection = standin.connect()
    try:
        run(connection, "CREATE DATABASE REFUSING")
        run(connection, "CREATE TABLE T (A NUMBER)")
        for sql in (
            "CREATE TASK X AS SELECT 1",
            "CREATE FUNCTION F() RETURNS NUMBER AS '1'",
            "CREATE PROCEDURE P() RETURNS NUMBER AS '1'",
            "COPY INTO T FROM @S",
            "CREATE MATERIALIZED VIEW V AS SELECT A FROM T",
            "SELECT * FROM T BEFORE (STATEMENT => 'x')",
            "CREATE DATABASE OTHER CLONE REFUSING",
            "CREATE SCHEMA OTHER CLONE PUBLIC",
        ):
            assert refusal(connection, sql)[0] == 2, sql
    finally:
        connection.close()
        standin.stop()
