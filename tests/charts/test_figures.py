"""Charts: every value is a mark that says its number and where the data has it, and marks are as long as they say."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from modules import charts
from tests.charts.marks import Mark, Read, read


def value(number: float | str, path: str = "/x") -> charts.Value:
    return charts.Value(Decimal(str(number)), path)


def drawn(figure: charts.Figure) -> Read:
    return read(charts.page("t", "s", [charts.Section("s", [figure])], {}))


def shapes(figure: charts.Figure, name: str) -> list[Mark]:
    return [mark for mark in drawn(figure).marks if mark.element == name]


USD = charts.Axis("USD", text=lambda value: f"${value:,.0f}")
LAYERS = (("Kafka", 1), ("Snowflake", 3))


def bars(*amounts: tuple[float, float], **given: object) -> charts.Figure:
    made = [
        charts.Bar(
            f"option {index}",
            [charts.Segment(0, "brokers", value(one)), charts.Segment(1, "warehouse", value(other))],
            f"${one + other}",
            **given,  # type: ignore[arg-type]
        )
        for index, (one, other) in enumerate(amounts)
    ]
    return charts.stacked_bars("Bars", "What each costs.", made, LAYERS, USD)


def test_bars_are_as_long_as_their_values_and_begin_where_the_last_ended() -> None:
    found = shapes(bars((30, 70), (200, 50)), "rect")
    assert [float(mark.value) for mark in found] == [30, 70, 200, 50]
    per_cent = [mark.percent("width") / float(mark.value) for mark in found]
    assert per_cent == pytest.approx([per_cent[0]] * 4, rel=1e-3)
    assert found[1].percent("x") == pytest.approx(found[0].percent("width"), rel=1e-3)
    assert found[0].percent("x") == found[2].percent("x") == 0


def test_what_is_not_known_is_hatched_from_the_end_of_the_bar_to_the_most() -> None:
    figure = bars((30, 70), upto=value(400, "/most"))
    last = shapes(figure, "rect")[-1]
    assert (last.value, last.path) == ("400", "/most")
    assert "unknown" in last.attributes["class"]
    assert last.percent("x") == pytest.approx(100 / 400 * 100, rel=1e-3)
    assert last.percent("x") + last.percent("width") == pytest.approx(100, rel=1e-3)
    assert figure.keys[-1].dash == "hatch"
    assert "at most $400" in figure.table.rows[0][-1]


def test_what_nobody_can_say_has_an_arrow_and_no_length() -> None:
    figure = bars((30, 70), open=True)
    assert len(shapes(figure, "rect")) == 2
    assert "→ ?" in figure.svg
    assert "nobody can say how much" in figure.svg


def test_a_credit_is_not_drawn_and_still_in_the_table() -> None:
    figure = bars((100, -20))
    assert [mark.value for mark in shapes(figure, "rect")] == ["100"]
    assert figure.table.rows[0] == ["option 0", "$100", "$-20", "$80"]


def line(*points: tuple[float, float | None], name: str = "a", **given: object) -> charts.Series:
    made = [charts.Point(x, None if y is None else value(y, f"/y/{index}")) for index, (x, y) in enumerate(points)]
    return charts.Series(name, made, 1, **given)  # type: ignore[arg-type]


def test_a_line_goes_through_its_marks() -> None:
    figure = charts.lines(
        "L", "d", [line((1, 10), (10, 100), (100, 1000))], charts.Axis("GB", "log"), charts.Axis("USD", "log")
    )
    dots = shapes(figure, "circle")
    assert [(dot.percent("cx"), dot.percent("cy")) for dot in dots] == [(0, 100), (50, 50), (100, 0)]
    path = ElementTree.fromstring(figure.svg).find(".//path[@class='line c1 solid']")
    assert path is not None and path.get("d") == "M0.0 1000.0L500.0 500.0L1000.0 0.0"
    assert figure.table.rows == [["1", "10"], ["10", "100"], ["100", "1,000"]]


def test_a_missing_value_is_a_gap_and_a_dash_in_the_table() -> None:
    figure = charts.lines("L", "d", [line((0, 1), (1, None), (2, 3))], charts.Axis("s"), charts.Axis("ms"))
    assert len(shapes(figure, "circle")) == 2
    assert figure.svg.count('class="line c1 solid"') == 2
    assert ["1", "–"] in figure.table.rows


def test_steps_keep_a_value_until_the_next() -> None:
    figure = charts.lines("L", "d", [line((0, 0), (1, 1), shape="step")], charts.Axis("s"), charts.Axis("ms"))
    assert "M0.0 1000.0L1000.0 1000.0L1000.0 0.0" in figure.svg


def test_lines_of_different_places_share_one_table() -> None:
    figure = charts.lines("L", "d", [line((0, 1), (2, 3)), line((1, 5), name="b")], charts.Axis("s"), charts.Axis("ms"))
    assert figure.table.rows == [["0", "1", ""], ["1", "", "5"], ["2", "3", ""]]


def test_names_at_the_ends_of_lines_never_touch() -> None:
    series = [line((0, 1), (1, 100 + index / 100), name=f"series {index}") for index in range(9)]
    figure = charts.lines("L", "d", series, charts.Axis("s"), charts.Axis("ms"))
    places = sorted(float(y) for y in re.findall(r'<text x="100%" dx="10" y="([-\d.]+)%"', figure.svg))
    assert len(places) == 9
    gaps = [(later - earlier) * 3.3 for earlier, later in itertools.pairwise(places)]
    assert min(gaps) >= 15.9, "in pixels of a plot 330 high"
    assert places[0] >= -0.1, "none is above the plot"


def test_a_name_whose_line_ends_early_is_led_to_it() -> None:
    early, late = line((0, 1), (5, 2)), line((0, 1), (10, 3), name="b")
    figure = charts.lines("L", "d", [early, late], charts.Axis("s"), charts.Axis("ms"))
    leaders = ElementTree.fromstring(figure.svg).findall(".//path[@class='line leader c1']")
    assert [path.get("d", "").split("L")[0] for path in leaders] == ["M500.0 333.3"]


def test_a_percentile_curve_has_the_tail_as_wide_as_the_middle() -> None:
    curve = line((0, 1), (90, 5), (99, 9), (99.9, 20))
    figure = charts.percentiles("P", "d", [curve], charts.Axis("latency", text=charts.milliseconds))
    assert [dot.percent("cx") for dot in shapes(figure, "circle")] == pytest.approx([0, 33.333, 66.667, 100], abs=0.01)
    assert [row[0] for row in figure.table.rows] == ["p0", "p90", "p99", "p99.9"]
    assert figure.table.rows[-1][1] == "20 ms"


def test_histogram_bars_stand_between_their_edges_and_an_earlier_run_is_an_outline() -> None:
    bins = [charts.Bin(0, 10, value(4)), charts.Bin(10, 30, value(2))]
    series = [charts.Bins("now", bins, 1), charts.Bins("before", [charts.Bin(0, 10, value(1))], 2)]
    figure = charts.histogram("H", "d", series, charts.Axis("ms"), charts.Axis("events"))
    found = shapes(figure, "rect")
    assert [mark.value for mark in found] == ["4", "2", "1"]
    assert found[1].percent("width") == pytest.approx(2 * found[0].percent("width"), abs=1e-3)
    assert found[0].percent("height") == pytest.approx(2 * found[1].percent("height"), abs=1e-3)
    assert figure.table.rows[0] == ["0 to 10", "4", "1"]


def test_a_range_has_both_ends_and_what_is_expected() -> None:
    row = charts.Range("option", value(100, "/low"), value(400, "/high"), value(150, "/expected"), "$150")
    found = {mark.path: mark.percent("cx") for mark in shapes(charts.ranges("R", "d", [row], USD), "circle")}
    assert found["/low"] < found["/expected"] < found["/high"]
    assert found["/high"] == pytest.approx(4 * found["/low"], rel=1e-3)


def test_rules_and_spans_are_marks_too() -> None:
    figure = charts.lines(
        "L", "d", [line((0, 1), (10, 3))], charts.Axis("s"), charts.Axis("ms"),
        rules=[charts.Rule("y", value(2, "/slo"), "SLO", "bad")],
        spans=[charts.Span(value(4, "/from"), value(6, "/to"), "restart")],
    )  # fmt: skip
    paths = {mark.path: mark for mark in drawn(figure).marks}
    assert paths["/slo"].attributes["y1"] == "33.3333%"
    assert (paths["/from"].attributes["x"], paths["/from"].attributes["width"]) == ("40%", "20%")


def test_names_cannot_become_markup() -> None:
    figure = charts.stacked_bars(
        "<b>", "d & d", [charts.Bar("<script>alert(1)</script>", [charts.Segment(0, '"x" onload="', value(1))], "<i>")],
        LAYERS, USD,
    )  # fmt: skip
    assert "<script>" not in figure.svg and "<b>" not in figure.svg and "<i>" not in figure.svg
    assert shapes(figure, "rect")[0].attributes["data-name"] == '"x" onload="'


def test_a_chart_says_what_it_is_to_those_who_cannot_see_it() -> None:
    svg = ElementTree.fromstring(bars((1, 2)).svg)
    names = svg.get("aria-labelledby", "").split()
    assert svg.get("role") == "img"
    assert [next(child.text for child in svg if child.get("id") == name) for name in names] == [
        "Bars",
        "What each costs.",
    ]


def test_the_same_values_make_the_same_drawing() -> None:
    assert bars((1, 2)) == bars((1, 2))
