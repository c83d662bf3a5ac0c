"""What guards do about the environment as a whole: protection, unchanged plans, plans between waves, unknown prices."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from cli.main import main
from modules.guards import GuardsRefusedError, check_guards
from modules.guards.check import judge_facts
from modules.guards.facts import Cost, Facts
from modules.resources.snapshot import snapshot
from tests.guards.cases import CASES, CONFLUENT, MSK, TOPIC, made, topic
from tests.guards.support import entry, judged, plan_of, project_of

GONE = (entry("topics", TOPIC, "delete", topic()),)
PROTECTED = (*MSK, "protected: true")


def test_a_protected_environment_is_not_destroyed(tmp_path: Path) -> None:
    report = judged(tmp_path, PROTECTED, *GONE, destroy=True, applying=True)
    (refused,) = report.refused
    assert refused.message == "prod is protected (protected: true) and would be destroyed"
    assert refused.fix == "write `protected: false` in environments/prod.yaml and have that reviewed first"


def test_a_destroy_is_not_asked_for_each_address(tmp_path: Path) -> None:
    assert judged(tmp_path, MSK, *GONE, destroy=True, applying=True).results == ()


def test_a_rehearsal_of_a_protected_environment_is_only_told(tmp_path: Path) -> None:
    project, environment = project_of(tmp_path, *PROTECTED)
    for destroy in (True, False):
        plan = plan_of(made("aws_sns_topic.alarms"), destroy=destroy, offline=True)
        report = check_guards(plan, environment=environment, project=project, applying=True)
        assert report.refused == () and [each.id for each in report.warned] == ["protected-environment"]


def test_showing_a_plan_of_a_protected_environment_needs_no_review(tmp_path: Path) -> None:
    assert judged(tmp_path, PROTECTED, made("aws_sns_topic.alarms")).results == ()


def test_a_reviewed_plan_can_be_given_up_alone(tmp_path: Path) -> None:
    lines = [*PROTECTED, "guards: {protected-environment: {reviewed_plan: false}}"]
    assert judged(tmp_path, lines, made("aws_sns_topic.alarms"), applying=True).results == ()
    assert judged(tmp_path, lines, *GONE, destroy=True).refused != ()


def test_a_plan_without_changes_is_judged_by_nobody(tmp_path: Path) -> None:
    report = judged(tmp_path, [*CONFLUENT, "budget: {monthly: 1 USD}"])
    assert (report.results, report.notes, report.checked) == ((), (), ())


def test_allow_destroy_takes_the_exact_address_only(tmp_path: Path) -> None:
    for given in ('kafka_topic.topic["order-*"]', "kafka_topic.topic", "*", TOPIC.upper()):
        report = judged(tmp_path, MSK, *GONE, allow_destroy=(given,))
        assert [each.id for each in report.refused] == ["data-loss"]
        assert [each.kind for each in report.notes] == ["allow-destroy-unused"]


def test_on_a_laptop_lost_data_is_a_warning(tmp_path: Path) -> None:
    report = judged(tmp_path, ["platform: local"], *GONE)
    assert report.refused == () and [each.id for each in report.warned] == ["data-loss"]


def test_a_column_that_goes_and_a_fargate_task_that_is_replaced_lose_data_as_well(tmp_path: Path) -> None:
    table = [{"name": "ORDERS", "column": [{"name": name} for name in some]} for some in (("ID", "COUPON"), ("ID",))]
    service = [
        {"name": "broker-1", "launch_type": "FARGATE", "task_definition": f"broker:{number}"} for number in (1, 2)
    ]
    report = judged(
        tmp_path, MSK,
        entry("warehouse", "snowflake_table.orders", "update", *table),
        entry("cluster", "aws_ecs_service.broker-1", "update", *service),
    )  # fmt: skip
    assert [(each.id, each.address) for each in report.refused] == [
        ("data-loss", "snowflake_table.orders"),
        ("data-loss", "aws_ecs_service.broker-1"),
    ]


def test_what_is_refused_between_waves_says_what_stays(tmp_path: Path) -> None:
    report = judged(tmp_path, MSK, *GONE)
    said = str(GuardsRefusedError(report, later="topics"))
    assert (
        "guard data-loss refuses the plan of stack topics, made with real values; what was applied before it stays"
        in said
    )
    assert "nothing was touched" not in said


def facts(root: Path, cost: Cost, *lines: str) -> Facts:
    _, environment = project_of(root, *CONFLUENT, *lines)
    return Facts(plan_of(made("confluent_environment.main")), environment, cost)


def test_unknown_prices_are_said_and_never_taken_for_nothing(tmp_path: Path) -> None:
    budget = "budget: {monthly: 100 USD}"
    over = Cost(known=Decimal(120), unknown=2, monthly=Decimal(100), over=True)
    (found,), _ = judge_facts(facts(tmp_path, over, budget))
    assert found.severity == "refuse"
    assert found.message == "a month costs at least $120.00, the budget is $100.00, and 2 lines have no known price"

    maybe = replace(over, known=Decimal(80), unknown=1, over=False, maybe=True)
    (found,), _ = judge_facts(facts(tmp_path, maybe, budget))
    assert found.severity == "warn"
    assert found.message == (
        "a month costs at least $80.00 of a budget of $100.00, and one line has no known price: it may be over"
    )

    (found,), _ = judge_facts(facts(tmp_path, Cost(problem="region mars is not in the price book"), budget))
    assert (found.severity, found.message) == (
        "warn", "the month cannot be priced: region mars is not in the price book",
    )  # fmt: skip


@pytest.mark.parametrize(("after", "said"), [(125, False), (126, True), (90, False)])
def test_a_cost_jump_is_one_above_its_share(after: int, said: bool, tmp_path: Path) -> None:
    cost = Cost(known=Decimal(after), before=Decimal(100), before_label="base")
    found, _ = judge_facts(facts(tmp_path, cost))
    assert [each.message for each in found] == (
        [f"a month goes from $100.00 (base) to ${after}.00, by 26 %; 25 % is allowed"] if said else []
    )


def test_infra_guards_lists_what_is_guarded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project_of(
        tmp_path, *MSK, "guards:", "  cost-jump: {percent: 40}", "  hooks: ['guards/none.py:check']", "  waivers:",
        "    - {guard: data-loss, address: '*', reason: a test, until: 2020-01-01, by: bob}",
    )  # fmt: skip
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    assert main(["guards", "--env", "prod"]) == 0
    out, err = capsys.readouterr()
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "environments/prod.yaml: not protected" in lines
    assert "cost-jump warns the change adds more to the month than its share (percent: 40)" in lines
    assert "data-loss * EXPIRED 2020-01-01 environments/prod.yaml:9, bob" in lines
    assert "environments/prod.yaml: guards.hooks: there is no guards/none.py, so every plan is refused" in err
    assert "environments/prod.yaml:9: the waiver of data-loss expired on 2020-01-01: take it out" in err


def test_a_version_in_the_committed_lock_is_reviewed(tmp_path: Path) -> None:
    case = CASES["provider-versions"]
    assert case.prepare is not None
    case.prepare(tmp_path)
    locks = tmp_path / "environments" / "locks"
    locks.mkdir(parents=True)
    used = tmp_path / ".infra" / "env" / "prod" / "topics" / ".terraform.lock.hcl"
    assert [each.id for each in judged(tmp_path, case.lines, *case.refused).refused] == ["provider-versions"]
    (locks / "prod.lock.hcl").write_text(used.read_text())
    assert judged(tmp_path, case.lines, *case.refused).refused == ()


def test_of_a_kept_plan_the_versions_it_was_made_with_are_judged_whatever_lies_in_the_folders(tmp_path: Path) -> None:
    case = CASES["provider-versions"]
    assert case.prepare is not None
    case.prepare(tmp_path)
    used = tmp_path / ".infra" / "env" / "prod" / "topics" / ".terraform.lock.hcl"
    unreviewed = used.read_bytes()
    # Another plan's lock is in the folder here; this one's plugins are reviewed, or none were needed.
    for lock in (b"", unreviewed.replace(b"0.99.0", str(snapshot("kafka")["version"]).encode())):
        assert judged(tmp_path, case.lines, *case.refused, locks={"topics": lock}).refused == ()
    # A fresh checkout has no folder, and the plan's own plugins are judged all the same.
    used.unlink()
    assert judged(tmp_path, case.lines, *case.refused).refused == ()
    report = judged(tmp_path, case.lines, *case.refused, locks={"topics": unreviewed})
    assert [each.id for each in report.refused] == ["provider-versions"]


@pytest.mark.parametrize(
    ("action", "refused"),
    [
        ("ecs:DiscoverPollEndpoint", False),
        ("secretsmanager:ListSecrets", False),
        ("secretsmanager:ListSecretVersionIds", True),
        ("kafka:ListClustersV2", False),
        ("kafka:ListScramSecrets", True),
        ("ec2:DescribeSubnets", False),
        ("ec2:CreateNetworkInterface", True),
    ],
)
def test_an_action_on_every_resource_is_let_through_where_aws_takes_no_other(
    action: str, refused: bool, tmp_path: Path
) -> None:
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Action": [action], "Resource": ["*"]}]})
    report = judged(tmp_path, MSK, made("aws_iam_role_policy.one", name="one", policy=policy))
    assert [each.id for each in report.refused] == (["wildcard-rights"] if refused else [])
