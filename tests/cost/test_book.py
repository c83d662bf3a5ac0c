"""The price book: what every price must say, what an unknown one does, and what a malformed file is told."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost.book import Adjustment, Price, Source, load_book
from modules.cost.stale import stale, stale_words, today
from modules.cost.units import Quantity, Unit
from modules.errors import PriceError
from tests.cost.support import project_with, run

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


def test_the_list_is_in_dollars_and_credits(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEAD + GOOD.replace("price: 0.10", "currency: EUR, price: 0.10"))
    assert error.where is not None
    assert error.where.endswith("some.yaml:8")
    assert error.what == "there is no rate between USD and EUR"


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="empty"):
        load_book(tmp_path)


@pytest.mark.parametrize(
    ("item", "prices"),
    [
        ("confluent.basic.ecku", "0 0.14 eCKU-hour"),
        ("confluent.basic.in", "0.05 GiB"),
        ("confluent.basic.out", "0.05 GiB"),
        ("confluent.standard.ecku", "0.75 eCKU-hour"),
        ("confluent.standard.in", "0.05 GiB"),
        ("confluent.enterprise.ecku", "2.25 eCKU-hour"),
        ("confluent.enterprise.out", "0.05 GiB"),
        ("confluent.freight.ecku", "2.25 eCKU-hour"),
        ("confluent.freight.storage", "0.03 GiB-month"),
        ("confluent.storage", "0.08 GiB-month"),
        ("confluent.connect.throughput", "0.025 GiB"),
        ("confluent.connect.custom.throughput", "0.025 GiB"),
        ("confluent.governance.schema", "0 0.002 schema-hour"),
        ("confluent.governance.advanced", "1 package-hour"),
        ("confluent.flink", "0.21 CFU-hour"),
        ("msk.kafka.m7g.large", "0.204 broker-hour"),
        ("msk.kafka.m7g.16xlarge", "6.528 broker-hour"),
        ("msk.kafka.m5.large", "0.21 broker-hour"),
        ("msk.kafka.m5.4xlarge", "1.68 broker-hour"),
        ("msk.kafka.t3.small", "0.0456 broker-hour"),
        ("msk.express.m7g.large", "0.408 broker-hour"),
        ("msk.express.m7g.8xlarge", "6.528 broker-hour"),
        ("msk.express.m7g.16xlarge", "13.056 broker-hour"),
        ("msk.storage", "0.10 GiB-month"),
        ("msk.express.storage", "0.10 GiB-month"),
        ("msk.express.in", "0.01 GiB"),
        ("msk.storage.throughput", "0.08 MBps-month"),
        ("msk.serverless.cluster", "0.75 cluster-hour"),
        ("msk.serverless.partition", "0.0015 partition-hour"),
        ("msk.serverless.in", "0.10 GiB"),
        ("msk.serverless.out", "0.05 GiB"),
        ("msk.serverless.storage", "0.10 GiB-month"),
        ("msk.connect.mcu", "0.11 MCU-hour"),
        ("aws.fargate.vcpu", "0.04048 vCPU-hour"),
        ("aws.fargate.memory", "0.004445 GiB-hour"),
        ("aws.nlb.hour", "0.0225 balancer-hour"),
        ("aws.nlb.capacity", "0.006 NLCU-hour"),
        ("aws.alb.hour", "0.0225 balancer-hour"),
        ("aws.alb.capacity", "0.008 LCU-hour"),
        ("aws.ebs.gp3", "0.08 GiB-month"),
        ("aws.ebs.gp3.iops", "0.005 IOPS-month"),
        ("aws.ebs.gp3.throughput", "0.04 MBps-month"),
        ("aws.nat.hour", "0.045 gateway-hour"),
        ("aws.nat.data", "0.045 GiB"),
        ("aws.logs.in", "0.50 GiB"),
        ("aws.logs.kept", "0.03 GiB-month"),
        ("aws.secret", "0.40 secret-month"),
        ("aws.secret.calls", "0.05 10k-calls"),
        ("aws.ipv4", "0.005 address-hour"),
        ("aws.zone.transfer", "0.01 GiB"),
        ("aws.endpoint.hour", "0.01 endpoint-hour"),
        ("aws.endpoint.data", "0.01 0.006 0.004 GiB"),
        ("aws.kms.key", "1 key-month"),
        ("aws.kms.calls", "0 0.03 10k-calls"),
        ("aws.alarm", "0.10 alarm-month"),
        ("aws.alarm.high", "0.30 alarm-month"),
        ("aws.metric", "0.30 metric-month"),
        ("aws.dashboard", "3 resource-month"),
        ("aws.internet.out", "0 0.09 0.085 0.07 0.05 GiB"),
        ("aws.ecr", "0.10 GiB-month"),
        ("aws.zone", "0.50 zone-month"),
        ("aws.zone.queries", "0.40 1M-queries"),
        ("aws.efs", "0.30 GiB-month"),
        ("aws.s3", "0.023 GiB-month"),
        ("aws.s3.put", "0.005 1k-calls"),
        ("aws.s3.get", "0.0004 1k-calls"),
        ("aws.ec2.m7g.large", "0.0816 instance-hour"),
        ("aws.ec2.m7g.2xlarge", "0.3264 instance-hour"),
        ("aws.ec2.c7g.xlarge", "0.145 instance-hour"),
        ("aws.ec2.i4i.xlarge", "0.343 instance-hour"),
        ("aws.ec2.m5.large", "0.096 instance-hour"),
        ("snowflake.credit.standard", "2.00 credit"),
        ("snowflake.credit.enterprise", "3.00 credit"),
        ("snowflake.credit.business_critical", "4.00 credit"),
        ("snowflake.credit.vps", "6.00 credit"),
        ("snowflake.storage", "23.00 TB-month"),
        ("snowflake.warehouse.xlarge", "16 warehouse-hour"),
        ("snowflake.warehouse.gen2.xsmall", "1.35 warehouse-hour"),
        ("snowflake.ingest.snowpipe", "0.0037 GB"),
        ("snowflake.ingest.streaming", "0.0037 GB"),
        ("snowflake.ingest.classic.client", "0.01 instance-hour"),
        ("snowflake.serverless.task", "0.9 compute-hour"),
        ("snowflake.serverless.clustering", "2 compute-hour"),
        ("snowflake.transfer.far", "20 TB"),
        ("snowflake.transfer.internet", "90 TB"),
        ("redpanda.serverless.cluster", "0.10 cluster-hour"),
        ("redpanda.serverless.in", "0.045 GB"),
        ("redpanda.serverless.partition", "0.0015 partition-hour"),
    ],
)
def test_the_facts_are_in_the_book_with_their_unit(item: str, prices: str) -> None:
    *numbers, unit = prices.split()
    price = load_book().price(item, "us-east-1")
    assert [tier.price for tier in price.tiers] == [Decimal(number) for number in numbers]
    assert price.unit == unit
    assert price.confidence in "AB"


@pytest.mark.parametrize(
    ("region", "standard", "enterprise", "critical"),
    [
        ("us-west-2", "2.00", "3.00", "4.00"),
        ("eu-central-1", "2.60", "3.90", "5.20"),
        ("eu-west-1", "2.60", "3.90", "5.20"),
        ("eu-west-2", "2.70", "4.00", "5.40"),
        ("ap-southeast-2", "2.75", "4.05", "5.50"),
        ("ap-northeast-1", "2.85", "4.30", "5.70"),
        ("ap-southeast-1", "2.50", "3.70", "5.00"),
    ],
)
def test_credits_have_the_price_of_their_region(region: str, standard: str, enterprise: str, critical: str) -> None:
    editions = ("standard", "enterprise", "business_critical")
    prices = [load_book().price(f"snowflake.credit.{edition}", region).tiers[0].price for edition in editions]
    assert prices == [Decimal(standard), Decimal(enterprise), Decimal(critical)]


@pytest.mark.parametrize(
    "item",
    [
        "confluent.dedicated.cku", "confluent.connect.task", "confluent.connect.cdc", "confluent.freight.in",
        "msk.tiered.storage", "msk.tiered.read", "aws.cloudmap", "redpanda.byoc.rpu",
    ],
)  # fmt: skip
def test_what_nobody_could_confirm_is_in_the_book_as_unknown(item: str) -> None:
    assert not load_book().price(item, "us-east-1").known


def test_the_machines_of_a_family_are_one_line_of_the_file(tmp_path: Path) -> None:
    family = GOOD.replace("price: 0.10", "sizes: {large: 0.1, 2xlarge: 0.4}")
    (tmp_path / "some.yaml").write_text(HEAD + family, encoding="utf-8")
    book = load_book(tmp_path)
    assert [(price.id, str(price), price.what) for price in book.prices] == [
        ("some.thing.large", "$0.1 per GiB", "a thing.large"),
        ("some.thing.2xlarge", "$0.4 per GiB", "a thing.2xlarge"),
    ]
    (tmp_path / "bad").mkdir()
    error = refusal(tmp_path / "bad", HEAD + family.replace("sizes", "price: 1, sizes"))
    assert "`sizes` has the prices" in str(error)


def priced_on(read: str) -> Price:
    like = load_book().price("msk.storage", "us-east-1")
    return replace(like, source=Source("a list", read))


@pytest.mark.parametrize(
    ("read", "old"),
    [
        ("2026-11-21", False),
        ("2026-08-23", False),  # 90 days
        ("2026-08-22", True),  # 91
        ("2026-09", False),  # its first day: 81
        ("2026-08", True),  # 112, though its last day is 82 days ago
    ],
)
def test_a_price_is_old_after_90_days(read: str, old: bool) -> None:
    assert bool(stale([priced_on(read)], dt.date(2026, 11, 21))) is old


def test_old_prices_are_said_in_one_line_oldest_first() -> None:
    prices = [priced_on("2026-05-01"), priced_on("2026-01-01"), priced_on("2026-11-01")]
    assert stale_words(prices, dt.date(2026, 11, 21)) == (
        "old prices: read more than 90 days ago: a list (324 days); a list (204 days); "
        "`infra cost refresh` reads them anew, or check them and date them in an overlay"
    )
    assert stale_words(prices[2:], dt.date(2026, 11, 21)) == ""


def test_an_old_rate_or_contract_makes_a_price_old() -> None:
    discount = Adjustment("−5 % (contract)", Source("order form", "2025-11-01"), factor=Decimal("0.95"))
    price = replace(priced_on("2026-11-01"), adjustments=(discount,))
    assert [source.what for source in stale([price], dt.date(2026, 11, 21))] == ["order form"]


def test_the_day_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795219200")
    assert today() == dt.date(2026, 11, 21)


def test_reports_say_which_prices_are_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = project_with(tmp_path, "e", "platform: msk\nconnect: {kind: managed}\ntopics: {}\n")
    arguments = ("cost", "--env", "e")
    _, fresh, _ = run(monkeypatch, capsys, project, *arguments)
    assert "old prices" not in fresh
    later = {"SOURCE_DATE_EPOCH": "1811116800"}  # 2027-05-24
    for name, shown in (("text", arguments), ("comparison", ("cost", "compare", "--env", "e"))):
        _, out, _ = run(monkeypatch, capsys, project, *shown, environment=later)
        assert " ".join(out.split()).count("old prices: read more than 90 days ago:") == 1, name
    _, out, _ = run(monkeypatch, capsys, project, *arguments, "--json", environment=later)
    found = json.loads(out)["stale_prices"]
    assert found[0].keys() == {"source", "read", "days"}
    assert all(each["days"] > 90 for each in found)
