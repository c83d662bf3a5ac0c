"""Where costs change places: lines, ties and steps worked out by hand."""

from __future__ import annotations

from decimal import Decimal

from modules.cost.crossing import crossings, last_where


def test_crossings_of_lines_computed_by_hand() -> None:
    # fixed 100 + 1 x crosses fixed 10 + 2 x at x = 90; 40 + 1.5 x crosses the first at 120 and the second at 60
    costs = {
        "a": lambda x: 100 + x,
        "b": lambda x: 10 + 2 * x,
        "c": lambda x: 40 + Decimal("1.5") * x,
        "d": lambda _: None,
    }
    grid = [Decimal(each) for each in (1, 10, 100, 1000)]
    made = list(crossings(costs, grid))
    places = [(each.overtaker, each.overtaken, float(each.at), each.cheapest) for each in made]
    expected = [("c", "b", 60, True), ("a", "b", 90, False), ("a", "c", 120, True)]
    assert [(one, other, best) for one, other, _, best in places] == [
        (one, other, best) for one, other, _, best in expected
    ]
    for (_, _, at, _), (_, _, true, _) in zip(places, expected, strict=True):
        assert true <= at <= true * 1.0011


def test_a_tie_is_no_crossing_and_a_step_is_found_at_its_edge() -> None:
    grid = [Decimal(each) for each in (1, 10, 100)]
    assert list(crossings({"a": lambda _: Decimal(5), "b": lambda _: Decimal(5)}, grid)) == []
    (found_at,) = crossings({"a": lambda _: Decimal(5), "b": lambda x: Decimal(1 if x < 42 else 9)}, grid)
    assert (found_at.overtaker, found_at.cost) == ("a", Decimal(5))
    assert 42 <= found_at.at <= Decimal("42.05")
    assert Decimal("41.95") <= last_where(lambda x: x < 42, Decimal(1), Decimal(100)) < 42
