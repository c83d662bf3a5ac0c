"""CREATE statements. Names and values are quoted by their settings; queries stand as they were written."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from modules.warehouse.sql.catalogue import Column, Item
from modules.warehouse.sql.kinds import KINDS, TRIGGERS
from modules.warehouse.sql.quoting import boolean, identifier, literal, qualified
from modules.warehouse.sql.types import short

__all__ = ["WITHOUT_CONDITION", "Location", "column_sql", "creation", "location_sql", "triggers_sql"]

WITHOUT_CONDITION = frozenset({"NETWORK RULE"})
"""Kinds whose CREATE has no IF NOT EXISTS."""
Location = tuple[str, str, str, str | None, str | None]
"""One of an external volume's locations: name, URL, role, external id, KMS key."""


def creation(item: Item, *, replace: bool = False) -> str:
    """The statement that makes an object, or makes it anew."""
    special = _SPECIAL.get(item.kind)
    if special is not None:
        return special(item, replace)
    return " ".join([_begin(item.kind, item, replace), *_settings(item)])


def column_sql(column: Column) -> str:
    """A column as CREATE TABLE and ADD COLUMN have it."""
    parts = [identifier(column.name), short(column.type)]
    if not column.nullable:
        parts.append("NOT NULL")
    if column.masking_policy:
        parts.append(f"WITH MASKING POLICY {qualified(column.masking_policy)}")
    if column.comment:
        parts.append(f"COMMENT {literal(column.comment)}")
    return " ".join(parts)


def location_sql(location: Location) -> str:
    """A location as STORAGE_LOCATIONS has it."""
    named, url, role, external_id, kms_key = location
    parts = [f"NAME = {literal(named)}", "STORAGE_PROVIDER = 'S3'", f"STORAGE_BASE_URL = {literal(url)}",
             f"STORAGE_AWS_ROLE_ARN = {literal(role)}"]  # fmt: skip
    if external_id:
        parts.append(f"STORAGE_AWS_EXTERNAL_ID = {literal(external_id)}")
    if kms_key:
        parts.append(f"ENCRYPTION = (TYPE = 'AWS_SSE_KMS' KMS_KEY_ID = {literal(kms_key)})")
    return f"({' '.join(parts)})"


def _begin(words: str, item: Item, replace: bool, *, before: str = "") -> str:
    verb = "CREATE OR REPLACE" if replace else "CREATE"
    condition = "" if replace or item.kind in WITHOUT_CONDITION else "IF NOT EXISTS "
    return f"{verb} {before}{words} {condition}{qualified(item.name)}"


def _settings(item: Item, leave_out: tuple[str, ...] = ()) -> list[str]:
    """`KEYWORD = value` for what is declared and not what a new object has anyway."""
    found = []
    for setting in KINDS[item.kind].settings:
        value = item.values.get(setting.keyword)
        apart = setting.keyword in leave_out or setting.clause is not None or setting.area is not None
        if apart or value is None or value == setting.default:
            continue
        found.append(setting.assigned(value))
    return found


def _transient(item: Item) -> str:
    return "TRANSIENT " if item.values.get("TRANSIENT") else ""


def _database(item: Item, replace: bool) -> str:
    rest = _settings(item, ("TRANSIENT",))
    return " ".join([_begin("DATABASE", item, replace, before=_transient(item)), *rest])


def _schema(item: Item, replace: bool) -> str:
    managed = ["WITH MANAGED ACCESS"] if item.values.get("MANAGED_ACCESS") else []
    rest = _settings(item, ("TRANSIENT",))
    return " ".join([_begin("SCHEMA", item, replace, before=_transient(item)), *managed, *rest])


def triggers_sql(item: Item) -> str:
    """`TRIGGERS ON 80 PERCENT DO NOTIFY …`; all of a monitor's are said together."""
    notify: tuple[int, ...] = item.values.get("NOTIFY") or ()
    found = [f"ON {at} PERCENT DO NOTIFY" for at in notify]
    for word in TRIGGERS[1:]:
        at = item.values.get(word)
        if at is not None:
            found.append(f"ON {at} PERCENT DO {word}")
    return f"TRIGGERS {' '.join(found)}" if found else ""


def _monitor(item: Item, replace: bool) -> str:
    rest = _settings(item, TRIGGERS)
    period = [f"FREQUENCY = {item.values['FREQUENCY']}"]
    parts = [_begin("RESOURCE MONITOR", item, replace), "WITH", *rest[:1], *period, *rest[1:], triggers_sql(item)]
    return " ".join(part for part in parts if part)


def _volume(item: Item, replace: bool) -> str:
    locations = ", ".join(location_sql(each) for each in item.values["STORAGE_LOCATIONS"])
    rest = _settings(item, ("STORAGE_LOCATIONS",))
    return " ".join([_begin("EXTERNAL VOLUME", item, replace), f"STORAGE_LOCATIONS = ({locations})", *rest])


def _cluster(item: Item) -> list[str]:
    keys = item.values.get("CLUSTER_BY")
    return [f"CLUSTER BY ({', '.join(keys)})"] if keys else []


def _columns(item: Item) -> str:
    return "(\n  " + ",\n  ".join(column_sql(column) for column in item.columns) + "\n)"


def _table(item: Item, replace: bool) -> str:
    rest = _settings(item)
    return " ".join([_begin("TABLE", item, replace), _columns(item), *_cluster(item), *rest])


def _iceberg(item: Item, replace: bool) -> str:
    rest = _settings(item)
    return " ".join([_begin("ICEBERG TABLE", item, replace), _columns(item), *_cluster(item), *rest])


def _view(item: Item, replace: bool) -> str:
    secure = "SECURE " if item.values.get("SECURE") else ""
    parts = [_begin("VIEW", item, replace, before=secure), "COPY GRANTS" if replace else ""]
    comment = item.values.get("COMMENT")
    parts.append(f"COMMENT = {literal(comment)}" if comment else "")
    return " ".join(part for part in parts if part) + f" AS\n{item.values['QUERY']}"


def _dynamic_table(item: Item, replace: bool) -> str:
    rest = _settings(item, ("QUERY",))
    return " ".join([_begin("DYNAMIC TABLE", item, replace), *rest]) + f" AS\n{item.values['QUERY']}"


def _pipe(item: Item, replace: bool) -> str:
    rest = _settings(item, ("QUERY",))
    return " ".join([_begin("PIPE", item, replace), *rest]) + f" AS\n{item.values['QUERY']}"


def _stage(item: Item, replace: bool) -> str:
    directory = [f"DIRECTORY = (ENABLE = {boolean(item.values['DIRECTORY'])})"]
    comment = item.values.get("COMMENT")
    last = [f"COMMENT = {literal(comment)}"] if comment else []
    rest = _settings(item, ("COMMENT",))
    return " ".join([_begin("STAGE", item, replace), *rest, *directory, *last])


_SPECIAL: Mapping[str, Callable[[Item, bool], str]] = {
    "DATABASE": _database,
    "SCHEMA": _schema,
    "RESOURCE MONITOR": _monitor,
    "EXTERNAL VOLUME": _volume,
    "TABLE": _table,
    "ICEBERG TABLE": _iceberg,
    "VIEW": _view,
    "DYNAMIC TABLE": _dynamic_table,
    "PIPE": _pipe,
    "STAGE": _stage,
}
"""Kinds whose CREATE is no plain list of settings."""
