"""Rows a second through the sink: 20,000 events lie in the topic, the sink carries them until it is caught up."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench.figures import Figure
from bench.project import local_platform

__all__ = ["bench"]

EVENTS = 20_000


def bench() -> Iterator[Figure]:
    from modules.local.sink_service import stop_sink
    from modules.project import Project

    with local_platform(deployed=True) as project:
        stop_sink(Project(project.root))
        sent = json.loads(project.infra("produce", "--env", "local", "--count", str(EVENTS), "--json").stdout)
        carried = project.infra("sink", "--env", "local", "--until-caught-up", "--json")
        status = json.loads(carried.stdout)
        rows = int(status["rows_committed"])
        if rows != EVENTS:
            raise AssertionError(f"the sink carried {rows:,} rows of {EVENTS:,}")
        yield Figure("sink", f"{EVENTS:,} rows, whole process", rows / carried.seconds, "rows/s", note="start included")
        yield Figure("sink", f"{EVENTS:,} rows, from its start", rows / float(status["seconds"]), "rows/s")
        yield Figure("sink", "producer, for comparison", float(sent["rate"]), "events/s")
        yield Figure("sink", "sink beside producer", rows / carried.seconds / float(sent["rate"]), "×")
