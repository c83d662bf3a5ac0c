"""Waves, what an approved plan holds an apply to, and what is left of one that failed; with real Terraform."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modules.errors import ApplyError, InterruptedRun, PlanError
from modules.terraform.applying import _Course, _stopped_when_done
from modules.terraform.engine import Deployment
from modules.terraform.events import Diagnostic, Event, ResourceEvent
from modules.terraform.plan import Change, OutputChange, StackPlan
from modules.terraform.runner import RunResult
from tests.terraform.support import CLUSTER, TOPICS, TOPICS_INPUTS, Workbench, data, kinds, shell, two_stacks


def test_apply_goes_wave_by_wave_with_real_outputs_and_the_next_plan_is_empty(bench: Workbench) -> None:
    two_stacks(bench)
    deployment = bench.deployment()
    result = deployment.apply(deployment.plan())
    assert [(item.stack, item.outcome, item.added) for item in result.stacks] == [
        ("cluster", "applied", 1),
        ("topics", "applied", 3),
    ]
    assert deployment.outputs("topics")["names"].value == ["b-1/orders", "b-1/orders.dlq"]
    again = bench.deployment().plan()
    assert not again.has_changes
    assert [stack.unchanged for stack in again.stacks] == [1, 3]


def test_destroy_runs_in_reverse_and_skips_what_was_never_applied(bench: Workbench) -> None:
    two_stacks(bench)
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    bench.stack("warehouse", {"resource": data(w=1)})
    deployment = bench.deployment()
    plan = deployment.plan(destroy=True)
    assert plan.stack("warehouse").note == "never applied"
    assert plan.counts == {"delete": 4}
    bench.progress.calls.clear()
    deployment.apply(plan)
    applied = [stack for what, stack, action in bench.progress.calls if (what, action) == ("started", "destroy")]
    assert applied == ["topics", "cluster"]
    assert not any(deployment.applied(name) for name in deployment.stack_names)
    assert not bench.deployment().plan(destroy=True).has_changes


def test_an_upstream_change_that_moves_the_approved_values_stops_the_next_wave(bench: Workbench) -> None:
    two_stacks(bench)
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    bench.stack("cluster", {**CLUSTER, "resource": data(broker="b-2")})
    deployment = bench.deployment()
    plan = deployment.plan()
    assert not plan.stack("topics").has_changes
    with pytest.raises(PlanError) as caught:
        deployment.apply(plan)
    text = str(caught.value)
    assert "not what was approved" in text and "update was not approved" in text and "cluster: applied" in text
    # What was stopped is what the next plan shows.
    assert kinds(bench.deployment().plan().stack("topics"))['terraform_data.topic["orders"]'] == "update"


def test_a_pending_stack_that_would_do_more_than_approved_is_stopped(bench: Workbench) -> None:
    two_stacks(bench)
    deployment = bench.deployment()
    plan = deployment.plan()
    more = {**TOPICS, "resource": {"terraform_data": {**TOPICS["resource"]["terraform_data"], "extra": {"input": 1}}}}
    bench.stack("topics", more, inputs=TOPICS_INPUTS)
    with pytest.raises(PlanError, match="not what was approved") as caught:
        deployment.apply(plan)
    assert "terraform_data.extra: create was not approved" in caught.value.details


def test_keys_that_only_the_upstream_knows_are_approved_as_a_whole(bench: Workbench) -> None:
    bench.stack("cluster", {"output": {"zones": {"value": ["a", "b"]}}, "resource": data(broker=1)})
    topics = {
        "variable": {"zones": {"type": "list(string)"}},
        "resource": data(subnet={"for_each": "${toset(var.zones)}"}, fixed={"for_each": '${toset(["x","y"])}'}),
    }
    bench.stack("topics", topics, inputs={"zones": ("cluster", "zones")})
    deployment = bench.deployment()
    plan = deployment.plan()
    assert sorted(kinds(plan.stack("topics"))) == [
        'terraform_data.fixed["x"]',
        'terraform_data.fixed["y"]',
        "terraform_data.subnet[*]",
    ]
    assert deployment.apply(plan).stacks[1].added == 4


def test_a_failed_apply_says_what_was_done_what_was_not_and_goes_on_next_time(bench: Workbench) -> None:
    gate = bench.root / "gate"
    resources = data(
        first=1,
        second={"input": "${terraform_data.first.output}", "provisioner": shell(f"test -e {gate}")},
        third="${terraform_data.second.output}",
    )
    bench.stack("cluster", {"resource": resources})
    bench.stack("topics", {"resource": data(t=1)}, needs=["cluster"])
    deployment = bench.deployment()
    with pytest.raises(ApplyError) as caught:
        deployment.apply(deployment.plan())
    what, *course = str(caught.value).splitlines()
    assert what.startswith("stack cluster, terraform_data.second: local-exec provisioner error: ")
    assert course == [
        "  cluster: 1 of 3 done",
        "    not done: terraform_data.second, terraform_data.third",
        "  topics: not begun, 1 to do",
        "  → correct it and run the command again; `infra deploy --env test` goes on from here",
    ]
    gate.touch()
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    assert not bench.deployment().plan().has_changes


def test_a_stack_beside_the_failed_one_is_finished(bench: Workbench) -> None:
    bench.stack("bad", {"resource": data(a={"provisioner": shell("exit 3")})})
    bench.stack("good", {"resource": data(a=1)})
    deployment = bench.deployment()
    with pytest.raises(ApplyError, match="local-exec"):
        deployment.apply(deployment.plan())
    assert deployment.applied("good")


def test_a_corrupt_plan_file_is_refused_and_nothing_is_touched(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a=1)})
    deployment = bench.deployment()
    plan = deployment.plan()
    file = bench.folder("one") / "plan.tfplan"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(PlanError, match="made anew by another run"):
        deployment.apply(plan)
    # Even where the digest is taken from the corrupt file, Terraform's own refusal is put plainly.
    from modules.terraform.workdir import WorkingFolder

    folder = WorkingFolder(bench.folder("one"), bench.sources["one"])
    corrupt = replace(plan, stacks=(replace(plan.stacks[0], digest=folder.plan_digest()),))
    with pytest.raises(ApplyError, match="the plan file is unreadable"):
        deployment.apply(corrupt)
    assert not deployment.applied("one")


def test_a_plan_made_anew_by_another_run_is_not_applied_in_the_reviewed_ones_place(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a=1)})
    deployment = bench.deployment()
    reviewed = deployment.plan()
    bench.stack("one", {"resource": data(a=2)})
    bench.deployment().plan()
    with pytest.raises(PlanError, match="made anew by another run"):
        deployment.apply(reviewed)


def test_a_plan_whose_state_moved_is_refused_as_stale(bench: Workbench, tmp_path: Path) -> None:
    bench.stack("one", {"resource": data(a=1)})
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    bench.stack("one", {"resource": data(a=2)})
    stale = deployment.plan()
    saved = (bench.folder("one") / "plan.tfplan").read_bytes()
    deployment.apply(stale)
    (bench.folder("one") / "plan.tfplan").write_bytes(saved)
    with pytest.raises(ApplyError, match="state has changed since the plan"):
        deployment.apply(stale)


def test_what_a_stack_outputs_is_handed_over_before_the_next_asks_for_its_secrets(bench: Workbench) -> None:
    """Sensitive values too; before a plan as well, for a machine that lost the files; nothing after a destroy."""
    two_stacks(bench)
    kept: dict[str, dict[str, Any]] = {}
    asked: list[tuple[str, bool]] = []

    def secrets(stack: str) -> dict[str, str]:
        asked.append((stack, bool(kept.get("cluster"))))
        return {}

    deployment = bench.deployment(secrets=secrets, applied=lambda stack, outputs: kept.update({stack: dict(outputs)}))
    deployment.apply(deployment.plan())
    assert kept["cluster"]["key"] == "top-b-1"
    assert ("topics", True) in asked and ("topics", False) not in asked
    kept.clear()
    deployment.plan()
    assert kept["cluster"]["key"] == "top-b-1"
    deployment.destroy()
    assert kept["cluster"] == {}


def interrupted_when_done(bench: Workbench, deployment: Deployment, address: str) -> None:
    """Ctrl-C comes as this resource is done."""
    heard = bench.progress.event

    def event(stack: str, event: Event) -> None:
        heard(stack, event)
        if isinstance(event, ResourceEvent) and (event.step, event.address) == ("apply_complete", address):
            deployment._at.interrupts.forward()

    bench.progress.event = event  # type: ignore[method-assign]


def test_an_interrupt_as_the_last_change_ends_leaves_an_apply_that_is_done_and_says_so(bench: Workbench) -> None:
    two_stacks(bench)
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    bench.stack("cluster", {**CLUSTER, "resource": data(broker="b-1", other="x")})
    deployment = bench.deployment()
    plan = deployment.plan()
    interrupted_when_done(bench, deployment, "terraform_data.other")
    # Terraform may come to its end or be stopped before the outputs, which do not change: all is done either way.
    result = deployment.apply(plan)
    assert [(each.stack, each.outcome, each.added) for each in result.stacks] == [
        ("cluster", "applied", 1),
        ("topics", "unchanged", 0),
    ]
    assert bench.progress.notes[-1] == "there was nothing left to stop: all is applied"
    assert not bench.deployment().plan().has_changes


@pytest.mark.parametrize(
    ("done", "outputs", "errors", "whole"),
    [
        (["a.b"], (), ["execution halted"], True),
        ([], (), ["execution halted"], False),
        (["a.b"], (OutputChange("name", "update", 1, 2),), ["execution halted"], False),
        (["a.b"], (), ["execution halted", "no"], False),
    ],
)
def test_a_stopped_terraform_has_done_all_where_neither_changes_nor_outputs_are_left(
    done: list[str], outputs: tuple[OutputChange, ...], errors: list[str], whole: bool
) -> None:
    plan = StackPlan("one", (Change("a.b", "a", "b", "create"),), outputs)
    course = _Course(plan)
    course.done += done
    ended = RunResult(1, tuple(Diagnostic("error", each) for each in errors))
    assert _stopped_when_done(ended, plan, course) is whole


def test_an_interrupt_between_waves_says_what_is_applied_and_what_was_not_begun(bench: Workbench) -> None:
    two_stacks(bench)
    deployment = bench.deployment()
    plan = deployment.plan()
    bench.progress.finished = lambda *_: deployment._at.interrupts.forward()  # type: ignore[method-assign]
    with pytest.raises(InterruptedRun) as caught:
        deployment.apply(plan)
    assert caught.value.exit_code == 130
    assert str(caught.value).splitlines() == [
        "interrupted",
        "  cluster: applied",
        "  topics: not begun, 3 to do",
        "  → `infra deploy --env test` goes on from here",
    ]
