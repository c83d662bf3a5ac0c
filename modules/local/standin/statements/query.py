"""Table SQL: privileges checked on every table named, views and the like replaced by what they mean, the rest run.

What is not a query, a change of rows or a transaction's end is refused as unsupported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from modules.local.standin import streams
from modules.local.standin.catalog import Entity
from modules.local.standin.errors import SnowflakeError, does_not_exist, unsupported
from modules.local.standin.information_schema import provide
from modules.local.standin.results import Column, Result
from modules.local.standin.rewriting import expand, full_name_of, named_tables, qualify, written_name
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.functions import answer_functions
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__ = ["Prepared", "prepare", "run"]

_CONTROL = ("Transaction", "Commit", "Rollback", "Set")
_WRITES = {"Insert": "INSERT", "Update": "UPDATE", "Delete": "DELETE", "Merge": "INSERT", "TruncateTable": "TRUNCATE"}
_TAKES_AWAY = ("Update", "Delete", "Merge", "TruncateTable")


@dataclass
class Prepared:
    """A statement that may run."""

    text: str
    target: Entity | None = None
    streams: list[Entity] = field(default_factory=list)
    """Streams it reads, which a change of rows consumes."""


def _parse(sql: str, params: Any) -> Any:
    from fakesnow import transforms
    from fakesnow.dialect import parse_one
    from snowflake.connector.errors import ProgrammingError
    from sqlglot.errors import ParseError, SqlglotError

    try:
        expression = parse_one(sql)
        if "IDENTIFIER" in sql.upper():
            expression = expression.transform(lambda node: transforms.identifier(node, params), copy=False)
        return expression
    except (ProgrammingError, SqlglotError) as error:
        parse = error if isinstance(error, ParseError) else error.__context__
        first = parse.errors[0] if isinstance(parse, ParseError) and parse.errors else {}
        where = f"line {first.get('line', 1)} at position {first.get('col', 0)}"
        unexpected = first.get("highlight") or "<EOF>"
        raise SnowflakeError(
            1003, "42000", f"SQL compilation error:\nsyntax error {where} unexpected '{unexpected}'."
        ) from None


def run(context: Context, sql: str, params: Any, batch: Sequence[Sequence[Any]] | None) -> Result:
    """Check and run one statement.

    Raises:
        SnowflakeError: not allowed, not understood, or failed.
    """
    from fakesnow.statement_type import statement_type_id

    expression = _parse(sql, params)
    kind = type(expression).__name__
    type_id = int(statement_type_id(expression))
    if kind in _CONTROL:
        result = context.engine.execute(context.session, sql, params, type_id=type_id)
        if kind != "Set":
            context.session.in_transaction = kind == "Transaction"
        return result
    prepared = _prepare(context, expression, sql)
    if kind in _WRITES:
        return _write(context, prepared, kind, params, batch, type_id)
    return context.engine.execute(context.session, prepared.text, params, type_id=type_id)


def _write(
    context: Context,
    prepared: Prepared,
    kind: str,
    params: Any,
    batch: Sequence[Sequence[Any]] | None,
    type_id: int,
) -> Result:
    """A change of rows, together with what it means for streams."""
    watching = streams.streams_on(context, prepared.target.name) if prepared.target is not None else []
    watching = [one for one in watching if streams.append_only(one)] if kind in _TAKES_AWAY else []
    if watching and kind == "Merge" and "THEN INSERT" in prepared.text.upper():
        raise unsupported("MERGE with INSERT into a table with an append-only stream")
    if not watching and not prepared.streams:
        return _execute(context, prepared.text, params, batch, type_id)
    with context.engine.transaction(context.session):
        for stream in watching:
            streams.forget_inserts(context, stream, before=True)
        result = _execute(context, prepared.text, params, batch, type_id)
        for stream in watching:
            streams.forget_inserts(context, stream, before=False)
        for stream in prepared.streams:
            streams.consume(context, stream)
    return result


def _execute(context: Context, text: str, params: Any, batch: Sequence[Sequence[Any]] | None, type_id: int) -> Result:
    if batch is not None:
        count = context.engine.execute_many(context.session, text, batch)
        return Result([Column("number of rows inserted", "fixed", 38, 0)], [[str(count)]], type_id)
    return context.engine.execute(context.session, text, params, writes=True, type_id=type_id)


def prepare(context: Context, select: str) -> Prepared:
    """A query inside another statement (CREATE … AS), checked and ready for the engine."""
    return _prepare(context, _parse(select, None), select)


def _prepare(context: Context, expression: Any, sql: str) -> Prepared:
    from sqlglot import exp

    kind = type(expression).__name__
    if not isinstance(expression, (exp.Query, exp.Values)) and kind not in _WRITES:
        words = (token.value for token in Tokens(sql).all()[:3] if token.kind == "word")
        raise unsupported(" ".join(words))
    prepared = Prepared(sql)
    target = _target(expression) if kind in _WRITES else None
    reads: list[tuple[Any, Entity]] = []
    touched, changed = 0, False
    for table in named_tables(expression):
        name = _name(context, table)
        if name[1] == "INFORMATION_SCHEMA":
            qualify(table, provide(context, name))
            changed = True
            continue
        touched += 1
        if table is target:
            prepared.target = _writable(context, name, _needed(expression, kind))
        else:
            reads.append((table, context.access.relation(name, "SELECT")))
    if touched:
        _require_warehouse(context)
    changed = _expand(context, reads, prepared) or changed
    changed = answer_functions(context, expression) or changed
    if changed:
        prepared.text = str(expression.sql(dialect="snowflake"))
    return prepared


def _expand(context: Context, reads: list[tuple[Any, Entity]], prepared: Prepared) -> bool:
    from modules.local.standin.statements.dynamic_table import refresh_if_stale

    changed = False
    for table, entity in reads:
        if entity.kind == "STREAM":
            prepared.streams.append(entity)
        refresh_if_stale(context, entity)
        changed = expand(context, table, entity) or changed
    return changed


def _writable(context: Context, name: Name, privileges: list[str]) -> Entity:
    found = [context.access.relation(name, privilege) for privilege in privileges]
    if found[0].kind not in ("TABLE", "ICEBERG TABLE"):
        raise SnowflakeError(
            2203,
            "42710",
            f"SQL compilation error:\nObject found is of type '{found[0].kind}', not specified type 'TABLE'.",
        )
    return found[0]


def _needed(expression: Any, kind: str) -> list[str]:
    if kind != "Merge":
        return [_WRITES[kind]]
    text = expression.sql(dialect="snowflake").upper()
    branches = (("INSERT", "THEN INSERT"), ("UPDATE", "THEN UPDATE"), ("DELETE", "THEN DELETE"))
    return [privilege for privilege, branch in branches if branch in text]


def _target(expression: Any) -> Any:
    from sqlglot import exp

    if isinstance(expression, exp.TruncateTable):
        return expression.expressions[0]
    this = expression.this
    return this.this if isinstance(this, exp.Schema) else this


def _name(context: Context, table: Any) -> Name:
    written = written_name(table)
    if len(written) > 3:
        raise does_not_exist("Object", quote(written))
    return full_name_of(context, table)


def _require_warehouse(context: Context) -> None:
    name = context.session.warehouse
    warehouse = context.catalog.get("WAREHOUSE", (name,)) if name else None
    if warehouse is None or not context.access.may("USAGE", warehouse):
        raise SnowflakeError(
            606,
            "57P03",
            "No active warehouse selected in the current session.  "
            "Select an active warehouse with the 'use warehouse' command.\n",
        )
    _require_credits(context, warehouse)


def _require_credits(context: Context, warehouse: Entity) -> None:
    """Nothing costs credits here, so a monitor is used up only where its quota is 0: so that this can be tried out."""
    name = warehouse.props.get("RESOURCE_MONITOR")
    monitor = context.catalog.get("RESOURCE MONITOR", (name,)) if name else None
    if monitor is None or monitor.props.get("CREDIT_QUOTA") != "0":
        return
    if any(action != "NOTIFY" for _, action in monitor.props.get("triggers", ())):
        raise SnowflakeError(
            90073,
            "22000",
            f"Warehouse '{warehouse.name[0]}' cannot be resumed because resource monitor '{name}' has exceeded its "
            "quota.",
        )
