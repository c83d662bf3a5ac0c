"""Cost reports as documents: JSON, Markdown, CSV, and in `html.py` a page. One file a kind of report.

`html` is not imported here: it loads a template engine, which no other output needs.
"""

from __future__ import annotations

from modules.cost.formats.csv import comparison_csv, report_csv
from modules.cost.formats.parts import JSON_VERSION, line_json
from modules.cost.formats.report import (
    comparison_json,
    comparison_markdown,
    lines_json,
    report_json,
    report_markdown,
)

__all__ = [
    "JSON_VERSION",
    "comparison_csv",
    "comparison_json",
    "comparison_markdown",
    "line_json",
    "lines_json",
    "report_csv",
    "report_json",
    "report_markdown",
]
