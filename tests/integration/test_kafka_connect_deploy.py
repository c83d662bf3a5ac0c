"""`connect: {kind: kafka-connect}` on a laptop, as a user has it: up, deploy, rows, smoke, a change, destroy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.environment.loader import load_environment
from modules.local import connect, postgres
from modules.local.endpoints import load_endpoints
from modules.local.platform import down, reset
from modules.platforms import platform_for
from modules.warehouse.connection import connect as snowflake
from tests.integration.conftest import new_project
from tests.integration.kafka_connect_parts import postgres_programs, until
from tests.integration.program import Infra

pytestmark = [
    pytest.mark.platform,
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        postgres_programs() is None, reason="no PostgreSQL: install the extra `cdc`, or a PostgreSQL 14 or newer"
    ),
]

YAML = """
extends: base
platform: local
connect: {kind: kafka-connect}
topics:
  shop.public.orders:
    partitions: 2
    key: id
    value: {schema: schemas/orders.avsc}
    sink: {table: STREAMING.PUBLIC.SHOP_ORDERS}
sources:
  shop: {kind: debezium-postgres, tables: {public.orders: {key: [id]}}}
"""
SCHEMA = """
{"type": "record", "name": "Orders", "namespace": "shop", "fields": [
  {"name": "id", "type": "int"}, {"name": "word", "type": ["null", "string"], "default": null}]}
"""
SINK, SOURCE = "streaming-local-sink-order-events", "streaming-local-source-shop"


@pytest.fixture
def infra(tmp_path: Path) -> Iterator[Infra]:
    project = new_project(tmp_path)
    (project.environments / "local.yaml").write_text(YAML)
    (project.environments / "schemas" / "orders.avsc").write_text(SCHEMA)
    yield Infra(project)
    down(project)
    reset(project)


def psql(infra: Infra, sql: str) -> None:
    programs = postgres_programs()
    assert programs is not None
    subprocess.run(
        [str(programs.folder / "psql"), "-h", "127.0.0.1", "-p", str(load_endpoints(infra.project).postgres_port),
         "-U", postgres.CAPTURE_USER, "-v", "ON_ERROR_STOP=1", "-q", postgres.DATABASE],
        env={**os.environ, "PGPASSWORD": postgres.password_file(infra.project).read_text()},
        input=sql, text=True, check=True, timeout=60,
    )  # fmt: skip


def rows(infra: Infra, sql: str) -> list[Any]:
    platform = platform_for(load_environment(infra.project, "local"), infra.project)
    with snowflake(platform.snowflake_client("admin"), infra.project) as connection, connection.cursor() as cursor:
        return list(cursor.execute(sql).fetchall())


def test_connectors_are_deployed_carry_rows_change_in_place_and_go(infra: Infra) -> None:
    up = infra("local", "up", "--json").json
    assert up["connect_url"] and up["postgres_port"]
    psql(infra, "CREATE TABLE orders (id int PRIMARY KEY, word text); INSERT INTO orders VALUES (1, 'a'), (2, 'b');")
    deployed = infra("deploy", "--env", "local", "--yes")
    assert deployed.code == 0, deployed.err
    assert infra.plan().code == 0

    port = int(up["connect_url"].rpartition(":")[2])
    assert sorted(connect.call(port, "GET", "/connectors")[1]) == sorted(
        [SINK, SOURCE, "streaming-local-sink-shop-public-orders"]
    )
    assert infra("connect", "status", "--env", "local").code == 0

    assert infra("produce", "--env", "local", "--topic", "order-events", "--count", "500").code == 0
    count = "SELECT count(*), count(DISTINCT EVENT_ID) FROM STREAMING.PUBLIC.ORDER_EVENTS"
    until(lambda: rows(infra, count) == [(500, 500)], lambda: rows(infra, count), 120)

    psql(infra, "UPDATE orders SET word = 'c' WHERE id = 1; DELETE FROM orders WHERE id = 2;")
    now = "SELECT ID, WORD FROM ANALYTICS.MARTS.SHOP_ORDERS_CURRENT"
    until(lambda: rows(infra, now) == [(1, "c")], lambda: rows(infra, now), 120)

    load = ("--topic", "order-events", "--count", "50", "--warmup", "10", "--rate", "25")
    smoke = infra("smoke", "--env", "local", *load, "--json").json
    assert smoke["carried_by"] == "Snowflake's connector v2 on Kafka Connect"
    assert (smoke["stages"]["row_visible"]["n"], smoke["stages"]["row_visible"]["duplicated"]) == (50, 0)
    # Its channels are asked by SQL.
    assert (smoke["unmeasured"], smoke["stages"]["handed_over"]["n"]) == ({}, 50)

    infra.edit("local.yaml", "kind: kafka-connect", "kind: kafka-connect, tasks: 2")
    planned = infra.plan()
    changes = [change for stack in planned.json["stacks"] for change in stack.get("changes", ())]
    assert planned.code == 2 and {change["kind"] for change in changes} == {"update"}
    key = "".join((infra.project.environment_state("local") / "secrets" / "svc-kafka-connector.p8").read_text().split())
    assert key[40:80] not in "".join(planned.out.split())
    assert infra("deploy", "--env", "local", "--yes").code == 0

    def live() -> Any:
        """Its settings; a worker that hands out its tasks answers 409 for a moment."""
        status, config = connect.call(port, "GET", f"/connectors/{SINK}/config")
        return config if status == 200 else {}

    until(lambda: live().get("tasks.max") == "2", live)

    assert infra("destroy", "--env", "local", "--yes").code == 0
    until(lambda: connect.call(port, "GET", "/connectors")[1] == [], lambda: connect.call(port, "GET", "/connectors"))
