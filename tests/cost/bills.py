"""Bills as services hand them out, for the tests of `infra cost actual`: AWS's, Confluent's, Snowflake's views."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["VIEWS", "confluent_row", "cost_explorer", "views_with"]


def cost_explorer(
    rows: Iterable[tuple[str, str, str, str]], start: str = "2026-10-01", end: str = "2026-11-01", token: str = ""
) -> dict[str, Any]:
    """GetCostAndUsage grouped by SERVICE and USAGE_TYPE: service, type, dollars, quantity with unit."""
    groups = [
        {
            "Keys": [service, item] if item else [service],
            "Metrics": {
                "AmortizedCost": {"Amount": amount, "Unit": "USD"},
                "UsageQuantity": {"Amount": used.partition(" ")[0] or "0", "Unit": used.partition(" ")[2] or "N/A"},
            },
        }
        for service, item, amount, used in rows
    ]
    result = {"TimePeriod": {"Start": start, "End": end}, "Total": {}, "Groups": groups, "Estimated": False}
    answer: dict[str, Any] = {
        "GroupDefinitions": [{"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}],
        "ResultsByTime": [result],
        "DimensionValueAttributes": [],
    }
    return {**answer, "NextPageToken": token} if token else answer


def confluent_row(line_type: str, amount: str, day: str = "2026-10-01", **more: Any) -> dict[str, Any]:
    """A row of the Costs API, of one day and one resource."""
    resource = {
        "id": more.get("id", "lkc-12345"),
        "display_name": more.get("name", "streaming-dev"),
        "environment": {"id": more.get("environment", "env-abc123")},
    }
    row: dict[str, Any] = {
        "start_date": f"{day} 00:00:00",
        "granularity": "DAILY",
        "product": more.get("product", line_type.partition("_")[0]),
        "line_type": line_type,
        "amount": float(amount),
        "original_amount": float(amount),
        "discount_amount": 0.0,
        "network_access_type": "INTERNET",
    }
    return row if more.get("alone") else {**row, "resource": resource}


VIEWS = {
    "WAREHOUSE_METERING_HISTORY": (
        "START_TIME TIMESTAMP_LTZ, END_TIME TIMESTAMP_LTZ, WAREHOUSE_ID NUMBER, WAREHOUSE_NAME VARCHAR, "
        "CREDITS_USED NUMBER(38,9), CREDITS_USED_COMPUTE NUMBER(38,9), CREDITS_USED_CLOUD_SERVICES NUMBER(38,9)"
    ),
    "METERING_DAILY_HISTORY": (
        "SERVICE_TYPE VARCHAR, USAGE_DATE DATE, CREDITS_USED_COMPUTE NUMBER(38,10), "
        "CREDITS_USED_CLOUD_SERVICES NUMBER(38,10), CREDITS_USED NUMBER(38,10), "
        "CREDITS_ADJUSTMENT_CLOUD_SERVICES NUMBER(38,10), CREDITS_BILLED NUMBER(38,10)"
    ),
    "METERING_HISTORY": (
        "SERVICE_TYPE VARCHAR, START_TIME TIMESTAMP_LTZ, END_TIME TIMESTAMP_LTZ, ENTITY_ID NUMBER, "
        "ENTITY_TYPE VARCHAR, NAME VARCHAR, DATABASE_ID NUMBER, DATABASE_NAME VARCHAR, "
        "CREDITS_USED_COMPUTE NUMBER(38,9), CREDITS_USED_CLOUD_SERVICES NUMBER(38,9), CREDITS_USED NUMBER(38,9)"
    ),
    "DATABASE_STORAGE_USAGE_HISTORY": (
        "USAGE_DATE DATE, DATABASE_ID NUMBER, DATABASE_NAME VARCHAR, AVERAGE_DATABASE_BYTES FLOAT, "
        "AVERAGE_FAILSAFE_BYTES FLOAT"
    ),
    "STORAGE_USAGE": "USAGE_DATE DATE, STORAGE_BYTES NUMBER, STAGE_BYTES NUMBER, FAILSAFE_BYTES NUMBER",
}
"""Views of SNOWFLAKE.ACCOUNT_USAGE and those of their columns that matter, as Snowflake's reference has them."""


def views_with(rows: dict[str, list[str]]) -> list[str]:
    """Statements that make tables of the views' shape and fill them; a value list a row."""
    statements = ["CREATE DATABASE IF NOT EXISTS SNOWFLAKE", "CREATE SCHEMA IF NOT EXISTS SNOWFLAKE.ACCOUNT_USAGE"]
    for view, columns in VIEWS.items():
        statements.append(f"CREATE OR REPLACE TABLE SNOWFLAKE.ACCOUNT_USAGE.{view} ({columns})")
        if rows.get(view):
            values = " UNION ALL ".join(f"SELECT {row}" for row in rows[view])
            statements.append(f"INSERT INTO SNOWFLAKE.ACCOUNT_USAGE.{view} {values}")
    return statements
