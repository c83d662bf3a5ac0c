"""1,000 topics created through the bundled plugin, beside the same by the AdminClient alone on the same broker."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from bench.figures import Figure
from bench.process import BenchError
from bench.project import BenchProject, local_platform

__all__ = ["bench"]

TOPICS = 1_000
OFFICIAL_SECONDS = 105.0
"""The official plugin on a local broker, from the project's design document."""


def bench() -> Iterator[Figure]:
    with local_platform(deployed=False) as project:
        project.write_topics("thousand", TOPICS)
        deployed = project.infra("deploy", "--env", "thousand", "--yes", "--json")
        there = _topics(project)
        if len(there) != TOPICS:
            raise BenchError(f"{len(there):,} of {TOPICS:,} topics are there after the deploy")
        applied = _apply_seconds(json.loads(deployed.stdout))
        yield Figure("topics", f"{TOPICS:,} topics: apply of the stack", applied, "s", "≤ 12 s")
        yield Figure(
            "topics", f"{TOPICS:,} topics: whole infra deploy", deployed.seconds, "s", note="synth, plan, all stacks"
        )
        alone = _admin_alone(project)
        yield Figure("topics", f"{TOPICS:,} topics: AdminClient alone", alone, "s", note="one request, other names")
        yield Figure("topics", "plugin beside AdminClient", applied / alone if applied else None, "×")
        yield Figure("topics", "official plugin", OFFICIAL_SECONDS, "s", note="from the design", reference=True)


def _apply_seconds(document: dict[str, Any]) -> float | None:
    stacks = (document.get("result") or document.get("applied") or {}).get("stacks", [])
    return next((float(stack["seconds"]) for stack in stacks if stack["stack"] == "topics"), None)


def _admin(project: BenchProject) -> Any:
    from confluent_kafka.admin import AdminClient

    from modules.environment import load_environment
    from modules.platforms import platform_for
    from modules.project import Project

    own = Project(project.root)
    return AdminClient(platform_for(load_environment(own, "local"), own).kafka_client("admin"))


def _topics(project: BenchProject) -> list[str]:
    return [name for name in _admin(project).list_topics(timeout=10).topics if name.startswith("bench-")]


def _admin_alone(project: BenchProject) -> float:
    from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

    admin = _admin(project)
    admin.list_topics(timeout=10)
    began = time.perf_counter()
    answers = admin.create_topics([NewTopic(f"alone-{number:05d}", 1, 1) for number in range(TOPICS)])
    for answer in answers.values():
        answer.result()
    return time.perf_counter() - began
