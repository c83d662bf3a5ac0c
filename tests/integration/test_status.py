"""What the status screen shows on the local platform: trouble by the next refresh, and that it clears when healed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from modules.local import supervisor
from modules.local.platform import start_sink, stop_sink
from modules.status.dead_letters import remember_seen
from modules.status.gather import Status, Watch, open_watch
from tests.integration.conftest import RunningPlatform
from tests.integration.pipeline_parts import Pipeline, make_pipeline
from tests.integration.program import Infra

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def pipeline(local_platform: RunningPlatform) -> Iterator[Pipeline]:
    made = make_pipeline(local_platform, "watched-events", partitions=2)
    # The name of the file is the environment's; its own smoke topic is not deployed here.
    file = made.project.environments / f"{made.environment.name}.yaml"
    file.write_text(file.read_text() + "smoke: {own: false}\n")
    try:
        yield made
    finally:
        stop_sink(made.project)


@pytest.fixture(scope="module")
def watch(pipeline: Pipeline) -> Iterator[Watch]:
    found = open_watch(pipeline.environment, pipeline.project, pipeline.platform)
    yield found
    found.close()


def rules(status: Status) -> set[str]:
    return {each.rule for each in status.findings}


def until(watch: Watch, holds: Callable[[Status], bool], seconds: float = 30) -> Status:
    deadline = time.monotonic() + seconds
    while True:
        status = watch.look()
        if holds(status):
            return status
        assert time.monotonic() < deadline, f"{status.findings} {status.found.missing}"
        time.sleep(0.5)


def test_a_killed_connector_a_growing_lag_and_a_poisoned_message_are_shown_and_clear_when_healed(
    pipeline: Pipeline, watch: Watch
) -> None:
    project, name = pipeline.project, pipeline.environment.name
    sink = start_sink(project, name)
    pipeline.produce(100)
    whole = until(watch, lambda status: status.healthy and all(each.token for each in status.found.channels))
    assert whole.found.missing == ()
    assert [each.state for each in whole.found.connectors] == ["RUNNING"]
    assert whole.found.lags[0].lag == 0 and sum(whole.found.topics[0].ends.values()) == 100
    assert whole.found.tables[0].rows_per_minute == 100
    assert [each.token for each in whole.found.channels] == [(each.end or 0) - 1 for each in whole.found.channels]

    assert sink.pid is not None
    os.kill(sink.pid, signal.SIGKILL)
    while supervisor.find(project.local, "sink") is not None:
        time.sleep(0.02)
    killed = watch.look()
    assert not killed.healthy and rules(killed) == {"connector-down"}
    assert f"its process {sink.pid} is gone" in str(killed.found.connectors[0].error)

    with pipeline.flowing(rate=50, total=250):
        watch.look()
        time.sleep(1)
        growing = watch.look()
        (lag,) = growing.found.lags
        assert {"connector-down", "lag-growing"} <= rules(growing) and growing.found.missing == ()
        assert lag.trend == "growing" and lag.drain_seconds is None and lag.lag > 0 and lag.waiting_seconds
        assert growing.found.tables[0].behind == lag.lag

    start_sink(project, name)
    healed = until(watch, lambda status: status.found.lags[0].lag == 0)
    assert healed.healthy and healed.found.tables[0].freshness_seconds == 0

    pipeline.send((b"k", b"no avro at all"))
    poisoned = until(watch, lambda status: any(each.fresh for each in status.found.dead_letters), seconds=10)
    (letters,) = poisoned.found.dead_letters
    assert rules(poisoned) == {"dead-letters"} and not poisoned.healthy
    assert (letters.count, letters.fresh, letters.reasons[0].reason) == (1, 1, "no-magic-byte")
    cleared = until(watch, lambda status: all(each.lag == 0 for each in status.found.lags), seconds=10)
    assert cleared.found.tables[0].behind == 0, "what has no row is dealt with too"

    assert remember_seen(project, name, poisoned.found.dead_letters) == 1
    seen = watch.look()
    assert seen.healthy and seen.found.dead_letters[0].count == 1 and seen.found.dead_letters[0].fresh == 0


def test_the_program_says_it_as_text_json_and_openmetrics_with_its_exit_codes(pipeline: Pipeline) -> None:
    from prometheus_client.openmetrics import parser

    parse: Any = parser.text_string_to_metric_families

    infra, name = Infra(pipeline.project), pipeline.environment.name
    sink = start_sink(pipeline.project, name)
    assert sink.pid is not None
    os.kill(sink.pid, signal.SIGKILL)
    while supervisor.find(pipeline.project.local, "sink") is not None:
        time.sleep(0.02)
    text = infra("status", "--env", name)
    assert text.code == 5
    assert f"✗ {name}" in text.out and "sink-watched-events  dead" in text.out
    assert f"→ infra status --env {name} --restart" in text.out
    assert "Traceback" not in text.err and "\x1b" not in text.out

    told = infra("status", "--env", name, "--json")
    document: Any = told.json
    assert told.code == 5 and document["healthy"] is False
    assert document["connectors"][0]["restart"] == f"infra status --env {name} --restart"

    metrics = infra("status", "--env", name, "--openmetrics")
    families = {family.name: family for family in parse(metrics.out)}
    assert metrics.code == 5
    assert families["infra_connector_up"].samples[0].value == 0

    again = infra("status", "--env", name, "--restart", "--yes", "--dead-letters-seen")
    assert again.code == 0, again.out
    assert "sink-watched-events: dead" in again.err and "sink-watched-events  running" in again.out
