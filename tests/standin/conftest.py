from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standin.harness import StandIn, run


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """A running stand-in shared by a module's tests; each uses names of its own."""
    server = StandIn(tmp_path_factory.mktemp("standin")).start()
    yield server
    server.stop()


@pytest.fixture
def own_standin(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in a test may stop and kill."""
    server = StandIn(tmp_path).start()
    yield server
    if server.process is not None:
        server.stop()


@pytest.fixture
def admin(standin: StandIn) -> Iterator[Any]:
    connection = standin.connect()
    yield connection
    connection.close()


@pytest.fixture
def database(admin: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own, current in `admin`."""
    name = request.node.name.upper().replace("[", "_").replace("]", "")[:50]
    run(admin, f'CREATE OR REPLACE DATABASE "{name}"')
    yield name
    run(admin, f'DROP DATABASE IF EXISTS "{name}"')
