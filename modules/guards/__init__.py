"""Guards: what a plan must not do in an environment without somebody saying so.

    EnvironmentPlan, Environment ─► gather (cost, plugins) ─► facts.Facts ─► rules/ ─┐
                                          the project's own hooks (hooks.py) ────────┴─► check ─► GuardReport

The reviews in `modules/terraform/review.py` say what cannot work; guards are policy: each can be tuned, and waived for
a while, in the environment's YAML. Nothing here runs Terraform or changes anything.
"""

from __future__ import annotations

from modules.guards.catalog import GUARDS, Guard
from modules.guards.check import check_guards
from modules.guards.result import GuardReport, GuardResult, GuardsRefusedError, UsedWaiver, WaiverNote

__all__ = [
    "GUARDS",
    "Guard",
    "GuardReport",
    "GuardResult",
    "GuardsRefusedError",
    "UsedWaiver",
    "WaiverNote",
    "check_guards",
]
