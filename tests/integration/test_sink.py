"""The sink between real Kafka, the real registry and the Snowflake stand-in."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from modules.connectors.sink import Sink, SinkOptions
from modules.local import supervisor
from modules.local.platform import up
from modules.producer import OrderEvents
from tests.integration.conftest import RunningPlatform
from tests.integration.pipeline_parts import Pipeline, doubled, make_pipeline, some_events

pytestmark = [pytest.mark.platform, pytest.mark.timeout(240)]

_numbers = itertools.count()


@pytest.fixture
def pipeline(local_platform: RunningPlatform) -> Any:
    made = make_pipeline(local_platform, f"sink-{next(_numbers)}")
    yield made
    for sink in made.sinks:
        sink.kill()


def kill_service(pipeline: Pipeline, name: str) -> None:
    process = supervisor.find(pipeline.project.local, name)
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def start_services(pipeline: Pipeline) -> None:
    up(pipeline.project, pipeline.environment.local)


def register_with_coupon(pipeline: Pipeline) -> tuple[int, Any]:
    """A schema with a field the table does not have. Under another subject, so that our producer keeps to its own."""
    text = json.loads((pipeline.project.environments / "schemas/order_events.avsc").read_text())
    text["fields"].append({"name": "coupon", "type": ["null", "string"], "default": None})
    client = SchemaRegistryClient({"url": pipeline.platform.registry_client().url})
    return client.register_schema(
        f"{pipeline.topic}-next-value", Schema(json.dumps(text), "AVRO")
    ), fastavro.parse_schema(text)


def values_the_table_refuses(pipeline: Pipeline, count: int) -> list[bytes]:
    schema_id, schema = register_with_coupon(pipeline)
    values = []
    for event in some_events(count):
        body = io.BytesIO()
        fastavro.schemaless_writer(body, schema, {**event, "coupon": "SAVE10"})
        values.append(struct.pack(">bI", 0, schema_id) + body.getvalue())
    return values


def headers_of(message: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in message.headers()}


def group_offsets(pipeline: Pipeline) -> list[TopicPartition]:
    consumer = Consumer({**pipeline.platform.kafka_client("sink"), "group.id": f"sink-{pipeline.topic}"})
    try:
        wanted = [TopicPartition(pipeline.topic, number) for number in range(6)]
        return list(consumer.committed(wanted, timeout=10))
    finally:
        consumer.close()


def test_two_thousand_events_become_two_thousand_distinct_rows(pipeline: Pipeline) -> None:
    sent = pipeline.produce(2_000, seed=5)
    status = pipeline.catch_up()
    assert pipeline.rows() == (2_000, 2_000)
    assert (status["state"], status["rows_committed"], status["lag"], status["dead_lettered"]) == (
        "stopped",
        2_000,
        0,
        0,
    )
    assert doubled(pipeline.positions()) == []
    # The group's offsets are where lag monitors look.
    assert {each.partition: each.offset for each in group_offsets(pipeline)} == sent.partitions


def test_a_row_holds_exactly_what_was_sent(pipeline: Pipeline) -> None:
    events = {event["event_id"]: event for event in itertools.islice(OrderEvents(5), 300)}
    pipeline.produce(300, seed=5)
    pipeline.catch_up()
    names = list(next(iter(events.values())))
    found = pipeline.sql(f"SELECT {', '.join(names)}, RECORD_METADATA:key::VARCHAR FROM {pipeline.table}")
    assert len(found) == 300
    for *values, key in found:
        event = events[values[0]]
        assert dict(zip(names, values, strict=True)) == {
            **event,
            "event_time": event["event_time"].replace(tzinfo=None),
        }
        assert key == event["order_id"]


def test_what_cannot_be_decoded_goes_to_the_dead_letter_topic_and_not_to_the_table(pipeline: Pipeline) -> None:
    good = [(b"ord", pipeline.serializer()(event)) for event in some_events(10)]
    header = good[0][1][:5]
    pipeline.send(*good[:5], partition=2)
    pipeline.send((b"a", b"not avro at all"), (b"b", header + b"\xff\xff"), (b"c", b"\x00"), partition=2, trace=b"t-1")
    pipeline.send((b"d", struct.pack(">bI", 0, 999_999) + b"x"), (b"e", None), partition=2)
    pipeline.send(*good[5:], partition=2)
    status = pipeline.catch_up()
    assert status["dead_lettered"] == 5
    assert pipeline.rows() == (10, 10)
    letters = pipeline.dead_letters()
    told = [(letter.key(), letter.value(), headers_of(letter)["infra.dlq.reason"]) for letter in letters]
    assert sorted(told) == [
        (b"a", b"not avro at all", "no-magic-byte"),
        (b"b", header + b"\xff\xff", "undecodable"),
        (b"c", b"\x00", "too-short"),
        (b"d", struct.pack(">bI", 0, 999_999) + b"x", "unknown-schema-id"),
        (b"e", None, "tombstone"),
    ]
    first = headers_of(next(letter for letter in letters if letter.key() == b"a"))
    assert first["trace"] == "t-1"
    assert (first["infra.dlq.topic"], first["infra.dlq.partition"]) == (pipeline.topic, "2")
    assert (first["infra.dlq.offset"], first["infra.dlq.dedup_key"]) == ("5", f"{pipeline.topic}-2-5")
    # Another run finds nothing left to do.
    assert pipeline.catch_up()["dead_lettered"] == 0
    assert len(pipeline.dead_letters()) == 5


def test_rows_the_warehouse_refuses_are_dead_lettered_once_with_its_words(pipeline: Pipeline) -> None:
    pipeline.produce(500, seed=5)
    refused = values_the_table_refuses(pipeline, 7)
    serializer = pipeline.serializer()
    pipeline.send(*((b"v2", value) for value in refused), partition=3)
    pipeline.send(*((b"ok", serializer(event)) for event in some_events(20, seed=7)), partition=3)
    status = pipeline.catch_up()
    assert (status["refused"], status["dead_lettered"]) == (7, 7)
    assert pipeline.rows() == (520, 520)
    letters = pipeline.dead_letters()
    assert [letter.value() for letter in letters] == refused
    assert {headers_of(letter)["infra.dlq.reason"] for letter in letters} == {"refused-by-warehouse"}
    assert all("COUPON" in headers_of(letter)["infra.dlq.error"] for letter in letters)
    pipeline.catch_up()
    assert len(pipeline.dead_letters()) == 7


def test_a_crash_after_a_refused_append_still_leads_to_the_dead_letter_topic(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.produce(100, seed=5)
    assert pipeline.catch_up()["rows_committed"] == 100
    refused = values_the_table_refuses(pipeline, 3)
    pipeline.send(*((b"v2", value) for value in refused), partition=1)
    # This one "dies" when it would ask what became of its append: nothing is confirmed, committed or looked up.
    dying = Sink(pipeline.settings, SinkOptions(max_seconds=60))
    monkeypatch.setattr(Sink, "_ask", lambda self, _now: self.stop() if self.metrics.rows_appended else None)
    monkeypatch.setattr(Sink, "_drain", lambda self, _writers: None)
    assert dying.run().rows_appended == 3
    assert pipeline.dead_letters() == []
    assert pipeline.rows() == (100, 100)
    status = pipeline.catch_up()
    assert (status["rows_appended"], status["refused"]) == (0, 3)
    assert sorted(letter.value() for letter in pipeline.dead_letters()) == sorted(refused)
    assert pipeline.catch_up()["refused"] == 0
    assert len(pipeline.dead_letters()) == 3


def test_a_registry_that_is_down_is_waited_for_and_nothing_is_taken_for_poison(pipeline: Pipeline) -> None:
    pipeline.produce(300, seed=5)
    kill_service(pipeline, "registry")
    with pipeline.sink("--until-caught-up", "--max-seconds", "100") as sink:
        sink.ready()
        time.sleep(1)
        assert sink.status()["rows_appended"] == 0
        start_services(pipeline)
        status = sink.finish()
    assert (status["rows_committed"], status["dead_lettered"]) == (300, 0)
    assert pipeline.rows() == (300, 300)


def test_a_warehouse_that_is_killed_in_mid_stream_loses_and_doubles_nothing(pipeline: Pipeline) -> None:
    with pipeline.flowing(rate=500, total=3_000), pipeline.sink() as sink:
        sink.until(lambda: sink.status()["rows_appended"] > 300)
        kill_service(pipeline, "snowflake")
        time.sleep(2)
        start_services(pipeline)
        sink.until(lambda: sink.status()["rows_appended"] > 1_000)
        kill_service(pipeline, "snowflake")
        start_services(pipeline)
        carried = sink.status()["rows_appended"]
        sink.until(lambda: sink.status()["rows_appended"] > carried)
    assert sink.process.returncode == -signal.SIGKILL
    status = pipeline.catch_up()
    assert pipeline.rows() == (3_000, 3_000)
    assert doubled(pipeline.positions()) == []
    assert status["lag"] == 0


def test_sigterm_writes_what_is_held_and_ends_well(pipeline: Pipeline) -> None:
    with pipeline.flowing(rate=500, total=1_500), pipeline.sink() as sink:
        sink.ready().until(lambda: sink.status()["rows_appended"] > 200)
        status = sink.stop()
    assert status["state"] == "stopped"
    assert status["rows_appended"] == status["rows_committed"] == pipeline.rows()[0]
    pipeline.catch_up()
    assert pipeline.rows() == (1_500, 1_500)


def test_a_second_sink_of_the_same_name_takes_over_and_the_first_says_so(pipeline: Pipeline) -> None:
    with pipeline.flowing(rate=400, total=2_000), pipeline.sink() as first:
        first.ready().until(lambda: first.status()["rows_appended"] > 0)
        with pipeline.sink() as second:
            second.ready()
            assert first.process.wait(30) == 1
            assert "another sink took over" in first.said()
            assert "Traceback" not in first.said()
            second.until(lambda: second.status()["rows_appended"] > 20)
            second.stop()
    pipeline.catch_up()
    assert pipeline.rows() == (2_000, 2_000)
    assert doubled(pipeline.positions()) == []


def test_two_sinks_share_the_partitions_and_hand_them_over_in_mid_stream(pipeline: Pipeline) -> None:
    with pipeline.flowing(rate=400, total=3_000), pipeline.sink("--instance", "a") as first:
        first.ready().until(lambda: first.status()["rows_appended"] > 0)
        with pipeline.sink("--instance", "b") as second:
            second.ready().until(lambda: len(second.status().get("partitions", [])) == 3)
            second.until(lambda: len(first.status()["partitions"]) == 3)
            second.until(lambda: second.status()["rows_appended"] > 20)
            assert second.stop()["state"] == "stopped"
        first.stop()
    pipeline.catch_up()
    assert pipeline.rows() == (3_000, 3_000)
    assert doubled(pipeline.positions()) == []


def test_partitions_added_between_two_runs_are_read_by_the_second(pipeline: Pipeline) -> None:
    pipeline.produce(300)
    pipeline.catch_up()
    more = pipeline.environment.topics[pipeline.topic].partitions + 4
    admin = AdminClient(pipeline.platform.kafka_client("admin"))
    for grown in admin.create_partitions([NewPartitions(pipeline.topic, more)]).values():
        grown.result(20)
    pipeline.produce(600, seed=2)
    pipeline.catch_up()
    assert pipeline.rows() == (900, 900)
    assert {partition for partition, _ in pipeline.positions()} == set(range(more))


def test_a_topic_made_anew_is_carried_from_its_beginning(pipeline: Pipeline) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    pipeline.produce(200, seed=5)
    pipeline.catch_up()
    admin = AdminClient(pipeline.platform.kafka_client("admin"))
    admin.delete_topics([pipeline.topic])[pipeline.topic].result(20)
    deadline = time.monotonic() + 20
    while pipeline.topic in admin.list_topics(timeout=10).topics and time.monotonic() < deadline:
        time.sleep(0.1)
    admin.create_topics([NewTopic(pipeline.topic, 6, 1)])[pipeline.topic].result(20)
    pipeline.produce(100, seed=6)
    assert pipeline.catch_up()["rows_committed"] == 100
    assert pipeline.rows() == (300, 300)


def test_without_a_dead_letter_topic_poison_stops_the_sink_and_is_not_passed_over(
    local_platform: RunningPlatform,
) -> None:
    pipeline = make_pipeline(local_platform, f"sink-{next(_numbers)}", dead_letter=False)
    pipeline.send((b"k", b"poison"))
    with pipeline.sink("--until-caught-up") as sink:
        assert sink.process.wait(60) == 1
    assert "offset 0" in sink.said() and "dead_letter" in sink.said()
    assert "Traceback" not in sink.said()


def ran(pipeline: Pipeline, *arguments: str) -> tuple[int, str, float]:
    started = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "infra"), *arguments, "--env", pipeline.environment.name],
        cwd=pipeline.project.root,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr, time.monotonic() - started


def test_a_missing_topic_is_one_clear_error(local_platform: RunningPlatform) -> None:
    name = f"sink-{next(_numbers)}"
    (local_platform.project.environments / f"{name}.yaml").write_text(
        "extends: local\nplatform: local\ntopics:\n  order-events: null\n  not-there:\n    key: order_id\n"
        "    value: {schema: schemas/order_events.avsc}\n    sink: {table: STREAMING.PUBLIC.NOT_THERE}\n"
    )
    pipeline = make_pipeline(local_platform, f"sink-{next(_numbers)}")
    key = pipeline.project.environment_state(name) / "secrets" / "svc-kafka-connector.p8"
    key.parent.mkdir(parents=True)
    key.write_bytes((pipeline.project.root / "connector.p8").read_bytes())
    key.chmod(0o600)
    pipeline.environment = pipeline.environment.model_copy(update={"name": name})
    code, said, _ = ran(pipeline, "sink")
    assert code == 1 and "there is no topic not-there" in said and "infra deploy" in said


def test_a_sink_without_rights_on_the_table_says_what_to_do(pipeline: Pipeline) -> None:
    pipeline.sql(f"REVOKE INSERT ON TABLE {pipeline.table} FROM ROLE KAFKA_CONNECTOR")
    pipeline.produce(10)
    code, said, _ = ran(pipeline, "sink", "--until-caught-up")
    assert code == 1 and "not authorized" in said and "infra deploy" in said


def test_a_broker_that_is_down_is_one_clear_error_for_sink_and_producer(pipeline: Pipeline) -> None:
    kill_service(pipeline, "kafka")
    try:
        results: list[tuple[int, str, float]] = []
        commands = (("sink",), ("produce", "--count", "5"))
        threads = [threading.Thread(target=lambda c=c: results.append(ran(pipeline, *c))) for c in commands]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        start_services(pipeline)
    assert len(results) == 2
    for code, said, _ in results:
        assert code == 1
        assert "Kafka does not answer" in said
        assert "127.0.0.1:" in said and "infra local up" in said
