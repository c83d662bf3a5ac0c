"""Rows a second through the sink: 20,000 events lie in a topic, the sink carries them until it is caught up.

With 1, 6 and 24 partitions, each its own topic and table, since a partition is a channel and a thread of its own. The
memory is the sink's and, beside it, the stand-in's.
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
ENVIRONMENT = """extends: local
topics:
""" + "".join(
    f"""  orders-{count}:
    partitions: {count}
    key: order_id
    value: {{schema: schemas/order_events.avsc, compatibility: BACKWARD}}
    sink: {{table: STREAMING.PUBLIC.ORDERS_{count}}}
"""
    for count in PARTITIONS
)


def bench() -> Iterator[Figure]:
    """Figures for each number of partitions; the last says how much the most partitions win over one."""
    from modules.local.sink_service import stop_sink
    from modules.project import Project

    with local_platform(deployed=False) as project:
        (project.root / "environments" / "bench-sink.yaml").write_text(ENVIRONMENT)
        project.infra("deploy", "--env", "bench-sink", "--yes")
        stop_sink(Project(project.root))
        rates: list[float] = []
        for count in PARTITIONS:
            sent = json.loads(_infra(project, "produce", f"orders-{count}", "--count", str(EVENTS)).stdout)
            warehouse = Peak(_stand_in(project))
            try:
                carried = _infra(project, "sink", f"orders-{count}", "--until-caught-up")
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


def _infra(project: BenchProject, command: str, topic: str, *arguments: str) -> Measured:
    return run(
        [*INFRA, command, "--env", "bench-sink", "--topic", topic, *arguments, "--json"],
        environment=project.variables,
        memory=True,
    )


def _stand_in(project: BenchProject) -> int:
    """The stand-in's process id."""
    services = json.loads(project.infra("local", "status", "--json").stdout)
    return next(int(each["pid"]) for each in services if "snowflake" in each["name"].lower())
