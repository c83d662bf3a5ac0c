"""JSON documents keep to their documented schema, CSV sums to the report, and every field has its line in the docs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from modules.cost.formats import schema
from tests.charts.marks import read
from tests.cost.bills import cost_explorer
from tests.cost.support import ROOT, project_with, run
from tests.cost.test_html import CASES, TESTDATA
from tests.platforms.golden import GOLDEN

PAGE = ROOT / "docs" / "cost-formats.md"
SCENARIOS = "workload: {ingress: 1GB/day, low: {ingress: 200MB/day}, high: {ingress: 5GB/day, peak_to_mean: 4}}"

Ask = Callable[..., Any]
Patch = pytest.MonkeyPatch
Capture = pytest.CaptureFixture[str]


def text_of(case: str) -> str:
    return (TESTDATA / case / "env.yaml").read_text(encoding="utf-8")


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> Ask:
    """The JSON that a cost command prints for an environment `case` with this YAML; 3 (over budget) is no failure."""

    def asked(text: str, *arguments: str) -> Any:
        project = tmp_path if (tmp_path / "environments").exists() else project_with(tmp_path, "case", text)
        code, out, err = run(monkeypatch, capsys, project, "cost", *arguments, "--json")
        assert code in (0, 3), err
        return json.loads(out)

    return asked


def check(document: Any, kind: str) -> None:
    """Hold a document against the schema that the repository has."""
    validator = jsonschema.Draft202012Validator(json.loads(schema.SCHEMA_FILE.read_text(encoding="utf-8")))
    assert document["kind"] == kind
    problems = [
        f"{'/'.join(map(str, each.absolute_path))}: {each.message}"[:300] for each in validator.iter_errors(document)
    ]
    assert problems == []


@pytest.mark.parametrize("case", CASES)
def test_reports_and_comparisons_of_every_case_keep_to_the_schema(case: str, ask: Ask) -> None:
    text = text_of(case)
    check(ask(text, "-e", "case"), "report")
    check(ask(text, "compare", "-e", "case"), "comparison")
    check(ask(text, "explain", "-e", "case"), "lines")


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("diff", ["whatif", "--set", "workload.ingress=10GB/day", "--set", "confluent.tier=standard"]),
        ("sweep", ["whatif", "--over", "workload.ingress=1GB/day..1TB/day", "--points", "5", "--compare"]),
        (
            "sweep",
            ["whatif", "--over", "workload.retention=1d..30d", "--over", "workload.fan_out=1,2", "--points", "3"],
        ),
        ("advice", ["advise"]),
    ],
)
def test_what_if_and_advice_keep_to_the_schema(kind: str, arguments: list[str], ask: Ask) -> None:
    check(ask(text_of("basic-1gb-a-day"), *arguments, "-e", "case"), kind)


def test_a_diff_of_two_environments_keeps_to_the_schema(tmp_path: Path, ask: Ask) -> None:
    project_with(tmp_path, "case", text_of("basic-1gb-a-day"))
    (tmp_path / "environments" / "other.yaml").write_text(text_of("msk-1gb-a-day"), encoding="utf-8")
    found = ask("", "diff", "case", "other")
    check(found, "diff")
    assert {line["change"] for line in found["environments"][0]["lines"]} == {"added", "removed", "changed"}


def test_what_was_billed_keeps_to_the_schema(tmp_path: Path, monkeypatch: Patch, ask: Ask) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    bills = tmp_path / "bills.json"
    rows = [
        ("Amazon Managed Streaming for Apache Kafka", "USE1-Kafka.m7g.large", "440", "2190 Hrs"),
        ("Amazon Elastic Compute Cloud - Compute", "BoxUsage:m5.large", "12", "100 Hrs"),
    ]
    bills.write_text(json.dumps(cost_explorer(rows)), encoding="utf-8")
    arguments = ["actual", "-e", "case", "--month", "2026-10", "--aws-file", str(bills)]
    found = ask(text_of("msk-1gb-a-day"), *arguments)
    check(found, "actual")
    assert {"compared"} <= {row["kind"] for row in found["rows"]}


def test_the_prices_of_a_stack_keep_to_the_schema(ask: Ask) -> None:
    stack = next(folder for folder in sorted(GOLDEN.iterdir()) if folder.name.startswith("msk"))
    check(ask(text_of("laptop"), "resources", str(stack)), "resources")


def test_low_and_high_months_keep_to_the_schema(ask: Ask) -> None:
    text = re.sub(r"workload: \{.*\}", SCENARIOS, text_of("basic-1gb-a-day"))
    found = ask(text, "-e", "case")
    check(found, "report")
    assert set(found["monthly"]["scenarios"]) == {"low", "high"}


def test_a_page_embeds_a_document_of_the_schema(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "case", text_of("basic-1gb-a-day"))
    for command, kind in ((["cost"], "page"), (["cost", "compare"], "comparison")):
        _, out, _ = run(monkeypatch, capsys, project, *command, "-e", "case", "--html", "-")
        check(read(out).document, kind)


def test_a_field_that_is_not_documented_fails(ask: Ask) -> None:
    found = ask(text_of("laptop"), "-e", "case")
    found["lines"][0]["surprise"] = 1
    with pytest.raises(AssertionError, match="surprise"):
        check(found, "report")


def test_the_schema_and_the_page_are_those_of_the_shapes() -> None:
    assert schema.SCHEMA_FILE.read_text(encoding="utf-8") == schema.schema_text(), (
        "python -m modules.cost.formats.schema"
    )
    page = PAGE.read_text(encoding="utf-8")
    assert page == schema.with_tables(page), "python -m modules.cost.formats.schema"
    jsonschema.Draft202012Validator.check_schema(schema.json_schema())


def test_every_field_of_every_document_is_in_the_docs() -> None:
    said = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.M))
    fields = {field for shape in schema.json_schema()["$defs"].values() for field in shape["properties"]}
    assert fields <= said
    assert all(
        each["description"] for shape in schema.json_schema()["$defs"].values() for each in shape["properties"].values()
    )


@pytest.mark.parametrize("case", ["basic-1gb-a-day", "msk-1gb-a-day", "laptop"])
def test_csv_has_a_row_a_line_and_sums_to_what_is_known(
    case: str, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    project = project_with(tmp_path, "case", text_of(case))
    _, out, _ = run(monkeypatch, capsys, project, "cost", "-e", "case", "--csv")
    _, text, _ = run(monkeypatch, capsys, project, "cost", "-e", "case", "--json")
    rows, document = list(csv.DictReader(io.StringIO(out))), json.loads(text)
    assert [row["line"] for row in rows] == [line["id"] for line in document["lines"]]
    assert [row["monthly"] or None for row in rows] == [line["monthly"] for line in document["lines"]]
    known = sum((Decimal(row["monthly"]) for row in rows if row["monthly"]), Decimal(0))
    assert known == Decimal(document["monthly"]["total"]["known"])
    assert all(row["sources"] and row["read"] for row in rows)


def test_csv_of_a_comparison_has_a_row_an_option(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "case", text_of("basic-1gb-a-day"))
    _, out, _ = run(monkeypatch, capsys, project, "cost", "compare", "-e", "case", "--csv")
    _, text, _ = run(monkeypatch, capsys, project, "cost", "compare", "-e", "case", "--json")
    rows, options = list(csv.DictReader(io.StringIO(out))), json.loads(text)["options"]
    assert [row["option"] for row in rows] == [option["option"] for option in options]
    assert [row["chosen"] for row in rows].count("yes") == 1
    for row, option in zip(rows, options, strict=True):
        assert row["total_at_least"] == option["monthly"]["total"]["at_least"]
        assert row["total_at_most"] == (option["monthly"]["total"]["at_most"] or "")
    assert "total_at_least_100x" in rows[0]


def test_a_text_in_csv_is_never_a_formula() -> None:
    from modules.cost.formats.csv import _cell

    assert [_cell(each) for each in ("=1+1", "+1", "-1", "@x", "a", Decimal("-1.50"), None)] == [
        "'=1+1", "'+1", "'-1", "'@x", "a", "-1.5", "",
    ]  # fmt: skip
