"""The sentences of a sweep: what was swept, where the order changes, what was resized or left out. Pure text."""

from __future__ import annotations

from collections.abc import Sequence

from modules.cost.axis import Axis
from modules.cost.crossing import Crossing
from modules.cost.lines import about
from modules.cost.sweep import Point, Series, Sweep

__all__ = ["cheapest_at", "point_words", "sweep_heading", "sweep_notes"]

_MOST, _REFUSED = 8, 3


def sweep_heading(found: Sweep) -> str:
    """`dev over workload.ingress from 1 GB/day to 10 TB/day, with msk.brokers=6`."""
    axes = " and ".join(_range_words(axis) for axis in found.axes)
    extra = f", with {', '.join(found.settings)}" if found.settings else ""
    return f"{found.environment} over {axes}{extra}"


def _range_words(axis: Axis) -> str:
    labels = axis.labels
    if len(labels) <= 4:
        return f"{axis.name} {', '.join(labels)}"
    return f"{axis.name} from {labels[0]} to {labels[-1]} ({len(labels):,} values)"


def sweep_notes(found: Sweep) -> list[str]:
    """What a reader must know beside the numbers."""
    notes = _crossover_notes(found)
    if len(found.series) > 1 and len(found.axes) == 1 and found.axes[0].continuous and not notes:
        notes.append("the order of the options stays the same")
    if found.budget_at is not None:
        notes.append(f"within budget up to {found.axes[0].label_at(found.budget_at)}, by what is known")
    for series in found.series:
        notes += _sizes(found, series)
    if any(point.total is not None and not point.total.exact for each in found.series for point in each.points):
        notes.append("amounts are the least that they can be, where a price is unknown")
    if found.needs:
        value, why = found.needs[0]
        notes.append(f"at {value} the YAML would need more than that size: {why.partition(': ')[2] or why}")
    if found.left_out:
        shown = [f"{value}: {why.partition(': ')[2] or why}" for value, why in found.left_out[:_REFUSED]]
        more = f"; and {len(found.left_out) - _REFUSED} more" if len(found.left_out) > _REFUSED else ""
        notes.append(f"left out, since the environment cannot have them: {'; '.join(shown)}{more}")
    return notes


def _crossover_notes(found: Sweep) -> list[str]:
    """Where the cheapest is another one, and of the other changes of order the first few."""
    titles = {each.option: each.title for each in found.series}

    def words(each: Crossing) -> str:
        best = ", and is the cheapest" if each.cheapest else ""
        at, cost = found.axes[0].label_at(each.at), f"about {about(each.cost)}"
        return f"from {at} {titles[each.overtaker]} costs less than {titles[each.overtaken]} ({cost}){best}"

    others = [each for each in found.crossovers if not each.cheapest]
    shown = [each for each in found.crossovers if each.cheapest or each in others[:_MOST]]
    more = len(found.crossovers) - len(shown)
    return [*map(words, shown), *([f"and {more} more changes of order, further up; `--json` has all"] if more else [])]


def _sizes(found: Sweep, series: Series) -> list[str]:
    """Where along one axis an option needs another size, and where it ends."""
    if len(found.axes) != 1:
        return []
    labels, notes = found.axes[0].labels, []
    steps, last = [], ""
    for label, point in zip(labels, series.points, strict=True):
        words = ", ".join(f"{key} {value}" for key, value in point.changes.items())
        if point.total is not None and words != last:
            steps.append(f"from {label} {words or 'as given'}")
            last = words
    if steps:
        shown = f"{'; '.join(steps[:4])}" + (f"; and {len(steps) - 4} larger sizes" if len(steps) > 4 else "")
        notes.append(f"{series.title}, sized to carry it: {shown}")
    first = next((label for label, point in zip(labels, series.points, strict=True) if not point.fits), None)
    if first is not None:
        what = "in no size carries" if found.sized else "does not carry"
        notes.append(f"{series.title} {what} the workload at {first}")
    return notes


def point_words(found: Sweep, series: Series | None, place: int) -> str:
    """A cell of a grid: the series' amount, or without one the cheapest option and its amount."""
    if series is not None:
        return _amount(series.points[place])
    best = cheapest_at(found.series, place)
    return f"{best.title} {_amount(best.points[place])}" if best else "none fits"


def cheapest_at(every: Sequence[Series], place: int) -> Series | None:
    """The cheapest of those that fit and whose most is known."""
    ranked = []
    for each in every:
        point = each.points[place]
        if point.fits and point.total is not None and point.total.most is not None:
            ranked.append((point.total.least, each.title, each))
    return min(ranked, key=lambda each: each[:2])[2] if ranked else None


def _amount(point: Point) -> str:
    if point.total is None:
        return "does not fit"
    return str(point.total) + ("" if point.fits else " ✗")
