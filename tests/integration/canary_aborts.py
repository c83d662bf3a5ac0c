"""SIGABRT to what holds secrets while it works: a step of `test_canary.py`."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from modules.local import supervisor
from tests.integration.canary_parts import Hunt, core_pattern
from tests.integration.program import Ran

__all__ = ["abort_everything", "declare"]


def abort_everything(hunt: Hunt) -> None:
    """SIGABRT to each program that holds a secret while it works; the kernel writes no core of it."""
    _a_core_is_written_where_nobody_forbids_it(hunt)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOTRACEBACK", "crash")  # Go's own way of dying with a core
        for number, word in enumerate(("modules.terraform.child apply", "plugins.", "log_keeper", "bin/infra deploy")):
            declare(hunt, *(f"aborted-{number}-{each}" for each in range(3)))
            ran = _aborted(hunt, word)
            hunt.infra.said.append((f"deploy, aborted: {word}", ran))
            assert hunt.cores() == [], f"{word}; core_pattern is {core_pattern()}"
    hunt("deploy -e local --yes")
    broker = supervisor.find(hunt.project.local, "kafka")
    assert broker is not None
    broker.send_signal(signal.SIGSEGV)  # as a JVM crashes: it leaves a report of its own
    broker.wait(60)
    hunt("status -e local", 1, 5)
    assert hunt.cores() == []
    hunt("local up")


def _aborted(hunt: Hunt, word: str) -> Ran:
    """A deploy one of whose programs is sent SIGABRT as soon as it is there."""
    run = subprocess.Popen(
        [str(Path(sys.executable).parent / "infra"), "deploy", "--env", "local", "--yes"],
        cwd=hunt.project.root,
        env={**os.environ, "INFRA_PROJECT": str(hunt.project.root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    met: psutil.Process | None = None
    while met is None:
        assert run.poll() is None, f"there was no {word}"
        # Not before: from its first line of code on it leaves no core, and until then it has read no secret.
        if _applies(hunt, since=psutil.Process(run.pid).create_time()):
            me = psutil.Process(run.pid)
            met = next((each for each in (me, *me.children(recursive=True)) if word in _line(each)), None)
        time.sleep(0.01)
    assert met.rlimit(psutil.RLIMIT_CORE) in ((0, 0), (1, 1))
    met.send_signal(signal.SIGABRT)
    out, err = run.communicate(timeout=300)
    return Ran(run.returncode, out, err)


def _applies(hunt: Hunt, since: float) -> bool:
    """Whether Terraform has said something; an earlier run's log is no word of this one."""
    for log in hunt.project.environment_state("local").glob("*/apply.log"):
        with contextlib.suppress(FileNotFoundError):
            about = log.stat()
            if about.st_size and about.st_mtime > since:
                return True
    return False


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _a_core_is_written_where_nobody_forbids_it(hunt: Hunt) -> None:
    """Else this machine could not show that `infra` prevents one."""
    folder = hunt.project.root / "control"
    folder.mkdir()
    died = subprocess.run([sys.executable, "-c", "import os; os.abort()"], cwd=folder)
    assert died.returncode == -signal.SIGABRT
    pattern = core_pattern()
    if not pattern.startswith(("|", "/")):
        assert list(folder.iterdir()), f"core_pattern is {pattern}, and there is none"
    shutil.rmtree(folder)


def declare(hunt: Hunt, *topics: str) -> None:
    """Add topics to the environment."""
    file = hunt.project.environments / "local.yaml"
    lines = "".join(f"  {name}: {{partitions: 1}}\n" for name in topics)
    file.write_text(file.read_text().replace("topics:\n", f"topics:\n{lines}", 1))
