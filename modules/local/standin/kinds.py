"""The kinds of objects: their plural in SHOW and GRANT, what they lie in, and which privileges there are on them.

Names of privileges: Snowflake's "Access control privileges". Order matters nowhere; a kind that is not here cannot be
granted on.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KINDS", "PLURALS", "RELATIONS", "STORED", "Kind"]

RELATIONS = ("TABLE", "VIEW", "DYNAMIC TABLE", "ICEBERG TABLE", "STREAM")
"""What can stand in a FROM clause; tables of all kinds and views share one name space."""
STORED = ("TABLE", "DYNAMIC TABLE", "ICEBERG TABLE")
"""Those with rows of their own."""


@dataclass(frozen=True)
class Kind:
    name: str
    plural: str
    depth: int
    """Parts of its full name: 1 in the account, 2 in a database, 3 in a schema."""
    privileges: frozenset[str] = frozenset()


def _kind(name: str, depth: int, privileges: str, plural: str = "") -> Kind:
    words = frozenset(word.strip() for word in privileges.split(",") if word.strip())
    return Kind(name, plural or (f"{name[:-1]}IES" if name.endswith("CY") else f"{name}S"), depth, words)


_TABLE = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, EVOLVE SCHEMA, REBUILD, APPLYBUDGET"
_ALL = (
    _kind(
        "DATABASE",
        1,
        "USAGE, MODIFY, MONITOR, CREATE SCHEMA, IMPORTED PRIVILEGES, CREATE DATABASE ROLE, REFERENCE_USAGE",
    ),
    _kind(
        "SCHEMA",
        2,
        "USAGE, MODIFY, MONITOR, ADD SEARCH OPTIMIZATION, CREATE TABLE, CREATE VIEW, CREATE STAGE, CREATE PIPE, "
        "CREATE STREAM, CREATE TASK, CREATE SEQUENCE, CREATE FILE FORMAT, CREATE FUNCTION, CREATE PROCEDURE, "
        "CREATE DYNAMIC TABLE, CREATE ICEBERG TABLE, CREATE EXTERNAL TABLE, CREATE MATERIALIZED VIEW, "
        "CREATE NETWORK RULE, CREATE SECRET, CREATE TAG, CREATE TEMPORARY TABLE, CREATE ALERT, CREATE EVENT TABLE, "
        "CREATE HYBRID TABLE, CREATE MASKING POLICY, CREATE ROW ACCESS POLICY, CREATE PASSWORD POLICY, "
        "CREATE SESSION POLICY, CREATE AGGREGATION POLICY, CREATE PROJECTION POLICY, APPLYBUDGET",
    ),
    _kind("TABLE", 3, _TABLE),
    _kind("ICEBERG TABLE", 3, _TABLE),
    _kind("VIEW", 3, "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES"),
    _kind("DYNAMIC TABLE", 3, "SELECT, OPERATE, MONITOR"),
    _kind("STREAM", 3, "SELECT"),
    _kind("STAGE", 3, "USAGE, READ, WRITE"),
    _kind("PIPE", 3, "MONITOR, OPERATE, APPLYBUDGET"),
    _kind("TAG", 3, "APPLY, READ"),
    _kind("MASKING POLICY", 3, "APPLY"),
    _kind("NETWORK RULE", 3, "USAGE"),
    _kind("WAREHOUSE", 1, "USAGE, OPERATE, MODIFY, MONITOR, APPLYBUDGET"),
    _kind("USER", 1, "MONITOR, MODIFY PROGRAMMATIC AUTHENTICATION METHODS"),
    _kind("ROLE", 1, "USAGE"),
    _kind("DATABASE ROLE", 2, "USAGE"),
    _kind("RESOURCE MONITOR", 1, "MODIFY, MONITOR"),
    _kind("NETWORK POLICY", 1, "USAGE"),
    _kind("INTEGRATION", 1, "USAGE, USE_ANY_ROLE"),
    _kind("EXTERNAL VOLUME", 1, "USAGE"),
    _kind(
        "ACCOUNT",
        0,
        "CREATE DATABASE, CREATE ROLE, CREATE USER, CREATE WAREHOUSE, CREATE NETWORK POLICY, CREATE INTEGRATION, "
        "CREATE SHARE, CREATE ACCOUNT, CREATE EXTERNAL VOLUME, MANAGE GRANTS, MONITOR USAGE, MONITOR EXECUTION, "
        "MONITOR SECURITY, MONITOR, EXECUTE TASK, EXECUTE MANAGED TASK, EXECUTE ALERT, IMPORT SHARE, "
        "MANAGE WAREHOUSES, APPLY MASKING POLICY, APPLY ROW ACCESS POLICY, APPLY TAG, ATTACH POLICY, RESOLVE ALL, "
        "AUDIT, MANAGE ACCOUNT SUPPORT CASES, MODIFY, BIND SERVICE ENDPOINT, OVERRIDE SHARE RESTRICTIONS",
    ),
)
KINDS = {kind.name: kind for kind in _ALL}
PLURALS = {kind.plural: kind.name for kind in _ALL}
