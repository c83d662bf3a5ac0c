"""Charts as inline SVG and the self-contained page they stand in; the cost report and the smoke report are made of it.

    from modules import charts
    figure = charts.lines("Cost by load", "…", [charts.Series(…)], charts.Axis("GB a day", "log"), charts.Axis("USD"))
    html = charts.page("dev", "Confluent Basic", [charts.Section("Load", [figure])], document)

Every value that is drawn is a `Value`: the number, and the JSON pointer under which `document` holds it.
Nothing here knows of money or latency, reads a file or opens a connection.
"""

from __future__ import annotations

from modules.charts.bars import Bar, Range, Segment, ranges, stacked_bars
from modules.charts.figure import Dash, DataTable, Figure, Key, Point, Value
from modules.charts.histogram import Bin, Bins, histogram
from modules.charts.lines import Rule, Series, Span, lines, milliseconds, percentiles
from modules.charts.page import Block, Column, Fact, Facts, Meter, Notes, Row, Section, Table, Tone, page
from modules.charts.scale import Axis, Kind

__all__ = [
    "Axis",
    "Bar",
    "Bin",
    "Bins",
    "Block",
    "Column",
    "Dash",
    "DataTable",
    "Fact",
    "Facts",
    "Figure",
    "Key",
    "Kind",
    "Meter",
    "Notes",
    "Point",
    "Range",
    "Row",
    "Rule",
    "Section",
    "Segment",
    "Series",
    "Span",
    "Table",
    "Tone",
    "Value",
    "histogram",
    "lines",
    "milliseconds",
    "page",
    "percentiles",
    "ranges",
    "stacked_bars",
]
