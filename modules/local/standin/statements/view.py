"""VIEW: create, alter, drop, show, describe. A view is its text; `rewriting` puts that in its place when it is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modules.local.standin.catalog import Entity
from modules.local.standin.columns import ColumnSpec, columns_of, put_columns
from modules.local.standin.errors import SnowflakeError, already_exists, unsupported
from modules.local.standin.kinds import RELATIONS
from modules.local.standin.results import Column
from modules.local.standin.statements import query
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.objects import ObjectKind, head, register
from modules.local.standin.statements.options import nested, unknown_property
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__ = ["COLUMN_DETAILS", "column_details", "no_other", "query_columns"]

COLUMN_DETAILS = (
    "name,type,kind,null?,default,primary key,unique key,check,expression,comment,policy name,privacy domain,"
    "schema evolution record"
)


def column_details(context: Context, entity: Entity) -> list[tuple[Any, ...]]:
    """DESCRIBE's rows for whatever has columns."""
    return [
        (
            column.name, column.type, "COLUMN", "Y" if column.nullable else "N", column.default,
            "Y" if column.primary_key else "N", "Y" if column.unique_key else "N", None, None, column.comment or None,
            column.masking_policy, None, None,
        )
        for column in columns_of(entity)
    ]  # fmt: skip


def no_other(context: Context, kind: str, name: Name) -> None:
    """Tables of all kinds and views share their names.

    Raises:
        SnowflakeError: 002002, another kind has this one.
    """
    for other in RELATIONS[:4]:
        if other != kind and context.catalog.get(other, name) is not None:
            raise already_exists(quote(name))


def query_columns(context: Context, select: str) -> list[ColumnSpec]:
    """A query's columns, found out by running it without rows.

    Raises:
        SnowflakeError: it may not or cannot run, or two columns have one name.
    """
    prepared = query.prepare(context, select)
    result = context.engine.execute(context.session, f"SELECT * FROM ({prepared.text}) LIMIT 0")  # noqa: S608
    columns = [ColumnSpec(column.name, _type(column)) for column in result.columns]
    for column in columns:
        if sum(1 for one in columns if one.name == column.name) > 1:
            raise SnowflakeError(2025, "42S21", f"SQL compilation error:\nduplicate column name '{column.name}'")
    return columns


def _type(column: Column) -> str:
    if column.type == "fixed":
        return f"NUMBER({column.precision},{column.scale})"
    simple = {"text": "VARCHAR(16777216)", "real": "FLOAT", "binary": "BINARY(8388608)", "time": "TIME(9)"}
    word = column.type.upper()
    return simple.get(column.type) or (f"{word}(9)" if word.startswith("TIMESTAMP") else word)


def _read(context: Context, tokens: Tokens) -> dict[str, Any]:
    names, comments = _column_list(context, tokens) if tokens.at("(") else ([], {})
    given: dict[str, Any] = {}
    while not tokens.at("AS"):
        if tokens.accept("COPY", "GRANTS"):
            continue
        key = tokens.word()
        if key in ("WITH", "ROW", "AGGREGATION", "TAG"):
            raise unsupported(f"CREATE VIEW … {key}")
        if key not in ("COMMENT", "CHANGE_TRACKING"):
            raise unknown_property(key)
        tokens.expect("=")
        given[key] = nested(tokens)
    text = tokens.sql[: tokens.all()[-1].end]
    tokens.expect("AS")
    definition = tokens.rest()
    while not tokens.done:
        tokens.next()
    columns = query_columns(context, definition)
    if names and len(names) != len(columns):
        raise SnowflakeError(
            2057,
            "42601",
            f"SQL compilation error:\nInvalid column definition list: {len(names)} names for {len(columns)} columns.",
        )
    if names:
        columns = [
            replace(one, name=name, comment=comments.get(name, "")) for one, name in zip(columns, names, strict=True)
        ]
    given |= {"definition": definition, "text": text, "secure": "SECURE" in tokens.modifiers}
    holder = Entity("VIEW", (), "", 0, 0, props=given)
    put_columns(holder, columns)
    return holder.props


def _column_list(context: Context, tokens: Tokens) -> tuple[list[str], dict[str, str]]:
    names: list[str] = []
    comments: dict[str, str] = {}
    tokens.expect("(")
    while not tokens.accept(")"):
        names.append(tokens.identifier())
        if tokens.at("WITH") or tokens.at("MASKING") or tokens.at("PROJECTION") or tokens.at("TAG"):
            raise unsupported("policies and tags in a view's column list")
        if tokens.accept("COMMENT"):
            comments[names[-1]] = tokens.string()
        tokens.accept(",")
    return names, comments


def _alter(context: Context, entity: Entity, tokens: Tokens) -> bool:
    if tokens.accept("SET", "SECURE"):
        entity.props["secure"] = True
    elif tokens.accept("UNSET", "SECURE"):
        entity.props["secure"] = False
    elif tokens.accept("ALTER") or tokens.accept("MODIFY"):
        tokens.accept("COLUMN")
        name = tokens.identifier()
        if not tokens.accept("COMMENT"):
            raise unsupported("ALTER VIEW … COLUMN with anything but COMMENT")
        text = tokens.string()
        put_columns(entity, [replace(c, comment=text) if c.name == name else c for c in columns_of(entity)])
    else:
        return False
    return True


def _row(context: Context, entity: Entity) -> tuple[Any, ...]:
    created, name, database, schema = head(entity)
    tracking = "ON" if str(entity.props.get("CHANGE_TRACKING", "")).lower() == "true" else "OFF"
    secure = "true" if entity.props.get("secure") else "false"
    return (
        created, name, "", database, schema, entity.owner, entity.comment, entity.props["text"], secure, "false",
        entity.owner_role_type, tracking,
    )  # fmt: skip


def _created(context: Context, entity: Entity) -> None:
    no_other(context, "VIEW", entity.name)


register(
    ObjectKind(
        kind="VIEW",
        show="created_on:ts,name,reserved,database_name,schema_name,owner,comment,text,is_secure:bool,is_materialized:bool,"
        "owner_role_type,change_tracking",
        row=_row,
        properties=frozenset({"CHANGE_TRACKING"}),
        parse=_read,
        alter=_alter,
        describe=COLUMN_DETAILS,
        details=column_details,
        created=_created,
    )
)
