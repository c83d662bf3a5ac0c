"""`infra cost actual` as it is run: what it asks, what it shows, what it says of what it could not read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from modules.cost.actual import confluent
from tests.cost.bills import confluent_row, cost_explorer, views_with
from tests.cost.support import ROOT, project_with, run
from tests.cost.test_actual_confluent import CostsApi

TODAY = date(2026, 11, 21)

DEV = """\
platform: confluent
confluent: {tier: basic, region: us-east-1}
connect: {kind: managed}
topics:
  order-events:
    partitions: 6
    retention: 30d
    key: order_id
    value: {schema: schemas/order_events.avsc}
    sink: {table: STREAMING.PUBLIC.ORDER_EVENTS}
warehouse: {preset: order-events}
workload: {ingress: 1GB/day, warehouse_hours_per_day: 2}
"""

MSK = DEV.replace("platform: confluent\nconfluent: {tier: basic, region: us-east-1}\nconnect: {kind: managed}\n", (
    "platform: msk\nmsk: {registry: {kind: glue}}\nconnect: {kind: sink}\n"
))  # fmt: skip

ACCOUNT = MSK.replace(
    "warehouse: {preset: order-events}",
    "warehouse: {preset: order-events, account: {organization: acme, account: main, user: TF, private_key: env:KEY}}",
)

OCTOBER_OF_DEV = [
    confluent_row("KAFKA_NETWORK_WRITE", "1.4435"),
    confluent_row("KAFKA_NETWORK_READ", "2.887"),
    confluent_row("KAFKA_STORAGE", "6.00"),
    confluent_row("CONNECT_NUM_TASKS", "25.30", product="CONNECT", id="lcc-1", name="sink"),
    confluent_row("SUPPORT", "29", product="SUPPORT_CLOUD_BASIC", alone=True),
]


class Frozen(datetime):
    """Today, for the command: bills of October 2026 are last month's."""

    @classmethod
    def now(cls, tz: Any = None) -> Frozen:
        return cls(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=tz or UTC)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.cost_actual.datetime", Frozen)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[CostsApi]:
    api = CostsApi()
    api.rows = OCTOBER_OF_DEV
    monkeypatch.setattr(confluent, "API", api.url)
    monkeypatch.setattr(confluent.read_costs_api, "__defaults__", (api.url,))
    monkeypatch.setenv("CONFLUENT_CLOUD_API_KEY", "KEY")
    monkeypatch.setenv("CONFLUENT_CLOUD_API_SECRET", "key-secret")
    yield api
    api.close()


def saved(folder: Path, *rows: tuple[str, str, str, str]) -> str:
    file = folder / "october.json"
    file.write_text(json.dumps(cost_explorer(rows)), encoding="utf-8")
    return str(file)


def test_confluents_bill_stands_beside_the_lines_and_snowflakes_absence_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, api: CostsApi
) -> None:
    project = project_with(tmp_path, "dev", DEV)
    code, out, err = run(monkeypatch, capsys, project, "cost", "actual", "--env", "dev", "--json")
    assert code == 0
    assert "asking Confluent's Costs API" in err
    made = json.loads(out)
    rows = {"+".join(line["id"] for line in row["lines"]): row for row in made["rows"]}
    # 1.4435 in October's 744 h is 1.4435 × 730/744 in a month, against 28.33 GiB × $0.05.
    written = rows["confluent.in"]
    assert written["billed"] == "1.4435"
    assert Decimal(written["billed_monthly"]) == round(Decimal("1.4435") * 730 / 744, 6)
    assert Decimal(written["error"]) == Decimal(written["estimated"]) - Decimal(written["billed_monthly"])
    assert rows["snowflake.warehouse"]["kind"] == "not read"
    assert rows[""]["note"] == "the organisation's support plan; of the whole organisation"
    (missing,) = made["sources"][1]["not_read"]
    assert missing["why"] == "no Snowflake account is named (environments/dev.yaml: warehouse.account)"
    assert made["schema"] == "infra.cost/1" and made["kind"] == "actual"


def test_aws_is_asked_for_the_tags_the_stacks_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import boto3
    import requests
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    asked: list[dict[str, Any]] = []
    with mock_aws():
        results = [
            cost_explorer([("Amazon MSK", "USE1-Kafka.m7g.large", "455.328", "2232 Hrs")]),
            cost_explorer([("Tax", "", "3", "")]),
        ]
        address = "http://motoapi.amazonaws.com/moto-api/static/ce/cost-and-usage-results"
        requests.post(address, json={"results": results}, timeout=5)
        client = boto3.client("ce", region_name="us-east-1")
        client.meta.events.register(
            "provide-client-params.cost-explorer.GetCostAndUsage", lambda params, **_: asked.append(params)
        )
        monkeypatch.setattr("modules.cost.actual.aws._client", lambda: client)
        code, out, _ = run(
            monkeypatch, capsys, project_with(tmp_path, "prod", MSK), "cost", "actual", "-e", "prod", "--json"
        )
    assert code == 0
    rows = {row["lines"][0]["id"]: row for row in json.loads(out)["rows"] if row["lines"]}
    assert rows["msk.brokers"]["billed_monthly"] == "446.76"
    assert Decimal(rows["msk.brokers"]["error"]) == 0
    tags = [part["Tags"] for part in asked[0]["Filter"]["And"] if "Tags" in part]
    assert tags == [
        {"Key": "project", "Values": ["streaming"]}, {"Key": "environment", "Values": ["prod"]}
    ]  # fmt: skip
    assert asked[0]["TimePeriod"] == {"Start": "2026-10-01", "End": "2026-11-01"}


def test_snowflakes_views_are_read_with_the_environments_own_login(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from modules.platforms.deployed import DeployedPlatform
    from tests.standin.harness import StandIn
    from tests.standin.harness import run as execute

    (tmp_path / "standin").mkdir()
    server = StandIn(tmp_path / "standin").start()
    try:
        connection = server.connect()
        used = "'2026-10-05 08:00'::TIMESTAMP_LTZ, '2026-10-05 09:00'::TIMESTAMP_LTZ"
        rows = {"WAREHOUSE_METERING_HISTORY": [f"{used}, 1, 'STREAMING_WH', 62, 62, 0"]}
        for statement in views_with(rows):
            execute(connection, statement)
        connection.close()
        monkeypatch.setattr(DeployedPlatform, "snowflake_client", lambda *_: server.client())
        file = saved(tmp_path, ("Amazon MSK", "USE1-Kafka.m7g.large", "455.328", "2232 Hrs"))
        project = project_with(tmp_path, "prod", ACCOUNT)
        (project / "environments" / "staging.yaml").write_text(ACCOUNT)
        (project / "environments" / "elsewhere.yaml").write_text(ACCOUNT.replace("account: main", "account: other"))
        code, out, _ = run(
            monkeypatch, capsys, project, "cost", "actual", "-e", "prod", "--aws-file", file, "--json"
        )  # fmt: skip
    finally:
        server.stop()
    assert code == 0
    rows_made = {row["lines"][0]["id"]: row for row in json.loads(out)["rows"] if row["lines"]}
    warehouse = next(row for line, row in rows_made.items() if line.startswith("snowflake.warehouse"))
    # 62 credits at $2 in October, × 730/744 as a month; 2 h a day is estimated at 60.83 credits, $121.67.
    assert warehouse["billed"] == "124"
    assert Decimal(warehouse["billed_monthly"]) == round(Decimal(124) * 730 / 744, 6)
    notes = json.loads(out)["sources"][1]["notes"]
    assert any("a credit at $2" in each for each in notes)
    assert "staging is in the same account: what goes by the same name there is in these figures too" in notes


def test_the_table_has_every_line_and_says_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, api: CostsApi
) -> None:
    project = project_with(tmp_path, "dev", DEV)
    code, out, _ = run(monkeypatch, capsys, project, "cost", "actual", "--env", "dev")
    assert code == 0
    assert "October 2026, 744 h" in out
    for text in ("confluent.out", "KAFKA: KAFKA_NETWORK_READ", "billed, not estimated", "SUPPORT_CLOUD_BASIC: SUPPORT"):
        assert text in out
    assert "The estimate is $" in out
    assert "to mend it: `account: {organization" in " ".join(out.split())


def test_markdown_and_csv_have_a_row_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, api: CostsApi
) -> None:
    project = project_with(tmp_path, "dev", DEV)
    _, text, _ = run(monkeypatch, capsys, project, "cost", "actual", "-e", "dev", "--csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["kind"] for row in rows} == {"compared", "no bill", "no line", "not read"}
    (support,) = (row for row in rows if row["bills"] == "SUPPORT_CLOUD_BASIC: SUPPORT")
    assert (support["billed"], support["currency"]) == ("29", "USD")
    _, page, _ = run(monkeypatch, capsys, project, "cost", "actual", "-e", "dev", "--markdown")
    assert page.count("\n| ") == len(rows) + 3  # the head, its rule, the total
    assert page.startswith("### dev: estimated and billed, October 2026")


def test_a_running_month_is_said_to_be_scaled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, api: CostsApi
) -> None:
    api.rows = [confluent_row("KAFKA_STORAGE", "4", "2026-11-03")]
    project = project_with(tmp_path, "dev", DEV)
    _, out, _ = run(monkeypatch, capsys, project, "cost", "actual", "-e", "dev", "--month", "2026-11")
    assert "20 days, 10 still to come; scaled to a month of 730 h" in out
    assert "Confluent's costs come up to 72 hours late" in " ".join(out.split())


def test_where_nothing_can_be_read_it_says_why_and_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("CONFLUENT_CLOUD_API_KEY", raising=False)
    code, out, _ = run(monkeypatch, capsys, project_with(tmp_path, "dev", DEV), "cost", "actual", "-e", "dev")
    assert code == 1
    assert "Nothing could be compared." in out
    assert "the environment variable CONFLUENT_CLOUD_API_KEY is not set" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-e", "here"), "`here` runs on this machine: nobody bills it"),
        (("-e", "dev", "--month", "2026-13"), "`2026-13` is no month"),
        (("-e", "dev", "--month", "2026-10", "--from", "2026-10-01"), "a month, or days?"),
        (("-e", "dev", "--json", "--csv"), "--json and --csv are two formats for one output"),
        (("-e", "dev", "--confluent-file", "none.json"), "cannot read the file: No such file or directory"),
        (("-e", "nowhere"), "there is no environment `nowhere`"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    project = project_with(tmp_path, "dev", DEV)
    (project / "environments" / "here.yaml").write_text("platform: local\n")
    code, _, err = run(monkeypatch, capsys, project, "cost", "actual", *arguments)
    assert code == 1
    assert says in err
    assert "Traceback" not in err


def test_the_documentation_names_every_option() -> None:
    page = (ROOT / "docs" / "cost-actual.md").read_text(encoding="utf-8")
    for option in ("--month", "--from", "--to", "--aws-file", "--confluent-file", "--json", "--csv", "--markdown"):
        assert option in page
