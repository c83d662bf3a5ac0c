"""The account: catalogue, engine and sessions over one data folder, put right after a crash."""

from __future__ import annotations

import fcntl
import logging
from pathlib import Path

from modules.errors import LocalError
from modules.local.standin.bootstrap import bootstrap
from modules.local.standin.catalog import RENAMING, Catalog, Entity
from modules.local.standin.columns import ColumnSpec, columns_of, from_duckdb, put_columns
from modules.local.standin.engine import Engine
from modules.local.standin.kinds import STORED
from modules.local.standin.sessions import Sessions

__all__ = ["Account"]

_log = logging.getLogger(__name__)


class Account:
    """Everything the server holds.

    Raises:
        LocalError: the folder cannot be read or written, or another stand-in has it.
    """

    def __init__(self, folder: Path, admin: str, public_key: str) -> None:
        self.sessions = Sessions()
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._guard = (folder / "lock").open("w")
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.catalog = Catalog(folder / "catalog.sqlite")
        except BlockingIOError:
            raise LocalError(
                "another Snowflake stand-in uses this data folder", where=str(folder), do="stop it first"
            ) from None
        except Exception as error:
            raise LocalError(
                f"the Snowflake stand-in's data folder is unusable: {error}",
                where=str(folder),
                do="check its rights, or run `infra local reset`",
            ) from None
        self.engine = Engine(folder / "databases")
        bootstrap(self.catalog, admin, public_key)
        self._attach(folder)

    def _attach(self, folder: Path) -> None:
        """Open every database and make DuckDB and the catalogue agree.

        A statement changes DuckDB first and the catalogue last, so what only DuckDB has was never acknowledged: it is
        dropped. What only the catalogue has was being dropped.
        """
        for database in self.catalog.of_kind("DATABASE"):
            name = database.name[0]
            try:
                self.engine.attach(name, database.id)
            except Exception as error:
                raise LocalError(
                    f"database {name} cannot be opened: {str(error).splitlines()[0]}",
                    where=str(folder),
                    do="restore its file, or run `infra local reset`",
                ) from None
            self._finish_renames(name)
            known = {table.name: table for kind in STORED for table in self.catalog.of_kind(kind, database.name)}
            for schema in self.catalog.of_kind("SCHEMA", database.name):
                self.engine.create_schema(schema.name)
            present = self.engine.tables(name)
            for orphan in present - known.keys():
                _log.warning("dropping table %s: its CREATE was interrupted", ".".join(orphan))
                self.engine.drop_table(orphan)
            with self.catalog.change():
                for gone in known.keys() - present:
                    _log.warning("forgetting table %s: its DROP was interrupted", ".".join(gone))
                    self.catalog.drop(known.pop(gone))
                for table in known.values():
                    self._agree_on_columns(table)

    def _finish_renames(self, database: str) -> None:
        present = self.engine.tables(database)
        for table in self.catalog.of_kind("TABLE", (database,)):
            new = table.props.pop(RENAMING, None)
            if new is None:
                continue
            with self.catalog.change():
                self.catalog.put(table)
                if table.name not in present and (*table.name[:2], new) in present:
                    self.catalog.rename(table, (*table.name[:2], new))

    def _agree_on_columns(self, table: Entity) -> None:
        """DuckDB's columns are the truth; an ALTER or REPLACE that was interrupted left the catalogue behind."""
        noted = {column.name: column for column in columns_of(table)}
        found = self.engine.columns(table.name)
        if [name for name, _, _ in found] == list(noted):
            return
        _log.warning("columns of %s: a change of them was interrupted", ".".join(table.name))
        agreed = [noted.get(name) or ColumnSpec(name, str(from_duckdb(kind)), null) for name, kind, null in found]
        put_columns(table, agreed)
        self.catalog.put(table)

    def close(self) -> None:
        """A clean stop: everything folded into the files."""
        self.engine.close()
        self.catalog.close()
        self._guard.close()
