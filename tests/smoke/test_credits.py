"""What a run's questions cost in the warehouse."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modules.smoke.credits import Warehouse, WarehouseUse, credits_per_hour


def used(size: str, suspend: int | None, busy: float) -> WarehouseUse:
    return WarehouseUse(Warehouse("WH", size, False, suspend), busy)


@pytest.mark.parametrize(
    ("size", "rate"), [("X-Small", 1), ("XSMALL", 1), ("Small", 2), ("2X-Large", 32), ("6X-Large", 512), ("Odd", None)]
)
def test_sizes_double(size: str, rate: int | None) -> None:
    assert credits_per_hour(size) == rate


def test_a_run_pays_until_the_warehouse_suspends_itself() -> None:
    assert used("X-Small", 60, 30).credits == Decimal("0.0250")  # 90 s of an hour
    assert used("Medium", 60, 30).credits == Decimal("0.1000")


def test_a_minute_is_the_least() -> None:
    assert used("X-Small", 5, 10).awake_seconds == 60
    assert used("X-Small", 5, 10).credits == Decimal("0.0167")


def test_what_is_not_known_is_not_zero() -> None:
    assert used("Odd", 60, 30).credits is None
    assert used("X-Small", None, 30).credits is None
