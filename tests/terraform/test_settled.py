"""What was changed outside and is in the configuration by now is no news; anything else is."""

from __future__ import annotations

from typing import Any

import pytest

from modules.terraform.plan import AttributeChange, Change
from modules.terraform.settled import unsettled
from modules.terraform.source import Declared

BLOCK = {"for_each": "${local.w}", "name": "${each.key}", "warehouse_size": "${each.value.size}", "auto_suspend": 60,
         "comment": "${each.value.comment}", "config": {"retention.ms": "1000"}, "owner": "${data.x.y}"}  # fmt: skip
NOW = Declared("snowflake_warehouse", "w", "A", 'snowflake_warehouse.w["A"]', BLOCK, {"size": "LARGE"})


def left(path: str, after: Any, kind: Any = "update", sensitive: bool = False) -> int:
    attribute = AttributeChange(path, "before", after, sensitive)
    change = Change(NOW.address, NOW.type, NOW.name, kind, attributes=(attribute,))
    return len(unsettled([change], [NOW]))


@pytest.mark.parametrize(
    ("path", "after"),
    [("warehouse_size", "LARGE"), ("warehouse_size", "large"), ("auto_suspend", 60), ("auto_suspend", "60"),
     ("comment", None), ("config.retention.ms", "1000"), ('config["retention.ms"]', "1000")],
)  # fmt: skip
def test_what_the_configuration_says_as_well_is_settled(path: str, after: Any) -> None:
    assert left(path, after) == 0


@pytest.mark.parametrize(
    ("path", "after"),
    [("warehouse_size", "XSMALL"), ("auto_suspend", 61), ("comment", "by hand"), ('config["retention.ms"]', "1"),
     ("owner", "SYSADMIN")],
)  # fmt: skip
def test_anything_else_is_told(path: str, after: Any) -> None:
    assert left(path, after) == 1


def test_what_is_gone_unknown_or_secret_is_never_settled() -> None:
    assert left("warehouse_size", "LARGE", kind="delete") == 1
    assert left("warehouse_size", "LARGE", sensitive=True) == 1
    other = Change("x.y", "x", "y", "update", attributes=(AttributeChange("warehouse_size", "a", "LARGE"),))
    assert unsettled([other], [NOW]) == (other,)


def test_of_several_attributes_those_that_differ_are_left() -> None:
    attributes = (AttributeChange("warehouse_size", "a", "LARGE"), AttributeChange("auto_suspend", 60, 5))
    (one,) = unsettled([Change(NOW.address, NOW.type, NOW.name, "update", attributes=attributes)], [NOW])
    assert [each.path for each in one.attributes] == ["auto_suspend"]
