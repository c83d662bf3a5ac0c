"""Snowflake beside a platform: what brings rows in, what is kept, what readers' warehouses take, cloud services.

Ingest is `snowflake_ingest.py`, storage `snowflake_storage.py`, warehouses and cloud services `snowflake_compute.py`;
here they are put together, at the prices of the account's region. Snowflake bills no transfer for any of this: rows
come in free of charge, and what readers fetch by a driver is free as well. Where the account is in another region than
Kafka, AWS bills the way there.
"""

from __future__ import annotations

from modules.cost.estimators import snowflake_compute as compute
from modules.cost.estimators import snowflake_storage as storage
from modules.cost.estimators.base import Inputs
from modules.cost.estimators.prepared import Bill, joined, same_for
from modules.cost.estimators.snowflake_ingest import MIB_PER_SNOWFLAKE_GB, ingest, ingest_lines
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Unit, of_bytes

__all__ = ["MIB_PER_SNOWFLAKE_GB", "estimate", "ingest", "prepare"]


def estimate(inputs: Inputs) -> Estimate:
    """All of Snowflake for one month."""
    return prepare(inputs)(inputs.usage)


def prepare(inputs: Inputs) -> Bill:
    """What `estimate` gives, as a function of the month; of the month in `inputs` only the region is looked at."""
    region = inputs.usage.snowflake_region or inputs.region
    there = Inputs(inputs.usage, inputs.book, region, inputs.assumptions)
    return joined(
        there,
        lambda now: Estimate((*ingest_lines(now), *_transfer(now, inputs.region))),
        storage.estimate,
        same_for(compute.estimate, *compute.LOOKS_AT),
    )


def _transfer(inputs: Inputs, kafka: str) -> tuple[Line, ...]:
    """What carries rows to an account in another region; within a region there is nothing to pay."""
    sunk = of_bytes(inputs.usage.bytes_sunk, Unit.GIB)
    if inputs.region == kafka or not sunk.amount:
        return ()
    transfer = line(
        "snowflake.transfer", "snowflake", "usage", sunk, inputs.book.price("aws.region.transfer", kafka),
        f"{sunk} from {kafka} to {inputs.region}", what=f"rows from {kafka} to {inputs.region}",
        note="billed by AWS to whom the connector belongs: a vendor's managed one has it in its price",
    )  # fmt: skip
    return (transfer,)
