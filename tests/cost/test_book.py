"""The price book: what every price must say, what an unknown one does, and what a malformed file is told."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost.book import Price, load_book
from modules.cost.units import Quantity, Unit
from modules.errors import PriceError

HEAD = """\
vendor: Somebody
service: Something
currency: USD
region: us-east-1
sources:
  list: {what: "a price list", read: 2026-09}
items:
"""
GOOD = "  - {id: some.thing, what: a thing, price: 0.10, unit: GiB, source: list, confidence: A}\n"


def refusal(folder: Path, text: str) -> PriceError:
    (folder / "some.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PriceError) as caught:
        load_book(folder)
    return caught.value


@pytest.mark.parametrize("price", load_book().prices, ids=lambda price: f"{price.id}@{price.regions[0]}")
def test_every_price_has_a_source_a_date_and_a_confidence(price: Price) -> None:
    assert len(price.source.what) > 5
    assert dt.date(2025, 1, 1) < price.source.read_date <= dt.date(2026, 12, 31)
    assert price.confidence in "ABC"
    assert price.what
    assert price.file.startswith("modules/cost/prices/")
    assert price.line > 0


@pytest.mark.parametrize(
    "price", [each for each in load_book().prices if each.confidence == "C"], ids=lambda each: each.id
)
def test_an_unconfirmed_price_is_unknown_and_never_0(price: Price) -> None:
    assert not price.known
    assert price.cost(Quantity(Decimal(5), price.unit)) is None
    assert str(price).startswith("unknown")
    assert price.note, "an unknown price says why"


def test_numbers_are_the_digits_of_the_file() -> None:
    price = load_book().price("aws.fargate.memory", "us-east-1")
    assert price.tiers[0].price == Decimal("0.004445")
    assert str(price) == "$0.004445 per GiB-hour"


def test_another_regions_price_is_not_used() -> None:
    price = load_book().price("msk.kafka.m7g.large", "eu-central-1")
    assert price.cost(Quantity(Decimal(730), Unit.BROKER_HOUR)) is None
    assert price.low is None
    assert "no price for region eu-central-1" in price.note


def test_an_item_that_is_nowhere_is_an_error() -> None:
    with pytest.raises(PriceError, match=r"no item `msk\.nothing`"):
        load_book().price("msk.nothing", "us-east-1")


def test_units_never_mix() -> None:
    price = load_book().price("confluent.basic.in", "us-east-1")
    with pytest.raises(TypeError, match="priced per GiB, not per GB"):
        price.cost(Quantity(Decimal(1), Unit.GB))
    with pytest.raises(TypeError, match="cannot add GB to GiB"):
        _ = Quantity(Decimal(1), Unit.GIB) + Quantity(Decimal(1), Unit.GB)


@pytest.mark.parametrize(
    ("hours", "costs"),
    [("0", "0"), ("1", "0"), ("730", "0"), ("731", "0.14"), ("1460", "102.20")],  # 730 free, the rest × 0.14
)
def test_tiers_are_charged_each_at_its_own_price(hours: str, costs: str) -> None:
    price = load_book().price("confluent.basic.ecku", "us-east-1")
    assert price.cost(Quantity(Decimal(hours), Unit.ECKU_HOUR)) == Decimal(costs)


def test_a_price_changed_in_a_file_is_read_changed(tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text(HEAD + GOOD, encoding="utf-8")
    price = load_book(tmp_path).price("some.thing", "us-east-1")
    assert price.cost(Quantity(Decimal(3), Unit.GIB)) == Decimal("0.30")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("  - {id: some.thing, what: x, price: 1, unit: furlong, source: list, confidence: A}", "some.thing: unit"),
        ("  - {id: some.thing, what: x, price: -1, unit: GiB, source: list, confidence: A}", "some.thing: price"),
        ("  - {id: some.thing, what: x, price: dear, unit: GiB, source: list, confidence: A}", "some.thing: price"),
        ("  - {id: some.thing, what: x, price: 1, unit: GiB, source: list}", "some.thing: confidence"),
        (
            "  - {id: some.thing, what: x, price: 1, unit: GiB, source: list, confidence: C}",
            "and so unknown",
        ),
        ("  - {id: some.thing, what: x, unit: GiB, source: list, confidence: A}", "no price"),
        ("  - {id: some.thing, what: x, price: 1, pirce: 2, unit: GiB, source: list, confidence: A}", "pirce"),
        (
            "  - {id: some.thing, what: x, tiers: [{price: 1, up_to: 5}], unit: GiB, source: list, confidence: A}",
            "tiers",
        ),
    ],
)
def test_a_malformed_item_is_named_with_file_and_line(tmp_path: Path, bad: str, says: str) -> None:
    error = refusal(tmp_path, f"{HEAD}{GOOD.replace('some.thing', 'first.thing')}{bad}\n")
    assert error.where is not None
    assert error.where.endswith("some.yaml:9")
    assert says in str(error)
    assert error.do
    assert "Traceback" not in str(error)


def test_every_problem_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    one = "  - {id: a.b, what: x, price: 1, unit: furlong, source: list, confidence: A}\n"
    two = "  - {id: c.d, what: x, price: -1, unit: GiB, source: list, confidence: A}\n"
    error = refusal(tmp_path, HEAD + one + two)
    assert len(error.details) == 2
    assert "some.yaml:8: a.b: unit" in error.details[0]
    assert "some.yaml:9: c.d: price" in error.details[1]


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEAD + GOOD.replace("source: list", "source: lits"))
    assert "`lits`" in error.what
    assert error.do is not None
    assert "list" in error.do


def test_a_source_without_a_date_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEAD.replace("read: 2026-09", "read: lately") + GOOD)
    assert "expected a day or a month" in str(error)


def test_text_that_is_not_yaml_names_its_line(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEAD + GOOD + "  - {id: [\n")
    assert error.where is not None
    assert "some.yaml:" in error.where
    assert "not valid YAML" in error.what


@pytest.mark.parametrize("text", ["", "just words\n", "- a\n- list\n"])
def test_a_file_that_is_no_price_file_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).where


def test_two_prices_for_one_item_and_region_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEAD + GOOD + GOOD)
    assert "second price for region us-east-1" in error.what
    assert "some.yaml:8" in error.what


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="empty"):
        load_book(tmp_path)
