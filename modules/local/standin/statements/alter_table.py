"""ALTER TABLE: columns added, dropped, renamed, retyped; properties; renaming."""

from __future__ import annotations

from modules.local.standin.catalog import RENAMING, Entity
from modules.local.standin.columns import ColumnSpec, columns_of, parse_column, parse_type, put_columns
from modules.local.standin.engine import snow_name
from modules.local.standin.errors import SnowflakeError, already_exists, does_not_exist, insufficient_privileges
from modules.local.standin.parameters import PARAMETERS
from modules.local.standin.results import Result, status
from modules.local.standin.statements.alter import alter_properties
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import not_understood
from modules.local.standin.statements.table import PROPERTIES, clustering, masked_as
from modules.local.standin.tokenizer import Tokens, quote

__all__: list[str] = []

_DONE = "Statement executed successfully."


@handles("ALTER TABLE")
def alter(context: Context, tokens: Tokens) -> Result:
    return _alter(context, tokens, "TABLE")


@handles("ALTER ICEBERG TABLE")
def alter_iceberg(context: Context, tokens: Tokens) -> Result:
    return _alter(context, tokens, "ICEBERG TABLE")


def _alter(context: Context, tokens: Tokens, kind: str) -> Result:
    verb = _verb(tokens)
    if verb in ("SET", "UNSET"):
        return alter_properties(context, tokens, kind, PARAMETERS[kind], PROPERTIES)
    tolerant = tokens.if_exists()
    name = context.object_name(tokens.name())
    with context.engine.write_lock, context.catalog.change():
        entity = context.catalog.get(kind, name)
        if entity is None or not context.access.sees(entity):
            if tolerant:
                return status(_DONE)
            raise does_not_exist("Table", quote(name))
        evolves = tokens.at("ADD") and context.access.holds("EVOLVE SCHEMA", kind, name)
        if not (context.access.owns(entity) or evolves):
            raise insufficient_privileges("TABLE", quote(name[-1]))
        if tokens.accept("ADD"):
            _add(context, entity, tokens)
        elif tokens.accept("DROP", "CLUSTERING", "KEY"):
            entity.props.pop("cluster_by", None)
            context.catalog.put(entity)
        elif tokens.accept("DROP"):
            _drop(context, entity, tokens)
        elif tokens.accept("RENAME", "COLUMN"):
            _rename_column(context, entity, tokens)
        elif tokens.accept("RENAME", "TO"):
            _rename(context, entity, tokens)
        elif tokens.accept("ALTER") or tokens.accept("MODIFY"):
            _modify(context, entity, tokens)
        elif tokens.accept("CLUSTER", "BY"):
            entity.props["cluster_by"] = clustering(tokens)
            context.catalog.put(entity)
        else:
            raise not_understood(tokens, f"ALTER {kind}")
    return status(_DONE)


def _verb(tokens: Tokens) -> str:
    """The word after the table's name."""
    ahead = 2 if tokens.at("IF", "EXISTS") else 0
    ahead += 1
    while (token := tokens.peek(ahead)) is not None and token.text == ".":
        ahead += 2
    return token.value if token is not None and token.kind == "word" else ""


def _run(context: Context, entity: Entity, change: str) -> None:
    context.engine.execute(context.session, f"ALTER TABLE {snow_name(entity.name)} {change}", writes=True)


def _index(columns: list[ColumnSpec], name: str) -> int:
    for index, column in enumerate(columns):
        if column.name == name:
            return index
    raise SnowflakeError(
        904, "42000", f"SQL compilation error: error line 0 at position -1\ninvalid identifier '{name}'"
    )


_NOT_COLUMNS = (
    ("ROW", "ACCESS"), ("SEARCH", "OPTIMIZATION"), ("PRIMARY", "KEY"), ("FOREIGN", "KEY"), ("STORAGE", "LIFECYCLE"),
    ("DATA", "METRIC"), ("CONSTRAINT",), ("UNIQUE",), ("AGGREGATION", "POLICY"),
)  # fmt: skip


def _add(context: Context, entity: Entity, tokens: Tokens) -> None:
    if any(tokens.at(*words) for words in _NOT_COLUMNS):
        raise not_understood(tokens, "ALTER TABLE … ADD")
    tokens.accept("COLUMN")
    columns = columns_of(entity)
    while True:
        tolerant = tokens.if_not_exists()
        column, clauses = parse_column(tokens)
        if any(column.name == other.name for other in columns):
            if not tolerant:
                raise SnowflakeError(1430, "42601", f"SQL compilation error:\ncolumn {column.name} already exists")
        else:
            if not column.nullable and context.engine.row_count(entity.name):
                raise SnowflakeError(
                    2,
                    "0A000",
                    f"Non-nullable column '{column.name}' cannot be added to non-empty table '{entity.name[-1]}'.",
                )
            # DuckDB adds a column without NOT NULL and takes the constraint afterwards.
            _run(
                context,
                entity,
                f"ADD COLUMN {snow_name((column.name,))} {column.column_type.ddl}{clauses.replace(' NOT NULL', '')}",
            )
            if not column.nullable:
                _run(context, entity, f"ALTER COLUMN {snow_name((column.name,))} SET NOT NULL")
            columns.append(column)
        if not tokens.accept(","):
            break
        tokens.accept("COLUMN")
    tokens.end()
    put_columns(entity, columns)
    context.catalog.put(entity)


def _drop(context: Context, entity: Entity, tokens: Tokens) -> None:
    tokens.accept("COLUMN")
    tolerant = tokens.if_exists()
    columns = columns_of(entity)
    while True:
        name = tokens.identifier()
        if not (tolerant and all(column.name != name for column in columns)):
            index = _index(columns, name)
            _run(context, entity, f"DROP COLUMN {snow_name((name,))}")
            columns.pop(index)
        if not tokens.accept(","):
            break
    tokens.end()
    put_columns(entity, columns)
    context.catalog.put(entity)


def _rename_column(context: Context, entity: Entity, tokens: Tokens) -> None:
    old = tokens.identifier()
    tokens.expect("TO")
    new = tokens.identifier()
    tokens.end()
    columns = columns_of(entity)
    index = _index(columns, old)
    _run(context, entity, f"RENAME COLUMN {snow_name((old,))} TO {snow_name((new,))}")
    columns[index] = ColumnSpec(**{**columns[index].__dict__, "name": new})
    put_columns(entity, columns)
    context.catalog.put(entity)


def _rename(context: Context, entity: Entity, tokens: Tokens) -> None:
    new = context.object_name(tokens.name())
    tokens.end()
    if new[:2] != entity.name[:2]:
        raise SnowflakeError(2, "0A000", "Unsupported feature 'ALTER TABLE … RENAME to another schema'.")
    if context.catalog.get("TABLE", new) is not None:
        raise already_exists(quote(new))
    # Noted first, so that a kill between DuckDB's rename and the catalogue's is put right at the next start.
    context.catalog.note(entity, RENAMING, new[-1])
    context.engine.rename_table(entity.name, new[-1])
    entity.props.pop(RENAMING)
    context.catalog.rename(entity, new)


def _modify(context: Context, entity: Entity, tokens: Tokens) -> None:
    """`[COLUMN] c SET DATA TYPE t | SET|DROP NOT NULL | COMMENT '…'`, one or several."""
    parenthesised = tokens.accept("(")
    columns = columns_of(entity)
    while True:
        tokens.accept("COLUMN")
        index = _index(columns, tokens.identifier())
        columns[index] = _modified(context, entity, columns[index], tokens)
        if not tokens.accept(","):
            break
    if parenthesised:
        tokens.expect(")")
    tokens.end()
    put_columns(entity, columns)
    context.catalog.put(entity)


def _modified(context: Context, entity: Entity, column: ColumnSpec, tokens: Tokens) -> ColumnSpec:
    target = f"ALTER COLUMN {snow_name((column.name,))}"
    if tokens.accept("SET", "MASKING", "POLICY"):
        policy = tokens.name()
        if tokens.at("USING"):
            raise SnowflakeError(2, "0A000", "Unsupported feature 'MASKING POLICY … USING'.")
        forced = tokens.accept("FORCE")
        if column.masking_policy is not None and not forced:
            raise SnowflakeError(
                3563,
                "23001",
                f"SQL compilation error:\nSpecified column {column.name} already attached to another masking policy.",
            )
        return masked_as(context, column, quote(policy))
    if tokens.accept("UNSET", "MASKING", "POLICY"):
        return masked_as(context, column, None)
    if tokens.accept("UNSET", "COMMENT"):
        return ColumnSpec(**{**column.__dict__, "comment": ""})
    if tokens.accept("COMMENT"):
        return ColumnSpec(**{**column.__dict__, "comment": tokens.string()})
    if tokens.accept("DROP", "NOT", "NULL"):
        _run(context, entity, f"{target} DROP NOT NULL")
        return ColumnSpec(**{**column.__dict__, "nullable": True})
    if tokens.accept("SET", "NOT", "NULL"):
        _run(context, entity, f"{target} SET NOT NULL")
        return ColumnSpec(**{**column.__dict__, "nullable": False})
    if tokens.accept("DROP", "DEFAULT"):
        _run(context, entity, f"{target} DROP DEFAULT")
        return ColumnSpec(**{**column.__dict__, "default": None})
    tokens.accept("SET", "DATA", "TYPE") or tokens.accept("TYPE") or tokens.accept("SET", "TYPE")
    new = parse_type(tokens)
    old = column.column_type
    widens = new.base == old.base and all(a >= b for a, b in zip(new.args, old.args, strict=False))
    same_scale = new.base != "NUMBER" or new.args[1] == old.args[1]
    if not (widens and same_scale):
        raise SnowflakeError(
            40052,
            "22000",
            f"SQL compilation error: cannot change column {column.name} from type {old} to {new} because they have "
            "incompatible collations or types, or the new one is smaller.",
        )
    _run(context, entity, f"{target} SET DATA TYPE {new.ddl}")
    return ColumnSpec(**{**column.__dict__, "type": str(new)})
