"""Exact percentiles of a run, and the rule that says when one may be printed.

Every latency is kept (to the microsecond, 4 bytes each), so nothing is bucketed. A percentile is the nearest rank: the
smallest measured value that at least that share of the events did not exceed; it is always a value that occurred.

Two rules keep a percentile honest:

- It needs at least ten samples above it: p50 from 20, p95 from 200, p99 from 1,000, p99.9 from 10,000. With fewer it is
  a guess about one or two events and is not printed.
- A lost event counts as slower than every other. With 2 % lost, p99 is "beyond the deadline" and not the p99 of the
  lucky ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

__all__ = [
    "PERCENTILES",
    "Quantile",
    "Summary",
    "duration",
    "limit_text",
    "nearest_rank",
    "needed_samples",
    "summarise",
]

PERCENTILES: dict[str, Fraction] = {
    "p50": Fraction(50, 100), "p95": Fraction(95, 100), "p99": Fraction(99, 100), "p99.9": Fraction(999, 1000),
}  # fmt: skip
SAMPLES_ABOVE = 10

Withheld = Literal["too few samples", "beyond deadline"]


@dataclass(frozen=True)
class Quantile:
    """One percentile: its value in nanoseconds, or why there is none."""

    name: str
    nanoseconds: int | None
    withheld: Withheld | None = None


@dataclass(frozen=True)
class Summary:
    """One set of latencies: `n` came back by the deadline, `lost` did not. Times in nanoseconds."""

    n: int
    lost: int
    quantiles: tuple[Quantile, ...]
    maximum: int | None
    """The slowest of all that came back, the late ones included; None when nothing did."""
    mean: float | None

    def quantile(self, name: str) -> Quantile:
        return next(one for one in self.quantiles if one.name == name)


def needed_samples(share: Fraction) -> int:
    """From how many samples a percentile may be printed: ten of them must lie above it."""
    return math.ceil(SAMPLES_ABOVE / (1 - share))


def nearest_rank(ordered: Sequence[int], share: Fraction, lost: int = 0) -> int | None:
    """The value at rank ⌈share × (n + lost)⌉ of sorted values; None when that rank falls among the lost.

    Raises:
        ValueError: there is neither a value nor a lost event.
    """
    total = len(ordered) + lost
    if not total:
        raise ValueError("no samples")
    rank = max(1, math.ceil(share * total))
    return ordered[rank - 1] if rank <= len(ordered) else None


def summarise(values: Iterable[int], lost: int = 0, late: Iterable[int] = (), unit: int = 1) -> Summary:
    """Percentiles, maximum and mean of what came back.

    Args:
        values: of the events that came back by the deadline; a list is sorted in place, to hold a million only once.
        lost: how many did not.
        late: values of those among the lost that were seen after all, too late; only the maximum uses them.
        unit: nanoseconds that one of `values` stands for.
    """
    ordered = values if isinstance(values, list) else list(values)
    ordered.sort()
    total = len(ordered) + lost
    quantiles = tuple(_quantile(name, share, ordered, lost, total, unit) for name, share in PERCENTILES.items())
    slowest = max((*ordered[-1:], *late), default=None)
    mean = sum(ordered) * unit / len(ordered) if ordered else None
    return Summary(len(ordered), lost, quantiles, None if slowest is None else slowest * unit, mean)


def _quantile(name: str, share: Fraction, ordered: Sequence[int], lost: int, total: int, unit: int) -> Quantile:
    if total < needed_samples(share):
        return Quantile(name, None, "too few samples")
    value = nearest_rank(ordered, share, lost)
    return Quantile(name, None, "beyond deadline") if value is None else Quantile(name, value * unit)


def duration(nanoseconds: float | None) -> str:
    """Three significant figures, the unit a person would use."""
    if nanoseconds is None:
        return "–"
    milliseconds = nanoseconds / 1e6
    if milliseconds < 0:
        return f"−{duration(-nanoseconds)}"
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2f} s"
    if milliseconds >= 100:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds:.1f} ms" if milliseconds >= 10 else f"{milliseconds:.2f} ms"


def limit_text(nanoseconds: int) -> str:
    """A limit as a person wrote it: whole seconds or milliseconds without decimals."""
    return f"{nanoseconds / 1e9:g} s" if nanoseconds >= 1_000_000_000 else f"{nanoseconds / 1e6:g} ms"
