"""Ctrl-C, SIGKILL and what the next run makes of it, with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from modules.errors import StateLockedError
from modules.terraform.records import ProcessRecord, settle
from tests.terraform.support import Workbench, data, shell, until

# A run of the engine as a program of its own, so that it can be killed.
DEPLOY = """
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from modules.errors import InfraError
from tests.terraform.support import Workbench

bench = Workbench(Path(sys.argv[1]))
for path in sorted((bench.root / "synth").glob("*.tf.json")):
    import json
    document = json.loads(path.read_text())
    document.pop("terraform")
    bench.stack(path.name.removesuffix(".tf.json"), document)
deployment = bench.deployment()
try:
    deployment.apply(deployment.plan())
except InfraError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
finally:
    print(*bench.progress.notes, sep="\\n", flush=True)
"""


_started: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def nothing_left_running(bench: Workbench) -> Iterator[None]:
    """A test that fails half-way leaves no process behind."""
    yield
    for run in _started:
        run.kill()
        run.wait()
    _started.clear()
    record = ProcessRecord.read(bench.folder("one") / "run.json")
    if record is not None and record.alive():
        os.killpg(record.pid, signal.SIGKILL)


def start(bench: Workbench, code: str = DEPLOY) -> subprocess.Popen[str]:
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(bench.root)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    _started.append(run)
    return run


def gated(bench: Workbench, resources: int = 1) -> tuple[Path, Path]:
    """A stack whose first resource says that it began and then waits for a gate to open."""
    began, gate = bench.root / "began", bench.root / "gate"
    wait = f"touch {began}; while ! test -e {gate}; do sleep 0.05; done"
    blocks = data(r0={"input": 0, "provisioner": shell(wait)})
    blocks["terraform_data"] |= {
        f"r{at}": {"input": f"${{terraform_data.r{at - 1}.output}}"} for at in range(1, resources)
    }
    bench.stack("one", {"resource": blocks})
    return began, gate


def child_of(bench: Workbench) -> ProcessRecord:
    # The child may be at work before its parent has written the record.
    path = bench.folder("one") / "run.json"
    until(lambda: ProcessRecord.read(path) is not None)
    record = ProcessRecord.read(path)
    assert record is not None
    return record


def state_of(bench: Workbench) -> dict[str, object]:
    document = json.loads((bench.folder("one") / "terraform.tfstate").read_text())
    return {item["name"]: item["instances"][0].get("status", "ok") for item in document["resources"]}


def test_the_first_interrupt_stops_gracefully_and_the_next_run_goes_on(bench: Workbench) -> None:
    began, gate = gated(bench, resources=3)
    run = start(bench)
    until(began.exists)
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted" in output and "`infra deploy --env test` goes on from here" in output
    assert "press Ctrl-C again" in output
    # Terraform itself wrote down what it had half made.
    assert state_of(bench) == {"r0": "tainted"}
    assert not (bench.folder("one") / ".terraform.tfstate.lock.info").exists()
    gate.touch()
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    assert state_of(bench) == {"r0": "ok", "r1": "ok", "r2": "ok"}


def test_sigterm_stops_gracefully_too(bench: Workbench) -> None:
    began, _ = gated(bench)
    run = start(bench)
    until(began.exists)
    run.terminate()
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130, output
    assert state_of(bench) == {"r0": "tainted"}


def test_a_third_interrupt_kills_a_terraform_that_does_not_stop(bench: Workbench, tmp_path: Path) -> None:
    marker = tmp_path / "started"
    deaf = tmp_path / "terraform"
    deaf.write_text(f"#!/bin/sh\ntrap '' INT TERM\ntouch {marker}\nwhile true; do sleep 0.1; done\n")
    deaf.chmod(0o755)
    bench.stack("one", {"resource": data(a=1)})
    code = DEPLOY.replace("bench.deployment()", f"bench.deployment(binary={str(deaf)!r})")
    run = start(bench, code)
    until(marker.exists)
    child = psutil.Process(child_of(bench).pid)
    # As an impatient person does: signals that come before the last was handled are merged into one.
    presses = 0
    while run.poll() is None and presses < 300:
        run.send_signal(signal.SIGINT)
        presses += 1
        time.sleep(0.2)
    assert presses >= 3
    run.communicate(timeout=60)
    assert run.returncode == 130
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_the_child_is_out_of_the_terminals_reach(bench: Workbench) -> None:
    began, gate = gated(bench)
    run = start(bench)
    until(began.exists)
    child = child_of(bench).pid
    assert os.getpgid(child) == child != os.getpgid(run.pid)
    gate.touch()
    run.communicate(timeout=60)
    assert run.returncode == 0


def test_a_run_finds_the_orphan_of_a_killed_one_waits_for_it_and_goes_on(bench: Workbench) -> None:
    began, gate = gated(bench, resources=3)
    run = start(bench)
    until(began.exists)
    run.kill()
    run.communicate(timeout=60)
    orphan = child_of(bench)
    assert orphan.alive()
    follower = start(bench)
    # It waits: not before the orphan's gate opens does it end.
    with pytest.raises(subprocess.TimeoutExpired):
        follower.wait(timeout=1.0)
    assert orphan.alive()
    gate.touch()
    output, _ = follower.communicate(timeout=60)
    assert follower.returncode == 0, output
    assert f"process {orphan.pid}" in output and "left by an earlier run" in output and "going on" in output
    # The orphan did all of it; nothing was made twice.
    assert state_of(bench) == {"r0": "ok", "r1": "ok", "r2": "ok"}
    assert not bench.deployment().plan().has_changes


def test_an_orphan_without_a_record_is_found_by_where_it_works(bench: Workbench) -> None:
    began, gate = gated(bench)
    run = start(bench)
    until(began.exists)
    orphan = child_of(bench)
    run.kill()
    run.communicate(timeout=60)
    (bench.folder("one") / "run.json").unlink()
    follower = start(bench)
    with pytest.raises(subprocess.TimeoutExpired):
        follower.wait(timeout=1.0)
    gate.touch()
    output, _ = follower.communicate(timeout=60)
    assert follower.returncode == 0 and f"process {orphan.pid}" in output


def test_an_orphan_that_takes_too_long_is_named_with_how_to_stop_it(bench: Workbench) -> None:
    began, gate = gated(bench)
    run = start(bench)
    until(began.exists)
    run.kill()
    run.communicate(timeout=60)
    orphan = child_of(bench)
    with pytest.raises(StateLockedError, match=f"process {orphan.pid}") as caught:
        bench.deployment(orphan_timeout=0.3).plan()
    assert f"kill -INT {orphan.pid}" in (caught.value.do or "")
    gate.touch()
    until(lambda: not orphan.alive())


def test_a_second_live_run_is_refused_with_pid_command_and_since_when(bench: Workbench) -> None:
    began, gate = gated(bench)
    run = start(bench)
    until(began.exists)
    with pytest.raises(StateLockedError) as caught:
        bench.deployment().plan()
    assert f"process {run.pid}" in caught.value.what
    assert "infra apply" in caught.value.what and "since 20" in caught.value.what
    gate.touch()
    run.communicate(timeout=60)
    assert run.returncode == 0


def test_a_persons_own_terraform_in_the_folder_is_not_taken_for_an_orphan(bench: Workbench) -> None:
    began, gate = gated(bench)
    deployment = bench.deployment()
    deployment.plan()
    # As if by hand: the same library, under another name.
    child = Path("modules/terraform/child.py").resolve()
    by_hand = subprocess.Popen(
        [sys.executable, str(child), "apply", "-auto-approve"],
        cwd=bench.folder("one"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull},
    )
    until(began.exists)
    with pytest.raises(StateLockedError, match=r"locked by .+ \(apply\) since 20"):
        bench.deployment().plan()
    gate.touch()
    assert by_hand.wait(timeout=60) == 0


def test_what_the_dead_left_behind_is_cleared_with_a_note(bench: Workbench) -> None:
    bench.stack("one", {"resource": data(a=1)})
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    folder = bench.folder("one")
    info = {"ID": "0", "Operation": "OperationTypeApply", "Who": "me@laptop", "Created": "2026-01-02T03:04:05Z"}
    (folder / ".terraform.tfstate.lock.info").write_text(json.dumps(info))
    # A live process, but not the one that was recorded: pids come round again.
    reused = ProcessRecord(os.getpid(), psutil.Process().create_time() - 1000, "terraform apply", "then")
    (folder / "run.json").write_bytes(reused.dump())
    assert not bench.deployment().plan().has_changes
    assert not (folder / ".terraform.tfstate.lock.info").exists()
    assert any("me@laptop" in note and "cleared the lock" in note for note in bench.progress.notes)


def test_a_record_cut_short_by_a_crash_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"pid": 1')
    settle(tmp_path, "one", note=lambda text: None, check=lambda: None, timeout=1)
    assert not (tmp_path / "run.json").exists()
