"""A lock between processes on one file, so that two `infra local up` do not fight.

The kernel holds it (flock): it is gone with the process that held it, however that ended, so it is never stale. The
file's content is only for people: the holder's pid.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from modules.errors import LocalError

__all__ = ["file_lock"]


@contextlib.contextmanager
def file_lock(path: Path, what: str, *, seconds: float) -> Iterator[Path]:
    """Hold the lock (its file is the value); waits for another holder up to `seconds`.

    Raises:
        LocalError: `what`, with the holder's pid, when it is still held after that time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                    raise LocalError(
                        f"{what}{f' (process {holder})' if holder else ''}",
                        where=str(path),
                        do="wait until it has ended, then run the command again",
                    ) from None
                time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield path
    finally:
        os.close(descriptor)
