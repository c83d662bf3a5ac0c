"""Rehearsals, for every platform's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.platforms.rehearsal import Rehearsal

Rehearse = Callable[[str], Rehearsal]
"""A case's name → its rehearsal, in a folder of the test's own."""


@pytest.fixture
def rehearse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Rehearse:
    return lambda case: Rehearsal(case, tmp_path, monkeypatch, capsys)
