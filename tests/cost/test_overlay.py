"""Overlays: a project's own prices on top of the list's, other currencies, and what a wrong file is told."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost.book import PriceBook, Tier, load_book
from modules.cost.overlay import overlays_of, project_book
from modules.cost.report import report
from modules.cost.units import Quantity, Unit
from modules.environment.loader import load_environment
from modules.errors import PriceError
from modules.project import Project
from tests.cost.support import project_with, run

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

SOURCES = 'sources:\n  contract: {what: "order form 4711", read: 2026-11-01}\n'
CREDIT = "  - {id: snowflake.credit.standard, price: 2.35, source: contract, confidence: A}\n"
EUR = 'currencies:\n  EUR: {rate: 0.92, source: "ECB reference rate", read: 2026-11-20}\n'

MSK = """\
platform: msk
topics: {events: {partitions: 6, retention: 7d, value: {schema: schemas/order_events.avsc}, sink: {table: A.B.EVENTS}}}
connect: {kind: managed}
"""


def overlay(folder: Path, text: str, name: str = "own.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def with_items(folder: Path, *items: str) -> PriceBook:
    return load_book(overlays=(overlay(folder, SOURCES + "items:\n" + "".join(f"  - {item}\n" for item in items)),))


def refusal(folder: Path, text: str) -> PriceError:
    with pytest.raises(PriceError) as caught:
        load_book(overlays=(overlay(folder, text),))
    return caught.value


def test_an_overlay_replaces_a_price_in_every_region_where_it_names_none(tmp_path: Path) -> None:
    book = with_items(tmp_path, "{id: snowflake.credit.standard, price: 2.35, source: contract, confidence: A}")
    for region in ("us-east-1", "eu-central-1", "ap-northeast-1"):
        assert book.price("snowflake.credit.standard", region).tiers == (Tier(Decimal("2.35")),)
    assert str(book.price("snowflake.credit.enterprise", "us-east-1")) == "$3.00 per credit"


def test_an_overlay_replaces_a_price_in_its_own_regions_only(tmp_path: Path) -> None:
    book = with_items(
        tmp_path,
        "{id: snowflake.credit.standard, region: [us-east-1, us-east-2], price: 1.9, source: contract, confidence: A}",
    )
    credit = {region: str(book.price("snowflake.credit.standard", region)) for region in ("us-east-1", "us-west-2")}
    assert credit == {"us-east-1": "$1.9 per credit", "us-west-2": "$2.00 per credit"}


def test_an_overlay_adds_a_region_to_an_item(tmp_path: Path) -> None:
    assert not load_book().price("msk.storage", "eu-central-1").known
    book = with_items(
        tmp_path, "{id: msk.storage, region: eu-central-1, price: 0.119, source: contract, confidence: A}"
    )
    assert str(book.price("msk.storage", "eu-central-1")) == "$0.119 per GiB-month"
    assert str(book.price("msk.storage", "us-east-1")) == "$0.10 per GiB-month"


def test_a_region_beats_all_regions(tmp_path: Path) -> None:
    book = with_items(
        tmp_path,
        "{id: snowflake.warehouse.small, region: us-east-1, price: 3, source: contract, confidence: A}",
    )
    assert book.price("snowflake.warehouse.small", "us-east-1").tiers == (Tier(Decimal(3)),)
    assert book.price("snowflake.warehouse.small", "eu-west-1").tiers == (Tier(Decimal(2)),)


def test_an_overlay_can_confirm_what_was_unknown_and_make_unknown_what_was_known(tmp_path: Path) -> None:
    book = with_items(
        tmp_path,
        "{id: confluent.connect.task, price: 0.1, source: contract, confidence: A}",
        "{id: msk.storage, source: contract, confidence: C, range: [0.08, 0.10], note: under negotiation}",
    )
    assert book.price("confluent.connect.task", "us-east-1").known
    assert str(book.price("msk.storage", "us-east-1")) == "unknown (between $0.08 and $0.10 per GiB-month)"


def test_what_an_overlay_stands_for_stays_visible(tmp_path: Path) -> None:
    book = with_items(tmp_path, "{id: msk.kafka.m7g.large, price: 0.19, source: contract, confidence: A}")
    price = book.price("msk.kafka.m7g.large", "us-east-1")
    assert price.source.what == f"order form 4711 ({tmp_path}/own.yaml)"
    assert (price.file, price.line) == (f"{tmp_path}/own.yaml", 4)
    assert price.replaced.startswith("$0.204 per broker-hour of modules/cost/prices/msk.yaml:")


def test_of_two_overlays_the_later_is_right(tmp_path: Path) -> None:
    first = overlay(tmp_path, SOURCES + "items:\n" + CREDIT, "2026-10-01-snowflake.yaml")
    later = overlay(tmp_path, SOURCES + "items:\n" + CREDIT.replace("2.35", "2.2"), "2026-11-01-snowflake.yaml")
    book = load_book(overlays=(first, later))
    assert str(book.price("snowflake.credit.standard", "us-east-1")) == "$2.2 per credit"
    assert "2026-10-01-snowflake.yaml:4" in book.price("snowflake.credit.standard", "us-east-1").replaced


def test_files_of_the_project_are_read_by_name_and_before_those_that_are_given(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for name, price in (("2026-11-01-b", "2.2"), ("2026-10-01-a", "2.3"), ("2026-11-01-b-2", "2.1")):
        overlay(
            tmp_path / "environments" / "prices", SOURCES + "items:\n" + CREDIT.replace("2.35", price), f"{name}.yaml"
        )
    assert [file.stem for file in overlays_of(project)] == ["2026-10-01-a", "2026-11-01-b", "2026-11-01-b-2"]
    assert str(project_book(project).price("snowflake.credit.standard", "us-east-1")) == "$2.1 per credit"
    given = overlay(tmp_path, SOURCES + "items:\n" + CREDIT)
    assert str(project_book(project, [given]).price("snowflake.credit.standard", "us-east-1")) == "$2.35 per credit"


def test_the_book_itself_is_not_changed_by_an_overlay(tmp_path: Path) -> None:
    with_items(tmp_path, "{id: msk.storage, price: 9, source: contract, confidence: A}")
    assert str(load_book().price("msk.storage", "us-east-1")) == "$0.10 per GiB-month"


def test_an_overlay_for_an_item_that_does_not_exist_is_refused_with_the_nearest(tmp_path: Path) -> None:
    error = refusal(
        tmp_path, SOURCES + "items:\n  - {id: msk.kafka.m7g.larg, price: 1, source: contract, confidence: A}\n"
    )
    assert error.where == f"{tmp_path}/own.yaml:4"
    assert error.what == "the price book has no item `msk.kafka.m7g.larg`; did you mean `msk.kafka.m7g.large`?"
    assert error.do == "`infra cost prices` lists the items; an overlay gives another price to one that is there"


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (
            "{id: msk.storage, price: 1, unit: GB, source: contract, confidence: A}",
            "msk.storage is priced per GiB-month, not per GB",
        ),
        (
            "{id: msk.storage, price: 1, source: contrakt, confidence: A}",
            "msk.storage: the source `contrakt` is not under `sources` (there: contract)",
        ),
        (
            "{id: snowflake.warehouse.small, currency: USD, price: 1, source: contract, confidence: A}",
            "snowflake.warehouse.small is priced in credit, not in USD",
        ),
    ],
)
def test_what_an_overlay_item_may_not_say(tmp_path: Path, item: str, says: str) -> None:
    error = refusal(tmp_path, f"{SOURCES}items:\n  - {item}\n")
    assert (error.where, error.what) == (f"{tmp_path}/own.yaml:4", says)


def test_every_problem_of_an_overlay_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    bad = (
        "  - {id: msk.nothing, price: 1, source: contract, confidence: A}\n"
        "  - {id: msk.storage, price: 1, unit: GB, source: contract, confidence: A}\n"
        "  - {id: msk.storage, price: 1, source: contract, confidence: A}\n"
    )
    error = refusal(tmp_path, SOURCES + "items:\n" + bad + "terms:\n  aws:\n    - {discount: 5, source: nowhere}\n")
    assert error.what == "the price file has 4 problems"
    lines = [text.removeprefix(f"{tmp_path}/own.yaml:").split(":")[0] for text in error.details]
    assert lines == ["4", "5", "6", "9"]
    assert "second price for region us-east-1" in error.details[2]
    assert "the source `nowhere` is not under `sources`" in error.details[3]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("items: [\n", 2, "not valid YAML"),
        ("just words\n", 1, "the price file holds no keys"),
        ("", 1, "the price file is empty"),
        (SOURCES, 1, "the overlay is empty: give `items`, `terms` or `currencies`"),
        (f"{SOURCES}items:\n{CREDIT}items:\n{CREDIT}", 5, "items: this key is there twice"),
        ('sources:\n  a: {what: "a list", read: lately}\nitems: []\n', 2, "sources.a.read: expected a day or a month"),
        ('sources:\n  a: {what: "a list"}\nitems: []\n', 2, "sources.a.read: Field required"),
        (f"{SOURCES}itmes: []\n", 3, "itmes: Extra inputs are not permitted"),
        (f"{SOURCES}items:\n{CREDIT.replace('2.35', 'cheap')}", 4, "snowflake.credit.standard: price"),
        (f"{SOURCES}items:\n{CREDIT.replace('price', 'region: us_east_1, price')}", 4, "`us_east_1` is not a region"),
        ("currencies: {EURO: {rate: 1, source: me myself, read: 2026-11}}\n", 1, "write a currency's three letters"),
        ("currencies: {EUR: {rate: 0, source: me myself, read: 2026-11}}\n", 1, "greater than 0"),
        ("currencies: {EUR: {rate: 1, source: me myself, read: lately}}\n", 1, "expected a day or a month"),
        (f"{SOURCES}terms: {{oracle: [{{discount: 5, source: contract}}]}}\n", 3, "terms.oracle"),
    ],
)
def test_a_malformed_overlay_is_named_with_file_and_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    error = refusal(tmp_path, text)
    assert error.where == f"{tmp_path}/own.yaml:{line}"
    assert says in str(error)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="there is no such price file"):
        load_book(overlays=(tmp_path / "nothing.yaml",))


def test_amounts_come_in_another_currency_at_the_stated_rate(tmp_path: Path) -> None:
    file = overlay(tmp_path, EUR)
    price = load_book(overlays=(file,), currency="EUR").price("msk.storage", "us-east-1")
    assert str(price) == "$0.10 per GiB-month × 0.92 EUR/USD"
    assert price.cost(Quantity(Decimal(100), Unit.GIB_MONTH)) == Decimal("9.2")  # 100 × 0.10 × 0.92
    assert price.billed_in == "EUR"
    assert [source.what for source in price.sources][1] == f"ECB reference rate ({tmp_path}/own.yaml)"


def test_a_price_in_another_currency_is_exchanged_to_the_reports(tmp_path: Path) -> None:
    text = SOURCES + "items:\n" + CREDIT.replace("price: 2.35", "currency: EUR, price: 2.30") + EUR
    file = overlay(tmp_path, text)
    dollars = load_book(overlays=(file,)).price("snowflake.credit.standard", "us-east-1")
    assert str(dollars) == "€2.30 per credit ÷ 0.92 EUR/USD"
    assert dollars.cost(Quantity(Decimal(1), Unit.CREDIT)).quantize(Decimal("0.0001")) == Decimal("2.5000")  # type: ignore[union-attr]
    euros = load_book(overlays=(file,), currency="EUR").price("snowflake.credit.standard", "us-east-1")
    assert str(euros) == "€2.30 per credit"
    assert euros.cost(Quantity(Decimal(2), Unit.CREDIT)) == Decimal("4.60")


def test_a_currency_without_a_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceError) as caught:
        load_book(currency="CHF")
    assert caught.value.what == "there is no rate between USD and CHF"
    assert caught.value.do == (
        "add one to a file in environments/prices/ or one given by --prices: currencies: "
        "{CHF: {rate: <CHF for 1 USD>, source: <who says so>, read: <date>}}"
    )
    error = refusal(tmp_path, SOURCES + "items:\n" + CREDIT.replace("price: 2.35", "currency: EUR, price: 2.30"))
    assert (error.where, error.what) == (f"{tmp_path}/own.yaml:4", "there is no rate between USD and EUR")


def test_a_budget_is_held_against_the_total_at_the_stated_rate(tmp_path: Path) -> None:
    project = project_with(tmp_path, "e", MSK + "budget: {monthly: 460 EUR}\n")
    environment = load_environment(Project(project), "e")
    made = report(environment, load_book(overlays=(overlay(tmp_path, EUR),)))
    assert made.budget is not None
    assert made.budget.monthly == Decimal(500)  # 460 ÷ 0.92
    assert (made.budget.currency, made.budget.stated) == ("USD", "460 EUR")
    with pytest.raises(PriceError, match="there is no rate between USD and EUR"):
        report(environment, load_book())


def test_lines_sum_to_the_total_in_another_currency_too(tmp_path: Path) -> None:
    environment = load_environment(Project(project_with(tmp_path, "e", MSK)), "e")
    made = report(environment, load_book(overlays=(overlay(tmp_path, EUR),), currency="EUR"))
    assert sum((line.amount for line in made.estimate.lines if line.amount is not None), Decimal(0)) == made.total.known
    assert {line.currency for line in made.estimate.lines} == {"EUR"}
    dollars = {line.id: line.amount for line in report(environment, load_book()).estimate.lines}
    for line in made.estimate.lines:
        there = dollars[line.id]
        if line.amount is not None and there is not None:
            assert abs(line.amount - there * Decimal("0.92")) < Decimal("0.000002")


def test_the_command_takes_prices_and_a_currency_before_or_behind_its_subcommand(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    project = project_with(tmp_path, "e", MSK)
    file = str(overlay(tmp_path, SOURCES + "items:\n" + CREDIT + EUR))
    behind = run(
        monkeypatch, capsys, project, "cost", "explain", "warehouse", "-e", "e", "--prices", file, "--currency", "eur"
    )
    before = run(
        monkeypatch, capsys, project, "cost", "--prices", file, "--currency", "EUR", "explain", "warehouse", "-e", "e"
    )
    assert behind == before
    code, out, _ = behind
    assert code == 0
    assert "× $2.35 per credit × 0.92 EUR/USD = €" in out
    assert "replaces  $2.00 per credit of modules/cost/prices/snowflake.yaml:" in out
    assert "ECB reference rate" in out
    _, plain, _ = run(monkeypatch, capsys, project, "cost", "explain", "warehouse", "-e", "e")
    assert "€" not in plain


def test_the_projects_own_prices_need_no_option(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK)
    overlay(project / "environments" / "prices", SOURCES + "items:\n" + CREDIT, "2026-11-21-snowflake.yaml")
    code, out, _ = run(monkeypatch, capsys, project, "cost", "--env", "e")
    assert code == 0
    assert "$2.35" in out
    assert "order form 4711 (environments/prices/2026-11-21-snowflake.yaml)" in " ".join(out.split())


@pytest.mark.parametrize("currency", ["euro", "E1R"])
def test_a_currency_is_three_letters(tmp_path: Path, monkeypatch: Patch, capsys: Capture, currency: str) -> None:
    code, _, err = run(monkeypatch, capsys, project_with(tmp_path, "e", MSK), "cost", "-e", "e", "--currency", currency)
    assert code == 1
    assert f"`{currency}` is not a currency" in err


PAGE = Path(__file__).parents[2] / "docs" / "cost-prices.md"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_the_page_shows_is_an_overlay(tmp_path: Path, number: int) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    book = load_book(overlays=(overlay(tmp_path, shown[number]),))
    assert any(price.file.endswith("own.yaml") or price.adjustments for price in book.prices) or book.rates


def test_the_page_names_the_services_whose_lists_are_read() -> None:
    from modules.cost.refresh.aws import services

    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in services() if name not in text] == []


def test_the_decision_table_prices_with_the_projects_own_prices(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    project = project_with(tmp_path, "e", MSK)

    def month() -> Decimal:
        _, out, _ = run(monkeypatch, capsys, project, "platforms", "--env", "e", "--json")
        chosen = next(each for each in json.loads(out)["options"] if each["chosen"])
        return Decimal(chosen["monthly_usd"]["known"])

    listed = month()
    overlay(project / "environments" / "prices", SOURCES + "terms:\n  aws: [{discount: 50, source: contract}]\n")
    assert month() < listed


def test_a_file_that_is_no_text_and_a_folder_are_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_bytes(b"\xff\xfe\x00")
    for path, says in ((tmp_path / "own.yaml", "no text in UTF-8"), (tmp_path, "is a directory")):
        with pytest.raises(PriceError) as caught:
            load_book(overlays=(path,))
        assert says in caught.value.what
        assert "codec" not in str(caught.value) and "Errno" not in str(caught.value) and caught.value.do
