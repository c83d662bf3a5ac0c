"""Axes: values in order, ticks at round places, ends that hold the data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.charts.scale import Axis, scale_of

POSITIVE = st.floats(min_value=1e-6, max_value=1e12)


def test_a_linear_axis_begins_at_nothing_and_ends_at_a_round_number() -> None:
    scale = scale_of(Axis("USD"), [130.0, 470.5])
    assert (scale.low, scale.high) == (0.0, 500.0)
    assert [tick.text for tick in scale.ticks] == ["0", "100", "200", "300", "400", "500"]
    assert scale.share(250) == 0.5


def test_a_linear_axis_reaches_below_nothing_where_values_do() -> None:
    scale = scale_of(Axis("USD"), [-30, 70])
    assert scale.low < -29 and scale.high > 69
    assert [tick.text for tick in scale.ticks][:3] == ["-40", "-20", "0"]


def test_a_log_axis_gives_every_decade_the_same_width() -> None:
    scale = scale_of(Axis("GB", "log"), [1, 1000])
    assert [tick.text for tick in scale.ticks] == ["1", "3", "10", "30", "100", "300", "1,000"]
    assert scale.share(10) == pytest.approx(1 / 3)
    assert scale.share(100) == pytest.approx(2 / 3)


@pytest.mark.parametrize("value", [0, -1])
def test_a_log_axis_refuses_nothing_and_less(value: float) -> None:
    with pytest.raises(ValueError, match="no place for 0 or less"):
        scale_of(Axis("GB", "log"), [value, 10])


def test_a_percentile_axis_gives_each_further_nine_the_same_width() -> None:
    scale = scale_of(Axis("percentile", "percentile"), [0, 50, 99.99])
    assert scale.share(90) == pytest.approx(1 / 4)
    assert scale.share(99) == pytest.approx(2 / 4)
    assert scale.share(99.9) == pytest.approx(3 / 4)
    assert scale.share(99.99) == pytest.approx(1)
    assert {"50 %", "90 %", "99 %", "99.9 %", "99.99 %"} <= {tick.text for tick in scale.ticks}


def test_a_percentile_axis_has_no_hundred() -> None:
    with pytest.raises(ValueError, match="below 100"):
        scale_of(Axis("percentile", "percentile"), [100])


@pytest.mark.parametrize("kind", ["linear", "log"])
@given(values=st.lists(POSITIVE, min_size=1, max_size=8))
def test_every_value_is_on_the_axis_in_order_and_ticks_are_few(kind: str, values: list[float]) -> None:
    scale = scale_of(Axis("x", kind), values)  # type: ignore[arg-type]
    shares = [scale.share(value) for value in sorted(values)]
    assert shares == sorted(shares)
    assert shares[0] >= -1e-6 and shares[-1] <= 1 + 1e-6
    assert 1 <= len(scale.ticks) <= 16
    assert all(-1e-6 <= tick.share <= 1 + 1e-6 for tick in scale.ticks)


def test_equal_values_and_no_values_have_an_axis_too() -> None:
    for kind in ("linear", "log", "percentile"):
        for values in ([], [5, 5]):
            scale = scale_of(Axis("x", kind), values)  # type: ignore[arg-type]
            assert scale.high > scale.low


def test_ticks_stand_at_round_numbers_of_the_unit() -> None:
    unit = 1e9 / 86_400
    axis = Axis("sent a day", "log", text=lambda value: f"{value / unit:g} GB", unit=unit)
    scale = scale_of(axis, [1 * unit, 1000 * unit])
    assert [tick.text for tick in scale.ticks][::2] == ["1 GB", "10 GB", "100 GB", "1000 GB"]
    assert scale.share(10 * unit) == pytest.approx(1 / 3)
