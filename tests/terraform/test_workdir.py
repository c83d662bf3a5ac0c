"""A stack's working folder: whose its files are, when it is initialised, its state and the backups of it."""

from __future__ import annotations

import json
import stat

import pytest

from modules.deployed import new_backups
from modules.errors import PlanError
from tests.terraform.support import CLUSTER, Workbench, data, two_stacks


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


def test_the_state_is_backed_up_before_and_after_each_apply_and_ten_are_kept(bench: Workbench) -> None:
    for number in range(13):
        bench.stack("one", {"resource": data(a=number)})
        deployment = bench.deployment()
        deployment.apply(deployment.plan())
    backups = sorted((bench.folder("one") / "backups").iterdir())
    assert len(backups) == 10
    # The one from before an apply is that from after the earlier one, which goes: each state is there once.
    values = [json.loads(each.read_text())["resources"][0]["instances"][0]["attributes"]["input"] for each in backups]
    assert [each["value"] for each in values] == list(range(3, 13))
    assert [each.name.endswith(".after.tfstate") for each in backups] == [False] * 9 + [True]
    assert backups[-1].read_bytes() == (bench.folder("one") / "terraform.tfstate").read_bytes()
    assert {stat.S_IMODE(each.stat().st_mode) for each in backups} == {0o600}
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    assert sorted((bench.folder("one") / "backups").iterdir()) == backups, "nothing changed, nothing is copied"
    # A deploy that begins now has the state before it, never the one it leaves itself, as its way back.
    assert new_backups(bench.project, "test", 0.0) == {"one": str(backups[0])}
    assert new_backups(bench.project, "test", backups[-1].stat().st_mtime) == {}


def test_a_copy_that_cannot_be_made_after_an_apply_is_told_and_the_apply_stands(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.stack("one", {"resource": data(a=1)})
    deployment = bench.deployment()
    plan = deployment.plan()
    (bench.folder("one") / "backups").write_text("in the way")
    assert deployment.apply(plan).changed
    assert "one: its state has no copy: " in "\n".join(bench.progress.notes)


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
