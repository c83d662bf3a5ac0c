"""Real Terraform on states in a bucket: fresh machines, locks, a lock that is lost, credentials that expire."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from modules.errors import ApplyError, InfraError, PlanError, StateError, StateLockedError
from modules.terraform.locks import LockInfo
from modules.terraform.records import environment_lock, running_child
from modules.terraform.snapshots import unmount
from tests.state_backend.conftest import SharedBench
from tests.state_backend.shim import door
from tests.terraform.support import data, shell, until


def one_stack(bench: SharedBench, value: str = "one") -> None:
    output = {"value": "${terraform_data.a.output}"}
    bench.stack("cluster", {"resource": data(a=value), "output": {"name": output, "kind": {"value": "same"}}})


def two_stacks(bench: SharedBench, value: str = "one") -> None:
    one_stack(bench, value)
    bench.stack(
        "topics",
        {"variable": {"cluster_kind": {}}, "resource": data(t="${var.cluster_kind}")},
        needs=["cluster"],
        inputs={"cluster_kind": ("cluster", "kind")},
    )


def deploy(bench: SharedBench) -> None:
    deployment = bench.deployment()
    deployment.apply(deployment.plan())


def files_below(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file() and ".terraform/providers" not in str(path))
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def test_another_machine_sees_what_was_deployed_and_nothing_secret_stays_on_the_disk(
    shared: SharedBench, tmp_path: Path
) -> None:
    two_stacks(shared, "a-word-only-in-the-state")
    deploy(shared)
    keys = shared.cloud.keys(shared.bucket)
    assert keys == ["streaming/test/cluster.tfstate", "streaming/test/topics.tfstate"]
    other = shared.again(tmp_path / "elsewhere")
    deployment = other.deployment()
    assert deployment.applied("topics") and deployment.outputs("cluster")["name"].value == "a-word-only-in-the-state"
    assert not deployment.plan().has_changes
    assert not any("tfstate" in name and ".terraform/" not in name for name in files_below(other.root))
    everything = b"".join(files_below(other.root).values()) + b"".join(files_below(shared.root / ".infra").values())
    assert b"a-secret-that-is-nowhere-on-the-disk" not in everything
    # What the other machine does is seen here, by the same deployment: no copy of a state grows old.
    here = shared.deployment()
    here.plan()
    two_stacks(other, "two")
    deploy(other)
    two_stacks(shared, "two")
    assert not here.plan().has_changes
    assert here.outputs("cluster")["name"].value == "two"


def test_a_plan_is_stale_when_another_machine_applied_meanwhile(shared: SharedBench, tmp_path: Path) -> None:
    one_stack(shared)
    deploy(shared)
    one_stack(shared, "mine")
    deployment = shared.deployment()
    plan = deployment.plan()
    other = shared.again(tmp_path / "elsewhere")
    one_stack(other, "theirs")
    deploy(other)
    with pytest.raises(InfraError, match="the state has changed since the plan was made"):
        deployment.apply(plan)


def test_a_held_lock_says_who_and_since_when_and_is_waited_for(shared: SharedBench) -> None:
    one_stack(shared)
    deploy(shared)
    with shared.store.lock("cluster", "OperationTypeApply"):
        held = shared.store.holder("cluster")
        assert held is not None
        with pytest.raises(StateLockedError) as caught:
            shared.deployment().plan()
        assert caught.value.what == f"the state is locked by {held.who} (apply) since {held.since}"
        assert caught.value.where == "stack cluster"
        assert "`infra unlock --env test` removes its lock" in str(caught.value.do)
        with pytest.raises(StateLockedError):
            shared.deployment(lock_timeout=1.0).plan()
    assert [note for note in shared.progress.notes if "waiting" in note] == [
        f"stack cluster: locked by {held.who} (apply) since {held.since}; waiting up to 1 s more"
    ]
    timer = threading.Timer(1.0, lambda: shared.store.unlock("cluster", lock))
    with shared.store.lock("cluster", "OperationTypeApply"):
        lock = shared.store.holder("cluster")
        assert lock is not None
        timer.start()
        assert not shared.deployment(lock_timeout=60.0).plan().has_changes
    timer.join()


def running(shared: SharedBench, started: Path, go_on: Path) -> None:
    """A stack whose apply says that it has begun and waits to be let go."""
    wait = f"touch {started}; while [ ! -e {go_on} ]; do sleep 0.1; done"
    shared.stack(
        "one", {"resource": data(a={"input": "1", "provisioner": [{"local-exec": shell(wait)[0]["local-exec"]}]})}
    )


def test_a_lock_that_is_lost_during_an_apply_is_said_and_the_state_is_whole(
    shared: SharedBench, tmp_path: Path
) -> None:
    started, go_on = tmp_path / "started", tmp_path / "go-on"
    running(shared, started, go_on)
    deployment = shared.deployment()
    plan = deployment.plan()
    raised: list[BaseException] = []

    def apply() -> None:
        try:
            deployment.apply(plan)
        except InfraError as error:
            raised.append(error)

    thread = threading.Thread(target=apply)
    thread.start()
    until(started.exists)
    lock = shared.store.holder("one")
    assert lock is not None and lock.operation == "apply"
    # What another machine is told meanwhile.
    with pytest.raises(StateLockedError, match=r"the state is locked by .+ \(apply\) since 20"):
        shared.again(tmp_path / "elsewhere").deployment().plan()
    assert shared.store.unlock("one", lock)
    go_on.touch()
    thread.join()
    [error] = raised
    assert isinstance(error, ApplyError)
    assert error.what == (
        "the state's lock was removed by somebody while this run held it: another run may have changed the state"
    )
    assert "`infra plan --env test`" in str(error.do)
    assert not shared.deployment().plan().has_changes


def test_a_lock_of_a_dead_run_is_named_with_the_way_out(shared: SharedBench) -> None:
    one_stack(shared)
    deploy(shared)
    dead = LockInfo("the-id", "eva@build-7", "2026-11-21T09:00:00.123456789Z", "OperationTypeApply")
    key = shared.store.key("cluster") + ".tflock"
    shared.cloud.client().put_object(Bucket=shared.bucket, Key=key, Body=dead.dump("x"))
    with pytest.raises(StateLockedError) as caught:
        shared.deployment().plan()
    assert str(caught.value) == (
        "stack cluster: the state is locked by eva@build-7 (apply) since 2026-11-21 09:00:00 UTC\n"
        "  lock id the-id\n"
        "  → wait until that run has finished, then run the command again; if it is dead, `infra unlock --env test` "
        "removes its lock"
    )


def test_a_state_that_could_not_be_written_is_written_by_the_next_run(shared: SharedBench, tmp_path: Path) -> None:
    one_stack(shared)
    deploy(shared)
    folder = shared.folder("cluster")
    state = json.loads(shared.store.read("cluster") or b"")
    # As Terraform leaves it: what was done, one serial further.
    state["serial"] += 1
    state["resources"][0]["instances"][0]["attributes"]["input"] = {"value": "done", "type": "string"}
    state["resources"][0]["instances"][0]["attributes"]["output"] = {"value": "done", "type": "string"}
    state["outputs"]["name"]["value"] = "done"
    (folder / "errored.tfstate").write_text(json.dumps(state))
    one_stack(shared, "done")
    assert not shared.deployment().plan().has_changes
    assert not (folder / "errored.tfstate").exists()
    assert any("took over what an earlier run did" in note for note in shared.progress.notes)
    assert json.loads(shared.store.read("cluster") or b"")["serial"] == state["serial"]


def test_an_errored_state_of_another_lineage_is_left_alone(shared: SharedBench) -> None:
    one_stack(shared)
    deploy(shared)
    before = shared.store.read("cluster")
    foreign = {**json.loads(before or b""), "lineage": "another", "serial": 99}
    (shared.folder("cluster") / "errored.tfstate").write_text(json.dumps(foreign))
    assert not shared.deployment().plan().has_changes
    assert shared.store.read("cluster") == before
    assert (shared.folder("cluster") / "errored.tfstate").exists()


def test_a_bucket_without_versions_gets_a_backup_on_the_disk_before_every_apply(
    shared: SharedBench, tmp_path: Path
) -> None:
    plain = SharedBench(tmp_path / "plain", shared.cloud, shared.cloud.bucket(versioned=False))
    one_stack(plain)
    deploy(plain)
    one_stack(plain, "two")
    deploy(plain)
    [backup] = (plain.folder("cluster") / "backups").glob("*.tfstate")
    assert json.loads(backup.read_text())["outputs"]["name"]["value"] == "one"
    assert backup.stat().st_mode & 0o777 == 0o600


FOREIGN = {
    "pulumi": ({"version": 3, "checkpoint": {"latest": {}}}, "this is a state of Pulumi, not of Terraform"),
    "opentofu": (
        {"serial": 1, "lineage": "x", "encrypted_data": "…", "encryption_version": "v0"},
        "the state is encrypted by OpenTofu, which infra cannot read",
    ),
    "old": ({"version": 3, "serial": 1, "modules": []}, "this state has format 3, of a Terraform before 0.12"),
    "shown": ({"format_version": "1.0", "values": {}}, "this is what `terraform show -json` prints, not a state"),
    "nothing": ({"hello": 1}, "this is no state of Terraform"),
    "torn": (None, "the state is malformed"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_another_tools_state_is_named_and_stays_as_it_is(shared: SharedBench, kind: str) -> None:
    document, words = FOREIGN[kind]
    one_stack(shared)
    content = b'{"version": 4, "ser' if document is None else json.dumps(document).encode()
    shared.cloud.client().put_object(Bucket=shared.bucket, Key=shared.store.key("cluster"), Body=content)
    with pytest.raises(PlanError) as caught:
        shared.deployment().plan()
    assert caught.value.what.startswith(words)
    assert caught.value.where == f"s3://{shared.bucket}/streaming/test/cluster.tfstate"
    assert shared.store.fetch("cluster").content == content  # type: ignore[union-attr]


def test_a_killed_apply_leaves_a_state_that_the_next_one_goes_on_from(shared: SharedBench, tmp_path: Path) -> None:
    """SIGKILL of infra and of Terraform: the lock stays in the bucket, and the next run here takes it away."""
    started, go_on = tmp_path / "started", tmp_path / "go-on"
    running(shared, started, go_on)
    script = (
        "import sys; from pathlib import Path; from tests.state_backend.cloud import Cloud\n"
        "from tests.state_backend.conftest import SharedBench\n"
        "from tests.state_backend.test_engine import running\n"
        "b = SharedBench(Path(sys.argv[1]), Cloud(sys.argv[2]), sys.argv[3])\n"
        "running(b, Path(sys.argv[4]), Path(sys.argv[5])); d = b.deployment(); d.apply(d.plan())\n"
    )
    arguments = [str(shared.root), shared.cloud.endpoint, shared.bucket, str(started), str(go_on)]
    child = subprocess.Popen([sys.executable, "-c", script, *arguments])
    try:
        until(lambda: started.exists() and (shared.folder("one") / "lock.id").exists())
    finally:
        child.kill()
        child.wait()
    orphan = running_child(shared.folder("one"))
    assert orphan is not None
    os.killpg(orphan.pid, signal.SIGKILL)
    until(lambda: running_child(shared.folder("one")) is None)
    # Another checkout cannot know that it is dead; this one can, for it noted the lock's id.
    with pytest.raises(StateLockedError, match="the state is locked by"):
        shared.again(tmp_path / "elsewhere").deployment().plan()
    go_on.touch()
    deploy(shared)
    assert any("cleared the lock of a run that died" in note for note in shared.progress.notes)
    assert not shared.deployment().plan().has_changes


def test_credentials_that_expire_during_an_apply_lose_nothing(shared: SharedBench, tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    with door(shared.cloud.endpoint, shut) as address:
        behind = SharedBench(tmp_path / "expiring", replace(shared.cloud, endpoint=address), shared.bucket)
        noted = behind.folder("one") / "lock.id"
        command = f"while [ ! -e {noted} ]; do sleep 0.1; done; touch {shut}"
        expire = {"input": "1", "provisioner": [{"local-exec": shell(command)[0]["local-exec"]}]}
        behind.stack("one", {"resource": data(a=expire, b="made")})
        deployment = behind.deployment()
        plan = deployment.plan()
        with pytest.raises(ApplyError) as caught:
            deployment.apply(plan)
        error = caught.value
        folder = behind.folder("one")
        assert error.what == (
            f"what was done could not be written to the state in s3://{shared.bucket}/streaming/test/one.tfstate: "
            "the AWS credentials have expired"
        )
        assert f"keep {folder / 'errored.tfstate'}, which holds it, and log in again" in str(error.do)
        assert "one: 2 of 2 done" in error.details
        with pytest.raises(StateError, match="the AWS credentials have expired"):
            behind.deployment().plan()
        shut.unlink()
        # The next run knows the lock as its own and writes what is missing, so that nothing is made a second time.
        behind.stack("one", {"resource": data(a={"input": "1"}, b="made")})
        assert not behind.deployment().plan().has_changes
    assert any("cleared the lock of a run that died" in note for note in behind.progress.notes)
    assert any("took over what an earlier run did" in note for note in behind.progress.notes)
    assert not (folder / "errored.tfstate").exists() and not (folder / "lock.id").exists()
    unmount(behind.project.environment_state("test"))


def test_a_second_run_on_this_machine_waits_as_long_as_it_is_told_and_says_for_whom(shared: SharedBench) -> None:
    one_stack(shared)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with environment_lock(shared.project.environment_state("test"), "infra deploy --env test", "here"):
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        with pytest.raises(StateLockedError, match=r"locked by `infra deploy --env test`, process \d+ since 20"):
            shared.deployment().plan()
        threading.Timer(1.0, done.set).start()
        assert shared.deployment(lock_timeout=60.0).plan().counts["create"] == 1
    finally:
        done.set()
        thread.join()
    [note] = [each for each in shared.progress.notes if "waiting" in each]
    assert note.startswith("environment test: locked by `infra deploy --env test`, process ")
    assert note.endswith("; waiting up to 60 s more")
