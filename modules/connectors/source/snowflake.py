"""A source's session in Snowflake: values as text, errors in words, a broken connection opened anew.

Results are asked for as JSON and not converted, so every value is the text Snowflake sends and no digit gets lost.
What does not change by itself (no such table, no right) is a `SourceError`; everything else is tried again with growing
pauses for `patience` seconds. Each login reads the private key again, so that a rotated key is taken up.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

from modules.connectors.source.settings import SourceSettings
from modules.errors import ServiceError, SourceError
from modules.warehouse.connection import connect

__all__ = ["Session", "Stopping", "text_literal"]

_NO_OBJECT = (2003, 2043)
_NO_COLUMN = 904
_NO_RIGHT = 3001
_NO_WAREHOUSE = 606
_SQL_ERRORS = range(900, 4000)
"""Errors of compiling and running a statement: it would fail the same way again."""
_LOGIN_SECONDS = 30.0
"""How long a refused login is tried again when there has been a session before: a key may be being rotated."""


class Stopping(Exception):
    """The source is asked to stop while Snowflake does not answer."""


def text_literal(text: str) -> str:
    """A string as Snowflake's SQL takes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class Session:
    """One connection, opened when it is needed."""

    def __init__(
        self,
        settings: SourceSettings,
        *,
        stopping: Callable[[], bool] = lambda: False,
        on_retry: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self._settings = settings
        self._stopping = stopping
        self._on_retry = on_retry
        self._connection: Any = None
        self._was_open = False

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
            self._connection = None

    def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        """All rows of a query, values as text; see `_run`."""
        return self._run(sql)[1]

    def records(self, sql: str) -> list[dict[str, str | None]]:
        """Rows by their columns' names in lower case, as SHOW and DESCRIBE are read."""
        names, rows = self._run(sql)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def names(self, sql: str) -> list[str]:
        """The columns' names of a query, in lower case."""
        return self._run(sql)[0]

    def _run(self, sql: str) -> tuple[list[str], list[tuple[str | None, ...]]]:
        """Columns' names and rows of a statement that may be repeated.

        Raises:
            SourceError: Snowflake says something that waiting does not mend.
            ServiceError: it does not answer, or refuses the login.
            Stopping: asked to stop meanwhile.
        """
        began, pause = time.monotonic(), 0.2
        while True:
            try:
                with self._open().cursor() as cursor:
                    cursor.execute(sql)
                    names = [column.name.lower() for column in cursor.description or ()]
                    return names, [tuple(row) for row in cursor.fetchall()]
            except SourceError:
                raise
            except ServiceError as error:
                # The first login says at once what is wrong with it.
                limit = _LOGIN_SECONDS if "does not answer" not in error.what else self._settings.patience
                if not self._was_open or time.monotonic() - began > limit:
                    raise
                why = error.what
            except Exception as error:
                why = self._judge(error)
                if time.monotonic() - began > self._settings.patience:
                    raise self._silence(why) from None
            self.close()
            self._on_retry(why)
            self._wait(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 5.0)

    def attempt(self, *statements: str) -> bool:
        """Statements that may not be repeated, one after the other; False where it is not known what was done.

        Raises:
            SourceError, ServiceError: as for `rows`.
        """
        try:
            with self._open().cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            return True
        except (SourceError, ServiceError):
            self.close()
            raise
        except Exception as error:
            self.close()
            self._on_retry(self._judge(error))
            return False

    def _open(self) -> Any:
        if self._connection is None:
            from snowflake.connector.converter_null import SnowflakeNoConverterToPython

            self._connection = connect(
                self._settings.snowflake,
                self._settings.project,
                converter_class=SnowflakeNoConverterToPython,
                session_parameters={
                    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON",
                    "TIMEZONE": "UTC",
                    "QUERY_TAG": f"infra source {self._settings.name}",
                },
            )
            self._was_open = True
        return self._connection

    def _judge(self, error: Exception) -> str:
        """What is worth trying again, in words.

        Raises:
            SourceError: the rest.
        """
        from snowflake.connector.errors import Error

        if not isinstance(error, Error):
            if isinstance(error, (OSError, EOFError)) or type(error).__module__.split(".")[0] in (
                "urllib3",
                "requests",
            ):
                return f"{type(error).__name__}: {error}"
            raise error
        said = " ".join(str(error.msg or error).split())
        where, role = self._settings.origin, self._settings.snowflake.role
        if error.errno in _NO_OBJECT:
            raise SourceError(
                f"there is no {where}, or the role {role} may not read it",
                where=self._settings.snowflake.url,
                details=[said],
                do="check its name, and run `infra deploy`, which grants SELECT on it and USAGE on where it is",
            ) from None
        if error.errno == _NO_RIGHT:
            raise SourceError(
                f"the role {role} lacks a right on {where}",
                where=self._settings.snowflake.url,
                details=[said],
                do="run `infra deploy`, which grants it",
            ) from None
        if error.errno == _NO_WAREHOUSE:
            raise SourceError(
                f"the role {role} may not use the warehouse {self._settings.snowflake.warehouse}, or there is none",
                where=self._settings.snowflake.url,
                do="run `infra deploy`, which grants USAGE on it",
            ) from None
        if error.errno is not None and error.errno in _SQL_ERRORS:
            raise SourceError(
                f"Snowflake refused to read {where}: {said}",
                where=self._settings.snowflake.url,
                do="read its message; the source goes on where it was once the cause is gone",
            ) from None
        return said

    def _silence(self, why: str) -> ServiceError:
        return ServiceError(
            f"Snowflake has not answered for {self._settings.patience:.0f} s ({why})",
            where=self._settings.snowflake.url,
            do="see to it that it runs, then start the source again: it goes on where it was",
        )

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._stopping():
                raise Stopping
            time.sleep(min(left, 0.1))
