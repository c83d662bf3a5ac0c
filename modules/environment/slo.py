"""What `infra smoke` holds a pipeline to, in the environment model: limits for each stage, to fail at and to warn at.

Pure data and its check. What a run says to it is `modules/smoke/slo.py`'s work.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field

from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import Duration, DurationValue, Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["Limits", "Slo", "StageSlo", "check"]

_ORDERED = ("p50", "p95", "p99", "p99_9", "max")


class Limits(Section):
    """The longest an event may take to a stage, from its intended send time, and how many may be lost."""

    p50: Duration | None = Field(None, description="For half of the events.")
    p95: Duration | None = Field(None, description="For 95 of 100.")
    p99: Duration | None = Field(None, description="For 99 of 100.")
    p99_9: Duration | None = Field(None, description="For 999 of 1,000; it takes 10,000 events to know.")
    max: Duration | None = Field(None, description="For every event; one that is lost took longer.")
    lost: Whole | None = Field(None, ge=0, description="Events that may be missing at the deadline; default: none.")

    def times(self) -> dict[str, DurationValue]:
        """The limits on time that are given, by their key, from the least percentile on."""
        return {name: each for name in _ORDERED if (each := getattr(self, name)) is not None}

    def given(self) -> bool:
        """Whether there is any limit."""
        return bool(self.times()) or self.lost is not None


class StageSlo(Limits):
    """A stage's limits: beyond them the run fails (exit code 4), beyond those of `warn` it says so."""

    warn: Limits = Field(Limits(), description="Limits beyond which a run warns and does not fail.")


class Slo(Section):
    """What `infra smoke` holds the pipeline to."""

    acknowledged: StageSlo = Field(StageSlo(), description="The broker has it on all in-sync replicas.")
    consumed: StageSlo = Field(StageSlo(), description="A consumer has it.")
    committed: StageSlo = Field(StageSlo(), description="A consumer's group has committed its offset.")
    handed_over: StageSlo = Field(StageSlo(), description="The warehouse has its offset in the channel.")
    row_visible: StageSlo = Field(StageSlo(), description="A query finds its row.")


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """A higher percentile is never faster, and a warning comes before the failure."""
    for stage in Slo.model_fields:
        target: StageSlo = getattr(environment.slo, stage)
        yield from _rising(target, ("slo", stage), positions)
        yield from _rising(target.warn, ("slo", stage, "warn"), positions)
        for name in (*_ORDERED, "lost"):
            warns, fails = getattr(target.warn, name), getattr(target, name)
            if name == "lost" and warns is not None and fails is None:
                fails = 0  # what is not said
            if warns is not None and fails is not None and warns >= fails:
                path = ("slo", stage, "warn", name)
                message = f"the run fails at {fails} already, so it never only warns at {warns}; write less"
                if name == "lost":
                    message = f"more than {fails} lost fail the run already, so it never only warns at {warns}"
                    message += "" if fails else f"; write how many may be lost: slo.{stage}.lost"
                yield Problem(positions.at(*path), ".".join(path), message)


def _rising(limits: Limits, above: tuple[str, ...], positions: Positions) -> Iterator[Problem]:
    for (lower, less), (upper, more) in pairwise(limits.times().items()):
        if less > more:
            path = (*above, upper)
            message = f"{upper} ({more}) is below {lower} ({less}); a higher percentile is never faster"
            yield Problem(positions.at(*path), ".".join(path), message)
