"""A delay on one way moves the stage that takes that way, by that much, and no other; a stall shows in the tail.

Everything is real: broker, registry, sink, the stand-in. Each client of the run reaches its service through a proxy of
its own. The delays come and go in one and the same run, and what is compared are events of neighbouring moments, so a
slow or busy machine moves both sides alike.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from confluent_kafka import Producer

from modules.environment.loader import load_environment
from modules.local.endpoints import record_file
from modules.smoke.channels import SinkChannels
from modules.smoke.commits import KafkaCommitting
from modules.smoke.engine import Engine, Transports
from modules.smoke.figures import results
from modules.smoke.kafka import PRODUCER_SETTINGS, KafkaReceiving, KafkaSending
from modules.smoke.load import LoadPlan
from modules.smoke.payloads import RecordPayloads, record_payloads
from modules.smoke.rows import WarehouseRows
from modules.smoke.stages import MICROSECOND
from modules.smoke.transport import monotonic
from modules.warehouse.connection import connect
from tests.integration.conftest import RunningPlatform, new_project
from tests.integration.pipeline_parts import Pipeline, make_pipeline
from tests.integration.proxy import Behind, Proxy, proxies, restart_kafka_behind

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]

NAMES = ("PRODUCER", "CONSUMER", "COMMIT", "SINK", "CHANNELS", "ROWS")
KAFKA = NAMES[:3]


@dataclass(frozen=True)
class Proxied:
    """A pipeline whose parts are reached through proxies, by name."""

    pipeline: Pipeline
    by_name: dict[str, Proxy]

    @contextmanager
    def transports(self, run_id: str, *, warehouse: bool) -> Iterator[tuple[Transports, RecordPayloads]]:
        """The parts of a run, each behind its proxy."""
        pipeline, environment = self.pipeline, self.pipeline.environment
        topic, name, platform = pipeline.topic, environment.name, pipeline.platform
        producer = Behind(self.by_name["PRODUCER"]).kafka(platform.kafka_client("producer"))
        consumer = Behind(self.by_name["CONSUMER"]).kafka(platform.kafka_client("consumer"))
        committer = Behind(self.by_name["COMMIT"]).kafka(platform.kafka_client("consumer"))
        with ExitStack() as opened:
            sending = KafkaSending(producer, topic, run_id, 60, name)
            opened.callback(sending.close)
            payloads = record_payloads(environment, platform, topic, sending.check(name), run_id)
            receiving = KafkaReceiving(consumer, topic, run_id, name)
            opened.callback(receiving.close)
            committing = KafkaCommitting(committer, topic, run_id, name, platform.kafka_client("admin"))
            opened.callback(committing.close)
            channels = rows = None
            if warehouse:
                settings = pipeline.settings
                client = replace(settings.snowflake, port=self.by_name["CHANNELS"].port)
                channels = SinkChannels(replace(settings, snowflake=client), environment.topics[topic].partitions)
                opened.callback(channels.close)
                admin = replace(platform.snowflake_client("admin"), port=self.by_name["ROWS"].port)
                columns, stamps = payloads.shape.columns, payloads.stamps
                rows = WarehouseRows(
                    connect(admin, pipeline.project), pipeline.table, run_id, name, columns, stamps
                )  # fmt: skip
                opened.callback(rows.close)
            yield Transports(payloads, sending, receiving, committing, channels, rows), payloads


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    from modules.local.platform import down, up

    project = new_project(tmp_path_factory.mktemp("hops"))
    with proxies(len(NAMES)) as made:
        by_name = dict(zip(NAMES, made, strict=True))
        try:
            environment = load_environment(project, "local")
            endpoints = up(project, environment.local)
            for name in NAMES[3:]:
                by_name[name].target = endpoints.snowflake_port
            kafka_proxies = {name: by_name[name] for name in KAFKA}
            restart_kafka_behind(project, environment.local.kafka_memory.bytes, kafka_proxies)
            pipeline = make_pipeline(RunningPlatform(project, endpoints, environment), "hops", partitions=3)
            yield Proxied(pipeline, by_name)
        finally:
            down(project)


@dataclass(frozen=True)
class Window:
    """A stretch of a run, by the run's clock: in it one way was delayed, or none."""

    delayed: str | None
    start: int
    end: int


class Schedule(threading.Thread):
    """Delays one way after the other, each time with a stretch without any delay before and after."""

    def __init__(self, by_name: dict[str, Proxy], ways: Sequence[tuple[str, str, float]], seconds: float) -> None:
        super().__init__()
        self.windows: list[Window] = []
        self._by_name = by_name
        self._ways = ways
        self._seconds = seconds

    @property
    def total(self) -> float:
        return self._seconds * (2 * len(self._ways) + 1)

    def run(self) -> None:
        self._wait(None)
        for name, way, delay in self._ways:
            setattr(self._by_name[name], way, delay)
            self._wait(name)
            setattr(self._by_name[name], way, 0.0)
            self._wait(None)

    def _wait(self, delayed: str | None) -> None:
        start = monotonic()
        time.sleep(self._seconds)
        self.windows.append(Window(delayed, start, monotonic()))


def run_with(proxied: Proxied, schedule: Schedule, rate: float, *, warehouse: bool) -> Engine:
    """A run during which the schedule goes on; every event must come back."""
    plan = LoadPlan(rate, count=int(rate * (schedule.total + 1)), warmup=int(rate))
    with proxied.transports(f"hops{time.monotonic_ns() % 10**8:08d}", warehouse=warehouse) as (transports, _):
        held = transports.receiving.ready(20)
        assert transports.committing is not None
        transports.committing.start(held)
        if transports.rows is not None:
            transports.rows.start(held, monotonic())
        engine = Engine(plan, 60 * 10**9, transports)

        def tick() -> None:
            if engine.ledger.sent > plan.warmup and not schedule.is_alive() and not schedule.windows:
                schedule.start()

        ended = engine.run(tick)
        schedule.join()
    assert not ended.interrupted
    assert {stage.summary.lost for stage in results(engine.ledger, engine.deadline)} == {0}
    return engine


def quick(engine: Engine, window: Window, settle: float) -> dict[str, float]:
    """Each stage's tenth percentile in seconds, of the events due in a window, its edges left out.

    A delay on the way moves all events alike, the quickest as well; what a busy machine adds, it adds to the others.
    """
    edge = int(settle * 1e9)
    ledger = engine.ledger
    inside = [
        number
        for number in range(ledger.sent)
        if window.start + edge // 4 <= ledger.intended[number] <= window.end - edge
    ]
    assert len(inside) >= 20
    return {
        name: statistics.quantiles((stage.latency[number] for number in inside), n=10)[0] * MICROSECOND / 1e9
        for name, stage in ledger.stages.items()
    }


def moved(engine: Engine, windows: Sequence[Window], name: str, settle: float) -> dict[str, float]:
    """By how much each stage is later while a way is delayed than just before and just after."""
    at = next(place for place, window in enumerate(windows) if window.delayed == name)
    before, during, after = (quick(engine, window, settle) for window in windows[at - 1 : at + 2])
    return {stage: during[stage] - (before[stage] + after[stage]) / 2 for stage in during}


def test_20_ms_on_one_way_to_kafka_move_the_stage_that_takes_it_by_20_ms_and_no_other(proxied: Proxied) -> None:
    delay = 0.02
    # Answers are delayed: a request that is late would be late for all that comes after it, too.
    schedule = Schedule(proxied.by_name, [(name, "back", delay) for name in KAFKA], seconds=1.6)
    # Few enough events that each finds the way free: two of them within a delay would wait for each other.
    engine = run_with(proxied, schedule, rate=30, warehouse=False)
    follow = {"PRODUCER": {"acknowledged"}, "CONSUMER": {"consumed", "committed"}, "COMMIT": {"committed"}}
    for name, stages in follow.items():
        by = moved(engine, schedule.windows, name, settle=0.2)
        for stage, shift in by.items():
            if stage in stages:
                assert 0.75 * delay < shift < 1.6 * delay, (name, by)
            else:
                assert abs(shift) < 0.4 * delay, (name, by)


def test_a_2_s_stall_shows_in_p99_and_maximum_and_a_closed_loop_would_have_missed_it(proxied: Proxied) -> None:
    stall, proxy = 2.0, proxied.by_name["PRODUCER"]
    platform, topic = proxied.pipeline.platform, proxied.pipeline.topic
    closed = ClosedLoop(Behind(proxy).kafka(platform.kafka_client("producer")), topic)
    plan = LoadPlan(rate=150, count=1200, warmup=50)
    with proxied.transports("stall0000000", warehouse=False) as (transports, _):
        transports.receiving.ready(20)
        engine = Engine(plan, 60 * 10**9, replace(transports, committing=None))
        held = threading.Event()

        def tick() -> None:
            if engine.ledger.sent > 450 and not held.is_set():
                held.set()
                proxy.hold(stall)

        closed.start()
        engine.run(tick)
        closed.stop.set()
        closed.join()
    acknowledged, consumed = results(engine.ledger, engine.deadline)
    for stage in (acknowledged, consumed):  # what the producer could not send, nobody could consume
        summary = stage.summary
        assert (summary.n, summary.lost) == (1200, 0)
        # A quarter of the events was due in the stall; those at its beginning waited for all of it.
        assert (summary.quantile("p99").nanoseconds or 0) > (stall - 0.4) * 1e9
        assert stall * 0.95e9 < (summary.maximum or 0) < (stall + 1) * 1e9
        assert (summary.quantile("p50").nanoseconds or 0) < 0.5e9
    # The closed loop waited as well, but once: its p99 knows nothing of it.
    slow = [latency for latency in closed.latencies if latency > stall / 2]
    assert len(closed.latencies) > 200
    assert len(slow) == 1
    assert sorted(closed.latencies)[int(len(closed.latencies) * 0.99)] < stall / 4


class ClosedLoop(threading.Thread):
    """Sends, waits for the answer, and only then sends again: what most tools do."""

    def __init__(self, settings: dict[str, Any], topic: str) -> None:
        super().__init__()
        self.latencies: list[float] = []
        self.stop = threading.Event()
        self._producer = Producer({**settings, **PRODUCER_SETTINGS})
        self._topic = topic

    def run(self) -> None:
        while not self.stop.wait(0.005):
            began = time.perf_counter()
            self._producer.produce(self._topic, b"not of a run", b"closed")
            self._producer.flush()
            self.latencies.append(time.perf_counter() - began)
        # The first one connects.
        del self.latencies[:5]


@pytest.mark.soak
def test_200_ms_on_one_way_to_the_warehouse_move_what_takes_it_and_nothing_else(proxied: Proxied) -> None:
    """200 ms, as these stages are polled: 20 ms would be within their error bar."""
    delay = 0.2
    ways = [("SINK", "there", delay), ("CHANNELS", "back", delay), ("ROWS", "back", delay)]
    schedule = Schedule(proxied.by_name, ways, seconds=6)
    with sink_behind(proxied), proxied.pipeline.sink() as sink:
        sink.ready()
        engine = run_with(proxied, schedule, rate=100, warehouse=True)
    follow = {"SINK": {"handed_over", "row_visible"}, "CHANNELS": {"handed_over"}, "ROWS": {"row_visible"}}
    assert engine.channels is not None and engine.rows is not None
    for name, stages in follow.items():
        by = moved(engine, schedule.windows, name, settle=1.5)
        for stage, shift in by.items():
            if stage in stages:
                assert 0.75 * delay < shift < 2.5 * delay, (name, by)
            else:
                assert abs(shift) < 0.4 * delay, (name, by)


@contextmanager
def sink_behind(proxied: Proxied) -> Iterator[None]:
    """The sink is told the proxy's port; it reads the record when it starts."""
    record = record_file(proxied.pipeline.project)
    kept = record.read_text()
    port = proxied.pipeline.platform.endpoints.snowflake_port
    record.write_text(kept.replace(f'"snowflake_port": {port}', f'"snowflake_port": {proxied.by_name["SINK"].port}'))
    assert record.read_text() != kept
    try:
        yield
    finally:
        record.write_text(kept)
