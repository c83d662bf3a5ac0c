"""The engine with real Terraform: plan, waves, apply, outputs, destroy."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modules.errors import ApplyError, ConfigError, PlanError, StateLockedError, SynthError
from modules.terraform.plan import UNKNOWN
from tests.terraform.support import Workbench, data, shell

CLUSTER = {
    "resource": data(broker="b-1"),
    "output": {
        "bootstrap": {"value": "${terraform_data.broker.output}"},
        "key": {"value": '${sensitive("top-${terraform_data.broker.output}")}', "sensitive": True},
    },
}
TOPICS = {
    "variable": {"bootstrap": {"type": "any"}, "key": {"type": "string", "sensitive": True, "ephemeral": False}},
    "resource": data(
        topic={"for_each": {"orders": {}, "orders.dlq": {}}, "input": "${var.bootstrap}/${each.key}"},
        acl={"input": "${var.key}"},
    ),
    "output": {"names": {"value": "${[for t in terraform_data.topic : t.output]}"}},
}
TOPICS_INPUTS = {"bootstrap": ("cluster", "bootstrap"), "key": ("cluster", "key")}


def two_stacks(bench: Workbench) -> None:
    bench.stack("topics", TOPICS, inputs=TOPICS_INPUTS)
    bench.stack("cluster", CLUSTER)


def kinds(plan_stack: object) -> dict[str, str]:
    return {change.address: change.kind for change in plan_stack.changes}  # type: ignore[attr-defined]


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


def test_a_sensitive_output_reaches_the_next_stack_but_no_file_repr_or_json(bench: Workbench) -> None:
    two_stacks(bench)
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    written = json.loads((bench.folder("topics") / "infra.auto.tfvars.json").read_text())
    assert written == {"bootstrap": "b-1"}
    output = deployment.outputs("cluster")["key"]
    assert (output.value, output.sensitive) == ("top-b-1", True)
    assert "top-b-1" not in repr(output)
    bench.stack("cluster", {**CLUSTER, "resource": data(broker="b-2")})
    plan = bench.deployment().plan()
    assert "top-b-1" not in json.dumps(plan.to_json()) + repr(plan)


def test_every_file_of_a_working_folder_is_its_owners_alone(bench: Workbench) -> None:
    two_stacks(bench)
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    bench.stack("cluster", {**CLUSTER, "resource": data(broker="b-2")})
    bench.deployment().plan()
    environment = bench.project.environment_state("test")
    files = [path for path in environment.rglob("*") if path.is_file() and not path.is_symlink()]
    assert {path.name for path in files} >= {"terraform.tfstate", "plan.tfplan", "cdk.tf.json"}
    open_files = [str(path) for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_files == []


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


def test_an_ephemeral_secret_is_given_to_plan_and_apply_and_stays_out_of_every_file(bench: Workbench) -> None:
    secret = "hush-a-bye-baby"
    document = {
        "variable": {"password": {"type": "string", "ephemeral": True, "sensitive": True}},
        "resource": data(a={"input": 1, "provisioner": shell('test "$TF_VAR_password" = hush-a-bye-baby')}),
    }
    bench.stack("one", document)
    (bench.root / "synth" / "one.tf.json").write_text(
        (bench.root / "synth" / "one.tf.json").read_text().replace(secret, "hush-a-bye''-baby")
    )
    deployment = bench.deployment(secrets={"password": secret})
    assert deployment.apply(deployment.plan()).changed
    holding = [path for path in bench.root.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert holding == []
    assert secret not in repr(bench.progress.events)


def test_a_secret_in_a_providers_error_is_cut_out_of_error_and_log(bench: Workbench) -> None:
    document = {
        "variable": {"password": {"type": "string", "ephemeral": True}},
        "resource": data(a={"provisioner": shell('echo "denied for $TF_VAR_password"; exit 1')}),
    }
    bench.stack("one", document)
    deployment = bench.deployment(secrets={"password": "correct-horse"})
    with pytest.raises(ApplyError) as caught:
        deployment.apply(deployment.plan())
    assert "denied for (secret)" in str(caught.value)
    log = (bench.folder("one") / "apply.log").read_text()
    assert "denied for" in log and "correct-horse" not in log


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


def test_the_state_is_backed_up_before_each_apply_and_ten_are_kept(bench: Workbench) -> None:
    for number in range(13):
        bench.stack("one", {"resource": data(a=number)})
        deployment = bench.deployment()
        deployment.apply(deployment.plan())
    backups = sorted((bench.folder("one") / "backups").iterdir())
    assert len(backups) == 10
    newest = json.loads(backups[-1].read_text())
    assert newest["resources"][0]["instances"][0]["attributes"]["input"]["value"] == 11


def test_a_malformed_state_names_the_file_and_the_newest_backup(bench: Workbench) -> None:
    for value in (1, 2):
        bench.stack("one", {"resource": data(a=value)})
        deployment = bench.deployment()
        deployment.apply(deployment.plan())
    state = bench.folder("one") / "terraform.tfstate"
    state.write_text(state.read_text()[:40])
    with pytest.raises(PlanError, match="malformed") as caught:
        bench.deployment().plan()
    assert caught.value.where == str(state)
    assert "backups" in (caught.value.do or "")
    assert len(state.read_text()) == 40


def test_a_state_that_only_terraform_finds_malformed_is_said_to_be_malformed(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a=1)})
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    state = bench.folder("one") / "terraform.tfstate"
    state.write_text(state.read_text().replace('"version": 4', '"version": 99'))
    with pytest.raises(PlanError, match="malformed"):
        bench.deployment().plan()


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


def test_init_runs_once_and_again_only_when_its_reasons_change(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a=1)})
    bench.deployment().plan()
    record = bench.folder("one") / ".terraform" / "infra-init"
    first = record.stat().st_mtime_ns
    bench.stack("one", {"resource": data(a=2)})
    bench.deployment().plan()
    assert record.stat().st_mtime_ns == first
    required = {
        "backend": {"local": {}},
        "required_providers": {"terraform": {"source": "terraform.io/builtin/terraform"}},
    }
    bench.stack("one", {"resource": data(a=2), "terraform": required})
    bench.deployment().plan()
    assert record.stat().st_mtime_ns != first


def test_a_missing_plugin_is_one_clear_error(bench: Workbench, tmp_path: Path) -> None:
    from modules.terraform.engine import Deployment
    from modules.terraform.providers import ProviderInstallation

    required = {"required_providers": {"kafka": {"source": "mongey/kafka", "version": "0.13.1"}}}
    bench.stack("one", {"terraform": required, "resource": {"kafka_topic": {"t": {"name": "x"}}}})
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    deployment = Deployment(
        bench.project, "test", list(bench.sources.values()), ProviderInstallation("bundled", mirror)
    )
    with pytest.raises(PlanError, match="a provider plugin is missing") as caught:
        deployment.plan()
    assert "mongey/kafka" in " ".join(caught.value.details)


def test_a_chosen_binary_that_does_not_exist_is_named(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.stack("one", {"resource": data(a=1)})
    with pytest.raises(ConfigError, match="no Terraform program `/no/such/terraform`") as caught:
        bench.deployment(binary="/no/such/terraform")
    assert caught.value.where == "terraform.binary"
    monkeypatch.setenv("INFRA_TERRAFORM", "no-such-tofu")
    with pytest.raises(ConfigError, match="no-such-tofu"):
        bench.deployment()


def test_a_chosen_binary_that_is_no_terraform_is_one_clear_error(bench: Workbench, tmp_path: Path) -> None:
    fake = tmp_path / "terraform"
    fake.write_text("#!/bin/sh\necho 'I am a teapot' >&2\nexit 7\n")
    fake.chmod(0o755)
    bench.stack("one", {"resource": data(a=1)})
    with pytest.raises(PlanError) as caught:
        bench.deployment(binary=str(fake)).plan()
    assert "I am a teapot" in str(caught.value)


def test_a_terraform_on_path_does_the_same_work(bench: Workbench) -> None:
    import shutil

    binary = shutil.which("terraform") or shutil.which("tofu")
    if binary is None:
        pytest.skip("no terraform or tofu on PATH; the library is tested everywhere else")
    two_stacks(bench)
    deployment = bench.deployment(binary=binary)
    deployment.apply(deployment.plan())
    assert deployment.outputs("topics")["names"].value == ["b-1/orders", "b-1/orders.dlq"]
    assert not bench.deployment(binary=binary).plan().has_changes
    assert deployment.destroy().changed


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


def test_an_environment_at_work_locks_out_a_second_run(bench: Workbench) -> None:
    from modules.terraform.records import environment_lock

    bench.stack("one", {"resource": data(a=1)})
    root = bench.project.environment_state("test")
    with (
        environment_lock(root, "infra deploy --env test", "environment test"),
        pytest.raises(StateLockedError, match="`infra deploy --env test`, process") as caught,
    ):
        bench.deployment().plan()
    assert "since 20" in caught.value.what
    assert bench.deployment().plan().has_changes


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
