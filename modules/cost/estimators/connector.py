"""What carries events from the topic into the warehouse.

By the environment's `connect.kind`: a vendor's managed connector where there is one (Confluent's, MSK Connect), else
the project's own sink or a Kafka Connect of one's own, as Fargate tasks. The sink as a mere process runs wherever it is
started; it is counted as a task all the same, for some machine runs it.
"""

from __future__ import annotations

from typing import Literal

from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Unit, hours, of_bytes, plain
from modules.environment.connect import Capacity
from modules.environment.connect import Kind as Kind

__all__ = ["Kind", "Vendor", "estimate"]

Vendor = Literal["confluent", "msk", "redpanda"]


def estimate(
    inputs: Inputs, vendor: Vendor, kind: Kind, capacity: Capacity | None = None, connectors: int = 1
) -> Estimate:
    """The connector as this vendor has it; no lines where no topic has a sink.

    Args:
        capacity: MSK Connect's workers of each connector.
        connectors: how many there are, one a topic.
    """
    if not inputs.usage.sink_share:
        return Estimate(())
    if kind == "managed" and vendor == "confluent":
        return Estimate(_confluent(inputs))
    if kind == "managed" and vendor == "msk":
        return Estimate((_msk_connect(inputs, capacity or Capacity(), connectors),))
    return Estimate(_fargate(inputs, vendor, kind))


def _confluent(inputs: Inputs) -> tuple[Line, ...]:
    tasks = inputs.usage.connector_tasks
    plural = "s" if tasks != 1 else ""
    carried = of_bytes(inputs.usage.bytes_sunk, Unit.GIB)
    return (
        line(
            "connect.tasks", "connect", "fixed", hours(tasks, Unit.TASK_HOUR), inputs.price("confluent.connect.task"),
            f"{tasks} task{plural} × 730 h", what=f"managed sink, {tasks} task{plural}",
        ),
        line(
            "connect.throughput", "connect", "usage", carried, inputs.price("confluent.connect.throughput"),
            f"{carried} sent", what="managed sink, data",
        ),
    )  # fmt: skip


def _msk_connect(inputs: Inputs, capacity: Capacity, connectors: int) -> Line:
    scale = capacity.autoscale
    workers = scale.least if scale else capacity.workers
    mcu = connectors * workers * capacity.mcu
    times = f"{connectors} connectors × " if connectors != 1 else ""
    each = f"{workers} workers × " if workers != 1 else ""
    return line(
        "connect.mcu", "connect", "fixed", hours(mcu, Unit.MCU_HOUR), inputs.price("msk.connect.mcu"),
        f"{times}{each}{capacity.mcu} MCU × 730 h", what=f"MSK Connect, {mcu} MCU", count=connectors,
        note=f"scales up to {scale.most} workers by itself; the least is counted" if scale else "",
    )  # fmt: skip


def _fargate(inputs: Inputs, vendor: Vendor, kind: Kind) -> tuple[Line, ...]:
    tasks = inputs.usage.connector_tasks
    what = "Connect worker" if kind == "kafka-connect" else "own sink"
    vcpu, gib = inputs.assumptions.sink_vcpu, inputs.assumptions.sink_gib
    if kind == "kafka-connect":
        vcpu, gib = vcpu * 2, gib * 4
    made = (
        line(
            "connect.vcpu", "connect", "fixed", hours(tasks * vcpu, Unit.VCPU_HOUR), inputs.price("aws.fargate.vcpu"),
            f"{tasks} × {vcpu.normalize():f} vCPU × 730 h", what=f"{what}, {plain(tasks * vcpu)} vCPU",
        ),
        line(
            "connect.memory", "connect", "fixed", hours(tasks * gib, Unit.GIB_HOUR), inputs.price("aws.fargate.memory"),
            f"{tasks} × {plain(gib)} GiB × 730 h", what=f"{what}, {plain(tasks * gib)} GiB",
        ),
    )  # fmt: skip
    if vendor != "confluent":
        return made  # beside the brokers, in a private subnet
    address = line(
        "connect.address", "connect", "fixed", hours(tasks, Unit.ADDRESS_HOUR), inputs.price("aws.ipv4"),
        f"{tasks} × 730 h", what=f"{what}, public IPv4",
    )  # fmt: skip
    return (*made, address)
