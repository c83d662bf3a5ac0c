"""Snowflake beside a platform: Snowpipe Streaming's ingest, the rows kept, the warehouse that readers run.

The warehouse is priced by the hours it runs for readers; the connector itself needs none. Cloud services are free up to
10 % of a day's warehouse credits and are taken to stay below that.
"""

from __future__ import annotations

from decimal import Decimal

from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Line, credit_line, line, money
from modules.cost.units import Quantity, Unit, of_bytes, plain

__all__ = ["GEN2_ON_AWS", "MIB_PER_SNOWFLAKE_GB", "estimate", "ingest"]

GEN2_ON_AWS = Decimal("1.35")
"""Credits of a Gen2 warehouse on AWS per Gen1 credit (Service Consumption Table effective 2026-03-31)."""

MIB_PER_SNOWFLAKE_GB = Decimal(1000)
"""How the other reading of "1 GB = 1000 MB" comes out, if its MB is a MiB."""


def estimate(inputs: Inputs) -> Estimate:
    """All of Snowflake for one month."""
    usage = inputs.usage
    credit = inputs.price(f"snowflake.credit.{usage.snowflake_edition}")
    warehouse = inputs.price(f"snowflake.warehouse.{usage.warehouse_size}")
    running = Quantity(usage.warehouse_hours, Unit.WAREHOUSE_HOUR)
    reading = credit_line(
        "snowflake.warehouse", "usage", running, warehouse, credit,
        f"{plain(usage.warehouse_hours_per_day)} h a day × 730/24 days",
        what=f"warehouse {usage.warehouse_size.upper()}", note=_gen2(inputs, running),
    )  # fmt: skip
    used = warehouse.cost(running)
    free = f" ({plain(used / 10)} credits a month here)" if used is not None else ""
    edition = usage.snowflake_edition.replace("_", " ").title()
    notes = (
        f"Snowflake {edition}: cloud services are taken to stay within the free 10 %{free}; "
        "Time Travel and Fail-safe hold what is changed or dropped, "
        "which append-only rows are not.",
    )
    return Estimate((ingest(inputs), _storage(inputs), reading), notes)


def ingest(inputs: Inputs) -> Line:
    """Snowpipe Streaming, by uncompressed bytes of values. 1 GB is 10^9 bytes here; the note has the other reading."""
    usage = inputs.usage
    rate = inputs.price("snowflake.ingest.streaming")
    credit = inputs.price(f"snowflake.credit.{usage.snowflake_edition}")
    other = rate.cost(Quantity(usage.bytes_sunk / 2**20 / MIB_PER_SNOWFLAKE_GB, Unit.GB))
    reading = f"; {plain(other)} credits if 1 GB is 1000 MiB" if other is not None else ""
    note = f"1 GB = 10^9 bytes{reading}; values only, here all that is sent"
    sent = of_bytes(usage.bytes_sunk, Unit.GB)
    return credit_line(
        "snowflake.ingest", "usage", sent, rate, credit, f"{sent} sent", what="ingest, Snowpipe Streaming", note=note
    )


def _storage(inputs: Inputs) -> Line:
    days = inputs.assumptions.table_days
    kept = of_bytes(inputs.usage.bytes_per_second * 86_400 * days * inputs.usage.sink_share, Unit.TB_MONTH)
    price = inputs.price("snowflake.storage")
    month = price.cost(kept)
    more = f"each further {plain(days)} d of rows kept: {money(month)} a month; " if month is not None else ""
    return line(
        "snowflake.storage", "snowflake", "usage", kept, price, f"{plain(days)} d of rows, uncompressed",
        what=f"storage, {plain(days)} d of rows",
        note=f"{more}compression would make it less",
    )  # fmt: skip


def _gen2(inputs: Inputs, running: Quantity) -> str:
    credit = inputs.price(f"snowflake.credit.{inputs.usage.snowflake_edition}")
    rate = inputs.price(f"snowflake.warehouse.{inputs.usage.warehouse_size}")
    credits = rate.cost(running)
    amount = credit.cost(Quantity(credits, Unit.CREDIT)) if credits is not None else None
    gen2 = money(amount * GEN2_ON_AWS) if amount is not None else "unknown"
    return f"the warehouse is counted as Gen1; as Gen2, the default of newer organisations, × {GEN2_ON_AWS} = {gen2}"
