"""A disk that is full before or becomes full during a run: a real small file system."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.errors import ApplyError, PlanError
from modules.terraform import serving, workdir
from tests.terraform.support import Workbench, data


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def on(disk: Path, bench: Workbench) -> None:
    """Only the working folders are on the small disk."""
    (disk / "infra").mkdir()
    (bench.root / ".infra").symlink_to(disk / "infra")


def write(bench: Workbench, resources: int) -> None:
    bench.stack("one", {"resource": data(**{f"r{at}": "x" * 400 for at in range(resources)})})


def test_too_little_space_is_said_before_anything_is_begun(bench: Workbench, small_disk: Path) -> None:
    on(small_disk, bench)
    write(bench, 1)
    with pytest.raises(PlanError, match="too little disk space") as caught:
        bench.deployment().plan()
    assert "nothing was changed" in (caught.value.do or "")
    assert not (bench.folder("one") / "terraform.tfstate").exists()


@pytest.mark.parametrize("served_from", [1, 1_000], ids=["served", "file"])
def test_a_disk_that_fills_up_during_an_apply_is_named_and_the_next_run_goes_on(
    bench: Workbench, small_disk: Path, monkeypatch: pytest.MonkeyPatch, served_from: int
) -> None:
    monkeypatch.setattr(serving, "SERVED_FROM", served_from)
    monkeypatch.setattr(workdir, "SPACE_BYTES", 0)  # as if the space had gone after the check
    on(small_disk, bench)
    write(bench, 5)
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    write(bench, 200)
    deployment = bench.deployment()
    plan = deployment.plan()
    monkeypatch.setattr(workdir.WorkingFolder, "check_space", lambda *_: None)
    state = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(b"x" * (state.f_bavail * state.f_frsize - 100_000))
    with pytest.raises(ApplyError, match="the disk is full"):
        deployment.apply(plan)
    (small_disk / "filler").unlink()
    # What Terraform managed to write by then differs; in no case is a lost state taken for an empty one.
    try:
        deployment = bench.deployment()
        plan = deployment.plan()
    except PlanError as error:
        assert "malformed" in error.what and error.do and error.do.startswith("put the newest backup in its place: cp ")
        subprocess.run(error.do.split(": ", 1)[1].split(), check=True)
        plan = deployment.plan()
    assert plan.counts["create"] <= 195
    deployment.apply(plan)
    assert not bench.deployment().plan().has_changes


def test_a_state_that_was_emptied_is_not_taken_for_a_stack_that_was_never_applied(bench: Workbench) -> None:
    for count in (1, 2):
        write(bench, count)
        deployment = bench.deployment()
        deployment.apply(deployment.plan())
    (bench.folder("one") / "terraform.tfstate").write_bytes(b"")
    with pytest.raises(PlanError, match="malformed") as caught:
        bench.deployment().plan()
    assert "the newest backup is as the last apply left it; it knows 2 resources" in caught.value.details
    for copy in (bench.folder("one") / "backups").glob("*.after.tfstate"):
        copy.unlink()
    with pytest.raises(PlanError, match="malformed") as caught:
        bench.deployment().plan()
    # It is from before the last apply, so what that made has to be taken over before anything is deployed.
    said = " ".join(caught.value.details)
    assert "from before the last apply; it knows 1 resource." in said
    assert f"`infra import --env {bench.folder('one').parent.name} --write`" in said


def test_an_errored_state_is_taken_over_only_where_it_follows_the_state(bench: Workbench) -> None:
    write(bench, 1)
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    folder = bench.folder("one")
    state = json.loads((folder / "terraform.tfstate").read_text())
    foreign = {**state, "lineage": "another", "serial": 99}
    (folder / "errored.tfstate").write_text(json.dumps(foreign))
    assert not bench.deployment().plan().has_changes
    assert (folder / "errored.tfstate").exists()
    assert any("does not follow the state" in note for note in bench.progress.notes)
    # Half a state beside a whole `errored.tfstate` of the same lineage: that one holds what was done.
    (folder / "errored.tfstate").write_text(json.dumps({**state, "serial": state["serial"] + 1}))
    (folder / "terraform.tfstate").write_text(json.dumps(state)[:100])
    assert not bench.deployment().plan().has_changes
    assert not (folder / "errored.tfstate").exists()
    kept = list((folder / "backups").glob("*-before-recovery.json"))
    assert [path.read_text() for path in kept] == [json.dumps(state)[:100]]
