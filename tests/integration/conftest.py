"""One local platform for the whole integration session, in a project of its own.

The user's ordinary cache of downloads is used, so that only the first session ever fetches anything.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.local.endpoints import LocalEndpoints
from modules.project import Project

if TYPE_CHECKING:
    from tests.integration.kafka_connect_parts import Worker

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class RunningPlatform:
    """The session's platform: Kafka, the registry and the Snowflake stand-in are up."""

    project: Project
    endpoints: LocalEndpoints
    environment: Environment


def new_project(folder: Path) -> Project:
    """A project with a copy of the repository's `environments/` and no state."""
    shutil.copytree(REPOSITORY / "environments", folder / "environments")
    return Project(folder)


@pytest.fixture(scope="session")
def local_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """Up once a session, down at its end also when tests failed."""
    from modules.local.platform import down, up

    project = new_project(tmp_path_factory.mktemp("project"))
    try:
        environment = load_environment(project, "local")
        yield RunningPlatform(project, up(project, environment.local), environment)
    finally:
        down(project)


@pytest.fixture(scope="session")
def worker(local_platform: RunningPlatform) -> Iterator[Worker]:
    """A Kafka Connect worker on the session's platform, with a PostgreSQL where there are programs for one."""
    from modules.local import connect, extras, postgres, supervisor
    from tests.integration.kafka_connect_parts import postgres_programs, start_worker

    started = start_worker(local_platform, "cdc" if postgres_programs() else "connect")
    yield started
    for name in (connect.NAME, postgres.NAME):
        supervisor.stop(started.project.local, name)
    extras.wipe(started.project)
