"""What a run says when it may not, or cannot: each with the right that is missing, or the service that is not there."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from modules.errors import InfraError, ServiceError, SmokeError
from modules.smoke.cleanup import TableCleaner
from modules.smoke.commits import KafkaCommitting
from modules.smoke.engine import Engine, Transports
from modules.smoke.kafka import KafkaReceiving, KafkaSending
from modules.smoke.load import LoadPlan
from modules.smoke.payloads import record_payloads
from modules.smoke.rows import WarehouseRows
from modules.warehouse.connection import connect
from tests.integration.conftest import RunningPlatform
from tests.integration.pipeline_parts import Pipeline, make_pipeline
from tests.smoke.virtual import Numbered

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]

_runs = (f"ref{number:09d}" for number in itertools.count())


@pytest.fixture(scope="module")
def pipeline(local_platform: RunningPlatform) -> Pipeline:
    return make_pipeline(local_platform, "refused", partitions=2)


def said(error: InfraError) -> str:
    return f"{error.what} → {error.do}"


def test_no_right_to_write_the_topic(pipeline: Pipeline) -> None:
    # The sink may read the topic, so it sees it; it may not write it.
    settings, run = pipeline.platform.kafka_client("sink"), next(_runs)
    settings["enable.idempotence"] = False
    sending = KafkaSending(settings, pipeline.topic, run, 30, "local")
    receiving = KafkaReceiving(pipeline.platform.kafka_client("consumer"), pipeline.topic, run, "local")
    try:
        assert sending.check("local") == 2
        receiving.ready(20)
        engine = Engine(LoadPlan(rate=100, count=200), 30 * 10**9, Transports(Numbered(), sending, receiving))
        with pytest.raises(SmokeError) as caught:
            engine.run(lambda: None)
    finally:
        sending.close()
        receiving.close()
    assert said(caught.value) == (
        "User:sink may not do this: the right Write on topic refused is missing → "
        "grant it, or run `infra deploy --env local`, which gives every role what it needs"
    )


def test_no_right_to_read_the_topic(pipeline: Pipeline) -> None:
    receiving = KafkaReceiving(pipeline.platform.kafka_client("producer"), pipeline.topic, next(_runs), "local")
    try:
        with pytest.raises(SmokeError) as caught:
            receiving.ready(20)
    finally:
        receiving.close()
    assert caught.value.what == "User:producer may not do this: the right Read on topic refused is missing"


def test_no_right_to_commit_for_the_group(pipeline: Pipeline) -> None:
    run = next(_runs)
    committing = KafkaCommitting(pipeline.platform.kafka_client("sink"), pipeline.topic, run, "local", None)
    try:
        with pytest.raises(SmokeError) as caught:
            committing.start({0: 0, 1: 0})
    finally:
        committing.close()
    assert caught.value.what == f"User:sink may not do this: the right Read on group refused-smoke-{run} is missing"


def test_the_group_of_a_run_is_gone_afterwards_and_so_is_what_a_killed_one_left(pipeline: Pipeline) -> None:
    consumer, admin = (pipeline.platform.kafka_client(role) for role in ("consumer", "admin"))
    killed = KafkaCommitting(consumer, pipeline.topic, next(_runs), "local", None)
    killed.start({0: 0, 1: 0})
    killed.close()  # without an administrator's login the group stays
    assert len(groups(pipeline)) == 1
    committing = KafkaCommitting(consumer, pipeline.topic, next(_runs), "local", admin)
    committing.start({0: 0, 1: 0})
    assert len(groups(pipeline)) == 1
    committing.close()
    assert groups(pipeline) == []


def groups(pipeline: Pipeline) -> list[str]:
    from confluent_kafka.admin import AdminClient

    admin = AdminClient(pipeline.platform.kafka_client("admin"))
    listed = admin.list_consumer_groups().result(20)
    assert not listed.errors
    return [each.group_id for each in listed.valid if each.group_id.startswith(f"{pipeline.topic}-smoke-")]


def rows_of(pipeline: Pipeline, connection: Any, **more: Any) -> WarehouseRows:
    return WarehouseRows(connection, pipeline.table, next(_runs), "local", **more)


@pytest.mark.parametrize(
    ("granted", "words"),
    [
        ("INSERT", "the right SELECT on table {table} is missing for role SMOKE_TESTER"),
        (
            None,
            "there is no table {table}, or the right SELECT on it (with USAGE on its database and schema) is missing "
            "for role SMOKE_TESTER",
        ),
    ],
)
def test_no_right_to_read_the_table(pipeline: Pipeline, granted: str | None, words: str) -> None:
    statements = [
        "CREATE OR REPLACE ROLE SMOKE_TESTER",
        "GRANT ROLE SMOKE_TESTER TO USER INFRA_ADMIN",
        "GRANT USAGE ON WAREHOUSE STREAMING_WH TO ROLE SMOKE_TESTER",
        "GRANT USAGE ON DATABASE STREAMING TO ROLE SMOKE_TESTER",
        "GRANT USAGE ON SCHEMA STREAMING.PUBLIC TO ROLE SMOKE_TESTER",
        *([f"GRANT {granted} ON TABLE {pipeline.table} TO ROLE SMOKE_TESTER"] if granted else []),
    ]
    for statement in statements:
        pipeline.sql(statement)
    client = dataclasses.replace(pipeline.platform.snowflake_client("admin"), role="SMOKE_TESTER")
    rows = rows_of(pipeline, connect(client, pipeline.project))
    try:
        with pytest.raises(SmokeError) as caught:
            rows.check()
    finally:
        rows.close()
    assert caught.value.what == words.format(table=pipeline.table)


def test_no_right_to_delete_rows_is_said_and_fails_no_run(pipeline: Pipeline) -> None:
    for statement in (
        "CREATE OR REPLACE ROLE SMOKE_TESTER",
        "GRANT ROLE SMOKE_TESTER TO USER INFRA_ADMIN",
        "GRANT USAGE ON WAREHOUSE STREAMING_WH TO ROLE SMOKE_TESTER",
        "GRANT USAGE ON DATABASE STREAMING TO ROLE SMOKE_TESTER",
        "GRANT USAGE ON SCHEMA STREAMING.PUBLIC TO ROLE SMOKE_TESTER",
        f"GRANT SELECT ON TABLE {pipeline.table} TO ROLE SMOKE_TESTER",
    ):
        pipeline.sql(statement)
    client = dataclasses.replace(pipeline.platform.snowflake_client("admin"), role="SMOKE_TESTER")
    rows = rows_of(pipeline, connect(client, pipeline.project))
    try:
        cleaner = TableCleaner(rows.delete, pipeline.table, "r1", own=True)
        cleaner.before()
        cleaned = cleaner.after()
    finally:
        rows.close()
    right = f"the right DELETE on table {pipeline.table} is missing for role SMOKE_TESTER"
    assert (cleaned.rows, cleaned.left) == (0, (f"rows stay in {pipeline.table}: {right}",))


def test_a_warehouse_that_a_resource_monitor_has_suspended(pipeline: Pipeline) -> None:
    for statement in (
        "CREATE OR REPLACE RESOURCE MONITOR SPENT WITH CREDIT_QUOTA = 0 TRIGGERS ON 100 PERCENT DO SUSPEND",
        "CREATE OR REPLACE WAREHOUSE SPENT_WH RESOURCE_MONITOR = SPENT AUTO_SUSPEND = 60",
    ):
        pipeline.sql(statement)
    client = pipeline.platform.snowflake_client("admin")
    rows = rows_of(pipeline, connect(client, pipeline.project, warehouse="SPENT_WH"), warehouse="SPENT_WH")
    try:
        with pytest.raises(SmokeError) as caught:
            rows.check()
    finally:
        rows.close()
    assert caught.value.what == "the warehouse SPENT_WH is suspended by a resource monitor, so rows cannot be read"
    assert "cannot be resumed because resource monitor 'SPENT' has exceeded its quota" in caught.value.details[0]
    assert caught.value.do == (
        "raise the monitor's CREDIT_QUOTA, or wait for its next period; what was sent is in Kafka"
    )


def test_a_registry_that_is_down(pipeline: Pipeline) -> None:
    class NoRegistry:
        def __getattr__(self, name: str) -> Any:
            return getattr(pipeline.platform, name)

        def registry_client(self) -> Any:
            return dataclasses.replace(pipeline.platform.registry_client(), url="http://127.0.0.1:1/apis/ccompat/v7")

    with pytest.raises(ServiceError) as caught:
        record_payloads(pipeline.environment, NoRegistry(), pipeline.topic, 2, next(_runs))  # type: ignore[arg-type]
    assert caught.value.what.startswith("the Schema Registry does not answer (")
    assert caught.value.where == "http://127.0.0.1:1/apis/ccompat/v7"
    assert caught.value.do == "start it (`infra local up` on a laptop) or check its address"
