"""Bills beside lines: each where it belongs, what is billed together compared together, nothing dropped."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost.actual.bills import Bill, Biller, Reading, Unread
from modules.cost.actual.match import Actual, Row, billers_of, compare_with_bills, load_rules, rule_for
from modules.cost.actual.period import Period
from modules.cost.book import load_book
from modules.cost.catalog import OPTIONS, moved
from modules.cost.report import Report, report
from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.errors import PriceError
from modules.project import Project
from tests.cost.support import ROOT

OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1), date(2026, 11, 1))
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 21), date(2026, 12, 1))
HOURS = Decimal(744)
BOOK = load_book()


def environment_of(name: str) -> Environment:
    return load_environment(Project(ROOT), name)


@pytest.fixture(scope="module")
def prod() -> Report:
    """MSK in production: three m7g.large, MSK Connect, Apicurio, endpoints."""
    return report(environment_of("prod"), BOOK)


def aws(service: str, item: str, amount: Decimal | str) -> Bill:
    return Bill("aws", service, item, Decimal(amount))


def compared(found: Report, *bills: Bill, period: Period = OCTOBER, unread: tuple[Biller, ...] = ()) -> Actual:
    by: dict[Biller, list[Bill]] = {}
    for each in bills:
        by.setdefault(each.biller, []).append(each)
    readings = [Reading(biller, biller, tuple(its)) for biller, its in by.items()]
    readings += [Reading(each, each, unread=(Unread(each, "no", "ask"),)) for each in unread]
    return compare_with_bills(found, period, readings, BOOK)


def row_of(actual: Actual, line: str) -> Row:
    (found,) = (row for row in actual.rows if line in {each.id for each in row.lines})
    return found


def test_brokers_billed_for_the_months_hours_have_no_error(prod: Report) -> None:
    # 3 brokers × 744 h × $0.204 = $455.328, which is 3 × 730 × 0.204 = $446.76 in a month of 730 h.
    row = row_of(compared(prod, aws("Amazon MSK", "USE1-Kafka.m7g.large", 3 * HOURS * Decimal("0.204"))), "msk.brokers")
    assert (row.billed, row.monthly) == (Decimal("455.328"), Decimal("446.76"))
    assert row.estimated == Decimal("446.76")
    assert (row.error, row.percent) == (0, 0)


def test_an_estimate_above_the_bill_has_an_error_above_zero(prod: Report) -> None:
    # Two of the three ran: $297.84 of a month's $446.76, so $148.92 and 50 % of the bill too high.
    row = row_of(compared(prod, aws("Amazon MSK", "USE1-Kafka.m7g.large", 2 * HOURS * Decimal("0.204"))), "msk.brokers")
    assert row.error == Decimal("148.92")
    assert row.percent == 50


def test_a_running_month_is_scaled_to_a_whole_one(prod: Report) -> None:
    # 20 days of brokers: 3 × 480 h × $0.204; a key billed by the month: 20/30 of $1.
    actual = compared(
        prod,
        aws("Amazon MSK", "USE1-Kafka.m7g.large", 3 * 480 * Decimal("0.204")),
        aws("AWS Key Management Service", "us-east-1-KMS-Keys", Decimal(20) / 30),
        period=NOVEMBER,
    )
    assert row_of(actual, "msk.brokers").monthly == Decimal("446.76")
    assert round(row_of(actual, "aws.key").monthly or 0, 9) == 1


def test_lines_that_are_billed_as_one_type_are_compared_together(prod: Report) -> None:
    actual = compared(prod, aws("AWS Secrets Manager", "USE1-AWSSecretsManager-Secrets", "2.40"))
    row = row_of(actual, "aws.secrets")
    assert {each.id for each in row.lines} == {"aws.secrets", "connect.secrets"}
    assert row.estimated == sum(each.amount or 0 for each in row.lines)


def test_two_types_that_pay_for_one_line_are_one_row(prod: Report) -> None:
    actual = compared(
        prod,
        aws("AmazonCloudWatch", "USE1-DataProcessing-Bytes", "1"),
        aws("AmazonCloudWatch", "USE1-VendedLog-Bytes", "2"),
    )
    assert row_of(actual, "msk.logs").billed == 3


def test_a_bill_that_no_line_expects_is_kept_with_its_name_and_amount(prod: Report) -> None:
    actual = compared(
        prod,
        aws("Amazon MSK", "USE1-Kafka.Something-New", "12.34"),
        aws("EC2 - Other", "USE1-DataTransfer-Out-Bytes", "0.06"),
        aws("AWS Cloud Map", "USE1-Cloud-Map-Resources", "33.48"),
        aws("record type", "Credit", "-10"),
    )
    rows = {row.name: row for row in actual.of("no line")}
    assert rows["Amazon MSK: USE1-Kafka.Something-New"].why == "an unknown type of use"
    assert rows["EC2 - Other: USE1-DataTransfer-Out-Bytes"].why == "traffic of clients is not estimated"
    assert rows["AWS Cloud Map: USE1-Cloud-Map-Resources"].why == "this environment has no line redpanda.names"
    assert rows["record type: Credit"].why == "not the price of a resource"
    assert actual.billed == Decimal("35.88")


def test_nothing_billed_is_dropped_whatever_it_is(prod: Report) -> None:
    bills = [
        aws("Amazon MSK", "USE1-Kafka.m7g.large", "455.33"),
        aws("Amazon MSK", "USE1-Kafka.Storage.GP2", "11.70"),
        aws("AWS Secrets Manager", "USE1-AWSSecretsManager-Secrets", "2.40"),
        aws("Somebody Else", "USE1-Unheard-Of", "7"),
        Bill("snowflake", "WAREHOUSE_METERING", "STREAMING_WH", Decimal(120)),
        Bill("snowflake", "CLOUD_SERVICES", "own warehouses", Decimal(1)),
    ]
    actual = compared(prod, *bills)
    assert actual.billed == sum(each.amount for each in bills)
    assert sorted(each.name for row in actual.rows for each in row.bills) == sorted(each.name for each in bills)
    listed = [each.id for row in actual.rows for each in row.lines]
    assert len(listed) == len(set(listed))
    missing = {each.id for each in prod.estimate.lines} - set(listed)
    assert all(each.amount == 0 for each in prod.estimate.lines if each.id in missing)


def test_a_line_that_nobody_billed_is_wrong_by_all_of_it(prod: Report) -> None:
    row = row_of(compared(prod, aws("Amazon MSK", "USE1-Kafka.m7g.large", "455")), "msk.storage")
    assert row.kind == "no bill"
    assert row.error == row.estimated


def test_a_line_whose_biller_could_not_be_asked_counts_as_no_error(prod: Report) -> None:
    actual = compared(prod, aws("Amazon MSK", "USE1-Kafka.m7g.large", "455"), unread=("snowflake",))
    row = row_of(actual, "snowflake.warehouse")
    assert (row.kind, row.error) == ("not read", None)
    assert actual.not_read >= (row.estimated or 0) > 0
    assert actual.estimated == sum(r.estimated or 0 for r in actual.of("compared", "no bill"))


def test_a_line_whose_view_was_refused_is_not_taken_for_free(prod: Report) -> None:
    bill = Bill("snowflake", "STORAGE", "STREAMING", Decimal(1))
    missing = Unread("SNOWFLAKE.ACCOUNT_USAGE.WAREHOUSE_METERING_HISTORY", "no", "grant")
    actual = compare_with_bills(prod, OCTOBER, [Reading("snowflake", "views", (bill,), (), (missing,))], BOOK)
    row = row_of(actual, "snowflake.warehouse")
    assert row.kind == "not read"
    assert row.why == "perhaps in what could not be read: WAREHOUSE_METERING_HISTORY"


def test_an_unknown_estimate_has_a_bill_and_no_error() -> None:
    dev = report(environment_of("dev"), BOOK)
    row = row_of(compared(dev, Bill("confluent", "CONNECT", "CONNECT_NUM_TASKS", Decimal(50))), "connect.tasks")
    assert (row.kind, row.estimated, row.error) == ("compared", None, None)
    assert "the estimate of connect.tasks is unknown" in row.why


def test_warehouses_are_compared_one_by_one_where_the_report_has_them_so(tmp_path: Path) -> None:
    text = "readers: [{name: dbt, every: 5m, takes: 30s}, {name: bi, hours_per_day: 10}]"
    (tmp_path / "environments").mkdir()
    for name in ("base", "prod"):
        file = ROOT / "environments" / f"{name}.yaml"
        (tmp_path / "environments" / file.name).write_text(
            file.read_text() + f"\nworkload: {{{text}}}\n" * (name == "prod")
        )
    shutil.copytree(ROOT / "environments" / "schemas", tmp_path / "environments" / "schemas")
    made = report(load_environment(Project(tmp_path), "prod"), BOOK)
    actual = compared(
        made,
        Bill("snowflake", "WAREHOUSE_METERING", "TRANSFORM_WH", Decimal(400)),
        Bill("snowflake", "WAREHOUSE_METERING", "FORGOTTEN_WH", Decimal(9)),
    )
    row = row_of(actual, "snowflake.warehouse.transform_wh")
    assert [each.id for each in row.lines] == ["snowflake.warehouse.transform_wh"]
    assert row_of(actual, "snowflake.warehouse.reporting_wh").kind == "no bill"
    (forgotten,) = actual.of("no line")
    assert forgotten.why == "this environment has no line snowflake.warehouse or snowflake.warehouse.forgotten_wh"


def test_bills_in_another_currency_need_a_rate(prod: Report) -> None:
    bill = Bill("aws", "Amazon MSK", "USE1-Kafka.m7g.large", Decimal(100), "CNY")
    with pytest.raises(PriceError, match="no rate between USD and CNY"):
        compared(prod, bill)


def test_bills_become_the_reports_currency_at_the_stated_rate(tmp_path: Path) -> None:
    file = tmp_path / "rates.yaml"
    file.write_text("currencies: {EUR: {rate: 0.9, source: the treasury, read: 2026-11-20}}\n")
    book = load_book(overlays=(file,), currency="EUR")
    made = report(environment_of("prod"), book)
    bill = aws("Amazon MSK", "USE1-Kafka.m7g.large", 3 * HOURS * Decimal("0.204"))
    actual = compare_with_bills(made, OCTOBER, [Reading("aws", "aws", (bill,))], book)
    row = row_of(actual, "msk.brokers")
    assert actual.currency == "EUR"
    assert row.billed == Decimal("455.328") * Decimal("0.9")
    assert row.error == 0


def test_totals_are_the_sums_of_the_rows(prod: Report) -> None:
    actual = compared(
        prod,
        aws("Amazon MSK", "USE1-Kafka.m7g.large", "455"),
        aws("Tax", "x", "3"),
        Bill("snowflake", "STORAGE", "STREAMING", Decimal(1)),
    )
    assert actual.monthly == sum(row.monthly or 0 for row in actual.rows)
    assert actual.error == actual.estimated - actual.monthly


@pytest.mark.parametrize(
    ("service", "item", "line"),
    [
        ("Amazon Managed Streaming for Apache Kafka", "Kafka.m5.large", "msk.brokers"),
        ("Amazon Managed Streaming for Apache Kafka", "EU-Kafka.kraft.t3.small", "msk.brokers"),
        ("Amazon Managed Streaming for Apache Kafka", "APN1-Express.m7g.large", "msk.brokers"),
        ("Amazon Managed Streaming for Apache Kafka", "EUC1-Kafka.Storage.GP2", "msk.storage"),
        ("Amazon Managed Streaming for Apache Kafka", "USE1-Express.Storage", "msk.storage"),
        ("Amazon Managed Streaming for Apache Kafka", "USE1-Kafka.mcu.general", "connect.mcu"),
        ("AmazonMSK", "Kafka.mcu.general", "connect.mcu"),
        ("AmazonMSK", "USE1-Express.DataIn-Bytes", "msk.in"),
        ("AmazonMSK", "KafkaServerless-In-Bytes", "msk.in"),
        ("AmazonMSK", "KafkaServerless-StorageByteHrs", "msk.storage"),
        ("Amazon Managed Streaming for Apache Kafka", "USE1-KafkaServerless-ClusterHours", "msk.cluster"),
        ("Amazon Managed Streaming for Apache Kafka", "USE1-KafkaServerless-PartitionHours", "msk.partitions"),
        ("Amazon Elastic Container Service", "USE1-Fargate-vCPU-Hours:perCPU", "redpanda.vcpu"),
        ("Amazon Elastic Container Service", "USE1-Fargate-ARM-GB-Hours", "redpanda.memory"),
        ("Amazon Elastic Compute Cloud - Compute", "USE1-BoxUsage:m7g.large", "redpanda.instances"),
        ("EC2 - Other", "EBS:VolumeUsage.gp3", "redpanda.disks"),
        ("EC2 - Other", "USE1-DataTransfer-Regional-Bytes", "redpanda.copies"),
        ("EC2 - Other", "NatGateway-Bytes", "network.nat_data"),
        ("Amazon Virtual Private Cloud", "USE1-VpcEndpoint-Hours", "network.endpoints"),
        ("Amazon Virtual Private Cloud", "USE1-PublicIPv4:InUseAddress", "network.nat_addresses"),
        ("Amazon Elastic Load Balancing", "USE1-LCUUsage", "registry.balancer_capacity"),
        ("Amazon Relational Database Service", "USE1-Multi-AZUsage:db.t4g.medium", "registry.database"),
        ("Amazon Relational Database Service", "RDS:Multi-AZ-GP3-Storage", "registry.storage"),
        ("AmazonCloudWatch", "USE1-CW:AlarmMonitorUsage", "aws.alarms"),
        ("AmazonCloudWatch", "USE1-TimedStorage-ByteHrs", "msk.logs_kept"),
        ("Amazon Route 53", "HostedZone", "aws.zones"),
        ("AWS Cloud Map", "USE1-Cloud-Map-Resources", "redpanda.names"),
    ],
)
def test_a_usage_type_of_any_region_finds_its_line(service: str, item: str, line: str) -> None:
    rule = rule_for(aws(service, item, "1"))
    assert rule is not None and rule.pays(line)


def test_a_storage_type_of_another_service_is_not_taken_for_logs() -> None:
    rule = rule_for(aws("Amazon EC2 Container Registry (ECR)", "USE1-TimedStorage-ByteHrs", "1"))
    assert rule is not None and not rule.lines


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_every_line_of_every_option_is_in_somebodys_bill(option: str) -> None:
    base = environment_of("prod")
    made = report(moved(base, OPTIONS[option]), BOOK)
    unknown = [each.id for each in made.estimate.lines if each.amount != 0 and not billers_of([each])]
    assert not unknown, f"usage_types.yaml says of no bill that it pays for {unknown}"


def test_who_is_asked_follows_from_the_lines() -> None:
    dev, prod = (report(environment_of(name), BOOK) for name in ("dev", "prod"))
    assert billers_of(dev.estimate.lines) == {"confluent", "snowflake"}
    assert billers_of(prod.estimate.lines) == {"aws", "snowflake"}


@pytest.mark.parametrize("entry", ["{type: X}", "{type: X, lines: [a], none: b}", "{type: X, line: [a]}"])
def test_an_entry_that_says_nothing_or_two_things_is_refused(tmp_path: Path, entry: str) -> None:
    file = tmp_path / "types.yaml"
    file.write_text(f"aws:\n  - {entry}\n")
    with pytest.raises(ValueError, match="either lines or none"):
        load_rules(file)
