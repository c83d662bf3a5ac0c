"""What carries events from the topic into the warehouse.

By the environment's `connect.kind`: a vendor's managed connector where there is one (Confluent's, MSK Connect), else
the project's own sink or a Kafka Connect of one's own, as Fargate tasks. The sink as a mere process runs wherever it is
started; it is counted as a task all the same, for some machine runs it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from modules.cost.estimators import account
from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Unit, hours, of_bytes, plain
from modules.environment.capture import debezium_sources, runner_of
from modules.environment.connect import Capacity, kind_of, sink_on_ecs, worker_on_ecs
from modules.environment.connect import Kind as Kind
from modules.environment.model import Environment

__all__ = ["Kind", "Vendor", "estimate", "estimate_of", "logs_gib"]

Vendor = Literal["confluent", "msk", "redpanda"]


def estimate_of(inputs: Inputs, environment: Environment, vendor: Vendor) -> Estimate:
    """Everything of an environment's that carries events in or out: its sinks and its sources."""
    kind, sinks = kind_of(environment), _sinks(environment)
    runners = [runner_of(environment, source) for source in debezium_sources(environment).values()]
    managed = (sinks if kind == "managed" else 0) + runners.count("managed")
    made = Estimate(())
    if vendor == "msk" and managed:
        made += Estimate((_msk_connect(inputs, environment.connect.capacity, managed),))
    elif kind != "kafka-connect" or vendor == "confluent":
        made += estimate(inputs, vendor, kind)
    if vendor == "confluent" and runners:
        made += Estimate((_captures(inputs, len(runners)),))
    tasks = _tasks_on_ecs(environment)
    if tasks and kind != "sink":
        made += Estimate(_fargate(inputs, "Connect worker", tasks, *_worker(inputs), count=1))
        made += account.balancer(inputs, "connect", "alb", of="connect")
    elif tasks:
        sink = (inputs.assumptions.sink_vcpu, inputs.assumptions.sink_gib)
        made = Estimate(_fargate(inputs, "own sink", tasks, *sink, count=1))
    if tasks or (vendor == "msk" and managed):
        made += account.of_connectors(inputs, environment, tasks or managed * environment.connect.capacity.workers)
    return made


def logs_gib(inputs: Inputs, environment: Environment) -> Decimal:
    """What its tasks in the VPC write to CloudWatch in a month."""
    return inputs.assumptions.logs_gib_per_task * _tasks_on_ecs(environment)


def _sinks(environment: Environment) -> int:
    return sum(1 for topic in environment.topics.values() if topic.sink)


def _tasks_on_ecs(environment: Environment) -> int:
    """How many run there: a Kafka Connect's workers where it has connectors, or the sink's tasks."""
    runners = {runner_of(environment, source) for source in debezium_sources(environment).values()}
    carries = (kind_of(environment) == "kafka-connect" and _sinks(environment)) or "kafka-connect" in runners
    if worker_on_ecs(environment) and carries:
        return 2 if environment.production else 1
    return environment.connect.tasks if sink_on_ecs(environment) and _sinks(environment) else 0


def _worker(inputs: Inputs) -> tuple[Decimal, Decimal]:
    return inputs.assumptions.sink_vcpu * 2, inputs.assumptions.sink_gib * 4


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
    tasks, sink = inputs.usage.connector_tasks, (inputs.assumptions.sink_vcpu, inputs.assumptions.sink_gib)
    what, size = ("Connect worker", _worker(inputs)) if kind == "kafka-connect" else ("own sink", sink)
    return Estimate(_fargate(inputs, what, tasks, *size) + _address(inputs, vendor, what, tasks))


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


def _captures(inputs: Inputs, connectors: int) -> Line:
    """Confluent's managed Debezium, a task each; what it carries is billed with `connect.throughput`'s price."""
    plural = "s" if connectors != 1 else ""
    return line(
        "connect.sources", "connect", "fixed", hours(connectors, Unit.TASK_HOUR),
        inputs.price("confluent.connect.cdc"), f"{connectors} task{plural} × 730 h",
        what=f"managed change capture, {connectors} task{plural}",
    )  # fmt: skip


def _fargate(
    inputs: Inputs, what: str, tasks: int, vcpu: Decimal, gib: Decimal, count: int | None = None
) -> tuple[Line, ...]:
    return (
        line(
            "connect.vcpu", "connect", "fixed", hours(tasks * vcpu, Unit.VCPU_HOUR), inputs.price("aws.fargate.vcpu"),
            f"{tasks} × {vcpu.normalize():f} vCPU × 730 h", what=f"{what}, {plain(tasks * vcpu)} vCPU", count=count,
        ),
        line(
            "connect.memory", "connect", "fixed", hours(tasks * gib, Unit.GIB_HOUR), inputs.price("aws.fargate.memory"),
            f"{tasks} × {plain(gib)} GiB × 730 h", what=f"{what}, {plain(tasks * gib)} GiB",
        ),
    )  # fmt: skip


def _address(inputs: Inputs, vendor: Vendor, what: str, tasks: int) -> tuple[Line, ...]:
    """Where the cluster is public; elsewhere a task is beside the brokers, in a private subnet."""
    if vendor != "confluent":
        return ()
    address = line(
        "connect.address", "connect", "fixed", hours(tasks, Unit.ADDRESS_HOUR), inputs.price("aws.ipv4"),
        f"{tasks} × 730 h", what=f"{what}, public IPv4",
    )  # fmt: skip
    return (address,)
