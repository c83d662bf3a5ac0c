"""An environment with several topics that have a sink: deployed once, carried by one process."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.environment import load_environment
from modules.local.platform import down
from modules.platforms import platform_for
from modules.warehouse.connection import connect
from tests.integration.conftest import new_project
from tests.integration.kafka_connect_parts import until
from tests.integration.program import Infra

pytestmark = [pytest.mark.platform, pytest.mark.soak, pytest.mark.timeout(240)]

MORE = """extends: local
topics:
  returns:
    partitions: 2
    key: order_id
    value: {schema: schemas/order_events.avsc, compatibility: BACKWARD}
    sink: {table: STREAMING.PUBLIC.RETURNS}
"""


def test_one_deploy_carries_each_topic_into_its_own_table(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    infra = Infra(project)
    (project.environments / "both.yaml").write_text(MORE)
    try:
        assert infra("local", "up").code == 0
        deployed = infra("deploy", "--env", "both", "--yes")
        assert deployed.code == 0, deployed.err
        for topic in ("order-events", "returns"):
            assert infra("produce", "--env", "both", "--topic", topic, "--count", "200").code == 0
        wanted = {"ORDER_EVENTS": (200, 200), "RETURNS": (200, 200)}
        until(lambda: rows(infra) == wanted, lambda: rows(infra))
    finally:
        down(project)


def rows(infra: Infra) -> dict[str, tuple[int, int]]:
    """Of each table its events and its rows."""
    client = platform_for(load_environment(infra.project, "local"), infra.project).snowflake_client("admin")
    found = {}
    with connect(client, infra.project) as connection, connection.cursor() as cursor:
        for table in ("ORDER_EVENTS", "RETURNS"):
            asked = f"SELECT count(DISTINCT EVENT_ID), count(*) FROM STREAMING.PUBLIC.{table}"
            ((events, all_rows),) = cursor.execute(asked).fetchall()
            found[table] = (events, all_rows)
    return found
