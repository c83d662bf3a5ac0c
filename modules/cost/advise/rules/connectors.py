"""What carries events into the warehouse: who runs it, how many tasks, how large its workers are."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from modules.cost.advise.change import REMOVE, Edit
from modules.cost.advise.rules.base import Context, Proposal, rule
from modules.cost.units import plain
from modules.environment.connect import kind_of

__all__ = ["CONNECTORS"]

_TASK_MB = Decimal(5)
"""MB/s at the peak up to which one task is proposed. A cautious figure of ours, not a limit of anyone's: the risk says
to watch the lag."""

_EASY_MB = Decimal(1)
"""MB/s that a task carries without anyone noticing, also ours."""

_MCUS = (1, 2, 4, 8)


@rule("connector-tasks", "run as many connector tasks as the peak needs")
def _tasks(context: Context) -> Iterator[Proposal]:
    tasks = context.environment.connect.tasks
    sunk = [topic for topic in context.environment.topics.values() if topic.sink]
    if tasks < 2 or not sunk:
        return
    most = max(topic.partitions for topic in sunk)
    if tasks > most:
        yield Proposal(
            f"Run {most} connector tasks instead of {tasks}",
            (Edit(("connect", "tasks"), most),),
            f"none today: a topic has {most} partitions, and each is read by one task; more partitions want more tasks",
        )
    needed = max(1, int(-(-context.peak_mb // _TASK_MB)))
    if needed < min(tasks, most):
        yield Proposal(
            f"Run {needed} connector task{'s' if needed > 1 else ''} instead of {tasks}",
            (Edit(("connect", "tasks"), needed),),
            f"{plain(context.peak_mb / needed)} MB/s a task at the peak: watch the consumer lag",
            slows=context.peak_mb > needed * _EASY_MB,
        )


@rule("connector-kind", "let the project's own sink carry events")
def _kind(context: Context) -> Iterator[Proposal]:
    """Where a vendor's connector runs now, and Kafka Connect where that does."""
    environment = context.environment
    now = kind_of(environment)
    if now == "sink":
        return
    edits = [Edit(("connect", "kind"), "sink")]
    edits += [
        Edit(("connect", key), REMOVE)
        for key in ("plugin", "capacity", "version", "settings", "worker", "errors", "schematization", "image",
                    "rest_url", "rest_credentials")
        if context.files.written("connect", key)
    ]  # fmt: skip
    what = "the managed connector" if now == "managed" else "Kafka Connect"
    yield Proposal(
        f"Carry events with the project's own sink instead of {what}",
        tuple(edits),
        "you run it: keep the process up (`connect.where: ecs` lets ECS do so) and update it; its table gets a column "
        "a field; let the old one catch up before it goes",
        slows=context.peak_mb > _TASK_MB,
    )


@rule("connector-size", "take smaller connector workers")
def _capacity(context: Context) -> Iterator[Proposal]:
    environment, capacity = context.environment, context.environment.connect.capacity
    if kind_of(environment) != "managed" or environment.platform != "msk":
        return
    for mcu in _MCUS[: _MCUS.index(capacity.mcu)]:
        yield Proposal(
            f"Use {mcu} MCU a worker instead of {capacity.mcu}",
            (Edit(("connect", "capacity", "mcu"), mcu),),
            "less memory for batches: watch the consumer lag and the worker's memory at the peak",
            slows=context.peak_mb > _EASY_MB,
        )
    if capacity.autoscale is None and capacity.workers > 1:
        yield Proposal(
            f"Run 1 worker instead of {capacity.workers}",
            (Edit(("connect", "capacity", "workers"), 1),),
            "while the one is replaced nothing is carried; it catches up afterwards",
            slows=True,
        )


CONNECTORS = (_tasks, _kind, _capacity)
