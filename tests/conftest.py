"""What a person's shell has set is no business of a test, nor is chance: a run repeats the one before.

`HYPOTHESIS_RANDOM=1 make test` draws examples anew.
"""

from __future__ import annotations

import os

_OF_A_SHELL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "INFRA_ENV", "INFRA_PLAN_KEY", "INFRA_PROJECT")


def pytest_configure() -> None:
    from hypothesis import settings

    # No deadline in either: a loaded machine is no finding.
    settings.register_profile("same every time", derandomize=True, deadline=None)
    settings.register_profile("anew", derandomize=False, deadline=None)
    settings.load_profile("anew" if os.environ.get("HYPOTHESIS_RANDOM") else "same every time")
    for name in _OF_A_SHELL:
        os.environ.pop(name, None)
