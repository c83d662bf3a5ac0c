"""The kinds of objects: the order they are made in, whose work they are, and their settings.

A new kind is one entry here, one function in `wanted`, one in `live_rows`, and one in `creation` where its CREATE is no
plain list of settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modules.warehouse.sql.quoting import literal
from modules.warehouse.sql.settings import (
    Setting,
    comment,
    flag,
    frequency,
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

__all__ = ["KINDS", "RELATIONS", "TRIGGERS", "Kind"]

_COMMENT = comment()
RELATIONS = ("TABLE", "ICEBERG TABLE", "VIEW", "DYNAMIC TABLE")
"""Kinds that share one name space and can be queried."""
TRIGGERS = ("NOTIFY", "SUSPEND", "SUSPEND_IMMEDIATE")
"""Settings of a resource monitor that are said together, after TRIGGERS."""


@dataclass(frozen=True)
class Kind:
    """Attributes:
    name: as SQL has it.
    section: the heading of its statements.
    lost: what making it anew loses.
    """

    name: str
    section: str
    area: Area
    settings: tuple[Setting, ...]
    lost: str = "what is in it is lost"


def _managed_access(value: bool) -> str:
    return "ENABLE MANAGED ACCESS" if value else "DISABLE MANAGED ACCESS"


def _cluster_by(keys: tuple[str, ...]) -> str:
    return f"CLUSTER BY ({', '.join(keys)})" if keys else "DROP CLUSTERING KEY"


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
            frequency(),
            plain("START_TIMESTAMP", change="create"),
            names("NOTIFY_USERS", default=()),
            Setting("NOTIFY", str, default=()),
            Setting("SUSPEND", str, default=None),
            Setting("SUSPEND_IMMEDIATE", str, default=None),
        ),
    ),
    Kind(
        "WAREHOUSE",
        "Virtual warehouses",
        "objects",
        (
            plain("WAREHOUSE_SIZE"),
            whole("MAX_CLUSTER_COUNT", default=1),
            whole("MIN_CLUSTER_COUNT"),
            plain("SCALING_POLICY", default="STANDARD"),
            whole("AUTO_SUSPEND"),
            flag("AUTO_RESUME"),
            flag("INITIALLY_SUSPENDED", change="create"),
            name("RESOURCE_MONITOR", absent="NULL", default=None, area="account"),
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
        _ROWS,
    ),
    Kind(
        "STAGE",
        "Stages",
        "objects",
        (
            text("URL"),
            name("STORAGE_INTEGRATION"),
            Setting("DIRECTORY", str, clause=_directory),
            _COMMENT,
        ),
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
        "",
    ),
    Kind(
        "DYNAMIC TABLE",
        "Dynamic tables",
        "objects",
        (
            Setting("TARGET_LAG", _lag),
            plain("INITIALIZE", change="create"),
            plain("REFRESH_MODE", change="fixed"),
            name("WAREHOUSE"),
            _COMMENT,
            _query(),
        ),
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
        "it forgets which files it has loaded, so they may be loaded twice",
    ),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
"""In the order in which objects are made: none needs one of a later kind, but for views and dynamic tables, which read
each other and go by their level."""
