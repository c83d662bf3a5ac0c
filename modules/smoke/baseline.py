"""A run against an earlier one: by how much each percentile differs, and whether that is more than noise.

Both runs are JSON documents; their histograms are resampled (bootstrap). One resample of a percentile is drawn at
once: rank k of n draws from a distribution F is F⁻¹(U), where U is the k-th of n uniform numbers, and that is
Beta(k, n − k + 1) distributed. So a resample costs one random number, however many events there are.

Events of one run are not independent: a stall makes many late together, and a machine warms up or gets busy. The
percentiles over time tell how much: where they vary f times as much (in variance) as independent events would,
n events are worth n / f. Intervals become wider by that.

Of twenty intervals of 95 % one misses by chance. What fails a build is therefore asked more of: slower even by an
interval that holds for all percentiles together (Bonferroni), and by 5 % at least.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import pvariance
from typing import Any

from modules.smoke.histogram import decode, recorded
from modules.smoke.report import title
from modules.smoke.stats import PERCENTILES, duration

__all__ = [
    "RESAMPLES",
    "Comparison",
    "Difference",
    "compare_runs",
    "comparison_json",
    "comparison_lines",
    "difference_words",
]

RESAMPLES = 4000
_FEWEST_INTERVALS = 5
_SHARE_OF_SIZE = 0.1
"""Events that differ by less in size are taken for equally large."""

_LEAST_REGRESSION = 1.05

Run = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One percentile of one stage in both runs, in milliseconds.

    Attributes:
        before, now: infinite where the percentile lies among the lost events.
        low, high: the 95 % bootstrap interval of `now − before`.
        surely: the lower end of an interval that holds at 95 % for all percentiles of the comparison together.
        worth: how many independent events the smaller run is worth here.
    """

    stage: str
    percentile: str
    before: float
    now: float
    low: float
    high: float
    surely: float
    worth: int

    @property
    def change(self) -> float:
        return 0.0 if self.before == self.now else self.now - self.before

    @property
    def ratio(self) -> float | None:
        return self.now / self.before if self.before and math.isfinite(self.now / self.before) else None

    @property
    def more_than_noise(self) -> bool:
        return self.low > 0 or self.high < 0

    @property
    def regression(self) -> bool:
        """Slower by enough, and surely enough, to fail a build."""
        return self.surely > 0 and self.now >= _LEAST_REGRESSION * self.before


@dataclass(frozen=True)
class Comparison:
    """All percentiles that are known in both runs.

    Attributes:
        unlike: why the two are not comparable like for like: load, size, platform.
        remarks: what differs beside that and may explain a difference: machine, versions.
        losses: a sentence for each stage that lost events in either run.
        left_out: percentiles that one of the runs has too few events for.
    """

    earlier: str
    differences: tuple[Difference, ...]
    unlike: tuple[str, ...]
    remarks: tuple[str, ...]
    losses: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def regressions(self) -> tuple[Difference, ...]:
        return tuple(one for one in self.differences if one.regression)


class _Distribution:
    """The empirical distribution of a stage of a run; lost events are at infinity."""

    def __init__(self, stage: Mapping[str, Any]) -> None:
        found = list(recorded(decode(stage["histogram"]["hdr"])))
        never = max(0, int(stage["lost"]) - int(stage["late"]))
        self.values = [value / 1000 for value, _ in found] + ([math.inf] if never else [])
        self.up_to = list(accumulate([*(count for _, count in found), *([never] if never else [])]))
        self.n = self.up_to[-1] if self.up_to else 0

    def at(self, share: float) -> float:
        """The value at a share from 0 to 1."""
        return self.values[min(bisect_left(self.up_to, share * self.n), len(self.values) - 1)]

    def draws(self, share: float, n: float, count: int, chance: random.Random) -> list[float]:
        """The percentile of `count` resamples of n events each."""
        rank = max(1.0, share * n)
        return [self.at(chance.betavariate(rank, max(n - rank, 0.0) + 1)) for _ in range(count)]


def compare_runs(run: Run, earlier: Run, seed: int = 1) -> Comparison:
    """The difference of every percentile that both runs have enough events for.

    Args:
        run, earlier: documents of `infra smoke --json`.
        seed: of the resampling, so that the same two files always give the same answer.
    """
    chance = random.Random(seed)
    chosen: list[tuple[str, str, Sequence[tuple[Run, _Distribution]]]] = []
    left_out: list[tuple[str, str]] = []
    for name in [each for each in run["stages"] if each in earlier["stages"]]:
        pair = [(one, _Distribution(one["stages"][name])) for one in (earlier, run)]
        for percentile in PERCENTILES:
            if any(one["stages"][name]["withheld"].get(percentile) == "too few samples" for one, _ in pair):
                left_out.append((name, percentile))
            elif all(each.n for _, each in pair):
                chosen.append((name, percentile, pair))
    return Comparison(
        f"{earlier['environment']}, {str(earlier['started']).replace('T', ' ').replace('+00:00', ' UTC')}, "
        f"run {earlier['run_id']}",
        tuple(_difference(*one, len(chosen), chance) for one in chosen),
        tuple(_unlike(run, earlier)),
        tuple(_remarks(run, earlier)),
        tuple(_losses(run, earlier)),
        tuple(left_out),
    )


def _difference(
    stage: str,
    percentile: str,
    pair: Sequence[tuple[Run, _Distribution]],
    together: int,
    chance: random.Random,
) -> Difference:
    share = float(PERCENTILES[percentile])
    worth = [each.n / _crowding(one, stage, percentile, each, chance) for one, each in pair]
    draws = [each.draws(share, n, RESAMPLES, chance) for (_, each), n in zip(pair, worth, strict=True)]
    changes = sorted(0.0 if now == before else now - before for before, now in zip(*draws, strict=True))
    low, high = changes[round(0.025 * RESAMPLES)], changes[round(0.975 * RESAMPLES) - 1]
    surely = changes[int(0.025 / together * RESAMPLES)]
    before, now = (_exact(one["stages"][stage], percentile) for one, _ in pair)
    return Difference(stage, percentile, before, now, low, high, surely, round(min(worth)))


def _exact(stage: Mapping[str, Any], percentile: str) -> float:
    value = stage[_field(percentile)]
    return math.inf if value is None else float(value)


def _crowding(run: Run, stage: str, percentile: str, whole: _Distribution, chance: random.Random) -> float:
    """How many times as much as of independent events a percentile varies over time, at least 1 (design effect).

    Of the percentile itself where the intervals have enough events for it, else of the highest that they have.
    """
    columns = run["over_time"]["stages"].get(stage)
    if columns is None:
        return 1.0
    names = list(PERCENTILES)
    for name in reversed(names[: names.index(percentile) + 1]):
        known = [(value, n) for value, n in zip(columns[_field(name)], columns["n"], strict=True) if value is not None]
        if len(known) < _FEWEST_INTERVALS:
            continue
        share, each = float(PERCENTILES[name]), sum(n for _, n in known) / len(known)
        expected = [value for value in whole.draws(share, each, 400, chance) if math.isfinite(value)]
        noise = pvariance(expected) if len(expected) > 1 else 0.0
        seen = pvariance([value for value, _ in known]) * len(known) / (len(known) - 1)
        # An interval is as good as one draw at the worst: then there are as many as intervals.
        return min(max(1.0, seen / noise), max(each, 1.0)) if noise else 1.0
    return 1.0


def _unlike(run: Run, earlier: Run) -> Iterator[str]:
    def load(one: Run, key: str) -> Any:
        return one["load"].get(key)

    facts = {
        "platform": (run["platform"], earlier["platform"]),
        "carried by": (run["carried_by"], earlier["carried_by"]),
        "partitions": (run["partitions"], earlier["partitions"]),
        "rate": (f"{load(run, 'rate'):,.10g}/s", f"{load(earlier, 'rate'):,.10g}/s"),
        "arrivals": (load(run, "arrivals"), load(earlier, "arrivals")),
        "warehouse": tuple((one.get("warehouse") or {}).get("size") or "none paid for" for one in (run, earlier)),
    }
    for name, (now, before) in facts.items():
        if now != before:
            yield f"{name} is {now}, was {before}"
    sizes = [float(load(one, "event_bytes") or 0) for one in (run, earlier)]
    if abs(sizes[0] - sizes[1]) > _SHARE_OF_SIZE * max(sizes):
        yield f"an event has {sizes[0]:,.0f} B, had {sizes[1]:,.0f} B"
    for one, when in ((run, "this run"), (earlier, "the earlier run")):
        if one["interrupted"]:
            yield f"{when} was interrupted"
        if not load(one, "rate_kept"):
            yield f"{when} did not keep its rate"


def _remarks(run: Run, earlier: Run) -> Iterator[str]:
    if run["environment"] != earlier["environment"]:
        yield f"environment is {run['environment']}, was {earlier['environment']}"
    if run["topic"] != earlier["topic"]:
        yield f"topic is {run['topic']}, was {earlier['topic']}"
    for name, now in run["facts"].items():
        before = earlier["facts"].get(name)
        if before is not None and before != now:
            yield f"{name} is {now}, was {before}"


def _losses(run: Run, earlier: Run) -> Iterator[str]:
    for name, stage in run["stages"].items():
        before = earlier["stages"].get(name)
        if before is not None and (stage["lost"] or before["lost"]):
            sent, then = run["load"]["sent"], earlier["load"]["sent"]
            yield f"{title(name)} lost {stage['lost']:,} of {sent:,}, earlier {before['lost']:,} of {then:,}"


def _field(percentile: str) -> str:
    return f"{percentile.replace('.', '_')}_ms"


def comparison_lines(made: Comparison) -> list[str]:
    """For the terminal: what is more than noise in a sentence each, the rest together."""
    lines = [f"against {made.earlier}"]
    if made.unlike:
        lines.append(f"  not comparable like for like: {'; '.join(made.unlike)}")
    lines += [f"  {difference_words(one)}" for one in made.differences if one.more_than_noise]
    same = [(one.stage, one.percentile) for one in made.differences if not one.more_than_noise]
    if same:
        every = len(same) == len(made.differences)
        lines.append(f"  no more than noise: {f'all {len(same)} percentiles' if every else _places(same)}")
    if made.left_out:
        lines.append(f"  too few events in one of the runs: {_places(made.left_out)}")
    lines += [f"  {each}" for each in made.losses]
    if made.remarks:
        lines.append(f"  what else differs: {'; '.join(made.remarks)}")
    return lines


def _places(found: Sequence[tuple[str, str]]) -> str:
    """By stage, or in a word where all stages have the same."""
    stages: dict[str, list[str]] = {}
    for stage, percentile in found:
        stages.setdefault(stage, []).append(percentile)
    kinds = {tuple(each) for each in stages.values()}
    if len(kinds) == 1 and len(stages) > 2:
        return f"{', '.join(kinds.pop())} of {len(stages)} stages"
    return "; ".join(f"{title(stage)} {', '.join(each)}" for stage, each in stages.items())


def difference_words(one: Difference) -> str:
    """`row visible p95 1.8× slower (+120 ms, 95 % interval +90 ms … +150 ms): more than noise`."""
    place = f"{title(one.stage)} {one.percentile}"
    noise = "more than noise" if one.more_than_noise else "no more than noise"
    if math.isinf(one.now) or math.isinf(one.before):
        words = "lies among the lost events"
        now = math.isinf(one.now)
        return f"{place} {words} {'now' if now else 'no more'} ({_signed(one.change)}): {noise}"
    ratio, change = one.ratio, one.change
    if not change or ratio is None:
        how = "as before" if not change else "slower" if change > 0 else "faster"
    else:
        by = ratio if change > 0 else 1 / ratio if ratio else math.inf
        how = f"{by:,.0f}×" if by >= 10 else f"{by:.1f}×" if by >= 1.25 else f"{100 * (by - 1):.2g} %"
        how += " slower" if change > 0 else " faster"
    return f"{place} {how} ({_signed(change)}, 95 % interval {_signed(one.low)} … {_signed(one.high)}): {noise}"


def _signed(milliseconds: float) -> str:
    if math.isinf(milliseconds):
        return "beyond the deadline" if milliseconds > 0 else "back within the deadline"
    return f"{'+' if milliseconds > 0 else ''}{duration(milliseconds * 1e6)}"


def comparison_json(made: Comparison) -> dict[str, Any]:
    """The `baseline` of the JSON document; what is infinite is null."""
    return {
        "earlier": made.earlier,
        "confidence": 0.95,
        "resamples": RESAMPLES,
        "like_for_like": not made.unlike,
        "unlike": list(made.unlike),
        "remarks": list(made.remarks),
        "losses": list(made.losses),
        "left_out": [f"{stage} {percentile}" for stage, percentile in made.left_out],
        "differences": [
            {
                "stage": one.stage,
                "percentile": one.percentile,
                "before_ms": _finite(one.before),
                "now_ms": _finite(one.now),
                "change_ms": _finite(one.change),
                "ratio": None if one.ratio is None else round(one.ratio, 4),
                "interval_ms": [_finite(one.low), _finite(one.high)],
                "independent_events": one.worth,
                "more_than_noise": one.more_than_noise,
                "regression": one.regression,
                "words": difference_words(one),
            }
            for one in made.differences
        ],
    }


def _finite(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
