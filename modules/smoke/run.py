"""`run_smoke`: from an environment to a result, over the real pipeline.

The events are the project's own order events on the environment's own topic; headers carry the run id and the event's
number, so that readers can tell them apart and the run can find its rows. What is opened here is closed here, whatever
happens in between. The loops are in `engine`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from modules.environment.connect import kind_of, version_of
from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.project import Project
from modules.smoke.engine import Ended, Engine
from modules.smoke.load import LoadPlan
from modules.smoke.result import Progress, SmokeResult, StageProgress
from modules.smoke.slo import evaluate, verdict
from modules.smoke.stages import StageResult
from modules.smoke.stats import PERCENTILES, nearest_rank, summarise
from modules.smoke.transport import Clock, Payloads, Receiving, Rows, Sending, monotonic
from modules.topics import connector_group, sink_group

if TYPE_CHECKING:
    from modules.platforms.base import Platform

__all__ = ["SmokeOptions", "Target", "measure", "run_smoke"]

_BARRIER_SECONDS = 20.0


@dataclass(frozen=True)
class SmokeOptions:
    """What a person may choose about a run."""

    plan: LoadPlan = field(default_factory=lambda: LoadPlan(rate=200, count=2000, warmup=200))
    deadline_seconds: float = 30.0
    topic: str | None = None
    """Default: the environment's topic that has a sink."""

    def __post_init__(self) -> None:
        if self.deadline_seconds <= 0:
            raise ConfigError(f"the deadline must be above 0 s, got {self.deadline_seconds:g}")


@dataclass(frozen=True)
class Target:
    """What is measured: names for the report."""

    environment: Environment
    topic: str
    table: str
    run_id: str


def run_smoke(
    environment: Environment,
    project: Project,
    platform: Platform,
    options: SmokeOptions,
    progress: Callable[[Progress], None],
) -> SmokeResult:
    """Measure the deployed pipeline once.

    Args:
        environment: says which topic and table, and the SLOs.
        project: where secrets and schemas are.
        platform: gives the clients' settings.
        options: load and deadline.
        progress: called a few times a second, from the calling thread.

    Returns:
        The result; after Ctrl-C the partial one, with `interrupted` set.

    Raises:
        SmokeError: not deployed, or the sink is not running.
        ServiceError: Kafka, the registry or the warehouse cannot be reached.
    """
    from modules.smoke.kafka import KafkaReceiving, KafkaSending, require_members
    from modules.smoke.payloads import order_events
    from modules.smoke.rows import WarehouseRows
    from modules.warehouse.connection import connect

    target = choose_target(environment, options)
    name, run_id = environment.name, target.run_id
    progress(Progress("connecting"))
    with ExitStack() as opened:
        sending = KafkaSending(platform.kafka_client("producer"), target.topic, run_id, options.deadline_seconds)
        opened.callback(sending.close)
        sending.check(name)
        kind = kind_of(environment)
        if kind != "managed":  # of a managed one the group is the platform's own affair
            group = sink_group(target.topic) if kind == "sink" else connector_group(environment, target.topic)
            require_members(platform.kafka_client("admin"), group, name, connector=kind != "sink")
        rows = WarehouseRows(connect(platform.snowflake_client("admin"), project), target.table, run_id, name)
        opened.callback(rows.close)
        rows.check()
        payloads = order_events(environment, platform, target.topic)
        receiving = KafkaReceiving(platform.kafka_client("consumer"), target.topic, run_id, name)
        opened.callback(receiving.close)
        return measure(target, options, payloads, sending, receiving, rows, progress)


def measure(
    target: Target,
    options: SmokeOptions,
    payloads: Payloads,
    sending: Sending,
    receiving: Receiving,
    rows: Rows,
    progress: Callable[[Progress], None],
    clock: Clock = monotonic,
) -> SmokeResult:
    """Wait for the barrier, run the load, sum up. The transports are open already and stay so."""
    plan, deadline = options.plan, int(options.deadline_seconds * 1e9)
    progress(Progress("waiting until the consumer holds every partition", total=plan.total))
    held = receiving.ready(_BARRIER_SECONDS)
    rows.start(held)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    engine = Engine(plan, deadline, payloads, sending, receiving, rows, clock)
    ended = engine.run(lambda: progress(_progress(engine, plan)))
    return _result(target, plan, engine, ended, started, len(held))


def choose_target(environment: Environment, options: SmokeOptions) -> Target:
    """The topic to send to, and the table its rows appear in.

    Raises:
        ConfigError: the environment has no such topic, or it has no schema or no sink.
    """
    sunk = [name for name, topic in environment.topics.items() if topic.sink and topic.value]
    chosen = options.topic or (sunk[0] if sunk else None)
    if chosen not in sunk:
        what = f"topic {chosen} has no value schema and sink" if chosen else "no topic has a value schema and a sink"
        raise ConfigError(what, where=environment.source, do="give the topic `value:` and `sink:`, or choose another")
    sink = environment.topics[str(chosen)].sink
    assert sink is not None
    return Target(environment, str(chosen), sink.table, uuid.uuid4().hex[:12])


def _progress(engine: Engine, plan: LoadPlan) -> Progress:
    ledger = engine.ledger
    sent = ledger.sent
    first, newest = engine.sender.handed_over
    rate = (ledger.measured - 1) / ((newest - first) / 1e9) if newest > first else 0.0
    phase = "warming up" if sent <= plan.warmup else "measuring" if sent < plan.total else "waiting for the last rows"
    stages = []
    for stage in ledger.stages.values():
        recent = sorted(stage.recent.copy())
        p50, p95 = (nearest_rank(recent, PERCENTILES[name]) if recent else None for name in ("p50", "p95"))
        stages.append(StageProgress(stage.name, stage.distinct, p50, p95))
    in_flight = sent - ledger.stages["row_visible"].arrived
    return Progress(phase, sent, plan.total, rate, in_flight, tuple(stages))


def _result(target: Target, plan: LoadPlan, engine: Engine, ended: Ended, started: str, partitions: int) -> SmokeResult:
    ledger, sender = engine.ledger, engine.sender
    stages = ledger.results(engine.deadline, ended.now if ended.interrupted else None)
    slos = evaluate(target.environment.slo, stages)
    first, last = sender.handed_over
    return SmokeResult(
        environment=target.environment.name,
        platform=target.environment.platform,
        topic=target.topic,
        table=target.table,
        partitions=partitions,
        run_id=target.run_id,
        started=started,
        plan=plan,
        deadline=engine.deadline,
        sent=ledger.measured,
        warmed_up=min(ledger.sent, plan.warmup),
        failed=ledger.failed,
        failures=tuple(engine.failures),
        achieved_rate=(len(sender.late) - 1) / ((last - first) / 1e9) if last > first else 0.0,
        lateness=summarise(sender.late),
        poll_error=summarise(engine.poller.gaps),
        polls=engine.poller.polls,
        stages=stages,
        slos=slos,
        verdict=verdict(slos, stages, engine.deadline),
        notes=tuple(_notes(engine, plan, stages, target.environment)),
        interrupted=ended.interrupted,
        carried_by=carrier(target.environment),
    )


def carrier(environment: Environment) -> str:
    """What brings events into the table, in words."""
    version = version_of(environment)
    if kind_of(environment) == "sink":
        return "the project's own sink"
    if kind_of(environment) == "kafka-connect":
        return f"Snowflake's connector {version} on Kafka Connect"
    return f"Snowflake's connector {version}, managed by {environment.platform}"


def _notes(engine: Engine, plan: LoadPlan, stages: tuple[StageResult, ...], environment: Environment) -> list[str]:
    """What a reader has to know to read the figures rightly."""
    notes = []
    first, last = engine.sender.handed_over
    meant = (len(engine.sender.late) - 1) / plan.rate
    took = (last - first) / 1e9
    if took > 1.1 * meant + 0.05:
        achieved = (len(engine.sender.late) - 1) / took
        notes.append(f"the client sent {achieved:,.0f} events/s, not {plan.rate:,.0f}: the rate is too high for it")
    seen = {stage.stage: stage.summary.n + stage.late for stage in stages}
    if seen["consumed"] and not seen["row_visible"]:
        own = kind_of(environment) == "sink"
        look = f"Start it with `infra {'sink' if own else 'connect restart'} --env {environment.name}`"
        notes.append(f"not one row became visible; is the {'sink' if own else 'connector'} running? {look}")
    notes += [f"the broker said: {failure}" for failure in engine.failures]
    return notes
