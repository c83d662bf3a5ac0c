"""`run_smoke`: from an environment to a result, over the real pipeline.

The events are the project's own order events on the environment's own topic; headers carry the run id and the event's
number, so that readers can tell them apart and the run can find its rows. What is opened here is closed here, whatever
happens in between. The loops are in `engine`.
"""

from __future__ import annotations

import os
import platform as machine
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from modules.environment.connect import kind_of, version_of
from modules.environment.model import Environment
from modules.errors import ConfigError, InfraError
from modules.project import Project
from modules.smoke.engine import Ended, Engine, Transports
from modules.smoke.figures import StageResult, hops, results
from modules.smoke.load import LoadPlan
from modules.smoke.result import Progress, SmokeResult, StageProgress, Unmeasured
from modules.smoke.slo import evaluate, verdict
from modules.smoke.stats import PERCENTILES, nearest_rank, summarise
from modules.smoke.transport import Channels, Clock, monotonic
from modules.topics import connector_group, sink_group

if TYPE_CHECKING:
    from modules.platforms.base import Platform
    from modules.smoke.rows import WarehouseRows

__all__ = ["SmokeOptions", "Target", "measure", "run_smoke"]

_BARRIER_SECONDS = 20.0


@dataclass(frozen=True)
class SmokeOptions:
    """What a person may choose about a run."""

    plan: LoadPlan = field(default_factory=lambda: LoadPlan(rate=200, count=2000, warmup=200))
    deadline_seconds: float = 30.0
    topic: str | None = None
    """Default: the environment's topic that has a sink."""
    size: int | None = None
    """Bytes of an event's value; None: as its schema makes it."""

    def __post_init__(self) -> None:
        if not 0 < self.deadline_seconds <= 3600:
            raise ConfigError(f"the deadline must be above 0 s and at most an hour, got {self.deadline_seconds:g} s")
        if self.size is not None and self.size < 1:
            raise ConfigError(f"an event has at least one byte, got a size of {self.size}")


@dataclass(frozen=True)
class Target:
    """What is measured: names for the report."""

    environment: Environment
    topic: str
    table: str
    run_id: str
    unmeasured: tuple[Unmeasured, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


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
    from modules.smoke.commits import KafkaCommitting
    from modules.smoke.kafka import KafkaReceiving, KafkaSending, require_members
    from modules.smoke.payloads import record_payloads

    target = choose_target(environment, options)
    name, run_id, topic = environment.name, target.run_id, target.topic
    progress(Progress("connecting"))
    with ExitStack() as opened:
        producer, consumer, admin = (platform.kafka_client(role) for role in ("producer", "consumer", "admin"))
        sending = KafkaSending(producer, topic, run_id, options.deadline_seconds, name)
        opened.callback(sending.close)
        partitions = sending.check(name)
        kind = kind_of(environment)
        if kind != "managed":  # of a managed one the group is the platform's own affair
            group = sink_group(topic) if kind == "sink" else connector_group(environment, topic)
            require_members(admin, group, name, connector=kind != "sink")
        payloads = record_payloads(environment, platform, topic, partitions, run_id, options.size)
        rows = _open_rows(environment, project, platform, target, payloads)
        opened.callback(rows.close)
        channels = _open_channels(environment, project, platform, target, partitions)
        if not isinstance(channels, Unmeasured):
            opened.callback(channels.close)
        receiving = KafkaReceiving(consumer, topic, run_id, name)
        opened.callback(receiving.close)
        committing = KafkaCommitting(consumer, topic, run_id, name, admin)
        opened.callback(committing.close)
        missing = (channels,) if isinstance(channels, Unmeasured) else ()
        asked = None if isinstance(channels, Unmeasured) else channels
        target = replace(target, unmeasured=missing, facts=_facts(producer))
        parts = Transports(payloads, sending, receiving, committing, asked, rows)
        return replace(measure(target, options, parts, progress), warehouse=rows.used())


def measure(
    target: Target,
    options: SmokeOptions,
    transports: Transports,
    progress: Callable[[Progress], None],
    clock: Clock = monotonic,
) -> SmokeResult:
    """Wait for the barrier, run the load, sum up. The transports are open already and stay so."""
    plan, deadline = options.plan, int(options.deadline_seconds * 1e9)
    progress(Progress("waiting until the consumer holds every partition", total=plan.total))
    held = transports.receiving.ready(_BARRIER_SECONDS)
    if transports.committing is not None:
        transports.committing.start(held)
    if transports.rows is not None:
        transports.rows.start(held, clock())
    started = datetime.now(UTC).isoformat(timespec="seconds")
    engine = Engine(plan, deadline, transports, clock)
    ended = engine.run(lambda: progress(_progress(engine, plan)))
    return _result(target, plan, engine, ended, started, len(held))


def _open_rows(
    environment: Environment, project: Project, platform: Platform, target: Target, payloads: Any
) -> WarehouseRows:
    """The table, checked; on a cloud the estate's own warehouse answers, since only that one is known to be there.

    Raises:
        SmokeError: the table is not there, or may not be read.
        ServiceError: the warehouse does not answer.
    """
    from modules.smoke.rows import WarehouseRows
    from modules.warehouse.connection import connect
    from modules.warehouse.estate import WAREHOUSE

    paid = platform.name != "local"
    rows = WarehouseRows(
        connect(platform.snowflake_client("admin"), project, warehouse=WAREHOUSE if paid else None),
        target.table,
        target.run_id,
        environment.name,
        payloads.shape.columns,
        payloads.stamps,
        WAREHOUSE if paid else None,
    )
    try:
        rows.check()
    except BaseException:
        rows.close()
        raise
    return rows


def _open_channels(
    environment: Environment, project: Project, platform: Platform, target: Target, partitions: int
) -> Channels | Unmeasured:
    """The channels of what carries the events; why not, where they cannot be asked."""
    from modules.connectors.sink import settings_for
    from modules.smoke.channels import ShownChannels, SinkChannels
    from modules.warehouse.connection import connect

    try:
        if kind_of(environment) == "sink":
            found = SinkChannels(settings_for(environment, platform, project, target.topic), partitions)
            found.tokens()
            return found
        shown = ShownChannels(connect(platform.snowflake_client("admin"), project), target.table, target.topic)
        try:
            shown.check()
        except BaseException:
            shown.close()
            raise
        return shown
    except InfraError as error:
        return Unmeasured("handed_over", error.what)


def _facts(settings: Mapping[str, Any]) -> dict[str, str]:
    """What the figures depend on, beside the environment."""
    import confluent_kafka

    from modules.smoke.kafka import PRODUCER_SETTINGS

    chosen = {**PRODUCER_SETTINGS, **{name: settings[name] for name in PRODUCER_SETTINGS if name in settings}}
    return {
        "cpus": str(os.cpu_count()),
        "system": f"{machine.system()} {machine.release()}",
        "python": machine.python_version(),
        "librdkafka": confluent_kafka.libversion()[0],
        "producer": ", ".join(f"{name}={_shown(value)}" for name, value in chosen.items()),
        "security": str(settings.get("security.protocol", "PLAINTEXT")),
    }


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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
    in_flight = sent - min(stage.arrived for stage in ledger.stages.values())
    return Progress(phase, sent, plan.total, rate, in_flight, tuple(stages))


def _result(target: Target, plan: LoadPlan, engine: Engine, ended: Ended, started: str, partitions: int) -> SmokeResult:
    ledger, sender, rows, channels = engine.ledger, engine.sender, engine.rows, engine.channels
    stages = results(ledger, engine.deadline, ended.now if ended.interrupted else None)
    slos = evaluate(target.environment.slo, stages)
    slow = _too_slow(engine, plan)
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
        achieved_rate=sender.rate,
        lateness=summarise(sender.late),
        poll_error=summarise(rows.gaps if rows else ()),
        polls=rows.polls if rows else 0,
        stages=stages,
        slos=slos,
        verdict=verdict(slos, stages, engine.deadline, [*([slow] if slow else []), *_unproven(target)]),
        notes=tuple(_notes(engine, slow, stages, target.environment)),
        interrupted=ended.interrupted,
        carried_by=carrier(target.environment),
        hops=hops(ledger),
        unmeasured=target.unmeasured,
        channel_error=summarise(channels.gaps if channels else ()),
        channel_polls=channels.polls if channels else 0,
        commits=engine.committer.commits if engine.committer else 0,
        by_partition={partition: engine.delivered.get(partition, 0) for partition in range(partitions)},
        event_bytes=sender.bytes / ledger.sent if ledger.sent else 0.0,
        rate_kept=slow is None,
        facts=target.facts,
    )


def carrier(environment: Environment) -> str:
    """What brings events into the table, in words."""
    version = version_of(environment)
    if kind_of(environment) == "sink":
        return "the project's own sink"
    if kind_of(environment) == "kafka-connect":
        return f"Snowflake's connector {version} on Kafka Connect"
    return f"Snowflake's connector {version}, managed by {environment.platform}"


def _unproven(target: Target) -> list[str]:
    """A sentence for each stage that has a limit and was not measured."""
    slo = target.environment.slo
    return [
        f"{one.stage} has a limit and was not measured: {one.reason}"
        for one in target.unmeasured
        if getattr(slo, one.stage).given()
    ]


def _too_slow(engine: Engine, plan: LoadPlan) -> str | None:
    """The sentence for a rate that was not reached: what was measured is another load than was asked for."""
    sender = engine.sender
    meant = (len(sender.late) - 1) / plan.rate
    took = (sender.handed_over[1] - sender.handed_over[0]) / 1e9
    if took <= 1.1 * meant + 0.05:
        return None
    return f"the client sent {sender.rate:,.0f} events/s, not {plan.rate:,.0f}: the rate is too high for it"


def _notes(engine: Engine, slow: str | None, stages: tuple[StageResult, ...], environment: Environment) -> list[str]:
    """What a reader has to know to read the figures rightly."""
    notes = [slow] if slow else []
    seen = {stage.stage: stage.summary.n + stage.late for stage in stages}
    if seen["consumed"] and not seen.get("row_visible", 1):
        own = kind_of(environment) == "sink"
        look = f"Start it with `infra {'sink' if own else 'connect restart'} --env {environment.name}`"
        notes.append(f"not one row became visible; is the {'sink' if own else 'connector'} running? {look}")
    notes += [f"the broker said: {failure}" for failure in engine.failures]
    return notes
