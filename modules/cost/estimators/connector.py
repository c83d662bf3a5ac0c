"""What carries events into the warehouse, and rows into topics: sinks, change capture, the Snowflake source.

By the environment's `connect.kind`: a vendor's managed connector where there is one (Confluent's, MSK Connect), else
the project's own sink or a Kafka Connect of one's own, as Fargate tasks. What is a mere process (the sink, the
Snowflake source) runs wherever it is started; it is counted as a task all the same, for some machine runs it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from modules.cost.estimators import account
from modules.cost.estimators.base import Inputs
from modules.cost.estimators.prepared import Part, same_for
from modules.cost.lines import Estimate, Line, line, money
from modules.cost.units import Quantity, Unit, hours, of_bytes, plain
from modules.environment.capture import captured_topics, debezium_sources, runner_of
from modules.environment.confluent import networking_of
from modules.environment.connect import Capacity, kind_of, sink_on_ecs, worker_on_ecs
from modules.environment.connect import Kind as Kind
from modules.environment.model import Environment
from modules.environment.smoke import own_sinks
from modules.environment.source import snowflake_sources

__all__ = ["Kind", "Vendor", "estimate", "logs_gib", "parts"]

_PLUGIN_GIB = Decimal("0.25")
"""A connector's archive with all it needs."""

Vendor = Literal["confluent", "msk", "redpanda"]


def parts(inputs: Inputs, environment: Environment, vendor: Vendor) -> tuple[Part, ...]:
    """Everything of an environment's that carries events in or out: its sinks and its sources."""
    kind, sinks = kind_of(environment), _sinks(environment)
    runners = [runner_of(environment, source) for source in debezium_sources(environment).values()]
    managed = (sinks if kind == "managed" else 0) + runners.count("managed")
    on_msk = managed if vendor == "msk" else 0
    public = vendor == "confluent" and networking_of(environment) == "public"
    made: list[Part] = []
    if on_msk:
        made.append(Estimate((_msk_connect(inputs, environment.connect.capacity, on_msk),)))
    if sinks and sink_on_ecs(environment):
        made.append(Estimate(_fargate(inputs, "own sink", environment.connect.tasks, *_sink(inputs), count=1)))
    elif sinks and _has_own_line(kind, vendor):
        made.append(_carrier(vendor, kind, public))
    if vendor == "confluent" and runners:
        made += _captures(inputs, environment, len(runners))
    workers = _workers(environment)
    if workers:
        carries_sinks = kind == "kafka-connect" and sinks
        prefix = "connect" if carries_sinks else "capture"
        made.append(Estimate(_fargate(inputs, "Connect worker", workers, *_worker(inputs), prefix=prefix, count=1)))
        made.append(account.balancer(inputs, "connect", "alb", of="connect"))
    if on_msk and (files := _files(environment)):
        made.append(Estimate((_plugins(inputs, files),)))
    writers = workers + _sink_tasks(environment) + on_msk * environment.connect.capacity.workers
    if writers:
        made.append(account.of_connectors(inputs, environment, writers))
    if programs := len(snowflake_sources(environment)):
        made.append(Estimate(_source_programs(inputs, public, programs)))
    return tuple(made)


def logs_gib(inputs: Inputs, environment: Environment) -> Decimal:
    """What its tasks in the VPC write to CloudWatch in a month."""
    return inputs.assumptions.logs_gib_per_task * (_workers(environment) + _sink_tasks(environment))


def _has_own_line(kind: Kind, vendor: Vendor) -> bool:
    """Whether the sinks are billed by themselves: not by MSK Connect's units, nor with a worker or one that is there
    already."""
    return not (kind == "managed" and vendor == "msk") and (kind != "kafka-connect" or vendor == "confluent")


def _sinks(environment: Environment) -> int:
    return len(own_sinks(environment))


def _sink_tasks(environment: Environment) -> int:
    return environment.connect.tasks if sink_on_ecs(environment) and _sinks(environment) else 0


def _workers(environment: Environment) -> int:
    """How many a Kafka Connect on ECS has, where it has connectors."""
    runners = {runner_of(environment, source) for source in debezium_sources(environment).values()}
    carries = (kind_of(environment) == "kafka-connect" and _sinks(environment)) or "kafka-connect" in runners
    if not (worker_on_ecs(environment) and carries):
        return 0
    return 2 if environment.production else 1


def _worker(inputs: Inputs) -> tuple[Decimal, Decimal]:
    return inputs.assumptions.sink_vcpu * 2, inputs.assumptions.sink_gib * 4


def _sink(inputs: Inputs) -> tuple[Decimal, Decimal]:
    return inputs.assumptions.sink_vcpu, inputs.assumptions.sink_gib


def _carrier(vendor: Vendor, kind: Kind, public: bool) -> Part:
    """What carries the sinks, as a part of a bill; only Confluent bills what goes through it."""
    if kind == "managed" and vendor == "confluent":
        return lambda now: estimate(now, vendor, kind)
    return same_for(lambda now: estimate(now, vendor, kind, public=public), "connector_tasks", "sink_share")


def estimate(
    inputs: Inputs,
    vendor: Vendor,
    kind: Kind,
    capacity: Capacity | None = None,
    connectors: int = 1,
    *,
    public: bool = True,
) -> Estimate:
    """The connector as this vendor has it; no lines where no topic has a sink.

    Args:
        capacity: MSK Connect's workers of each connector.
        connectors: how many there are, one a topic.
        public: whether Confluent's cluster is reached over the internet.
    """
    if not inputs.usage.sink_share:
        return Estimate(())
    if kind == "managed" and vendor == "confluent":
        return Estimate(_confluent(inputs))
    if kind == "managed" and vendor == "msk":
        return Estimate((_msk_connect(inputs, capacity or Capacity(), connectors),))
    tasks = inputs.usage.connector_tasks
    what, size = ("Connect worker", _worker(inputs)) if kind == "kafka-connect" else ("own sink", _sink(inputs))
    address = _address(inputs, what, tasks) if public and vendor == "confluent" else ()
    return Estimate(_fargate(inputs, what, tasks, *size) + address)


def _confluent(inputs: Inputs) -> tuple[Line, ...]:
    tasks = inputs.usage.connector_tasks
    plural = "s" if tasks != 1 else ""
    carried, whole = of_bytes(inputs.usage.bytes_sunk, Unit.GIB), inputs.usage.compression == 1
    return (
        line(
            "connect.tasks", "connect", "fixed", hours(tasks, Unit.TASK_HOUR), inputs.price("confluent.connect.task"),
            f"{tasks} task{plural} × 730 h", what=f"managed sink, {tasks} task{plural}",
        ),
        line(
            "connect.throughput", "connect", "usage", carried, inputs.price("confluent.connect.throughput"),
            lambda: f"{carried} sent", what="managed sink, data", note="" if whole else "before compression",
        ),
    )  # fmt: skip


def _msk_connect(inputs: Inputs, capacity: Capacity, connectors: int) -> Line:
    """Workers that scale by themselves are counted as the fewest there may be; the note has the most."""
    scale = capacity.autoscale
    workers = scale.least if scale else capacity.workers
    mcu = connectors * workers * capacity.mcu
    times = f"{connectors} connectors × " if connectors != 1 else ""
    each = f"{workers} workers × " if workers != 1 else ""
    price, note = inputs.price("msk.connect.mcu"), ""
    if scale:
        most = connectors * scale.most * capacity.mcu
        dearest = money(price.cost(hours(most, Unit.MCU_HOUR)))
        note = (
            f"scales by itself from {scale.least} to {scale.most} workers a connector; the least is counted, "
            f"the most is {most} MCU: {dearest} a month"
        )
    return line(
        "connect.mcu", "connect", "fixed", hours(mcu, Unit.MCU_HOUR), price,
        f"{times}{each}{capacity.mcu} MCU × 730 h", what=f"MSK Connect, {mcu} MCU", count=connectors, note=note,
    )  # fmt: skip


def _files(environment: Environment) -> int:
    """Connectors' programs that are uploaded into a bucket which is made for them."""
    plugins = [environment.connect.plugin, *(its.plugin for its in debezium_sources(environment).values())]
    return sum(1 for each in plugins if each is not None and each.file)


def _plugins(inputs: Inputs, files: int) -> Line:
    kept = Quantity(_PLUGIN_GIB * files, Unit.GIB_MONTH)
    return line(
        "connect.plugins", "connect", "fixed", kept, inputs.price("aws.s3"), f"{files} × {_PLUGIN_GIB} GiB assumed",
        what="connectors' programs in S3", count=1, note="older versions of the files are kept as well",
    )  # fmt: skip


def _captures(inputs: Inputs, environment: Environment, connectors: int) -> list[Part]:
    """Confluent's managed Debezium: a task each, and what goes through it."""
    plural = "s" if connectors != 1 else ""
    tasks = line(
        "connect.sources", "connect", "fixed", hours(connectors, Unit.TASK_HOUR),
        inputs.price("confluent.connect.cdc"), f"{connectors} task{plural} × 730 h",
        what=f"managed change capture, {connectors} task{plural}",
    )  # fmt: skip
    captured, topics = len(captured_topics(environment)), len(environment.topics)

    def data(now: Inputs) -> Estimate:
        brought = of_bytes(now.usage.bytes_in * captured / topics, Unit.GIB)
        made = line(
            "connect.sources_data", "connect", "usage", brought, now.price("confluent.connect.throughput"),
            lambda: f"{now.usage.data_in} sent × {captured} of {topics} topics", what="managed change capture, data",
            note="as if every topic were sent as much",
        )  # fmt: skip
        return Estimate((made,))

    return [Estimate((tasks,)), data] if captured and topics else [Estimate((tasks,))]


def _source_programs(inputs: Inputs, public: bool, programs: int) -> tuple[Line, ...]:
    """`infra source`: a process a source, of the sink's size."""
    what = "Snowflake source" + ("s" if programs != 1 else "")
    made = _fargate(inputs, what, programs, *_sink(inputs), prefix="source")
    return made + (_address(inputs, what, programs, prefix="source") if public else ())


def _fargate(
    inputs: Inputs,
    what: str,
    tasks: int,
    vcpu: Decimal,
    gib: Decimal,
    *,
    prefix: str = "connect",
    count: int | None = None,
) -> tuple[Line, ...]:
    return (
        line(
            f"{prefix}.vcpu", "connect", "fixed", hours(tasks * vcpu, Unit.VCPU_HOUR), inputs.price("aws.fargate.vcpu"),
            f"{tasks} × {vcpu.normalize():f} vCPU × 730 h", what=f"{what}, {plain(tasks * vcpu)} vCPU", count=count,
        ),
        line(
            f"{prefix}.memory", "connect", "fixed", hours(tasks * gib, Unit.GIB_HOUR),
            inputs.price("aws.fargate.memory"), f"{tasks} × {plain(gib)} GiB × 730 h",
            what=f"{what}, {plain(tasks * gib)} GiB",
        ),
    )  # fmt: skip


def _address(inputs: Inputs, what: str, tasks: int, prefix: str = "connect") -> tuple[Line, ...]:
    """Where the cluster is public; elsewhere a task is beside the brokers, in a private subnet."""
    address = line(
        f"{prefix}.address", "connect", "fixed", hours(tasks, Unit.ADDRESS_HOUR), inputs.price("aws.ipv4"),
        f"{tasks} × 730 h", what=f"{what}, public IPv4",
    )  # fmt: skip
    return (address,)
