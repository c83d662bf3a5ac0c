"""DuckDB under fakesnow: one file per database, statements of a session, results as Snowflake's JSON rows.

The engine knows nothing about roles; `statements` asks first. Databases are attached and detached here rather than
through fakesnow's CREATE/DROP DATABASE, which fails on DuckDB 2. Names that differ in case only: see `casing`.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from modules.local.standin.casing import fold, unfold, unfold_text
from modules.local.standin.errors import SnowflakeError, unsupported
from modules.local.standin.results import Column, Result
from modules.local.standin.sessions import Session
from modules.local.standin.tokenizer import Name
from modules.local.standin.values import encode_columns

__all__ = ["Engine", "duck_name", "snow_name"]

HIDDEN = "_fs_information_schema"
"""The schema fakesnow keeps its own things in and hides."""
CHANNELS = "_infra_channels"
"""In each database: committed offset tokens of streaming channels, beside the rows they belong to."""

_PLACE = "INFRA_PLACE_OF_A_NAME"


def duck_name(name: Name) -> str:
    """A name for SQL that goes to DuckDB as it stands."""
    return snow_name(tuple(fold(part) for part in name))


def snow_name(name: Name) -> str:
    """A name, quoted, for SQL in Snowflake's dialect."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name)


class Engine:
    """All attached databases."""

    def __init__(self, folder: Path) -> None:
        # fakesnow fetches through DB-API results; DuckDB 2 warns about the copy on each statement.
        warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")
        from fakesnow.instance import FakeSnow

        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._fake = FakeSnow(create_database_on_connect=False, create_schema_on_connect=False)
        self._root = self._fake.duck_conn
        self.write_lock = threading.RLock()
        """Held by whatever writes: DuckDB lets concurrent writers fail instead of wait."""
        self._attached: set[str] = set()

    def cursor(self) -> Any:
        """A DuckDB connection of one's own onto the same databases."""
        return self._root.cursor()

    # -- databases -------------------------------------------------------------------------------------------------

    def _file(self, database: str, number: int) -> Path:
        safe = "".join(c if c.isalnum() and c.isascii() else "_" for c in database)[:60]
        return self._folder / f"{number:06d}-{safe}.duckdb"

    def attach(self, database: str, number: int, *, new: bool = False) -> None:
        """Open (or with `new` create) a database's file; `number` is the catalogue's id, never used twice."""
        from fakesnow import info_schema, macros

        file = self._file(database, number)
        with self.write_lock:
            if new:
                _remove(file)
            quoted = duck_name((database,))
            self._root.execute(f"ATTACH '{str(file).replace(chr(39), chr(39) * 2)}' AS {quoted}")
            self._attached.add(database)
            for made in (info_schema.per_db_creation_sql(_PLACE), macros.creation_sql(_PLACE)):
                # fakesnow writes the name as it stands, which does for plain ones only.
                literal = fold(database).replace("'", "''")
                self._root.execute(made.replace(f"'{_PLACE}'", f"'{literal}'").replace(_PLACE, quoted))
            self._root.execute(
                f"CREATE SCHEMA IF NOT EXISTS {quoted}.{HIDDEN};"
                f"CREATE TABLE IF NOT EXISTS {quoted}.{HIDDEN}.{CHANNELS} ("
                "schema_name VARCHAR, pipe_name VARCHAR, channel_name VARCHAR, table_name VARCHAR, state VARCHAR)"
            )
            self._root.execute(f"CHECKPOINT {quoted}")

    def detach(self, database: str, sessions: Sequence[Session]) -> None:
        """Close a database; sessions in it lose their current database. The file stays until `delete`."""
        with self.write_lock:
            for session in sessions:
                if session.database == database:
                    session.database = session.schema = None
                if session.connection is not None and session.connection.database == database:
                    self._leave(session)
            self._root.execute("USE memory")
            self._root.execute(f"DETACH {duck_name((database,))}")
            self._attached.discard(database)

    def delete(self, database: str, number: int) -> None:
        """Delete a detached database's file; the last step of a drop, when the catalogue has forgotten it."""
        _remove(self._file(database, number))

    def create_schema(self, name: Name) -> None:
        with self.write_lock:
            self._root.cursor().execute(f"CREATE SCHEMA IF NOT EXISTS {duck_name(name)}")

    def drop_schema(self, name: Name) -> None:
        with self.write_lock:
            self._root.cursor().execute(f"DROP SCHEMA IF EXISTS {duck_name(name)} CASCADE")

    def drop_table(self, name: Name) -> None:
        with self.write_lock:
            self._root.cursor().execute(f"DROP TABLE IF EXISTS {duck_name(name)}")

    def rename_table(self, name: Name, new: str) -> None:
        with self.write_lock:
            self._root.cursor().execute(f"ALTER TABLE {duck_name(name)} RENAME TO {duck_name((new,))}")

    def tables(self, database: str) -> set[Name]:
        """The tables DuckDB has, our own and fakesnow's left out."""
        rows = self._root.cursor().execute(
            "SELECT database_name, schema_name, table_name FROM duckdb_tables() "
            "WHERE database_name = ? AND schema_name NOT IN ('main', '_fs_information_schema')",
            [fold(database)],
        )
        return {tuple(unfold(part) for part in row) for row in rows.fetchall()}

    def columns(self, name: Name) -> list[tuple[str, str, bool]]:
        """A table's columns as DuckDB has them: name, type, nullable."""
        rows = self._root.cursor().execute(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index",
            [fold(part) for part in name],
        )
        return [(unfold(row[0]), row[1], bool(row[2])) for row in rows.fetchall()]

    def row_count(self, name: Name) -> int:
        counted = self._root.cursor().execute(f"SELECT count(*) FROM {duck_name(name)}").fetchall()  # noqa: S608
        return int(counted[0][0])

    def default_value(self, expression: str) -> Any:
        """What a column's DEFAULT gives right now."""
        import sqlglot

        translated = sqlglot.parse_one(f"SELECT {expression}", read="snowflake").sql(dialect="duckdb")
        return self._root.cursor().execute(translated).fetchall()[0][0]

    def checkpoint(self) -> None:
        """Fold the write-ahead logs into the files (a clean stop; a kill is fine without)."""
        with self.write_lock:
            for database in sorted(self._attached):
                self._root.execute(f"CHECKPOINT {duck_name((database,))}")

    def close(self) -> None:
        self.checkpoint()
        self._root.close()

    # -- a session's statements ------------------------------------------------------------------------------------

    def _connection(self, session: Session) -> Any:
        """The session's fakesnow connection, standing in the session's database and schema."""
        if session.connection is None:
            session.connection = self._fake.connect(None, None)
        fake = session.connection
        if (fake.database, fake._schema) != (session.database, session.schema):
            self._enter(session)
        return fake

    def _enter(self, session: Session) -> None:
        fake = session.connection
        if session.database is None:
            self._leave(session)
            return
        where = duck_name((session.database, session.schema or "main"))
        fake._duck_conn.execute(f"SET schema = '{where.replace(chr(39), chr(39) * 2)}'")
        fake.database, fake._schema = session.database, session.schema
        fake.database_set, fake.schema_set = True, session.schema is not None

    @staticmethod
    def _leave(session: Session) -> None:
        fake = session.connection
        fake._duck_conn.execute("SET schema = 'memory.main'")
        fake.database = fake._schema = None
        fake.database_set = fake.schema_set = False

    def execute(
        self, session: Session, sql: str, params: Any = None, *, writes: bool = False, type_id: int = 0x1000
    ) -> Result:
        """Run one statement of table SQL.

        Raises:
            SnowflakeError: whatever DuckDB or fakesnow says, in Snowflake's form.
        """
        if not writes:
            return self._execute(session, sql, params, type_id)
        with self.write_lock:
            return self._execute(session, sql, params, type_id)

    def _execute(self, session: Session, sql: str, params: Any, type_id: int) -> Result:
        from modules.local.standin.dialect import execute

        connection = self._translated(lambda: self._connection(session))
        cursor = self._translated(lambda: execute(connection, sql, params))
        table = cursor._arrow_table
        if table is None:
            return Result([Column("status")], [["Statement executed successfully."]], type_id)
        described = self._translated(cursor._describe_last_sql)
        columns, rows = encode_columns(table, [row[1] for row in described])
        return Result([replace(column, name=unfold(column.name)) for column in columns], rows, type_id)

    def execute_many(self, session: Session, sql: str, batch: Sequence[Sequence[Any]]) -> int:
        """An array binding: one INSERT for many rows, all or nothing. Returns the number of rows."""
        with self.transaction(session):
            for params in batch:
                self._execute(session, sql, tuple(params), 0x3100)
        return len(batch)

    def run(self, sql: str) -> None:
        """A statement of our own, in DuckDB's dialect, in a transaction of its own."""
        with self.write_lock:
            self._translated(lambda: self._root.cursor().execute(sql))

    def run_in(self, session: Session, sql: str) -> None:
        """As `run`, inside the session's transaction; inside `transaction` only."""
        self._translated(lambda: self._connection(session)._duck_conn.execute(sql))

    def lend(self, session: Session, name: str, table: Any) -> None:
        """Give the session's connection an Arrow table to read as `temp.main.<name>`."""
        self._translated(lambda: self._connection(session)._duck_conn.register(name, table))

    @contextmanager
    def transaction(self, session: Session) -> Iterator[None]:
        """Several statements, all or none; inside a transaction the session has open they just join it."""
        with self.write_lock:
            connection = self._connection(session)
            if session.in_transaction or connection._in_transaction:
                yield
                return
            connection._duck_conn.execute("BEGIN")
            try:
                yield
            except BaseException:
                connection._duck_conn.execute("ROLLBACK")
                raise
            self._translated(lambda: connection._duck_conn.execute("COMMIT"))

    def commit(self, session: Session) -> None:
        """End an open transaction, as a definition of an object does."""
        if session.in_transaction:
            self.execute(session, "COMMIT", writes=True)
            session.in_transaction = False

    def autocommit(self, session: Session, on: bool) -> None:
        """ALTER SESSION SET AUTOCOMMIT; turning it on commits what is open."""
        connection = self._connection(session)
        if connection._autocommit != on:
            if connection._in_transaction:
                connection._duck_conn.commit()
                connection._in_transaction = False
            connection._autocommit = on

    def release(self, session: Session) -> None:
        """End a session's transaction and connection."""
        if session.connection is not None:
            session.connection.close()
            session.connection = None
            session.in_transaction = False

    def interrupt(self, session: Session) -> None:
        if session.connection is not None:
            session.connection._duck_conn.interrupt()

    @staticmethod
    def _translated(run: Callable[[], Any]) -> Any:
        import duckdb
        from snowflake.connector import errors as connector
        from sqlglot.errors import SqlglotError

        try:
            return run()
        except connector.Error as error:
            raise _from_connector(error) from None
        except duckdb.ConstraintException as error:
            raise SnowflakeError(100072, "22000", _constraint(unfold_text(str(error)))) from None
        except duckdb.InterruptException:
            raise SnowflakeError(604, "57014", "SQL execution canceled") from None
        except duckdb.Error as error:
            raise SnowflakeError(100038, "22018", unfold_text(str(error)).split("\n")[0]) from None
        except SqlglotError as error:
            raise SnowflakeError(1003, "42000", f"SQL compilation error:\n{error}") from None
        except (NotImplementedError, AssertionError, KeyError, AttributeError, TypeError, ValueError) as error:
            raise unsupported(f"{type(error).__name__}: {error}") from None


def _from_connector(error: Any) -> SnowflakeError:
    """fakesnow raises the connector's errors; DuckDB's wording inside is put into Snowflake's where it is known."""
    message = unfold_text(str(getattr(error, "raw_msg", None) or error.msg or error))
    unknown = re.search(r"Function with name (\S+) does not exist", message)
    if unknown:
        return SnowflakeError(2140, "42601", f"SQL compilation error:\nUnknown function {unknown[1].upper()}.")
    column = re.search(r'Referenced column "([^"]+)" not found|does not have a column with name "([^"]+)"', message)
    if column:
        name = column[1] or column[2]
        return SnowflakeError(
            904, "42000", f"SQL compilation error: error line 1 at position 0\ninvalid identifier '{name}'"
        )
    if not message.startswith("SQL "):
        message = f"SQL compilation error:\n{message}"
    return SnowflakeError(error.errno or 2043, error.sqlstate or "02000", message)


def _constraint(message: str) -> str:
    if "NOT NULL" in message:
        column = message.rsplit(".", 1)[-1].strip().strip('"')
        return f"NULL result in a non-nullable column '{column}'"
    return message.split("\n")[0]


def _remove(file: Path) -> None:
    for path in (file, Path(f"{file}.wal")):
        path.unlink(missing_ok=True)
