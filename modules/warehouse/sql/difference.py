"""What makes an account into what is declared: only the statements that change something. Pure.

What is there and not declared is told apart: within declared databases and roles it is said, and nothing is dropped or
taken away but a declared table's columns and privileges beyond the declared ones of a role on an object, both unsafe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modules.warehouse.sql.alterations import change_columns, change_settings, make, make_all, same_location
from modules.warehouse.sql.catalogue import Catalogue, Item
from modules.warehouse.sql.difference_rights import missing_rights, superfluous_rights, undeclared_rights
from modules.warehouse.sql.grants import grant_member, set_tag
from modules.warehouse.sql.kinds import KINDS, RELATIONS
from modules.warehouse.sql.queries import normalised
from modules.warehouse.sql.script import in_order
from modules.warehouse.sql.statement import Statement

__all__ = ["Difference", "difference"]


@dataclass(frozen=True)
class Difference:
    """Attributes:
    statements: in an order in which nothing needs what comes later.
    undeclared: what is there and not declared, a line each; it is left alone.
    """

    statements: tuple[Statement, ...] = ()
    undeclared: tuple[str, ...] = ()

    @property
    def unsafe(self) -> tuple[Statement, ...]:
        return tuple(each for each in self.statements if each.unsafe)

    @property
    def safe(self) -> tuple[Statement, ...]:
        return tuple(each for each in self.statements if not each.unsafe)

    def to_run(self, *, allow_unsafe: bool = False) -> tuple[Statement, ...]:
        """What an apply runs: what loses nothing; the rest only where it is allowed and Snowflake does it."""
        return tuple(each for each in self.statements if not each.unsafe or (allow_unsafe and not each.by_hand))


def difference(wanted: Catalogue, live: Catalogue) -> Difference:
    """From what is there to what is declared."""
    found: list[Statement] = []
    for item in in_order(wanted.items.values()):
        found += _item(item, live)
    found += [grant_member(each) for each in sorted(wanted.members - live.members)]
    found += [*missing_rights(wanted, live), *superfluous_rights(wanted, live)]
    has = {(each.tag, each.kind, each.name): each.value for each in live.tags}
    for tagged in sorted(wanted.tags - live.tags):
        before = has.get((tagged.tag, tagged.kind, tagged.name))
        found.append(replace(set_tag(tagged), was=None if before is None else f"value {before}"))
    undeclared = [*_undeclared_items(wanted, live), *_evolved(wanted, live), *undeclared_rights(wanted, live)]
    return Difference(tuple(found), tuple(undeclared))


def _item(item: Item, live: Catalogue) -> list[Statement]:
    there = live.items.get(item.key)
    if there is None:
        return _absent(item, live)
    changed = [
        setting.keyword
        for setting in KINDS[item.kind].settings
        if setting.change != "create"
        and setting.keyword in item.values
        and setting.keyword in there.values
        and not _same(setting.keyword, item.values[setting.keyword], there.values[setting.keyword])
    ]
    found = change_settings(item, there.values, changed) if changed else []
    return [*found, *(change_columns(item, there) if item.columns else ())]


def _absent(item: Item, live: Catalogue) -> list[Statement]:
    if item.kind == "SCHEMA" and item.name[1] == "PUBLIC" and ("DATABASE", item.name[:1]) not in live.items:
        # It comes with its database; only what differs from how it comes is to be said.
        settings = KINDS[item.kind].settings
        return change_settings(
            item, {}, [each.keyword for each in settings if item.values.get(each.keyword, each.default) != each.default]
        )
    other = next((kind for kind in RELATIONS if kind != item.kind and (kind, item.name) in live.items), None)
    if item.kind in RELATIONS and other:
        return [make(item, unsafe=f"there is a {other.lower()} of that name, which must be renamed or dropped first")]
    return make_all(item)


def _same(keyword: str, wanted: Any, live: Any) -> bool:
    if keyword == "REFRESH_MODE" and wanted == "AUTO":
        return True  # SHOW says what Snowflake chose
    if keyword == "STORAGE_LOCATIONS":
        there = {each[0]: each for each in live}
        return {each[0] for each in wanted} == set(there) and all(
            same_location(each, there[each[0]]) for each in wanted
        )
    compare = _COMPARED.get(keyword)
    if compare is not None:
        return bool(compare(wanted) == compare(live))
    return bool((wanted or None) == (live or None)) if wanted in ("", None) or live in ("", None) else wanted == live


def _unordered(value: Any) -> Any:
    return frozenset(value or ())


def _keys(value: Any) -> Any:
    return tuple(re.sub(r'[\s"]+', "", each).upper() for each in value or ())


def _query(value: Any) -> Any:
    return normalised(value or "")


def _lag(value: Any) -> Any:
    """`5 minutes` and `5 minute` are the same."""
    return re.sub(r"\s+", " ", str(value or "").upper()).rstrip("S")


def _place(value: Any) -> Any:
    return str(value or "").strip("/")


_COMPARED: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        (
            "VALUE_LIST", "ALLOWED_IP_LIST", "BLOCKED_IP_LIST", "ALLOWED_NETWORK_RULE_LIST",
            "BLOCKED_NETWORK_RULE_LIST", "STORAGE_ALLOWED_LOCATIONS", "STORAGE_BLOCKED_LOCATIONS",
            "NOTIFY_USERS",
        ),
        _unordered,
    ),
    "CLUSTER_BY": _keys,
    "QUERY": _query,
    "TARGET_LAG": _lag,
    "BASE_LOCATION": _place,
}  # fmt: skip


def _undeclared_items(wanted: Catalogue, live: Catalogue) -> Iterator[str]:
    schemas = {item.name for item in live.of_kind("SCHEMA")} - {item.name for item in wanted.of_kind("SCHEMA")}
    for item in in_order(live.items.values()):
        if item.key in wanted.items or _is_snowflakes(item, live) or (item.name[:2] in schemas and len(item.name) == 3):
            continue
        inside = [each for each in live.items.values() if len(each.name) == 3 and each.name[:2] == item.name]
        more = f", with {len(inside)} objects in it" if item.kind == "SCHEMA" and inside else ""
        yield f"{item.about} is there and not declared{more}"


def _is_snowflakes(item: Item, live: Catalogue) -> bool:
    """What Snowflake makes by itself: INFORMATION_SCHEMA, PUBLIC, a table's default pipe."""
    if item.kind == "SCHEMA":
        return item.name[1] in ("INFORMATION_SCHEMA", "PUBLIC")
    return item.kind == "PIPE" and item.name[2].endswith("-STREAMING")


def _evolved(wanted: Catalogue, live: Catalogue) -> Iterator[str]:
    """Columns that a connector added to a table that lets it."""
    for item in wanted.of_kind("TABLE"):
        there = live.items.get(item.key)
        if there is not None and item.values.get("ENABLE_SCHEMA_EVOLUTION"):
            declared = {column.name for column in item.columns}
            for column in there.columns:
                if column.name not in declared:
                    yield f"{item.about} has the column {column.name} that its schema's evolution added"
