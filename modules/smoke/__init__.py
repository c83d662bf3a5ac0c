"""How fast an event gets from a producer to a queryable row, measured so that a release can be bet on it.

`run_smoke` measures a deployed environment; `report` renders what it found. Everything that costs an import of a Kafka
or Snowflake client is imported when a run starts.
"""

from __future__ import annotations

from modules.smoke.load import LoadPlan
from modules.smoke.result import Progress, SmokeResult
from modules.smoke.run import SmokeOptions, run_smoke

__all__ = ["LoadPlan", "Progress", "SmokeOptions", "SmokeResult", "run_smoke"]
