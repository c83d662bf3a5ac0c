"""Snowflake's parameters: which kinds of objects have which, their defaults, and how a value is inherited.

Only names and defaults; nothing here changes how the stand-in behaves. Names: Snowflake's parameter reference.
"""

from __future__ import annotations

from modules.local.standin.catalog import Catalog, Entity

__all__ = ["PARAMETERS", "effective"]

_DATABASE = {
    "DATA_RETENTION_TIME_IN_DAYS": "1",
    "MAX_DATA_EXTENSION_TIME_IN_DAYS": "14",
    "EXTERNAL_VOLUME": "",
    "CATALOG": "",
    "REPLACE_INVALID_CHARACTERS": "false",
    "DEFAULT_DDL_COLLATION": "",
    "DEFAULT_NOTEBOOK_COMPUTE_POOL_CPU": "SYSTEM_COMPUTE_POOL_CPU",
    "DEFAULT_NOTEBOOK_COMPUTE_POOL_GPU": "SYSTEM_COMPUTE_POOL_GPU",
    "STORAGE_SERIALIZATION_POLICY": "OPTIMIZED",
    "LOG_LEVEL": "OFF",
    "LOG_EVENT_LEVEL": "OFF",
    "TRACE_LEVEL": "OFF",
    "SUSPEND_TASK_AFTER_NUM_FAILURES": "10",
    "TASK_AUTO_RETRY_ATTEMPTS": "0",
    "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE": "Medium",
    "USER_TASK_TIMEOUT_MS": "3600000",
    "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS": "30",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
    "ENABLE_CONSOLE_OUTPUT": "false",
}
_WAREHOUSE = {
    "MAX_CONCURRENCY_LEVEL": "8",
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": "0",
    "STATEMENT_TIMEOUT_IN_SECONDS": "172800",
    "FALLBACK_WAREHOUSE": "",
}
_SESSION = {
    "ABORT_DETACHED_QUERY": "false",
    "AUTOCOMMIT": "true",
    "BINARY_INPUT_FORMAT": "HEX",
    "BINARY_OUTPUT_FORMAT": "HEX",
    "CLIENT_MEMORY_LIMIT": "1536",
    "CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX": "false",
    "CLIENT_PREFETCH_THREADS": "4",
    "CLIENT_RESULT_CHUNK_SIZE": "160",
    "CLIENT_RESULT_COLUMN_CASE_INSENSITIVE": "false",
    "CLIENT_SESSION_KEEP_ALIVE": "false",
    "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": "3600",
    "CLIENT_TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_LTZ",
    "DATE_INPUT_FORMAT": "AUTO",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "ENABLE_UNLOAD_PHYSICAL_TYPE_OPTIMIZATION": "true",
    "ERROR_ON_NONDETERMINISTIC_MERGE": "true",
    "ERROR_ON_NONDETERMINISTIC_UPDATE": "false",
    "GEOGRAPHY_OUTPUT_FORMAT": "GeoJSON",
    "GEOMETRY_OUTPUT_FORMAT": "GeoJSON",
    "JDBC_TREAT_DECIMAL_AS_INT": "true",
    "JDBC_TREAT_TIMESTAMP_NTZ_AS_UTC": "false",
    "JDBC_USE_SESSION_TIMEZONE": "true",
    "JSON_INDENT": "2",
    "LOCK_TIMEOUT": "43200",
    "LOG_LEVEL": "OFF",
    "LOG_EVENT_LEVEL": "OFF",
    "MULTI_STATEMENT_COUNT": "1",
    "NOORDER_SEQUENCE_AS_DEFAULT": "true",
    "ODBC_TREAT_DECIMAL_AS_INT": "false",
    "QUERY_TAG": "",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
    "ROWS_PER_RESULTSET": "0",
    "S3_STAGE_VPCE_DNS_NAME": "",
    "SEARCH_PATH": "$current, $public",
    "SIMULATED_DATA_SHARING_CONSUMER": "",
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": "0",
    "STATEMENT_TIMEOUT_IN_SECONDS": "172800",
    "STRICT_JSON_OUTPUT": "false",
    "TIMESTAMP_DAY_IS_ALWAYS_24H": "false",
    "TIMESTAMP_INPUT_FORMAT": "AUTO",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
    "TIMEZONE": "Etc/UTC",
    "TIME_INPUT_FORMAT": "AUTO",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
    "TRACE_LEVEL": "OFF",
    "TRANSACTION_ABORT_ON_ERROR": "false",
    "TRANSACTION_DEFAULT_ISOLATION_LEVEL": "READ COMMITTED",
    "TWO_DIGIT_CENTURY_START": "1970",
    "UNSUPPORTED_DDL_ACTION": "ignore",
    "USE_CACHED_RESULT": "true",
    "WEEK_OF_YEAR_POLICY": "0",
    "WEEK_START": "0",
}
_USER = {
    **_SESSION,
    "ENABLE_UNREDACTED_QUERY_SYNTAX_ERROR": "false",
    "NETWORK_POLICY": "",
    "PREVENT_UNLOAD_TO_INTERNAL_STAGES": "false",
}
_TABLE = {
    "DATA_RETENTION_TIME_IN_DAYS": "1",
    "MAX_DATA_EXTENSION_TIME_IN_DAYS": "14",
    "DEFAULT_DDL_COLLATION": "",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
}
_ICEBERG = {
    "CATALOG": "",
    "CATALOG_SYNC": "",
    "DATA_RETENTION_TIME_IN_DAYS": "1",
    "ENABLE_DATA_COMPACTION": "true",
    "ENABLE_ICEBERG_MERGE_ON_READ": "true",
    "EXTERNAL_VOLUME": "",
    "MAX_DATA_EXTENSION_TIME_IN_DAYS": "14",
    "STORAGE_SERIALIZATION_POLICY": "OPTIMIZED",
    "TARGET_FILE_SIZE": "AUTO",
}
PARAMETERS: dict[str, dict[str, str]] = {
    "DATABASE": _DATABASE,
    "SCHEMA": {**_DATABASE, "PIPE_EXECUTION_PAUSED": "false"},
    "TABLE": _TABLE,
    "ICEBERG TABLE": _ICEBERG,
    "WAREHOUSE": _WAREHOUSE,
    "USER": _USER,
    "SESSION": _SESSION,
    "ACCOUNT": {**_DATABASE, **_USER, **_WAREHOUSE},
}
"""Parameter → default, by the kind of object."""


def effective(catalog: Catalog, entity: Entity, key: str) -> tuple[str, str]:
    """A parameter's value on an object and the level it was set at ('' where it is the default)."""
    if key in entity.params:
        return entity.params[key], entity.kind.removeprefix("ICEBERG ")
    for kind in _PARENTS.get(entity.kind, ()):
        parent = catalog.get(kind, entity.name[: _DEPTH[kind]])
        if parent is not None and key in parent.params:
            return parent.params[key], kind
    return PARAMETERS[entity.kind][key], ""


_PARENTS = {
    "TABLE": ("SCHEMA", "DATABASE", "ACCOUNT"),
    "ICEBERG TABLE": ("SCHEMA", "DATABASE", "ACCOUNT"),
    "SCHEMA": ("DATABASE", "ACCOUNT"),
    "DATABASE": ("ACCOUNT",),
    "WAREHOUSE": ("ACCOUNT",),
    "USER": ("ACCOUNT",),
}
_DEPTH = {"SCHEMA": 2, "DATABASE": 1, "ACCOUNT": 0}
