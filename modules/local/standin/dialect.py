"""Where fakesnow's translation to DuckDB needs help: names it cannot carry, and sums it would make approximate.

A subclass of fakesnow's cursor; its `_transform` sees every statement as a syntax tree before DuckDB does.
"""

from __future__ import annotations

import functools
from typing import Any

from modules.local.standin.casing import fold

__all__ = ["execute"]

_EXACT_SUM = "_INFRA_SUM"


def execute(connection: Any, sql: str, params: Any) -> Any:
    """Run a statement on a fakesnow connection; the cursor that did.

    Raises:
        snowflake.connector.errors.Error, duckdb.Error: as fakesnow does.
    """
    from snowflake.connector.errors import ProgrammingError

    cursor_class = _cursor_class()
    engine = _Engine(connection._duck_conn)
    cursor = cursor_class(connection, engine)
    try:
        return cursor.execute(sql, binding_params=params, server=True)
    except ProgrammingError as error:
        if not cursor.exact or "sum(" not in str(error.msg).lower():
            raise
    # DuckDB sums numbers only; fakesnow's way casts text first.
    cursor = cursor_class(connection, engine)
    cursor.exact = False
    return cursor.execute(sql, binding_params=params, server=True)


class _Engine:
    """A DuckDB connection that is spared fakesnow's book of loaded files.

    It writes the database's name there without quotation marks, and nothing is ever loaded from files.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: Any, *arguments: Any) -> Any:
        if isinstance(sql, str) and sql.startswith("DELETE FROM") and "._fs_load_history " in sql:
            return self._connection
        return self._connection.execute(sql, *arguments)


@functools.cache
def _reserved() -> frozenset[str]:
    """Words DuckDB keeps to itself and Snowflake takes as names (AT, for one)."""
    import duckdb

    query = "SELECT upper(keyword_name) FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')"
    with duckdb.connect() as connection:
        return frozenset(row[0] for row in connection.execute(query).fetchall())


@functools.cache
def _cursor_class() -> Any:
    from fakesnow.cursor import FakeSnowflakeCursor
    from sqlglot import exp

    def named(node: Any) -> Any:
        if isinstance(node, exp.Identifier):
            name = node.this
            if node.args.get("quoted"):
                node.set("this", fold(name))
            elif name.upper() in _reserved():
                node.set("this", name.upper())
                node.set("quoted", True)
        return node

    def hidden(node: Any) -> Any:
        # fakesnow sums text cast to DOUBLE, which loses digits of numbers.
        if isinstance(node, exp.Sum) and not isinstance(node.this, exp.Cast | exp.TryCast):
            return exp.Anonymous(this=_EXACT_SUM, expressions=[node.this])
        return node

    def shown(node: Any) -> Any:
        if isinstance(node, exp.Anonymous) and node.this == _EXACT_SUM:
            return exp.Sum(this=node.expressions[0])
        return node

    class Cursor(FakeSnowflakeCursor):
        exact = True

        def _transform(self, expression: Any, params: Any) -> Any:
            expression = expression.transform(named, copy=False)
            if not self.exact:
                return super()._transform(expression, params)
            return super()._transform(expression.transform(hidden, copy=False), params).transform(shown, copy=False)

    return Cursor
