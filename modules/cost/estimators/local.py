"""The laptop: nothing is billed. Its lines say what each local service stands for, so that $0 is not read as free."""

from __future__ import annotations

from decimal import Decimal

from modules.cost.book import ANYWHERE, Price, Source, Tier
from modules.cost.lines import Estimate, Group, line
from modules.cost.units import Quantity, Unit
from modules.environment.model import Environment

__all__ = ["estimate"]

_SERVICES: tuple[tuple[str, Group, str, str], ...] = (
    ("local.kafka", "kafka", "Kafka, one node", "a cluster of three brokers"),
    ("local.registry", "kafka", "Apicurio", "a Schema Registry"),
    ("local.sink", "connect", "own sink", "a managed connector"),
    ("local.snowflake", "snowflake", "Snowflake stand-in", "ingest, storage and warehouse"),
)


def estimate(environment: Environment) -> Estimate:
    """Four lines of $0.00 and a note."""
    del environment  # Every laptop costs the same; the argument keeps this an estimator like the others.
    here = Source("this machine: no vendor bills it", "2026-11")
    lines = []
    for name, group, what, stands_for in _SERVICES:
        price = Price(
            name, what, Unit.RESOURCE_MONTH, "USD", (ANYWHERE,), here, "A", (Tier(Decimal(0)),)
        )  # fmt: skip
        lines.append(
            line(
                name,
                group,
                "fixed",
                Quantity(Decimal(1), Unit.RESOURCE_MONTH),
                price,
                "1 process",
                what=f"{what} (for {stands_for})",
            )
        )
    return Estimate(
        tuple(lines),
        ("A laptop costs nothing; `infra cost compare` has this workload on every platform.",),
    )
