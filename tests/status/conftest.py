"""What each test of a collector starts from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modules.environment import load_environment
from modules.environment.model import Environment
from modules.project import Project
from tests.status.sources import REPOSITORY, Answers


@pytest.fixture(scope="module")
def environment() -> Environment:
    return load_environment(Project(REPOSITORY), "local")


@pytest.fixture
def service() -> Iterator[Answers]:
    found = Answers()
    yield found
    found.server.shutdown()
    found.server.server_close()
