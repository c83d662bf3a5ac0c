"""`infra cost whatif`: a setting held against the YAML that has it, a range against the report at each value."""

from __future__ import annotations

import csv
import io
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from modules.cost import compare, load_book, report
from modules.cost.sweep import CHECKED, sweep
from modules.cost.whatif import layers_of, load_with
from modules.environment.loader import load_environment
from modules.environment.types import DataRateValue
from modules.project import Project
from tests.charts.marks import pointed, read
from tests.cost.support import project_with, run

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

TEXT = """\
platform: msk
topics:
  events: {partitions: 6, retention: 7d, value: {schema: schemas/order_events.avsc}, sink: {table: A.B.EVENTS}}
  orders.v1.eu: {partitions: 3, retention: 1d}
connect: {kind: sink}
workload: {ingress: 1GB/day}
budget: {monthly: 900 USD}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return project_with(tmp_path / "p", "e", TEXT)


def as_written(folder: Path, text: str) -> Any:
    """The total of an environment whose file says so."""
    root = project_with(folder, "e", text)
    return report(load_environment(Project(root), "e")).total


def found(out: str) -> Any:
    return json.loads(out)["environments"][0]


# --set


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (["workload.ingress=10GB/day"], TEXT.replace("ingress: 1GB/day", "ingress: 10GB/day")),
        (["platform=redpanda"], TEXT.replace("platform: msk", "platform: redpanda")),
        (["msk.brokers=6"], TEXT + "msk: {brokers: 6}\n"),
        (["msk={mode: express}"], TEXT + "msk: {mode: express}\n"),
        (["msk.mode=serverless", "workload.fan_out=3"],
         TEXT.replace("1GB/day", "1GB/day, fan_out: 3") + "msk: {mode: serverless}\n"),
        (["topics.events.partitions=600"], TEXT.replace("partitions: 6", "partitions: 600")),
        (["topics.orders.v1.eu.partitions=30"], TEXT.replace("partitions: 3,", "partitions: 30,")),
        (['topics."new.one".partitions=30'], TEXT.replace("connect:", "  new.one: {partitions: 30}\nconnect:")),
        (["topics.events.config.min.insync.replicas=2"], TEXT),
        (["budget=null"], TEXT.replace("budget: {monthly: 900 USD}\n", "")),
        (["workload.ingress=5GB/day", "workload.ingress=10GB/day"], TEXT.replace("ingress: 1GB", "ingress: 10GB")),
    ],
)  # fmt: skip
def test_a_setting_is_what_the_file_would_say(
    project: Path, monkeypatch: Patch, capsys: Capture, tmp_path: Path, settings: list[str], text: str
) -> None:
    words = [word for each in settings for word in ("--set", each)]
    code, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *words, "--json")
    after = found(out)["after"]["monthly"]["total"]
    assert Decimal(after["known"]) == as_written(tmp_path / "other", text).known
    assert code == (3 if found(out)["after"]["budget"] and found(out)["after"]["budget"]["over"] else 0)
    assert (project / "environments" / "e.yaml").read_text() == TEXT, "nothing is written"


def test_the_difference_is_shown_line_by_line_and_over_budget_leaves_with_3(
    project: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    code, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", "--set", "msk.brokers=6")
    assert code == 3
    assert "+$446.76" in out
    assert "as given" in out
    assert "over budget" in out
    assert "lines are the same" in out


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ([], "nothing is changed", "--set workload.ingress=10GB/day"),
        (["--set", "workload.ingress"], "`--set workload.ingress` is not KEY=VALUE", "--set workload.ingress=10GB/day"),
        (["--set", "=3"], "is not KEY=VALUE", "write, say"),
        (["--set", "a..b=3"], "`a..b` is not a key", "with dots: workload.ingress"),
        (["--set", "workload.ingres=1GB/day"],
         "--set workload.ingres: unknown key `ingres`; did you mean `ingress`?", "mend the option named above"),
        (["--set", "workload.ingress=-5GB/day"],
         "--set workload.ingress: expected a rate such as 1GB/day or 5MB/s, got '-5GB/day'", "mend the option"),
        (["--set", "workload.ingress=5"], "got 5 without a unit; write 5GB/day", "mend the option"),
        (["--set", "workload.ingress=0GB/day"], "--set workload.ingress: must be more than nothing", "mend the option"),
        (["--set", "workload.fan_out=-1"], "--set workload.fan_out: expected", "mend the option"),
        (["--set", "workload.fan_out=1e9"], "--set workload.fan_out: expected", "mend the option"),
        (["--set", "platform=mks"], "expected one of confluent, msk, redpanda, local, got 'mks'; did you mean `msk`?",
         "mend the option"),
        (["--set", "msk.region=mars-1"], "MSK is not in region `mars-1`", "us-east-1"),
        (["--set", "extends=base"], "`extends` cannot be set", "another environment with --env"),
        (["--set", "network.clients.0=10.0.0.0/8"], "`network.clients` is a list", "--set 'network.clients=[…]'"),
        (["--set", "workload={ingress: 3GB/day"], "--set workload: not valid YAML", "close every {"),
        (["--set", "budget="], "has no value", "mend the option"),
        (["--set", "msk.brokers=6", "--set", "msk.brokers=4"], "--set msk.brokers: 4 brokers over 3 zones", "mend"),
        (["--set", "msk.brokers=6", "--compare"], "--compare goes with --over", "add --over"),
        (["--set", "msk.brokers=6", "--html", "x.html"], "--html goes with --over", "add --over"),
        (["--set", "msk.brokers=6", "--json", "--csv"], "two formats", "give one of them"),
        (["--over", "workload.ingress"], "`--over workload.ingress` is not KEY=VALUE", "write, say"),
        (["--over", "workload.ingress=1GB/day.."], "`1GB/day..` has an open end", "1GB/day..10TB/day"),
        (["--over", "workload.ingress=10GB/day..1GB/day"], "does not rise", "the smaller end first"),
        (["--over", "workload.ingress=1GB/day..1GB/day"], "does not rise", "the smaller end first"),
        (["--over", "workload.ingress=1GB/day..5"], "got 5 without a unit", "mend the option"),
        (["--over", "workload.ingress=1GB/day...5GB/day"], "expected a rate", "mend the option"),
        (["--over", "workload.ingress=0GB/day..5GB/day"], "must be more than nothing", "mend the option"),
        (["--over", "workload.ingress=5GB/day"], "is neither a range nor a list", "1GB/day..10TB/day, or A,B,C"),
        (["--over", "workload.ingres=1GB/day..5GB/day"], "unknown key `ingres`; did you mean `ingress`?", "mend"),
        (["--over", "workload=1..2"], "settings with further keys below them", "name one key below it"),
        (["--over", "platform=msk..redpanda"], "this key takes words", "confluent,msk,redpanda,local"),
        (["--over", "msk.brokers=3..4"], "--over msk.brokers: 4 brokers over 3 zones", "mend the option"),
        (["--over", "workload.ingress=1GB/day..5GB/day", "--points", "1"], "--points: cannot be 1\n", "2 to 10,000"),
        (["--over", "workload.ingress=1GB/day..5GB/day", "--points", "99999"], "cannot be 99999\n", "2 to 10,000"),
        (["--over", "workload.ingress=1GB/day..5GB/day", "--over", "workload.fan_out=1..9", "--points", "101"],
         "10,201 points; 10,000 are the most", "fewer with --points"),
        (["--over", "workload.fan_out=1..2", "--over", "workload.fan_out=3..4"], "both ranges are of", "name two keys"),
        (["--over", "workload.fan_out=1..2"] * 3, "3 ranges", "twice for a grid"),
        (["--over", "msk.brokers=3..9", "--compare"], "`msk.brokers` is not something that all platforms have",
         "leave --compare out"),
        (["--over", "workload.fan_out=1..2", "--markdown"], "a sweep has no Markdown", "--csv, --json or --html"),
        (["--set", "platform=local", "--over", "workload.fan_out=1..2"], "runs on this machine and costs nothing",
         "--compare for all other platforms"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_option(
    project: Path, monkeypatch: Patch, capsys: Capture, options: list[str], message: str, hint: str
) -> None:
    code, out, err = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *options)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err
    assert hint in err
    assert "defect" not in err


def test_a_setting_that_needs_another_says_where_the_file_lacks_it(
    project: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    code, _, err = run(
        monkeypatch, capsys, project, "cost", "whatif", "--env", "e", "--set", "topics.events.value=null"
    )
    assert code == 1
    assert "a sink needs the value's schema" in err


def test_a_secret_that_is_set_is_not_repeated(project: Path, monkeypatch: Patch, capsys: Capture) -> None:
    option = "warehouse.account.private_key=hunter2"
    code, out, err = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", "--set", option)
    assert code == 1
    assert "hunter2" not in out + err
    code, out, err = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", "--set", "a.password:hunter2")
    assert code == 1


# --over


def sweep_json_of(out: str) -> Any:
    return json.loads(out)


def test_every_point_is_the_report_of_the_environment_with_that_value(
    project: Path, monkeypatch: Patch, capsys: Capture, tmp_path: Path
) -> None:
    over = ("--over", "workload.ingress=1GB/day..1TB/day", "--points", "4")
    code, out, err = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *over, "--json")
    made = sweep_json_of(out)
    assert (code, err) == (0, "")
    assert made["axes"][0]["values"] == ["1GB/day", "10GB/day", "100GB/day", "1TB/day"]
    for number, (value, point) in enumerate(zip(made["axes"][0]["values"], made["series"][0]["points"], strict=True)):
        if point["changes"]:
            continue
        text = TEXT.replace("ingress: 1GB/day", f"ingress: {value}")
        assert Decimal(point["monthly"]["known"]) == as_written(tmp_path / str(number), text).known
    assert made["held_against_the_loader"] == 4


@pytest.mark.parametrize(
    "over",
    [
        "workload.ingress=1GB/day..300GB/day",
        "workload.retention=1d..90d",
        "workload.fan_out=0..20",
        "workload.compression=0.1..1",
        "workload.warehouse_hours_per_day=0..24",
        "workload.message_size=100B..100KiB",
        "workload.peak_to_mean=1..8",
        "topics.events.partitions=1..300",
    ],
)
def test_a_long_range_is_as_exact_as_a_short_one(project: Path, over: str) -> None:
    where, book = Project(project), load_book()
    made = sweep(where, "e", [over], book, points=200)
    (axis,) = made.axes
    assert CHECKED < len(axis.values) <= 300
    assert list(axis.numbers) == sorted(axis.numbers)
    for place in random.Random(over).sample(range(len(axis.values)), 6):
        point = made.series[0].points[place]
        if not point.changes:
            there = load_with(where, "e", layers_of(where, "e", [f"{axis.name}={axis.texts[place]}"]))
            assert point.total == report(there, book).total, axis.texts[place]


def test_a_load_beyond_the_given_size_is_priced_in_the_size_the_yaml_would_need(
    project: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    def whatif(*options: str) -> tuple[int, str, str]:
        kept = ("--set", "workload.retention=1d")
        return run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *kept, *options)

    code, out, _ = whatif("--over", "workload.ingress=1GB/day..10TB/day", "--points", "5", "--json")
    made = sweep_json_of(out)
    points = made["series"][0]["points"]
    assert code == 0
    assert made["needs_more"] == []
    assert points[0]["changes"] == {}
    assert int(points[-1]["changes"]["msk.brokers"]) > 3
    settings = [word for key, value in points[-1]["changes"].items() for word in ("--set", f"{key}={value}")]
    _, out, err = whatif(*settings, "--set", "workload.ingress=10TB/day", "--json")
    assert err == ""
    assert found(out)["after"]["monthly"]["total"] == points[-1]["monthly"]


def test_what_the_loader_asks_for_beside_the_size_is_said(project: Path, monkeypatch: Patch, capsys: Capture) -> None:
    whatif = ("cost", "whatif", "--env", "e", "--set", "msk.storage_ceiling=100GiB")
    over = ("--over", "workload.ingress=1GB/day..100GB/day", "--points", "3")
    code, out, _ = run(monkeypatch, capsys, project, *whatif, *over)
    assert code == 0
    assert "at workload.ingress 100GB/day the YAML would need more than that size: the ceiling of 100" in out
    code, _, err = run(monkeypatch, capsys, project, *whatif, "--set", "workload.ingress=100GB/day")
    assert code == 1
    assert "msk.storage_ceiling: the ceiling of 100 GiB is below" in err


def test_all_options_in_the_size_that_carries_each_load_as_the_comparison_has_them(project: Path) -> None:
    where, book = Project(project), load_book()
    made = sweep(where, "e", ["workload.ingress=1GB/day,100GB/day"], book, every_option=True)
    for place, ingress in enumerate(("1GB/day", "100GB/day")):
        there = load_with(where, "e", layers_of(where, "e", [f"workload.ingress={ingress}"]))
        rows = {row.report.option: row.report for row in compare(there, book).rows}
        assert {each.option for each in made.series} == set(rows)
        for series in made.series:
            point = series.points[place]
            if not point.changes and point.total is not None:
                assert point.total == rows[series.option].total
    assert [each.option for each in made.series if each.chosen] == ["msk"]


def test_options_change_places_where_it_says(project: Path) -> None:
    where, book = Project(project), load_book()
    made = sweep(where, "e", ["workload.ingress=1GB/day..500GB/day"], book, every_option=True)
    assert made.crossovers
    for crossing in made.crossovers[:2]:
        for share, cheaper in ((Decimal("0.998"), crossing.overtaken), (Decimal("1.001"), crossing.overtaker)):
            rate = f"{int(crossing.at * share * 86_400)}B/day"
            there = sweep(where, "e", [f"workload.ingress={rate},1TB/day"], book, every_option=True)
            costs = {each.option: each.points[0].total for each in there.series}
            pair = {name: costs[name] for name in (crossing.overtaker, crossing.overtaken)}
            known = {name: total.least for name, total in pair.items() if total is not None}
            assert min(known, key=lambda name: known[name]) == cheaper


def test_the_value_up_to_which_the_budget_holds_is_found(project: Path, monkeypatch: Patch, capsys: Capture) -> None:
    over = ("--over", "workload.ingress=1GB/day..1TB/day")
    _, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *over, "--json")
    kept = sweep_json_of(out)["budget_kept_up_to"]
    for factor, code in (("1", 0), ("1.002", 3)):
        rate = f"{int(DataRateValue.parse(kept).bytes * Decimal(factor))}B/day"
        setting = ("--set", f"workload.ingress={rate}")
        assert run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *setting)[0] == code, rate
    _, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *over)
    assert "· within budget up to " in out
    for settings in (["--set", "budget.monthly=100 USD"], ["--set", "budget.monthly=99000 USD"], ["--compare"]):
        _, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *over, *settings, "--json")
        assert sweep_json_of(out)["budget_kept_up_to"] is None


def test_what_the_loader_refuses_is_left_out_and_said(project: Path, monkeypatch: Patch, capsys: Capture) -> None:
    over = ("--over", "msk.brokers=3..12")
    code, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *over, "--json")
    made = sweep_json_of(out)
    assert code == 0
    assert made["axes"][0]["values"] == ["3", "6", "9", "12"]
    assert [each["value"] for each in made["left_out"]] == [f"msk.brokers {n}" for n in (4, 5, 7, 8, 10, 11)]
    assert made["sized_to_carry_the_load"] is False, "brokers are what is asked for"
    _, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *over)
    assert "left out, since the environment cannot have them: msk.brokers 4: 4 brokers over 3 zones" in out


def test_a_list_of_words_has_no_plot_and_each_points_own_option(
    project: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    over = ("--over", "platform=confluent,msk,redpanda,local")
    _, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *over, "--json")
    points = sweep_json_of(out)["series"][0]["points"]
    assert [each["option"] for each in points] == ["confluent-basic", "msk", "redpanda-ec2", "local"]
    _, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *over)
    assert "┤" not in out
    assert "confluent" in out


def test_two_ranges_are_a_grid_of_reports(project: Path, tmp_path: Path) -> None:
    where, book = Project(project), load_book()
    made = sweep(where, "e", ["workload.ingress=1GB/day,50GB/day", "workload.retention=1d,7d,30d"], book)
    assert made.size == 6
    for (ingress, retention), point in zip(made.places, made.series[0].points, strict=True):
        settings = [f"workload.ingress={ingress}", f"workload.retention={retention}"]
        assert point.total == report(load_with(where, "e", layers_of(where, "e", settings)), book).total


def test_csv_has_a_row_a_point_that_a_setting_can_repeat(project: Path, monkeypatch: Patch, capsys: Capture) -> None:
    over = ("--over", "workload.ingress=1GB/day..90GB/day", "--points", "3")
    _, out, _ = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *over, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 3
    value = rows[1]["workload.ingress"]
    _, out, _ = run(
        monkeypatch, capsys, project, "cost", "whatif", "--env", "e", "--set", f"workload.ingress={value}", "--json"
    )
    assert found(out)["after"]["monthly"]["total"]["at_least"] == rows[1]["at_least"]


@pytest.mark.parametrize("width", ["80", "120"])
def test_the_plot_keeps_to_the_terminals_width(project: Path, monkeypatch: Patch, capsys: Capture, width: str) -> None:
    from cli.main import main

    monkeypatch.setenv("INFRA_PROJECT", str(project))
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["cost", "whatif", "--env", "e", "--over", "workload.ingress=1GB/day..1TB/day", "--compare"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= int(width)
    assert "\x1b" not in out
    assert "A Confluent Basic" in out
    assert "1 GB/day" in out
    assert "and is the cheapest" in out


@pytest.mark.parametrize(
    "over", [["workload.ingress=1GB/day..1TB/day"], ["workload.ingress=1GB/day..1TB/day", "workload.fan_out=1..4"]]
)
@pytest.mark.parametrize("all_options", [True, False])
def test_the_page_holds_the_json_and_its_chart_the_same_values(
    project: Path, monkeypatch: Patch, capsys: Capture, tmp_path: Path, over: list[str], all_options: bool
) -> None:
    page = tmp_path / "sweep.html"
    words = [word for each in over for word in ("--over", each)] + (["--compare"] if all_options else [])
    words += ["--points", "5", "--html", str(page)]
    code, out, err = run(monkeypatch, capsys, project, "cost", "whatif", "--env", "e", *words, "--json")
    assert code == 0, err
    made = read(page.read_text(encoding="utf-8"))
    assert made.document == json.loads(out)
    assert bool(made.marks) == (len(over) == 1)
    for mark in made.marks:
        assert pointed(made.document, mark.path) == mark.value
