"""STREAM on a table: create, alter, drop, show, describe; what it holds is in `streams`."""

from __future__ import annotations

import time
from typing import Any

from modules.local.standin import streams
from modules.local.standin.catalog import Entity
from modules.local.standin.columns import ColumnSpec, columns_of, put_columns
from modules.local.standin.errors import SnowflakeError, unsupported
from modules.local.standin.results import stamp
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.objects import ObjectKind, head, register
from modules.local.standin.statements.options import options
from modules.local.standin.tokenizer import Tokens, quote

__all__: list[str] = []

_PROPERTIES = frozenset({"APPEND_ONLY", "SHOW_INITIAL_ROWS"})
_STALE_AFTER_DAYS = 14


def _read(context: Context, tokens: Tokens) -> dict[str, Any]:
    tokens.accept("COPY", "GRANTS")
    tokens.expect("ON")
    if not tokens.accept("TABLE"):
        raise unsupported(f"CREATE STREAM ON {tokens.word()}")
    name = context.object_name(tokens.name())
    if tokens.at("AT") or tokens.at("BEFORE"):
        raise unsupported("CREATE STREAM … AT | BEFORE")
    table = context.access.table(name, "SELECT")
    given = options(tokens, {*_PROPERTIES, "COMMENT"})
    given |= {"table": list(table.name), "table_id": table.id}
    holder = Entity("STREAM", (), "", 0, 0, props=given)
    put_columns(holder, [*columns_of(table), *(ColumnSpec(one, "VARCHAR(16777216)") for one in streams.METADATA)])
    return holder.props


def _created(context: Context, entity: Entity) -> None:
    initial = str(entity.props.get("SHOW_INITIAL_ROWS", "false")).lower() == "true"
    streams.make(context, entity, initial)


def _base(context: Context, entity: Entity) -> str:
    try:
        return quote(streams.source(context, entity).name)
    except SnowflakeError:
        return "No privilege or table dropped"


def _row(context: Context, entity: Entity) -> tuple[Any, ...]:
    base = _base(context, entity)
    lost = base.startswith("No privilege")
    mode = "APPEND_ONLY" if streams.append_only(entity) else "DEFAULT"
    stale = stamp(time.time() + _STALE_AFTER_DAYS * 86400)
    return (
        *head(entity), entity.owner, entity.comment, base, "Table", base, "DELTA", "true" if lost else "false", mode,
        stale, "Base table dropped" if lost else "N/A", entity.owner_role_type,
    )  # fmt: skip


_COLUMNS = (
    "created_on:ts,name,database_name,schema_name,owner,comment,table_name,source_type,base_tables,type,stale,mode,"
    "stale_after:ts,invalid_reason,owner_role_type"
)

register(
    ObjectKind(
        kind="STREAM",
        show=_COLUMNS,
        row=_row,
        parse=_read,
        created=_created,
        dropping=streams.drop_storage,
        describe=_COLUMNS,
        details=lambda context, entity: [_row(context, entity)],
    )
)
