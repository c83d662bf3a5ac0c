"""Stacks to declare on, and their synthesised JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modules.cdk import App
from modules.resources.base import Stack


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(outdir=str(tmp_path / "out"))


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "test")


@pytest.fixture
def synth(app: App, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Synthesises the app; gives stack `test` as it was written."""

    def run() -> dict[str, Any]:
        app.synth()
        written: dict[str, Any] = json.loads((tmp_path / "out" / "stacks" / "test" / "cdk.tf.json").read_text())
        return written

    return run
