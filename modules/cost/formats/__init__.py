"""Cost reports as documents: JSON, Markdown. One file a kind of report; `JSON_VERSION` is theirs together."""

from __future__ import annotations

from modules.cost.formats.report import (
    JSON_VERSION,
    comparison_json,
    comparison_markdown,
    line_json,
    report_json,
    report_markdown,
)

__all__ = [
    "JSON_VERSION",
    "comparison_json",
    "comparison_markdown",
    "line_json",
    "report_json",
    "report_markdown",
]
