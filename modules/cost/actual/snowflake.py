"""What Snowflake billed: the metering views of SNOWFLAKE.ACCOUNT_USAGE, credits × the price book's price of one.

`WAREHOUSE_METERING_HISTORY` has the warehouses by name, `METERING_HISTORY` every other service; the day's rebate of
cloud services is in `METERING_DAILY_HISTORY` for the whole account, and is given to warehouses by their share of the
day's cloud services. Storage is the databases' daily average, Time Travel and Fail-safe in it. The views are up to 12
hours late and go back a year; they need the database role SNOWFLAKE.USAGE_VIEWER.

Source: Snowflake's reference of these views and of the SNOWFLAKE database roles, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from modules.cost.actual.bills import Bill, Reading, Unread, decimal_of, summed
from modules.cost.actual.period import Period
from modules.cost.units import plain

__all__ = ["SNOWFLAKE", "Connection", "Own", "Prices", "read_views"]

SNOWFLAKE = "Snowflake's metering views"
WAREHOUSES, CLOUD, STORAGE = "WAREHOUSE_METERING", "CLOUD_SERVICES", "STORAGE"

_RANGE = "START_TIME >= %(start)s::DATE AND START_TIME < %(end)s::DATE"
_DAYS = "USAGE_DATE >= %(start)s::DATE AND USAGE_DATE < %(end)s::DATE"

_WAREHOUSES = f"""
SELECT WAREHOUSE_NAME, TO_DATE(START_TIME), SUM(CREDITS_USED_COMPUTE), SUM(CREDITS_USED_CLOUD_SERVICES)
FROM SNOWFLAKE.ACCOUNT_USAGE.WAREHOUSE_METERING_HISTORY WHERE {_RANGE} GROUP BY 1, 2"""  # noqa: S608 (constants)
_DAILY = f"""
SELECT USAGE_DATE, SUM(CREDITS_USED_CLOUD_SERVICES), SUM(CREDITS_ADJUSTMENT_CLOUD_SERVICES)
FROM SNOWFLAKE.ACCOUNT_USAGE.METERING_DAILY_HISTORY WHERE {_DAYS} GROUP BY 1"""  # noqa: S608
_SERVICES = f"""
SELECT SERVICE_TYPE, NAME, DATABASE_NAME, SUM(CREDITS_USED)
FROM SNOWFLAKE.ACCOUNT_USAGE.METERING_HISTORY
WHERE {_RANGE} AND SERVICE_TYPE <> 'WAREHOUSE_METERING' GROUP BY 1, 2, 3"""  # noqa: S608
_DATABASES = f"""
SELECT DATABASE_NAME, SUM(AVERAGE_DATABASE_BYTES), SUM(AVERAGE_FAILSAFE_BYTES)
FROM SNOWFLAKE.ACCOUNT_USAGE.DATABASE_STORAGE_USAGE_HISTORY WHERE {_DAYS} GROUP BY 1"""  # noqa: S608
_ACCOUNT = f"""
SELECT SUM(STORAGE_BYTES), SUM(STAGE_BYTES), SUM(FAILSAFE_BYTES), COUNT(*)
FROM SNOWFLAKE.ACCOUNT_USAGE.STORAGE_USAGE WHERE {_DAYS}"""  # noqa: S608

_NO_RIGHT = (2003, 2043, 3001)
"""Errors of Snowflake for what is not there or may not be seen, which it does not tell apart."""

_CLIENT = "SNOWPIPE_STREAMING"
_TERA = Decimal(10**12)


class Connection(Protocol):
    """An open session, as snowflake-connector-python has it."""

    def cursor(self) -> Any: ...


@dataclass(frozen=True)
class Own:
    """What in the account is this environment's, by name, in upper case."""

    warehouses: frozenset[str]
    databases: frozenset[str]


@dataclass(frozen=True)
class Prices:
    """What a credit and a TB kept for a month cost, in `currency`; None where the book does not know."""

    credit: Decimal | None
    storage: Decimal | None
    words: str
    currency: str = "USD"


def read_views(period: Period, connection: Connection, own: Own, prices: Prices, role: str) -> Reading:
    """The environment's share of the account's bill. A view that is refused is in `unread`, the others count.

    Args:
        role: the role the session works in, to say who needs the right.
    """
    views = _Views(connection, period, role)
    bills: list[Bill] = []
    notes = [prices.words]
    if prices.credit is None:
        views.unread.append(
            Unread(SNOWFLAKE, f"a credit's price is unknown: {prices.words}", "give one: --prices FILE")
        )
        return Reading("snowflake", SNOWFLAKE, unread=tuple(views.unread))
    bills += _warehouses(views, own, prices, notes)
    bills += _services(views, own, prices, notes)
    bills += _storage(views, own, prices, notes)
    return Reading("snowflake", SNOWFLAKE, summed(bills), tuple(notes), tuple(views.unread))


class _Views:
    """Asks one view after the other; what is refused is remembered with the right that is missing."""

    def __init__(self, connection: Connection, period: Period, role: str) -> None:
        self._connection = connection
        self._period = period
        self._role = role
        self._utc = False
        self.unread: list[Unread] = []

    @property
    def period(self) -> Period:
        return self._period

    def rows(self, view: str, query: str) -> list[tuple[Any, ...]]:
        """What a view says, its days in UTC as the bill has them, whatever the account's time zone is."""
        from snowflake.connector.errors import Error

        given = {"start": str(self._period.start), "end": str(self._period.end)}
        try:
            cursor = self._connection.cursor()
            if not self._utc:
                cursor.execute("ALTER SESSION SET TIMEZONE = 'UTC'")
                self._utc = True
            cursor.execute(query, given)
            return list(cursor.fetchall())
        except Error as error:
            said = " ".join(str(error.msg or error).split())
            self.unread.append(Unread(f"SNOWFLAKE.ACCOUNT_USAGE.{view}", said, self._do(error)))
            return []

    def _do(self, error: Any) -> str:
        if error.errno in _NO_RIGHT:
            return f"GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE {self._role}"
        return "see Snowflake's words; the metering views need a warehouse that runs, and the role USAGE_VIEWER"


def _warehouses(views: _Views, own: Own, prices: Prices, notes: list[str]) -> Iterator[Bill]:
    """Own warehouses' compute, and what of their cloud services is left after the day's rebate."""
    rows = views.rows("WAREHOUSE_METERING_HISTORY", _WAREHOUSES)
    others = {name for name, *_ in rows if str(name).upper() not in own.warehouses}
    mine = [row for row in rows if str(row[0]).upper() in own.warehouses]
    for name, _, compute, _ in mine:
        yield _credits(WAREHOUSES, name, decimal_of(compute), prices)
    if others:
        notes.append(f"{_count(len(others), 'other warehouse')} of the account left out: {', '.join(sorted(others))}")
    if not any(decimal_of(row[3] or 0) for row in mine):
        return
    days = {
        day: (decimal_of(used or 0), decimal_of(rebate or 0))
        for day, used, rebate in views.rows("METERING_DAILY_HISTORY", _DAILY)
    }
    billed = Decimal(0)
    for _, day, _, cloud in mine:
        used, rebate = days.get(day, (Decimal(0), Decimal(0)))
        billed += decimal_of(cloud or 0) * (used + rebate) / used if used else Decimal(0)
    if billed:
        shared = "the rebate is the account's; given to warehouses by their share of a day's cloud services"
        yield _credits(CLOUD, "own warehouses", billed, prices, shared)


def _services(views: _Views, own: Own, prices: Prices, notes: list[str]) -> Iterator[Bill]:
    """Ingest, pipes, clustering, tasks of own databases. A streaming client belongs to no database."""
    others: set[str] = set()
    for service, name, database, used in views.rows("METERING_HISTORY", _SERVICES):
        amount = decimal_of(used or 0)
        if not amount:
            continue
        if str(database or "").upper() in own.databases:
            yield _credits(str(service), str(name), amount, prices)
        elif not database and str(name or "").startswith(f"{_CLIENT}:"):
            shared = "streaming clients of the whole account: the view names no database"
            yield _credits(str(service), f"{_CLIENT} clients", amount, prices, shared)
        else:
            others.add(str(service))
    if others:
        notes.append(f"not of this environment's databases, left out: {', '.join(sorted(others))}")


def _storage(views: _Views, own: Own, prices: Prices, notes: list[str]) -> Iterator[Bill]:
    """Own databases' average bytes over the period, at the price of a TB for a month."""
    rows = views.rows("DATABASE_STORAGE_USAGE_HISTORY", _DATABASES)
    mine = [row for row in rows if str(row[0]).upper() in own.databases]
    account = views.rows("STORAGE_USAGE", _ACCOUNT) if mine else []
    # The last day or two may not be in the views yet: the account has a row a day, so it knows how many there are.
    days = next((int(row[3]) for row in account if row[3]), views.period.days)
    kept = sum((_bytes(row) for row in mine), Decimal(0)) / days
    if prices.storage is None:
        notes.append("storage is not counted: the book has no price of a TB here")
        return
    for row in mine:
        terabytes = _bytes(row) / days / _TERA
        amount = terabytes * prices.storage * views.period.in_months
        if amount:
            yield Bill("snowflake", STORAGE, str(row[0]), amount, prices.currency, f"{plain(terabytes)} TB on average")
    for data, stages, failsafe, counted in account:
        if counted:
            whole = (decimal_of(data or 0) + decimal_of(stages or 0) + decimal_of(failsafe or 0)) / counted
            notes.append(
                f"storage: {plain(kept / _TERA)} TB of the account's {plain(whole / _TERA)} TB are this environment's; "
                "stages are billed to the account as a whole"
            )


def _bytes(row: Sequence[Any]) -> Decimal:
    return decimal_of(row[1] or 0) + decimal_of(row[2] or 0)


def _credits(service: str, item: str, used: Decimal, prices: Prices, shared: str = "") -> Bill:
    plural = "s" if used != 1 else ""
    amount = used * (prices.credit or 0)
    return Bill("snowflake", service, item, amount, prices.currency, f"{plain(used)} credit{plural}", shared)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"
