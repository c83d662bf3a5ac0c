"""One Snowflake session for all resources: logged in at the first statement, errors a user can act on."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modules.local.plugins.network import listens
from modules.local.plugins.protocol.resource import Diagnostic, PluginError

__all__ = ["Login", "Refusal", "Row", "SnowflakeSession", "unreachable"]

Row = Mapping[str, Any]
"""A result row, its column names in lower case."""

_LOGIN_SECONDS = 10
_STATEMENT_SECONDS = 60
_FAILURE_SECONDS = 5.0
_ALREADY_EXISTS = 2002
# The official provider tells a missing object by the same words.
_MISSING = ("does not exist or not authorized", "Object does not exist, or operation cannot be performed")


@dataclass(frozen=True)
class Login:
    """Where and as whom to log in."""

    account: str
    user: str
    role: str | None
    warehouse: str | None
    host: str
    port: int
    protocol: str
    private_key: str = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class Refusal(PluginError):
    """Snowflake refused a statement."""

    def __init__(self, statement: str, number: int, words: str) -> None:
        super().__init__(f"Snowflake refused a statement: {words}", f"The statement was: {statement}")
        self.missing = any(phrase in words for phrase in _MISSING)
        self.exists = number == _ALREADY_EXISTS or "already exists" in words
        self.words = words


def unreachable(address: str, path: tuple[str, ...] = ()) -> Diagnostic:
    """What is said of a server that does not answer."""
    return Diagnostic(
        f"Snowflake at {address} does not answer",
        "For the local stand-in: start it (`infra local up`; `infra local status` and `infra local logs` show what is "
        "wrong) and try again.",
        path,
    )


class SnowflakeSession:
    """`configure`, then `run` and `rows` from any thread."""

    def __init__(self) -> None:
        self._login: Login | None = None
        self._connection: Any = None
        self._failure: tuple[float, Exception] | None = None
        self._lock = threading.Lock()
        self._seen: dict[str, list[Row]] = {}
        self._writes = 0

    def configure(self, login: Login) -> None:
        with self._lock:
            self._login = login
            self._connection = self._failure = None
            self._seen.clear()

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close(retry=False)

    def run(self, statement: str) -> None:
        """Run a statement whose result does not matter.

        Raises:
            Refusal: Snowflake said no.
            PluginError: nothing answers, or the login is refused.
        """
        try:
            self._fetch(statement)
        finally:
            with self._lock:
                self._writes += 1
                self._seen.clear()

    def rows(self, statement: str) -> list[Row]:
        """Run a query; raises as `run` does. What was asked before is remembered until the next statement that is run,
        since many resources look at the same object."""
        with self._lock:
            known, writes = self._seen.get(statement), self._writes
        if known is not None:
            return known
        rows = self._fetch(statement)
        with self._lock:
            if writes == self._writes:
                self._seen[statement] = rows
        return rows

    def run_if_there(self, statement: str) -> None:
        """The same for a statement that has nothing to do where its object is gone."""
        try:
            self.run(statement)
        except Refusal as refusal:
            if not refusal.missing:
                raise

    def rows_if_there(self, statement: str) -> list[Row] | None:
        """As `rows`; None where what is asked about is not there."""
        try:
            return self.rows(statement)
        except Refusal as refusal:
            if refusal.missing:
                return None
            raise

    def _fetch(self, statement: str) -> list[Row]:
        connection = self._connected()
        from snowflake.connector.errors import Error, ProgrammingError

        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, timeout=_STATEMENT_SECONDS)
                names = [column.name.lower() for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except ProgrammingError as error:
            words = " ".join(str(error.raw_msg or error.msg).split())
            raise Refusal(_shown(statement), error.errno or 0, words) from None
        except Error as error:
            found = unreachable(self._address)
            raise PluginError(found.summary, f"{found.detail} ({type(error).__name__} {error.errno})") from None

    @property
    def _address(self) -> str:
        return self._login.address if self._login else "(not configured)"

    def _connected(self) -> Any:
        with self._lock:
            if self._connection is None:
                # Every resource would otherwise wait for the same time-out.
                if self._failure is not None and time.monotonic() - self._failure[0] < _FAILURE_SECONDS:
                    raise self._failure[1]
                if self._login is None:
                    raise PluginError("the provider's host, user and private_key are not known yet")
                try:
                    self._connection = _connect(self._login)
                except Exception as error:
                    self._failure = (time.monotonic(), error)
                    raise
            return self._connection


def _connect(login: Login) -> Any:
    if not listens(login.host, login.port):
        found = unreachable(login.address)
        raise PluginError(found.summary, found.detail)
    import snowflake.connector
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from modules.warehouse.connection import load_private_key

    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    key = load_private_key(login.private_key, "the provider's private_key")
    options = {"role": login.role, "warehouse": login.warehouse}
    try:
        return snowflake.connector.connect(
            **{name: value for name, value in options.items() if value is not None},
            account=login.account,
            user=login.user,
            host=login.host,
            port=login.port,
            protocol=login.protocol,
            authenticator="SNOWFLAKE_JWT",
            private_key=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            login_timeout=_LOGIN_SECONDS,
            network_timeout=_STATEMENT_SECONDS,
            session_parameters=dict(login.parameters),
            platform_detection_timeout_seconds=0.0,
            disable_ocsp_checks=login.protocol == "http",
        )
    except snowflake.connector.errors.Error as error:
        said = " ".join(str(error.msg or error).split())
        raise PluginError(
            f"Snowflake at {login.address} refuses the login of {login.user}",
            f"Check user, role and private_key (RSA_PUBLIC_KEY of the user must belong to it). Snowflake says: {said}",
        ) from None


def _shown(statement: str) -> str:
    return statement if len(statement) <= 400 else statement[:400] + "…"
