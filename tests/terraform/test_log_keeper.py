"""A log has no secret at any moment, also while Terraform runs and when `infra` was killed; events stay readable."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from modules.redaction import Redactor
from modules.terraform import records
from modules.terraform.events import ResourceEvent, parse_line
from modules.terraform.log_keeper import cleaned
from modules.terraform.records import ProcessRecord
from tests.terraform.support import Workbench, data, shell, until

SECRET = "canary-4f1c9b-while-it-runs"
RUN = """
import json, sys
from pathlib import Path
from tests.terraform.support import Workbench
bench = Workbench(Path(sys.argv[1]))
document = json.loads((bench.root / "synth" / "one.tf.json").read_text())
document.pop("terraform")
bench.stack("one", document)
deployment = bench.deployment(secrets={"password": sys.stdin.read()})
deployment.apply(deployment.plan())
"""


def test_a_log_never_holds_a_secret_even_when_infra_is_killed_while_terraform_says_it(bench: Workbench) -> None:
    gate = bench.root / "gate"
    says = (
        f'echo "denied for $TF_VAR_password"; while ! test -e {gate}; do sleep 0.05; done; echo again $TF_VAR_password'
    )
    document = {
        "variable": {"password": {"type": "string", "ephemeral": True}},
        "resource": data(a={"provisioner": shell(says)}),
    }
    bench.stack("one", document)
    folder = bench.folder("one")
    log = folder / "apply.log"
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(bench.root)], stdin=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert run.stdin is not None
    run.stdin.write(SECRET.encode())
    run.stdin.close()
    try:
        until(lambda: log.exists() and "denied for" in log.read_text())
        record = ProcessRecord.read(folder / "run.json")
        assert record is not None and record.alive()
        assert SECRET not in log.read_text()
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        gate.touch()
    until(lambda: not record.alive() and "apply_complete" in log.read_text())
    said = log.read_text()
    assert SECRET not in said and "denied for (secret)" in said and "again (secret)" in said
    assert any(isinstance(event, ResourceEvent) for event in map(parse_line, said.splitlines()))


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes by /proc")
def test_the_next_run_waits_for_the_last_lines_of_a_killed_one(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_DYING_SECONDS", 60.0)
    gate = bench.root / "gate"
    says = f"echo begun; while ! test -e {gate}; do sleep 0.02; done; echo last words; sleep 60"
    bench.stack("one", {"resource": data(a={"provisioner": shell(says)})})
    folder = bench.folder("one")
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(bench.root)], stdin=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert run.stdin is not None
    run.stdin.write(SECRET.encode())
    run.stdin.close()
    below: list[psutil.Process] = []
    try:
        until(lambda: (folder / "apply.log").exists() and "begun" in (folder / "apply.log").read_text())
        below = psutil.Process(run.pid).children(recursive=True)
        (keeper,) = [each for each in below if "modules.terraform.log_keeper" in each.cmdline()]
        keeper.suspend()
        gate.touch()
        until(lambda: _waiting_in_pipe(keeper.pid) > 0)
    finally:
        run.kill()
        for each in below:
            if each != keeper:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        run.wait()
    quiet: dict[str, Any] = {"note": lambda text: None, "check": lambda: None, "timeout": 60}
    settling = threading.Thread(target=records.settle, args=(folder, "one"), kwargs=quiet)
    settling.start()
    settling.join(0.5)
    still_waiting = settling.is_alive()
    keeper.resume()
    settling.join(60)
    assert still_waiting and not settling.is_alive()
    assert "last words" in (folder / "apply.log").read_text()


def _waiting_in_pipe(pid: int) -> int:
    """Bytes in a process's standard input."""
    import fcntl
    import termios

    with open(f"/proc/{pid}/fd/0", "rb", buffering=0) as pipe:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4), sys.byteorder)


def test_a_secret_that_is_also_a_resources_name_leaves_the_events_what_they_are() -> None:
    line = {
        "@level": "info",
        "@message": "kafka_topic.orders: made with orders",
        "type": "apply_complete",
        "hook": {"resource": {"addr": "kafka_topic.orders"}, "action": "create", "id_value": "orders"},
    }
    text = cleaned(
        (json.dumps(line, separators=(",", ":")) + "\nplain orders\n").encode(), Redactor(["orders"])
    ).decode()
    first, second, _ = text.split("\n")
    event = parse_line(first)
    assert isinstance(event, ResourceEvent) and event.address == "kafka_topic.orders" and event.id == "(secret)"
    assert "made with (secret)" in first and second == "plain (secret)"
