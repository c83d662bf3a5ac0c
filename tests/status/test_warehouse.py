"""Rows and credits, with the grant that is missing, and no warehouse woken for them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from modules.environment.model import Environment
from modules.project import Project
from modules.status.readings import Part
from modules.status.warehouse import WarehouseCollector
from tests.status.sources import NOW, REPOSITORY, Session


def read_warehouse(environment: Environment, session: Session, name: str = "confluent") -> Part:
    platform: Any = SimpleNamespace(name=name)
    collector = WarehouseCollector(
        environment, platform, Project(REPOSITORY), lambda: session, clock=lambda: NOW.timestamp()
    )
    return collector.read()


def test_a_view_that_is_refused_names_the_grant(environment: Environment) -> None:
    from snowflake.connector.errors import ProgrammingError

    part = read_warehouse(environment, Session(ProgrammingError(msg="does not exist or not authorized", errno=2003)))
    permissions = {each.what: each.permission for each in part.missing}
    assert permissions["credits of this month"] == "GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE WATCHER"
    assert permissions["rows of STREAMING.PUBLIC.ORDER_EVENTS"] == (
        "SELECT on STREAMING.PUBLIC.ORDER_EVENTS, USAGE on its database and schema"
    )


def test_a_warehouse_that_sleeps_is_not_woken(environment: Environment) -> None:
    session = Session([], awake=False)
    part = read_warehouse(environment, session)
    assert "sleeps, and asking would wake it and cost credits" in part.missing[0].why
    assert all(text.startswith("SHOW") for text in session.asked)


def test_rows_of_the_last_minute_and_the_newest_ones_age(environment: Environment) -> None:
    newest = int(NOW.timestamp() * 1000) - 4_000
    part = read_warehouse(environment, Session([(120, newest)]), name="local")
    assert (part.tables[0].rows_per_minute, part.tables[0].newest_seconds) == (120.0, 4.0)
    assert part.credits == (), "a laptop bills nothing"
