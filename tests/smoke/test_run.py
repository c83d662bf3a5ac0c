"""The engine's threads: everything accounted for, clean ends, honest notes. No figure here depends on real time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from modules.environment.model import Environment
from modules.errors import ConfigError, ServiceError, SmokeError
from modules.smoke.load import LoadPlan
from modules.smoke.result import Progress, SmokeResult, Unmeasured
from modules.smoke.run import SmokeOptions, measure
from modules.smoke.target import Target, choose_target
from modules.smoke.transport import monotonic
from tests.smoke.memory import MemoryPipeline
from tests.smoke.virtual import Numbered

TOPICS = {
    "plain": {},
    "order-events": {
        "value": {"schema": "schemas/order_events.avsc"},
        "sink": {"table": "STREAMING.PUBLIC.ORDER_EVENTS"},
    },
}


def environment(**more: object) -> Environment:
    values = {"name": "test", "source": "environments/test.yaml", "platform": "local", "topics": TOPICS, **more}
    return Environment.model_validate(values)


def run(pipeline: MemoryPipeline, plan: LoadPlan, seen: list[Progress] | None = None) -> SmokeResult:
    """A run whose deadline comes as soon as the pipeline has nothing more to give, however slow the machine."""
    target = Target(environment(), "order-events", "STREAMING.PUBLIC.ORDER_EVENTS", "r1")
    jumped, idle = 0, 0

    def watch(one: Progress) -> None:
        nonlocal jumped, idle
        if seen is not None:
            seen.append(one)
        idle = idle + 1 if one.phase == "waiting for the last rows" and pipeline.idle() else 0
        if idle == 3:
            jumped = 2000 * 1_000_000_000

    options = SmokeOptions(plan, deadline_seconds=1000)
    return measure(target, options, pipeline.transports(Numbered()), watch, clock=lambda: monotonic() + jumped)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before, interval = set(threading.enumerate()), sys.getswitchinterval()
    yield
    assert set(threading.enumerate()) == before
    assert sys.getswitchinterval() == interval


def test_every_event_is_sent_in_order_and_seen_at_every_stage() -> None:
    pipeline = MemoryPipeline()
    progress: list[Progress] = []
    result = run(pipeline, LoadPlan(rate=5000, count=1500, warmup=100), seen=progress)
    assert pipeline.taken == list(range(1600))
    assert [(stage.summary.n, stage.summary.lost, stage.duplicated) for stage in result.stages] == [(1500, 0, 0)] * 5
    assert (result.sent, result.warmed_up, result.partitions) == (1500, 100, 2)
    assert result.met
    assert not result.interrupted
    assert pipeline.started == {0: 0, 1: 0}
    assert progress[0].phase.startswith("waiting until the consumer holds every partition")
    assert {one.total for one in progress} == {1600}
    assert all(stage.summary.quantile("p99").nanoseconds is not None for stage in result.stages)


def test_a_poisson_load_is_accounted_for_as_well() -> None:
    result = run(MemoryPipeline(), LoadPlan(rate=5000, count=500, arrivals="poisson"))
    assert [stage.summary.n for stage in result.stages] == [500] * 5


def test_lost_and_doubled_events_are_counted_and_miss_the_test() -> None:
    def copies(stage: str, number: int) -> int:
        if stage == "row_visible" and number in (120, 130):
            return 0
        return 3 if stage != "acknowledged" and number in (140, 20) else 1

    result = run(MemoryPipeline(copies), LoadPlan(rate=5000, count=300, warmup=50))
    acknowledged, consumed, _, _, rows = result.stages
    assert (acknowledged.summary.lost, acknowledged.duplicated) == (0, 0)
    assert (consumed.summary.lost, consumed.duplicated) == (0, 2)
    assert (rows.summary.lost, rows.duplicated) == (2, 2)
    assert not result.met
    assert "2 of 300" in result.verdict.sentences[0]


def test_an_event_the_client_did_not_take_at_once_is_tried_again_and_sent_once() -> None:
    pipeline = MemoryPipeline()
    pipeline.full_once = {3, 4, 77}
    run(pipeline, LoadPlan(rate=5000, count=200))
    assert pipeline.taken == list(range(200))


def test_refused_events_are_lost_with_the_brokers_words() -> None:
    pipeline = MemoryPipeline()
    pipeline.refuse = "Broker: Not enough in-sync replicas"
    result = run(pipeline, LoadPlan(rate=5000, count=50))
    assert (result.failed, result.stage("acknowledged").summary.lost) == (50, 50)
    assert any("in-sync" in note for note in result.notes)


def test_a_silent_sink_is_named_as_the_likely_cause() -> None:
    pipeline = MemoryPipeline(lambda stage, number: 0 if stage == "row_visible" else 1)
    result = run(pipeline, LoadPlan(rate=5000, count=50))
    assert any("sink" in note for note in result.notes)
    assert not result.met


def test_what_the_channels_tell_only_at_the_very_end_is_late_like_its_rows_not_lost() -> None:
    class Slow(MemoryPipeline):
        swept = False

        def new(self, oldest: int) -> Sequence[int]:
            super().new(oldest)
            return []

        def flaws(self) -> Mapping[int, tuple[int, int]]:
            self.swept = True
            return super().flaws()

        def tokens(self) -> Mapping[int, int]:
            return super().tokens() if self.swept else {}

    result = run(Slow(), LoadPlan(rate=5000, count=50))
    assert [(stage.summary.n, stage.late) for stage in result.stages[3:]] == [(0, 50), (0, 50)]


def test_an_error_in_one_loop_stops_all_and_is_raised_as_it_is() -> None:
    pipeline = MemoryPipeline()
    pipeline.break_at = 20
    pipeline.failure = ServiceError("the producer cannot go on")
    with pytest.raises(ServiceError, match="cannot go on"):
        run(pipeline, LoadPlan(rate=5000, count=10_000))


def test_ctrl_c_gives_the_part_that_was_measured() -> None:
    ticks = iter(range(100))

    def interrupt(_: Progress) -> None:
        if next(ticks) == 4:
            raise KeyboardInterrupt

    pipeline = MemoryPipeline()
    target = Target(environment(), "order-events", "T", "r1")
    options = SmokeOptions(LoadPlan(rate=500, count=1_000_000))
    result = measure(target, options, pipeline.transports(Numbered()), interrupt)
    assert result.interrupted
    assert not result.met
    assert 0 < result.sent < 1_000_000
    for stage in result.stages:
        assert stage.summary.n + stage.summary.lost + stage.in_flight == result.sent


def test_a_rate_the_client_cannot_send_is_said_and_proves_nothing() -> None:
    class Slow(Numbered):
        def next(self) -> tuple[bytes, bytes]:
            # Work, not sleep: about what a heavy serialiser costs.
            sum(range(200_000))
            return super().next()

    pipeline = MemoryPipeline()
    target = Target(environment(), "order-events", "T", "r1")
    options = SmokeOptions(LoadPlan(rate=1_000_000, count=300))
    result = measure(target, options, pipeline.transports(Slow()), lambda one: None)
    assert result.achieved_rate < 1_000_000
    assert not result.rate_kept
    sentence = f"the client sent {result.achieved_rate:,.0f} events/s, not 1,000,000: the rate is too high for it"
    assert sentence in result.notes
    # Every event came back in time, and still the run is no proof of what was asked.
    assert {stage.summary.lost for stage in result.stages} == {0}
    assert result.verdict.outcome == "not enough samples"
    assert result.verdict.sentences == (sentence,)
    assert not result.met


def test_a_clock_that_goes_backwards_ends_the_run_with_an_error() -> None:
    readings = 0

    def clock() -> int:
        nonlocal readings
        readings += 1
        return monotonic() - (250_000_000 if readings > 2000 else 0)

    target = Target(environment(), "order-events", "T", "r1")
    options = SmokeOptions(LoadPlan(rate=2000, count=100_000))
    with pytest.raises(SmokeError) as caught:
        measure(target, options, MemoryPipeline().transports(Numbered()), lambda one: None, clock=clock)
    assert caught.value.what.startswith("this machine's monotonic clock went back by ")
    assert caught.value.what.endswith(" during the run, so no latency of it can be trusted")
    assert "clock source" in str(caught.value.do)


def test_what_was_altered_is_counted_and_misses_the_test() -> None:
    pipeline = MemoryPipeline()
    pipeline.altered = {3, 60, 61}  # the first is of the warm-up
    result = run(pipeline, LoadPlan(rate=5000, count=200, warmup=50))
    assert {stage.stage: stage.corrupted for stage in result.stages} == {
        "acknowledged": 0, "consumed": 2, "committed": 0, "handed_over": 0, "row_visible": 2,
    }  # fmt: skip
    assert "consumed: 2 events were not what was sent" in result.verdict.sentences
    assert not result.met


def test_what_is_committed_and_handed_over_is_what_was_received_and_sent() -> None:
    pipeline = MemoryPipeline(lambda stage, number: 0 if stage == "handed_over" and number >= 150 else 1)
    result = run(pipeline, LoadPlan(rate=5000, count=200))
    assert pipeline.committed == {0: 100, 1: 100}
    assert result.commits > 0
    assert result.stage("committed").summary.n == 200
    # The channels stopped at event 149: all that comes after is lost there, and nowhere else.
    assert result.stage("handed_over").summary.n == 150
    assert result.stage("row_visible").summary.n == 200
    assert result.by_partition == {0: 100, 1: 100}


def test_a_commit_that_fails_in_passing_is_made_again_and_nothing_is_lost() -> None:
    pipeline = MemoryPipeline()
    pipeline.commits_refused = 5
    result = run(pipeline, LoadPlan(rate=5000, count=200))
    assert pipeline.commits_refused == 0
    assert pipeline.committed == {0: 100, 1: 100}
    assert (result.stage("committed").summary.n, result.stage("committed").summary.lost) == (200, 0)


def test_a_stage_that_cannot_be_measured_is_left_out_and_the_rest_is_not() -> None:
    pipeline = MemoryPipeline()
    parts = replace(pipeline.transports(Numbered()), channels=None, rows=None)
    target = Target(environment(), "t", "T", "r1", (Unmeasured("handed_over", "no right"),))
    result = measure(target, SmokeOptions(LoadPlan(rate=5000, count=100)), parts, lambda one: None)
    assert [stage.stage for stage in result.stages] == ["acknowledged", "consumed", "committed"]
    assert result.unmeasured == (Unmeasured("handed_over", "no right"),)
    assert result.warehouse is None
    assert result.met


def test_a_limit_for_a_stage_that_was_not_measured_is_not_proven() -> None:
    parts = replace(MemoryPipeline().transports(Numbered()), channels=None)
    limited = environment(slo={"handed_over": {"p50": "5s"}})
    target = Target(limited, "t", "T", "r1", (Unmeasured("handed_over", "no right"),))
    result = measure(target, SmokeOptions(LoadPlan(rate=5000, count=100)), parts, lambda one: None)
    assert result.verdict.outcome == "not enough samples"
    assert result.verdict.sentences == ("handed_over has a limit and was not measured: no right",)


def test_the_topic_is_the_one_with_a_sink() -> None:
    target = choose_target(environment(), None)
    assert (target.topic, target.table) == ("order-events", "STREAMING.PUBLIC.ORDER_EVENTS")


@pytest.mark.parametrize("topic", ["plain", "nowhere"])
def test_a_topic_without_schema_and_sink_is_refused(topic: str) -> None:
    with pytest.raises(ConfigError, match=topic):
        choose_target(environment(), topic)


def test_two_runs_have_different_ids() -> None:
    ids = {choose_target(environment(), None).run_id for _ in range(10)}
    assert len(ids) == 10
