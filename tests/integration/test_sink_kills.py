"""SIGKILL at the worst moments: the sink's whole process group between its first append and its last commit, and the
broker once in between. Every event is then in the table exactly once, every refused or undecodable one accounted for.

A kill's moment is not left to chance: the sink writes its status file at its first append, the test watches it and
kills at once, and the flow of events only ends after the last kill, so there was always more to append and to commit.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
from typing import Any

import pytest

from modules.local import supervisor
from modules.local.platform import up
from tests.integration.conftest import RunningPlatform
from tests.integration.pipeline_parts import Pipeline, doubled, make_pipeline
from tests.integration.test_sink import headers_of, values_the_table_refuses

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]

_numbers = itertools.count()


@pytest.fixture
def pipeline(local_platform: RunningPlatform) -> Any:
    made = make_pipeline(local_platform, f"kills-{next(_numbers)}")
    yield made
    for sink in made.sinks:
        sink.kill()


def kill_in_mid_stream(pipeline: Pipeline) -> tuple[int, int]:
    """Start a sink, kill it right after its first append; rows in the table before and after."""
    before = pipeline.rows()[0]
    with pipeline.sink() as sink:
        sink.until(lambda: sink.status()["rows_appended"] > 0, every=0.001)
        sink.kill()
    assert sink.process.returncode == -signal.SIGKILL
    last = sink.status()
    assert last["state"] != "stopped"
    assert last["rows_committed"] < last["rows_appended"], "it had confirmed all it appended before the kill"
    return before, pipeline.rows()[0]


def kill_broker(pipeline: Pipeline) -> None:
    process = supervisor.find(pipeline.project.local, "kafka")
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def storm(pipeline: Pipeline, *, kills: int, events: int, rate: float, broker: bool) -> None:
    with pipeline.flowing(rate, events) as flow:
        for kill in range(kills):
            before, after = kill_in_mid_stream(pipeline)
            assert before < after < events, "the kill was before the first append or after the last one"
            assert not flow.over.is_set() and flow.result is None
            if broker and kill == kills // 2:
                kill_broker(pipeline)
                restart = threading.Thread(target=up, args=(pipeline.project, pipeline.environment.local))
                restart.start()
                restart.join(60)
    status = pipeline.catch_up()
    assert status["lag"] == 0
    assert pipeline.rows() == (events, events)
    assert doubled(pipeline.positions()) == []
    assert pipeline.dead_letters() == []


def test_three_kills_and_a_broker_killed_in_between_lose_and_double_nothing(pipeline: Pipeline) -> None:
    storm(pipeline, kills=3, events=3_000, rate=400, broker=True)


@pytest.mark.soak
def test_ten_kills_and_a_broker_killed_in_between_lose_and_double_nothing(pipeline: Pipeline) -> None:
    storm(pipeline, kills=10, events=20_000, rate=600, broker=True)


def test_kills_among_poison_and_refused_rows_account_for_every_message(pipeline: Pipeline) -> None:
    refused = values_the_table_refuses(pipeline, 30)
    with pipeline.flowing(rate=200, total=2_000):
        for kill in range(3):
            pipeline.send(*((b"bad", b"poison-%d-%d" % (kill, number)) for number in range(10)), partition=kill)
            pipeline.send(*((b"v2", value) for value in refused[kill * 10 : kill * 10 + 10]), partition=kill)
            with pipeline.sink() as sink:
                sink.until(lambda: sink.status()["rows_appended"] > 0, every=0.001)
                sink.kill()
    pipeline.catch_up()
    assert pipeline.rows() == (2_000, 2_000)
    assert doubled(pipeline.positions()) == []
    by_key = {headers_of(letter)["infra.dlq.dedup_key"]: letter for letter in pipeline.dead_letters()}
    # A letter may be there twice after a kill, with one key; by key, each is there once.
    values = sorted(letter.value() for letter in by_key.values())
    assert values == sorted([*refused, *(b"poison-%d-%d" % pair for pair in itertools.product(range(3), range(10)))])
