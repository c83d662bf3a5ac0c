"""Statements of the estate as SQL: their order, that each may run again, and what a difference asks for. No account."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from modules.local.standin.tokenizer import Tokens
from modules.warehouse.sql import Catalogue, Roles, Statement, difference, script
from modules.warehouse.sql.catalogue import Column, Item, Member, Right, Tagged
from modules.warehouse.sql.kinds import KINDS
from tests.warehouse.parity import HERE, declared

NOTHING = Catalogue()


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return declared(tmp_path_factory.mktemp("rich"), HERE / "rich.yaml").wanted


def names_in(sql: str) -> list[tuple[str, ...]]:
    """Every name in quotation marks, in its parts."""
    found: list[tuple[str, ...]] = []
    tokens = Tokens(sql).all()
    at = 0
    while at < len(tokens):
        if tokens[at].kind != "quoted":
            at += 1
            continue
        parts = [tokens[at].value]
        while at + 2 < len(tokens) and tokens[at + 1].text == "." and tokens[at + 2].kind == "quoted":
            parts.append(tokens[at + 2].value)
            at += 2
        found.append(tuple(parts))
        at += 1
    return found


def assert_ordered(statements: Iterable[Statement], catalogue: Catalogue) -> None:
    """No statement names an object of the catalogue, or what that is in, before one has made it."""
    by_name = {item.name: item for item in catalogue.items.values()}
    made: set[tuple[str, ...]] = set()
    for each in statements:
        sql = each.sql
        if sql.startswith("EXECUTE IMMEDIATE "):
            sql = Tokens(sql).all()[-1].value.partition("\n")[2].strip()
        if sql.startswith("CREATE "):
            target = names_in(sql)[0]
            made.add(target)
            made.add((target[0], "PUBLIC"))
        for name in names_in(each.sql):
            for depth in range(1, len(name) + 1):
                assert name[:depth] not in by_name or name[:depth] in made, (each.sql, name[:depth])
        for name in re.findall(r"(?<![\w.\"@])(?:[A-Z_]\w*\.){2}[A-Z_]\w*", each.sql):
            parts = tuple(name.split("."))
            assert parts not in by_name or parts in made, (each.sql, parts)


def test_nothing_is_named_before_it_is_made(rich: Catalogue) -> None:
    assert_ordered(script(rich), rich)
    assert_ordered(difference(rich, NOTHING).statements, rich)


def test_the_order_does_not_come_from_the_names(rich: Catalogue) -> None:
    """With names that sort the other way round."""
    views = [item for item in rich.items.values() if item.kind in ("VIEW", "DYNAMIC TABLE")]
    assert {item.level for item in views} == {0, 1}
    reading = [each.about for each in script(rich) if each.sql.startswith("CREATE") and "VIEW" in each.sql[:40]]
    assert reading == ["view ANALYTICS.MARTS.SPENDERS", "view ANALYTICS.MARTS.BIG_SPENDERS"]


def test_every_statement_may_run_again(rich: Catalogue) -> None:
    again = re.compile(
        r"CREATE (TRANSIENT |SECURE )?[A-Z ]+ IF NOT EXISTS |CREATE OR REPLACE (SECURE )?VIEW .* COPY GRANTS"
        r"|EXECUTE IMMEDIATE 'BEGIN\n  CREATE NETWORK RULE (.|\n)+SQLCODE <> 2002"
        r"|ALTER [A-Z ]+ \"[^ ]+ (SET |TRIGGERS |ADD COLUMN IF NOT EXISTS |CLUSTER BY |ENABLE MANAGED ACCESS)|GRANT "
    )
    for each in script(rich):
        assert again.match(each.sql), each.sql


def test_every_kind_of_the_estate_is_in_it(rich: Catalogue) -> None:
    assert {item.kind for item in rich.items.values()} == set(KINDS)


def test_only_statements_that_may_cost_something_are_unsafe(rich: Catalogue) -> None:
    unsafe = {each.sql.split(" SET ")[1].split(" = ")[0] for each in script(rich) if each.unsafe}
    assert unsafe == {"DATA_RETENTION_TIME_IN_DAYS", "RSA_PUBLIC_KEY", "FREQUENCY"}
    assert difference(rich, NOTHING).unsafe == ()


def test_no_private_key_is_in_it(rich: Catalogue) -> None:
    assert not any("PRIVATE" in each.sql for each in script(rich))


def test_nothing_differs_from_itself(rich: Catalogue) -> None:
    everywhere = replace(rich, rights=frozenset(each for each in rich.rights if each.scope != "all"))
    assert difference(everywhere, _owned(everywhere)).statements == ()


def _owned(catalogue: Catalogue) -> Catalogue:
    owners = {(right.kind, right.name): right.role for right in catalogue.rights if right.privilege == "OWNERSHIP"}
    return replace(
        catalogue, items={key: replace(item, owner=owners.get(key)) for key, item in catalogue.items.items()}
    )


TABLE = Item(
    "TABLE",
    ("D", "S", "T"),
    {"CLUSTER_BY": (), "ENABLE_SCHEMA_EVOLUTION": False, "DATA_RETENTION_TIME_IN_DAYS": 3, "COMMENT": "c"},
    (Column("A", "VARCHAR(20)"), Column("B", "NUMBER(10,0)", nullable=False)),
)


def changed(live: Item, item: Item = TABLE) -> list[tuple[str, str | None, bool]]:
    found = difference(Catalogue.of([item]), Catalogue.of([live])).statements
    return [(each.sql.replace('"D"."S"."T"', "T"), each.unsafe, each.by_hand) for each in found]


@pytest.mark.parametrize(
    ("values", "sql", "unsafe"),
    [
        ({"DATA_RETENTION_TIME_IN_DAYS": 1}, "ALTER TABLE T SET DATA_RETENTION_TIME_IN_DAYS = 3", None),
        ({"DATA_RETENTION_TIME_IN_DAYS": 9}, "ALTER TABLE T SET DATA_RETENTION_TIME_IN_DAYS = 3", "from 9 to 3 days"),
        ({"COMMENT": ""}, "ALTER TABLE T SET COMMENT = 'c'", None),
        ({"CLUSTER_BY": ("A",)}, "ALTER TABLE T DROP CLUSTERING KEY", None),
    ],
)
def test_a_setting_that_differs_is_set(values: dict[str, Any], sql: str, unsafe: str | None) -> None:
    ((found, why, _),) = changed(replace(TABLE, values={**TABLE.values, **values}))
    assert found == sql
    assert (why or "").startswith(unsafe or "") and (why is None) == (unsafe is None)


@pytest.mark.parametrize(
    ("columns", "sql", "unsafe", "by_hand"),
    [
        ([Column("A", "VARCHAR(10)")], 'ALTER COLUMN "A" SET DATA TYPE VARCHAR(20)', None, False),
        ([Column("A", "VARCHAR(30)")], 'ALTER COLUMN "A" SET DATA TYPE VARCHAR(20)', "add a column, copy", True),
        ([Column("B", "NUMBER(12,0)", False)], 'ALTER COLUMN "B" SET DATA TYPE NUMBER(10,0)', "beyond", False),
        ([Column("A", "VARCHAR(20)", False)], 'ALTER COLUMN "A" DROP NOT NULL', None, False),
        ([Column("B", "NUMBER(10,0)")], 'ALTER COLUMN "B" SET NOT NULL', "while a row has no B", False),
        ([Column("A", "VARCHAR(20)", comment="x")], "ALTER COLUMN \"A\" COMMENT ''", None, False),
        ([Column("a", "DATE")], 'DROP COLUMN "a"', "its values are lost", False),
    ],
)
def test_a_column_that_differs_is_changed(columns: list[Column], sql: str, unsafe: str | None, by_hand: bool) -> None:
    by_name = {column.name: column for column in [*TABLE.columns, *columns]}
    ((found, why, hand),) = changed(replace(TABLE, columns=tuple(by_name.values())))
    assert found == f"ALTER TABLE T {sql}"
    assert hand == by_hand and (why is None) == (unsafe is None) and (unsafe or "") in (why or "")


def test_a_missing_column_is_added_and_a_required_one_is_warned_of() -> None:
    ((sql, unsafe, _),) = changed(replace(TABLE, columns=TABLE.columns[1:]))
    assert (sql, unsafe) == ('ALTER TABLE T ADD COLUMN "A" VARCHAR(20)', None)
    ((sql, unsafe, _),) = changed(replace(TABLE, columns=TABLE.columns[:1]))
    assert sql == 'ALTER TABLE T ADD COLUMN "B" NUMBER(10,0) NOT NULL'
    assert unsafe and "declare B nullable first" in unsafe


def test_a_table_whose_schema_evolves_keeps_what_was_added() -> None:
    evolving = replace(TABLE, values={**TABLE.values, "ENABLE_SCHEMA_EVOLUTION": True})
    live = replace(evolving, columns=(*TABLE.columns, Column("NEW", "VARCHAR(16777216)")))
    found = difference(Catalogue.of([evolving]), Catalogue.of([live]))
    assert found.statements == ()
    assert found.undeclared == ("table D.S.T has the column NEW that its schema's evolution added",)


def test_what_only_a_replacement_changes_is_unsafe_and_says_what_is_lost() -> None:
    pipe = Item("PIPE", ("D", "S", "P"), {"QUERY": "COPY INTO D.S.T FROM @D.S.X", "COMMENT": ""})
    live = replace(pipe, values={"QUERY": "COPY INTO D.S.T FROM @D.S.Y", "COMMENT": "other"})
    (only,) = difference(Catalogue.of([pipe]), Catalogue.of([live])).statements
    assert only.sql == 'CREATE OR REPLACE PIPE "D"."S"."P" AS\nCOPY INTO D.S.T FROM @D.S.X'
    assert only.unsafe and "loaded twice" in only.unsafe


def test_a_monitors_triggers_are_said_together_and_another_period_is_unsafe() -> None:
    monitor = Item(
        "RESOURCE MONITOR",
        ("M",),
        {"CREDIT_QUOTA": 10, "FREQUENCY": "WEEKLY", "NOTIFY": (80,), "SUSPEND": 100, "SUSPEND_IMMEDIATE": None},
    )

    def found(**live: Any) -> list[tuple[str, bool]]:
        there = replace(monitor, values={**monitor.values, **live})
        statements = difference(Catalogue.of([monitor]), Catalogue.of([there])).statements
        return [(each.sql.removeprefix('ALTER RESOURCE MONITOR "M" '), bool(each.unsafe)) for each in statements]

    triggers = "TRIGGERS ON 80 PERCENT DO NOTIFY ON 100 PERCENT DO SUSPEND"
    assert found(NOTIFY=()) == [(triggers, False)]
    assert found(CREDIT_QUOTA=5, SUSPEND=90) == [(f"SET CREDIT_QUOTA = 10 {triggers}", False)]
    assert found(FREQUENCY="DAILY") == [("SET FREQUENCY = WEEKLY START_TIMESTAMP = IMMEDIATELY", True)]


def test_a_views_new_query_loses_nothing() -> None:
    view = Item("VIEW", ("D", "S", "V"), {"QUERY": "SELECT 1 AS X", "SECURE": True, "COMMENT": "it's"})
    live = replace(view, values={**view.values, "QUERY": "SELECT 2 AS X"})
    (only,) = difference(Catalogue.of([view]), Catalogue.of([live])).statements
    assert only.sql == ('CREATE OR REPLACE SECURE VIEW "D"."S"."V" COPY GRANTS COMMENT = \'it\'\'s\' AS\nSELECT 1 AS X')
    assert only.unsafe is None


def test_a_view_where_a_table_is_declared_is_not_replaced() -> None:
    there = Item("VIEW", TABLE.name, {"QUERY": "SELECT 1", "SECURE": False, "COMMENT": ""})
    (only,) = difference(Catalogue.of([TABLE]), Catalogue.of([there])).statements
    assert only.sql.startswith("CREATE TABLE IF NOT EXISTS") and only.unsafe
    assert "there is a view of that name" in only.unsafe


def test_another_key_is_unsafe_and_not_shown() -> None:
    user = Item("USER", ("U",), {"RSA_PUBLIC_KEY": "NEW", "COMMENT": ""})
    (only,) = difference(
        Catalogue.of([user]), Catalogue.of([replace(user, values={"RSA_PUBLIC_KEY": "OLD", "COMMENT": ""})])
    ).statements
    assert only.sql == "ALTER USER \"U\" SET RSA_PUBLIC_KEY = 'NEW'" and only.was == "RSA_PUBLIC_KEY another"
    assert only.unsafe and "rotate-key" in only.unsafe
    (first,) = difference(
        Catalogue.of([user]), Catalogue.of([replace(user, values={"RSA_PUBLIC_KEY": None, "COMMENT": ""})])
    ).statements
    assert first.unsafe is None


def test_a_key_in_the_second_slot_that_nobody_declared_is_left() -> None:
    user = Item("USER", ("U",), {"RSA_PUBLIC_KEY": "A", "COMMENT": ""})
    live = replace(user, values={**user.values, "RSA_PUBLIC_KEY_2": "B"})
    assert difference(Catalogue.of([user]), Catalogue.of([live])).statements == ()


def test_snowflakes_own_pipes_are_left_and_others_are_said() -> None:
    database = Item("DATABASE", ("D",), {"COMMENT": ""})
    schemas = [Item("SCHEMA", ("D", name), {"COMMENT": ""}) for name in ("S", "PUBLIC", "INFORMATION_SCHEMA")]
    pipes = [Item("PIPE", ("D", "S", name), {"QUERY": "…", "COMMENT": ""}) for name in ("T-STREAMING", "MINE")]
    found = difference(Catalogue.of([database, schemas[0], TABLE]), Catalogue.of([database, *schemas, TABLE, *pipes]))
    assert found.statements == ()
    assert found.undeclared == ("pipe D.S.MINE is there and not declared",)


ROLES = [Item("ROLE", (name,), {"COMMENT": ""}) for name in ("R", "P")]


def rights(wanted: list[Right], live: list[Right]) -> tuple[list[tuple[str, bool]], tuple[str, ...]]:
    items = [*ROLES, Item("DATABASE", ("D",), {"COMMENT": ""}), TABLE]
    found = difference(Catalogue.of(items, wanted), Catalogue.of(items, live))
    return [(each.sql, each.unsafe is not None) for each in found.statements], found.undeclared


def test_a_privilege_beyond_the_declared_ones_is_taken_away_only_when_allowed() -> None:
    select = Right(("R",), "SELECT", "TABLE", TABLE.name)
    insert = replace(select, privilege="INSERT")
    assert rights([select], [select, insert]) == (
        [('REVOKE INSERT ON TABLE "D"."S"."T" FROM ROLE "R"', True)],
        (),
    )


def test_a_right_nobody_declared_is_said_and_left() -> None:
    monitor = Right(("R",), "MONITOR", "DATABASE", ("D",))
    assert rights([], [monitor]) == ([], ("role R: MONITOR on database D is granted and not declared",))


def test_what_a_future_grant_gave_is_explained() -> None:
    future = Right(("R",), "SELECT", "TABLE", ("D", "S"), "future")
    given = Right(("R",), "SELECT", "TABLE", TABLE.name)
    assert rights([future], [future, given]) == ([], ())


def test_a_grant_on_all_is_said_again_while_one_lacks_it() -> None:
    everything = Right(("R",), "SELECT", "TABLE", ("D", "S"), "all")
    sql = 'GRANT SELECT ON ALL TABLES IN SCHEMA "D"."S" TO ROLE "R"'
    assert rights([everything], []) == ([(sql, False)], ())
    assert rights([everything], [Right(("R",), "SELECT", "TABLE", TABLE.name)]) == ([], ())


def test_grants_name_what_they_are_on_as_snowflake_does() -> None:
    wanted = [
        Right(("R",), "EXECUTE TASK", "ACCOUNT", (), "account"),
        Right(("D", "READER"), "SELECT", "DYNAMIC TABLE", ("D",), "future"),
        Right(("R",), "OWNERSHIP", "TABLE", TABLE.name),
        Right(("R",), "OWNERSHIP", "VIEW", ("D", "S"), "future"),
    ]
    found, _ = rights(wanted, [])
    assert [sql for sql, _ in found] == [
        'GRANT OWNERSHIP ON TABLE "D"."S"."T" TO ROLE "R" COPY CURRENT GRANTS',
        'GRANT OWNERSHIP ON FUTURE VIEWS IN SCHEMA "D"."S" TO ROLE "R"',
        'GRANT SELECT ON FUTURE DYNAMIC TABLES IN DATABASE "D" TO DATABASE ROLE "D"."READER"',
        'GRANT EXECUTE TASK ON ACCOUNT TO ROLE "R"',
    ]


def test_an_owner_other_than_the_declared_one_is_changed_and_a_persons_role_is_warned_of() -> None:
    own = Right(("R",), "OWNERSHIP", "TABLE", TABLE.name)
    for owner, unsafe in ((("SYSADMIN",), False), (("TEAM",), True)):
        live = Catalogue.of([*ROLES, replace(TABLE, owner=owner)])
        (only,) = difference(Catalogue.of([*ROLES, TABLE], [own]), live).statements
        assert only.was == f"owner {owner[0]}" and (only.unsafe is not None) == unsafe
    assert difference(Catalogue.of([TABLE], [own]), Catalogue.of([replace(TABLE, owner=("R",))])).statements == ()


def test_roles_of_roles_and_users_are_granted_and_others_are_said() -> None:
    wanted = Catalogue.of(ROLES, members=[Member(("R",), "ROLE", ("P",))])
    live = Catalogue.of(ROLES, members=[Member(("R",), "USER", ("SOMEONE",))])
    found = difference(wanted, live)
    assert [each.sql for each in found.statements] == ['GRANT ROLE "R" TO ROLE "P"']
    assert found.undeclared == ("role R to user SOMEONE is granted and not declared",)


def test_a_tags_value_is_set() -> None:
    tagged = Tagged(("G", "T", "COST"), "WAREHOUSE", ("W",), "it's")
    found = difference(Catalogue.of([], tags=[tagged]), Catalogue.of([], tags=[replace(tagged, value="other")]))
    assert [(each.sql, each.was) for each in found.statements] == [
        ('ALTER WAREHOUSE "W" SET TAG "G"."T"."COST" = \'it\'\'s\'', "value other")
    ]


def test_whoever_makes_stages_may_use_integrations_that_others_made(rich: Catalogue) -> None:
    lent = [
        each for each in Roles.split().lend(script(rich)) if "GRANT USAGE ON" in each.sql and each.area == "account"
    ]
    assert [each.sql for each in lent] == [
        'GRANT USAGE ON INTEGRATION "LAKE_S3" TO ROLE "SYSADMIN"',
        'GRANT USAGE ON EXTERNAL VOLUME "LAKE_VOLUME" TO ROLE "SYSADMIN"',
    ]
    assert Roles.one("X").lend(script(rich)) == script(rich)
