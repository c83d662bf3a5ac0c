"""A large stack's state is served to Terraform: when, under which lock, and what is there after any end."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from modules.errors import ApplyError, StateLockedError
from modules.terraform import serving
from modules.terraform.command import terraform_command
from modules.terraform.records import state_free
from modules.terraform.state_server import StateFile
from tests.terraform.support import Workbench, data, shell, until

MANY = serving.SERVED_FROM


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little there is to do."""
    monkeypatch.setattr(serving, "SERVED_FROM", 1)


def backend(bench: Workbench) -> str:
    document = json.loads((bench.folder("one") / "infra_override.tf.json").read_text())
    return str(next(iter(document["terraform"]["backend"])))


def write(bench: Workbench, count: int, **others: Any) -> None:
    numbers = {f"n{number:04d}": number for number in range(count)}
    many = {"for_each": "${local.numbers}", "input": "${each.value}"}
    bench.stack("one", {"locals": {"numbers": numbers}, "resource": data(many=many, **others)})


def addresses(bench: Workbench) -> int:
    state = bench.deployment()._at.folders["one"].state()
    return len(state.addresses) if state else 0


def test_it_is_served_for_many_changes_and_is_a_file_like_any_other_afterwards(bench: Workbench) -> None:
    write(bench, MANY)
    deployment = bench.deployment()
    plan = deployment.plan()
    assert backend(bench) == "http"
    deployment.apply(plan)
    state = bench.folder("one") / "terraform.tfstate"
    assert addresses(bench) == MANY and stat.S_IMODE(state.stat().st_mode) == 0o600
    assert not list(bench.folder("one").glob(".terraform.tfstate.lock.info")) and state_free(bench.folder("one"))
    # Nothing to do, and little to do: a file again, with everything in it.
    write(bench, MANY + 5)
    deployment = bench.deployment()
    plan = deployment.plan()
    assert backend(bench) == "local" and plan.counts["create"] == 5
    deployment.apply(plan)
    assert addresses(bench) == MANY + 5
    deployment.destroy()
    assert backend(bench) == "http" and addresses(bench) == 0


def test_what_is_there_before_stays_when_it_is_served_and_killed(bench: Workbench) -> None:
    write(bench, 5)
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    before = (bench.folder("one") / "terraform.tfstate").read_bytes()
    write(bench, MANY + 5)
    bench.deployment().plan()
    assert backend(bench) == "http" and (bench.folder("one") / "terraform.tfstate").read_bytes() == before
    # Terraform was told by a record of its own; without it, or with a plugin gone, it is told anew.
    (bench.folder("one") / ".terraform" / "terraform.tfstate").unlink()
    served = bench.folder("one") / ".terraform" / "infra-served" / ".terraform" / "terraform.tfstate"
    served.write_text(served.read_text().replace('"type": "http"', '"type": "local"'))  # as another version's
    deployment = bench.deployment()
    plan = deployment.plan()
    assert (bench.folder("one") / "terraform.tfstate").read_bytes() == before
    assert plan.counts["create"] == MANY
    write(bench, 6)
    assert bench.deployment().plan().counts["create"] == 1 and backend(bench) == "local"
    assert (bench.folder("one") / "terraform.tfstate").read_bytes() == before


@pytest.mark.parametrize("count, kind", [(MANY - 1, "terraform_data"), (MANY, "example_unheard_of")])
def test_it_is_a_file_for_few_changes_and_for_what_a_killed_run_could_not_find_again(
    bench: Workbench, count: int, kind: str
) -> None:
    write(bench, MANY)
    document = bench.deployment()._at.folders["one"].document()
    assert serving.worth_it(document, None, destroy=False)
    document["locals"]["numbers"] = {f"n{number}": number for number in range(count)}
    document["resource"] = {kind: document["resource"]["terraform_data"]}
    assert not serving.worth_it(document, None, destroy=False)


def test_it_is_a_file_for_another_program_than_the_one_that_comes_along(bench: Workbench, tmp_path: Path) -> None:
    command = terraform_command()
    program = tmp_path / "terraform"
    words = " ".join([f"PYTHONPATH={command.environment['PYTHONPATH']}", *command.prefix])
    program.write_text(f'#!/bin/sh\n{words} "$@"\n')
    program.chmod(0o755)
    write(bench, MANY)
    bench.deployment(binary=str(program)).plan()
    assert backend(bench) == "local"


def test_the_lock_is_terraforms_own(bench: Workbench, always: None) -> None:
    gate = bench.root / "gate"
    wait = f"while [ ! -e {gate} ]; do sleep 0.05; done"
    write(bench, 1, slow={"input": 1, "provisioner": shell(wait)})
    running = _deploy(bench)
    folder = bench.folder("one")
    until(lambda: (folder / ".terraform.tfstate.lock.info").exists() and (folder / "apply.log").exists())
    assert not state_free(folder)
    assert json.loads((folder / ".terraform.tfstate.lock.info").read_text())["Operation"] == "OperationTypeApply"
    with pytest.raises(StateLockedError):
        bench.deployment().plan()
    # A person's Terraform in the same folder: refused, and told by whom.
    own = subprocess.run(
        [*terraform_command().prefix, "apply", "-auto-approve", "-no-color"],
        cwd=folder,
        env={**os.environ, **terraform_command().environment},
        capture_output=True,
        text=True,
    )
    assert own.returncode == 1 and "Error acquiring the state lock" in own.stderr and "Who:" in own.stderr, own.stderr
    gate.touch()
    assert running.wait(60) == 0
    assert state_free(folder) and addresses(bench) == 2


def test_nobody_else_is_answered(bench: Workbench, always: None) -> None:
    gate = bench.root / "gate"
    write(bench, 1, slow={"input": 1, "provisioner": shell(f"while [ ! -e {gate} ]; do sleep 0.05; done")})
    running = _deploy(bench)
    folder = bench.folder("one")
    until((folder / "apply.log").exists)
    until(lambda: bool(_listening(running.pid)))
    ((host, port),) = _listening(running.pid)
    assert host == "127.0.0.1"
    for login in (None, base64.b64encode(b"infra:guess").decode()):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/state")
        if login:
            request.add_header("Authorization", f"Basic {login}")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request, timeout=10)
    gate.touch()
    assert running.wait(60) == 0


def test_an_interrupted_run_has_written_what_it_did(bench: Workbench, always: None) -> None:
    write(
        bench, 20, slow={"input": 1, "provisioner": shell(f"while [ ! -e {bench.root / 'gate'} ]; do sleep 0.05; done")}
    )
    running = _deploy(bench)
    log = bench.folder("one") / "apply.log"
    until(lambda: log.exists() and log.read_text().count('"apply_complete"') == 20)
    assert addresses(bench) == 0  # not after each
    running.send_signal(signal.SIGINT)
    assert running.wait(60) != 0
    assert addresses(bench) == 21 and state_free(bench.folder("one"))
    (bench.root / "gate").touch()
    deployment = bench.deployment()
    plan = deployment.plan()
    assert {change.kind for stack in plan.stacks for change in stack.changes} == {"replace"}
    deployment.apply(plan)
    assert not bench.deployment().plan().has_changes


def test_a_killed_run_leaves_no_lock_and_the_next_one_converges(bench: Workbench, always: None) -> None:
    gate = bench.root / "gate"
    write(bench, 20, slow={"input": 1, "provisioner": shell(f"while [ ! -e {gate} ]; do sleep 0.05; done")})
    running = _deploy(bench)
    log = bench.folder("one") / "apply.log"
    until(lambda: log.exists() and log.read_text().count('"apply_complete"') == 20)
    below = psutil.Process(running.pid).children(recursive=True)
    for each in (psutil.Process(running.pid), *below):
        each.kill()
    running.wait()
    psutil.wait_procs(below, timeout=20)
    gate.touch()
    deployment = bench.deployment()
    deployment.apply(deployment.plan())
    assert addresses(bench) == 21 and not bench.deployment().plan().has_changes


def test_a_state_that_cannot_be_written_is_told_and_taken_over_by_the_next_run(bench: Workbench, always: None) -> None:
    # Where the new state is to be written, there is a folder.
    write(bench, 3, obstacle={"input": 1, "provisioner": shell("mkdir terraform.tfstate.new")})
    deployment = bench.deployment()
    plan = deployment.plan()
    with pytest.raises(ApplyError) as caught:
        deployment.apply(plan)
    assert (bench.folder("one") / "errored.tfstate").is_file(), caught.value
    (bench.folder("one") / "terraform.tfstate.new").rmdir()
    assert not bench.deployment().plan().has_changes
    assert addresses(bench) == 4 and any("took over what an earlier run did" in note for note in bench.progress.notes)


def test_a_file_is_replaced_whole_and_stays_locked(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    assert file.read() == b"" and file.lock(b'{"ID": "1"}') is None
    file.write(b"one")
    file.write(b"two")
    assert file.read() == b"two" and not _free_elsewhere(tmp_path)
    file.unlock()
    assert _free_elsewhere(tmp_path) and [path.name for path in tmp_path.iterdir()] == ["terraform.tfstate"]


def test_a_lock_that_came_to_nothing_leaves_no_file(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    assert file.lock(b"{}") is None
    file.unlock()
    assert not list(tmp_path.iterdir())


def _free_elsewhere(folder: Path) -> bool:
    """Asked by another process: one's own record locks stand in nobody's own way."""
    program = "import sys; from pathlib import Path; from modules.terraform.records import state_free; "
    asked = subprocess.run([sys.executable, "-c", program + f"sys.exit(not state_free(Path({str(folder)!r})))"])
    return asked.returncode == 0


def _deploy(bench: Workbench) -> subprocess.Popen[bytes]:
    """Plan and apply in a process of its own, as `infra deploy` would."""
    program = (
        "import sys; from pathlib import Path; from modules.terraform import serving; from tests.terraform.support "
        "import Workbench, NO_PLUGINS; from modules.terraform.source import StackSource; serving.SERVED_FROM = 1; "
        "bench = Workbench(Path(sys.argv[1])); "
        "bench.sources['one'] = StackSource('one', bench.root / 'synth' / 'one.tf.json'); "
        "deployment = bench.deployment(); deployment.apply(deployment.plan())"
    )
    return subprocess.Popen([sys.executable, "-c", program, str(bench.root)], start_new_session=True)


def _listening(pid: int) -> list[tuple[str, int]]:
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            ports = process.net_connections("tcp")
        except psutil.Error:
            continue
        found += [(each.laddr.ip, each.laddr.port) for each in ports if each.status == psutil.CONN_LISTEN]
    return sorted(set(found))
