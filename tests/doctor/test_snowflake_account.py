"""A deploy needs the Snowflake account's name; the doctor says so before a deploy does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from modules.doctor import snowflake


def test_an_environment_without_its_account_fails_the_check_and_is_told_what_to_write() -> None:
    warehouse = SimpleNamespace(engine="terraform", account=None)
    environment = cast("Any", SimpleNamespace(platform="confluent", warehouse=warehouse))
    patient = cast("Any", SimpleNamespace(load=lambda: environment))
    assert snowflake.wanted(patient, environment)
    (found,) = snowflake.identity(patient)
    assert (found.check, found.state) == ("snowflake", "fail")
    assert "warehouse.account" in found.text
    assert (found.do or "").startswith("write `account:")
