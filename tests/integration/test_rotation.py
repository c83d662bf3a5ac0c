"""The connector's key rotated under a running sink: no failed batch, no lost row."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.local import supervisor
from modules.local.platform import up
from tests.integration.conftest import RunningPlatform
from tests.integration.pipeline_parts import Pipeline, doubled, make_pipeline

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]

_numbers = itertools.count()


@pytest.fixture
def pipeline(local_platform: RunningPlatform) -> Iterator[Pipeline]:
    made = make_pipeline(local_platform, f"rotation-{next(_numbers)}")
    yield made
    for sink in made.sinks:
        sink.kill()


def rotate(pipeline: Pipeline, *, kill_after: str | None = None) -> subprocess.CompletedProcess[str] | None:
    """`infra warehouse rotate-key`, killed as soon as it says that it has come so far."""
    command = [str(Path(sys.executable).parent / "infra"), "--plain", "warehouse", "rotate-key"]
    arguments = ["--env", pipeline.environment.name, "--user", "SVC_KAFKA_CONNECTOR", "--bits", "2048"]
    process = subprocess.Popen(
        [*command, *arguments], cwd=pipeline.project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if kill_after is None:
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(command, process.returncode, out, err)
    assert process.stderr is not None
    for line in process.stderr:
        if kill_after in line:
            process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    return None


def keys(pipeline: Pipeline) -> tuple[str, str]:
    found = {row[0]: row[1] for row in pipeline.sql("DESCRIBE USER SVC_KAFKA_CONNECTOR")}
    return found["RSA_PUBLIC_KEY"], found["RSA_PUBLIC_KEY_2"]


def restart_warehouse(pipeline: Pipeline) -> None:
    """The sink's token ends with the stand-in, so it has to log in anew: with the new key."""
    process = supervisor.find(pipeline.project.local, "snowflake")
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    up(pipeline.project, pipeline.environment.local)


def test_a_key_rotated_under_a_running_sink_costs_no_batch_and_no_row(pipeline: Pipeline) -> None:
    before = keys(pipeline)
    with pipeline.sink() as sink:
        with pipeline.flowing(rate=100, total=800):
            sink.until(lambda: sink.status().get("rows_committed", 0) > 0)
            rotate(pipeline, kill_after="the secret holds the new key")
            done = rotate(pipeline)
        assert done is not None and done.returncode == 0, done
        assert "an interrupted rotation was finished" in done.stderr
        after = keys(pipeline)
        assert after[0] != before[0] and after[1] == "null"
        restart_warehouse(pipeline)
        pipeline.produce(200, seed=2)
        sink.until(lambda: sink.status()["rows_committed"] == 1_000, every=0.1)
        status = sink.stop()
    assert pipeline.rows() == (1_000, 1_000)
    assert doubled(pipeline.positions()) == []
    assert (status["dead_lettered"], status["refused"], status["lag"]) == (0, 0, 0)
