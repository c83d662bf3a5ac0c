"""Which line of the report pays for which resource of the stacks: `coverage.yaml` as data.

The report itself is made without a synth and does not read this; tests hold the two together.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

__all__ = ["Coverage", "Covered", "load_coverage"]

_FILE = Path(__file__).with_name("coverage.yaml")


@dataclass(frozen=True)
class Covered:
    """How a kind of resource is counted: exactly one of the three, and why where nobody pays.

    Attributes:
        lines: lines that pay for it; none where it is free or unsupported.
        counted: whether the first of these lines that a report has says how many there are.
        reason: why it is free, or why it is not estimated.
        unless: why it is free where a report has none of the lines.
    """

    lines: tuple[str, ...] = ()
    counted: bool = False
    free: bool = False
    reason: str = ""
    unless: str = ""

    def paid_by(self, lines: Iterable[str]) -> bool:
        """Whether any of these lines pays for it."""
        return any(fnmatch(line, each) for line in lines for each in self.lines)


@dataclass(frozen=True)
class Coverage:
    """All of it.

    Attributes:
        resources: `type`, `type.name` or `type.pattern*` → how it is counted.
        beside: line → why it is there though no resource stands behind it.
    """

    resources: Mapping[str, Covered]
    beside: Mapping[str, str]

    def of(self, type_: str, name: str) -> Covered | None:
        """How a resource is counted; None for one that nobody has thought of."""
        for key, covered in self.resources.items():
            kind, dot, pattern = key.partition(".")
            if kind == type_ and dot and fnmatch(name, pattern):
                return covered
        return self.resources.get(type_)

    def speaks_of(self, line: str) -> bool:
        """Whether a line is there for a resource, or with a reason; `snowflake.warehouse.*` stands for many."""
        return any(fnmatch(line, each) for each in self.lines)

    @property
    def lines(self) -> frozenset[str]:
        """Every line that is spoken of."""
        return frozenset({each for covered in self.resources.values() for each in covered.lines} | set(self.beside))


@functools.cache
def load_coverage(file: Path = _FILE) -> Coverage:
    """The file, read once.

    Raises:
        ValueError: an entry says nothing, or two things at once.
    """
    import yaml

    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    resources = {name: _covered(name, entry) for name, entry in data["resources"].items()}
    return Coverage(resources, data["beside"])


def _covered(name: str, entry: Mapping[str, object]) -> Covered:
    match dict(entry):
        case {"line": str() | list() as lines, **rest} if set(rest) <= {"unless"}:
            return Covered(_listed(lines), counted=True, unless=str(rest.get("unless", "")))
        case {"by": list() as lines, **rest} if not rest:
            return Covered(_listed(lines))
        case {"free": str() as reason, **rest} if reason and not rest:
            return Covered(free=True, reason=reason)
        case {"unsupported": str() as reason, **rest} if reason and not rest:
            return Covered(reason=reason)
    raise ValueError(f"coverage.yaml: {name}: one of line, by, free, unsupported; got {entry}")


def _listed(lines: str | list[str]) -> tuple[str, ...]:
    return (lines,) if isinstance(lines, str) else tuple(lines)
