"""The statements that bring an object that is there to what is declared: settings, columns, locations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from modules.warehouse.sql.catalogue import Column, Item
from modules.warehouse.sql.creation import Location, column_sql, creation, location_sql, triggers_sql
from modules.warehouse.sql.kinds import KINDS, TRIGGERS, Kind
from modules.warehouse.sql.quoting import identifier, literal, qualified
from modules.warehouse.sql.settings import UNKNOWN, Setting
from modules.warehouse.sql.statement import Statement
from modules.warehouse.sql.types import loss, short

__all__ = ["change_columns", "change_settings", "make", "make_all", "same_location", "unmask"]


def make(item: Item, *, replace_it: bool = False, unsafe: str | None = None, was: str | None = None) -> Statement:
    """The statement that makes an object."""
    kind = KINDS[item.kind]
    return Statement(creation(item, replace=replace_it), kind.section, kind.area, item.about, unsafe, was)


def make_all(item: Item) -> list[Statement]:
    """`make`, and what is somebody else's to set on the new object."""
    apart = [each.keyword for each in KINDS[item.kind].settings if each.area and item.values.get(each.keyword)]
    return [make(item), *change_settings(item, {}, apart)]


def change_settings(item: Item, old: Mapping[str, Any], keywords: Iterable[str]) -> list[Statement]:
    """Statements for the settings that are to change; what may cost nothing is gathered in one.

    Args:
        old: what the account has; a keyword that is absent there is not known.
    """
    kind = KINDS[item.kind]
    asked = [each for each in kind.settings if each.keyword in set(keywords)]
    found = [] if item.kind != "EXTERNAL VOLUME" else _locations(item, old, asked)
    found += _replacement(kind, item, old, [each for each in asked if each.change == "fixed"])
    if found and found[-1].sql.startswith("CREATE OR REPLACE"):
        return found
    together: list[Setting] = []
    for setting in asked:
        value, before = item.values.get(setting.keyword), old.get(setting.keyword, UNKNOWN)
        if setting.change != "set" or setting.keyword in (*TRIGGERS, "STORAGE_LOCATIONS"):
            continue
        risk = setting.risk(before, value) if value is not None or before is not UNKNOWN else None
        if risk is None and setting.clause is None and setting.area is None and value is not None:
            together.append(setting)
        else:
            statement = _alter(kind, item, setting.tail(value), risk, _was(setting, old))
            found.append(replace(statement, area=setting.area or kind.area))
    triggers = triggers_sql(item) if any(each.keyword in TRIGGERS for each in asked) else ""
    if together or triggers:
        assigned = [each.assigned(item.values[each.keyword]) for each in together]
        changed = [each for each in asked if each in together or each.keyword in TRIGGERS]
        was = ", ".join(each for each in (_was(setting, old) for setting in changed) if each)
        separator = ", " if item.kind == "PIPE" else " "
        tail = f"SET {separator.join(assigned)} {triggers}" if assigned else triggers
        found.insert(0, _alter(kind, item, tail.strip(), None, was or None))
    return found


def change_columns(item: Item, live: Item) -> list[Statement]:
    """ADD, ALTER and DROP COLUMN for a table that is there.

    A table whose columns may evolve keeps those it was given beside the declared ones.
    """
    kind = KINDS[item.kind]
    has = {column.name: column for column in live.columns}
    found = []
    for column in item.columns:
        there = has.pop(column.name, None)
        if there is None:
            found.append(_alter(kind, item, f"ADD COLUMN {column_sql(column)}", _empty_not_null(column)))
        else:
            found += _change_column(kind, item, column, there)
    if not item.values.get("ENABLE_SCHEMA_EVOLUTION"):
        found += [
            _alter(kind, item, f"DROP COLUMN {identifier(each)}", f"column {each} is not declared; its values are lost")
            for each in has
        ]
    return found


def same_location(wanted: Location, live: Location) -> bool:
    """Whether a volume's location is as declared; an external id that is not declared is Snowflake's to choose."""
    name, url, role, external_id, kms_key = live
    return wanted == (name, url, role, external_id if wanted[3] is not None else None, kms_key)


def unmask(item: Item, column: Column) -> Statement:
    """Takes a column's masking policy away."""
    tail = f"ALTER COLUMN {identifier(column.name)} UNSET MASKING POLICY"
    return _alter(KINDS[item.kind], item, tail, f"who may read {column.name} reads it unmasked")


def _change_column(kind: Kind, item: Item, column: Column, there: Column) -> list[Statement]:
    named = f"ALTER COLUMN {identifier(column.name)}"
    found = []
    if column.type != there.type:
        found.append(_retyped(kind, item, column, there))
    if column.nullable and not there.nullable:
        found.append(_alter(kind, item, f"{named} DROP NOT NULL", None, f"{column.name} NOT NULL"))
    elif there.nullable and not column.nullable:
        refused = f"Snowflake refuses it while a row has no {column.name}, and such rows afterwards"
        found.append(_alter(kind, item, f"{named} SET NOT NULL", refused, f"{column.name} may be null"))
    if column.comment != there.comment:
        found.append(
            _alter(kind, item, f"{named} COMMENT {literal(column.comment)}", None, f"COMMENT {there.comment!r}")
        )
    if column.masking_policy and column.masking_policy != there.masking_policy:
        force = " FORCE" if there.masking_policy else ""
        found.append(_alter(kind, item, f"{named} SET MASKING POLICY {qualified(column.masking_policy)}{force}"))
    elif there.masking_policy and not column.masking_policy:
        found.append(unmask(item, column))
    return found


def _retyped(kind: Kind, item: Item, column: Column, there: Column) -> Statement:
    cost = loss(there.type, column.type)
    why = cost.why if cost else None
    if cost and cost.refused:
        why = f"{cost.why}: add a column, copy the values, drop the old one and rename the new one"
    tail = f"ALTER COLUMN {identifier(column.name)} SET DATA TYPE {short(column.type)}"
    statement = _alter(kind, item, tail, why, f"{column.name} {there.type}")
    return replace(statement, by_hand=bool(cost and cost.refused))


def _empty_not_null(column: Column) -> str | None:
    if column.nullable:
        return None
    return f"Snowflake refuses a NOT NULL column on a table that has rows; declare {column.name} nullable first"


def _replacement(kind: Kind, item: Item, old: Mapping[str, Any], fixed: list[Setting]) -> list[Statement]:
    """Making the object anew, where that is the only way; nothing where nobody has looked (old is empty)."""
    changed = [each for each in fixed if each.keyword in old]
    if not changed:
        return []
    was = ", ".join(each for each in (_was(setting, old) for setting in changed) if each)
    return [make(item, replace_it=True, unsafe=kind.lost or None, was=was)]


def _locations(item: Item, old: Mapping[str, Any], asked: list[Setting]) -> list[Statement]:
    """A volume's locations: new ones are added, others removed; a changed one is both."""
    if "STORAGE_LOCATIONS" not in {each.keyword for each in asked} or "STORAGE_LOCATIONS" not in old:
        return []
    kind = KINDS[item.kind]
    wanted = {each[0]: each for each in item.values["STORAGE_LOCATIONS"]}
    there = {each[0]: each for each in old["STORAGE_LOCATIONS"]}
    found = []
    for named, location in there.items():
        if named not in wanted or not same_location(wanted[named], location):
            lost = "tables whose files are there can no longer be read"
            found.append(_alter(kind, item, f"REMOVE STORAGE_LOCATION {literal(named)}", lost))
    for named, location in wanted.items():
        if named not in there or not same_location(location, there[named]):
            unsafe = "the location of that name must be removed first" if named in there else None
            found.append(_alter(kind, item, f"ADD STORAGE_LOCATION = {location_sql(location)}", unsafe))
    return found


def _alter(kind: Kind, item: Item, tail: str, unsafe: str | None = None, was: str | None = None) -> Statement:
    sql = f"ALTER {kind.name} {qualified(item.name)} {tail}"
    return Statement(sql, kind.section, kind.area, item.about, unsafe, was)


def _was(setting: Setting, old: Mapping[str, Any]) -> str | None:
    if setting.keyword not in old:
        return None
    value = old[setting.keyword]
    if setting.keyword.startswith("RSA_PUBLIC_KEY"):
        return f"{setting.keyword} another" if value else f"no {setting.keyword}"
    shown = "nothing" if value in (None, "", ()) else str(value).strip()
    return f"{setting.keyword} {shown}"
