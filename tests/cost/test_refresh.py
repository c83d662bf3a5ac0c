"""`infra cost refresh`: what changed, what is held back, what is written; Confluent's list and a credit's price."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost.book import Source, Tier, load_book
from modules.cost.overlay import project_book
from modules.cost.refresh import Found, compare, earlier, overlay_text, write_overlay
from modules.cost.refresh.confluent import read_confluent
from modules.cost.refresh.found import exact
from modules.errors import PriceError
from modules.project import Project
from tests.cost.pricelists import MSK as RECORDS
from tests.cost.pricelists import confluent_rows, offer_file, product
from tests.cost.support import project_with, run
from tests.cost.test_overlay import MSK, SOURCES, overlay

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

LIST = Source("AWS price list, AmazonMSK", "2026-11-21")
DAY = dt.date(2026, 11, 21)


def found(item: str, price: str, region: str = "us-east-1") -> Found:
    return Found(item, region, (Tier(Decimal(price)),), LIST, "a record")


def listed(folder: Path, *rows: tuple[str, str, float], **more: str) -> Path:
    file = folder / "prices.json"
    file.write_text(json.dumps(confluent_rows(*rows, **more)), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("price", "kind", "percent"),
    [("0.204", "same", "0"), ("0.2040", "same", "0"), ("0.2244", "changed", "10"), ("0.102", "changed", "-50")],
)
def test_a_price_is_held_against_the_books(price: str, kind: str, percent: str) -> None:
    change = compare("aws", load_book(), [found("msk.kafka.m7g.large", price)]).changes[0]
    assert change.kind == kind
    assert change.percent == Decimal(percent)
    assert not change.doubt


@pytest.mark.parametrize(
    ("price", "doubt"),
    [
        ("0.612", ""),  # three times, and not more
        ("0.613", "more than 3 times the price"),
        ("0.068", ""),
        ("0.067", "less than a third of the price"),
        ("0", "it would be free, and the price is not"),
        ("204", "more than 3 times the price"),
    ],
)
def test_what_nobody_would_believe_is_held_back_until_accepted(price: str, doubt: str) -> None:
    refreshed = compare("aws", load_book(), [found("msk.kafka.m7g.large", price), found("msk.storage", "0.10")])
    change = next(each for each in refreshed.changes if each.found.item == "msk.kafka.m7g.large")
    assert change.doubt == doubt
    assert (change in refreshed.taken()) is (not doubt)
    assert change in refreshed.taken(accept=True)
    assert any(each.found.item == "msk.storage" for each in refreshed.taken())


def test_a_new_region_is_held_against_the_items_other_regions() -> None:
    near, far = (found("msk.kafka.m7g.large", price, "eu-central-1") for price in ("0.244", "2.44"))
    change = compare("aws", load_book(), [near]).changes[0]
    assert (change.kind, change.percent, change.doubt) == ("new", None, "")
    assert compare("aws", load_book(), [far]).changes[0].doubt == "more than 3 times the price of the item elsewhere"


def test_a_price_that_was_unknown_is_held_against_its_range() -> None:
    inside, outside = (found("confluent.connect.task", price) for price in ("0.1", "5"))
    assert compare("confluent", load_book(), [inside]).changes[0].doubt == ""
    doubt = compare("confluent", load_book(), [outside]).changes[0].doubt
    assert doubt == "more than 3 times the price that it lies between"


def test_an_overlay_that_is_written_is_read_back_as_what_was_found(tmp_path: Path) -> None:
    tiers = (Tier(Decimal("0"), Decimal(730)), Tier(Decimal("0.13")))
    prices = [
        found("msk.kafka.m7g.large", "0.21"),
        found("msk.kafka.m7g.large", "0.244", "eu-central-1"),
        found("msk.storage", "0.1"),
        found("msk.storage", "0.1", "eu-central-1"),
        Found("confluent.basic.ecku", "us-east-1", tiers, Source('a "list"', "2026-11-20"), ""),
    ]
    text = overlay_text("aws", prices)
    file = tmp_path / "2026-11-21-aws.yaml"
    write_overlay(file, text)
    book = load_book(overlays=(file,))
    for each in prices:
        price = book.price(each.item, each.region)
        assert price.tiers == each.tiers
        assert price.source == Source(f"{each.source.what} ({file})", each.source.read)
        assert price.confidence == "A"
    assert "id: msk.storage, region: [eu-central-1, us-east-1]" in text, "one record for one price"


def test_a_file_that_somebody_wrote_is_not_written_over(tmp_path: Path) -> None:
    file = overlay(tmp_path, SOURCES + "items: []\n", "2026-11-21-aws.yaml")
    before = file.read_text()
    with pytest.raises(PriceError, match="was not written by `infra cost refresh`"):
        earlier(file, [found("msk.storage", "0.1")])
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("amount", "text"), [("0.2040000000", "0.204"), ("10", "10"), ("1E+2", "100"), ("0.1000000000000000001", "0.1")]
)
def test_amounts_are_written_without_tails(amount: str, text: str) -> None:
    assert f"{exact(Decimal(amount)):f}" == text


def test_confluents_list_is_read_by_metric_and_cluster_type(tmp_path: Path) -> None:
    file = listed(
        tmp_path,
        ("KafkaNumCKUs", "basic", 0.135),
        ("KafkaNumCKUs", "standard", 0.8),
        ("KafkaNetworkWrite", "standard", 0.04),
        ("KafkaNetworkRead", "enterprise", 0.02),
        ("KafkaStorage", "basic", 0.00010959),
        ("KafkaStorage", "standard", 0.00010959),
    )
    prices, problems = read_confluent(file, "eu-west-1", DAY)
    by_item = {each.item: each for each in prices}
    assert {item: each.tiers[-1].price for item, each in by_item.items()} == {
        "confluent.basic.ecku": Decimal("0.135"),
        "confluent.standard.ecku": Decimal("0.8"),
        "confluent.standard.in": Decimal("0.04"),
        "confluent.enterprise.out": Decimal("0.02"),
        "confluent.storage": Decimal("0.08"),  # 0.00010959 × 730, to the four digits it is printed with
    }
    assert by_item["confluent.basic.ecku"].tiers[0] == Tier(Decimal(0), Decimal(730)), "the first eCKU stays free"
    assert {each.region for each in prices} == {"eu-west-1"}
    assert by_item["confluent.storage"].record == "KafkaStorage, basic"
    missing = {each.item for each in problems if each.what == "not in the list"}
    assert "confluent.dedicated.cku" in missing
    assert "confluent.basic.ecku" not in missing


def test_the_network_and_the_availability_choose_between_prices(tmp_path: Path) -> None:
    rows = [
        *confluent_rows(("KafkaNumCKUs", "dedicated", 2.0)),
        *confluent_rows(("KafkaNumCKUs", "dedicated", 3.0), availability="high"),
        *confluent_rows(("KafkaNumCKUs", "dedicated", 2.5), network="private-link"),
    ]
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(rows), encoding="utf-8")

    def cku(*how: str) -> Decimal:
        return read_confluent(file, "us-east-1", DAY, *how)[0][0].tiers[0].price

    assert (cku(), cku("internet", "high"), cku("private-link")) == (Decimal(2), Decimal(3), Decimal("2.5"))


def test_prices_that_contradict_each_other_are_not_taken(tmp_path: Path) -> None:
    prices, problems = read_confluent(
        listed(tmp_path, ("KafkaStorage", "basic", 0.00010959), ("KafkaStorage", "standard", 0.0002)), "us-east-1", DAY
    )
    assert not prices
    assert problems[0].what == "the list has 0.08, 0.146: say which by --network and --availability"


def test_a_metric_that_is_new_is_said(tmp_path: Path) -> None:
    _, problems = read_confluent(listed(tmp_path, ("KafkaWonder", "basic", 1.0)), "us-east-1", DAY)
    assert problems[0].what == "`KafkaWonder` is a metric that infra does not know"


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("[{", ":1", "not valid JSON"),
        ("{}", "", "not a price list: expected a JSON list of prices"),
        ("[]", "", "not a price list"),
        ('[{"metric": "KafkaStorage"}]', "", "record 1 of the price list has no `cluster_type`"),
        ("[3]", "", "record 1 of the price list has no `metric`"),
        (json.dumps(confluent_rows(("KafkaStorage", "basic", -1))), "", "record 1 of the price list has no price but"),
    ],
)
def test_what_is_no_price_list_of_confluents_is_refused(tmp_path: Path, text: str, where: str, says: str) -> None:
    file = tmp_path / "prices.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PriceError) as caught:
        read_confluent(file, "us-east-1", DAY)
    assert caught.value.where == f"{file}{where}"
    assert says in caught.value.what
    assert "confluent billing price list" in str(caught.value.do)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return project_with(tmp_path / "project", "e", MSK)


def refreshed(monkeypatch: Patch, capsys: Capture, project: Path, *arguments: str) -> tuple[int, str, str]:
    return run(monkeypatch, capsys, project, "cost", "refresh", *arguments)


def test_a_refresh_writes_a_dated_overlay_that_every_report_uses(
    project: Path, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    file = offer_file(tmp_path / "index.json", "AmazonMSK", RECORDS)
    code, out, err = refreshed(monkeypatch, capsys, project, "--aws-file", str(file), "--snowflake-credit", "2.35")
    assert code == 0
    written = sorted((project / "environments" / "prices").glob("*"))
    assert [each.name for each in written] == ["2026-11-21-aws.yaml", "2026-11-21-snowflake.yaml"]
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines() if line.strip()}
    assert rows["msk.kafka.m5.large"] == "us-east-1 0.21 0.22 +4.8 %"
    assert rows["msk.tiered.storage"] == "us-east-1 unknown 0.06 new"
    assert rows["snowflake.credit.standard"] == "us-east-1 2.00 2.35 +17.5 %"
    assert "msk.kafka.m7g.large" not in rows, "what is as it was is only counted"
    assert rows["msk.express.m7g.large"] == "us-east-1 0.408 4.08 +900.0 % ! more than 3 times the price: held"
    assert "aws: 4 confirmed, 2 changed, 1 new" in err
    assert "1 held back: check them against the vendor's page, then add --accept" in err
    missing = next(line for line in err.splitlines() if line.startswith("  · us-east-1: not in the list: "))
    assert "msk.serverless.out" in missing
    book = project_book(Project(project))
    assert book.price("msk.kafka.m5.large", "us-east-1").tiers == (Tier(Decimal("0.22")),)
    assert book.price("msk.kafka.m7g.large", "us-east-1").source.read == "2026-11-15", "confirmed, and so read anew"
    assert book.price("msk.express.m7g.large", "us-east-1").tiers == (Tier(Decimal("0.408")),)
    _, report, _ = run(monkeypatch, capsys, project, "cost", "explain", "warehouse", "--env", "e")
    assert "Snowflake credit (standard), as given to infra cost refresh (environments/prices/2026-11-21" in report


def test_what_was_held_back_is_taken_when_accepted(
    project: Path, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    file = str(offer_file(tmp_path / "index.json", "AmazonMSK", RECORDS))
    refreshed(monkeypatch, capsys, project, "--aws-file", file)
    code, out, err = refreshed(monkeypatch, capsys, project, "--aws-file", file, "--accept")
    assert code == 0
    assert "more than 3 times the price" in " ".join(out.split())
    assert "held back" not in err
    assert project_book(Project(project)).price("msk.express.m7g.large", "us-east-1").tiers == (Tier(Decimal("4.08")),)


def test_a_dry_run_writes_nothing(project: Path, monkeypatch: Patch, capsys: Capture) -> None:
    code, out, err = refreshed(monkeypatch, capsys, project, "--snowflake-credit", "2.35", "--dry-run")
    assert code == 0
    assert "+17.5 %" in out
    assert "nothing written" in err
    assert not (project / "environments" / "prices").exists()


def test_machines_read_a_refresh_as_json(project: Path, tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    file = str(offer_file(tmp_path / "index.json", "AmazonMSK", RECORDS))
    _, out, _ = refreshed(monkeypatch, capsys, project, "--aws-file", file, "--json")
    document = json.loads(out)
    assert document["schema"] == "infra.cost.refresh/1"
    vendor = document["vendors"][0]
    assert vendor["written"].endswith("environments/prices/2026-11-21-aws.yaml")
    prices = {each["item"]: each for each in vendor["prices"]}
    assert prices["msk.kafka.m5.large"] == {
        "item": "msk.kafka.m5.large",
        "region": "us-east-1",
        "kind": "changed",
        "book": [{"price": "0.21", "up_to": None}],
        "now": [{"price": "0.22", "up_to": None}],
        "percent": "4.76",
        "doubt": None,
        "held_back": False,
        "record": "USE1-Kafka.m5.large",
        "read": "2026-11-15",
    }
    assert prices["msk.express.m7g.large"]["held_back"] is True
    assert {"item": "msk.serverless.out", "region": "us-east-1", "what": "not in the list"} in vendor["problems"]


def test_the_regions_are_those_of_the_environments_unless_given(
    project: Path, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    (project / "environments" / "f.yaml").write_text(MSK + "msk: {region: eu-central-1}\n", encoding="utf-8")
    file = str(offer_file(tmp_path / "index.json", "AmazonMSK", RECORDS))
    _, out, _ = refreshed(monkeypatch, capsys, project, "--aws-file", file, "--json")
    prices = {(each["item"], each["region"]) for each in json.loads(out)["vendors"][0]["prices"]}
    assert {("msk.kafka.m7g.large", "us-east-1"), ("msk.kafka.m7g.large", "eu-central-1")} <= prices
    _, out, _ = refreshed(monkeypatch, capsys, project, "--aws-file", file, "--region", "eu-central-1", "--json")
    assert {each["region"] for each in json.loads(out)["vendors"][0]["prices"]} == {"eu-central-1"}
    code, _, err = refreshed(
        monkeypatch, capsys, project, "--confluent", str(listed(tmp_path, ("KafkaStorage", "basic", 1)))
    )
    assert code == 1
    assert "the list is of one region and does not say which" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing to read prices from"),
        (("--snowflake-credit", "cheap"), "`cheap` is not a price"),
        (("--snowflake-credit", "-1"), "a credit does not cost -1"),
        (("--snowflake-credit", "nan"), "`nan` is not a price"),
        (("--snowflake-credit", "2", "--edition", "premium"), "Snowflake has no edition `premium`"),
        (("--confluent", "nothing.json"), "there is no such file"),
        (("--aws-file", "nothing.json"), "there is no such file"),
    ],
)
def test_what_a_refresh_cannot_do_is_said(
    project: Path, monkeypatch: Patch, capsys: Capture, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = refreshed(monkeypatch, capsys, project, *arguments)
    assert (code, out) == (1, "")
    assert says in err
    assert "Traceback" not in err


def test_prices_of_two_services_make_one_overlay(
    project: Path, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    key = product("K1", "Encryption Key", "us-east-1-KMS-Keys", "1.0000000000", "Keys")
    one = offer_file(tmp_path / "msk.json", "AmazonMSK", RECORDS)
    two = offer_file(tmp_path / "kms.json", "awskms", [key])
    refreshed(monkeypatch, capsys, project, "--aws-file", str(one), "--aws-file", str(two))
    text = (project / "environments" / "prices" / "2026-11-21-aws.yaml").read_text()
    assert "id: aws.kms.key, region: [us-east-1], price: 1, source: list" in text
    assert "AWS price list, AmazonMSK" in text
    assert "AWS price list, awskms" in text


def test_a_later_run_of_the_same_day_adds_to_the_file(
    project: Path, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    file = str(offer_file(tmp_path / "msk.json", "AmazonMSK", RECORDS))
    key = product("K1", "Encryption Key", "us-east-1-KMS-Keys", "1.0000000000", "Keys")
    refreshed(monkeypatch, capsys, project, "--aws-file", file)
    refreshed(monkeypatch, capsys, project, "--aws-file", file, "--region", "eu-central-1")
    refreshed(monkeypatch, capsys, project, "--aws-file", str(offer_file(tmp_path / "kms.json", "awskms", [key])))
    written = {
        (price.id, region)
        for price in project_book(Project(project)).prices
        if price.file.startswith("environments")
        for region in price.regions
    }
    assert {
        ("msk.storage", "us-east-1"),
        ("msk.kafka.m7g.large", "eu-central-1"),
        ("aws.kms.key", "us-east-1"),
    } <= written


def test_the_price_book_can_be_listed(project: Path, monkeypatch: Patch, capsys: Capture) -> None:
    code, out, _ = run(monkeypatch, capsys, project, "cost", "prices", "msk.serverless", "--json")
    assert code == 0
    prices = json.loads(out)["prices"]
    assert {each["item"] for each in prices} >= {"msk.serverless.cluster", "msk.serverless.in"}
    assert prices[0]["file"].startswith("modules/cost/prices/msk.yaml:")
    code, out, _ = run(monkeypatch, capsys, project, "cost", "prices", "snowflake.credit", "--region", "eu-central-1")
    assert code == 0
    assert "$2.60 per credit" in out
    assert "$2.00" not in out
    code, _, err = run(monkeypatch, capsys, project, "cost", "prices", "msk.servreless")
    assert code == 1
    assert "no item is or begins with `msk.servreless`; did you mean" in err
    code, _, err = run(monkeypatch, capsys, project, "cost", "prices", "--region", "mars-1")
    assert code == 1
    assert "the price book knows nothing of region `mars-1`" in err
