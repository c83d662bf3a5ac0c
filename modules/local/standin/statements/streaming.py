"""Streaming channels in SQL: SHOW CHANNELS, and the SYSTEM$ function that Snowflake's Kafka connector calls."""

from __future__ import annotations

import json

from modules.local.standin.engine import CHANNELS, HIDDEN, duck_name
from modules.local.standin.errors import does_not_exist, unsupported
from modules.local.standin.results import Column, Result, rows_of, stamp
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.show import parse_like
from modules.local.standin.tokenizer import Tokens, quote

__all__: list[str] = []

FUNCTION = "SYSTEM$SNOWPIPE_STREAMING_MIGRATE_CHANNEL_OFFSET_TOKEN"
NO_SOURCE = 51


@handles("SHOW CHANNELS")
def show_channels(context: Context, tokens: Tokens) -> Result:
    """Those of one table, for who may see it."""
    like = parse_like(tokens)
    if not tokens.accept("IN", "TABLE"):
        raise unsupported("SHOW CHANNELS but IN TABLE")
    name = context.object_name(tokens.name())
    tokens.end()
    table = context.catalog.get("TABLE", name)
    if table is None or not context.access.sees(table):
        raise does_not_exist("Table", quote(name))
    where = duck_name((name[0], HIDDEN, CHANNELS))
    with context.engine.cursor() as cursor:
        found = cursor.execute(
            f"SELECT state FROM {where} WHERE schema_name = ? AND table_name = ? ORDER BY channel_name",  # noqa: S608
            [name[1], name[2]],
        ).fetchall()
    rows = [
        (
            stamp(state["created_on_ms"] / 1000), state["name"], *name, state["client_sequencer"],
            state["row_sequencer"], state["offset_token"],
        )
        for state in (json.loads(text) for (text,) in found)
        if state["table_id"] == table.id and (like is None or like.match(state["name"]))
    ]  # fmt: skip
    names = "created_on:ts,name,database_name,schema_name,table_name,client_sequencer,row_sequencer,offset_token"
    return rows_of(names, rows)


@handles(f"SELECT {FUNCTION}")
def migrate_offset_token(context: Context, tokens: Tokens) -> Result:
    """A channel of the name that connectors gave before 2.1 hands its token on; here no such channel was ever made."""
    # The connector writes each argument in parentheses of its own: `((?), (?), (?))`.
    inside = [token for token in tokens.parenthesised() if token.text == "?" or token.kind == "string"]
    bound = iter(context.params or ())
    given = [next(bound, None) if token.text == "?" else token.value for token in inside]
    if len(given) != 3:
        raise tokens.unexpected()
    name = context.object_name(Tokens(str(given[0])).name())
    context.access.table(name, "INSERT")
    where = duck_name((name[0], HIDDEN, CHANNELS))
    with context.engine.cursor() as cursor:
        found = cursor.execute(
            f"SELECT count(*) FROM {where} WHERE schema_name = ? AND table_name = ? AND channel_name = ?",  # noqa: S608
            [name[1], name[2], str(given[1]).upper()],
        ).fetchone()
    if found and found[0]:
        raise unsupported(f"{FUNCTION} of a channel that exists")
    answer = {"responseCode": NO_SOURCE, "responseMessage": "Source Channel does not exist for Offset Migration"}
    return Result([Column(FUNCTION)], [[json.dumps(answer)]], 0x1000)
