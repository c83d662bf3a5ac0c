"""DYNAMIC TABLE: holds real rows, which are brought up to date when it is read and they are older than its target lag.

Snowflake refreshes in the background; here nothing runs unasked, so a stale one is refreshed by the statement that
reads it (one with TARGET_LAG = DOWNSTREAM by every statement), or by ALTER DYNAMIC TABLE … REFRESH.
"""

from __future__ import annotations

import re
import time
from typing import Any

from modules.local.standin.catalog import Entity
from modules.local.standin.columns import columns_of, put_columns
from modules.local.standin.engine import snow_name
from modules.local.standin.errors import SnowflakeError, invalid_value, unsupported
from modules.local.standin.results import stamp
from modules.local.standin.sessions import Session
from modules.local.standin.statements import query
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.objects import ObjectKind, head, register
from modules.local.standin.statements.options import options
from modules.local.standin.statements.view import COLUMN_DETAILS, column_details, no_other, query_columns
from modules.local.standin.tokenizer import Tokens, quote

__all__ = ["refresh", "refresh_if_stale"]

_PROPERTIES = frozenset({"TARGET_LAG", "WAREHOUSE", "REFRESH_MODE", "INITIALIZE", "DATA_RETENTION_TIME_IN_DAYS"})
_WORDS = {"REFRESH_MODE": ("AUTO", "FULL", "INCREMENTAL"), "INITIALIZE": ("ON_CREATE", "ON_SCHEDULE")}
"""The first is what holds without a word."""
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def _lag(text: str) -> float:
    """Seconds of `'5 minutes'`; 0 for DOWNSTREAM."""
    if text.upper() == "DOWNSTREAM":
        return 0.0
    match = re.fullmatch(r"(\d+)\s+(second|minute|hour|day)s?", text.strip().lower())
    if match is None or int(match[1]) * _UNITS[match[2]] < 60:
        raise invalid_value(f"invalid value [{text}] for parameter 'TARGET_LAG': at least 1 minute, or DOWNSTREAM")
    return float(match[1]) * _UNITS[match[2]]


def _check(context: Context, given: dict[str, Any]) -> None:
    if "TARGET_LAG" in given:
        _lag(given["TARGET_LAG"])
    if "WAREHOUSE" in given:
        warehouse = context.access.find("WAREHOUSE", Tokens(given["WAREHOUSE"]).name())
        context.access.require("USAGE", warehouse)
        given["WAREHOUSE"] = warehouse.name[0]
    for key, words in _WORDS.items():
        if key in given:
            given[key] = str(given[key]).upper()
            if given[key] not in words:
                raise invalid_value(f"invalid value [{given[key]}] for parameter '{key}'")


def _read(context: Context, tokens: Tokens) -> dict[str, Any]:
    if tokens.at("("):
        raise unsupported("CREATE DYNAMIC TABLE with a column list")
    given = options(tokens, {*_PROPERTIES, "COMMENT"}, until=("AS",))
    tokens.expect("AS")
    given = {**{key: words[0] for key, words in _WORDS.items()}, **given, "definition": tokens.rest()}
    while not tokens.done:
        tokens.next()
    if "TARGET_LAG" not in given or "WAREHOUSE" not in given:
        raise SnowflakeError(
            1003, "42000", "SQL compilation error:\nMissing option(s): TARGET_LAG and WAREHOUSE are needed."
        )
    holder = Entity("DYNAMIC TABLE", (), "", 0, 0, props=given)
    put_columns(holder, query_columns(context, given["definition"]))
    return holder.props


def _created(context: Context, entity: Entity) -> None:
    no_other(context, "DYNAMIC TABLE", entity.name)
    columns = ", ".join(f"{snow_name((c.name,))} {c.column_type.ddl}" for c in columns_of(entity))
    context.engine.execute(context.session, f"CREATE TABLE {snow_name(entity.name)} ({columns})", writes=True)
    if str(entity.props.get("INITIALIZE", "ON_CREATE")).upper() != "ON_SCHEDULE":
        refresh(context, entity)


def _dropping(context: Context, entity: Entity) -> None:
    context.engine.drop_table(entity.name)


def refresh_if_stale(context: Context, entity: Entity) -> None:
    """Bring a dynamic table (and those under it, or under a view) up to date when it is older than its lag."""
    if entity.kind != "DYNAMIC TABLE" or entity.props.get("state") == "SUSPENDED":
        return
    if time.time() - float(entity.props.get("refreshed", 0)) > _lag(entity.props["TARGET_LAG"]):
        refresh(context, entity)


def refresh(context: Context, entity: Entity) -> None:
    """Make the rows those of its query now, with its owner's rights."""
    session = Session(0, context.session.user, entity.owner, "", "")
    session.database, session.schema = entity.name[:2]
    session.warehouse = entity.props["WAREHOUSE"]
    own = Context(context.catalog, context.engine, context.sessions, session)
    now = time.time()
    with context.engine.write_lock, context.catalog.change():
        try:
            prepared = query.prepare(own, entity.props["definition"])
            table = snow_name(entity.name)
            with context.engine.transaction(session):
                context.engine.execute(session, f"DELETE FROM {table}", writes=True)  # noqa: S608
                context.engine.execute(session, f"INSERT INTO {table} {prepared.text}", writes=True)
        finally:
            context.engine.release(session)
        entity.props["refreshed"] = now
        context.catalog.put(entity)


def _alter(context: Context, entity: Entity, tokens: Tokens) -> bool:
    if tokens.accept("REFRESH"):
        refresh(context, entity)
    elif tokens.accept("SUSPEND"):
        entity.props["state"] = "SUSPENDED"
    elif tokens.accept("RESUME"):
        entity.props.pop("state", None)
    else:
        return False
    return True


def _text(entity: Entity) -> str:
    """The statement in the form SHOW has it: the comment first, then all options, then the query."""
    get = entity.props.get
    comment = "comment = '" + entity.comment.replace("'", "\\'") + "' " if entity.comment else ""
    mode, initialize = (
        str(get(key, default)).upper() for key, default in (("REFRESH_MODE", "AUTO"), ("INITIALIZE", "ON_CREATE"))
    )
    return (
        f"create dynamic table {quote(entity.name)} {comment}lag = '{get('TARGET_LAG')}' refresh_mode = '{mode}' "
        f"initialize = '{initialize}' warehouse = {quote(str(get('WAREHOUSE')))} as {get('definition')}"
    )


def _row(context: Context, entity: Entity) -> tuple[Any, ...]:
    created, name, database, schema = head(entity)
    get = entity.props.get
    mode = str(get("REFRESH_MODE", "AUTO")).upper()
    refreshed = float(get("refreshed", 0))
    return (
        created, name, "", database, schema, "", context.engine.row_count(entity.name), 0, entity.owner,
        get("TARGET_LAG"), "FULL" if mode == "AUTO" else mode, "Refreshed when it is read." if mode == "AUTO" else None,
        get("WAREHOUSE"), entity.comment, _text(entity), "OFF", get("state", "ACTIVE"), None, "false", "false",
        stamp(refreshed) if refreshed else None, entity.owner_role_type,
    )  # fmt: skip


register(
    ObjectKind(
        kind="DYNAMIC TABLE",
        show="created_on:ts,name,reserved,database_name,schema_name,cluster_by,rows:int,bytes:int,owner,target_lag,"
        "refresh_mode,refresh_mode_reason,warehouse,comment,text,automatic_clustering,scheduling_state,"
        "last_suspended_on:ts,is_clone:bool,is_replica:bool,data_timestamp:ts,owner_role_type",
        row=_row,
        properties=_PROPERTIES - {"INITIALIZE"},
        parse=_read,
        check=_check,
        alter=_alter,
        describe=COLUMN_DETAILS,
        details=column_details,
        created=_created,
        dropping=_dropping,
    )
)
