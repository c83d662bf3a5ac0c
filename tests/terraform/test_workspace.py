"""Which Terraform works in an environment, one run at a time, and with which secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modules.errors import ApplyError, ConfigError, PlanError, StateLockedError
from tests.terraform.support import CLUSTER, Workbench, data, shell, two_stacks


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
