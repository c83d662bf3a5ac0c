"""Mirrors and locks without a network: real Terraform hashes and installs what small mirrors hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modules.errors import ConfigError, PlanError
from modules.findings import Finding
from modules.local.plugins import BUNDLED, write_mirror
from modules.project import Project
from modules.providers.check import check_providers
from modules.providers.lock import lock_providers, locked_versions
from modules.providers.mirror import fill_mirror
from modules.providers.needed import Needed, needed_by
from modules.providers.packages import packages_in, this_system
from modules.terraform.command import terraform_command
from modules.terraform.engine import Deployment, Options
from modules.terraform.lockfile import Locked, lock_path, lock_text, read_lock
from modules.terraform.providers import ProviderInstallation
from tests.providers.support import ADDRESS, NEEDED, OTHER, plant
from tests.terraform.support import Workbench, data

HERE = this_system()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("INFRA_TERRAFORM", raising=False)
    return Workbench(tmp_path / "project")


def test_packages_are_copied_from_another_mirror_and_verified_and_what_is_there_stays(tmp_path: Path) -> None:
    source, target = plant(tmp_path / "one", "1.2.0", HERE, OTHER), tmp_path / "two"
    told: list[str] = []
    made = fill_mirror([NEEDED], target, [HERE, OTHER], terraform_command(), source=source, on_progress=told.append)
    assert [(each.package.system, each.origin) for each in made] == [(HERE, str(source)), (OTHER, str(source))]
    assert {each.hash1() for each in packages_in(target)} == {each.hash1() for each in packages_in(source)}
    again = fill_mirror([NEEDED], target, [HERE], terraform_command(), source=source, on_progress=told.append)
    assert again[0].origin == "there already"
    assert told[0].startswith(f"acme/widget 1.2.0 {HERE}: copying")
    assert not list(target.rglob(".*"))


def test_unpacked_and_packed_packages_have_the_same_hash_and_both_are_copied(tmp_path: Path) -> None:
    import zipfile

    packed = packages_in(plant(tmp_path / "one", "1.2.0"))[0]
    unpacked = tmp_path / "two" / ADDRESS / "1.2.0" / HERE
    with zipfile.ZipFile(packed.path) as archive:
        archive.extractall(unpacked)
    (other,) = packages_in(tmp_path / "two")
    assert other.hash1() == packed.hash1()
    (copied,) = fill_mirror([NEEDED], tmp_path / "three", [HERE], terraform_command(), source=tmp_path / "two")
    assert copied.package.path == tmp_path / "three" / ADDRESS / "1.2.0" / HERE
    assert copied.hash1 == packed.hash1()


def test_a_package_that_the_lock_does_not_know_is_not_carried_in(tmp_path: Path) -> None:
    source = plant(tmp_path / "one", "1.2.0", text="tampered")
    locks = {ADDRESS: Locked("1.2.0", "1.2.0", ("h1:AAAA", "zh:bbbb"))}
    with pytest.raises(ConfigError, match="is not what the lock file says"):
        fill_mirror([NEEDED], tmp_path / "two", [HERE], terraform_command(), source=source, locks=locks)
    assert not (tmp_path / "two").exists()


def test_a_damaged_package_is_told_with_its_path(tmp_path: Path) -> None:
    source = plant(tmp_path / "one", "1.2.0")
    (package,) = packages_in(source)
    package.path.write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(ConfigError, match="the package cannot be read") as caught:
        fill_mirror([NEEDED], tmp_path / "two", [HERE], terraform_command(), source=source)
    assert caught.value.where == str(package.path)


def test_the_lock_has_terraforms_hashes_for_every_system_and_they_are_ours(tmp_path: Path) -> None:
    source = plant(tmp_path / "one", "1.2.0", HERE, OTHER)
    project = Project(tmp_path)
    path = lock_path(project.environments, "dev")
    (change,) = lock_providers([NEEDED], path, [HERE, OTHER], terraform_command(), source=source)
    assert (change.before, change.after, change.changed) == (None, "1.2.0", True)
    locked = read_lock(path)[ADDRESS]
    assert {each.hash1() for each in packages_in(source)} <= set(locked.hashes)
    assert locked_versions(project, "dev") == {ADDRESS: "1.2.0"}
    (again,) = lock_providers([NEEDED], path, [HERE, OTHER], terraform_command(), source=source)
    assert (again.before, again.changed) == ("1.2.0", False)


def test_a_lock_stays_at_its_version_until_it_is_upgraded(tmp_path: Path) -> None:
    source = plant(tmp_path / "one", "1.2.0")
    needed = [replace(NEEDED, constraint="~> 1.2")]
    path = tmp_path / "dev.lock.hcl"
    lock_providers(needed, path, [HERE], terraform_command(), source=source)
    plant(source, "1.3.0")
    (same,) = lock_providers(needed, path, [HERE], terraform_command(), source=source)
    assert same.after == "1.2.0"
    (newer,) = lock_providers(needed, path, [HERE], terraform_command(), source=source, upgrade=True)
    assert (newer.before, newer.after) == ("1.2.0", "1.3.0")


def test_a_file_that_is_no_lock_is_told(tmp_path: Path) -> None:
    path = tmp_path / "dev.lock.hcl"
    path.write_text("this is not one\n")
    with pytest.raises(PlanError, match="it is no lock file of Terraform") as caught:
        read_lock(path)
    assert caught.value.where == str(path)
    path.write_text('provider "a/b/c" {\n  hashes = []\n}\n')
    with pytest.raises(PlanError, match="names no version of a/b/c"):
        read_lock(path)


# --- what an environment's plan does with its lock ---


def stack(bench: Workbench, source: str = "acme/widget", version: str = "1.2.0") -> None:
    required = {"widget": {"source": source, "version": version}}
    document: dict[str, Any] = {"resource": data(a=1)}
    bench.stack("one", document)
    path = bench.sources["one"].json_path
    body = json.loads(path.read_text())
    body["terraform"]["required_providers"] = required
    path.write_text(json.dumps(body))


def deployment(bench: Workbench, mirror: Path, lock: Path) -> Deployment:
    installation = ProviderInstallation("official", mirror, lock)
    return Deployment(
        bench.project, "test", list(bench.sources.values()), installation, Options(progress=bench.progress)
    )


def test_a_plan_installs_what_the_committed_lock_names_and_leaves_the_lock_as_it_is(bench: Workbench) -> None:
    mirror = bench.root / "mirror"
    kafka = next(each for each in BUNDLED if each.source == "mongey/kafka")
    write_mirror(mirror, [kafka])
    needed = Needed(kafka.address, kafka.version, ("one",))
    stack(bench, kafka.source, kafka.version)
    lock = lock_path(bench.project.environments, "test")
    lock_providers([needed], lock, [HERE], terraform_command(), source=mirror)
    more = {**read_lock(lock), "registry.terraform.io/acme/unused": Locked("9.9.9", "", ("h1:AAAA",))}
    lock.write_text(lock_text(more))
    before = lock.read_bytes()
    assert deployment(bench, mirror, lock).plan().stacks[0].counts["create"] == 1
    assert lock.read_bytes() == before
    assert set(read_lock(bench.folder("one") / ".terraform.lock.hcl")) == {kafka.address}


def test_a_plugin_that_was_changed_after_it_was_locked_stops_the_plan(bench: Workbench) -> None:
    mirror = plant(bench.root / "mirror", "1.2.0")
    stack(bench)
    lock = lock_path(bench.project.environments, "test")
    lock_providers([NEEDED], lock, [HERE], terraform_command(), source=mirror)
    plant(mirror, "1.2.0", text="tampered")
    with pytest.raises(PlanError, match="a provider plugin is not what the lock file says") as caught:
        deployment(bench, mirror, lock).plan()
    assert "infra providers lock" in str(caught.value.do)


def test_a_provider_that_is_not_in_the_lock_stops_the_plan(bench: Workbench) -> None:
    mirror = plant(bench.root / "mirror", "1.2.0")
    stack(bench)
    lock = lock_path(bench.project.environments, "test")
    lock.parent.mkdir(parents=True)
    lock.write_text(lock_text({"registry.terraform.io/acme/other": Locked("1.0.0", "", ("h1:AAAA",))}))
    with pytest.raises(PlanError, match=f"provider {ADDRESS} is not locked"):
        deployment(bench, mirror, lock).plan()


# --- check ---


def found(mirror: Path | None = None, locks: dict[str, Locked] | None = None, **more: Any) -> dict[str, Finding]:
    needed = more.pop("needed", [NEEDED])
    checked = check_providers(needed, locks or {}, "locks/dev.lock.hcl", environment="dev", mirror=mirror,
                              snapshots=more.pop("snapshots", {ADDRESS: "1.2.0"}), **more)  # fmt: skip
    return {each.check: each for each in checked}


def test_what_agrees_is_ok(tmp_path: Path) -> None:
    mirror = plant(tmp_path, "1.2.0")
    lock = Locked("1.2.0", "1.2.0", (packages_in(mirror)[0].hash1(),))
    checked = found(mirror, {ADDRESS: lock})
    assert {name: each.state for name, each in checked.items()} == {"schema": "ok", "lock": "ok", "mirror": "ok"}
    assert checked["lock"].text == "acme/widget 1.2.0, for 1 system"


def test_what_does_not_agree_is_told_with_the_way_out(tmp_path: Path) -> None:
    mirror = plant(tmp_path, "1.2.0")
    assert found()["lock"].state == "warn"
    assert found(snapshots={ADDRESS: "1.1.0"})["schema"].state == "fail"
    old = found(mirror, {ADDRESS: Locked("1.1.0", "", ("h1:AAAA",))})
    assert (old["lock"].state, old["mirror"].state) == ("fail", "fail")
    assert f"the mirror has no 1.1.0 for {HERE}" in old["mirror"].text
    tampered = found(mirror, {ADDRESS: Locked("1.2.0", "", ("h1:AAAA",))})
    assert tampered["mirror"].text.endswith("in the mirror is not what the lock file says")
    assert found(mirror, {ADDRESS: Locked("1.2.0", "", ("zh:aaaa",))})["lock"].state == "fail"
    spare = found(locks={"registry.terraform.io/acme/gone": Locked("1.0.0")})
    assert (
        spare["lock"].text == "registry.terraform.io/acme/gone is locked in locks/dev.lock.hcl, and no stack needs it"
    )
    assert all(each.do for each in (*old.values(), *tampered.values(), *spare.values()) if each.state != "ok")


def test_a_newer_version_is_told_where_the_mirror_or_the_registry_has_one(tmp_path: Path) -> None:
    mirror = plant(plant(tmp_path, "1.2.0"), "1.10.0")
    assert found(mirror)["newer"].text == "acme/widget: 1.10.0 is there, 1.2.0 is used"
    assert found(versions_of=lambda address: ["1.2.0", "2.0.0"])["newer"].text.startswith("acme/widget: 2.0.0")
    assert "newer" not in found(versions_of=lambda address: ["1.2.0", "1.3.0-rc1"])


def test_constraints_of_all_stacks_are_joined_and_builtin_providers_left_out() -> None:
    def document(version: str) -> dict[str, Any]:
        builtin = {"source": "terraform.io/builtin/terraform"}
        return {"terraform": {"required_providers": {"w": {"source": "acme/widget", "version": version}, "t": builtin}}}

    assert needed_by({"a": document("~> 1.2"), "b": document("!= 1.2.5"), "c": {}}) == (
        replace(NEEDED, constraint="~> 1.2, != 1.2.5", stacks=("a", "b")),
    )
