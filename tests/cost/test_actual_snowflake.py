"""Snowflake's metering views, as tables of the same shape in the stand-in, through the real connector."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from modules.cost.actual.bills import Bill
from modules.cost.actual.period import Period
from modules.cost.actual.snowflake import Own, Prices, read_views
from tests.cost.bills import views_with
from tests.standin.harness import StandIn, run

OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1), date(2026, 11, 1))
OWN = Own(frozenset({"STREAMING_WH"}), frozenset({"STREAMING"}))
PRICES = Prices(Decimal(3), Decimal(23), "a credit at $3")

ROWS = {
    "WAREHOUSE_METERING_HISTORY": [
        # start, end, id, name, used, compute, cloud services
        "'2026-10-01 08:00'::TIMESTAMP_LTZ, '2026-10-01 09:00'::TIMESTAMP_LTZ, 1, 'STREAMING_WH', 1.25, 1.0, 0.25",
        "'2026-10-02 08:00'::TIMESTAMP_LTZ, '2026-10-02 09:00'::TIMESTAMP_LTZ, 1, 'STREAMING_WH', 0.6, 0.5, 0.1",
        "'2026-09-30 23:00'::TIMESTAMP_LTZ, '2026-10-01 00:00'::TIMESTAMP_LTZ, 1, 'STREAMING_WH', 9, 9, 0",
        "'2026-11-01 00:00'::TIMESTAMP_LTZ, '2026-11-01 01:00'::TIMESTAMP_LTZ, 1, 'STREAMING_WH', 9, 9, 0",
        "'2026-10-02 08:00'::TIMESTAMP_LTZ, '2026-10-02 09:00'::TIMESTAMP_LTZ, 2, 'FINANCE_WH', 8, 8, 0",
    ],
    "METERING_DAILY_HISTORY": [
        # On the first the account used 0.5 of cloud services and 0.3 were given back; on the second all of it.
        "'WAREHOUSE_METERING', '2026-10-01'::DATE, 3, 0.5, 3.5, -0.3, 3.2",
        "'WAREHOUSE_METERING', '2026-10-02'::DATE, 8.5, 0.2, 8.7, -0.2, 8.5",
    ],
    "METERING_HISTORY": [
        "'WAREHOUSE_METERING', '2026-10-01 08:00'::TIMESTAMP_LTZ, '2026-10-01 09:00'::TIMESTAMP_LTZ, 1, 'WAREHOUSE', "
        "'STREAMING_WH', NULL, NULL, 1, 0.25, 1.25",
        "'SNOWPIPE_STREAMING', '2026-10-01 08:00'::TIMESTAMP_LTZ, '2026-10-01 09:00'::TIMESTAMP_LTZ, 2, 'TABLE', "
        "'ORDER_EVENTS-STREAMING', 1, 'STREAMING', 0.1, 0, 0.1",
        "'SNOWPIPE_STREAMING', '2026-10-02 08:00'::TIMESTAMP_LTZ, '2026-10-02 09:00'::TIMESTAMP_LTZ, 2, 'TABLE', "
        "'ORDER_EVENTS-STREAMING', 1, 'STREAMING', 0.2, 0, 0.2",
        "'SNOWPIPE_STREAMING', '2026-10-02 08:00'::TIMESTAMP_LTZ, '2026-10-02 09:00'::TIMESTAMP_LTZ, NULL, NULL, "
        "'SNOWPIPE_STREAMING:SINK:abc', NULL, NULL, 0.05, 0, 0.05",
        "'PIPE', '2026-10-02 08:00'::TIMESTAMP_LTZ, '2026-10-02 09:00'::TIMESTAMP_LTZ, 3, 'PIPE', 'P', 9, 'FINANCE', "
        "7, 0, 7",
    ],
    "DATABASE_STORAGE_USAGE_HISTORY": [
        # 31 TB-days of 31 days: 1 TB on average, with 0.1 TB of Fail-safe beside it.
        *(f"'2026-10-{day:02}'::DATE, 1, 'STREAMING', 1e12, 1e11" for day in range(1, 32)),
        "'2026-10-01'::DATE, 2, 'FINANCE', 9e12, 0",
    ],
    "STORAGE_USAGE": [f"'2026-10-{day:02}'::DATE, 4000000000000, 0, 400000000000" for day in range(1, 32)],
}  # fmt: skip


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    server = StandIn(tmp_path_factory.mktemp("metering")).start()
    try:
        connection = server.connect()
        for statement in views_with(ROWS):
            run(connection, statement)
        yield connection
        connection.close()
    finally:
        server.stop()


def _bill(bills: tuple[Bill, ...], service: str, item: str) -> Bill:
    (found,) = (each for each in bills if (each.service, each.item) == (service, item))
    return found


def test_own_warehouses_are_billed_for_their_compute_within_the_period(session: Any) -> None:
    reading = read_views(OCTOBER, session, OWN, PRICES, "ACCOUNTADMIN")
    warehouse = _bill(reading.bills, "WAREHOUSE_METERING", "STREAMING_WH")
    assert warehouse.amount == Decimal("4.5")  # (1 + 0.5) credits × $3; the hours before and after do not count
    assert any("1 other warehouse of the account left out: FINANCE_WH" in each for each in reading.notes)


def test_cloud_services_are_what_is_left_after_the_days_rebate(session: Any) -> None:
    cloud = _bill(read_views(OCTOBER, session, OWN, PRICES, "R").bills, "CLOUD_SERVICES", "own warehouses")
    # First: 0.25 × (0.5 − 0.3) / 0.5 = 0.1 credits; second: all of it given back. 0.1 × $3.
    assert cloud.amount == Decimal("0.3")
    assert "the rebate is the account's" in cloud.shared


def test_ingest_is_billed_by_own_databases_and_clients_are_shared(session: Any) -> None:
    bills = read_views(OCTOBER, session, OWN, PRICES, "R").bills
    assert _bill(bills, "SNOWPIPE_STREAMING", "ORDER_EVENTS-STREAMING").amount == Decimal("0.9")  # 0.3 × $3
    clients = _bill(bills, "SNOWPIPE_STREAMING", "SNOWPIPE_STREAMING clients")
    assert clients.amount == Decimal("0.15")
    assert "the view names no database" in clients.shared
    assert not any(each.service == "PIPE" for each in bills)


def test_storage_is_the_average_of_own_databases_with_fail_safe(session: Any) -> None:
    reading = read_views(OCTOBER, session, OWN, PRICES, "R")
    storage = _bill(reading.bills, "STORAGE", "STREAMING")
    assert round(storage.amount, 9) == Decimal("25.3")  # 1.1 TB × $23
    assert any("1.1 TB of the account's 4.4 TB are this environment's" in each for each in reading.notes)


def test_a_running_months_storage_is_the_part_that_is_over(session: Any) -> None:
    half = Period(date(2026, 10, 1), date(2026, 10, 16), date(2026, 11, 1))
    storage = _bill(read_views(half, session, OWN, PRICES, "R").bills, "STORAGE", "STREAMING")
    assert round(storage.amount, 9) == round(Decimal("25.3") * 15 / 31, 9)
    assert round(half.as_month(storage.amount, by_month=True), 9) == Decimal("25.3")


def test_a_day_that_the_views_do_not_have_yet_makes_storage_no_less(session: Any) -> None:
    until = Period(date(2026, 10, 30), date(2026, 11, 2), date(2026, 12, 1))  # three days, two of them in the views
    storage = _bill(read_views(until, session, OWN, PRICES, "R").bills, "STORAGE", "STREAMING")
    assert round(until.as_month(storage.amount, by_month=True), 9) == Decimal("25.3")


def test_cloud_services_without_the_days_rebate_are_not_taken_for_billed(session: Any) -> None:
    run(session, "ALTER TABLE SNOWFLAKE.ACCOUNT_USAGE.METERING_DAILY_HISTORY RENAME TO SNOWFLAKE.ACCOUNT_USAGE.AWAY")
    try:
        reading = read_views(OCTOBER, session, OWN, PRICES, "R")
    finally:
        run(
            session, "ALTER TABLE SNOWFLAKE.ACCOUNT_USAGE.AWAY RENAME TO SNOWFLAKE.ACCOUNT_USAGE.METERING_DAILY_HISTORY"
        )
    assert not any(each.service == "CLOUD_SERVICES" for each in reading.bills)
    assert [each.what for each in reading.unread] == ["SNOWFLAKE.ACCOUNT_USAGE.METERING_DAILY_HISTORY"]


def test_a_session_that_breaks_is_said_and_no_traceback(session: Any) -> None:
    class Broken:
        def cursor(self) -> Any:
            from snowflake.connector.errors import OperationalError

            raise OperationalError(msg="the connection was reset", errno=250003)

    reading = read_views(OCTOBER, Broken(), OWN, PRICES, "R")
    assert not reading.answered
    assert "the connection was reset" in reading.unread[0].why


def test_a_view_that_is_refused_is_said_with_the_right_and_the_others_count(session: Any) -> None:
    run(session, "ALTER TABLE SNOWFLAKE.ACCOUNT_USAGE.METERING_HISTORY RENAME TO SNOWFLAKE.ACCOUNT_USAGE.AWAY")
    try:
        reading = read_views(OCTOBER, session, OWN, PRICES, "COST_READER")
    finally:
        run(session, "ALTER TABLE SNOWFLAKE.ACCOUNT_USAGE.AWAY RENAME TO SNOWFLAKE.ACCOUNT_USAGE.METERING_HISTORY")
    (missing,) = reading.unread
    assert missing.what == "SNOWFLAKE.ACCOUNT_USAGE.METERING_HISTORY"
    assert "does not exist or not authorized" in missing.why
    assert missing.do == "GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE COST_READER"
    assert reading.answered
    assert _bill(reading.bills, "WAREHOUSE_METERING", "STREAMING_WH").amount == Decimal("4.5")


def test_without_a_price_of_a_credit_nothing_is_made_up(session: Any) -> None:
    reading = read_views(OCTOBER, session, OWN, Prices(None, Decimal(23), "unknown in this region"), "R")
    assert not reading.answered
    assert reading.unread[0].why == "a credit's price is unknown: unknown in this region"
