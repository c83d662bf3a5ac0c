"""One point of a sweep: what an environment costs with other values of a key or two, without the loader.

`Pricing` works out once what the points have in common. Whether a point is what the loader would make of the same YAML
is `sweep.py`'s to check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from modules.cost.book import PriceBook
from modules.cost.catalog import Option, Sized, inputs_for, misfits, option_of, prepare, sized
from modules.cost.estimators.prepared import Bill
from modules.cost.lines import Total, total
from modules.cost.usage import Usage, usage_of
from modules.environment.model import Environment
from modules.environment.overrides import Path

__all__ = ["Point", "Pricing", "at_path", "with_value"]


@dataclass(frozen=True)
class Point:
    """One option at one value of each axis. `total` is None where it does not carry the load in any size."""

    option: str
    total: Total | None
    changes: Mapping[str, object]
    """What was set so that it carries the load; empty where the given size does."""
    fits: bool


class Pricing:
    """Prices points of one environment; what the points have in common is worked out once.

    Args:
        paths: the keys that vary; with none, the environment itself is the only point.
        grown: whether an option is given the size that carries the load. Then only the workload varies.
    """

    def __init__(self, base: Environment, book: PriceBook, paths: Sequence[Path], *, grown: bool) -> None:
        self._base, self._book, self._paths = base, book, paths
        self.grown = grown
        self._usage = usage_of(base)
        self._changes = [_OF_USAGE[path] for path in paths if path in _OF_USAGE]
        self._bills: dict[str, Bill] = {}

    def points(self, values: Sequence[object], options: Sequence[Option] | None) -> dict[str, Point]:
        """Option → point; of the environment's own option, wherever the values have put it, under an empty name."""
        if self.grown and len(self._changes) == len(self._paths):
            usage, there = self._usage, self._base
            for change, value in zip(self._changes, values, strict=True):
                usage = change(usage, value)
        else:
            there = self._environment(values)
            usage = usage_of(there)
        if options is not None:
            return {option.id: self._point(option, there, usage) for option in options}
        return {"": self._point(option_of(there), there, usage)}

    def _environment(self, values: Sequence[object]) -> Environment:
        """With these values, without the loader."""
        made = self._base
        for path, value in zip(self._paths, values, strict=True):
            made = with_value(made, path, value)
        return made

    def _point(self, option: Option | None, there: Environment, usage: Usage) -> Point:
        if option is None:
            return Point("local", total(()), {}, fits=True)  # the laptop
        if self.grown:
            its = sized(option, usage, there)
            if not its.fits:
                return Point(option.id, None, its.changes, fits=False)
            return Point(option.id, total(self._bill(option, its)(usage).lines), its.changes, fits=True)
        lines = prepare(option, inputs_for(there, self._book), there)(usage).lines
        return Point(option.id, total(lines), {}, fits=all(each.warns for each in misfits(option, usage, there)))

    def _bill(self, option: Option, its: Sized) -> Bill:
        key = f"{option.id} {its.changes}"
        if key not in self._bills:
            self._bills[key] = prepare(option, inputs_for(self._base, self._book), its.environment)
        return self._bills[key]


_OF_USAGE: dict[Path, Callable[[Usage, Any], Usage]] = {
    ("workload", "ingress"): lambda usage, rate: replace(usage, bytes_per_second=rate.bytes_per_second),
    ("workload", "fan_out"): lambda usage, times: replace(usage, fan_out=times),
    ("workload", "peak_to_mean"): lambda usage, times: replace(usage, peak_to_mean=times),
    ("workload", "compression"): lambda usage, share: replace(usage, compression=share),
}
"""Keys of which a month has exactly one number, so that another month is one replacement; `_check` holds them to it."""


def at_path(environment: Environment, path: Path) -> object:
    """What the model has at a path."""
    node: Any = environment
    for key in path:
        node = node[key] if isinstance(node, Mapping) else getattr(node, _field(node, key))
    return node


def with_value(node: Any, path: Path, value: object) -> Any:
    """The same with another value at a path; nothing is checked."""
    key, rest = path[0], path[1:]
    if isinstance(node, Mapping):
        return {**node, key: with_value(node[key], rest, value) if rest else value}
    name = _field(node, key)
    inner = with_value(getattr(node, name), rest, value) if rest else value
    return node.model_copy(update={name: inner})


def _field(node: Any, key: str) -> str:
    """The model's name of a YAML key."""
    if key in type(node).model_fields:
        return key
    return next(str(name) for name, field in type(node).model_fields.items() if field.alias == key)
