"""Rehearsals, for every platform's tests.

Terraform attaches to the simulated providers rather than starting them anew for each of its commands, which would be
most of the time a rehearsal takes; tests/simulated rehearses with plugins that Terraform starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.platforms.rehearsal import Rehearsal
from tests.plugins.attached import simulations

Rehearse = Callable[[str], Rehearsal]
"""A case's name → its rehearsal, in a folder of the test's own."""


@pytest.fixture
def rehearse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Rehearse]:
    with simulations(tmp_path / "simulated.sqlite"):
        yield lambda case: Rehearsal(case, tmp_path, monkeypatch, capsys)
