"""What bringing rows into Snowflake costs, by how it is done.

- high-performance Snowpipe Streaming (the project's own sink, Snowflake's connector v4): by uncompressed GB of values;
- classic Snowpipe Streaming (v2, v3, Confluent's managed sink): by the hours in which clients write, and serverless
  compute of which Snowflake publishes no amount per GB, so that this line has a range in place of an amount;
- Snowpipe (v2, v3 with `snowflake.ingestion.method: SNOWPIPE`): by GB of files.
"""

from __future__ import annotations

from decimal import Decimal

from modules.cost.book import Price
from modules.cost.estimators.base import Inputs
from modules.cost.lines import Line, credit_line
from modules.cost.units import Quantity, Unit, hours, of_bytes, plain

__all__ = ["MIB_PER_SNOWFLAKE_GB", "ingest", "ingest_lines"]

MIB_PER_SNOWFLAKE_GB = Decimal(1000)
"""How the other reading of "1 GB = 1000 MB" comes out, if its MB is a MiB."""


def ingest_lines(inputs: Inputs) -> tuple[Line, ...]:
    """All that the environment's way of bringing rows in costs."""
    if inputs.usage.ingest != "classic" or not inputs.usage.sink_share:
        return (ingest(inputs),)
    if not inputs.usage.bytes_sunk:
        return (_clients(inputs),)
    return _clients(inputs), _compute(inputs)


def ingest(inputs: Inputs) -> Line:
    """What is billed by the GB: high-performance streaming, or files. 1 GB is 10^9 bytes here; the note has the other
    reading."""
    usage = inputs.usage
    files = usage.ingest == "snowpipe"
    rate = inputs.price("snowflake.ingest.snowpipe" if files else "snowflake.ingest.streaming")
    other = rate.cost(Quantity(usage.bytes_sunk / 2**20 / MIB_PER_SNOWFLAKE_GB, Unit.GB))
    reading = f"; {plain(other)} credits if 1 GB is 1000 MiB" if other is not None else ""
    counted = "files before compression" if files else "values only"
    sent = of_bytes(usage.bytes_sunk, Unit.GB)
    return credit_line(
        "snowflake.ingest", "usage", sent, rate, _credit(inputs), f"{sent} sent",
        what="ingest, Snowpipe" if files else "ingest, Snowpipe Streaming",
        note=f"1 GB = 10^9 bytes{reading}; {counted}, here all that is sent",
    )  # fmt: skip


def _clients(inputs: Inputs) -> Line:
    """A client a task, writing all the time: where traffic pauses for long, it is less."""
    clients = inputs.usage.connector_tasks
    plural = "s" if clients != 1 else ""
    return credit_line(
        "snowflake.ingest", "fixed", hours(clients, Unit.INSTANCE_HOUR),
        inputs.price("snowflake.ingest.classic.client"), _credit(inputs), f"{clients} client{plural} × 730 h",
        what=f"ingest, classic streaming, {clients} client{plural}",
        note="a client a task that writes all month; Snowflake's connector v4 and the project's own sink pay by the GB",
    )  # fmt: skip


def _compute(inputs: Inputs) -> Line:
    sent = of_bytes(inputs.usage.bytes_sunk, Unit.GB)
    return credit_line(
        "snowflake.ingest_compute", "usage", sent, inputs.price("snowflake.ingest.classic.compute"), _credit(inputs),
        f"{sent} sent", what="ingest, classic streaming, compute",
    )  # fmt: skip


def _credit(inputs: Inputs) -> Price:
    return inputs.price(f"snowflake.credit.{inputs.usage.snowflake_edition}")
