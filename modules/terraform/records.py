"""Who is at work on an environment: this process's lock, the Terraform it started, and what a killed run left behind.

Three things are told apart:

- a live `infra` on the same environment: it holds `run.lock` (an flock, gone with its process): StateLockedError;
- an orphan: a Terraform whose `infra` was SIGKILLed and that goes on holding the state: waited for;
- leftovers of the dead (`run.json`, `.terraform.tfstate.lock.info`): cleared, with a note.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modules.terraform.command import CHILD_MODULE
from modules.terraform.failures import state_locked
from modules.terraform.files import private_folder, write_private

__all__ = [
    "ProcessRecord", "environment_holder", "environment_lock", "forget_child", "hold_log", "record_child",
    "running_child", "settle", "state_free",
]  # fmt: skip

_DYING_SECONDS = 5.0
_TOLERANCE_SECONDS = 2.0
"""A process's creation time moves a little when the clock is corrected."""


@dataclass(frozen=True)
class ProcessRecord:
    """A process, told from a later one with the same pid by its creation time."""

    pid: int
    created: float
    command: str
    since: str

    @classmethod
    def of(cls, pid: int, command: str) -> ProcessRecord:
        import psutil

        try:
            created = psutil.Process(pid).create_time()
        except psutil.Error:
            created = 0.0
        return cls(pid, created, command, datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))

    @classmethod
    def read(cls, path: Path) -> ProcessRecord | None:
        """The record, or None where there is none or it is unreadable (a crash while writing)."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def dump(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    def alive(self) -> bool:
        import psutil

        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return abs(process.create_time() - self.created) <= _TOLERANCE_SECONDS
        except psutil.Error:
            return False


def record_child(folder: Path, pid: int, command: str) -> None:
    """Note the Terraform just started in a working folder."""
    with contextlib.suppress(OSError):  # a full disk is reported by Terraform, which meets it too
        write_private(folder / "run.json", ProcessRecord.of(pid, command).dump())


def forget_child(folder: Path) -> None:
    (folder / "run.json").unlink(missing_ok=True)


@contextlib.contextmanager
def environment_lock(
    folder: Path,
    command: str,
    where: str,
    *,
    note: Callable[[str], None] = lambda text: None,
    check: Callable[[], None] = lambda: None,
    timeout: float = 0.0,
) -> Iterator[None]:
    """Hold an environment for the time of a run.

    Args:
        timeout: seconds to wait for another live `infra` that holds it, which is said.

    Raises:
        StateLockedError: another live `infra` holds it; says which process, which command, since when.
    """
    path = private_folder(folder) / "run.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        begun, told = time.monotonic(), float("-inf")
        while not _try_flock(descriptor):
            check()
            holder, waited = ProcessRecord.read(path), time.monotonic() - begun
            if waited >= timeout and holder is None:
                raise state_locked(where)
            if waited >= timeout and holder is not None:
                raise state_locked(where, who=f"`{holder.command}`", pid=holder.pid, since=holder.since)
            if waited - told >= 10:
                by = f"`{holder.command}`, process {holder.pid}, since {holder.since}" if holder else "another run"
                note(f"{where}: locked by {by}; waiting up to {timeout - waited:.0f} s more")
                told = waited
            time.sleep(min(0.2, timeout))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, ProcessRecord.of(os.getpid(), command).dump(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def environment_holder(folder: Path) -> ProcessRecord | None:
    """The live `infra` that holds an environment; None where none does."""
    path = folder / "run.lock"
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        if _try_flock(descriptor):
            return None
        return ProcessRecord.read(path) or ProcessRecord(0, 0.0, "infra", "some time ago")
    finally:
        os.close(descriptor)


def running_child(folder: Path) -> ProcessRecord | None:
    """A Terraform of ours that is at work in a working folder, also one whose `infra` is dead."""
    record = ProcessRecord.read(folder / "run.json")
    return record if record is not None and record.alive() else _orphan_in(folder)


def settle(
    folder: Path,
    stack: str,
    *,
    note: Callable[[str], None],
    check: Callable[[], None],
    timeout: float,
) -> None:
    """Make a working folder ours: wait for an orphan, clear what the dead left.

    To be called with the environment's lock held, so that no live `infra` of this project is behind what is found.

    Args:
        check: raises when the run was interrupted, called while waiting.
        timeout: seconds to wait for an orphan.

    Raises:
        StateLockedError: somebody else (a person's own terraform) holds the state, or the orphan took too long.
    """
    record = ProcessRecord.read(folder / "run.json")
    if record is not None and not record.alive():
        record = None
        _let_go(folder)
    if record is None and not state_free(folder):
        record = _orphan_in(folder)
        if record is None and not state_free(folder):
            info = _lock_info(folder)
            raise state_locked(
                f"stack {stack}",
                who=info.get("Who"),
                since=info.get("Created"),
                doing=info.get("Operation"),
                lock=info.get("ID"),
            )
    if record is not None:
        _wait(record, stack, note, check, timeout)
        _let_go(folder)
    _await_logs(folder)
    forget_child(folder)
    # A state that was to replace the one that is there (`state_server.py`).
    (folder / "terraform.tfstate.new").unlink(missing_ok=True)
    leftover = folder / ".terraform.tfstate.lock.info"
    if leftover.exists() and state_free(folder):
        info = _lock_info(folder)
        leftover.unlink(missing_ok=True)
        # Terraform that ended in good order has removed the file itself.
        who, since = info.get("Who", "?"), info.get("Created", "?")
        note(f"{stack}: cleared the lock of a run that died (by {who}, since {since})")


def _let_go(folder: Path) -> None:
    """Wait a little for the state: a killed process counts as dead while its last threads still hold what it held."""
    until = time.monotonic() + _DYING_SECONDS
    while not state_free(folder) and time.monotonic() < until:
        time.sleep(0.02)


def _await_logs(folder: Path) -> None:
    """Wait a little for the last lines of a Terraform that is gone: who keeps its log (`log_keeper.py`) outlives it by
    a moment, and the journal is read from that log next."""
    until = time.monotonic() + _DYING_SECONDS
    for log in sorted(folder.glob("*.log")):
        while not _log_written(log) and time.monotonic() < until:
            time.sleep(0.02)


def _wait(
    record: ProcessRecord, stack: str, note: Callable[[str], None], check: Callable[[], None], timeout: float
) -> None:
    note(
        f"{stack}: a Terraform left by an earlier run is still at work "
        f"(process {record.pid}, `{record.command}`, since {record.since}); waiting for it"
    )
    begun = told = time.monotonic()
    while record.alive():
        check()
        now = time.monotonic()
        if now - begun > timeout:
            error = state_locked(f"stack {stack}", who=f"`{record.command}`", pid=record.pid, since=record.since)
            error.do = (
                f"it was left by an earlier run; wait for it, or stop it gracefully with `kill -INT {record.pid}`"
            )
            raise error
        if now - told > 10:
            note(f"{stack}: still waiting for process {record.pid}, {now - begun:.0f} s")
            told = now
        time.sleep(0.1)
    note(f"{stack}: it has ended; going on")


def _orphan_in(folder: Path) -> ProcessRecord | None:
    """A Terraform of ours at work in a folder without a record: its parent died before writing one."""
    import psutil

    target = str(folder.resolve())
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            arguments = process.cmdline()
            if CHILD_MODULE in arguments and process.cwd() == target:
                command = f"terraform {arguments[arguments.index(CHILD_MODULE) + 1]}"
                since = datetime.fromtimestamp(process.create_time(), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
                return ProcessRecord(process.pid, process.create_time(), command, since)
    return None


def _lock_info(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / ".terraform.tfstate.lock.info").read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


if sys.platform == "win32":

    def _try_flock(descriptor: int) -> bool:
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def hold_log(descriptor: int) -> None:
        """Locks would keep a file from being read there."""

    def _log_written(log: Path) -> bool:
        return True

    def state_free(folder: Path) -> bool:
        return not (folder / ".terraform.tfstate.lock.info").exists()

else:

    def _try_flock(descriptor: int) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def hold_log(descriptor: int) -> None:
        """Mark a log as being written; whoever inherits the descriptor holds it on, until its own end."""
        with contextlib.suppress(OSError):  # a file system without locks
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _log_written(log: Path) -> bool:
        """Whether nobody writes it any more."""
        import errno
        import fcntl

        try:
            with log.open("rb") as lines:
                fcntl.flock(lines, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno != errno.EWOULDBLOCK
        return True

    def state_free(folder: Path) -> bool:
        """Whether nobody holds Terraform's lock: an fcntl record lock on the state file, gone with its process."""
        import fcntl

        try:
            with (folder / "terraform.tfstate").open("r+b") as state:
                fcntl.lockf(state, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True
