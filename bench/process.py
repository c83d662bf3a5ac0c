"""Runs a command as a whole process and measures it: wall time, and peak memory of it and all its descendants."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["INFRA", "ROOT", "BenchError", "Measured", "Peak", "cpu_seconds", "median", "run"]

ROOT = Path(__file__).resolve().parents[1]

INFRA = (sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())")
"""The console script's content: what `.venv/bin/infra` runs."""

_SAMPLE_SECONDS = 0.05


class BenchError(Exception):
    """A command that is being measured failed."""


@dataclass(frozen=True)
class Measured:
    """One run of a command."""

    seconds: float
    peak_bytes: int
    """Resident memory of the process and its descendants, the largest of samples 50 ms apart; 0 when not asked for."""
    code: int
    stdout: str
    stderr: str


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    memory: bool = False,
    codes: Sequence[int] = (0,),
) -> Measured:
    """Run it once.

    Raises:
        BenchError: it ended with another code than one of `codes`; with its last lines.
    """
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **(environment or {})}
    began = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    peak = Peak(child.pid) if memory else None
    try:
        out, err = child.communicate()
    except BaseException:
        child.terminate()
        child.wait()
        raise
    seconds = time.perf_counter() - began
    measured = Measured(seconds, peak.stop() if peak else 0, child.returncode, out, err)
    if child.returncode not in codes:
        tail = "\n".join((err or out).strip().splitlines()[-8:])
        raise BenchError(f"{' '.join(command[-6:])} ended with {child.returncode}:\n{tail}")
    return measured


def median(command: Sequence[str], times: int, **options: object) -> float:
    """Median wall seconds of several runs, after one that is thrown away (bytecode, page cache)."""
    run(command, **options)  # type: ignore[arg-type]
    return statistics.median(run(command, **options).seconds for _ in range(times))  # type: ignore[arg-type]


def cpu_seconds() -> float:
    """Processor time of every child so far that has ended, with its descendants: it tells apart how much is done from
    how busy the machine is. Compare two readings with nothing else started in between."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Peak:
    """Samples the resident memory of a process tree."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        import psutil

        while not self._ended.wait(_SAMPLE_SECONDS):
            try:
                root = psutil.Process(self._pid)
                tree = [root, *root.children(recursive=True)]
            except psutil.Error:
                return
            total = 0
            for process in tree:
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self._peak = max(self._peak, total)
