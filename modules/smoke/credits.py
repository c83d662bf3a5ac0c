"""What a run's questions cost in the warehouse: credits of the time it was kept awake.

A virtual warehouse is paid by the second from when it starts until it suspends itself, a minute at least. A run keeps
it awake from its first question to its last, and then it waits for its auto-suspend. That is an upper bound: where it
was awake already, for somebody else, the run adds less. Sizes double: an X-Small takes one credit an hour.
Source: Snowflake's documentation, user-guide/warehouses-overview and user-guide/cost-understanding-compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

__all__ = ["Warehouse", "WarehouseUse", "credits_per_hour", "read_warehouse"]

_SIZES = ("XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE", "3XLARGE", "4XLARGE", "5XLARGE", "6XLARGE")
_SHORTEST = 60.0


@dataclass(frozen=True)
class Warehouse:
    """The virtual warehouse that answers the run's queries, as it was before the first of them."""

    name: str
    size: str
    awake: bool
    auto_suspend: int | None
    """Seconds; None: it never suspends itself."""


@dataclass(frozen=True)
class WarehouseUse:
    """What a run used of it, at most. `credits` is None where the size is unknown or it never suspends itself."""

    warehouse: Warehouse
    busy_seconds: float
    """From the first query to the last."""

    @property
    def awake_seconds(self) -> float | None:
        """Until it suspends itself again."""
        waits = self.warehouse.auto_suspend
        return None if waits is None else max(_SHORTEST, self.busy_seconds + waits)

    @property
    def credits(self) -> Decimal | None:
        rate, awake = credits_per_hour(self.warehouse.size), self.awake_seconds
        if rate is None or awake is None:
            return None
        return (rate * Decimal(str(awake)) / 3600).quantize(Decimal("0.0001"))


def credits_per_hour(size: str) -> Decimal | None:
    """Of a standard warehouse; None for a size that is not known here."""
    word = size.upper().replace("-", "").replace(" ", "")
    return Decimal(2 ** _SIZES.index(word)) if word in _SIZES else None


def read_warehouse(connection: Any, name: str) -> Warehouse | None:
    """The warehouse as SHOW WAREHOUSES has it, which wakes nothing; None when it is not there or may not be seen."""
    from snowflake.connector import DictCursor, errors

    try:
        with connection.cursor(DictCursor) as cursor:
            shown = cursor.execute(f"SHOW WAREHOUSES LIKE '{name}'").fetchall()
    except errors.Error:
        return None
    for row in shown:
        if str(row["name"]).upper() == name.upper():
            waits = row.get("auto_suspend")
            return Warehouse(
                str(row["name"]), str(row["size"]), row["state"] == "STARTED", int(waits) if waits else None
            )
    return None
