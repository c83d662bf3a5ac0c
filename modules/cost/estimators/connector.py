"""What carries events from the topic into the warehouse, and the secrets it reads.

By the environment's `connect.kind`: a vendor's managed connector where there is one (Confluent's, MSK Connect), else
the project's own sink as a Fargate task; `sink` and `kafka-connect` are Fargate tasks everywhere.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Quantity, Unit, hours, of_bytes, plain

__all__ = ["Kind", "estimate", "secrets"]

Kind = Literal["sink", "managed", "kafka-connect"]
Vendor = Literal["confluent", "msk", "redpanda"]

_USERS = ("administrator", "producer", "consumer", "sink")


def estimate(inputs: Inputs, vendor: Vendor, kind: Kind) -> Estimate:
    """The connector as this vendor has it; no lines where no topic has a sink."""
    if not inputs.usage.sink_share:
        return Estimate(())
    if kind == "managed" and vendor == "confluent":
        return Estimate(_confluent(inputs))
    if kind == "managed" and vendor == "msk":
        return Estimate((_msk_connect(inputs),))
    return Estimate(_fargate(inputs, kind))


def secrets(inputs: Inputs, *, users: bool, own_key: bool = False) -> Estimate:
    """Secrets Manager: the Snowflake key, and a login per Kafka user where these are passwords (not IAM).

    `own_key`: MSK takes SCRAM passwords under a customer-managed KMS key only.
    """
    names = len(_USERS) * users
    count = 1 + names
    plural = "s" if count != 1 else ""
    how = f"1 Snowflake key + {names} Kafka logins ({', '.join(_USERS)})" if users else "1 Snowflake key"
    lines = [
        line(
            "connect.secrets", "connect", "fixed", Quantity(Decimal(count), Unit.SECRET_MONTH),
            inputs.price("aws.secret"), how,
            what=f"{count} secret{plural}", note="calls: under 10,000 a month, at most $0.05 more",
        )
    ]  # fmt: skip
    if own_key:
        key = Quantity(Decimal(1), Unit.KEY_MONTH)
        lines.append(
            line(
                "connect.key",
                "connect",
                "fixed",
                key,
                inputs.price("aws.kms.key"),
                "1 key for the logins",
                what="KMS key",
            )
        )
    return Estimate(tuple(lines))


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


def _msk_connect(inputs: Inputs) -> Line:
    tasks = inputs.usage.connector_tasks
    return line(
        "connect.mcu", "connect", "fixed", hours(tasks, Unit.MCU_HOUR), inputs.price("msk.connect.mcu"),
        f"{tasks} MCU (one a task) × 730 h", what=f"MSK Connect, {tasks} MCU",
    )  # fmt: skip


def _fargate(inputs: Inputs, kind: Kind) -> tuple[Line, ...]:
    tasks = inputs.usage.connector_tasks
    what = "Connect worker" if kind == "kafka-connect" else "own sink"
    vcpu, gib = inputs.assumptions.sink_vcpu, inputs.assumptions.sink_gib
    if kind == "kafka-connect":
        vcpu, gib = vcpu * 2, gib * 4
    return (
        line(
            "connect.vcpu", "connect", "fixed", hours(tasks * vcpu, Unit.VCPU_HOUR), inputs.price("aws.fargate.vcpu"),
            f"{tasks} × {vcpu.normalize():f} vCPU × 730 h", what=f"{what}, {plain(tasks * vcpu)} vCPU",
        ),
        line(
            "connect.memory", "connect", "fixed", hours(tasks * gib, Unit.GIB_HOUR), inputs.price("aws.fargate.memory"),
            f"{tasks} × {plain(gib)} GiB × 730 h", what=f"{what}, {plain(tasks * gib)} GiB",
        ),
        line(
            "connect.address", "connect", "fixed", hours(tasks, Unit.ADDRESS_HOUR), inputs.price("aws.ipv4"),
            f"{tasks} × 730 h", what=f"{what}, public IPv4",
        ),
    )  # fmt: skip
