"""The kinds of objects: the order they are made in, whose work they are, their settings, and how each is created.

A new kind is one entry here, one function in `wanted` and one in `live_rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from modules.warehouse.sql.catalogue import Column, Item
from modules.warehouse.sql.quoting import identifier, literal, qualified
from modules.warehouse.sql.settings import (
    Setting,
    comment,
    flag,
    key,
    name,
    names,
    network_policy,
    plain,
    retention,
    rule_names,
    text,
    texts,
    whole,
)
from modules.warehouse.sql.statement import Area
from modules.warehouse.sql.types import short

__all__ = ["KINDS", "RELATIONS", "Kind", "column_sql", "creation", "location_sql"]

_COMMENT = comment()
RELATIONS = ("TABLE", "ICEBERG TABLE", "VIEW", "DYNAMIC TABLE")
"""Kinds that share one name space and can be queried."""


@dataclass(frozen=True)
class Kind:
    """Attributes:
    name: as SQL has it.
    section: the heading of its statements.
    create: its CREATE statement, by default the settings in their order; with `replace` as CREATE OR REPLACE.
    lost: what making it anew loses.
    """

    name: str
    section: str
    area: Area
    settings: tuple[Setting, ...]
    create: Callable[[Item, bool], str] | None = None
    lost: str = "what is in it is lost"
    words: str = ""
    """In statements, where they are not the name."""

    def setting(self, keyword: str) -> Setting:
        return next(each for each in self.settings if each.keyword == keyword)


def creation(kind: Kind, item: Item, *, replace: bool = False) -> str:
    """The statement that makes an object, or makes it anew."""
    if kind.create is not None:
        return kind.create(item, replace)
    return " ".join([_begin(kind.name, item, replace), *_settings(kind, item)])


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


def location_sql(location: tuple[str, str, str, str | None, str | None]) -> str:
    """One of an external volume's locations: name, URL, role, external id, KMS key."""
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
    condition = "" if replace else "IF NOT EXISTS "
    return f"{verb} {before}{words} {condition}{qualified(item.name)}"


def _settings(kind: Kind, item: Item, leave_out: tuple[str, ...] = ()) -> list[str]:
    """`KEYWORD = value` for what is declared and not what a new object has anyway."""
    found = []
    for setting in kind.settings:
        value = item.values.get(setting.keyword)
        if setting.keyword in leave_out or setting.clause is not None or value is None or value == setting.default:
            continue
        found.append(setting.assigned(value))
    return found


def _transient(item: Item) -> str:
    return "TRANSIENT " if item.values.get("TRANSIENT") else ""


def _database(item: Item, replace: bool) -> str:
    rest = _settings(KINDS["DATABASE"], item, ("TRANSIENT",))
    return " ".join([_begin("DATABASE", item, replace, before=_transient(item)), *rest])


def _schema(item: Item, replace: bool) -> str:
    managed = ["WITH MANAGED ACCESS"] if item.values.get("MANAGED_ACCESS") else []
    rest = _settings(KINDS["SCHEMA"], item, ("TRANSIENT",))
    return " ".join([_begin("SCHEMA", item, replace, before=_transient(item)), *managed, *rest])


def _managed_access(value: bool) -> str:
    return "ENABLE MANAGED ACCESS" if value else "DISABLE MANAGED ACCESS"


_TRIGGERS = ("NOTIFY", "SUSPEND", "SUSPEND_IMMEDIATE")


def triggers_sql(item: Item) -> str:
    """`TRIGGERS ON 80 PERCENT DO NOTIFY …`; all of a monitor's are said together."""
    notify: tuple[int, ...] = item.values.get("NOTIFY") or ()
    found = [f"ON {at} PERCENT DO NOTIFY" for at in notify]
    for word in _TRIGGERS[1:]:
        at = item.values.get(word)
        if at is not None:
            found.append(f"ON {at} PERCENT DO {word}")
    return f"TRIGGERS {' '.join(found)}" if found else ""


def _monitor(item: Item, replace: bool) -> str:
    rest = _settings(KINDS["RESOURCE MONITOR"], item, _TRIGGERS)
    parts = [_begin("RESOURCE MONITOR", item, replace), "WITH", *rest, triggers_sql(item)]
    return " ".join(part for part in parts if part)


def _volume(item: Item, replace: bool) -> str:
    locations = ", ".join(location_sql(each) for each in item.values["STORAGE_LOCATIONS"])
    rest = _settings(KINDS["EXTERNAL VOLUME"], item, ("STORAGE_LOCATIONS",))
    return " ".join([_begin("EXTERNAL VOLUME", item, replace), f"STORAGE_LOCATIONS = ({locations})", *rest])


def _cluster(item: Item) -> list[str]:
    keys = item.values.get("CLUSTER_BY")
    return [f"CLUSTER BY ({', '.join(keys)})"] if keys else []


def _cluster_by(keys: tuple[str, ...]) -> str:
    return f"CLUSTER BY ({', '.join(keys)})" if keys else "DROP CLUSTERING KEY"


def _columns(item: Item) -> str:
    return "(\n  " + ",\n  ".join(column_sql(column) for column in item.columns) + "\n)"


def _table(item: Item, replace: bool) -> str:
    rest = _settings(KINDS["TABLE"], item)
    return " ".join([_begin("TABLE", item, replace), _columns(item), *_cluster(item), *rest])


def _iceberg(item: Item, replace: bool) -> str:
    rest = _settings(KINDS["ICEBERG TABLE"], item)
    return " ".join([_begin("ICEBERG TABLE", item, replace), _columns(item), *_cluster(item), *rest])


def _view(item: Item, replace: bool) -> str:
    secure = "SECURE " if item.values.get("SECURE") else ""
    parts = [_begin("VIEW", item, replace, before=secure), "COPY GRANTS" if replace else ""]
    comment = item.values.get("COMMENT")
    parts.append(f"COMMENT = {literal(comment)}" if comment else "")
    return " ".join(part for part in parts if part) + f" AS\n{item.values['QUERY']}"


def _dynamic_table(item: Item, replace: bool) -> str:
    rest = _settings(KINDS["DYNAMIC TABLE"], item, ("QUERY",))
    return " ".join([_begin("DYNAMIC TABLE", item, replace), *rest]) + f" AS\n{item.values['QUERY']}"


def _pipe(item: Item, replace: bool) -> str:
    rest = _settings(KINDS["PIPE"], item, ("QUERY",))
    return " ".join([_begin("PIPE", item, replace), *rest]) + f" AS\n{item.values['QUERY']}"


def _stage(item: Item, replace: bool) -> str:
    directory = ["DIRECTORY = (ENABLE = TRUE)"] if item.values.get("DIRECTORY") else []
    comment = item.values.get("COMMENT")
    last = [f"COMMENT = {literal(comment)}"] if comment else []
    rest = _settings(KINDS["STAGE"], item, ("COMMENT",))
    return " ".join([_begin("STAGE", item, replace), *rest, *directory, *last])


def _directory(on: bool) -> str:
    return f"SET DIRECTORY = (ENABLE = {'TRUE' if on else 'FALSE'})"


def _secure(secure: bool) -> str:
    return "SET SECURE" if secure else "UNSET SECURE"


def _lag(value: str) -> str:
    return value if value == "DOWNSTREAM" else literal(value)


def _query(keyword: str = "QUERY") -> Setting:
    return Setting(keyword, str, "fixed")


_ROWS = "its rows are lost"
_ALL: tuple[Kind, ...] = (
    Kind("ROLE", "Account roles", "security", (_COMMENT,)),
    Kind(
        "RESOURCE MONITOR",
        "Resource monitors",
        "account",
        (
            whole("CREDIT_QUOTA"),
            plain("FREQUENCY"),
            plain("START_TIMESTAMP", change="create"),
            names("NOTIFY_USERS", default=()),
            Setting("NOTIFY", str, default=()),
            Setting("SUSPEND", str, default=None),
            Setting("SUSPEND_IMMEDIATE", str, default=None),
        ),
        _monitor,
    ),
    Kind(
        "WAREHOUSE",
        "Virtual warehouses",
        "objects",
        (
            plain("WAREHOUSE_SIZE"),
            whole("MAX_CLUSTER_COUNT", default=1),
            whole("MIN_CLUSTER_COUNT", default=1),
            plain("SCALING_POLICY", default="STANDARD"),
            whole("AUTO_SUSPEND"),
            flag("AUTO_RESUME"),
            flag("INITIALLY_SUSPENDED", change="create"),
            name("RESOURCE_MONITOR", absent="NULL", default=None),
            _COMMENT,
            whole("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS"),
            whole("STATEMENT_TIMEOUT_IN_SECONDS"),
        ),
    ),
    Kind(
        "DATABASE",
        "Databases",
        "objects",
        (flag("TRANSIENT", change="fixed", default=False), retention(), _COMMENT),
        _database,
        "its schemas, tables and rows are lost",
    ),
    Kind(
        "SCHEMA",
        "Schemas",
        "objects",
        (
            flag("TRANSIENT", change="fixed", default=False),
            flag("MANAGED_ACCESS", clause=_managed_access, default=False),
            retention(),
            _COMMENT,
        ),
        _schema,
        "its tables and their rows are lost",
    ),
    Kind("DATABASE ROLE", "Database roles", "objects", (_COMMENT,)),
    Kind(
        "NETWORK RULE",
        "Network rules",
        "objects",
        (plain("TYPE", change="fixed"), texts("VALUE_LIST"), plain("MODE", change="fixed"), _COMMENT),
        lost="policies that name it are without it meanwhile",
    ),
    Kind(
        "NETWORK POLICY",
        "Network policies",
        "account",
        (
            rule_names("ALLOWED_NETWORK_RULE_LIST"),
            rule_names("BLOCKED_NETWORK_RULE_LIST"),
            texts("ALLOWED_IP_LIST", default=()),
            texts("BLOCKED_IP_LIST", default=()),
            _COMMENT,
        ),
    ),
    Kind(
        "STORAGE INTEGRATION",
        "Storage integrations",
        "account",
        (
            plain("TYPE", change="create"),
            text("STORAGE_PROVIDER", change="fixed"),
            text("STORAGE_AWS_ROLE_ARN"),
            text("STORAGE_AWS_EXTERNAL_ID"),
            flag("ENABLED"),
            texts("STORAGE_ALLOWED_LOCATIONS"),
            texts("STORAGE_BLOCKED_LOCATIONS", default=()),
            _COMMENT,
        ),
        lost="stages that use it no longer work, and AWS must trust a new external id",
    ),
    Kind(
        "EXTERNAL VOLUME",
        "External volumes",
        "account",
        (Setting("STORAGE_LOCATIONS", str), flag("ALLOW_WRITES"), _COMMENT),
        _volume,
        "Iceberg tables that use it no longer work, and AWS must trust a new external id",
    ),
    Kind(
        "USER",
        "Service users",
        "security",
        (
            name("DEFAULT_WAREHOUSE", default=None),
            name("DEFAULT_ROLE"),
            key("RSA_PUBLIC_KEY"),
            key("RSA_PUBLIC_KEY_2"),
            plain("TYPE", change="create"),
            _COMMENT,
            network_policy(),
        ),
    ),
    Kind(
        "TABLE",
        "Tables",
        "objects",
        (
            Setting("CLUSTER_BY", str, clause=_cluster_by, default=()),
            flag("ENABLE_SCHEMA_EVOLUTION", default=False),
            retention(),
            flag("CHANGE_TRACKING", default=False),
            _COMMENT,
        ),
        _table,
        _ROWS,
    ),
    Kind(
        "ICEBERG TABLE",
        "Iceberg tables",
        "objects",
        (
            Setting("CLUSTER_BY", str, clause=_cluster_by, default=()),
            text("EXTERNAL_VOLUME", change="fixed"),
            text("CATALOG", change="create"),
            text("BASE_LOCATION", change="fixed"),
            _COMMENT,
        ),
        _iceberg,
        _ROWS,
    ),
    Kind(
        "STAGE",
        "Stages",
        "objects",
        (
            text("URL"),
            name("STORAGE_INTEGRATION"),
            Setting("DIRECTORY", str, clause=_directory, default=False),
            _COMMENT,
        ),
        _stage,
        "its files are lost",
    ),
    Kind(
        "VIEW",
        "Views",
        "objects",
        (
            Setting("SECURE", str, clause=_secure, default=False),
            _COMMENT,
            _query(),
        ),
        _view,
        "",
    ),
    Kind(
        "DYNAMIC TABLE",
        "Dynamic tables",
        "objects",
        (
            Setting("TARGET_LAG", _lag),
            plain("REFRESH_MODE", change="fixed"),
            name("WAREHOUSE"),
            _COMMENT,
            _query(),
        ),
        _dynamic_table,
        "its rows are computed anew from its query, which may take long and cost credits",
    ),
    Kind(
        "PIPE",
        "Pipes",
        "objects",
        (
            flag("AUTO_INGEST", change="fixed", default=False),
            text("AWS_SNS_TOPIC", change="fixed", default=None),
            _COMMENT,
            _query(),
        ),
        _pipe,
        "it forgets which files it has loaded, so they may be loaded twice",
    ),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
"""In the order in which objects are made: none needs one of a later kind, but for views and dynamic tables, which read
each other and go by their level."""
