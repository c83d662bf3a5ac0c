"""Against infracost's published golden files (`infracost_cases.py`), line by line."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest

from modules.cost.book import load_book
from modules.cost.resources import Pricing, price_resources
from modules.cost.resources.documents import parse_document
from modules.cost.units import Quantity
from tests.cost.infracost_cases import GOLDEN

BOOK = load_book()
REGION = "us-east-1"


def priced(name: str) -> Pricing:
    stack = {"provider": {"aws": [{"region": REGION}]}, "resource": GOLDEN[name].resources}
    return price_resources([parse_document(stack, f"{name}_test.tf.json")], BOOK)


def cents(amount: Decimal | None) -> Decimal:
    """As infracost rounds."""
    assert amount is not None
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("name", list(GOLDEN))
def test_every_line_of_its_golden_file_is_ours(name: str) -> None:
    golden, found = GOLDEN[name], {each.address: each for each in priced(name).priced}
    assert set(found) == {*golden.lines, *golden.ours}
    for address, rows in golden.lines.items():
        ours = {line.price.id: line for line in found[address].lines}
        for row in rows:
            line = ours.pop(row.item)
            other, why = golden.differs.get(f"{address} {row.item}", ("", ""))
            if why:
                assert line.quantity.amount == Decimal(other), why
                theirs = line.price.cost(Quantity(Decimal(row.quantity), line.quantity.unit))
                assert cents(theirs) == Decimal(row.dollars)
            else:
                assert line.quantity.amount == Decimal(row.quantity)
                assert cents(line.amount) == Decimal(row.dollars)
        more, _, why = golden.ours.get(address, "").partition(": ")
        assert list(ours) == ([more] if why else []), "nothing beyond its lines but what the table has a reason for"


@pytest.mark.parametrize("name", [name for name, golden in GOLDEN.items() if golden.used])
def test_what_its_usage_file_counts_costs_the_same(name: str) -> None:
    by_use = {price.id: price for each in priced(name).priced for price in each.by_use}
    for row in GOLDEN[name].used:
        price = by_use[row.item]
        assert cents(price.cost(Quantity(Decimal(row.quantity), price.unit))) == Decimal(row.dollars)


@pytest.mark.parametrize("name", list(GOLDEN))
def test_what_only_one_of_the_two_covers_is_named(name: str) -> None:
    found, golden = priced(name), GOLDEN[name]
    named = [each.reason for each in found.unsupported] + [gap for each in found.priced for gap in each.gaps]
    assert sorted(named) == sorted(golden.unpriced)
    if golden.free is not None:
        assert sum(each.count for each in found.free) == golden.free


def test_an_endpoints_petabytes_are_decimal_there_and_binary_here() -> None:
    """Its golden file has 1,000,000 + 4,000,000 + 2,000,000 GB at $10,000, $24,000 and $8,000: the same prices a tier,
    with a PB of 10^6 GB where ours has AWS's 2^20."""
    price = BOOK.price("aws.endpoint.data", REGION)
    theirs = zip(price.tiers, ("1000000", "4000000", "2000000"), ("10000", "24000", "8000"), strict=True)
    for tier, gigabytes, dollars in theirs:
        assert tier.price * Decimal(gigabytes) == Decimal(dollars)
    assert [tier.up_to for tier in price.tiers] == [2**20, 5 * 2**20, None]
