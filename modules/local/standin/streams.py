"""STREAM: the rows of a table that came or went since they were last consumed.

A stream keeps a snapshot of its table beside it. What is in the table and not in the snapshot was inserted, what is in
the snapshot and not in the table was deleted; a DML statement that reads the stream renews the snapshot in the same
transaction. So a changed row is a deleted and an inserted one, as in Snowflake, but METADATA$ISUPDATE is true only for
tables with a primary key, since nothing else says which two rows belong together. An append-only stream also keeps what
was inserted before a change or removal of rows, which would otherwise look inserted or never have been.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.local.standin.catalog import Entity
from modules.local.standin.columns import ColumnSpec, columns_of
from modules.local.standin.engine import HIDDEN, duck_name, snow_name
from modules.local.standin.errors import does_not_exist, unsupported
from modules.local.standin.tokenizer import Name, Tokens, quote

if TYPE_CHECKING:
    from modules.local.standin.statements.context import Context

__all__ = [
    "METADATA",
    "append_only",
    "consume",
    "drop_storage",
    "forget_inserts",
    "make",
    "reading",
    "source",
    "streams_on",
]

METADATA = ("METADATA$ACTION", "METADATA$ISUPDATE", "METADATA$ROW_ID")
_ACTION, _UPDATE, _ROW = (snow_name((one,)) for one in METADATA)


def append_only(stream: Entity) -> bool:
    return str(stream.props.get("APPEND_ONLY", "false")).lower() == "true"


def source(context: Context, stream: Entity) -> Entity:
    """The stream's table.

    Raises:
        SnowflakeError: 002003, it was dropped or replaced.
    """
    table = context.catalog.get("TABLE", tuple(stream.props["table"]))
    if table is None or table.id != stream.props["table_id"]:
        raise does_not_exist("Base table", quote(tuple(stream.props["table"])))
    return table


def streams_on(context: Context, table: Name) -> list[Entity]:
    return [one for one in context.catalog.of_kind("STREAM") if tuple(one.props["table"]) == table]


def _storage(stream: Entity, what: str) -> Name:
    return (stream.name[0], HIDDEN, f"_infra_stream_{stream.id}_{what}")


def _names(columns: list[ColumnSpec]) -> str:
    return ", ".join(duck_name((column.name,)) for column in columns)


def _columns(context: Context, stream: Entity) -> list[ColumnSpec]:
    """The table's columns that were there when the snapshot was taken; later ones show from the next on."""
    table = source(context, stream)
    kept = {name for name, _, _ in context.engine.columns(_storage(stream, "base"))}
    columns = [column for column in columns_of(table) if column.name in kept]
    if len(columns) < len(kept):
        raise unsupported("a stream on a table that lost columns")
    return columns


def make(context: Context, stream: Entity, initial_rows: bool) -> None:
    """Take the first snapshot: the table as it is, or empty for SHOW_INITIAL_ROWS."""
    table = source(context, stream)
    if table.name[0] != stream.name[0]:
        raise unsupported("a stream on a table of another database")
    only = " LIMIT 0" if initial_rows else ""
    rows = f"SELECT * FROM {duck_name(table.name)}{only}"  # noqa: S608
    context.engine.run(f"CREATE OR REPLACE TABLE {duck_name(_storage(stream, 'base'))} AS {rows}")
    empty = f"SELECT * FROM {duck_name(table.name)} LIMIT 0"  # noqa: S608
    context.engine.run(f"CREATE OR REPLACE TABLE {duck_name(_storage(stream, 'log'))} AS {empty}")


def drop_storage(context: Context, stream: Entity) -> None:
    for what in ("base", "log"):
        context.engine.run(f"DROP TABLE IF EXISTS {duck_name(_storage(stream, what))}")


def reading(context: Context, stream: Entity) -> str:
    """The stream as a query: the table's columns, then the METADATA$ columns."""
    columns = _columns(context, stream)
    names = ", ".join(_quoted(column.name) for column in columns)
    table, base, log = (
        snow_name(name) for name in (source(context, stream).name, _storage(stream, "base"), _storage(stream, "log"))
    )
    inserted = f"SELECT {names} FROM {table} EXCEPT ALL SELECT {names} FROM {base}"  # noqa: S608
    if append_only(stream):
        changes = f"SELECT {names}, 'INSERT' AS {_ACTION} FROM ((SELECT {names} FROM {log}) UNION ALL ({inserted}))"  # noqa: S608
    else:
        deleted = f"SELECT {names} FROM {base} EXCEPT ALL SELECT {names} FROM {table}"  # noqa: S608
        changes = (
            f"SELECT {names}, 'INSERT' AS {_ACTION} FROM ({inserted}) UNION ALL "  # noqa: S608
            f"SELECT {names}, 'DELETE' AS {_ACTION} FROM ({deleted})"
        )
    keys = [_quoted(column.name) for column in columns if column.primary_key]
    row = ", ".join(f"COALESCE(CAST({name} AS VARCHAR), '')" for name in keys or [_quoted(c.name) for c in columns])
    paired = f"COUNT(*) OVER (PARTITION BY {', '.join(keys)}) > 1" if keys and not append_only(stream) else "FALSE"
    return (
        f"SELECT {names}, {_ACTION}, {paired} AS {_UPDATE}, "  # noqa: S608
        f"MD5(CONCAT_WS('|', {row}, '')) AS {_ROW} FROM ({changes})"
    )


def _quoted(name: str) -> str:
    return snow_name((name,))


def consume(context: Context, stream: Entity) -> None:
    """Renew the snapshot inside the session's transaction; the engine's statement that read the stream came before."""
    table, base = duck_name(source(context, stream).name), duck_name(_storage(stream, "base"))
    log = duck_name(_storage(stream, "log"))
    added = len(columns_of(source(context, stream))) != len(_columns(context, stream))
    if added:
        context.engine.run_in(context.session, f"CREATE OR REPLACE TABLE {base} AS SELECT * FROM {table}")  # noqa: S608
        context.engine.run_in(context.session, f"CREATE OR REPLACE TABLE {log} AS SELECT * FROM {table} LIMIT 0")  # noqa: S608
        return
    context.engine.run_in(context.session, f"DELETE FROM {base}")  # noqa: S608
    context.engine.run_in(context.session, f"INSERT INTO {base} SELECT * FROM {table}")  # noqa: S608
    context.engine.run_in(context.session, f"DELETE FROM {log}")  # noqa: S608


def forget_inserts(context: Context, stream: Entity, *, before: bool) -> None:
    """Around a statement that changes or removes rows: keep what was inserted, then start from the changed table."""
    columns = _names(_columns(context, stream))
    table, base, log = (
        duck_name(name) for name in (source(context, stream).name, _storage(stream, "base"), _storage(stream, "log"))
    )
    if before:
        inserted = f"SELECT {columns} FROM {table} EXCEPT ALL SELECT {columns} FROM {base}"  # noqa: S608
        context.engine.run_in(context.session, f"INSERT INTO {log} ({columns}) {inserted}")
        return
    context.engine.run_in(context.session, f"DELETE FROM {base}")  # noqa: S608
    context.engine.run_in(context.session, f"INSERT INTO {base} ({columns}) SELECT {columns} FROM {table}")  # noqa: S608


def has_data(context: Context, name: str) -> bool:
    """SYSTEM$STREAM_HAS_DATA('stream')."""
    stream = context.access.find("STREAM", context.object_name(Tokens(name).name()))
    result = context.engine.execute(context.session, f"SELECT COUNT(*) FROM ({reading(context, stream)})")  # noqa: S608
    return result.rows[0][0] != "0"
