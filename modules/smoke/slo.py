"""Whether a run met the environment's SLOs.

An SLO that cannot be decided (too few samples, or another load than was asked for) is not met: a release gate must not
pass because nobody looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from modules.environment.model import Slo
from modules.smoke.figures import StageResult
from modules.smoke.stats import PERCENTILES, Quantile, duration, limit_text, needed_samples

__all__ = ["Outcome", "SloResult", "Verdict", "evaluate", "verdict"]

Outcome = Literal["met", "missed", "not enough samples"]


@dataclass(frozen=True)
class SloResult:
    """One limit beside what was measured, in nanoseconds."""

    stage: str
    percentile: str
    limit: int
    measured: int | None
    """None when there were too few samples, or when the percentile lies among the lost events."""
    outcome: Outcome
    needed: int
    """Samples from which this percentile is printed."""


@dataclass(frozen=True)
class Verdict:
    """The run's result in one word and in sentences that name stage, percentile, limit and measured value."""

    outcome: Outcome
    sentences: tuple[str, ...]


def evaluate(slo: Slo, stages: Sequence[StageResult]) -> tuple[SloResult, ...]:
    """Every limit of the YAML against the stage it is about, in the order of the stages."""
    results = []
    for stage in stages:
        limits = getattr(slo, stage.stage, None)
        for percentile, share in PERCENTILES.items():
            limit = getattr(limits, percentile.replace(".", "_"), None)
            if limit is None:
                continue
            quantile = stage.summary.quantile(percentile)
            nanoseconds = limit.milliseconds * 1_000_000
            outcome = _outcome(quantile, nanoseconds)
            results.append(
                SloResult(stage.stage, percentile, nanoseconds, quantile.nanoseconds, outcome, needed_samples(share))
            )
    return tuple(results)


def verdict(
    slos: Sequence[SloResult], stages: Sequence[StageResult], deadline: int, doubts: Sequence[str] = ()
) -> Verdict:
    """Missed when a limit was exceeded or an event was lost or altered; met only when all is known to be kept.

    Args:
        doubts: sentences that say why the run does not prove what it was meant to.
    """
    bad = [_missed(one, deadline) for one in slos if one.outcome == "missed"]
    bad += [_lost(stage, deadline) for stage in stages if stage.summary.lost]
    bad += [f"{stage.stage}: {stage.corrupted:,} events were not what was sent" for stage in stages if stage.corrupted]
    if bad:
        return Verdict("missed", tuple(bad))
    open_questions = [*doubts, *(_undecided(one) for one in slos if one.outcome == "not enough samples")]
    if open_questions:
        return Verdict("not enough samples", tuple(open_questions))
    if not slos:
        return Verdict("met", ("nothing was lost; the environment sets no SLO",))
    return Verdict("met", (f"{len(slos)} of {len(slos)} SLOs met, nothing lost",))


def _outcome(quantile: Quantile, limit: int) -> Outcome:
    if quantile.withheld == "too few samples":
        return "not enough samples"
    return "missed" if quantile.nanoseconds is None or quantile.nanoseconds > limit else "met"


def _missed(one: SloResult, deadline: int) -> str:
    measured = f"more than {limit_text(deadline)}" if one.measured is None else duration(one.measured)
    return f"{one.stage} {one.percentile} is {measured}, the limit is {limit_text(one.limit)}"


def _lost(stage: StageResult, deadline: int) -> str:
    total = stage.summary.n + stage.summary.lost
    late = f" ({stage.late:,} of them came later)" if stage.late else ""
    return (
        f"{stage.stage}: {stage.summary.lost:,} of {total:,} events were not back within {limit_text(deadline)}{late}"
    )


def _undecided(one: SloResult) -> str:
    return f"{one.stage} {one.percentile} needs {one.needed:,} events to be known; send more (--count)"
