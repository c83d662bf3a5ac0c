"""Ctrl-C, SIGKILL and what the next run makes of it, with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from modules.errors import StateLockedError
from modules.terraform import interrupts
from modules.terraform.records import ProcessRecord, settle
from tests.terraform.support import Workbench, data, shell, until

# A run of the engine as a program of its own, so that it can be killed.
DEPLOY = """
import sys
from collections.abc import Iterator
from pathlib import Path
from modules.errors import InfraError
from tests.terraform.support import Recorder, Workbench

class Live(Recorder):
    def note(self, text):
        print(text, flush=True)

bench = Workbench(Path(sys.argv[1]))
bench.progress = Live()
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


def said(run: subprocess.Popen[str], words: str) -> str:
    """What a run has said by the line with these words; it goes on meanwhile."""
    assert run.stdout is not None
    lines = []
    for line in run.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError(f"{words!r} was not said in {lines}")


def rest(run: subprocess.Popen[str]) -> str:
    assert run.stdout is not None
    text = run.stdout.read()
    run.wait(timeout=60)
    return text


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
    run.send_signal(signal.SIGINT)
    said(run, "press Ctrl-C again")
    run.send_signal(signal.SIGINT)
    said(run, "stopping at once")
    assert child.is_running()
    run.send_signal(signal.SIGINT)
    rest(run)
    assert run.returncode == 130
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_second_interrupt_kills_what_does_not_stop_and_says_what_to_check(bench: Workbench, tmp_path: Path) -> None:
    marker = tmp_path / "started"
    line = {"type": "apply_start", "hook": {"resource": {"addr": "terraform_data.a"}, "action": "create"}}
    deaf = tmp_path / "terraform"
    deaf.write_text(
        "#!/bin/sh\n"
        f"""if test "$1" != apply; then exec {sys.executable} -P -m modules.terraform.child "$@"; fi\n"""
        f"trap '' INT TERM\necho '{json.dumps(line)}'\ntouch {marker}\nwhile true; do sleep 0.1; done\n"
    )
    deaf.chmod(0o755)
    bench.stack("one", {"resource": data(a=1, b=2)})
    bench.stack("two", {"resource": data(c=3)}, needs=["one"])
    code = DEPLOY.replace("bench.deployment()", f"bench.deployment(binary={str(deaf)!r})")
    code = code.replace('bench.stack(path.name.removesuffix(".tf.json"), document)', NEEDING)
    code = "import modules.terraform.interrupts as those\nthose.GRACE_SECONDS = 0.5\n" + code
    run = start(bench, code)
    until(marker.exists)
    run.send_signal(signal.SIGINT)
    said(run, "press Ctrl-C again")
    run.send_signal(signal.SIGINT)
    said(run, "stopping at once: what is being changed right now is cut off half-way")
    assert rest(run) == (
        "interrupted\n"
        "  one: nothing done, 2 to do\n"
        "  two: not begun, 1 to do\n"
        "  check: one: terraform_data.a was being created\n"
        "  → look at what is named; `infra deploy --env test` goes on from here, and its plan takes over what was made "
        "and is in no state\n"
    )
    assert run.returncode == 130


def test_a_child_that_two_interrupts_have_just_missed_is_killed_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "GRACE_SECONDS", 0.05)
    both = interrupts.Interrupts(lambda text: None)
    waiting = "trap '' INT; echo deaf; while true; do sleep 0.05; done"
    deaf = subprocess.Popen(["sh", "-c", waiting], stdout=subprocess.PIPE, start_new_session=True)
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == b"deaf\n"
    both.forward()
    both.forward()
    with both.running(deaf):
        assert deaf.wait(60) == -signal.SIGKILL


NEEDING = """
    name = path.name.removesuffix(".tf.json")
    bench.stack(name, document, needs=["one"] if name == "two" else [])
""".strip()


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
    output = said(follower, "waiting for it")
    # It waits: not before the orphan's gate opens does it end.
    with pytest.raises(subprocess.TimeoutExpired):
        follower.wait(timeout=0.5)
    assert orphan.alive()
    gate.touch()
    output += rest(follower)
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
    output = said(follower, "waiting for it")
    gate.touch()
    output += rest(follower)
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
