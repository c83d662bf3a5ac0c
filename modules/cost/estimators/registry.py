"""A Schema Registry for platforms that bring none with a Confluent-compatible API (MSK): Apicurio as a Fargate task.

Its storage is a topic of the cluster (KafkaSQL), whose bytes are too few to count. Confluent's is in `confluent.py`
(Stream Governance Essentials), Redpanda's is built in.
"""

from __future__ import annotations

from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, line
from modules.cost.units import Unit, hours, plain

__all__ = ["estimate"]


def estimate(inputs: Inputs) -> Estimate:
    """One task; no lines where no topic has a schema."""
    if not inputs.usage.schemas:
        return Estimate(())
    vcpu, gib = inputs.assumptions.registry_vcpu, inputs.assumptions.registry_gib
    return Estimate(
        (
            line(
                "registry.vcpu", "kafka", "fixed", hours(vcpu, Unit.VCPU_HOUR), inputs.price("aws.fargate.vcpu"),
                f"{vcpu} vCPU × 730 h", what=f"Apicurio, {vcpu} vCPU",
            ),
            line(
                "registry.memory", "kafka", "fixed", hours(gib, Unit.GIB_HOUR), inputs.price("aws.fargate.memory"),
                f"{plain(gib)} GiB × 730 h", what=f"Apicurio, {plain(gib)} GiB",
            ),
        )
    )  # fmt: skip
