"""What a smoke run found, as data: what the report prints, the demo sums up and later runs are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modules.smoke.cleanup import Cleaned
from modules.smoke.credits import WarehouseUse
from modules.smoke.faults import FaultResult
from modules.smoke.figures import HopResult, StageResult
from modules.smoke.load import LoadPlan
from modules.smoke.slo import SloResult, Verdict
from modules.smoke.stats import Summary, summarise

__all__ = ["Progress", "SmokeResult", "StageProgress", "Unmeasured"]


@dataclass(frozen=True)
class StageProgress:
    """One stage in the middle of a run. Percentiles are of the newest thousand events; None before there are any."""

    name: str
    seen: int
    p50: int | None
    p95: int | None


@dataclass(frozen=True)
class Progress:
    """A moment of a run, for the live screen."""

    phase: str
    """What is going on: connecting, warming up, measuring, waiting for the last rows."""
    sent: int = 0
    """Events handed over, the warm-up included."""
    total: int = 0
    rate: float = 0.0
    """Events a second, achieved so far."""
    in_flight: int = 0
    """Sent and not yet seen at the last stage, the warm-up included."""
    stages: tuple[StageProgress, ...] = ()


@dataclass(frozen=True)
class Unmeasured:
    """A stage that this run could not look at, and why."""

    stage: str
    reason: str


@dataclass(frozen=True)
class SmokeResult:
    """A finished run, or the part of it that was done when it was interrupted. Times are nanoseconds."""

    environment: str
    platform: str
    topic: str
    table: str
    partitions: int
    run_id: str
    started: str
    """Wall-clock time, ISO 8601, UTC."""
    plan: LoadPlan
    deadline: int
    sent: int
    """Measured events handed to the producer."""
    warmed_up: int
    """Events carried before them and not measured."""
    failed: int
    """Measured events the broker did not take."""
    failures: tuple[str, ...]
    achieved_rate: float
    """Measured events a second, from first to last hand-over."""
    lateness: Summary
    """How late the sender handed the measured events over: what this machine adds by itself."""
    poll_error: Summary
    """Error bar of `row_visible`: within this time before it was noticed, a row became visible."""
    polls: int
    stages: tuple[StageResult, ...]
    slos: tuple[SloResult, ...]
    verdict: Verdict
    notes: tuple[str, ...]
    interrupted: bool
    carried_by: str = "the project's own sink"
    """What brings events into the table: of the two ways a pipeline has, a connector or the sink."""
    hops: tuple[HopResult, ...] = ()
    unmeasured: tuple[Unmeasured, ...] = ()
    channel_error: Summary = field(default_factory=lambda: summarise([]))
    """Error bar of `handed_over`, as `poll_error` is of `row_visible`."""
    channel_polls: int = 0
    commits: int = 0
    """Offset commits that were made."""
    by_partition: Mapping[int, int] = field(default_factory=dict)
    """Events the broker took, the warm-up included, for every partition of the topic."""
    event_bytes: float = 0.0
    """An event's value, on average."""
    rate_kept: bool = True
    """Whether the client sent as fast as it was asked to."""
    warehouse: WarehouseUse | None = None
    """What the run's queries kept awake; None where nothing is paid for."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the figures depend on: machine, versions, the clients' settings."""
    cleaned: Cleaned | None = None
    """What was taken away of what the run has made; None where that is not the table's affair."""
    fault: FaultResult | None = None
    """What was broken in the middle, and how long that was felt."""

    @property
    def met(self) -> bool:
        """Every SLO is known to be met, nothing was lost, and the run was not cut short."""
        return self.verdict.outcome == "met" and not self.interrupted

    @property
    def stand_in(self) -> bool:
        """Measured on a laptop: no figure of a cloud."""
        return self.platform == "local"

    def stage(self, name: str) -> StageResult:
        return next(stage for stage in self.stages if stage.stage == name)
