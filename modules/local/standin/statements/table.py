"""TABLE and ICEBERG TABLE: create, drop, show, describe.

Columns are kept in the catalogue with Snowflake's types; rows are DuckDB's, those of an Iceberg table too (nothing is
written to its external volume).
"""

from __future__ import annotations

from dataclasses import replace

from modules.local.standin import streams
from modules.local.standin.catalog import Entity
from modules.local.standin.columns import ColumnSpec, columns_of, from_duckdb, parse_column, put_columns
from modules.local.standin.engine import snow_name
from modules.local.standin.errors import SnowflakeError, does_not_exist, unsupported
from modules.local.standin.kinds import RELATIONS
from modules.local.standin.parameters import PARAMETERS, effective
from modules.local.standin.results import SCL, Result, rows_of, stamp, status
from modules.local.standin.statements import query
from modules.local.standin.statements.alter import dropped_already
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.objects import head, make_room, place
from modules.local.standin.statements.options import value
from modules.local.standin.statements.show import parse_show
from modules.local.standin.statements.view import COLUMN_DETAILS, column_details, no_other
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__ = ["PROPERTIES", "clustering", "masked_as"]

PROPERTIES = frozenset({"CHANGE_TRACKING", "ENABLE_SCHEMA_EVOLUTION", "ERROR_LOGGING"})
_ICEBERG = frozenset(
    {
        "EXTERNAL_VOLUME", "CATALOG", "BASE_LOCATION", "CATALOG_SYNC", "STORAGE_SERIALIZATION_POLICY",
        "ICEBERG_VERSION", "TARGET_FILE_SIZE", "ENABLE_DATA_COMPACTION", "ENABLE_ICEBERG_MERGE_ON_READ", "PATH_LAYOUT",
    }
)  # fmt: skip
_PARAMETERS = frozenset(PARAMETERS["TABLE"])


@handles("CREATE TABLE")
def create(context: Context, tokens: Tokens) -> Result:
    return _create(context, tokens, "TABLE")


@handles("CREATE ICEBERG TABLE")
def create_iceberg(context: Context, tokens: Tokens) -> Result:
    return _create(context, tokens, "ICEBERG TABLE")


def _create(context: Context, tokens: Tokens, kind: str) -> Result:
    tolerant = tokens.if_not_exists()
    name = context.object_name(tokens.name())
    columns, clauses = _columns(tokens) if tokens.at("(") else ([], [])
    source = None
    if tokens.at("LIKE") or tokens.at("CLONE"):
        copy_rows = tokens.next().value == "CLONE"
        source = (context.object_name(tokens.name()), copy_rows)
    given = _options(tokens, PROPERTIES if kind == "TABLE" else PROPERTIES | _ICEBERG)
    if kind == "ICEBERG TABLE":
        _check_iceberg(context, given)
    select = tokens.rest() if tokens.accept("AS") else ""
    if not columns and source is None and not select:
        raise tokens.unexpected()
    columns = [masked_as(context, column, column.masking_policy) for column in columns]
    with context.engine.write_lock, context.catalog.change():
        existing = _make_room(context, kind, name, tolerant, "REPLACE" in tokens.modifiers)
        if existing is not None:
            return existing
        if source is not None:
            columns, clauses = _like(context, source[0])
        _create_rows(context, name, columns, clauses, select)
        if source is not None and source[1]:
            copy = f"INSERT INTO {snow_name(name)} SELECT * FROM {snow_name(source[0])}"  # noqa: S608
            context.engine.execute(context.session, copy, writes=True)
        if not columns:
            columns = [ColumnSpec(c, str(from_duckdb(t)), n) for c, t, n in context.engine.columns(name)]
        comment = given.pop("COMMENT", "")
        params = {key: given.pop(key) for key in list(given) if key in PARAMETERS[kind]}
        entity = context.catalog.create(
            kind, name, context.session.role, comment=comment, props=dict(given), params=params
        )
        entity.props["transient"] = "TRANSIENT" in tokens.modifiers
        put_columns(entity, columns)
        context.catalog.put(entity)
    return status(f"Table {quote(name[-1])} successfully created.")


def _make_room(context: Context, kind: str, name: Name, tolerant: bool, replace: bool) -> Result | None:
    """Check the schema and the right to create; drop what is to be replaced. A result when there is nothing to do."""
    no_other(context, kind, name)
    if context.catalog.get(kind, name) is not None and tolerant:
        context.access.find("SCHEMA", name[:2])
        return status(f"{quote(name[-1])} already exists, statement succeeded.")
    place(context, kind, name, f"CREATE {kind}")
    return make_room(context, kind, name, tolerant, replace, lambda old: context.engine.drop_table(old.name))


def _check_iceberg(context: Context, given: dict[str, str]) -> None:
    if given.get("CATALOG", "SNOWFLAKE").upper() != "SNOWFLAKE":
        raise unsupported("CREATE ICEBERG TABLE with a catalog other than SNOWFLAKE")
    if "EXTERNAL_VOLUME" in given:
        volume = context.access.find("EXTERNAL VOLUME", Tokens(given["EXTERNAL_VOLUME"]).name())
        given["EXTERNAL_VOLUME"] = volume.name[0]


def masked_as(context: Context, column: ColumnSpec, policy: str | None) -> ColumnSpec:
    """A column with a masking policy, or without one.

    Raises:
        SnowflakeError: no such policy, no right to apply it, or it is for another type.
    """
    if policy is None:
        return replace(column, masking_policy=None)
    found = context.access.find("MASKING POLICY", context.object_name(Tokens(policy).name()))
    if not context.access.on_account("APPLY MASKING POLICY"):
        context.access.require("APPLY", found)
    wanted = str(found.props["signature"][0][1]).split("(")[0]
    if wanted != column.column_type.base:
        raise SnowflakeError(
            3006,
            "42601",
            f"SQL compilation error:\nMasking policy argument type {wanted} does not match column {column.name}'s "
            f"type {column.column_type.base}.",
        )
    return replace(column, masking_policy=quote(found.name))


def _create_rows(context: Context, name: Name, columns: list[ColumnSpec], clauses: list[str], select: str) -> None:
    if select:
        prepared = query.prepare(context, select)
        with context.engine.transaction(context.session):
            text = f"CREATE TABLE {snow_name(name)} AS {prepared.text}"
            context.engine.execute(context.session, text, writes=True)
            for stream in prepared.streams:
                streams.consume(context, stream)
        return
    defined = ", ".join(
        f"{snow_name((column.name,))} {column.column_type.ddl}{extra}"
        for column, extra in zip(columns, clauses, strict=True)
    )
    context.engine.execute(context.session, f"CREATE TABLE {snow_name(name)} ({defined})", writes=True)


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


def _options(tokens: Tokens, properties: frozenset[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    while not tokens.done and not tokens.at("AS"):
        if tokens.accept("CLUSTER", "BY"):
            given["cluster_by"] = clustering(tokens)
        elif tokens.accept("COPY", "GRANTS") or tokens.accept(","):
            continue
        else:
            key = tokens.word()
            if key not in properties | _PARAMETERS | {"COMMENT"}:
                raise SnowflakeError(1420, "22023", f"SQL compilation error:\ninvalid property '{key}'")
            tokens.expect("=")
            given[key] = value(tokens)
    return given


def clustering(tokens: Tokens) -> str:
    """`(a, TO_DATE(b))` as SHOW TABLES has it."""
    start, inside = tokens.peek(), tokens.parenthesised()
    if start is None or not inside:
        raise tokens.unexpected()
    keys = Tokens(tokens.sql[start.end : inside[-1].end])
    text = "".join(
        (", " if token.text == "," else quote(token.value) if token.kind in ("word", "quoted") else token.text)
        for token in keys.all()
    )
    return text if text.upper().startswith("LINEAR(") else f"LINEAR({text})"


@handles("DROP TABLE")
def drop(context: Context, tokens: Tokens) -> Result:
    return _drop(context, tokens, "TABLE")


@handles("DROP ICEBERG TABLE")
def drop_iceberg(context: Context, tokens: Tokens) -> Result:
    return _drop(context, tokens, "ICEBERG TABLE")


def _drop(context: Context, tokens: Tokens, kind: str) -> Result:
    tolerant = tokens.if_exists()
    name = context.object_name(tokens.name())
    tokens.accept("CASCADE") or tokens.accept("RESTRICT")
    tokens.end()
    with context.engine.write_lock, context.catalog.change():
        entity = context.catalog.get(kind, name)
        if entity is None and kind == "TABLE" and context.catalog.get("VIEW", name) is not None:
            raise SnowflakeError(
                2203, "42710", "SQL compilation error:\nObject found is of type 'VIEW', not specified type 'TABLE'."
            )
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
    kind = next((one for one in RELATIONS if context.catalog.get(one, name) is not None), "TABLE")
    entity = context.access.find(kind, name)
    return rows_of(COLUMN_DETAILS, column_details(context, entity), SCL + 0x500)


_ICEBERG_DETAILS = (
    "name,type,source iceberg type,kind,null?,default,primary key,unique key,check,expression,comment,policy name,"
    "privacy domain,name mapping,write default"
)


@handles("DESCRIBE ICEBERG TABLE", "DESC ICEBERG TABLE")
def describe_iceberg(context: Context, tokens: Tokens) -> Result:
    name = context.object_name(tokens.name())
    if tokens.accept("TYPE"):
        tokens.expect("=")
        tokens.expect("COLUMNS")
    tokens.end()
    rows = column_details(context, context.access.find("ICEBERG TABLE", name))
    return rows_of(_ICEBERG_DETAILS, [(*row[:2], None, *row[2:12], None, None) for row in rows], SCL + 0x500)


@handles("SHOW ICEBERG TABLES")
def show_iceberg(context: Context, tokens: Tokens) -> Result:
    picked = parse_show(context, tokens, "schema").pick(context, context.catalog.of_kind("ICEBERG TABLE"))
    names = (
        "created_on:ts,name,database_name,schema_name,owner,external_volume_name,catalog_name,iceberg_table_type,"
        "catalog_table_name,catalog_namespace,base_location,can_write_metadata,comment,name_mapping,owner_role_type,"
        "catalog_sync_name,auto_refresh_status,partition_specs,current_partition_spec_id:int,"
        "iceberg_table_format_version:int"
    )
    return rows_of(names, [_iceberg_row(context, entity) for entity in picked])


def _iceberg_row(context: Context, entity: Entity) -> tuple[object, ...]:
    get = entity.props.get
    volume, sync = (effective(context.catalog, entity, key)[0] for key in ("EXTERNAL_VOLUME", "CATALOG_SYNC"))
    return (
        *head(entity), entity.owner, volume, "SNOWFLAKE", "MANAGED", "", "", get("BASE_LOCATION", ""), "Y",
        entity.comment, None, entity.owner_role_type, sync, "", '[{"spec-id":0,"fields":[]}]', 0,
        get("ICEBERG_VERSION", "2"),
    )  # fmt: skip


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
