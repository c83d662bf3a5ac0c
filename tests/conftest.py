"""What a person's shell has set is no business of a test, nor is chance: a run repeats the one before.

`HYPOTHESIS_RANDOM=1 make test` draws examples anew.
"""

from __future__ import annotations

import os

_OF_A_SHELL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "INFRA_ENV", "INFRA_PLAN_KEY", "INFRA_PROJECT")


def pytest_configure() -> None:
    from hypothesis import settings

    settings.register_profile("same every time", derandomize=True, deadline=None)
    if not os.environ.get("HYPOTHESIS_RANDOM"):
        settings.load_profile("same every time")
    for name in _OF_A_SHELL:
        os.environ.pop(name, None)
