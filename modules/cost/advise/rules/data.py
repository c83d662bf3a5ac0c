"""What is sent and kept: compression, retention, rows in the warehouse, the way rows come in."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from modules.cost.advise.change import REMOVE, Edit
from modules.cost.advise.rules.base import Context, Proposal, rule
from modules.environment.connect import version_of
from modules.environment.types import DurationValue

__all__ = ["DATA"]

_DAY = 86_400_000
_WEEK, _LONG_WEEKEND = DurationValue(7 * _DAY), DurationValue(4 * _DAY)
_RATIO, _POOR_RATIO = 0.5, 0.8
"""What compression is taken to reach, and what it reaches with events that hardly repeat themselves. Measure yours."""


@rule("compression", "let producers compress")
def _compression(context: Context) -> Iterator[Proposal]:
    if context.environment.workload.compression == 1:
        yield Proposal(
            f"Let producers compress; counted at a ratio of {_RATIO}",
            (Edit(("workload", "compression"), _RATIO),),
            f"producers need processor time, and small batches compress badly; at {_POOR_RATIO} the least is saved",
            kind="statement",
            also="`compression.type=zstd` and `linger.ms=20` at each producer, then write the ratio you measure",
            cautious=(Edit(("workload", "compression"), _POOR_RATIO),),
        )


@rule("retention", "keep what has landed in the warehouse for a shorter time in Kafka")
def _retention(context: Context) -> Iterator[Proposal]:
    environment = context.environment
    longest = environment.workload_retention
    landed = {name: topic for name, topic in environment.topics.items() if topic.sink}
    for wanted, risk in (
        (_WEEK, "a replay reaches back a week; what is older is read from the table"),
        (_LONG_WEEKEND, "a sink that is down for longer than that loses events; a long weekend is just covered"),
    ):
        edits = [
            Edit(("topics", name, "retention"), str(wanted))
            for name, topic in landed.items()
            if topic.retention > wanted
        ]
        stated = environment.workload.retention
        if stated is not None and stated > wanted and all(topic.sink for topic in environment.topics.values()):
            edits.append(Edit(("workload", "retention"), str(wanted)))
        if edits and longest > wanted:
            names = ", ".join(name for name, topic in landed.items() if topic.retention > wanted) or "topics"
            yield Proposal(f"Keep {names} for {wanted} in Kafka instead of {longest}", tuple(edits), risk)


@rule("disks", "let disks have the size that the workload needs")
def _disks(context: Context) -> Iterator[Proposal]:
    environment = context.environment
    for section in ("msk", "redpanda"):
        if environment.platform == section and getattr(environment, section).storage_per_broker is not None:
            yield Proposal(
                "Let the brokers' disks be sized from the workload",
                (Edit((section, "storage_per_broker"), REMOVE),),
                "30 % headroom, and no more; a disk that is there already does not shrink, so this takes a new cluster",
                kind="move",
            )


@rule("rows-kept", "delete old rows")
def _rows(context: Context) -> Iterator[Proposal]:
    if context.environment.workload.rows_kept is None:
        year = DurationValue(365 * _DAY)
        yield Proposal(
            f"Delete rows after {year}",
            (Edit(("workload", "rows_kept"), str(year)),),
            "what is older is gone, but for Time Travel and Fail-safe; a law or a contract may want it kept",
            kind="statement",
            also="a task that deletes them",
        )


@rule("ingest", "take the way in that is billed by volume alone")
def _ingest(context: Context) -> Iterator[Proposal]:
    environment = context.environment
    if context.report.usage.ingest != "classic":
        return
    if version_of(environment) is not None:
        yield Proposal(
            "Use the connector v4: Snowpipe Streaming of high performance instead of classic",
            (Edit(("connect", "version"), "v4"),),
            "another connector class with settings of its own; channels start anew, so stop the old one after it has "
            "caught up",
            also="an archive of v4 where `connect.plugin` points" if environment.connect.plugin else "",
        )
        yield Proposal(
            "Load files by Snowpipe instead of streaming",
            (Edit(("connect", "settings", "snowflake.ingestion.method"), "SNOWPIPE"),),
            "rows come in with the files: a minute or more after the event instead of seconds",
            slows=True,
        )


@rule("peak-hours", "size for the peak you have")
def _peak(context: Context) -> Iterator[Proposal]:
    workload = context.environment.workload
    if workload.peak_to_mean > Decimal(10):
        yield Proposal(
            "Spread the peak: send batches over the day, to 3 times the mean",
            (Edit(("workload", "peak_to_mean"), 3),),
            "events of batches arrive later",
            kind="statement",
            also="limit the rate of the producers that send in bursts",
            slows=True,
        )


DATA = (_compression, _retention, _disks, _rows, _ingest, _peak)
