"""What a plan shows, what it refuses to be made of, and what making it costs; with real Terraform."""

from __future__ import annotations

from typing import Any

import pytest

from modules.errors import PlanError, SynthError
from modules.terraform.plan import UNKNOWN
from tests.terraform.support import Workbench, data, kinds, two_stacks


def test_a_stack_whose_upstream_was_never_applied_lists_its_creations_without_values(bench: Workbench) -> None:
    two_stacks(bench)
    plan = bench.deployment().plan()
    topics = plan.stack("topics")
    assert topics.pending_on == ("cluster",)
    assert topics.note == "values known only after cluster is applied"
    assert kinds(topics) == {
        'terraform_data.topic["orders"]': "create",
        'terraform_data.topic["orders.dlq"]': "create",
        "terraform_data.acl": "create",
    }
    assert all(change.after is None for change in topics.changes)
    assert kinds(plan.stack("cluster")) == {"terraform_data.broker": "create"}
    assert plan.has_changes
    assert not bench.folder("topics").exists()


def test_a_change_shows_its_attributes_with_before_and_after(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a={"input": {"retention.ms": 1, "name": "x"}})})
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    bench.stack("one", {"resource": data(a={"input": {"retention.ms": 2, "name": "x"}})})
    (change,) = bench.deployment().plan().stack("one").changes
    assert change.kind == "update"
    shown = {item.path: (item.before, item.after) for item in change.attributes}
    assert shown['input["retention.ms"]'] == (1, 2)
    assert shown["output"][1] == UNKNOWN
    assert "input.name" not in shown


def test_a_replacement_names_what_forces_it(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a={"triggers_replace": "v1"})})
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    bench.stack("one", {"resource": data(a={"triggers_replace": "v2"})})
    plan = bench.deployment().plan()
    (change,) = plan.stack("one").changes
    assert change.kind == "replace"
    assert [item.path for item in change.attributes if item.forces_replacement] == ["triggers_replace"]
    result = bench.deployment().apply(plan)
    assert (result.stacks[0].added, result.stacks[0].destroyed) == (1, 1)


def test_invalid_configuration_is_said_with_its_place(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a="${terraform_data.nobody.output}")})
    with pytest.raises(PlanError, match="undeclared resource") as caught:
        bench.deployment().plan()
    assert (caught.value.where or "").startswith("stack one, cdk.tf.json:")


def test_synthesised_json_that_is_malformed_or_absent_is_one_clear_error(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a=1)})
    path = bench.root / "synth" / "one.tf.json"
    path.write_text("{")
    with pytest.raises(SynthError, match="malformed"):
        bench.deployment().plan()
    path.unlink()
    with pytest.raises(SynthError, match="cannot read"):
        bench.deployment().plan()


def test_stacks_that_need_each_other_are_refused(bench: Workbench) -> None:
    bench.stack("a", {}, needs=["b"])
    bench.stack("b", {}, needs=["a"])
    with pytest.raises(SynthError, match="circle"):
        bench.deployment()


def test_the_json_form_is_versioned_and_complete(bench: Workbench) -> None:
    two_stacks(bench)
    document = bench.deployment().plan().to_json()
    assert document["version"] == 1
    assert document["counts"] == {"create": 4}
    by_name = {stack["stack"]: stack for stack in document["stacks"]}
    assert by_name["topics"]["status"] == "pending"
    assert by_name["cluster"]["changes"][0]["attributes"][0] == {
        "path": "input",
        "before": None,
        "after": "b-1",
        "sensitive": False,
        "forces_replacement": False,
    }


def test_what_is_protected_is_named_and_how_to_take_the_protection_off(bench: Workbench) -> None:
    kept = {"input": 1, "lifecycle": {"prevent_destroy": True}}
    bench.stack("one", {"resource": data(topics={**kept, "for_each": {"a b": 1, "c": 2}}, other=1)})
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    with pytest.raises(PlanError, match="what holds data is protected, and this would destroy it") as caught:
        deployment.plan(destroy=True)
    assert sorted(caught.value.details) == ['terraform_data.topics["a b"]', 'terraform_data.topics["c"]']
    assert "take the protection off (`production: false`" in (caught.value.do or "")
    bench.stack("one", {"resource": data(topics={"input": 1, "for_each": {"a b": 1, "c": 2}}, other=1)})
    assert bench.deployment().destroy().changed


def test_a_plan_starts_terraform_once_a_stack_and_once_more_to_show_what_changes(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a plan costs beside bare Terraform: counted in programs started, which no busy machine changes."""
    from modules.terraform.runner import Runner

    started: list[str] = []
    for name in ("stream", "capture"):
        real = getattr(Runner, name)

        def counted(self: Any, arguments: Any, *rest: Any, real: Any = real) -> Any:
            started.append(arguments[0])
            return real(self, arguments, *rest)

        monkeypatch.setattr(Runner, name, counted)
    bench.stack("one", {"resource": data(**{f"r{number}": number for number in range(50)})})
    deployment = bench.deployment()
    plan = deployment.plan()
    assert started == ["init", "plan", "show"]
    started.clear()
    deployment.apply(plan)
    assert started == ["apply"]
    started.clear()
    assert not bench.deployment().plan().has_changes
    assert started == ["plan"]
