"""`run_smoke`: from an environment to a result, over the real pipeline.

The events are the project's own order events on the environment's own topic; headers carry the run id and the event's
number, so that readers can tell them apart and the run can find its rows. What is opened here is closed here, whatever
happens in between. The loops are in `engine`.
"""

from __future__ import annotations

import os
import platform as machine
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from modules.environment.connect import kind_of
from modules.environment.model import Environment
from modules.errors import ConfigError, InfraError, SmokeError
from modules.project import Project
from modules.smoke.cleanup import TableCleaner
from modules.smoke.engine import Ended, Engine, Transports
from modules.smoke.faults import FaultResult, Rehearsal, recovery_of, verdict_of
from modules.smoke.figures import StageResult, hops, results
from modules.smoke.load import LoadPlan
from modules.smoke.result import Progress, SmokeResult, StageProgress, Unmeasured
from modules.smoke.slo import evaluate, harm, verdict
from modules.smoke.stats import PERCENTILES, nearest_rank, summarise
from modules.smoke.target import Target, carrier, choose_target, not_deployed
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
    """Default: the environment's smoke topic; where it has none, its first topic with a sink."""
    size: int | None = None
    """Bytes of an event's value; None: as its schema makes it."""
    clean: bool = False
    """Whether the run's rows are deleted from a real table as well; from the smoke table they are in any case."""

    def __post_init__(self) -> None:
        if not 0 < self.deadline_seconds <= 3600:
            raise ConfigError(f"the deadline must be above 0 s and at most an hour, got {self.deadline_seconds:g} s")
        if self.size is not None and self.size < 1:
            raise ConfigError(f"an event has at least one byte, got a size of {self.size}")


def run_smoke(
    environment: Environment,
    project: Project,
    platform: Platform,
    options: SmokeOptions,
    progress: Callable[[Progress], None],
    rehearsal: Rehearsal | None = None,
) -> SmokeResult:
    """Measure the deployed pipeline once.

    Args:
        environment: says which topic and table, and the SLOs.
        project: where secrets and schemas are.
        platform: gives the clients' settings.
        options: load and deadline.
        progress: called a few times a second, from the calling thread.
        rehearsal: breaks something on the way.

    Returns:
        The result; after Ctrl-C the partial one, with `interrupted` set.

    Raises:
        SmokeError: not deployed, or the sink is not running.
        ServiceError: Kafka, the registry or the warehouse cannot be reached.
    """
    from modules.smoke.commits import KafkaCommitting
    from modules.smoke.kafka import KafkaReceiving, KafkaSending, require_members
    from modules.smoke.payloads import record_payloads

    target = choose_target(environment, options.topic)
    name, run_id, topic = environment.name, target.run_id, target.topic
    progress(Progress("connecting"))
    with ExitStack() as opened:
        producer, consumer, admin = (platform.kafka_client(role) for role in ("producer", "consumer", "admin"))
        sending = KafkaSending(producer, topic, run_id, options.deadline_seconds, name)
        opened.callback(sending.close)
        partitions = _check(sending, environment, target)
        kind = kind_of(environment)
        if kind != "managed":  # of a managed one the group is the platform's own affair
            group = sink_group(topic) if kind == "sink" else connector_group(environment, topic)
            require_members(admin, group, name, connector=kind != "sink")
        payloads = record_payloads(environment, platform, topic, partitions, run_id, options.size)
        rows = _open_rows(environment, project, platform, target, payloads)
        opened.callback(rows.close)
        cleaner = TableCleaner(rows.delete, target.table, run_id, own=target.own, clean=options.clean)
        channels = _open_channels(environment, project, platform, target, partitions)
        if not isinstance(channels, Unmeasured):
            opened.callback(channels.close)
        receiving = KafkaReceiving(consumer, topic, run_id, name)
        opened.callback(receiving.close)
        committing = KafkaCommitting(consumer, topic, run_id, name, admin)
        opened.callback(committing.close)
        missing = (channels,) if isinstance(channels, Unmeasured) else ()
        asked = None if isinstance(channels, Unmeasured) else channels
        target = replace(target, unmeasured=missing, facts=client_facts(producer))
        parts = Transports(payloads, sending, receiving, committing, asked, rows)
        cleaner.before()
        try:
            result = measure(target, options, parts, progress, rehearsal=rehearsal)
        finally:
            # Also of a run that failed, or that Ctrl-C ended before anything was measured.
            progress(Progress("cleaning up"))
            cleaned = cleaner.after()
            committing.close()
        left = [*cleaned.left, *([committing.left] if committing.left else [])]
        return replace(result, warehouse=rows.used(), cleaned=replace(cleaned, left=tuple(left)))


def _check(sending: Any, environment: Environment, target: Target) -> int:
    """The topic's partitions; it is there and may be seen."""
    try:
        return int(sending.check(environment.name))
    except SmokeError as error:
        raise not_deployed(environment, error) if target.own else error from None


def measure(
    target: Target,
    options: SmokeOptions,
    transports: Transports,
    progress: Callable[[Progress], None],
    clock: Clock = monotonic,
    rehearsal: Rehearsal | None = None,
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
    if rehearsal is None:
        engine = Engine(plan, deadline, transports, clock)
        ended = engine.run(lambda: progress(_progress(engine, plan)))
        return _result(target, plan, engine, ended, started, len(held), None)
    engine = Engine(
        rehearsal.longer(plan), deadline, transports, clock, lambda sent: rehearsal.enough(plan, sent, clock)
    )
    with ExitStack() as broken:
        broken.callback(rehearsal.close)
        rehearsal.start(engine.ledger, engine.clock)
        ended = engine.run(lambda: progress(_progress(engine, plan)))
    plan = replace(plan, count=max(plan.count, engine.ledger.measured))
    fault = recovery_of(rehearsal, engine.ledger)
    return _result(target, plan, engine, ended, started, len(held), fault)


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
    except SmokeError as error:
        rows.close()
        raise not_deployed(environment, error) if target.own and "there is no table" in error.what else error from None
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


def client_facts(settings: Mapping[str, Any]) -> dict[str, str]:
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


def _progress(engine: Engine, plan: LoadPlan) -> Progress:
    ledger = engine.ledger
    sent = ledger.sent
    first, newest = engine.sender.handed_over
    rate = (ledger.measured - 1) / ((newest - first) / 1e9) if newest > first else 0.0
    # A fault rehearsal goes on at its rate until all works again: more than was asked for.
    sending = engine.sender.due is not None
    phase = "warming up" if sent <= plan.warmup else "measuring" if sending else "waiting for the last rows"
    stages = []
    for stage in ledger.stages.values():
        recent = sorted(stage.recent.copy())
        p50, p95 = (nearest_rank(recent, PERCENTILES[name]) if recent else None for name in ("p50", "p95"))
        stages.append(StageProgress(stage.name, stage.distinct, p50, p95))
    in_flight = sent - min(stage.arrived for stage in ledger.stages.values())
    return Progress(phase, sent, max(plan.total, sent), rate, in_flight, tuple(stages))


def _result(
    target: Target,
    plan: LoadPlan,
    engine: Engine,
    ended: Ended,
    started: str,
    partitions: int,
    fault: FaultResult | None,
) -> SmokeResult:
    ledger, sender, rows, channels = engine.ledger, engine.sender, engine.rows, engine.channels
    stages = results(ledger, engine.deadline, ended.now if ended.interrupted else None)
    slos = evaluate(target.slo, stages)
    slow = _too_slow(engine, plan)
    found = verdict(slos, stages, engine.deadline, [*([slow] if slow else []), *_unproven(target)])
    if fault is not None:
        found = verdict_of(fault, stages, harm(stages, engine.deadline))
    return SmokeResult(
        environment=target.name,
        platform=target.platform,
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
        verdict=found,
        notes=tuple(_notes(engine, slow, stages, target)),
        interrupted=ended.interrupted,
        carried_by=carrier(target),
        hops=hops(ledger),
        unmeasured=target.unmeasured,
        channel_error=summarise(channels.gaps if channels else ()),
        channel_polls=channels.polls if channels else 0,
        commits=engine.committer.commits if engine.committer else 0,
        by_partition={partition: engine.delivered.get(partition, 0) for partition in range(partitions)},
        event_bytes=sender.bytes / ledger.sent if ledger.sent else 0.0,
        rate_kept=slow is None,
        facts=target.facts,
        fault=fault,
    )


def _unproven(target: Target) -> list[str]:
    """A sentence for each stage that has a limit and was not measured."""
    slo = target.slo
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


def _notes(engine: Engine, slow: str | None, stages: tuple[StageResult, ...], target: Target) -> list[str]:
    """What a reader has to know to read the figures rightly."""
    notes = [slow] if slow else []
    seen = {stage.stage: stage.summary.n + stage.late for stage in stages}
    environment = target.environment
    if environment is not None and seen["consumed"] and not seen.get("row_visible", 1):
        own = kind_of(environment) == "sink"
        look = f"Start it with `infra {'sink' if own else 'connect restart'} --env {environment.name}`"
        notes.append(f"not one row became visible; is the {'sink' if own else 'connector'} running? {look}")
    notes += [f"the broker said: {failure}" for failure in engine.failures]
    return notes
