"""AWS's bills: Cost Explorer asked as it wants to be, its saved answers, Cost and Usage Reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from modules.cost.actual.aws import read_cost_explorer, read_file
from modules.cost.actual.period import Period
from modules.errors import PriceError
from tests.cost.bills import cost_explorer

OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1), date(2026, 11, 1))
TAGS = {"project": "streaming", "environment": "prod"}
APART = {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Credit", "Refund", "Tax"]}}
CARRIES = [
    {"Tags": {"Key": "project", "Values": ["streaming"]}},
    {"Tags": {"Key": "environment", "Values": ["prod"]}},
]
ASKED: dict[str, Any] = {
    "Granularity": "MONTHLY",
    "Metrics": ["AmortizedCost", "UsageQuantity"],
    "TimePeriod": {"Start": "2026-10-01", "End": "2026-11-01"},
}
BY_USE = {
    **ASKED,
    "Filter": {"And": [*CARRIES, {"Not": APART}]},
    "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}],
}
BY_KIND = {
    **ASKED,
    "Filter": {"And": [*CARRIES, APART]},
    "GroupBy": [{"Type": "DIMENSION", "Key": "RECORD_TYPE"}],
}
BROKERS = ("Amazon Managed Streaming for Apache Kafka", "USE1-Kafka.m7g.large", "455.328", "2232 Hrs")
NAT = ("EC2 - Other", "USE1-NatGateway-Hours", "100.44", "2232 Hrs")


@pytest.fixture
def stub() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client("ce", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def test_cost_explorer_is_asked_by_tag_for_each_usage_type_page_by_page(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    stubber.add_response("get_cost_and_usage", cost_explorer([BROKERS], token="2"), BY_USE)
    stubber.add_response("get_cost_and_usage", cost_explorer([NAT]), {**BY_USE, "NextPageToken": "2"})
    stubber.add_response("get_cost_and_usage", cost_explorer([("Credit", "", "-50", "")]), BY_KIND)
    reading = read_cost_explorer(OCTOBER, TAGS, client)
    assert [(each.item, each.amount, each.used) for each in reading.bills] == [
        ("USE1-Kafka.m7g.large", Decimal("455.328"), "2,232 Hrs"),
        ("USE1-NatGateway-Hours", Decimal("100.44"), "2,232 Hrs"),
        ("Credit", Decimal(-50), ""),
    ]
    assert reading.answered and reading.notes == ("by tag: project streaming, environment prod",)


def test_a_type_in_several_months_is_one_bill(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    answer = cost_explorer([BROKERS])
    answer["ResultsByTime"] += cost_explorer([BROKERS], "2026-11-01", "2026-11-20")["ResultsByTime"]
    stubber.add_response("get_cost_and_usage", answer)
    stubber.add_response("get_cost_and_usage", cost_explorer([]))
    (bill,) = read_cost_explorer(OCTOBER, TAGS, client).bills
    assert bill.amount == Decimal("910.656")


def test_nothing_under_the_tags_points_to_their_activation(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    for _ in range(2):
        stubber.add_response("get_cost_and_usage", cost_explorer([]))
    reading = read_cost_explorer(OCTOBER, TAGS, client)
    assert reading.answered
    assert "activate `project` and `environment` as cost allocation tags" in reading.notes[1]


def test_a_refusal_names_the_right_that_is_missing(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    stubber.add_client_error("get_cost_and_usage", "AccessDeniedException", "User is not authorized")
    reading = read_cost_explorer(OCTOBER, TAGS, client)
    assert not reading.answered
    (missing,) = reading.unread
    assert missing.why == "AccessDeniedException: User is not authorized"
    assert "`ce:GetCostAndUsage`" in missing.do


@pytest.mark.parametrize(
    ("code", "do"),
    [
        ("ExpiredTokenException", "log in"),
        ("ThrottlingException", "wait a minute"),
        ("LimitExceededException", "wait a minute"),
        ("DataUnavailableException", "begins a day after it is switched on"),
    ],
)
def test_a_refusal_says_what_mends_it(stub: tuple[Any, Stubber], code: str, do: str) -> None:
    client, stubber = stub
    for _ in range(4):  # botocore tries what is throttled again
        stubber.add_client_error("get_cost_and_usage", code, "no")
    (missing,) = read_cost_explorer(OCTOBER, TAGS, client).unread
    assert missing.why == f"{code}: no"
    assert do in missing.do
    while stubber._queue:
        stubber._queue.popleft()


def test_without_credentials_a_saved_answer_is_proposed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    # boto3 keeps a session, with what an earlier test had logged in with.
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    (missing,) = read_cost_explorer(OCTOBER, TAGS).unread
    assert "credentials" in missing.why
    assert "--aws-file" in missing.do


def test_what_aws_still_counts_is_said(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    answer = cost_explorer([BROKERS])
    answer["ResultsByTime"][0]["Estimated"] = True
    stubber.add_response("get_cost_and_usage", answer)
    stubber.add_response("get_cost_and_usage", cost_explorer([]))
    assert any("still counts" in each for each in read_cost_explorer(OCTOBER, TAGS, client).notes)


def test_a_saved_answer_is_read_one_or_a_list_of_pages(tmp_path: Path) -> None:
    one, pages = tmp_path / "one.json", tmp_path / "pages.json"
    one.write_text(json.dumps(cost_explorer([BROKERS])))
    pages.write_text(json.dumps([cost_explorer([BROKERS], token="2"), cost_explorer([NAT])]))
    assert [each.item for each in read_file(one, OCTOBER, TAGS).bills] == ["USE1-Kafka.m7g.large"]
    reading = read_file(pages, OCTOBER, TAGS)
    assert len(reading.bills) == 2
    assert reading.notes == ("a saved answer: which tags it was asked for is not in it",)


def test_a_saved_answer_of_another_period_says_which_it_has(tmp_path: Path) -> None:
    file = tmp_path / "september.json"
    file.write_text(json.dumps(cost_explorer([BROKERS], "2026-09-01", "2026-10-01")))
    with pytest.raises(PriceError) as caught:
        read_file(file, OCTOBER, TAGS)
    assert str(caught.value) == (
        f"{file}: nothing of October 2026 is in it, but 2026-09-01 to 2026-10-01\n"
        "  → give the file's period with --from and --to"
    )


@pytest.mark.parametrize("text", ["", "[]x", "{}", '{"ResultsByTime": [{"Groups": []}]}', "[1]"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "some.json"
    file.write_text(text)
    with pytest.raises(PriceError, match=r"this is no answer of `aws ce get-cost-and-usage`"):
        read_file(file, OCTOBER, TAGS)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="cannot read the file: No such file"):
        read_file(tmp_path / "none.json", OCTOBER, TAGS)


CUR = """\
lineItem/UsageStartDate,lineItem/ProductCode,lineItem/UsageType,lineItem/UnblendedCost,lineItem/CurrencyCode,\
lineItem/LineItemType,savingsPlan/SavingsPlanEffectiveCost,resourceTags/user:project,resourceTags/user:environment
2026-10-03T00:00:00Z,AmazonMSK,USE1-Kafka.m7g.large,4.896,USD,Usage,,streaming,prod
2026-10-04T00:00:00Z,AmazonMSK,USE1-Kafka.m7g.large,4.896,USD,Usage,,streaming,prod
2026-10-04T00:00:00Z,AmazonECS,USE1-Fargate-vCPU-Hours:perCPU,2,USD,SavingsPlanCoveredUsage,1.5,streaming,prod
2026-10-04T00:00:00Z,AmazonMSK,USE1-Kafka.m7g.large,9.999,USD,Usage,,streaming,dev
2026-11-01T00:00:00Z,AmazonMSK,USE1-Kafka.m7g.large,9.999,USD,Usage,,streaming,prod
2026-10-04T00:00:00Z,AmazonMSK,,1.2,USD,Tax,,streaming,prod
"""


@pytest.mark.parametrize("names", ["lineItem/UsageType", "line_item_usage_type"])
def test_a_cost_and_usage_report_is_read_by_tag_and_day_in_either_spelling(tmp_path: Path, names: str) -> None:
    text = CUR
    if names.startswith("line_item"):
        for old, new in {
            "lineItem/UsageStartDate": "line_item_usage_start_date",
            "lineItem/ProductCode": "line_item_product_code",
            "lineItem/UsageType": "line_item_usage_type",
            "lineItem/UnblendedCost": "line_item_unblended_cost",
            "lineItem/CurrencyCode": "line_item_currency_code",
            "lineItem/LineItemType": "line_item_line_item_type",
            "savingsPlan/SavingsPlanEffectiveCost": "savings_plan_savings_plan_effective_cost",
            "resourceTags/user:": "resource_tags_user_",
        }.items():
            text = text.replace(old, new)
    file = tmp_path / "cur.csv"
    file.write_text(text)
    found = [(each.service, each.item, each.amount) for each in read_file(file, OCTOBER, TAGS).bills]
    assert found == [
        ("AmazonMSK", "USE1-Kafka.m7g.large", Decimal("9.792")),
        ("AmazonECS", "USE1-Fargate-vCPU-Hours:perCPU", Decimal("1.5")),
        ("record type", "Tax", Decimal("1.2")),
    ]


def test_a_report_without_the_tags_is_refused_by_column(tmp_path: Path) -> None:
    file = tmp_path / "cur.csv"
    file.write_text("lineItem/UsageStartDate,lineItem/UsageType,lineItem/UnblendedCost\n")
    with pytest.raises(PriceError) as caught:
        read_file(file, OCTOBER, TAGS)
    assert "no column resource_tags_user_project, resource_tags_user_environment" in caught.value.what


def test_an_amount_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "cur.csv"
    file.write_text(CUR.replace("4.896", "much", 1))
    with pytest.raises(PriceError) as caught:
        read_file(file, OCTOBER, TAGS)
    assert (caught.value.what, caught.value.where) == ("`much` is no amount", f"{file}:2")
