"""Quoting, types, queries and the printed script: text that must not be able to become another statement."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from modules.errors import ConfigError
from modules.local.standin.tokenizer import Tokens
from modules.warehouse.sql import Header, Roles, Statement, as_json, print_script
from modules.warehouse.sql.queries import normalised, query_of
from modules.warehouse.sql.quoting import comment_line, identifier, identifiers, literal, parse_name, qualified
from modules.warehouse.sql.types import canonical, loss, short

PIECES = (
    "--",
    "/*",
    "*/",
    "''",
    '""',
    "\\'",
    "$$",
    "'; DROP DATABASE X; --",
    '"; --',
    "\u2028",
    "\x85",
    "é",
    "😀",
    "\x1f",
)
NASTY = [*"""aZ_$9 "'`\\;,.()-/*\n\r\t%{}<>&|""", *PIECES]


def nasty_texts(count: int = 3000) -> list[str]:
    """Always the same ones; every single piece, pairs, and longer mixtures."""
    dice = random.Random(20261121)
    mixed = ["".join(dice.choices(NASTY, k=dice.randint(1, 12))) for _ in range(count)]
    return [*NASTY, *(a + b for a in NASTY for b in NASTY), *mixed]


def test_any_text_becomes_one_literal_that_reads_back_as_itself() -> None:
    for text in ["", *nasty_texts()]:
        (token,) = Tokens(literal(text)).all()
        assert (token.kind, token.value) == ("string", text)


def test_any_name_becomes_one_identifier_that_reads_back_as_itself() -> None:
    for name in nasty_texts():
        tokens = Tokens(f"{identifier(name)} , x")
        assert tokens.identifier() == name
        assert tokens.accept(",") and tokens.identifier() == "X"


def test_full_names_read_back_in_their_parts() -> None:
    names = nasty_texts(300)
    for parts in zip(names, names[7:], names[13:], strict=False):
        assert Tokens(qualified(parts)).name() == parts
        assert parse_name(qualified(parts)) == parts


def test_names_without_marks_are_kept_as_show_writes_them() -> None:
    assert parse_name("STREAMING.PUBLIC.ORDER_EVENTS") == ("STREAMING", "PUBLIC", "ORDER_EVENTS")
    assert parse_name('STREAMING."odd.name".T') == ("STREAMING", "odd.name", "T")
    assert parse_name("D.S.F(NUMBER):VARCHAR") == ("D", "S", "F(NUMBER):VARCHAR")


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 256])
def test_what_snowflake_cannot_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a name"):
        identifier(name)


def test_a_literal_without_nul() -> None:
    with pytest.raises(ConfigError, match="NUL"):
        literal("a\0b")


def test_lists_of_names() -> None:
    assert identifiers(["A", 'b"']) == '("A", "b""")'


def test_nothing_ends_a_comment() -> None:
    for text in nasty_texts(500):
        line = comment_line(text)
        assert line.startswith("--") and len(line.splitlines()) == 1
        assert Tokens(line).all() == []


@pytest.mark.parametrize(
    ("written", "one"),
    [
        ("string", "VARCHAR(16777216)"),
        ("char", "VARCHAR(1)"),
        ("Number", "NUMBER(38,0)"),
        ("decimal( 12 , 2 )", "NUMBER(12,2)"),
        ("number(10)", "NUMBER(10,0)"),
        ("bigint", "NUMBER(38,0)"),
        ("double precision", "FLOAT"),
        ("timestamp", "TIMESTAMP_NTZ(9)"),
        ("timestamp_tz(6)", "TIMESTAMP_TZ(6)"),
        ("variant", "VARIANT"),
        ("vector(float, 256)", "VECTOR(FLOAT, 256)"),
    ],
)
def test_a_type_has_one_spelling(written: str, one: str) -> None:
    assert canonical(written) == one
    assert canonical(short(one)) == one


@pytest.mark.parametrize(
    ("old", "new", "keeps", "refused"),
    [
        ("NUMBER(10,0)", "NUMBER(19,0)", True, False),
        ("NUMBER(19,0)", "NUMBER(10,0)", False, False),
        ("NUMBER(12,2)", "NUMBER(12,3)", False, True),
        ("VARCHAR(10)", "VARCHAR(20)", True, False),
        ("VARCHAR(20)", "VARCHAR(10)", False, True),
        ("VARCHAR(20)", "NUMBER(10,0)", False, True),
        ("TIMESTAMP_NTZ(6)", "TIMESTAMP_NTZ(9)", False, True),
    ],
)
def test_only_a_wider_type_keeps_every_value(old: str, new: str, keeps: bool, refused: bool) -> None:
    found = loss(old, new)
    assert (found is None) == keeps
    assert (found.refused if found else False) == refused


@pytest.mark.parametrize(
    "text",
    [
        "CREATE VIEW D.S.V AS SELECT 1 AS X",
        'CREATE OR REPLACE SECURE VIEW "D"."S"."as" COPY GRANTS COMMENT = \'it\'\'s as is\' AS SELECT 1 AS X',
        "create view v (as_of COMMENT ' as ', b) -- as\n as\nSELECT 1 AS X",
        "CREATE DYNAMIC TABLE T TARGET_LAG = '5 minutes' WAREHOUSE = \"AS\" AS SELECT 1 AS X",
        "SELECT 1 AS X",
    ],
)
def test_the_query_is_found_in_its_statement(text: str) -> None:
    assert query_of(text) == "SELECT 1 AS X"


def test_white_space_makes_no_other_query_but_for_text() -> None:
    assert normalised("SELECT  1,\n  'a  b' ;\n") == normalised("SELECT 1, 'a  b'")
    assert normalised("SELECT 'a  b'") != normalised("SELECT 'a b'")
    assert normalised("SELECT a") != normalised("SELECT A")


HEADER = Header(
    "prod", "environments/prod.yaml", "ORG-ACC", "infra warehouse sql --env prod", datetime(2026, 1, 2, tzinfo=UTC)
)
STATEMENTS = [
    Statement('CREATE ROLE IF NOT EXISTS "R"', "Account roles", "security", "role R"),
    Statement('CREATE TABLE IF NOT EXISTS "T" (\n  "A" VARCHAR\n)', "Tables", "objects", "table T"),
    Statement('ALTER TABLE "T" DROP COLUMN\n "B"', "Tables", "objects", "table T", "its values\nare lost", "B there"),
    Statement('ALTER TABLE "T" ALTER COLUMN "C" …', "Tables", "objects", "table T", "not in place", by_hand=True),
]


def test_the_script_says_what_it_is_and_who_runs_it() -> None:
    text = print_script(HEADER, STATEMENTS, Roles.split(), undeclared=["table X is there\nand not declared"])
    assert text.splitlines() == [
        "-- The Snowflake estate of the environment prod: all of it, whatever the account has",
        "-- Made by `infra warehouse sql --env prod` from environments/prod.yaml, 2026-01-02 00:00 UTC",
        "-- Account ORG-ACC; to be run by a user who has ACCOUNTADMIN, SECURITYADMIN (security), SYSADMIN (objects)",
        "-- 4 statements, from top to bottom; running them again changes nothing more",
        "-- 2 statements of these may lose something, here as a comment: look for `unsafe`",
        "",
        "-- ---- Account roles ----",
        'USE ROLE "SECURITYADMIN";',
        'CREATE ROLE IF NOT EXISTS "R";',
        "",
        "-- ---- Tables ----",
        'USE ROLE "SYSADMIN";',
        'CREATE TABLE IF NOT EXISTS "T" (',
        '  "A" VARCHAR',
        ");",
        "-- table T, now: B there",
        "-- unsafe: its values are lost",
        '-- ALTER TABLE "T" DROP COLUMN',
        '--  "B";',
        "-- by hand: not in place",
        '-- ALTER TABLE "T" ALTER COLUMN "C" …;',
        "",
        "-- ---- There and not declared: left alone ----",
        "-- table X is there and not declared",
    ]


def test_allowed_unsafe_statements_are_no_comments_but_what_snowflake_refuses_stays_one() -> None:
    lines = print_script(HEADER, STATEMENTS, Roles.one("ADMIN"), allow_unsafe=True).splitlines()
    assert 'ALTER TABLE "T" DROP COLUMN' in lines and "-- unsafe: its values are lost" in lines
    assert '-- ALTER TABLE "T" ALTER COLUMN "C" …;' in lines
    assert [line for line in lines if line.startswith("USE ROLE")] == ['USE ROLE "ADMIN";']


def test_machines_get_the_same() -> None:
    found = as_json(HEADER, STATEMENTS, Roles.split())
    statements = found["statements"]
    assert isinstance(statements, list)
    assert statements[2] == {
        "sql": 'ALTER TABLE "T" DROP COLUMN\n "B"', "role": "SYSADMIN", "section": "Tables", "about": "table T",
        "unsafe": "its values\nare lost", "was": "B there", "by_hand": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], Roles.one("ADMIN")),
        (["OTHER"], Roles.one("OTHER")),
        (["split"], Roles("ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN")),
        (["split", "objects=PLATFORM"], Roles("ACCOUNTADMIN", "SECURITYADMIN", "PLATFORM")),
        (["security=SECURITYADMIN"], Roles("ADMIN", "SECURITYADMIN", "ADMIN")),
    ],
)
def test_roles_are_chosen_by_area(given: list[str], expected: Roles) -> None:
    assert Roles.parse(given, "ADMIN") == expected


def test_an_area_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no area `tables`"):
        Roles.parse(["tables=X"], "ADMIN")
