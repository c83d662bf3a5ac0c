"""What a benchmark reports, and the table and JSON of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Figure", "to_json", "to_text"]


@dataclass(frozen=True)
class Figure:
    """One number. `aim` is what is hoped for, as text; `reference` marks a number that was not measured here."""

    benchmark: str
    name: str
    value: float | None
    unit: str
    aim: str = ""
    note: str = ""
    reference: bool = False

    @property
    def shown(self) -> str:
        if self.value is None:
            return "–"
        if not self.unit:
            return f"{self.value:,g}"
        digits = 0 if abs(self.value) >= 1000 else 1 if abs(self.value) >= 100 else 2 if abs(self.value) >= 1 else 3
        return f"{self.value:,.{digits}f} {self.unit}".rstrip()


def to_text(figures: Sequence[Figure]) -> str:
    """A table, one block a benchmark."""
    rows = [("benchmark", "what", "result", "aim", "")]
    known = ""
    for one in figures:
        note = "; ".join(part for part in ("not run here" if one.reference else "", one.note) if part)
        rows.append((one.benchmark if one.benchmark != known else "", one.name, one.shown, one.aim, note))
        known = one.benchmark
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if n == 2 else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def to_json(figures: Sequence[Figure], machine: dict[str, Any]) -> dict[str, Any]:
    """`schema_version` 1."""
    return {"schema_version": 1, "machine": machine, "figures": [asdict(one) for one in figures]}
