"""Whether a run met the environment's SLOs.

An SLO that cannot be decided (too few samples, or another load than was asked for) is not met: a release gate must not
pass because nobody looked. A limit to warn at never fails a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from modules.environment.slo import Limits, Slo
from modules.smoke.figures import StageResult
from modules.smoke.stats import PERCENTILES, Quantile, duration, limit_text, needed_samples

__all__ = ["Level", "Outcome", "SloOutcome", "SloResult", "Verdict", "evaluate", "harm", "verdict"]

Outcome = Literal["met", "missed", "not enough samples"]
SloOutcome = Literal["met", "missed", "warned", "not enough samples"]
Level = Literal["fail", "warn"]


@dataclass(frozen=True)
class SloResult:
    """One limit beside what was measured, in nanoseconds; of `lost`, in events."""

    stage: str
    percentile: str
    """p50, p95, p99, p99.9, max, or lost."""
    limit: int
    measured: int | None
    """None when there were too few samples, or when the percentile lies among the lost events."""
    outcome: SloOutcome
    needed: int
    """Samples from which this percentile is printed."""
    level: Level = "fail"

    @property
    def counts(self) -> bool:
        """Whether it is a number of events and no time."""
        return self.percentile == "lost"


@dataclass(frozen=True)
class Verdict:
    """The run's result in one word and in sentences that name stage, percentile, limit and measured value."""

    outcome: Outcome
    sentences: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    """Of the limits to warn at; they change nothing in the outcome."""


def evaluate(slo: Slo, stages: Sequence[StageResult]) -> tuple[SloResult, ...]:
    """Every limit of the YAML against the stage it is about, in the order of the stages."""
    results: list[SloResult] = []
    for stage in stages:
        limits = getattr(slo, stage.stage, None)
        if limits is None:
            continue
        fails, warns = _of_level(limits, stage, "fail"), _of_level(limits.warn, stage, "warn")
        order = [*PERCENTILES, "max", "lost"]
        results += sorted([*fails, *warns], key=lambda one: order.index(one.percentile))
    return tuple(results)


def _of_level(limits: Limits, stage: StageResult, level: Level) -> list[SloResult]:
    summary, found = stage.summary, list[SloResult]()
    for key, value in limits.times().items():
        name = key.replace("_", ".")
        quantile = _slowest(stage) if name == "max" else summary.quantile(name)
        needed = 1 if name == "max" else needed_samples(PERCENTILES[name])
        limit = value.milliseconds * 1_000_000
        outcome = _outcome(quantile, limit, level)
        found.append(SloResult(stage.stage, name, limit, quantile.nanoseconds, outcome, needed, level))
    if limits.lost is not None:
        outcome = "met" if summary.lost <= limits.lost else _beyond(level)
        found.append(SloResult(stage.stage, "lost", limits.lost, summary.lost, outcome, 0, level))
    return found


def _slowest(stage: StageResult) -> Quantile:
    """The maximum as a percentile is: among the lost where one never came."""
    if stage.summary.lost > stage.late:
        return Quantile("max", None, "beyond deadline")
    slowest = stage.summary.maximum
    return Quantile("max", slowest, "too few samples" if slowest is None else None)


def verdict(
    slos: Sequence[SloResult], stages: Sequence[StageResult], deadline: int, doubts: Sequence[str] = ()
) -> Verdict:
    """Missed when a limit was exceeded or an event was lost or altered; met only when all is known to be kept.

    Args:
        doubts: sentences that say why the run does not prove what it was meant to.
    """
    warnings = tuple(_warned(one, deadline) for one in slos if one.level == "warn" and one.outcome != "met")
    fails = [one for one in slos if one.level == "fail"]
    allowed = {one.stage: one.limit for one in fails if one.counts}
    bad = [_missed(one, deadline) for one in fails if one.outcome == "missed" and not one.counts]
    bad += harm(stages, deadline, allowed)
    if bad:
        return Verdict("missed", tuple(bad), warnings)
    open_questions = [*doubts, *(_undecided(one) for one in fails if one.outcome == "not enough samples")]
    if open_questions:
        return Verdict("not enough samples", tuple(open_questions), warnings)
    lost = max((stage.summary.lost for stage in stages), default=0)
    loss = f"{lost:,} lost, which is allowed" if lost else "nothing lost"
    if not fails:
        return Verdict("met", (f"{loss.replace('nothing', 'nothing was')}; the environment sets no SLO",), warnings)
    return Verdict("met", (f"{len(fails)} of {len(fails)} SLOs met, {loss}",), warnings)


def harm(stages: Sequence[StageResult], deadline: int, allowed: Mapping[str, int] | None = None) -> list[str]:
    """Sentences about what was lost, beyond what a stage is allowed to lose, or altered."""
    may = allowed or {}
    lost = [
        _lost(stage, deadline, may.get(stage.stage, 0))
        for stage in stages
        if stage.summary.lost > may.get(stage.stage, 0)
    ]
    return lost + [
        f"{stage.stage}: {stage.corrupted:,} events were not what was sent" for stage in stages if stage.corrupted
    ]


def _outcome(quantile: Quantile, limit: int, level: Level) -> SloOutcome:
    if quantile.withheld == "too few samples":
        return "not enough samples"
    return _beyond(level) if quantile.nanoseconds is None or quantile.nanoseconds > limit else "met"


def _beyond(level: Level) -> SloOutcome:
    return "missed" if level == "fail" else "warned"


def _missed(one: SloResult, deadline: int) -> str:
    return f"{one.stage} {one.percentile} is {_measured(one, deadline)}, the limit is {limit_text(one.limit)}"


def _measured(one: SloResult, deadline: int) -> str:
    return f"more than {limit_text(deadline)}" if one.measured is None else duration(one.measured)


def _lost(stage: StageResult, deadline: int, allowed: int) -> str:
    total = stage.summary.n + stage.summary.lost
    late = f" ({stage.late:,} of them came later)" if stage.late else ""
    limit = f"; {allowed:,} may be" if allowed else ""
    return (
        f"{stage.stage}: {stage.summary.lost:,} of {total:,} events were not back within "
        f"{limit_text(deadline)}{late}{limit}"
    )


def _warned(one: SloResult, deadline: int) -> str:
    if one.outcome == "not enough samples":
        return _undecided(one)
    if one.counts:
        return f"{one.stage} lost {one.measured:,}, a warning is set for more than {one.limit:,}"
    return f"{one.stage} {one.percentile} is {_measured(one, deadline)}, a warning is set at {limit_text(one.limit)}"


def _undecided(one: SloResult) -> str:
    if one.percentile == "max":
        return f"{one.stage} max is not known: no event came"
    return f"{one.stage} {one.percentile} needs {one.needed:,} events to be known; send more (--count)"
