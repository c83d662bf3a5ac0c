"""INFORMATION_SCHEMA from the catalogue: what the session's roles can see, with Snowflake's types.

Served are DATABASES, SCHEMATA, TABLES, COLUMNS and VIEWS; any other view of it is refused as unsupported. Each is an
Arrow table the session's connection is given under a name of its own for the one statement.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from modules.local.standin.catalog import Entity
from modules.local.standin.columns import ColumnSpec, columns_of
from modules.local.standin.errors import unsupported
from modules.local.standin.kinds import RELATIONS
from modules.local.standin.parameters import effective
from modules.local.standin.tokenizer import Name

if TYPE_CHECKING:
    from modules.local.standin.statements.context import Context

__all__ = ["provide", "served"]

_Row = dict[str, Any]
_TYPES = {"VARCHAR": "TEXT"}
_TEXT_BYTES = 16777216


def provide(context: Context, name: Name) -> Name:
    """Make `DATABASE.INFORMATION_SCHEMA.<view>` readable; the name it goes by in the engine.

    Raises:
        SnowflakeError: 002003 the database is absent or hidden, 000002 not a view that is served.
    """
    database = context.access.find("DATABASE", name[:1])
    view = _VIEWS.get(name[2])
    if view is None:
        raise unsupported(f"INFORMATION_SCHEMA.{name[2]}")
    rows = list(view(context, database))
    own = f"_infra_is_{name[2].lower()}_{database.id}"
    context.engine.lend(context.session, own, _arrow(_COLUMNS[name[2]], rows))
    return ("temp", "main", own)


def served() -> frozenset[str]:
    """The views there are."""
    return frozenset(_VIEWS)


def _arrow(columns: str, rows: list[_Row]) -> Any:
    import pyarrow

    kinds = {"int": pyarrow.int64(), "ts": pyarrow.timestamp("us", "UTC")}
    fields = []
    for column in columns.split():
        name, _, kind = column.partition(":")
        fields.append(pyarrow.field(name, kinds.get(kind, pyarrow.string())))
    return pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(fields))


def _yes(value: object) -> str:
    return "YES" if value else "NO"


def _times(entity: Entity) -> _Row:
    created = dt.datetime.fromtimestamp(entity.created_on, dt.UTC)
    return {"CREATED": created, "LAST_ALTERED": created}


def _retention(context: Context, entity: Entity) -> int:
    return int(effective(context.catalog, entity, "DATA_RETENTION_TIME_IN_DAYS")[0])


def _databases(context: Context, _: Entity) -> Iterator[_Row]:
    for entity in context.catalog.of_kind("DATABASE"):
        if context.access.sees(entity):
            yield {
                "DATABASE_NAME": entity.name[0],
                "DATABASE_OWNER": entity.owner,
                "IS_TRANSIENT": _yes(entity.props.get("transient")),
                "COMMENT": entity.comment or None,
                "RETENTION_TIME": _retention(context, entity),
                "TYPE": "STANDARD",
                **_times(entity),
            }


def _schemata(context: Context, database: Entity) -> Iterator[_Row]:
    yield {
        "CATALOG_NAME": database.name[0],
        "SCHEMA_NAME": "INFORMATION_SCHEMA",
        "IS_TRANSIENT": "NO",
        **_times(database),
    }
    for entity in context.catalog.of_kind("SCHEMA", database.name):
        if context.access.sees(entity):
            yield {
                "CATALOG_NAME": database.name[0],
                "SCHEMA_NAME": entity.name[1],
                "SCHEMA_OWNER": entity.owner,
                "IS_TRANSIENT": _yes(entity.props.get("transient")),
                "IS_MANAGED_ACCESS": _yes(entity.props.get("managed_access")),
                "RETENTION_TIME": _retention(context, entity),
                "COMMENT": entity.comment or None,
                **_times(entity),
            }


def _relations(context: Context, database: Entity) -> Iterator[Entity]:
    for kind in RELATIONS[:4]:
        for entity in context.catalog.of_kind(kind, database.name):
            if context.access.sees(entity):
                yield entity


def _tables(context: Context, database: Entity) -> Iterator[_Row]:
    for entity in _relations(context, database):
        view = entity.kind == "VIEW"
        yield {
            "TABLE_CATALOG": entity.name[0],
            "TABLE_SCHEMA": entity.name[1],
            "TABLE_NAME": entity.name[2],
            "TABLE_OWNER": entity.owner,
            "TABLE_TYPE": "VIEW" if view else "BASE TABLE",
            "IS_TRANSIENT": _yes(entity.props.get("transient")),
            "CLUSTERING_KEY": entity.props.get("cluster_by"),
            "ROW_COUNT": None if view else context.engine.row_count(entity.name),
            "BYTES": None if view else 0,
            "IS_INSERTABLE_INTO": "YES",
            "COMMENT": entity.comment or None,
            "IS_TEMPORARY": "NO",
            "IS_ICEBERG": _yes(entity.kind == "ICEBERG TABLE"),
            "IS_DYNAMIC": _yes(entity.kind == "DYNAMIC TABLE"),
            **_times(entity),
        }


def _columns(context: Context, database: Entity) -> Iterator[_Row]:
    for entity in _relations(context, database):
        for position, column in enumerate(columns_of(entity), 1):
            yield {
                "TABLE_CATALOG": entity.name[0],
                "TABLE_SCHEMA": entity.name[1],
                "TABLE_NAME": entity.name[2],
                "COLUMN_NAME": column.name,
                "ORDINAL_POSITION": position,
                "COLUMN_DEFAULT": column.default,
                "IS_NULLABLE": _yes(column.nullable),
                "COMMENT": column.comment or None,
                **_type(column),
            }


def _type(column: ColumnSpec) -> _Row:
    kind = column.column_type
    found: _Row = {"DATA_TYPE": _TYPES.get(kind.base, kind.base)}
    if kind.base == "VARCHAR":
        length = kind.args[0]
        found |= {"CHARACTER_MAXIMUM_LENGTH": length, "CHARACTER_OCTET_LENGTH": min(length * 4, _TEXT_BYTES)}
    elif kind.base == "NUMBER":
        found |= {"NUMERIC_PRECISION": kind.args[0], "NUMERIC_PRECISION_RADIX": 10, "NUMERIC_SCALE": kind.args[1]}
    elif kind.base == "TIME" or kind.base.startswith("TIMESTAMP"):
        found["DATETIME_PRECISION"] = kind.args[0]
    return found


def _views(context: Context, database: Entity) -> Iterator[_Row]:
    for entity in context.catalog.of_kind("VIEW", database.name):
        if context.access.sees(entity):
            yield {
                "TABLE_CATALOG": entity.name[0],
                "TABLE_SCHEMA": entity.name[1],
                "TABLE_NAME": entity.name[2],
                "TABLE_OWNER": entity.owner,
                "VIEW_DEFINITION": entity.props["text"],
                "CHECK_OPTION": "NONE",
                "IS_UPDATABLE": "NO",
                "INSERTABLE_INTO": "NO",
                "IS_SECURE": _yes(entity.props.get("secure")),
                "COMMENT": entity.comment or None,
                **_times(entity),
            }


_VIEWS: dict[str, Callable[[Context, Entity], Iterator[_Row]]] = {
    "DATABASES": _databases,
    "SCHEMATA": _schemata,
    "TABLES": _tables,
    "COLUMNS": _columns,
    "VIEWS": _views,
}
_COLUMNS = {
    "DATABASES": "DATABASE_NAME DATABASE_OWNER IS_TRANSIENT COMMENT CREATED:ts LAST_ALTERED:ts RETENTION_TIME:int TYPE",
    "SCHEMATA": "CATALOG_NAME SCHEMA_NAME SCHEMA_OWNER IS_TRANSIENT IS_MANAGED_ACCESS RETENTION_TIME:int "
    "DEFAULT_CHARACTER_SET_CATALOG DEFAULT_CHARACTER_SET_SCHEMA DEFAULT_CHARACTER_SET_NAME SQL_PATH CREATED:ts "
    "LAST_ALTERED:ts COMMENT",
    "TABLES": "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_OWNER TABLE_TYPE IS_TRANSIENT CLUSTERING_KEY ROW_COUNT:int "
    "BYTES:int RETENTION_TIME:int SELF_REFERENCING_COLUMN_NAME REFERENCE_GENERATION IS_INSERTABLE_INTO IS_TYPED "
    "COMMIT_ACTION CREATED:ts LAST_ALTERED:ts AUTO_CLUSTERING_ON COMMENT IS_TEMPORARY IS_ICEBERG IS_DYNAMIC",
    "COLUMNS": "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION:int COLUMN_DEFAULT IS_NULLABLE "
    "DATA_TYPE CHARACTER_MAXIMUM_LENGTH:int CHARACTER_OCTET_LENGTH:int NUMERIC_PRECISION:int "
    "NUMERIC_PRECISION_RADIX:int NUMERIC_SCALE:int DATETIME_PRECISION:int COLLATION_NAME IS_IDENTITY COMMENT",
    "VIEWS": "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_OWNER VIEW_DEFINITION CHECK_OPTION IS_UPDATABLE "
    "INSERTABLE_INTO IS_SECURE CREATED:ts LAST_ALTERED:ts COMMENT",
}
