"""`infra smoke` as a process whose memory is watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from modules.project import Project

__all__ = ["Watched", "everything_is_accounted_for", "smoke_watched"]

_EVERY = 0.25


@dataclass(frozen=True)
class Watched:
    """A run that has ended. `memory` is its resident bytes, a few times a second."""

    report: dict[str, Any]
    memory: list[int]

    @property
    def peak(self) -> int:
        return max(self.memory)


def smoke_watched(project: Project, *arguments: str) -> Watched:
    """A run on the local environment; whether its SLOs are met is not looked at."""
    command = [str(Path(sys.executable).parent / "infra"), "smoke", "--env", "local", "--json", *arguments]
    environment = {**os.environ, "CI": "true", "INFRA_PROJECT": str(project.root)}
    memory: list[int] = []
    ended = threading.Event()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:

        def watch() -> None:
            process = psutil.Process(running.pid)
            while not ended.wait(_EVERY):
                try:
                    memory.append(process.memory_info().rss)
                except psutil.Error:
                    return

        watching = threading.Thread(target=watch)
        watching.start()
        out, err = running.communicate()
        ended.set()
        watching.join()
    assert running.returncode in (0, 4), err
    return Watched(json.loads(out), memory)


def everything_is_accounted_for(watched: Watched, count: int) -> None:
    """Every event was seen at every stage, once, in order and as it was sent, and every partition had some."""
    report = watched.report
    assert report["load"]["sent"] == count
    assert sum(report["load"]["by_partition"].values()) == count + report["load"]["warmup_discarded"]
    assert all(report["load"]["by_partition"].values())
    for name, stage in report["stages"].items():
        assert (stage["n"], stage["lost"], stage["duplicated"], stage["in_flight"]) == (count, 0, 0, 0), name
        assert stage["p99_9_ms"] is not None
        assert stage["histogram"]["count"] == count
    assert sum(report["over_time"]["sent"]) == count
    assert report["stages"]["consumed"]["out_of_order"] == 0
    assert report["stages"]["consumed"]["corrupted"] == report["stages"]["row_visible"]["corrupted"] == 0
