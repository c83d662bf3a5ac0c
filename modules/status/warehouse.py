"""The warehouse: channels' offsets, rows a minute, credits of this month.

Channels are asked without waking anything. Rows and credits take a query, and a query wakes a virtual warehouse that
sleeps, for a minute at least; so where that costs money, a sleeping one is not asked, and that is said.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from modules.connectors.sink import settings_for
from modules.environment.connect import kind_of
from modules.environment.model import Environment
from modules.environment.smoke import SMOKE_TOPIC
from modules.errors import InfraError
from modules.platforms.base import Platform
from modules.project import Project
from modules.smoke.channels import ShownChannels, SinkChannels
from modules.smoke.credits import read_warehouse
from modules.status.readings import Channel, Credits, Missing, Part, Reached, Table
from modules.warehouse.connection import connect
from modules.warehouse.estate import WAREHOUSE

__all__ = ["ChannelsCollector", "WarehouseCollector"]

_NO_RIGHT = (2003, 2043, 3001)
"""Errors of Snowflake for what is not there or may not be seen, which it does not tell apart."""
_DAY_MS = 86_400_000
_CREDITS = """
SELECT CASE WHEN SERVICE_TYPE = 'WAREHOUSE_METERING' THEN NAME ELSE SERVICE_TYPE END, SUM(CREDITS_USED)
FROM SNOWFLAKE.ACCOUNT_USAGE.METERING_HISTORY
WHERE START_TIME >= %s AND (SERVICE_TYPE LIKE 'SNOWPIPE%%' OR NAME = %s) GROUP BY 1 ORDER BY 1"""
"""Own compute by its name; streaming is billed to the account, whose views name no database for it."""
_MADE = "RECORD_METADATA:CreateTime::NUMBER"


def _sinks(environment: Environment) -> list[tuple[str, str]]:
    """(topic, table), the one that is only measured on last."""
    found = [(name, topic.sink.table.upper()) for name, topic in environment.topics.items() if topic.sink]
    return sorted(found, key=lambda each: each[0] == SMOKE_TOPIC)


class ChannelsCollector:
    """How far the warehouse has taken each partition. Clients are opened once and kept."""

    name = "channels"

    def __init__(self, environment: Environment, platform: Platform, project: Project) -> None:
        self._environment = environment
        self._platform = platform
        self._project = project
        self._open: dict[str, SinkChannels | ShownChannels] = {}

    def read(self) -> Part:
        channels: list[Channel] = []
        missing: list[Missing] = []
        for topic, table in _sinks(self._environment):
            try:
                tokens = self._tokens(topic, table)
            except InfraError as error:
                self._forget(topic)
                missing.append(Missing(f"channels of {table}", _words(error), f"INSERT or OWNERSHIP on {table}"))
                continue
            partitions = self._environment.topics[topic].partitions
            numbers = sorted({*range(partitions), *tokens})
            channels += [Channel(topic, table, number, tokens.get(number)) for number in numbers]
        return Part(channels=tuple(channels), missing=tuple(missing))

    def close(self) -> None:
        for topic in list(self._open):
            self._forget(topic)

    def _tokens(self, topic: str, table: str) -> Mapping[int, int]:
        if topic not in self._open:
            if kind_of(self._environment) == "sink":
                settings = settings_for(self._environment, self._platform, self._project, topic)
                self._open[topic] = SinkChannels(settings, self._environment.topics[topic].partitions)
            else:
                connection = connect(self._platform.snowflake_client("admin"), self._project)
                self._open[topic] = ShownChannels(connection, table, topic)
        return self._open[topic].tokens()

    def _forget(self, topic: str) -> None:
        opened = self._open.pop(topic, None)
        if opened is not None:
            opened.close()


class WarehouseCollector:
    """Rows and credits, through one session that is kept."""

    name = "warehouse"

    def __init__(
        self,
        environment: Environment,
        platform: Platform,
        project: Project,
        open_session: Callable[[], Any] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environment = environment
        self._paid = platform.name != "local"
        self._clock = clock
        self._open = open_session or (lambda: connect(platform.snowflake_client("admin"), project, **self._session()))
        self._connection: Any = None

    def _session(self) -> dict[str, Any]:
        return {"warehouse": WAREHOUSE} if self._paid else {}

    def read(self) -> Part:
        if not _sinks(self._environment):
            return Part()
        try:
            self._connection = self._connection or self._open()
        except InfraError as error:
            refused = "refused" in error.what or "may not" in error.what or "does not accept" in error.what
            why = _words(error)
            if refused:
                return Part(missing=(Missing("the warehouse", why, error.do),))
            return Part(
                reached=(Reached("warehouse", error.where or "Snowflake", False, error.what),),
                missing=(Missing("rows and credits", why),),
            )
        return self._read()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self) -> Part:
        reached = (Reached("warehouse", "Snowflake", True),)
        if self._paid and (asleep := self._asleep()) is not None:
            return Part(reached=reached, missing=(asleep,))
        tables: list[Table] = []
        missing: list[Missing] = []
        for topic, table in _sinks(self._environment):
            found = self._table(topic, table)
            if isinstance(found, Missing):
                missing.append(found)
            else:
                tables.append(found)
        credits = self._credits(missing) if self._paid else ()
        return Part(tables=tuple(tables), credits=tuple(credits), missing=tuple(missing), reached=reached)

    def _asleep(self) -> Missing | None:
        warehouse = read_warehouse(self._connection, WAREHOUSE)
        what = "rows a minute and credits"
        if warehouse is None:
            return Missing(what, f"there is no warehouse {WAREHOUSE}, or this role may not see it", "USAGE on it")
        if not warehouse.awake:
            return Missing(what, f"{WAREHOUSE} sleeps, and asking would wake it and cost credits; it wakes by itself")
        return None

    def _table(self, topic: str, table: str) -> Table | Missing:
        now = int(self._clock() * 1000)
        text = (
            f"SELECT SUM(CASE WHEN {_MADE} >= {now - 60_000} THEN 1 ELSE 0 END), MAX({_MADE}) "  # noqa: S608
            f"FROM {table} WHERE {_MADE} >= {now - _DAY_MS}"
        )
        rows = self._rows(f"rows of {table}", text, f"SELECT on {table}, USAGE on its database and schema")
        if isinstance(rows, Missing):
            return rows
        count, newest = rows[0]
        age = None if newest is None else max(0.0, (now - int(newest)) / 1000)
        return Table(topic, table, float(count or 0), age)

    def _credits(self, missing: list[Missing]) -> Sequence[Credits]:
        month = datetime.fromtimestamp(self._clock(), UTC).date().replace(day=1).isoformat()
        role = str(getattr(self._connection, "role", None) or "this role")
        grant = f"GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE {role}"
        rows = self._rows("credits of this month", _CREDITS, grant, (month, WAREHOUSE))
        if isinstance(rows, Missing):
            missing.append(rows)
            return ()
        return [Credits(str(what), Decimal(str(used or 0)), month) for what, used in rows]

    def _rows(
        self, what: str, text: str, permission: str, given: tuple[str, ...] = ()
    ) -> list[tuple[Any, ...]] | Missing:
        from snowflake.connector import errors

        try:
            with self._connection.cursor() as cursor:
                return list(cursor.execute(text, given or None).fetchall())
        except errors.Error as error:
            said = " ".join(str(error.msg or error).split())
            if not isinstance(error, errors.ProgrammingError):
                self.close()  # a session that broke is opened anew
            return Missing(what, said, permission if error.errno in _NO_RIGHT else None)


def _words(error: InfraError) -> str:
    return ": ".join([*([error.where] if error.where else []), error.what, *error.details])
