"""The sink as a supervised service of the local platform."""

from __future__ import annotations

import os
import signal
import time

import pytest

from modules.errors import LocalError
from modules.local import supervisor
from modules.local.platform import ServiceStatus, start_sink, status, stop_sink
from modules.project import Project
from tests.integration.conftest import RunningPlatform
from tests.integration.pipeline_parts import Pipeline, make_pipeline

pytestmark = pytest.mark.platform


def sink_status(project: Project) -> ServiceStatus:
    return next(service for service in status(project) if service.name == "sink")


def test_a_supervised_sink_carries_rows_survives_a_kill_and_stops(local_platform: RunningPlatform) -> None:
    pipeline = make_pipeline(local_platform, "supervised-events")
    project, environment = local_platform.project, pipeline.environment.name
    try:
        first = start_sink(project, environment)
        assert first.state == "running"
        assert start_sink(project, environment).pid == first.pid, "one that runs already is left alone"

        pipeline.produce(200)
        _until_rows(pipeline, 200)

        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)
        while supervisor.find(project.local, "sink") is not None:
            time.sleep(0.05)
        assert sink_status(project).state == "dead"
        second = start_sink(project, environment)
        assert second.pid != first.pid
        pipeline.produce(100, seed=2)
        _until_rows(pipeline, 300)
    finally:
        stopped = stop_sink(project)
    assert stopped
    assert sink_status(project).state == "stopped"
    assert not stop_sink(project)


def test_a_sink_for_an_environment_that_is_not_there_says_so(local_platform: RunningPlatform) -> None:
    with pytest.raises(LocalError, match="sink ended while starting") as caught:
        start_sink(local_platform.project, "no-such-environment")
    assert any("no-such-environment" in line for line in caught.value.details)


def _until_rows(pipeline: Pipeline, wanted: int) -> None:
    """Wait for so many distinct rows; all rows must be distinct."""
    deadline = time.monotonic() + 90
    rows = distinct = 0
    while distinct < wanted and time.monotonic() < deadline:
        time.sleep(0.2)
        rows, distinct = pipeline.rows()
    assert (rows, distinct) == (wanted, wanted)
