from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from modules.errors import LocalError
from modules.local import supervisor
from modules.local.supervisor import Hopeless, Service

SLEEPER = "import time; print('hello from the service', flush=True); time.sleep(600)"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    supervisor.stop(tmp_path, "probe", seconds=1)
    supervisor.kill_leftovers(tmp_path)


def service(code: str, healthy: Callable[[], bool] = lambda: True, start_seconds: float = 20) -> Service:
    return Service("probe", (sys.executable, "-c", code), healthy, start_seconds=start_seconds, stop_seconds=1)


def logged(folder: Path, text: str) -> Callable[[], bool]:
    return lambda: text in "\n".join(supervisor.last_lines(supervisor.log_file(folder, "probe"), 5))


def test_a_started_service_is_found_and_stopped(folder: Path) -> None:
    run = supervisor.start(folder, service(SLEEPER, logged(folder, "hello")))
    process = supervisor.find(folder, "probe")
    assert process is not None
    assert process.pid == run.pid
    assert os.getsid(run.pid) == run.pid, "it has a session of its own, so a Ctrl-C here does not reach it"
    assert supervisor.stop(folder, "probe")
    assert not psutil.pid_exists(run.pid)
    assert supervisor.find(folder, "probe") is None
    assert not supervisor.stop(folder, "probe")


def test_a_service_that_stops_on_another_signal_is_sent_that_one(folder: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('asked politely', flush=True)); "
        "signal.signal(signal.SIGINT, lambda *_: (print('stopped fast', flush=True), exit(0))); "
        "print('hello from the service', flush=True); time.sleep(600)"
    )
    made = replace(service(code, logged(folder, "hello")), stop_signal=supervisor.FAST_STOP)
    supervisor.start(folder, made)
    assert supervisor.stop(folder, "probe", seconds=20)
    assert supervisor.last_lines(supervisor.log_file(folder, "probe"), 1) == ["stopped fast"]


def test_a_record_of_a_process_that_is_gone_is_stale(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    created = psutil.Process(gone.pid).create_time()
    gone.wait()
    write_record(folder, gone.pid, created)
    assert supervisor.find(folder, "probe") is None
    assert supervisor.recorded(folder, "probe") is not None


def test_a_pid_that_now_belongs_to_another_process_is_left_alone(folder: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.DEVNULL)
    try:
        write_record(folder, bystander.pid, psutil.Process(bystander.pid).create_time() - 3600)
        assert supervisor.find(folder, "probe") is None
        assert not supervisor.stop(folder, "probe", seconds=1)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_service_is_still_known_after_the_clock_was_set(folder: Path) -> None:
    run = supervisor.start(folder, service(SLEEPER))
    write_record(folder, run.pid, run.created - 3600)
    # A process carries its own environment only once its program has taken over from the one that forked it; a real
    # service is healthy long after that.
    deadline = time.monotonic() + 20
    while (process := supervisor.find(folder, "probe")) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process is not None
    assert process.pid == run.pid


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "created": 2.0, "other": 3}'])
def test_an_unreadable_record_counts_as_none(folder: Path, text: str) -> None:
    path = folder / "run" / "probe.json"
    path.parent.mkdir()
    path.write_text(text)
    assert supervisor.find(folder, "probe") is None


def test_a_service_that_dies_while_starting_shows_the_end_of_its_log(folder: Path) -> None:
    code = "import sys; print('port is taken by the neighbour'); sys.exit(3)"
    with pytest.raises(LocalError, match=r"probe ended while starting \(exit code 3\)") as caught:
        supervisor.start(folder, service(code, lambda: False))
    assert "port is taken by the neighbour" in caught.value.details
    assert caught.value.where == str(folder / "logs" / "probe.log")


def test_a_service_that_never_gets_healthy_is_stopped_again(folder: Path) -> None:
    with pytest.raises(LocalError, match="not healthy after"):
        supervisor.start(folder, service(SLEEPER, lambda: False, start_seconds=0.3))
    assert supervisor.kill_leftovers(folder) == []


def test_a_check_may_say_that_waiting_is_hopeless(folder: Path) -> None:
    def hopeless() -> bool:
        raise Hopeless("has lost its mind")

    with pytest.raises(LocalError, match="probe has lost its mind"):
        supervisor.start(folder, service(SLEEPER, hopeless))
    assert supervisor.kill_leftovers(folder) == []


def test_a_program_that_does_not_exist_is_one_clear_error(folder: Path) -> None:
    with pytest.raises(LocalError, match="cannot be started"):
        supervisor.start(folder, Service("probe", (str(folder / "nothing"),), lambda: True))


def test_a_start_ends_when_another_service_failed(folder: Path) -> None:
    abort = threading.Event()
    abort.set()
    with pytest.raises(LocalError, match="another service failed"):
        supervisor.start(folder, service(SLEEPER, lambda: False), abort)
    assert supervisor.kill_leftovers(folder) == []


def test_a_service_deaf_to_term_is_killed(folder: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)\n" + SLEEPER
    run = supervisor.start(folder, service(code, logged(folder, "hello")))
    assert supervisor.stop(folder, "probe", seconds=0.2)
    assert not psutil.pid_exists(run.pid)


def test_a_killed_service_is_not_found_even_as_a_zombie(folder: Path) -> None:
    run = supervisor.start(folder, service(SLEEPER))
    os.kill(run.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while supervisor.find(folder, "probe") is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert supervisor.find(folder, "probe") is None


def test_leftovers_of_this_folder_are_stopped_and_no_others(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    lost = supervisor.start(folder, service(SLEEPER))
    kept = supervisor.start(other, service(SLEEPER))
    (folder / "run" / "probe.json").unlink()
    try:
        assert supervisor.kill_leftovers(folder) == ["probe"]
        assert not psutil.pid_exists(lost.pid)
        assert supervisor.find(other, "probe") is not None
        assert psutil.pid_exists(kept.pid)
    finally:
        supervisor.stop(other, "probe", seconds=1)


def test_earlier_logs_are_kept_up_to_three(folder: Path) -> None:
    for number in range(6):
        supervisor.start(folder, service(f"print('run {number}', flush=True)\n" + SLEEPER, logged(folder, "hello")))
        supervisor.stop(folder, "probe", seconds=1)
    first_lines = {path.name: path.read_text().splitlines()[0] for path in (folder / "logs").iterdir()}
    assert first_lines == {
        "probe.log": "run 5", "probe.log.1": "run 4", "probe.log.2": "run 3", "probe.log.3": "run 2",
    }  # fmt: skip


def write_record(folder: Path, pid: int, created: float) -> None:
    path = folder / "run" / "probe.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "created": created, "port": None}))
