"""The runs of an environment, kept in a small local file: one line of JSON for each, newest last, 500 at most.

Kept are the figures, not the distributions: a line has about 1 kB. Runs that were cut short are not kept. A line that
is damaged costs that line only.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from modules.errors import SmokeError
from modules.project import Project
from modules.smoke.stats import PERCENTILES

__all__ = ["FILE", "NEWEST", "History", "history_file", "keep", "read_history", "value_of"]

FILE = "smoke-history.jsonl"
NEWEST = 500
_VERSION = 1
_SLACK = 50
"""So many lines above `NEWEST` before the file is written anew."""

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class History:
    """An environment's runs, oldest first, and the numbers of lines that could not be read."""

    file: Path
    entries: tuple[Entry, ...]
    damaged: tuple[int, ...] = ()


def history_file(project: Project, environment: str) -> Path:
    """Where an environment's runs are kept."""
    return project.environment_state(environment) / FILE


def keep(project: Project, run: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> bool:
    """Add a run, a document of `infra smoke --json`; False where it was cut short, or a fault was rehearsed in it.

    Args:
        facts: what else belongs to it: the option it ran on and what that costs.

    Raises:
        SmokeError: the file cannot be written.
    """
    if run["interrupted"] or run.get("fault") or not run["load"]["sent"]:
        return False
    file = history_file(project, run["environment"])
    line = json.dumps({**_entry(run), **(facts or {})}, ensure_ascii=False, separators=(",", ":")) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _locked(file):
            with file.open("ab+") as stream:
                if stream.tell() and not _ends(stream):
                    stream.write(b"\n")  # what a killed run has left behind stays a line of its own
                stream.write(line.encode())
            _shorten(file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SmokeError(f"the run was not added to the history: {reason}", where=str(file)) from None
    return True


def read_history(project: Project, environment: str) -> History:
    """All runs that are kept.

    Raises:
        SmokeError: the file is there and cannot be read.
    """
    file = history_file(project, environment)
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return History(file, ())
    except OSError as error:
        raise SmokeError(
            f"cannot read the history: {(error.strerror or str(error)).lower()}", where=str(file)
        ) from None
    entries, damaged = [], []
    for number, line in enumerate(lines, 1):
        found = _parsed(line)
        if found is not None:
            entries.append(found)
        elif line.strip():
            damaged.append(number)
    return History(file, tuple(sorted(entries, key=_when)[-NEWEST:]), tuple(damaged))


def value_of(entry: Entry, stage: str, percentile: str) -> float | None:
    """A figure in milliseconds; None where the run has no such stage, or too few events for it."""
    value = (entry["stages"].get(stage) or {}).get(f"{percentile.replace('.', '_')}_ms")
    return None if value is None else float(value)


def _entry(run: Mapping[str, Any]) -> dict[str, Any]:
    load, use = run["load"], run.get("warehouse")
    return {
        "version": _VERSION,
        **{name: run[name] for name in ("environment", "platform", "stand_in", "run_id", "started", "carried_by")},
        "partitions": run["partitions"],
        "rate": load["rate"],
        "achieved_rate": load["achieved_rate"],
        "arrivals": load["arrivals"],
        "sent": load["sent"],
        "event_bytes": load["event_bytes"],
        "warehouse": use["size"] if use else None,
        "stages": {name: _figures(stage) for name, stage in run["stages"].items()},
        "outcome": run["verdict"]["outcome"],
        "warnings": len(run["verdict"]["warnings"]),
    }


def _figures(stage: Mapping[str, Any]) -> dict[str, Any]:
    names = [f"{each.replace('.', '_')}_ms" for each in (*PERCENTILES, "max", "mean")]
    known = {name: stage[name] for name in names if stage[name] is not None}
    return {"n": stage["n"], "lost": stage["lost"], "duplicated": stage["duplicated"], **known}


def _parsed(line: bytes) -> Entry | None:
    try:
        found = json.loads(line)
        if found["version"] != _VERSION or not isinstance(found["stages"], dict):
            return None
        _when(found)
        float(found["rate"]), int(found["sent"]), str(found["platform"]), bool(found["stand_in"])
        [float(value) for stage in found["stages"].values() for value in stage.values()]
        str(found["outcome"]), str(found["carried_by"]), str(found["run_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return dict(found)


def _when(entry: Entry) -> datetime:
    found = datetime.fromisoformat(entry["started"])
    if found.tzinfo is None:
        raise ValueError("a time without its zone")
    return found


def _ends(stream: Any) -> bool:
    stream.seek(-1, os.SEEK_END)
    return bool(stream.read(1) == b"\n")


def _shorten(file: Path) -> None:
    """Write the newest lines anew, once there are some too many; damaged ones go."""
    lines = file.read_bytes().splitlines()
    if len(lines) <= NEWEST + _SLACK:
        return
    _replace(file, [line for line in lines if _parsed(line) is not None][-NEWEST:])


def _replace(file: Path, lines: Sequence[bytes]) -> None:
    fresh = file.with_name(f".{file.name}.new")
    with fresh.open("wb") as stream:
        stream.write(b"".join(line + b"\n" for line in lines))
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One writer at a time; the lock is a file of its own, since the other one is replaced."""
    with file.with_name(f".{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
