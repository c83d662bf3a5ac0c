"""Rows a second through the sink: 20,000 events lie in a topic, the sink carries them until it is caught up.

With 1, 6 and 24 partitions of the same topic, one after the other, since a partition is a channel of its own. The
memory is the sink's and, beside it, the stand-in's, whose table grows by as many rows each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench.figures import Figure
from bench.process import INFRA, Measured, Peak, run
from bench.project import BenchProject, local_platform

__all__ = ["bench"]

EVENTS = 20_000
PARTITIONS = (1, 6, 24)
ENVIRONMENT = "extends: local\ntopics:\n  order-events: {{partitions: {count}}}\n"


def bench() -> Iterator[Figure]:
    """Figures for each number of partitions; the last says how much the most partitions win over one."""
    from modules.local.sink_service import stop_sink
    from modules.project import Project

    with local_platform(deployed=False) as project:
        rates: list[float] = []
        for count in PARTITIONS:
            (project.root / "environments" / "bench-sink.yaml").write_text(ENVIRONMENT.format(count=count))
            project.infra("deploy", "--env", "bench-sink", "--yes")
            stop_sink(Project(project.root))
            sent = json.loads(_infra(project, "produce", "--count", str(EVENTS)).stdout)
            warehouse = Peak(_stand_in(project))
            try:
                carried = _infra(project, "sink", "--until-caught-up")
            finally:
                held = warehouse.stop()
            status = json.loads(carried.stdout)
            rows = int(status["rows_committed"])
            if rows != EVENTS:
                raise AssertionError(f"the sink carried {rows:,} rows of {EVENTS:,}")
            rates.append(rows / float(status["seconds"]))
            what = f"{count} partition{'s' * (count > 1)}"
            megabytes = float(sent["bytes"]) / 1e6 / float(status["seconds"])
            yield Figure("sink", f"{what}, from its start", rates[-1], "rows/s", note=f"{EVENTS:,} rows")
            yield Figure("sink", f"{what}, as sent", megabytes, "MB/s", note="Avro, 10⁶ bytes")
            yield Figure("sink", f"{what}, whole process", rows / carried.seconds, "rows/s", note="start included")
            yield Figure("sink", f"{what}, the sink's memory", carried.peak_bytes / 1e6, "MB")
            yield Figure("sink", f"{what}, the stand-in's memory", held / 1e6, "MB")
            yield Figure("sink", f"{what}, beside the producer", rates[-1] / float(sent["rate"]), "×")
        yield Figure("sink", f"{PARTITIONS[-1]} partitions beside {PARTITIONS[0]}", rates[-1] / rates[0], "×")


def _infra(project: BenchProject, command: str, *arguments: str) -> Measured:
    return run(
        [*INFRA, command, "--env", "bench-sink", *arguments, "--json"],
        environment=project.variables,
        memory=True,
    )


def _stand_in(project: BenchProject) -> int:
    """The stand-in's process id."""
    services = json.loads(project.infra("local", "status", "--json").stdout)
    return next(int(each["pid"]) for each in services if "snowflake" in each["name"].lower())
