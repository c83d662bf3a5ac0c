"""`infra unlock`: shows, asks, never takes a live run's lock, and only ever the one that was shown."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from modules.state.unlock import held_locks, remove
from modules.terraform.engine import Deployment
from modules.terraform.locks import LockInfo, me
from tests.state_backend.project import Place
from tests.state_backend.test_migrate import store_of
from tests.terraform.support import NO_PLUGINS, Workbench, data, shell, until


def locked(place: Place, who: str = "eva@build-7", stack: str = "topics") -> LockInfo:
    lock = LockInfo("the-id", who, "2026-11-21T09:00:00.5Z", "OperationTypeApply")
    key = f"streaming/shared/{stack}.tfstate.tflock"
    place.cloud.client().put_object(Bucket=place.bucket, Key=key, Body=lock.dump("x"))
    return lock


def test_a_dead_runs_lock_is_shown_and_removed_after_asking(place: Place) -> None:
    locked(place)
    assert place.infra("unlock", "--env", "shared") == 1
    assert "stack topics: locked by eva@build-7 (apply) since 2026-11-21 09:00:00 UTC, " in place.err
    assert f"  lock id the-id, s3://{place.bucket}/streaming/shared/topics.tfstate" in place.err.splitlines()
    assert "there is nobody to confirm that these runs are dead" in place.err
    assert store_of(place).holder("topics") is not None
    assert place.infra("unlock", "--env", "shared", "--yes", "--json") == 0
    [removed] = json.loads(place.out)["removed"]
    assert (removed["stack"], removed["who"], removed["id"]) == ("topics", "eva@build-7", "the-id")
    assert store_of(place).holder("topics") is None
    assert place.infra("unlock", "--env", "shared") == 0
    assert place.err.strip() == "environment shared is not locked"


def test_a_lock_that_changed_hands_since_it_was_shown_stays(place: Place) -> None:
    locked(place)
    store = store_of(place)
    [held] = held_locks(place.folder, store)
    locked(place, "max@laptop")
    assert not remove(place.folder, store, held)
    now = store.holder("topics")
    assert now is not None and now.who == "max@laptop"


def test_a_live_run_keeps_its_lock(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With states in a bucket: the environment's own lock, and Terraform's, of a process that is there."""
    from modules.environment import load_environment
    from modules.terraform.backend import mount_states

    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    started, go_on = tmp_path / "started", tmp_path / "go-on"
    mount_states(load_environment(place.project, "shared"), place.project)
    bench = Workbench(place.root)
    wait = shell(f"touch {started}; while [ ! -e {go_on} ]; do sleep 0.1; done")
    bench.stack("one", {"resource": data(a={"input": "1", "provisioner": [{"local-exec": wait[0]["local-exec"]}]})})
    deployment = Deployment(place.project, "shared", list(bench.sources.values()), NO_PLUGINS)
    plan = deployment.plan()
    thread = threading.Thread(target=deployment.apply, args=(plan,))
    thread.start()
    try:
        until(started.exists)
        assert place.infra("unlock", "--env", "shared", "--yes") == 1
        assert "the environment is locked by a run that is alive: process " in place.err
        assert "stop it gracefully: kill -INT " in place.err
        # Seen from another checkout of this machine: there is no lock of the environment, but Terraform's holder lives.
        elsewhere = held_locks(tmp_path / "elsewhere", store_of(place))
        assert [(each.stack, each.lock.who, bool(each.process)) for each in elsewhere] == [("one", me(), True)]
    finally:
        go_on.touch()
        thread.join()
    assert held_locks(place.folder, store_of(place)) == ()


def test_a_lock_of_this_machine_whose_process_is_gone_is_a_dead_runs(place: Place) -> None:
    locked(place, me())
    [held] = held_locks(place.folder, store_of(place))
    assert held.process is None


def test_what_a_killed_terraform_left_beside_a_local_state_is_removed(place: Place) -> None:
    place.yaml("local")
    folder = place.folder / "one"
    folder.mkdir(parents=True)
    (folder / "cdk.tf.json").write_text("{}")
    (folder / "terraform.tfstate").write_text("{}")
    lock = folder / ".terraform.tfstate.lock.info"
    lock.write_bytes(LockInfo("7", "root@here", "2026-11-22T01:00:00Z", "OperationTypePlan").dump("x"))
    assert place.infra("unlock", "--env", "shared", "--yes") == 0, place.err
    assert "stack one: locked by root@here (plan) since 2026-11-22 01:00:00 UTC" in place.err
    assert "stack one: unlocked" in place.err and not lock.exists()
    # A person's own Terraform that is at work holds the file itself.
    lock.write_bytes(LockInfo("8", "root@here", "2026-11-22T01:00:00Z", "OperationTypeApply").dump("x"))
    hold = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX)\n"
        "print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", hold, str(folder / "terraform.tfstate")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None and child.stdout.readline().strip() == "held"
        assert place.infra("unlock", "--env", "shared", "--yes") == 1
        assert "stack one is locked by a run that is alive" in place.err and lock.exists()
    finally:
        child.kill()
        child.wait()
