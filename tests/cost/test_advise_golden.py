"""What a person sees of `infra cost advise` and `infra cost actual`, whole. `UPDATE_GOLDEN=1` writes them anew."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cost.bills import confluent_row, cost_explorer
from tests.cost.support import project_with, run

FOLDER = Path(__file__).parent / "advice"
CASES = sorted(each.name for each in FOLDER.iterdir() if each.is_dir())


class Frozen(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> Frozen:
        return cls(2026, 11, 21, 12, tzinfo=tz or UTC)


def _matches(file: Path, text: str) -> None:
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), f"{file.name} is not what is printed now"


@pytest.mark.parametrize("case", CASES)
def test_advice(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, case: str) -> None:
    project = project_with(tmp_path, case, (FOLDER / case / "env.yaml").read_text(encoding="utf-8"))
    code, out, _ = run(monkeypatch, capsys, project, "cost", "advise", "--env", case)
    assert code == 0
    _matches(FOLDER / case / "advise.golden", out)


def test_advice_as_markdown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = project_with(tmp_path, "confluent", (FOLDER / "confluent" / "env.yaml").read_text(encoding="utf-8"))
    _, out, _ = run(monkeypatch, capsys, project, "cost", "advise", "--env", "confluent", "--markdown", "--min", "100")
    _matches(FOLDER / "confluent" / "advise.md.golden", out)


def test_bills(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr("cli.cost_actual.datetime", Frozen)
    monkeypatch.chdir(tmp_path)
    project = project_with(tmp_path, "msk", (FOLDER / "msk" / "env.yaml").read_text(encoding="utf-8"))
    rows = [
        ("Amazon Managed Streaming for Apache Kafka", "USE1-Kafka.m5.2xlarge", "3749.76", "4464 Hrs"),
        ("Amazon Managed Streaming for Apache Kafka", "USE1-Kafka.Storage.GP2", "297.80", "2978 GB-Mo"),
        ("AWS Secrets Manager", "USE1-AWSSecretsManager-Secrets", "2.8", ""),
        ("AWS Key Management Service", "us-east-1-KMS-Keys", "1", ""),
        ("AmazonCloudWatch", "USE1-VendedLog-Bytes", "7.2", ""),
        ("Amazon Relational Database Service", "USE1-Multi-AZUsage:db.t4g.medium", "96.72", ""),
        ("EC2 - Other", "NatGateway-Hours", "100.44", ""),
        ("EC2 - Other", "USE1-DataTransfer-Out-Bytes", "3.10", ""),
        ("Amazon Managed Streaming for Apache Kafka", "USE1-Kafka.SomethingNew", "5", ""),
    ]
    Path("october.json").write_text(json.dumps(cost_explorer(rows)), encoding="utf-8")
    code, out, _ = run(monkeypatch, capsys, project, "cost", "actual", "-e", "msk", "--aws-file", "october.json")
    assert code == 0
    _matches(FOLDER / "msk" / "actual.golden", out)


def test_bills_of_confluent_as_markdown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("cli.cost_actual.datetime", Frozen)
    monkeypatch.chdir(tmp_path)
    name = "streaming-confluent"
    project = project_with(tmp_path, "confluent", (FOLDER / "confluent" / "env.yaml").read_text(encoding="utf-8"))
    rows = [
        confluent_row("KAFKA_NUM_CKUS", "558", name=name),
        confluent_row("KAFKA_NETWORK_WRITE", "1.44", name=name),
        confluent_row("KAFKA_NETWORK_READ", "4.33", name=name),
        confluent_row("KAFKA_STORAGE", "6.85", name=name),
        confluent_row("GOVERNANCE_BASE", "744", name=name, product="STREAM_GOVERNANCE"),
        confluent_row("CONNECT_NUM_TASKS", "202.4", name="sink", product="CONNECT"),
        confluent_row("SUPPORT", "29", product="SUPPORT_CLOUD_BASIC", alone=True),
    ]
    Path("costs.json").write_text(json.dumps({"data": rows}), encoding="utf-8")
    _, out, _ = run(
        monkeypatch,
        capsys,
        project,
        "cost",
        "actual",
        "-e",
        "confluent",
        "--confluent-file",
        "costs.json",
        "--markdown",
    )
    _matches(FOLDER / "confluent" / "actual.md.golden", out)
