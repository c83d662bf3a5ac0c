"""AWS's price list as prices of the book: from a downloaded offer file, and from the API."""

from __future__ import annotations

import gzip
import json
import re
import tracemalloc
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from modules.cost.book import Price, Tier, load_book
from modules.cost.refresh.aws import Query, Record, Rule, queries, read_records, services
from modules.cost.refresh.aws_api import ask, client
from modules.cost.refresh.aws_file import read_offer_file
from modules.cost.refresh.found import Found, Problem
from modules.errors import PriceError
from tests.cost.pricelists import MSK, PUBLISHED, api_page, offer_file, product
from tests.cost.support import project_with, run

Patch = pytest.MonkeyPatch


def read(file: Path, region: str = "us-east-1") -> tuple[dict[str, Found], dict[str, str]]:
    found, problems = read_records(read_offer_file(file, region), load_book(), region)
    return {each.item: each for each in found}, {each.item: each.what for each in problems}


def price(found: Found) -> Decimal:
    assert len(found.tiers) == 1
    return found.tiers[0].price


def test_every_item_that_can_be_refreshed_is_in_the_book() -> None:
    book = load_book()
    for query in queries():
        for rule in query.rules:
            assert rule.ids(book), rule.item


def test_an_offer_file_gives_the_prices_of_its_region(tmp_path: Path) -> None:
    found, _ = read(offer_file(tmp_path / "index.json", "AmazonMSK", MSK))
    assert {item: price(each) for item, each in found.items()} == {
        "msk.kafka.m7g.large": Decimal("0.204"),
        "msk.kafka.m5.large": Decimal("0.22"),
        "msk.express.m7g.large": Decimal("4.08"),
        "msk.storage": Decimal("0.1"),
        "msk.tiered.storage": Decimal("0.06"),
        "msk.serverless.cluster": Decimal("0.75"),
        "msk.connect.mcu": Decimal("0.11"),
    }
    one = found["msk.storage"]
    assert (one.source.what, one.source.read) == ("AWS price list, AmazonMSK", PUBLISHED[:10])
    assert one.record == "USE1-Kafka.Storage.GP2"
    assert {item: price(each) for item, each in read(tmp_path / "index.json", "eu-central-1")[0].items()} == {
        "msk.kafka.m7g.large": Decimal("0.244")
    }


def test_what_is_missing_or_has_another_unit_is_said(tmp_path: Path) -> None:
    _, problems = read(offer_file(tmp_path / "index.json", "AmazonMSK", MSK))
    assert problems["msk.serverless.in"] == "the list has its price per `TB`, which is another unit"
    assert problems["msk.serverless.out"] == "not in the list"
    assert problems["msk.kafka.t3.small"] == "not in the list"
    assert not any(item.startswith("aws.") for item in problems), "another service's file is not asked for them"


def test_records_that_contradict_each_other_are_not_taken(tmp_path: Path) -> None:
    twice = product("BBB1", MSK[0]["productFamily"], "USE1-Kafka.m7g.large", "0.3", "hours")
    found, problems = read(offer_file(tmp_path / "index.json", "AmazonMSK", [*MSK, twice]))
    assert "msk.kafka.m7g.large" not in found
    assert problems["msk.kafka.m7g.large"] == "several records of the list fit, with the prices 0.204, 0.3"


def test_tiers_and_prices_per_other_amounts_become_the_books(tmp_path: Path) -> None:
    tiers = [("0", "1048576", "0.01"), ("1048576", "5242880", "0.006"), ("5242880", "Inf", "0.004")]
    endpoints = [product("C1", "VpcEndpoint", "USE1-VpcEndpoint-Bytes", tiers, "GB")]
    found, _ = read(offer_file(tmp_path / "vpc.json", "AmazonVPC", endpoints))
    assert found["aws.endpoint.data"].tiers == load_book().price("aws.endpoint.data", "us-east-1").tiers
    calls = [product("D1", "API Request", "USE1-AWSSecretsManagerAPIRequest", "0.0000050000", "API Requests")]
    found, _ = read(offer_file(tmp_path / "sm.json", "AWSSecretsManager", calls))
    assert found["aws.secret.calls"].tiers == (Tier(Decimal("0.05")),)  # 10,000 × 0.000005
    disk = [
        product("E1", "Provisioned Throughput", "EBS:VolumeP-Throughput.gp3", "40.96", "GiBps-mo", volumeApiName="gp3")
    ]
    found, _ = read(offer_file(tmp_path / "ec2.json", "AmazonEC2", disk))
    assert found["aws.ebs.gp3.throughput"].tiers == (Tier(Decimal("0.04")),)  # 40.96 ÷ 1024


def test_of_machines_only_shared_ones_with_linux_and_nothing_else_count(tmp_path: Path) -> None:
    plain = {
        "tenancy": "Shared", "operatingSystem": "Linux", "preInstalledSw": "NA", "capacitystatus": "Used",
        "licenseModel": "No License required", "instanceType": "m7g.large",
    }  # fmt: skip
    usage = "BoxUsage:m7g.large"
    products = [
        product("F1", "Compute Instance", usage, "0.0816", "Hrs", **plain),
        product("F2", "Compute Instance", usage, "0.5", "Hrs", **{**plain, "operatingSystem": "Windows"}),
        product("F3", "Compute Instance", usage, "0.6", "Hrs", **{**plain, "preInstalledSw": "SQL Web"}),
        product("F4", "Compute Instance", usage, "0.09", "Hrs", **{**plain, "tenancy": "Dedicated"}),
        product("F5", "Compute Instance", usage, "0.7", "Hrs", **{**plain, "capacitystatus": "AllocatedHost"}),
    ]
    found, _ = read(offer_file(tmp_path / "ec2.json", "AmazonEC2", products))
    assert price(found["aws.ec2.m7g.large"]) == Decimal("0.0816")


@pytest.mark.parametrize(
    ("usage", "family", "service", "item"),
    [
        ("LoadBalancerUsage", "Load Balancer-Network", "AWSELB", "aws.nlb.hour"),
        ("USW2-LoadBalancerUsage", "Load Balancer-Application", "AWSELB", "aws.alb.hour"),
        ("EUC1-NatGateway-Hours", "NAT Gateway", "AmazonEC2", "aws.nat.hour"),
        ("us-east-1-KMS-Keys", "Encryption Key", "awskms", "aws.kms.key"),
        ("USE1-Fargate-vCPU-Hours:perCPU", "Compute", "AmazonECS", "aws.fargate.vcpu"),
        ("USE1-TimedStorage-ByteHrs", "Storage Snapshot", "AmazonCloudWatch", "aws.logs.kept"),
        ("EU-VpcEndpoint-Hours", "VpcEndpoint", "AmazonVPC", "aws.endpoint.hour"),
    ],
)
def test_a_regions_prefix_does_not_matter(usage: str, family: str, service: str, item: str) -> None:
    units = {"aws.kms.key": "Keys", "aws.logs.kept": "GB-Mo"}
    record = Record(
        service,
        family,
        {"usagetype": usage, "regionCode": "us-east-1"},
        units.get(item, "Hrs"),
        (Tier(Decimal(1)),),
        PUBLISHED,
    )
    found, _ = read_records([record], load_book(), "us-east-1")
    assert [each.item for each in found] == [item]


@pytest.mark.parametrize("usage", ["USE1-Fargate-ARM-vCPU-Hours:perCPU", "USE1-Fargate-Windows-vCPU-Hours:perCPU"])
def test_another_kind_of_machine_is_not_mistaken_for_ours(usage: str) -> None:
    record = Record(
        "AmazonECS", "Compute", {"usagetype": usage, "regionCode": "us-east-1"}, "hours", (Tier(Decimal(1)),), ""
    )
    found, _ = read_records([record], load_book(), "us-east-1")
    assert not found


def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    others = [
        product(f"X{number:06}", "Compute Instance", f"BoxUsage:x{number}.large", "1", "Hrs", tenancy="Dedicated")
        for number in range(8000)
    ]
    gateway = product("Z1", "NAT Gateway", "NatGateway-Hours", "0.045", "Hrs")
    file = offer_file(tmp_path / "ec2.json", "AmazonEC2", [*others, gateway])
    size = file.stat().st_size
    tracemalloc.start()
    found, _ = read(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert price(found["aws.nat.hour"]) == Decimal("0.045")
    assert size > 7 * 2**20
    assert peak < size * 2 / 3, f"{peak} of {size} bytes"


def test_the_layout_of_the_file_does_not_matter_and_it_may_be_compressed(tmp_path: Path) -> None:
    plain = offer_file(tmp_path / "index.json", "AmazonMSK", MSK, indent=None)
    packed = tmp_path / "index.json.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(plain) == read(packed) == read(offer_file(tmp_path / "wide.json", "AmazonMSK", MSK, indent=8))


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_where_a_piece_ends_does_not_matter(tmp_path: Path, monkeypatch: Patch, chunk: int) -> None:
    file = offer_file(tmp_path / "index.json", "AmazonMSK", MSK[:3])
    whole = read(file)
    monkeypatch.setattr("modules.cost.refresh.aws_file._CHUNK", chunk)
    assert read(file) == whole


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cut short"),
        ("[]", "not an offer file"),
        ("{}", "it has no `terms.OnDemand`"),
        ('{"products": {}}', "not an offer file: no `offerCode`"),
        ('{"offerCode": "AmazonSQS", "products": {}}', "no item of the price book is in the service `AmazonSQS`"),
        ('{"offerCode": "AmazonMSK", "products": {"A": {"sku"', "cut short"),
        ('{"offerCode": "AmazonMSK", "products": {"A": 1 "B"}}', "cut short"),
    ],
)
def test_a_file_that_is_no_offer_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "some.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PriceError) as caught:
        read(file)
    assert caught.value.where == str(file)
    assert says in caught.value.what
    assert "AmazonMSK" in str(caught.value.do)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="there is no such file"):
        read(tmp_path / "nothing.json")


class Stubbed:
    """boto3's own client, answered by botocore's stubber: what is asked is checked against AWS's model of the API."""

    def __init__(self, monkeypatch: Patch) -> None:
        from botocore.stub import Stubber

        for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
            monkeypatch.setenv(name, value)
        self.client: Any = client()
        self.stubber = Stubber(self.client)
        self.asked: list[dict[str, Any]] = []
        self.client.meta.events.register("before-parameter-build.pricing.GetProducts", self._note, unique_id="note")

    def _note(self, params: dict[str, Any], **_: object) -> None:
        self.asked.append(json.loads(json.dumps(params)))


def test_the_api_is_asked_query_by_query_and_page_by_page(monkeypatch: Patch) -> None:
    stubbed = Stubbed(monkeypatch)
    monkeypatch.setattr("modules.cost.refresh.aws_api.queries", lambda: queries()[:1])
    stubbed.stubber.add_response("get_products", api_page("AmazonMSK", MSK[:2], "more"))
    stubbed.stubber.add_response("get_products", api_page("AmazonMSK", MSK[2:]))
    with stubbed.stubber:
        records = list(ask(stubbed.client, load_book(), "us-east-1"))
    found, _ = read_records(records, load_book(), "us-east-1", "2026-11-21")
    assert {each.item: price(each) for each in found}["msk.kafka.m5.large"] == Decimal("0.22")
    assert {each.source.read for each in found} == {"2026-11-21"}
    first, second = stubbed.asked
    assert first["ServiceCode"] == "AmazonMSK"
    assert {each["Field"]: each["Value"] for each in first["Filters"]} == {
        "productFamily": "Managed Streaming for Apache Kafka (MSK)",
        "regionCode": "us-east-1",
    }
    assert second["NextToken"] == "more"
    assert stubbed.client.meta.region_name == "us-east-1"


def test_machines_are_asked_for_one_by_one(monkeypatch: Patch) -> None:
    stubbed = Stubbed(monkeypatch)
    machines = next(query for query in queries() if query.each.get("prefix") == "aws.ec2.")
    monkeypatch.setattr("modules.cost.refresh.aws_api.queries", lambda: (machines,))
    count = len(machines.rules[0].ids(load_book()))
    for _ in range(count):
        stubbed.stubber.add_response("get_products", api_page("AmazonEC2", []))
    with stubbed.stubber:
        assert list(ask(stubbed.client, load_book(), "eu-west-1")) == []
    asked = [{each["Field"]: each["Value"] for each in one["Filters"]} for one in stubbed.asked]
    assert "m7g.large" in {one["instanceType"] for one in asked}
    assert {one["regionCode"] for one in asked} == {"eu-west-1"}
    assert not any(re.search(r"other|\{", one["instanceType"]) for one in asked)


@pytest.mark.parametrize(
    ("code", "do"),
    [("AccessDeniedException", "ask for the right pricing:GetProducts"), ("ExpiredTokenException", "log in anew")],
)
def test_what_aws_refuses_is_said(monkeypatch: Patch, code: str, do: str) -> None:
    stubbed = Stubbed(monkeypatch)
    stubbed.stubber.add_client_error("get_products", code, "no", 400)
    with stubbed.stubber, pytest.raises(PriceError) as caught:
        list(ask(stubbed.client, load_book(), "us-east-1"))
    assert "AWS's price list said no" in caught.value.what
    assert do in str(caught.value.do)


def test_without_credentials_it_says_so(monkeypatch: Patch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(PriceError) as caught:
        list(ask(client(), load_book(), "us-east-1"))
    assert caught.value.what == "there are no AWS credentials, and the price list's API wants some"
    assert "--aws-file" in str(caught.value.do)


def test_problems_are_told_once() -> None:
    attributes = {"usagetype": "USE1-Kafka.Storage.GP2", "regionCode": "us-east-1"}
    record = Record("AmazonMSK", MSK[0]["productFamily"], attributes, "TB", (Tier(Decimal(1)),), "")
    _, problems = read_records([record, record], load_book(), "us-east-1")
    wrong = Problem("msk.storage", "us-east-1", "the list has its price per `TB`, which is another unit")
    assert problems.count(wrong) == 1
    assert "AmazonMSK" in services()


class PriceList:
    """A price list that answers as AWS's does: every filter is an attribute's value, and a page holds two records."""

    def __init__(self, products: list[dict[str, Any]], services: list[str]) -> None:
        self._products = list(zip(products, services, strict=True))

    def get_paginator(self, name: str) -> PriceList:
        assert name == "get_products"
        return self

    def paginate(self, ServiceCode: str, Filters: list[dict[str, str]], **_: Any) -> Iterator[Mapping[str, Any]]:
        wanted = {each["Field"]: each["Value"] for each in Filters}
        fitting = [
            product
            for product, service in self._products
            if service == ServiceCode
            and all(
                (product["productFamily"] if name == "productFamily" else product["attributes"].get(name)) == value
                for name, value in wanted.items()
            )
        ]
        for start in range(0, len(fitting), 2):
            yield api_page(ServiceCode, fitting[start : start + 2])


def in_their_words(query: Query, rule: Rule, item: str, price: Price) -> dict[str, Any]:
    """An item's price as a record that is asked for with this query, in the unit and with the names of AWS."""
    kind = item.removeprefix(rule.item.split("{type}")[0]) if "{type}" in rule.item else ""
    usage = re.sub(r"\(\?P<type>.*\)", kind, rule.usage.pattern.split(")?", 1)[1]).replace("\\", "").replace("?", "")
    attributes = {"regionCode": "us-east-1", "fromRegionCode": "us-east-1", **query.filters, **rule.where}
    if query.each:
        attributes[query.each["attribute"]] = query.each.get("type", "") + kind
    family = attributes.pop("productFamily", "Compute Instance")
    tiers, begin = [], "0"
    for tier in price.tiers:
        end = "Inf" if tier.up_to is None else f"{tier.up_to * rule.times:f}"
        tiers.append((begin, end, f"{tier.price / rule.times:f}"))
        begin = end
    return product(f"SKU-{item}", family, usage, tiers, rule.units[0], **attributes)


def test_each_item_is_found_by_what_is_asked_for_it(
    tmp_path: Path, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list made of the book's own prices, in AWS's words, gives the book's prices again."""
    book = load_book()
    priced = [
        (query, rule, item, book.price(item, "us-east-1"))
        for query in queries()
        for rule in query.rules
        for item in sorted(rule.ids(book))
        if "{type}" not in rule.item or re.search(r"\.(large|t4g\.micro)$", item)
    ]
    known = [each for each in priced if each[3].known]
    products = [in_their_words(*each) for each in known]
    prices = PriceList(products, [query.service for query, *_ in known])
    monkeypatch.setattr("modules.cost.refresh.aws_api.client", lambda: prices)
    project = project_with(tmp_path, "e", "platform: msk\n")
    code, out, err = run(monkeypatch, capsys, project, "cost", "refresh", "--aws", "--json")
    assert code == 0, err
    vendor = json.loads(out)["vendors"][0]
    assert {each["item"] for each in vendor["prices"]} == {item for _, _, item, _ in known}
    assert len(known) > 50
    assert {each["kind"] for each in vendor["prices"]} == {"same"}
    assert {each["read"] for each in vendor["prices"]} == {"2026-11-21"}
    assert not [each for each in vendor["problems"] if each["what"] != "not in the list"]
