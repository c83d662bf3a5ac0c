"""The difference of two reports' lines, by hand: paired, ordered, and as exact as its sides."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modules.cost.book import Price, Source, Tier
from modules.cost.diff import Change, Delta, diff_lines
from modules.cost.diff_words import delta_words
from modules.cost.lines import Line, line
from modules.cost.units import Quantity, Unit

SOURCE = Source("a page", "2026-09")


def priced(amount: str | None, quantity: str, low: str | None = None, high: str | None = None, id: str = "x") -> Line:
    price = Price(
        "p", "p", Unit.GIB, "USD", ("*",), SOURCE, "A" if amount else "C",
        tiers=(Tier(Decimal(amount)),) if amount else (),
        low=Decimal(low) if low else None, high=Decimal(high) if high else None,
    )  # fmt: skip
    return line(id, "kafka", "usage", Quantity(Decimal(quantity), Unit.GIB), price, quantity)


@pytest.mark.parametrize(
    ("before", "after", "least", "most", "words"),
    [
        (priced("2", "3"), priced("2", "5"), "4", "4", "+$4.00"),
        (priced("2", "5"), priced("2", "3"), "-4", "-4", "−$4.00"),
        (None, priced("2", "3"), "6", "6", "+$6.00"),
        (priced("2", "3"), None, "-6", "-6", "−$6.00"),
        # a range comes: between its ends; the same unknown price for more: the price is in its range once
        (None, priced(None, "2", "1", "3"), "2", "6", "+$2.00 to +$6.00"),
        (priced(None, "2", "1", "3"), priced(None, "4", "1", "3"), "2", "6", "+$2.00 to +$6.00"),
        (priced(None, "4", "1", "3"), priced(None, "2", "1", "3"), "-6", "-2", "−$6.00 to −$2.00"),
        # another unknown price: from the dearest of one to the cheapest of the other, and the other way round
        (priced(None, "2", "1", "3"), priced(None, "2", "2", "4"), "-2", "6", "−$2.00 to +$6.00"),
        (priced(None, "2", "1", "3"), priced("2", "2"), "-2", "2", "−$2.00 to +$2.00"),
        (None, priced(None, "2"), "0", None, "unknown more"),
        (priced(None, "2"), None, None, "0", "unknown less"),
        (priced("5", "1"), priced(None, "2"), "-5", None, "at least −$5.00"),
        (priced(None, "2"), priced("5", "1"), None, "5", "at most +$5.00"),
        (priced(None, "2"), priced(None, "3"), "0", None, "unknown more"),
    ],
)
def test_a_difference_is_as_exact_as_its_sides(
    before: Line | None, after: Line | None, least: str | None, most: str | None, words: str
) -> None:
    delta = Change("x", before, after).delta
    assert delta == Delta(Decimal(least) if least else None, Decimal(most) if most else None)
    assert delta_words(delta) == words


def test_an_unknown_that_is_the_same_on_both_sides_is_no_difference() -> None:
    both = [priced(None, "2", "1", "3"), priced("2", "3", id="y")]
    assert diff_lines(both, both) == ()


def test_lines_of_one_id_are_paired_in_their_order_and_the_largest_comes_first() -> None:
    before = [priced("1", "1", id="logs"), priced("1", "2", id="logs"), priced("1", "9", id="z")]
    after = [priced("1", "1", id="logs"), priced("1", "5", id="logs"), priced("1", "1", id="z")]
    found = diff_lines(before, after)
    assert [(each.id, each.delta.known) for each in found] == [("z", Decimal(-8)), ("logs", Decimal(3))]
