"""Fault rehearsals: something breaks in the middle of a run, and the run says how far that was felt and for how long.

What breaks and how it is mended is a function of the caller's; when it is called, and what the latencies say about it,
is here. A stage is back when the median of a quarter of a second's events is within twice its median before the fault
(or 10 ms above it, or as slow as the slowest quarter of a second before it was: less is this machine's noise) and stays
there for a second. Its recovery lasts until the last event beyond that has arrived, so that nothing is in flight beyond
it either.
"""

from __future__ import annotations

import statistics
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from modules.errors import ConfigError
from modules.smoke.figures import StageResult
from modules.smoke.load import LoadPlan
from modules.smoke.slo import Verdict
from modules.smoke.stages import MICROSECOND, UNSEEN, Ledger, Stage
from modules.smoke.transport import Clock

__all__ = [
    "FAULTS",
    "Act",
    "Fault",
    "FaultResult",
    "Rehearsal",
    "StageRecovery",
    "parse_fault",
    "recovery_of",
    "verdict_of",
]

FAULTS = {
    "broker-restart": "the broker was stopped and started",
    "sink-kill": "the sink was killed and started",
    "registry-down": "the Schema Registry was down",
    "warehouse-stall": "the warehouse stood still",
}
"""Name → what happened, for the report."""

Act = Callable[[threading.Event], None]
"""Breaks something and mends it; returns when it is mended. The event is set when it should hurry."""

_BEFORE = 1.0
"""Seconds of measuring before a fault at least: what is usual has to be known."""
_AFTER = 3.0
"""Seconds of sending after all works again."""
_MENDING = 60.0
_ENOUGH = 20
_WINDOW = 250_000
_QUIET = 1_000_000
_NOISE = 10_000
"""Microseconds, as in the ledger."""


@dataclass(frozen=True)
class Fault:
    """What is to break, and when: seconds after the first measured event was due."""

    name: str
    at: float


@dataclass(frozen=True)
class StageRecovery:
    """How a stage took it. Nanoseconds; None is not known."""

    stage: str
    usual: int | None
    """The median before the fault."""
    slowest: int | None
    """Of the events that were not there yet when it happened."""
    recovery: int | None
    """From the fault on; 0: not disturbed; None: not back when the run ended."""


@dataclass(frozen=True)
class FaultResult:
    """A fault that was rehearsed. Nanoseconds after the first measured event was due."""

    name: str
    began: int | None
    """None: the run ended before."""
    over: int | None
    """When what had been broken worked again."""
    stages: tuple[StageRecovery, ...] = ()

    @property
    def recovery(self) -> int | None:
        """From the fault until it was mended and all stages were back."""
        known = [stage.recovery for stage in self.stages]
        if self.began is None or self.over is None or None in known:
            return None
        return max([self.over - self.began, *(each for each in known if each is not None)])

    @property
    def doubts(self) -> list[str]:
        """Why the rehearsal does not show that all recovers."""
        if self.began is None:
            return [f"the run ended before {self.name}"]
        late = [stage.stage for stage in self.stages if stage.recovery is None]
        return [f"{stage} was not back to what was usual when the run ended; measure for longer" for stage in late]


def parse_fault(text: str, plan: LoadPlan) -> Fault:
    """`NAME` or `NAME@SECONDS`; without a time a third into the measured part.

    Raises:
        ConfigError: there is no such fault, or the run does not last so long.
    """
    name, at_sign, when = text.partition("@")
    if name not in FAULTS:
        raise ConfigError(f"there is no fault `{name}`", where="--fault", do=f"choose one of {', '.join(FAULTS)}")
    try:
        at = float(when.removesuffix("s")) if at_sign else max(_BEFORE, plan.seconds / 3)
    except ValueError:
        raise ConfigError(f"`{when}` is not a time", where="--fault", do=f"write {name}@5: five seconds in") from None
    if not _BEFORE <= at < plan.seconds:
        raise ConfigError(
            f"the run measures for {plan.seconds:g} s, so nothing can break at second {at:g}",
            where="--fault",
            do=f"choose a second from {_BEFORE:g} on, before which the usual latency is seen; or raise --duration",
        )
    return Fault(name, at)


class Rehearsal:
    """Breaks something at its time, in a thread of its own. `close` waits until it is mended, whatever happened."""

    def __init__(self, fault: Fault, act: Act) -> None:
        self.fault = fault
        self.began: int | None = None
        self.over: int | None = None
        """Readings of the run's clock."""
        self._act = act
        self._hurry = threading.Event()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self, ledger: Ledger, clock: Clock) -> None:
        self._thread = threading.Thread(target=self._run, args=(ledger, clock), name="smoke_fault")
        self._thread.start()

    def longer(self, plan: LoadPlan) -> LoadPlan:
        """The plan with events for the time that mending takes: nobody knows it beforehand."""
        return replace(plan, count=plan.count + int(plan.rate * _MENDING))

    def enough(self, plan: LoadPlan, measured: int, clock: Clock) -> bool:
        """Whether what was planned is sent, and events were due for some time after all worked again."""
        if measured < plan.count:
            return False
        mended = self.over is not None and clock() >= self.over + int(_AFTER * 1e9)
        return mended or self._error is not None

    def close(self) -> None:
        """Mend what is broken, now.

        Raises:
            InfraError: it could not be broken or mended.
        """
        self._hurry.set()
        while self._thread is not None and self._thread.is_alive():
            try:
                self._thread.join()
            except KeyboardInterrupt:
                # Nothing may stay broken: mending goes on, it lasts seconds.
                continue
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self, ledger: Ledger, clock: Clock) -> None:
        while ledger.sent <= ledger.warmup:
            if self._hurry.wait(0.02):
                return
        due = ledger.intended[ledger.warmup] + int(self.fault.at * 1e9)
        if self._hurry.wait(max(0.0, (due - clock()) / 1e9)):
            return
        self.began = clock()
        try:
            self._act(self._hurry)
            self.over = clock()
        except BaseException as error:
            self._error = error


def verdict_of(fault: FaultResult, stages: Sequence[StageResult], missed: Sequence[str] = ()) -> Verdict:
    """A rehearsal passes when nothing was lost, doubled or altered and every stage came back.

    SLOs are not judged: what is broken on purpose misses them on purpose.

    Args:
        missed: what the run says of events that were lost or altered.
    """
    bad = [*missed, *(f"{one.stage}: {one.duplicated:,} came twice" for one in stages if one.duplicated)]
    if bad:
        return Verdict("missed", tuple(bad))
    if fault.doubts:
        return Verdict("not enough samples", tuple(fault.doubts))
    return Verdict("met", (f"nothing lost, doubled or altered by {fault.name}, and every stage is back",))


def recovery_of(rehearsal: Rehearsal, ledger: Ledger) -> FaultResult:
    """What the run's latencies say about the fault."""
    name, began, over = rehearsal.fault.name, rehearsal.began, rehearsal.over
    if began is None or over is None or not ledger.measured:
        return FaultResult(name, None, None)
    start = ledger.intended[ledger.warmup]
    stages = tuple(_recovery(ledger, stage, began, over) for stage in ledger.stages.values())
    return FaultResult(name, began - start, over - start, stages)


def _recovery(ledger: Ledger, stage: Stage, began: int, over: int) -> StageRecovery:
    first, end = ledger.warmup, ledger.sent
    due = array("q", (each // MICROSECOND for each in ledger.intended[first:end]))
    seen = stage.latency[first:end]
    at = began // MICROSECOND
    back = [one for one, when in zip(seen, due, strict=True) if one != UNSEEN and when + one <= at]
    later = [n for n, one in enumerate(seen) if one == UNSEEN or due[n] + one > at]
    slowest = max((seen[n] for n in later if seen[n] != UNSEEN), default=None)
    usual = statistics.median_low(back) if len(back) >= _ENOUGH else None
    taken = None
    if usual is not None:
        hit = later[0] if later else len(seen)
        worst = max((statistics.median_low(seen[a:b]) for a, b in _windows(due[:hit], 0)), default=0)
        limit = max(2 * usual, usual + _NOISE, worst if worst < UNSEEN else 0)
        taken = _disturbed_for(due, seen, hit, limit, at, over // MICROSECOND)
    ns = [None if each is None else each * MICROSECOND for each in (usual, slowest, taken)]
    return StageRecovery(stage.name, *ns)


def _disturbed_for(
    due: Sequence[int], seen: Sequence[int], first: int, limit: int, began: int, over: int
) -> int | None:
    """Microseconds from the fault until nothing is slower than usual any more; None when that is not seen."""
    last, quiet = None, 0
    for begin, end in _windows(due, first):
        if statistics.median_low(seen[begin:end]) > limit:
            last, quiet = end, 0
            continue
        quiet += due[end - 1] - due[begin]
        if last is not None and quiet >= _QUIET and due[begin] > over:
            break
    if last is None:
        return 0
    slow = [due[n] + seen[n] for n in range(first, last) if limit < seen[n] < UNSEEN]
    return max(slow) - began if quiet and slow else None


def _windows(due: Sequence[int], first: int) -> Iterator[tuple[int, int]]:
    """Ranges of events: a quarter of a second each, and enough events for a median."""
    begin = first
    for number in range(first, len(due)):
        if due[number] - due[begin] >= _WINDOW and number - begin >= _ENOUGH:
            yield begin, number
            begin = number
    if len(due) - begin >= _ENOUGH:
        yield begin, len(due)
