"""A part of an environment planned and applied by itself, saved plans put back, and what was changed outside."""

from __future__ import annotations

import pytest

from modules.errors import ConfigError, PlanError
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
