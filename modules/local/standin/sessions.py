"""Sessions: who is logged in, in which role, warehouse, database and schema.

Sessions live in memory: after a restart of the server every client has to log in again (390104).
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from modules.local.standin.errors import SnowflakeError

__all__ = ["MASTER_VALIDITY_SECONDS", "TOKEN_VALIDITY_SECONDS", "Session", "Sessions"]

TOKEN_VALIDITY_SECONDS = 3600
MASTER_VALIDITY_SECONDS = 14400


@dataclass
class Session:
    id: int
    user: str
    role: str
    token: str = field(repr=False)
    master_token: str = field(repr=False)
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    client: str = "127.0.0.1"
    """The address it was logged in from."""
    in_transaction: bool = False
    """Between BEGIN and COMMIT or ROLLBACK."""
    secondary_roles: bool = False
    """USE SECONDARY ROLES ALL: the user's other roles count too."""
    parameters: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    """One statement at a time in a session, as in Snowflake."""
    connection: Any = field(default=None, repr=False)
    """The engine's own handle (a fakesnow connection)."""
    created: float = field(default_factory=time.monotonic)


class Sessions:
    """The sessions by token."""

    def __init__(self) -> None:
        self._by_token: dict[str, Session] = {}
        self._by_master: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._ids = itertools.count(int(time.time() * 1000))

    def open(self, user: str, role: str) -> Session:
        session = Session(next(self._ids), user, role, secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        with self._lock:
            self._by_token[session.token] = session
            self._by_master[session.master_token] = session
        return session

    def get(self, token: str | None) -> Session:
        """The session.

        Raises:
            SnowflakeError: 390104, no such session (closed, or the server was restarted).
        """
        with self._lock:
            session = self._by_token.get(token or "")
        if session is None:
            raise SnowflakeError(390104, "08001", "User must login again to access the service.")
        return session

    def renew(self, master_token: str | None) -> Session:
        """A new session token for the holder of the master token; the old one ends."""
        with self._lock:
            session = self._by_master.get(master_token or "")
            if session is None:
                raise SnowflakeError(
                    390114, "08001", "Authentication token has expired. The user must authenticate again."
                )
            self._by_token.pop(session.token, None)
            session.token = secrets.token_urlsafe(32)
            self._by_token[session.token] = session
        return session

    def close(self, session: Session) -> None:
        with self._lock:
            self._by_token.pop(session.token, None)
            self._by_master.pop(session.master_token, None)

    def all(self) -> list[Session]:
        with self._lock:
            return list(self._by_token.values())
