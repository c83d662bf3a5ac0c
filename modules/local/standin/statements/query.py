"""Table SQL: privileges checked on every table named, context functions answered, the rest run by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.local.standin.errors import SnowflakeError, does_not_exist, unsupported
from modules.local.standin.results import Column, Result
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.session import CONTEXT_FUNCTIONS, context_value
from modules.local.standin.tokenizer import Name, quote

__all__ = ["check", "run"]

_CONTROL = ("Transaction", "Commit", "Rollback", "Set")
_WRITES = {"Insert": "INSERT", "Update": "UPDATE", "Delete": "DELETE", "Merge": "INSERT", "TruncateTable": "TRUNCATE"}


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
        return context.engine.execute(context.session, sql, params, type_id=type_id)
    _authorise(context, expression)
    text = _with_context(context, expression, sql)
    if batch is not None:
        count = context.engine.execute_many(context.session, text, batch)
        return Result([Column("number of rows inserted", "fixed", 38, 0)], [[str(count)]], type_id)
    return context.engine.execute(context.session, text, params, writes=kind in _WRITES, type_id=type_id)


def check(context: Context, select: str) -> None:
    """Raise unless the role may run this query (the AS part of a CREATE TABLE)."""
    _authorise(context, _parse(select, None))


def _authorise(context: Context, expression: Any) -> None:
    from sqlglot import exp

    kind = type(expression).__name__
    if not isinstance(expression, (exp.Query, exp.Values)) and kind not in _WRITES:
        raise unsupported(f"{expression.key.upper()} {expression.args.get('kind') or ''}".strip())
    target = _target(expression) if kind in _WRITES else None
    touched = 0
    for table in _tables(expression):
        name = _name(context, table)
        if len(name) == 3 and name[1] == "INFORMATION_SCHEMA":
            context.access.find("DATABASE", name[:1])
            continue
        touched += 1
        if table is target:
            for privilege in _needed(expression, kind):
                context.access.table(name, privilege)
        else:
            context.access.table(name, "SELECT")
    if touched:
        _require_warehouse(context)


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


def _tables(expression: Any) -> list[Any]:
    """The tables named, common table expressions and table functions left out."""
    from sqlglot import exp

    return [
        table
        for table in expression.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and (table.args.get("db") or not _is_cte(table))
    ]


def _is_cte(table: Any) -> bool:
    """Whether an unqualified name means a common table expression in scope there.

    A CTE does not see itself (unless RECURSIVE) nor later ones: `WITH t AS (SELECT * FROM t)` reads the real t.
    """
    from sqlglot import exp

    name, child, node = table.name.upper(), table, table.parent
    while node is not None:
        if isinstance(node, exp.With):
            ctes = node.expressions
            visible = ctes if node.args.get("recursive") else ctes[: [id(cte) for cte in ctes].index(id(child))]
        else:
            own = node.args.get("with_") if hasattr(node, "args") else None
            visible = own.expressions if own is not None and own is not child else []
        if any(cte.alias.upper() == name for cte in visible):
            return True
        child, node = node, node.parent
    return False


def _name(context: Context, table: Any) -> Name:
    parts = [part.name if part.args.get("quoted") else part.name.upper() for part in table.parts]
    if len(parts) > 3:
        raise does_not_exist("Object", quote(tuple(parts)))
    return context.object_name(tuple(parts))


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


def _with_context(context: Context, expression: Any, sql: str) -> str:
    """The statement with CURRENT_ROLE() and the like replaced by their values."""
    from sqlglot import exp

    changed = False
    for node in list(expression.find_all(exp.Func)):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).upper()
        if name not in CONTEXT_FUNCTIONS:
            continue
        value = context_value(context, name)
        literal: Any = exp.Null() if value is None else exp.Literal.string(value)
        if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
            literal = exp.alias_(literal, f"{name}()", quoted=True)
        node.replace(literal)
        changed = True
    for projection in expression.expressions if isinstance(expression, exp.Select) else ():
        text = projection.sql(dialect="snowflake").upper()
        if isinstance(projection, exp.Func) and text.endswith(")"):
            # Snowflake names a column without an alias by its text in upper case: COUNT(*).
            projection.replace(exp.alias_(projection.copy(), text, quoted=True))
            changed = True
    return str(expression.sql(dialect="snowflake")) if changed else sql
