"""Snowflake beside a platform: what brings rows in, what is kept, what readers' warehouses take, cloud services.

Ingest is `snowflake_ingest.py`, storage `snowflake_storage.py`, warehouses and cloud services `snowflake_compute.py`;
here they are put together, with what a reader of the report must know of all of them. Snowflake bills no transfer for
any of this: rows come in free of charge, and what readers fetch by a driver is free as well.
"""

from __future__ import annotations

from modules.cost.estimators import snowflake_compute as compute
from modules.cost.estimators import snowflake_storage as storage
from modules.cost.estimators.base import Inputs
from modules.cost.estimators.prepared import Bill, joined, same_for
from modules.cost.estimators.snowflake_ingest import MIB_PER_SNOWFLAKE_GB, ingest, ingest_lines
from modules.cost.lines import Estimate

__all__ = ["MIB_PER_SNOWFLAKE_GB", "estimate", "ingest", "prepare"]


def estimate(inputs: Inputs) -> Estimate:
    """All of Snowflake for one month."""
    return prepare(inputs)(inputs.usage)


def prepare(inputs: Inputs) -> Bill:
    """What `estimate` gives, as a function of the month; the month in `inputs` is not looked at."""
    return joined(
        inputs,
        lambda now: Estimate(ingest_lines(now)),
        lambda now: Estimate(storage.lines(now)),
        same_for(compute.estimate, *compute.LOOKS_AT),
    )
