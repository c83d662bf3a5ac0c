"""Simulated objects between plan, apply and destroy: one SQLite file an environment, shared by its plugin processes.

An object is its state as JSON under its type and id. Editing the file is what drift is in a rehearsal.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from modules.local.plugins.protocol.values import Dynamic

__all__ = ["Store"]

_PATIENCE_SECONDS = 60


class Store:
    """The objects of one environment; opened when first used, safe for threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """The object as JSON reads it; None where there is none."""
        rows = self._run("SELECT body FROM objects WHERE type = ? AND id = ?", kind, key)
        return None if not rows else _object(rows[0][0])

    def find(self, kind: str, **wanted: str) -> dict[str, Any] | None:
        """The first object of a type with these top-level values."""
        bodies = (_object(body) for (body,) in self._run("SELECT body FROM objects WHERE type = ? ORDER BY id", kind))
        return next((body for body in bodies if all(body.get(name) == value for name, value in wanted.items())), None)

    def add(self, kind: str, key: str, body: Mapping[str, Any]) -> bool:
        """Keep a new object; False where the type has one of that id already."""
        sql = "INSERT OR IGNORE INTO objects VALUES (?, ?, ?) RETURNING id"
        return bool(self._run(sql, kind, key, json.dumps(body, default=_plain)))

    def put(self, kind: str, key: str, body: Mapping[str, Any]) -> None:
        """Keep an object, whether it was there or not."""
        self._run("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", kind, key, json.dumps(body, default=_plain))

    def remove(self, kind: str, key: str) -> None:
        self._run("DELETE FROM objects WHERE type = ? AND id = ?", kind, key)

    def count(self) -> int:
        return int(self._run("SELECT COUNT(*) FROM objects")[0][0])

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, sql: str, *values: str) -> list[Any]:
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            return self._connection.execute(sql, values).fetchall()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        # Autocommit: each statement is one change. A rehearsal need not survive a power cut.
        connection = sqlite3.connect(
            self.path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS objects (type TEXT, id TEXT, body TEXT, PRIMARY KEY (type, id)) WITHOUT ROWID"
        )
        return connection


def _object(body: str) -> dict[str, Any]:
    loaded = json.loads(body)
    assert isinstance(loaded, dict)
    return loaded


def _plain(value: Any) -> Any:
    # The forms in which Terraform's own state holds them; `from_json` reads both.
    if isinstance(value, Dynamic):
        return {"type": value.type, "value": value.value}
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")
