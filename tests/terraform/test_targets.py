"""A part of an environment planned and applied by itself, saved plans put back, and what was changed outside."""

from __future__ import annotations

import pytest

from cli._plans import say_targets
from modules.errors import ConfigError, PlanError
from modules.summary.words import total_words
from modules.terraform.plan import EnvironmentPlan
from modules.terraform.results import apply_failure
from tests.terraform.support import Workbench, data

CLUSTER = {"resource": data(broker="b-1"), "output": {"bootstrap": {"value": "${terraform_data.broker.output}"}}}
TOPICS = {
    "variable": {"bootstrap": {"type": "any"}},
    "resource": data(
        topic={"for_each": {"orders": {}, "audit": {}}, "input": "${each.key}"}, acl={"input": "${var.bootstrap}"}
    ),
}


@pytest.fixture
def two(bench: Workbench) -> Workbench:
    bench.stack("cluster", CLUSTER)
    bench.stack("topics", TOPICS, inputs={"bootstrap": ("cluster", "bootstrap")})
    bench.stack("warehouse", {"resource": data(table=1)})
    return bench


def addresses(bench: Workbench, *targets: str) -> dict[str, list[str]]:
    plan = bench.deployment().plan(targets=targets)
    return {stack.stack: sorted(change.address for change in stack.changes) for stack in plan.stacks}


def test_a_stack_as_target_leaves_the_others_out(two: Workbench) -> None:
    deployment = two.deployment()
    plan = deployment.plan(targets=["cluster"])
    assert plan.targets == ("cluster",) and [stack.stack for stack in plan.stacks] == ["cluster"]
    result = deployment.apply(plan)
    assert [item.stack for item in result.stacks] == ["cluster"]
    assert not deployment.applied("topics") and not deployment.applied("warehouse")


def test_an_address_as_target_is_its_instances_or_one_of_them(two: Workbench) -> None:
    deployment = two.deployment()
    deployment.apply(deployment.plan(targets=["cluster"]))
    every = ['terraform_data.topic["audit"]', 'terraform_data.topic["orders"]']
    assert addresses(two, "terraform_data.topic") == {"topics": every}
    assert addresses(two, 'terraform_data.topic["orders"]') == {"topics": every[1:]}
    # As a plan shows it, copied with its stack.
    assert addresses(two, 'topics: terraform_data.topic["orders"]', "warehouse") == {
        "topics": every[1:],
        "warehouse": ["terraform_data.table"],
    }
    assert addresses(two, 'topics:terraform_data.topic["orders"]') == {"topics": every[1:]}


def test_a_target_that_waits_for_what_was_left_out_is_planned_with_it_or_not_at_all(two: Workbench) -> None:
    with pytest.raises(PlanError) as caught:
        two.deployment().plan(targets=["topics"])
    assert str(caught.value) == (
        "stack topics: it needs values of stack cluster, which was never applied and is left out by --target\n"
        "  → leave out --target, or add --target cluster"
    )
    deployment = two.deployment()
    plan = deployment.plan(targets=["terraform_data.acl", "cluster"])
    deployment.apply(plan)
    # What was pending is planned with the same target when its turn comes.
    assert addresses(two) == {
        "cluster": [],
        "topics": ['terraform_data.topic["audit"]', 'terraform_data.topic["orders"]'],
        "warehouse": ["terraform_data.table"],
    }


def test_a_target_that_is_nothing_is_refused_with_what_is_close(two: Workbench) -> None:
    with pytest.raises(ConfigError) as caught:
        two.deployment().plan(targets=["topcs"])
    assert str(caught.value) == (
        "--target: `topcs` is neither a stack nor the address of a resource\n  → did you mean `topics`?"
    )
    with pytest.raises(ConfigError) as caught:
        two.deployment().plan(targets=["zzz"])
    assert caught.value.do == "stacks are cluster, warehouse, topics; addresses are as `infra plan` shows them"


def test_saved_plan_files_are_applied_in_another_checkout_without_planning(two: Workbench) -> None:
    deployment = two.deployment()
    plan = deployment.plan(targets=["cluster", "warehouse"])
    files = {stack.stack: stack.plan_file.read_bytes() for stack in plan.stacks if stack.plan_file}
    for name in files:
        (two.folder(name) / "plan.tfplan").unlink()
    two.progress.calls.clear()
    fresh = two.deployment()
    fresh.install(files)
    assert fresh.apply(plan).changed
    assert not [call for call in two.progress.calls if call[2].startswith("plan")]
    assert fresh.applied("warehouse")


def test_a_refresh_alone_changes_nothing_and_skips_what_was_never_applied(two: Workbench) -> None:
    deployment = two.deployment()
    deployment.apply(deployment.plan(targets=["cluster"]))
    plan = deployment.plan(refresh_only=True)
    assert not plan.has_changes
    assert [(stack.stack, stack.note) for stack in plan.stacks] == [
        ("cluster", None),
        ("warehouse", "never applied"),
        ("topics", "never applied"),
    ]


def test_a_plan_of_a_part_never_says_that_all_is_as_the_yaml_says(two: Workbench) -> None:
    deployment = two.deployment()
    plan = deployment.plan(targets=["cluster"])
    assert total_words(plan) == "1 to create; only cluster (--target), the rest was left out"
    deployment.apply(plan)
    again = two.deployment().plan(targets=["cluster"])
    assert total_words(again) == "no changes in cluster; the rest was left out (--target)"


def test_the_command_line_says_why_a_target_is_discouraged(capsys: pytest.CaptureFixture[str]) -> None:
    say_targets(["topics"])
    assert capsys.readouterr().err == (
        "warning: --target leaves out everything but topics and what it needs: what is deployed then is not what the "
        "YAML says; plan and deploy without it as soon as you can\n"
    )
    say_targets([])
    assert capsys.readouterr().err == ""


def test_a_stopped_deploy_of_a_part_goes_on_with_the_same_targets() -> None:
    plan = EnvironmentPlan("dev", (), targets=("topics", 'kafka_topic.topic["orders"]'))
    error = apply_failure(plan, [], [], interrupted=True)
    command = """infra deploy --env dev --target topics --target 'kafka_topic.topic["orders"]'"""
    assert error.do == f"`{command}` goes on from here"
