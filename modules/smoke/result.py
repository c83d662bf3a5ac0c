"""What a smoke run found, as data: what the report prints, the demo sums up and later runs are compared with."""

from __future__ import annotations

from dataclasses import dataclass

from modules.smoke.load import LoadPlan
from modules.smoke.slo import SloResult, Verdict
from modules.smoke.stages import StageResult
from modules.smoke.stats import Summary

__all__ = ["Progress", "SmokeResult", "StageProgress"]


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
    """Sent and not yet visible as a row, the warm-up included."""
    stages: tuple[StageProgress, ...] = ()


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

    @property
    def met(self) -> bool:
        """Every SLO is known to be met, nothing was lost, and the run was not cut short."""
        return self.verdict.outcome == "met" and not self.interrupted

    def stage(self, name: str) -> StageResult:
        return next(stage for stage in self.stages if stage.stage == name)
