"""What a person's shell has set is no business of a test."""

from __future__ import annotations

import os

_OF_A_SHELL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "INFRA_ENV", "INFRA_PLAN_KEY", "INFRA_PROJECT")


def pytest_configure() -> None:
    for name in _OF_A_SHELL:
        os.environ.pop(name, None)
