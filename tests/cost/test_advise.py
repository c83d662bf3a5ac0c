"""Savings: each rule where it applies and where it does not, amounts that are differences of reports, changes that can
be made by hand."""

from __future__ import annotations

import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost.advise import RULES, Advice, Saving, advise
from modules.cost.advise.engine import saved
from modules.cost.book import load_book
from modules.cost.report import Report, report
from modules.environment.loader import list_environments, load_environment
from modules.errors import ConfigError
from modules.project import Project
from tests.cost.advice_cases import APPLIES, CONFLUENT, DBT, ELSEWHERE, GLUE, yaml
from tests.cost.support import ROOT, project_with, run

BOOK = load_book()
HERE = Project(ROOT)


def project_of(folder: Path, text: str) -> Project:
    return Project(project_with(folder, "dev", text))


def advice_of(folder: Path, text: str, floor: str = "0.01") -> Advice:
    return advise(project_of(folder, text), "dev", BOOK, Decimal(floor))


def test_every_rule_has_a_case() -> None:
    assert {each.id for each in RULES} == APPLIES.keys() | ELSEWHERE.keys()
    assert len({each.id for each in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", APPLIES)
def test_a_rule_applies(tmp_path: Path, rule: str) -> None:
    text, title, _ = APPLIES[rule]
    found = {each.title: each for each in advice_of(tmp_path, text).savings if each.rule == rule}
    assert any(each.startswith(title) for each in found), found.keys()
    for saving in found.values():
        assert saving.amount > 0
        assert 0 <= saving.least <= saving.amount
        assert saving.risk


@pytest.mark.parametrize("rule", APPLIES)
def test_a_rule_does_not_apply(tmp_path: Path, rule: str) -> None:
    _, _, text = APPLIES[rule]
    assert rule not in {each.rule for each in advice_of(tmp_path, text).savings}


@pytest.mark.parametrize("rule", APPLIES)
def test_an_amount_is_the_difference_of_two_reports_and_the_change_made_by_hand_gives_it(
    tmp_path: Path, rule: str
) -> None:
    project = project_of(tmp_path / "project", APPLIES[rule][0])
    before = report(load_environment(project, "dev"), BOOK)
    for number, saving in enumerate(advise(project, "dev", BOOK, Decimal("0.01")).savings):
        if saving.files is None:
            assert saving.kind == "commitment"
            continue
        by_hand = Project(tmp_path / str(number))
        shutil.copytree(project.root, by_hand.root)
        _by_hand(by_hand, saving)
        environment = load_environment(by_hand, "dev")
        assert environment == saving.files.with_edits(saving.edits).environment, saving.title
        least, _ = saved(before, report(environment, BOOK))
        assert least == saving.amount, saving.title


def _by_hand(project: Project, saving: Saving) -> None:
    """The difference that is shown, put onto the file as a person would: with a tool that knows nothing of ours."""
    diff = saving.difference.replace("--- ", "--- a/", 1).replace("+++ ", "+++ b/", 1) + "\n"
    command = ["git", "apply", "--unidiff-zero", "-"]
    done = subprocess.run(command, cwd=project.root, input=diff, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr + diff


@pytest.mark.parametrize("name", [each for each in list_environments(HERE) if each != "local"])
def test_the_projects_own_environments_can_follow_each_advice_and_all_together(tmp_path: Path, name: str) -> None:
    made = advise(HERE, name, BOOK)
    before = report(load_environment(HERE, name), BOOK)
    for saving in made.savings:
        if saving.files is None:
            continue
        copy = Project(tmp_path / saving.rule)
        shutil.rmtree(copy.root, ignore_errors=True)
        shutil.copytree(ROOT / "environments", copy.environments)
        _by_hand(copy, saving)
        least, _ = saved(before, report(load_environment(copy, name), BOOK))
        assert least == saving.amount
    if made.here is None:
        return
    whole = Project(tmp_path / "whole")
    shutil.copytree(ROOT / "environments", whole.environments)
    from modules.cost.advise.change import Files

    for saving, _ in made.here.steps:
        Files(whole, name).write(saving.edits)
    after = report(load_environment(whole, name), BOOK)
    assert saved(before, after)[0] == made.here.amount
    assert after.total == made.here.total


def test_what_overlaps_is_not_counted_twice(tmp_path: Path) -> None:
    made = advice_of(tmp_path, yaml("confluent", CONFLUENT, workload=DBT.replace("0.5", "1"), retention="30d"))
    assert made.here is not None
    alone = {each.title: each.amount for each, _ in made.here.steps}
    added = {each.title: amount for each, amount in made.here.steps}
    assert all(added[title] <= alone[title] for title in added)
    assert made.here.amount < sum(each.amount for each in made.savings)
    assert made.here.amount == sum(added.values())
    assert len({each.rule for each, _ in made.here.steps if each.rule == "reader-cadence"}) == 1


def test_a_smaller_warehouse_says_what_is_saved_where_queries_take_twice_as_long(tmp_path: Path) -> None:
    text = yaml("confluent", CONFLUENT, "warehouse: {size: MEDIUM}", workload=DBT.replace("takes: 30s", "takes: 4m"))
    (size,) = (each for each in advice_of(tmp_path, text).savings if each.rule == "warehouse-size")
    assert size.least < size.amount


def test_what_may_break_an_slo_is_said_and_left_out_of_the_combination(tmp_path: Path) -> None:
    slo = "slo: {row_visible: {p95: 10s}}"
    managed = "connect: {kind: managed}"
    made = advice_of(tmp_path, yaml("confluent", CONFLUENT, managed, slo))
    (files,) = (each for each in made.savings if each.title.startswith("Load files"))
    assert files.breaks == "may break slo.row_visible (p95 10s): `infra smoke` tells"
    assert made.here is None or files not in [each for each, _ in made.here.steps]
    free = advice_of(tmp_path / "free", yaml("confluent", CONFLUENT, managed))
    assert not any(each.breaks for each in free.savings)


def test_production_is_not_advised_what_its_checks_refuse(tmp_path: Path) -> None:
    text = yaml("msk", "msk: {registry: {kind: glue}, brokers: 6, broker_type: kafka.m7g.xlarge}", "production: true")
    made = advice_of(tmp_path, text)
    titles = [each.title for each in made.savings]
    assert not any("t3.small" in each or "two zones" in each for each in titles)
    assert "Run 3 brokers instead of 6" in titles
    moves = [each for each in made.savings if each.kind == "move"]
    assert moves
    assert all("production protects what holds data" in each.also for each in moves)
    assert not any(each.title == "Move to Confluent Basic" for each in moves)  # it lacks what production asks for


def test_a_cluster_that_the_peak_needs_is_not_made_smaller(tmp_path: Path) -> None:
    heavy = "ingress: 150MB/s, compression: 1, peak_to_mean: 2, retention: 1h"
    text = yaml("msk", "msk: {mode: express, brokers: 9, registry: {kind: glue}}", workload=heavy, retention="1h")
    made = advice_of(tmp_path, text)
    before = report(load_environment(Project(tmp_path), "dev"), BOOK)
    for saving in made.savings:
        if saving.files is not None:
            after = report(saving.files.with_edits(saving.edits).environment, BOOK)
            assert len(after.misfits) <= len(before.misfits)


def test_spreading_a_peak_saves_where_it_decides_the_size(tmp_path: Path) -> None:
    heavy = "ingress: 12MB/s, compression: 0.5, peak_to_mean: 20"
    made = advice_of(tmp_path, yaml("confluent", "confluent: {tier: dedicated, cku: 4}", workload=heavy))
    assert all(each.amount > 0 for each in made.savings)
    assert "dedicated-size" not in {each.rule for each in made.savings}  # its price is unknown: nobody can say


def test_no_way_out_is_advised_that_leads_nowhere(tmp_path: Path) -> None:
    made = advice_of(tmp_path, yaml("msk", GLUE, "connect: {kind: managed, plugin: {bucket: a-bucket, key: s.zip}}"))
    assert "egress" not in {each.rule for each in made.savings}
    nat = yaml("msk", GLUE, "network: {egress: nat}")
    (egress,) = (each for each in advice_of(tmp_path / "nat", nat).savings if each.rule == "egress")
    assert egress.places[0].before == "nat"


def test_old_rows_are_no_saving_while_a_month_of_them_is_counted(tmp_path: Path) -> None:
    assert "rows-kept" not in {each.rule for each in advice_of(tmp_path, yaml("confluent", CONFLUENT)).savings}


def test_a_lean_environment_has_nothing_to_save(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lean = yaml("confluent", CONFLUENT)
    project = project_with(tmp_path, "dev", lean)
    code, out, _ = run(monkeypatch, capsys, project, "cost", "advise", "-e", "dev")
    assert code == 0
    assert "Nothing to save over $1 a month." in out


def test_keys_of_a_file_that_others_extend_are_written_into_the_own_file(tmp_path: Path) -> None:
    project = project_of(tmp_path, "extends: base\nplatform: confluent\nconfluent: {tier: basic}\n")
    base = yaml("local", workload=DBT, retention="30d").replace("platform: local\n", "")
    (project.environments / "base.yaml").write_text(base)
    made = {each.title: each for each in advise(project, "dev", BOOK, Decimal("0.01")).savings}
    cadence = made["Run dbt every 1h instead of every 5m"]
    assert str(cadence.places[0].where).startswith("environments/base.yaml:")
    assert cadence.files is not None
    cadence.files.write(cadence.edits)
    own = (project.environments / "dev.yaml").read_text()
    assert "every: 1h" in own and "takes: 30s" in own  # a list is replaced as a whole
    assert (project.environments / "base.yaml").read_text() == base
    assert load_environment(project, "dev").workload.readers[0].every == load_environment(
        project, "dev"
    ).workload.readers[0].every.parse("1h")  # type: ignore[union-attr]


def test_a_key_that_a_file_below_has_is_taken_away_by_null(tmp_path: Path) -> None:
    project = project_of(tmp_path, "extends: base\nplatform: msk\n")
    base = yaml("local", "msk: {registry: {kind: glue}, storage_per_broker: 500GiB}").replace("platform: local\n", "")
    (project.environments / "base.yaml").write_text(base)
    (disks,) = (each for each in advise(project, "dev", BOOK).savings if each.rule == "disks")
    assert disks.files is not None
    disks.files.write(disks.edits)
    assert "storage_per_broker: null" in (project.environments / "dev.yaml").read_text()
    assert load_environment(project, "dev").msk.storage_per_broker is None


def test_unknown_prices_in_both_cancel_out_and_new_ones_forbid_a_promise(tmp_path: Path) -> None:
    own = report(load_environment(project_of(tmp_path / "own", yaml("confluent", CONFLUENT)), "dev"), BOOK)
    managed_yaml = yaml("confluent", CONFLUENT, "connect: {kind: managed}")
    managed = report(load_environment(project_of(tmp_path / "managed", managed_yaml), "dev"), BOOK)
    assert saved(managed, managed) == (0, 0)
    least, most = saved(managed, own)
    task = next(each for each in managed.estimate.lines if each.id == "connect.tasks")
    assert task.amount is None and task.low is not None and task.high is not None
    assert least is not None and most is not None and most - least >= task.high - task.low
    assert saved(own, managed) == _negated(saved(managed, own))


def _negated(pair: tuple[Decimal | None, Decimal | None]) -> tuple[Decimal | None, Decimal | None]:
    least, most = pair
    return (None if most is None else -most), (None if least is None else -least)


def _known(made: Report) -> Decimal:
    return made.total.known


def test_a_move_keeps_the_region_and_takes_the_size_that_fits(tmp_path: Path) -> None:
    text = yaml("msk", "msk: {registry: {kind: glue}, region: eu-central-1}")
    moves = [each for each in advice_of(tmp_path, text).savings if each.rule == "platform"]
    for saving in moves:
        assert saving.files is not None
        there = saving.files.with_edits(saving.edits).environment
        assert getattr(there, there.platform).region == "eu-central-1"
        assert not report(there, BOOK).misfits


def test_json_has_every_saving_with_its_change(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = project_with(tmp_path, "dev", yaml("confluent", CONFLUENT, workload=DBT, retention="30d"))
    code, out, _ = run(monkeypatch, capsys, project, "cost", "advise", "-e", "dev", "--json", "--min", "2USD")
    assert code == 0
    made = json.loads(out)
    assert made["kind"] == "advice" and made["floor"] == "2"
    amounts = [Decimal(each["monthly"]) for each in made["savings"]]
    assert amounts == sorted(amounts, reverse=True) and amounts[-1] >= 2
    first = made["savings"][0]
    assert first["change"][0]["at"] == "environments/dev.yaml:3"
    assert first["diff"].startswith("--- environments/dev.yaml\n+++ environments/dev.yaml\n@@")
    assert Decimal(made["combined"]["monthly"]) == sum(Decimal(each["adds"]) for each in made["combined"]["steps"])


def test_markdown_has_a_table_and_each_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = project_with(tmp_path, "dev", yaml("confluent", CONFLUENT, workload=DBT))
    _, out, _ = run(monkeypatch, capsys, project, "cost", "advise", "-e", "dev", "--markdown")
    assert out.startswith("### dev: what could be saved, Confluent Basic, us-east-1")
    assert out.count("```diff") == out.count("- change: ") or out.count("```diff") > 0
    assert "| 1 | " in out


def test_apply_shows_the_change_and_writes_it_with_comments_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = yaml("confluent", CONFLUENT + " # the cheapest", retention="30d")
    project = project_with(tmp_path, "dev", text)
    code, out, err = run(monkeypatch, capsys, project, "cost", "advise", "-e", "dev", "--apply", "1", "--yes")
    assert code == 0
    assert "retention: 4d" in out and "risk: " in err
    written = (project / "environments" / "dev.yaml").read_text()
    assert "# the cheapest" in written and "retention: 4d" in written


def test_apply_writes_nothing_unless_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = yaml("confluent", CONFLUENT, retention="30d")
    project = project_with(tmp_path, "dev", text)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    code, _, _ = run(monkeypatch, capsys, project, "cost", "advise", "-e", "dev", "--apply", "1")
    assert code == 1
    assert (project / "environments" / "dev.yaml").read_text() == text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--min", "much"), "`much` is no amount"),
        (("--min", "-5"), "`-5` is no amount"),
        (("--min", "5 CHF"), "no rate between USD and CHF"),
        (("--apply", "99"), "there is no saving 99"),
        (("--json", "--markdown"), "--json and --markdown are two formats for one output"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    project = project_with(tmp_path, "dev", yaml("confluent", CONFLUENT, retention="30d"))
    code, _, err = run(monkeypatch, capsys, project, "cost", "advise", "-e", "dev", *arguments)
    assert code == 1
    assert says in err


def test_a_contract_cannot_be_applied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = project_with(tmp_path, "dev", APPLIES["commitment"][0])
    savings = advise(Project(project), "dev", BOOK).savings
    number = next(place for place, each in enumerate(savings, 1) if each.kind == "commitment")
    code, _, err = run(monkeypatch, capsys, project, "cost", "advise", "-e", "dev", "--apply", str(number))
    assert code == 1
    assert "is a contract, not a change of the YAML" in err


def test_the_laptop_has_nothing_to_save(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="runs on this machine"):
        advice_of(tmp_path, "platform: local\n")


def test_the_documentation_names_every_rule() -> None:
    page = (ROOT / "docs" / "cost-advise.md").read_text(encoding="utf-8")
    assert [each.id for each in RULES if f"`{each.id}`" not in page] == []
