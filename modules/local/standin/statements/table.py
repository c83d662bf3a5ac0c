"""TABLE: create, drop, show, describe. Columns are kept in the catalogue with Snowflake's types; rows are DuckDB's."""

from __future__ import annotations

from modules.local.standin.catalog import Entity
from modules.local.standin.columns import ColumnSpec, columns_of, from_duckdb, parse_column, put_columns
from modules.local.standin.errors import SnowflakeError, already_exists, does_not_exist
from modules.local.standin.parameters import PARAMETERS, effective
from modules.local.standin.results import SCL, Result, rows_of, stamp, status
from modules.local.standin.statements import query
from modules.local.standin.statements.alter import dropped_already
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import value
from modules.local.standin.statements.show import parse_show
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__ = ["PROPERTIES"]

PROPERTIES = frozenset({"CHANGE_TRACKING", "ENABLE_SCHEMA_EVOLUTION", "ERROR_LOGGING"})
_PARAMETERS = frozenset(PARAMETERS["TABLE"])


def duck_ident(part: str) -> str:
    """Always quoted, for SQL handed to the engine."""
    return '"' + part.replace('"', '""') + '"'


def qualified(name: Name) -> str:
    return ".".join(duck_ident(part) for part in name)


@handles("CREATE TABLE")
def create(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_not_exists()
    name = context.object_name(tokens.name())
    columns, clauses = _columns(tokens) if tokens.at("(") else ([], [])
    source = None
    if tokens.at("LIKE") or tokens.at("CLONE"):
        copy_rows = tokens.next().value == "CLONE"
        source = (context.object_name(tokens.name()), copy_rows)
    given = _options(tokens)
    select = tokens.rest() if tokens.accept("AS") else ""
    if not columns and source is None and not select:
        raise tokens.unexpected()
    with context.engine.write_lock, context.catalog.change():
        existing = _make_room(context, name, tolerant, "REPLACE" in tokens.modifiers)
        if existing is not None:
            return existing
        if source is not None:
            columns, clauses = _like(context, source[0])
        _create_rows(context, name, columns, clauses, select)
        if source is not None and source[1]:
            copy = f"INSERT INTO {qualified(name)} SELECT * FROM {qualified(source[0])}"  # noqa: S608
            context.engine.execute(context.session, copy, writes=True)
        if not columns:
            columns = [ColumnSpec(c, str(from_duckdb(t)), n) for c, t, n in context.engine.columns(name)]
        comment = given.pop("COMMENT", "")
        params = {key: given.pop(key) for key in list(given) if key in _PARAMETERS}
        entity = context.catalog.create(
            "TABLE", name, context.session.role, comment=comment, props=dict(given), params=params
        )
        entity.props["transient"] = "TRANSIENT" in tokens.modifiers
        put_columns(entity, columns)
        context.catalog.put(entity)
    return status(f"Table {quote(name[-1])} successfully created.")


def _make_room(context: Context, name: Name, tolerant: bool, replace: bool) -> Result | None:
    """Check the schema and the right to create; drop what is to be replaced. A result when there is nothing to do."""
    context.access.find("DATABASE", name[:1])
    schema = context.access.find("SCHEMA", name[:2])
    existing = context.catalog.get("TABLE", name)
    if existing is not None:
        if tolerant:
            return status(f"{quote(name[-1])} already exists, statement succeeded.")
        if not replace:
            raise already_exists(quote(name))
    context.access.require("CREATE TABLE", schema)
    if existing is not None:
        context.access.require_owner(existing)
        context.catalog.drop(existing)
        context.engine.drop_table(name)
    return None


def _create_rows(context: Context, name: Name, columns: list[ColumnSpec], clauses: list[str], select: str) -> None:
    if select:
        query.check(context, select)
        context.engine.execute(context.session, f"CREATE TABLE {qualified(name)} AS {select}", writes=True)
        return
    defined = ", ".join(
        f"{duck_ident(column.name)} {column.column_type.ddl}{extra}"
        for column, extra in zip(columns, clauses, strict=True)
    )
    context.engine.execute(context.session, f"CREATE TABLE {qualified(name)} ({defined})", writes=True)


def _like(context: Context, name: Name) -> tuple[list[ColumnSpec], list[str]]:
    columns = columns_of(context.access.table(name, "SELECT"))
    clauses = [(f" DEFAULT {c.default}" if c.default else "") + ("" if c.nullable else " NOT NULL") for c in columns]
    return columns, clauses


def _columns(tokens: Tokens) -> tuple[list[ColumnSpec], list[str]]:
    """The parenthesised column list, table constraints included."""
    start = tokens.peek()
    inside = tokens.parenthesised()
    if not inside or start is None:
        raise tokens.unexpected()
    inner = Tokens(tokens.sql[start.end : inside[-1].end])
    columns: list[ColumnSpec] = []
    clauses: list[str] = []
    keys: dict[str, str] = {}
    while True:
        if inner.at("CONSTRAINT") or inner.at("PRIMARY", "KEY") or inner.at("UNIQUE") or inner.at("FOREIGN", "KEY"):
            keys.update(_constraint(inner))
        else:
            column, extra = parse_column(inner)
            if any(column.name == other.name for other in columns):
                raise SnowflakeError(2025, "42S21", f"SQL compilation error:\nduplicate column name '{column.name}'")
            columns.append(column)
            clauses.append(extra)
        if not inner.accept(","):
            break
    inner.end()
    for index, column in enumerate(columns):
        if keys.get(column.name) == "PRIMARY":
            columns[index] = ColumnSpec(**{**column.__dict__, "primary_key": True, "nullable": False})
            clauses[index] = clauses[index] if "NOT NULL" in clauses[index] else f"{clauses[index]} NOT NULL"
        elif keys.get(column.name) == "UNIQUE":
            columns[index] = ColumnSpec(**{**column.__dict__, "unique_key": True})
    return columns, clauses


def _constraint(tokens: Tokens) -> dict[str, str]:
    """A table constraint; keys are recorded and, as in Snowflake, not enforced."""
    if tokens.accept("CONSTRAINT"):
        tokens.identifier()
    kind = tokens.word()
    tokens.accept("KEY")
    names = [token.value for token in tokens.parenthesised() if token.text != ","]
    while not tokens.done and not tokens.at(","):
        if tokens.at("("):
            tokens.parenthesised()
        else:
            tokens.next()
    return dict.fromkeys(names, kind) if kind in ("PRIMARY", "UNIQUE") else {}


def _options(tokens: Tokens) -> dict[str, str]:
    given: dict[str, str] = {}
    while not tokens.done and not tokens.at("AS"):
        if tokens.accept("CLUSTER", "BY"):
            given["cluster_by"] = "LINEAR(" + ", ".join(t.value for t in tokens.parenthesised() if t.text != ",") + ")"
        elif tokens.accept("COPY", "GRANTS") or tokens.accept(","):
            continue
        else:
            key = tokens.word()
            if key not in PROPERTIES | _PARAMETERS | {"COMMENT"}:
                raise SnowflakeError(1420, "22023", f"SQL compilation error:\ninvalid property '{key}'")
            tokens.expect("=")
            given[key] = value(tokens)
    return given


@handles("DROP TABLE")
def drop(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_exists()
    name = context.object_name(tokens.name())
    tokens.accept("CASCADE") or tokens.accept("RESTRICT")
    tokens.end()
    with context.engine.write_lock, context.catalog.change():
        entity = context.catalog.get("TABLE", name)
        if entity is None or not context.access.sees(entity):
            if tolerant:
                return dropped_already(name)
            raise does_not_exist("Table", quote(name))
        context.access.require_owner(entity)
        context.catalog.drop(entity)
        context.engine.drop_table(name)
    return status(f"{quote(name[-1])} successfully dropped.")


@handles("SHOW TABLES")
def show(context: Context, tokens: Tokens) -> Result:
    picked = parse_show(context, tokens, "schema").pick(context, context.catalog.of_kind("TABLE"))
    names = (
        "created_on:ts,name,database_name,schema_name,kind,comment,cluster_by,rows:int,bytes:int,owner,retention_time,"
        "automatic_clustering,change_tracking,search_optimization,search_optimization_progress:int,"
        "search_optimization_bytes:int,is_external,enable_schema_evolution,owner_role_type,is_event,budget,is_hybrid,"
        "is_iceberg,is_dynamic,is_immutable"
    )
    return rows_of(names, [_show_row(context, entity) for entity in picked])


def _show_row(context: Context, entity: Entity) -> tuple[object, ...]:
    get = entity.props.get
    return (
        stamp(entity.created_on), entity.name[2], entity.name[0], entity.name[1],
        "TRANSIENT" if get("transient") else "TABLE", entity.comment, get("cluster_by", ""),
        context.engine.row_count(entity.name), 0, entity.owner,
        effective(context.catalog, entity, "DATA_RETENTION_TIME_IN_DAYS")[0], "OFF",
        "ON" if get("CHANGE_TRACKING") == "true" else "OFF", "OFF", None, None, "N",
        "Y" if get("ENABLE_SCHEMA_EVOLUTION") == "true" else "N", "ROLE", "N", None, "N", "N", "N", "N",
    )  # fmt: skip


@handles("DESCRIBE TABLE", "DESC TABLE")
def describe(context: Context, tokens: Tokens) -> Result:
    from modules.local.standin.statements.session import bound_name

    name = context.object_name(bound_name(context, tokens))
    if tokens.accept("TYPE"):
        tokens.expect("=")
        tokens.expect("COLUMNS")
    tokens.end()
    entity = context.access.find("TABLE", name)
    rows = [
        (
            column.name, column.type, "COLUMN", "Y" if column.nullable else "N", column.default,
            "Y" if column.primary_key else "N", "Y" if column.unique_key else "N", None, None, column.comment or None,
            None, None, None,
        )
        for column in columns_of(entity)
    ]  # fmt: skip
    names = (
        "name,type,kind,null?,default,primary key,unique key,check,expression,comment,policy name,privacy domain,"
        "schema evolution record"
    )
    return rows_of(names, rows, SCL + 0x500)


@handles("SHOW COLUMNS")
def show_columns(context: Context, tokens: Tokens) -> Result:
    tokens.expect("IN", "TABLE")
    entity = context.access.find("TABLE", context.object_name(tokens.name()))
    tokens.end()
    rows = [
        (entity.name[2], entity.name[1], column.name, column.type, "true" if column.nullable else "NOT_NULL",
         column.default or "", "COLUMN", "", column.comment, entity.name[0], "")
        for column in columns_of(entity)
    ]  # fmt: skip
    names = (
        "table_name,schema_name,column_name,data_type,null?,default,kind,expression,comment,database_name,autoincrement"
    )
    return rows_of(names, rows)
