"""What a name in a query stands for: views and streams become sub-queries, masked columns their masks.

Works on the statement's syntax tree before the engine sees it. A view's text is resolved in the view's own schema and
with its owner's rights, as in Snowflake; context functions inside it are the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modules.local.standin.catalog import Entity
from modules.local.standin.columns import ColumnSpec, columns_of
from modules.local.standin.engine import snow_name
from modules.local.standin.errors import SnowflakeError, unsupported
from modules.local.standin.privileges import Access
from modules.local.standin.tokenizer import Name, Tokens, quote

if TYPE_CHECKING:
    from modules.local.standin.statements.context import Context

__all__ = ["expand", "full_name_of", "named_tables", "parse", "qualify", "written_name"]

_DEEPEST = 32
"""Views over views, at most."""


def parse(sql: str) -> Any:
    from fakesnow.dialect import parse_one

    return parse_one(sql)


def named_tables(expression: Any) -> list[Any]:
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


def written_name(table: Any) -> Name:
    """The parts of a table's name, unquoted ones in upper case."""
    return tuple(part.name if part.args.get("quoted") else part.name.upper() for part in table.parts)


def full_name_of(context: Context, table: Any) -> Name:
    return context.object_name(written_name(table))


def expand(context: Context, table: Any, entity: Entity) -> bool:
    """Replace a table's node by what it stands for; False when it is an ordinary table that stays."""
    return _expand(context, table, entity, 0)


def _expand(context: Context, table: Any, entity: Entity, depth: int) -> bool:
    for clause in ("when", "changes", "version"):
        if table.args.get(clause):
            raise unsupported("AT | BEFORE | CHANGES")
    if entity.kind == "VIEW":
        _replace(table, _view(context, entity, depth), entity, [column.name for column in columns_of(entity)])
    elif entity.kind == "STREAM":
        from modules.local.standin.streams import reading

        base = context.catalog.get("TABLE", tuple(entity.props["table"]))
        rows = reading(context, entity)
        masked = base is not None and any(column.masking_policy for column in columns_of(base))
        _replace(table, _masked(context, entity, base, rows) if masked and base else parse(rows), entity, [])
    elif any(column.masking_policy for column in columns_of(entity)):
        _replace(table, _masked(context, entity, entity, ""), entity, [])
    else:
        return False
    return True


def _replace(table: Any, query: Any, entity: Entity, columns: list[str]) -> None:
    from sqlglot import exp

    # An unquoted alias is written as it stands, so that `v.x` still means this one.
    alias = table.args.get("alias")
    name = (
        alias.this.copy() if alias is not None and alias.this is not None else exp.to_identifier(entity.name[-1], True)
    )
    given = alias.columns if alias is not None and alias.columns else [exp.to_identifier(one, True) for one in columns]
    kept = {key: table.args[key] for key in ("joins", "laterals", "pivots", "sample") if table.args.get(key)}
    subquery = exp.Subquery(this=query, alias=exp.TableAlias(this=name, columns=given), **kept)
    table.replace(subquery)


def _view(context: Context, entity: Entity, depth: int) -> Any:
    """A view's query, every name in it full and itself expanded, checked against its owner's rights."""
    if depth >= _DEEPEST:
        raise SnowflakeError(2057, "42601", f"SQL compilation error:\nView {quote(entity.name)} nests too deeply.")
    query = parse(str(entity.props["definition"]))
    owner = Access(context.catalog, entity.owner)
    if entity.owner_database:
        owner = context.access
    for table in named_tables(query):
        name = _within(entity, written_name(table))
        try:
            inner = owner.relation(name, "SELECT")
        except SnowflakeError as error:
            raise SnowflakeError(
                2037,
                "42601",
                f"SQL compilation error:\nFailure during expansion of view '{entity.name[-1]}': {error.message}",
            ) from None
        qualify(table, name)
        _expand(context, table, inner, depth + 1)
    return query


def _within(entity: Entity, written: Name) -> Name:
    """A name inside a view's text: short ones belong to the view's schema."""
    return (*entity.name[: 3 - len(written)], *written)


def qualify(table: Any, name: Name) -> None:
    """Write a table's name in full, or another one; what it is called in the rest of the query stays."""
    from sqlglot import exp

    if table.args.get("alias") is None:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(written_name(table)[-1], True)))
    for key, part in zip(("catalog", "db", "this"), name, strict=True):
        table.set(key, exp.to_identifier(part, True))


def _masked(context: Context, entity: Entity, policies: Entity, rows: str) -> Any:
    """`SELECT a, <mask of b> AS b FROM t`, or from the rows of a stream on t with the stream's own columns."""
    masks = {column.name: column for column in columns_of(policies) if column.masking_policy}
    columns = [
        f"({_mask(context, masks[column.name])}) AS {snow_name((column.name,))}"
        if column.name in masks
        else snow_name((column.name,))
        for column in columns_of(entity)
    ]
    place = f"({rows})" if rows else snow_name(entity.name)
    return parse(f"SELECT {', '.join(columns)} FROM {place}")  # noqa: S608


def _mask(context: Context, column: ColumnSpec) -> str:
    """A policy's body with the column in place of its argument."""
    from sqlglot import exp

    policy = context.catalog.get("MASKING POLICY", Tokens(str(column.masking_policy)).name())
    if policy is None:
        raise unsupported(f"masking policy {column.masking_policy}")
    signature = policy.props["signature"]
    if len(signature) != 1:
        raise unsupported("masking policies with more than one argument")
    argument = signature[0][0]
    body = parse(f"SELECT {policy.props['body']}").expressions[0]
    for node in _columns_named(body, argument):
        node.replace(exp.column(exp.to_identifier(column.name, True)))
    if isinstance(body, exp.Column) and not body.table and _name_of(body) == argument:
        body = exp.column(exp.to_identifier(column.name, True))
    return str(body.sql(dialect="snowflake"))


def _columns_named(body: Any, name: str) -> Iterator[Any]:
    from sqlglot import exp

    yield from [node for node in body.find_all(exp.Column) if not node.table and _name_of(node) == name and node.parent]


def _name_of(column: Any) -> str:
    return str(column.name if column.this.args.get("quoted") else column.name.upper())
