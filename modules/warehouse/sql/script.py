"""All of the estate as statements, whatever the account has: CREATE … IF NOT EXISTS, then ALTER … SET what is declared.

Running it once or ten times leaves the same. What could cost something on an account that has the object already
(a shorter retention, another key) is a statement of its own, marked. What is declared as Snowflake has it anyway (no
comment, one cluster) is not said: only a comparison with the account can tell that it was changed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from modules.warehouse.sql.alterations import change_settings, make
from modules.warehouse.sql.catalogue import Catalogue, Item
from modules.warehouse.sql.creation import WITHOUT_CONDITION, column_sql
from modules.warehouse.sql.grants import grant_member, grant_right, ordered, set_tag
from modules.warehouse.sql.kinds import KINDS
from modules.warehouse.sql.quoting import literal, qualified
from modules.warehouse.sql.statement import Statement

__all__ = ["in_order", "script"]

_ONCE = frozenset({"VIEW"})
"""Kinds whose CREATE OR REPLACE loses nothing and says all."""


def script(catalogue: Catalogue) -> list[Statement]:
    """Every statement, in an order in which nothing needs what comes later."""
    found: list[Statement] = []
    for item in in_order(catalogue.items.values()):
        found += _converge(item)
    found += [grant_member(each) for each in sorted(catalogue.members)]
    found += [grant_right(each) for each in ordered(catalogue.rights)]
    found += [set_tag(each) for each in sorted(catalogue.tags)]
    return found


def in_order(items: Iterable[Item]) -> list[Item]:
    """By kind as `KINDS` has them; views and dynamic tables, which may read each other, by level."""
    place = {name: number for number, name in enumerate(KINDS)}
    place["DYNAMIC TABLE"] = place["VIEW"]
    return sorted(items, key=lambda item: (place[item.kind], item.level, item.kind, item.name))


def _converge(item: Item) -> list[Statement]:
    if item.kind in _ONCE:
        return [make(item, replace_it=True)]
    found: list[Statement] = []
    kind = KINDS[item.kind]
    comes_along = item.kind == "SCHEMA" and item.name[1] == "PUBLIC"
    if not comes_along:
        found.append(_tolerant(make(item)) if item.kind in WITHOUT_CONDITION else make(item))
    for column in item.columns:
        words = f"ALTER {item.kind} {qualified(item.name)} ADD COLUMN IF NOT EXISTS {column_sql(column)}"
        found.append(Statement(words, kind.section, kind.area, item.about))
    keywords = [
        setting.keyword
        for setting in kind.settings
        if setting.change == "set" and item.values.get(setting.keyword, setting.default) != setting.default
    ]
    said = [keyword for keyword in keywords if item.values.get(keyword) is not None]
    return found + change_settings(item, {}, said)


def _tolerant(statement: Statement) -> Statement:
    """A CREATE that may run again although Snowflake has no IF NOT EXISTS for it: 2002 is `already exists`."""
    block = (
        f"BEGIN\n  {statement.sql};\nEXCEPTION\n  WHEN STATEMENT_ERROR THEN\n"
        "    IF (SQLCODE <> 2002) THEN RAISE; END IF;\nEND"
    )
    return replace(statement, sql=f"EXECUTE IMMEDIATE {literal(block)}")
