"""A statement's answer and its JSON form on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["SCL", "Column", "Result", "rows_of", "stamp", "status"]

SCL = 0x4000
"""Statement type id of session control; SHOW is +0x400, DESCRIBE +0x500. DDL is 0x6000."""


@dataclass(frozen=True)
class Column:
    """A result column with Snowflake's wire type (`fixed`, `text`, `timestamp_ltz`, …)."""

    name: str
    type: str = "text"
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    nullable: bool = True

    def wire(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "database": "",
            "schema": "",
            "table": "",
            "nullable": self.nullable,
            "type": self.type,
            "byteLength": self.length,
            "length": self.length,
            "scale": self.scale,
            "precision": self.precision,
            "collation": None,
        }


@dataclass(frozen=True)
class Result:
    columns: Sequence[Column]
    rows: Sequence[Sequence[str | None]]
    type_id: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


def _column(name: str) -> Column:
    if name.endswith(":ts"):
        return Column(name[:-3], "timestamp_ltz", 0, 9)
    if name.endswith(":int"):
        return Column(name[:-4], "fixed", 38, 0)
    if name.endswith(":bool"):
        return Column(name[:-5], "boolean")
    return Column(name, "text", length=16777216)


def rows_of(names: str, rows: Sequence[Sequence[Any]], type_id: int = SCL + 0x400) -> Result:
    """A listing. `names` are separated by commas; `:ts`, `:int`, `:bool` mark columns that are not text."""
    columns = [_column(name.strip()) for name in names.split(",")]
    return Result(
        columns, [[_cell(column, v) for column, v in zip(columns, row, strict=True)] for row in rows], type_id
    )


def _cell(column: Column, value: Any) -> str | None:
    """As the wire has it; the Python driver takes no other word than `1` for a true boolean."""
    if value is None:
        return None
    text = str(value)
    return {"true": "1", "false": "0"}.get(text.lower(), text) if column.type == "boolean" else text


def status(message: str, type_id: int = 0x6000) -> Result:
    return Result([Column("status", "text", length=16777216)], [[message]], type_id)


def stamp(seconds: float) -> str:
    """A point in time as the wire has it: seconds with nine decimals."""
    return f"{seconds:.9f}"
