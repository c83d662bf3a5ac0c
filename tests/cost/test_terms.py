"""What is negotiated with a vendor: discounts that stand behind prices, reserved prices, commitments as lines."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.cost.book import PriceBook, Source, load_book
from modules.cost.compare import compare
from modules.cost.lines import Line, total
from modules.cost.overlay import overlaid
from modules.cost.report import Report, report
from modules.cost.terms import Term, apply_terms, commitment, vendor_of
from modules.cost.units import Quantity, Unit
from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.errors import PriceError
from modules.project import Project
from tests.cost.support import project_with
from tests.cost.test_overlay import MSK, SOURCES, overlay

BASIC = MSK.replace("platform: msk", "platform: confluent\nconfluent: {tier: basic}").replace("managed", "sink")
RATE = 'currencies:\n  EUR: {rate: 0.92, source: "ECB reference rate", read: 2026-11-20}\n'


def book_with(folder: Path, terms: str, currency: str = "USD", more: str = "") -> PriceBook:
    return load_book(overlays=(overlay(folder, f"{SOURCES}terms:\n{terms}{more}"),), currency=currency)


def refusal(folder: Path, terms: str) -> PriceError:
    with pytest.raises(PriceError) as caught:
        book_with(folder, terms)
    return caught.value


def environment_of(folder: Path, text: str = MSK) -> Environment:
    return load_environment(Project(project_with(folder, "e", text)), "e")


def line_of(made: Report, name: str) -> Line:
    return next(line for line in made.estimate.lines if line.id == name)


def test_a_discount_stands_behind_the_list_price(tmp_path: Path) -> None:
    price = book_with(tmp_path, "  confluent: [{discount: 10, source: contract}]\n").price(
        "confluent.basic.in", "us-east-1"
    )
    assert str(price) == "$0.05 per GiB −10 % (contract)"
    assert price.cost(Quantity(Decimal(100), Unit.GIB)) == Decimal("4.5")  # 100 × 0.05 × 0.9
    assert price.tiers == load_book().price("confluent.basic.in", "us-east-1").tiers
    assert price.sources[1].read == "2026-11-01"


def test_a_discount_is_for_one_vendor(tmp_path: Path) -> None:
    book = book_with(tmp_path, "  aws: [{discount: 7, source: contract}]\n")
    changed = {price.id for price in book.prices if price.adjustments}
    assert {vendor_of(item) for item in changed} == {"aws"}
    assert {"msk.storage", "aws.nat.hour"} <= changed


def test_a_discount_can_be_for_some_items(tmp_path: Path) -> None:
    book = book_with(tmp_path, "  aws: [{discount: 7, items: [aws.nat, aws.ec2.m7g.large], source: contract}]\n")
    changed = {price.id for price in book.prices if price.adjustments}
    assert changed == {"aws.nat.hour", "aws.nat.data", "aws.ec2.m7g.large"}


def test_two_discounts_are_taken_one_after_the_other(tmp_path: Path) -> None:
    terms = "  aws:\n    - {discount: 10, source: contract}\n    - {discount: 20, items: [msk], source: contract}\n"
    price = book_with(tmp_path, terms).price("msk.storage", "us-east-1")
    assert str(price) == "$0.10 per GiB-month −10 % (contract) −20 % (contract)"
    assert price.cost(Quantity(Decimal(100), Unit.GIB_MONTH)) == Decimal("7.2")  # 100 × 0.10 × 0.9 × 0.8


def test_credits_are_discounted_once_by_their_price_and_not_in_what_is_used(tmp_path: Path) -> None:
    book = book_with(tmp_path, "  snowflake: [{discount: 5, source: contract}]\n")
    assert not book.price("snowflake.warehouse.small", "us-east-1").adjustments
    assert str(book.price("snowflake.credit.standard", "us-east-1")) == "$2.00 per credit −5 % (contract)"


def test_tiers_and_free_allowances_stay_under_a_discount(tmp_path: Path) -> None:
    price = book_with(tmp_path, "  confluent: [{discount: 50, source: contract}]\n").price(
        "confluent.basic.ecku", "us-east-1"
    )
    assert price.cost(Quantity(Decimal(730), Unit.ECKU_HOUR)) == 0
    assert price.cost(Quantity(Decimal(1460), Unit.ECKU_HOUR)) == Decimal("51.1")  # 730 × 0.14 × 0.5


def test_what_is_free_and_what_is_unknown_has_no_discount(tmp_path: Path) -> None:
    terms = "  confluent: [{discount: 50, source: contract}]\n  redpanda: [{discount: 50, source: contract}]\n"
    book = book_with(tmp_path, terms)
    assert str(book.price("redpanda.community", "us-east-1")) == "$0 per cluster-month"
    assert str(book.price("confluent.connect.task", "us-east-1")).startswith("unknown (between")


def test_a_reserved_price_is_for_its_share_of_the_hours(tmp_path: Path) -> None:
    terms = "  aws: [{reserved: 0.05, items: [aws.ec2.m7g.large], share: 0.8, source: contract}]\n"
    price = book_with(tmp_path, terms).price("aws.ec2.m7g.large", "us-east-1")
    assert str(price) == "$0.0816 per instance-hour but $0.05 for 80 % of it, reserved (contract)"
    # 1000 h: 800 × 0.05 + 200 × 0.0816
    assert price.cost(Quantity(Decimal(1000), Unit.INSTANCE_HOUR)) == Decimal("56.32")


def test_a_discount_is_off_what_is_billed_and_so_off_the_reserved_price_too(tmp_path: Path) -> None:
    terms = (
        "  aws:\n    - {discount: 10, source: contract}\n"
        "    - {reserved: 0.05, items: [aws.ec2.m7g.large], source: contract}\n"
    )
    price = book_with(tmp_path, terms).price("aws.ec2.m7g.large", "us-east-1")
    assert str(price) == "$0.0816 per instance-hour but $0.05, reserved (contract) −10 % (contract)"
    assert price.cost(Quantity(Decimal(100), Unit.INSTANCE_HOUR)) == Decimal("4.5")


def test_committed_spend_that_is_not_used_is_a_line(tmp_path: Path) -> None:
    terms = "  aws: [{committed: 24000, per: year, discount: 10, source: contract}]\n"
    made = report(environment_of(tmp_path), book_with(tmp_path, terms))
    line = line_of(made, "aws.commitment")
    used = sum(
        (each.amount or Decimal(0) for each in made.estimate.lines if vendor_of(each.price.id) == "aws"), Decimal(0)
    )
    # The line itself is AWS's as well, so that AWS comes to what was committed.
    assert used == Decimal(2000)
    assert line.amount is not None
    assert line.price.cost(line.quantity) is not None
    assert line.basis == "fixed"
    assert line.price.file.endswith("own.yaml")
    assert made.total.known == sum((each.amount or Decimal(0) for each in made.estimate.lines), Decimal(0))


def test_committed_spend_that_is_used_up_costs_nothing_more(tmp_path: Path) -> None:
    made = report(environment_of(tmp_path), book_with(tmp_path, "  aws: [{committed: 100, source: contract}]\n"))
    assert line_of(made, "aws.commitment").amount == 0


def test_a_share_of_a_commitment_is_what_this_project_carries(tmp_path: Path) -> None:
    book = book_with(tmp_path, "  aws: [{committed: 12000, per: year, share: 0.25, source: contract}]\n")
    assert [each.monthly for each in book.commitments] == [Decimal(250)]


def test_beside_what_is_unknown_the_total_is_at_least_what_was_committed(tmp_path: Path) -> None:
    managed = BASIC.replace("sink}", "managed}").replace("kind: sink", "kind: managed")
    environment = environment_of(tmp_path, managed)
    book = book_with(tmp_path, "  confluent: [{committed: 1000, source: contract}]\n")
    made, listed = report(environment, book), report(environment, load_book())
    line = line_of(made, "confluent.commitment")
    assert "the more it comes to, the less is left" in line.note
    assert line_of(made, "connect.tasks").amount is None
    of_confluent = total(each for each in listed.estimate.lines if vendor_of(each.price.id) == "confluent")
    assert line.amount == Decimal(1000) - of_confluent.least
    assert made.total.least == listed.total.least - of_confluent.least + 1000
    assert made.total.most is not None
    assert made.total.most >= made.total.least


def test_a_commitment_is_owed_whichever_platform_is_chosen(tmp_path: Path) -> None:
    book = book_with(tmp_path, "  confluent: [{committed: 500, source: contract}]\n")
    rows = compare(environment_of(tmp_path), book).rows
    owed = {row.report.option: line_of(row.report, "confluent.commitment") for row in rows}
    assert owed["msk"].amount == Decimal(500)
    assert owed["redpanda-fargate"].amount == Decimal(500)
    assert owed["confluent-basic"].amount < Decimal(500)  # type: ignore[operator]


@pytest.mark.parametrize("option", ["msk", "confluent-basic", "redpanda-ec2"])
def test_lines_sum_exactly_with_terms_and_in_another_currency(tmp_path: Path, option: str) -> None:
    terms = (
        "  aws:\n    - {committed: 900, discount: 7.5, source: contract}\n"
        "    - {reserved: 0.0514, items: [aws.ec2], share: 0.7, source: contract}\n"
        "  confluent: [{committed: 5000, per: year, discount: 12, source: contract}]\n"
        "  snowflake: [{discount: 3, source: contract}]\n"
    )
    environment = environment_of(tmp_path)
    for currency in ("USD", "EUR"):
        rows = compare(environment, book_with(tmp_path, terms, currency, RATE)).rows
        made = next(row.report for row in rows if row.report.option == option)
        known = [line.amount for line in made.estimate.lines if line.amount is not None]
        assert sum(known, Decimal(0)) == made.total.known
        assert made.fixed.known + made.by_usage.known == made.total.known
        assert {line.currency for line in made.estimate.lines} == {currency}


def test_a_term_that_has_ended_is_not_counted_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terms = "  aws:\n" + "".join(
        f"    - {{discount: {percent}, until: {day}, source: contract}}\n"
        for percent, day in ((7, "2026-11-20"), (3, "2026-11-21"))
    )
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795219200")  # 2026-11-21
    book = book_with(tmp_path, terms)
    assert str(book.price("msk.storage", "us-east-1")) == "$0.10 per GiB-month −3 % (contract)"
    made = report(environment_of(tmp_path), book)
    assert f"a term of {tmp_path}/own.yaml ended on 2026-11-20 and is not counted any more" in made.estimate.notes


def test_the_day_by_which_terms_end_can_be_given(tmp_path: Path) -> None:
    import datetime as dt

    file = overlay(tmp_path, SOURCES + "terms:\n  aws: [{discount: 7, until: 2026-11-20, source: contract}]\n")
    assert overlaid(load_book(), [file], dt.date(2026, 11, 20)).price("msk.storage", "us-east-1").adjustments
    assert not overlaid(load_book(), [file], dt.date(2026, 11, 21)).price("msk.storage", "us-east-1").adjustments


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ("{source: contract}", "give `discount` (percent), `committed` (an amount) or `reserved` (a price)"),
        ("{discount: 0, source: contract}", "greater than 0"),
        ("{discount: 100, source: contract}", "less than 100"),
        ("{reserved: 1, source: contract}", "`reserved` needs `items`: what the price is for"),
        ("{reserved: 1, discount: 3, items: [msk], source: contract}", "`reserved` is a price of its own"),
        ("{committed: 1, items: [msk], source: contract}", "`committed` is for all a vendor bills"),
        ("{discount: 1, share: 0.5, source: contract}", "`share` goes with `committed` or `reserved`"),
        ("{discount: 1, per: year, source: contract}", "`per` goes with `committed`"),
        ("{discount: 1, until: soon, source: contract}", "expected a day such as 2027-10-31"),
        (
            "{discount: 1, items: [msk.kafak], source: contract}",
            "no item of aws is or begins with `msk.kafak`; did you mean `msk.kafka`?",
        ),
        (
            "{discount: 1, items: [confluent.basic], source: contract}",
            "no item of aws is or begins with `confluent.basic`",
        ),
    ],
)
def test_what_a_term_may_not_say(tmp_path: Path, term: str, says: str) -> None:
    error = refusal(tmp_path, f"  aws:\n    - {term}\n")
    assert error.where == f"{tmp_path}/own.yaml:5"
    assert says in str(error)


PERCENT = st.decimals(min_value="0.1", max_value="99.9", places=1)
SHARE = st.decimals(min_value="0.01", max_value="1", places=2)
AMOUNT = st.decimals(min_value=0, max_value=10**9, places=6)


@given(percents=st.lists(PERCENT, max_size=3), share=SHARE, reserved=AMOUNT, some=AMOUNT, more=AMOUNT)
def test_with_any_terms_more_never_costs_less(
    percents: list[Decimal], share: Decimal, reserved: Decimal, some: Decimal, more: Decimal
) -> None:
    source = Source("a contract", "2026-11")
    terms = [Term("aws", source, "contract", percent=percent) for percent in percents]
    terms.append(Term("aws", source, "contract", ("aws.ec2",), reserved=reserved, share=share))
    price = apply_terms([load_book().price("aws.ec2.m7g.large", "us-east-1")], terms)[0]
    less = price.cost(Quantity(some, Unit.INSTANCE_HOUR))
    greater = price.cost(Quantity(some + more, Unit.INSTANCE_HOUR))
    assert less is not None and greater is not None
    assert 0 <= less <= greater


@given(committed=st.decimals(min_value=1, max_value=5000, places=2))
@settings(max_examples=25, deadline=None)
def test_a_vendor_never_gets_less_than_was_committed(committed: Decimal) -> None:
    source = Source("a contract", "2026-11")
    book = replace(load_book(), commitments=(commitment("aws", committed, source, "own.yaml", 1),))
    environment = Environment.model_validate(
        {"name": "e", "source": "environments/e.yaml", "platform": "msk", "workload": {"ingress": "1GB/day"}}
    )
    listed = report(environment, load_book())
    of_aws = [line.amount for line in listed.estimate.lines if vendor_of(line.price.id) == "aws"]
    used = sum((amount for amount in of_aws if amount is not None), Decimal(0))
    assert report(environment, book).total.known == listed.total.known + max(committed - used, Decimal(0))
