"""Rows of SHOW and DESCRIBE as values of the catalogue. Pure: rows in, items out.

Columns as docs.snowflake.com has them for each SHOW command; one that an edition or version lacks counts as not said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modules.warehouse.sql.catalogue import Column, Item, Name
from modules.warehouse.sql.queries import query_of
from modules.warehouse.sql.quoting import parse_name
from modules.warehouse.sql.types import canonical

__all__ = ["IN_DATABASE", "Row", "columns_of", "database", "described", "integration", "kind_of_granted", "monitor",
           "network_policy", "owner_of", "role", "user", "volume", "warehouse"]  # fmt: skip

Row = Mapping[str, Any]
"""By column, in lower case."""

_SIZES = {"2XLARGE": "XXLARGE", "3XLARGE": "XXXLARGE", "4XLARGE": "X4LARGE", "5XLARGE": "X5LARGE", "6XLARGE": "X6LARGE"}
_NOTHING = ("", "null", "None", "NULL")


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)


def _said(row: Row, key: str) -> str | None:
    """A value that SHOW writes as `null` or leaves empty when there is none."""
    value = _text(row, key)
    return None if value in _NOTHING else value


def _yes(row: Row, key: str) -> bool:
    return _text(row, key).upper() in ("Y", "YES", "TRUE", "ON", "1")


def _whole(row: Row, key: str, default: int | None = None) -> int | None:
    value = _said(row, key)
    return default if value is None else int(float(value))


def owner_of(row: Row, database: str | None = None) -> Name | None:
    """The owning role; a database role goes by its own name there, in the object's database."""
    owner = _said(row, "owner")
    if owner is None:
        return None
    if _text(row, "owner_role_type").upper() == "DATABASE_ROLE" and database:
        return (database, owner)
    return (owner,)


def role(row: Row) -> Item:
    return Item("ROLE", (_text(row, "name"),), {"COMMENT": _text(row, "comment")}, owner=owner_of(row))


def warehouse(row: Row) -> Item:
    size = re.sub(r"[^A-Z0-9]", "", _text(row, "size").upper())
    values = {
        "WAREHOUSE_SIZE": _SIZES.get(size, size),
        "MAX_CLUSTER_COUNT": _whole(row, "max_cluster_count", 1),
        "MIN_CLUSTER_COUNT": _whole(row, "min_cluster_count", 1),
        "SCALING_POLICY": _said(row, "scaling_policy") or "STANDARD",
        "AUTO_SUSPEND": _whole(row, "auto_suspend", 0),
        "AUTO_RESUME": _yes(row, "auto_resume"),
        "RESOURCE_MONITOR": _said(row, "resource_monitor"),
        "COMMENT": _text(row, "comment"),
    }
    return Item("WAREHOUSE", (_text(row, "name"),), values, owner=owner_of(row))


def monitor(row: Row) -> Item:
    """Percentages come as `75%,80%`."""
    suspend, immediately = _percentages(row, "suspend_at"), _percentages(row, "suspend_immediately_at")
    values = {
        "CREDIT_QUOTA": _whole(row, "credit_quota"),
        "FREQUENCY": _text(row, "frequency").upper(),
        "NOTIFY_USERS": _list(row, "notify_users"),
        "NOTIFY": tuple(sorted(_percentages(row, "notify_at"))),
        "SUSPEND": suspend[0] if suspend else None,
        "SUSPEND_IMMEDIATE": immediately[0] if immediately else None,
    }
    return Item("RESOURCE MONITOR", (_text(row, "name"),), values, owner=owner_of(row))


def _percentages(row: Row, key: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", _text(row, key))]


def _list(row: Row, key: str) -> tuple[str, ...]:
    return tuple(sorted(each.strip().strip('"') for each in _text(row, key).strip("[]").split(",") if each.strip()))


def database(row: Row) -> Item:
    values = {
        "TRANSIENT": "TRANSIENT" in _text(row, "options").upper(),
        "DATA_RETENTION_TIME_IN_DAYS": _whole(row, "retention_time"),
        "COMMENT": _text(row, "comment"),
    }
    return Item("DATABASE", (_text(row, "name"),), values, owner=owner_of(row))


def _schema(row: Row) -> Item:
    options = _text(row, "options").upper()
    values = {
        "TRANSIENT": "TRANSIENT" in options,
        "MANAGED_ACCESS": "MANAGED ACCESS" in options,
        "DATA_RETENTION_TIME_IN_DAYS": _whole(row, "retention_time"),
        "COMMENT": _text(row, "comment"),
    }
    name = (_text(row, "database_name"), _text(row, "name"))
    return Item("SCHEMA", name, values, owner=owner_of(row, name[0]))


def _database_role(row: Row) -> Item:
    name = (_text(row, "database_name"), _text(row, "name"))
    return Item("DATABASE ROLE", name, {"COMMENT": _text(row, "comment")}, owner=owner_of(row, name[0]))


def _name(row: Row) -> Name:
    return (_text(row, "database_name"), _text(row, "schema_name"), _text(row, "name"))


def _in_schema(kind: str, values: Callable[[Row], dict[str, Any]]) -> Callable[[Row], Item]:
    def item(row: Row) -> Item:
        name = _name(row)
        return Item(kind, name, {**values(row), "COMMENT": _text(row, "comment")}, owner=owner_of(row, name[0]))

    return item


def _table(row: Row) -> dict[str, Any]:
    return {
        "CLUSTER_BY": _cluster_by(_text(row, "cluster_by")),
        "ENABLE_SCHEMA_EVOLUTION": _yes(row, "enable_schema_evolution"),
        "CHANGE_TRACKING": _yes(row, "change_tracking"),
        "DATA_RETENTION_TIME_IN_DAYS": _whole(row, "retention_time"),
    }


def _iceberg(row: Row) -> dict[str, Any]:
    """Without its clustering, which SHOW TABLES says."""
    return {"EXTERNAL_VOLUME": _said(row, "external_volume_name"), "BASE_LOCATION": _said(row, "base_location")}


def _cluster_by(text: str) -> tuple[str, ...]:
    """`LINEAR(a, f(b, c))` in its expressions."""
    inside = text.strip()
    if inside.upper().startswith("LINEAR(") and inside.endswith(")"):
        inside = inside[len("LINEAR(") : -1]
    return tuple(each for each in _split(inside) if each)


def _split(text: str) -> Iterable[str]:
    depth, begin = 0, 0
    for at, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            yield text[begin:at].strip()
            begin = at + 1
    yield text[begin:].strip()


def _view(row: Row) -> dict[str, Any]:
    return {"SECURE": _yes(row, "is_secure"), "QUERY": query_of(_text(row, "text"))}


def _dynamic_table(row: Row) -> dict[str, Any]:
    return {
        "TARGET_LAG": _text(row, "target_lag"),
        "REFRESH_MODE": _text(row, "refresh_mode").upper(),
        "WAREHOUSE": _said(row, "warehouse"),
        "QUERY": query_of(_text(row, "text")),
    }


def _stage(row: Row) -> dict[str, Any]:
    return {
        "URL": _said(row, "url"),
        "STORAGE_INTEGRATION": _said(row, "storage_integration"),
        "DIRECTORY": _yes(row, "directory_enabled"),
    }


def _pipe(row: Row) -> dict[str, Any]:
    return {"QUERY": _text(row, "definition"), "AUTO_INGEST": _said(row, "notification_channel") is not None}


def _rule(row: Row) -> dict[str, Any]:
    return {"TYPE": _text(row, "type").upper(), "MODE": _text(row, "mode").upper()}


IN_DATABASE: Mapping[str, tuple[str, Callable[[Row], Item]]] = {
    "SCHEMA": ("SCHEMAS", _schema),
    "DATABASE ROLE": ("DATABASE ROLES", _database_role),
    "NETWORK RULE": ("NETWORK RULES", _in_schema("NETWORK RULE", _rule)),
    "TABLE": ("TABLES", _in_schema("TABLE", _table)),
    "ICEBERG TABLE": ("ICEBERG TABLES", _in_schema("ICEBERG TABLE", _iceberg)),
    "VIEW": ("VIEWS", _in_schema("VIEW", _view)),
    "DYNAMIC TABLE": ("DYNAMIC TABLES", _in_schema("DYNAMIC TABLE", _dynamic_table)),
    "STAGE": ("STAGES", _in_schema("STAGE", _stage)),
    "PIPE": ("PIPES", _in_schema("PIPE", _pipe)),
}
"""Kinds that SHOW … IN DATABASE lists: the plural and how a row is read."""


def described(rows: Iterable[Row], key: str = "property", value: str = "value") -> dict[str, str]:
    """DESCRIBE's list of properties as a mapping."""
    return {_text(row, key).upper(): _text(row, value) for row in rows}


def user(row: Row, properties: Mapping[str, str], network_policy: str | None) -> Item:
    def said(key: str) -> str | None:
        value = properties.get(key)
        return None if value is None or value in _NOTHING else value

    values = {
        "DEFAULT_WAREHOUSE": said("DEFAULT_WAREHOUSE"),
        "DEFAULT_ROLE": said("DEFAULT_ROLE"),
        "RSA_PUBLIC_KEY": said("RSA_PUBLIC_KEY"),
        "RSA_PUBLIC_KEY_2": said("RSA_PUBLIC_KEY_2"),
        "COMMENT": _text(row, "comment"),
        "NETWORK_POLICY": network_policy,
    }
    return Item("USER", (_text(row, "name"),), values, owner=owner_of(row))


def network_policy(row: Row, properties: Mapping[str, str]) -> Item:
    def rules(key: str) -> tuple[Name, ...]:
        return tuple(parse_name(each) for each in _rule_names(properties.get(key, "")))

    def addresses(key: str) -> tuple[str, ...]:
        return tuple(each.strip() for each in properties.get(key, "").split(",") if each.strip())

    values = {
        "ALLOWED_NETWORK_RULE_LIST": rules("ALLOWED_NETWORK_RULE_LIST"),
        "BLOCKED_NETWORK_RULE_LIST": rules("BLOCKED_NETWORK_RULE_LIST"),
        "ALLOWED_IP_LIST": addresses("ALLOWED_IP_LIST"),
        "BLOCKED_IP_LIST": addresses("BLOCKED_IP_LIST"),
        "COMMENT": _text(row, "comment"),
    }
    return Item("NETWORK POLICY", (_text(row, "name"),), values, owner=owner_of(row))


def _rule_names(text: str) -> list[str]:
    """Names from DESCRIBE NETWORK POLICY's JSON list of objects, or from plain text."""
    try:
        found = json.loads(text) if text.strip() else []
    except ValueError:
        return [each.strip() for each in text.split(",") if each.strip()]
    return [
        str(each.get("fullyQualifiedRuleName") or each.get("name")) if isinstance(each, dict) else str(each)
        for each in found
    ]


def integration(row: Row, properties: Mapping[str, str]) -> Item:
    def places(key: str) -> tuple[str, ...]:
        return tuple(each.strip() for each in properties.get(key, "").split(",") if each.strip())

    values = {
        "STORAGE_PROVIDER": properties.get("STORAGE_PROVIDER", ""),
        "STORAGE_AWS_ROLE_ARN": properties.get("STORAGE_AWS_ROLE_ARN", ""),
        "STORAGE_AWS_EXTERNAL_ID": properties.get("STORAGE_AWS_EXTERNAL_ID", ""),
        "ENABLED": properties.get("ENABLED", _text(row, "enabled")).lower() == "true",
        "STORAGE_ALLOWED_LOCATIONS": places("STORAGE_ALLOWED_LOCATIONS"),
        "STORAGE_BLOCKED_LOCATIONS": places("STORAGE_BLOCKED_LOCATIONS"),
        "COMMENT": _text(row, "comment") or properties.get("COMMENT", ""),
    }
    return Item("STORAGE INTEGRATION", (_text(row, "name"),), values, owner=owner_of(row))


def volume(row: Row, rows: Iterable[Row]) -> Item:
    """Locations come as JSON, one property each: STORAGE_LOCATION_1 …"""
    places = []
    for each in rows:
        if re.fullmatch(r"STORAGE_LOCATION_\d+", _text(each, "property").upper()):
            place = json.loads(_text(each, "property_value"))
            kms = place.get("ENCRYPTION_KMS_KEY_ID") if place.get("ENCRYPTION_TYPE") == "AWS_SSE_KMS" else None
            places.append(
                (
                    str(place["NAME"]),
                    str(place["STORAGE_BASE_URL"]),
                    str(place.get("STORAGE_AWS_ROLE_ARN", "")),
                    place.get("STORAGE_AWS_EXTERNAL_ID") or None,
                    kms or None,
                )
            )
    values = {
        "STORAGE_LOCATIONS": tuple(places),
        "ALLOW_WRITES": _yes(row, "allow_writes"),
        "COMMENT": _text(row, "comment"),
    }
    return Item("EXTERNAL VOLUME", (_text(row, "name"),), values, owner=owner_of(row))


def columns_of(rows: Iterable[Row]) -> tuple[Column, ...]:
    """DESCRIBE TABLE's columns."""
    return tuple(
        Column(
            _text(row, "name"),
            canonical(_text(row, "type")),
            _text(row, "null?").upper() == "Y",
            _text(row, "comment"),
            parse_name(policy) if (policy := _said(row, "policy name")) else None,
        )
        for row in rows
        if _text(row, "kind").upper() in ("", "COLUMN")
    )


def kind_of_granted(text: str) -> str:
    """SHOW GRANTS' `DYNAMIC_TABLE` as GRANT writes it."""
    kind = text.upper().replace("_", " ")
    return {"VOLUME": "EXTERNAL VOLUME"}.get(kind, kind)
