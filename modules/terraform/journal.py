"""What an apply is about to create, written down before it does: a killed run's objects are found again by it.

Terraform writes an object to its state when the provider has answered. Killed in between, the object is there and in no
state; the next apply would fail with "already exists", or make a second one. So before each apply the journal of the
stack's folder lists every creation with what the object is to be called for an import, and while it runs, which of
them began. It is closed when Terraform has ended in good order; what a later run finds of it is a killed run's.

It also names the backup of the state from before: Terraform empties the file each time before it writes, and a kill in
that moment leaves none (`salvage.py`).

Nothing sensitive is written: names and ids come from plans that mask such values. It is a file of this machine: a CI
runner that is gone has taken its journal along, and there `infra import` finds what is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from modules.terraform.events import Event, ResourceEvent, parse_line
from modules.terraform.files import write_private
from modules.terraform.import_ids import import_id, is_harmless
from modules.terraform.plan import StackPlan

__all__ = ["Journal", "LeftBehind", "Stopped", "Unfinished", "settled", "stopped", "unfinished"]

_FILE = "journal.jsonl"
_APPLY_LOG = "apply.log"
"""What Terraform itself said, up to the moment it was killed (`runner.py`)."""
_STEPS = {"apply_start": "began", "apply_errored": "refused"}
_SYNC_SECONDS = 0.25


@dataclass(frozen=True)
class LeftBehind:
    """One creation that began and of which no state knows."""

    address: str
    type: str
    id: str | None
    """For an import; None where only the service knows it."""
    told: bool = True
    """False where the id is only what the provider called it in its answer, which may not be what an import takes."""


@dataclass(frozen=True)
class Unfinished:
    """What the journal of an apply tells that was stopped half-way."""

    since: str
    command: str
    began: tuple[LeftBehind, ...]


class Journal:
    """One apply's journal, while it runs.

    The list of creations is on the disk before the first of them; what began is written at once (a kill loses nothing)
    and put on the disk every quarter of a second, for after a power cut all that was listed may have begun.
    """

    def __init__(
        self, folder: Path, plan: StackPlan, command: str, held: Collection[str], backup: Path | None = None
    ) -> None:
        """Lists what is about to be created; what an earlier journal still tells is carried on.

        Args:
            held: the addresses in the state.
            backup: the copy of the state as it is now; None where there is no state yet.

        Raises:
            OSError: it cannot be written; then nothing may be begun.
        """
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._synced = 0.0
        entries = [
            LeftBehind(change.address, change.type, import_id(change.type, change.after))
            for change in plan.changes
            if change.kind in ("create", "replace") and not is_harmless(change.type)
        ]
        self._addresses = {entry.address for entry in entries}
        earlier = unfinished(folder, held)
        carried = [each for each in (earlier.began if earlier else ()) if each.address not in self._addresses]
        head = {"version": 1, "since": now(), "command": command, "boot": _boot()}
        head["backup"] = backup.name if backup else None
        lines: list[Mapping[str, Any]] = [
            head,
            *({"create": _plain(entry)} for entry in (*carried, *entries)),
            *({"began": entry.address} for entry in carried),
        ]
        # Whole or not at all, and on the disk: a rename, with the content synced before it.
        write_private(folder / _FILE, "".join(_line(line) for line in lines).encode())
        # What an earlier apply said is in the journal now.
        (folder / _APPLY_LOG).unlink(missing_ok=True)
        self._file = (folder / _FILE).open("ab", buffering=0)

    def take(self, event: Event) -> None:
        """Note a creation that began, or was refused."""
        if self._file is None or not isinstance(event, ResourceEvent):
            return
        key = _STEPS.get(event.step)
        if key and event.action == "create" and event.address in self._addresses:
            with contextlib.suppress(OSError):  # a full disk is Terraform's to report, whose log says the same
                self._file.write(_line({key: event.address}).encode())
                if time.monotonic() - self._synced > _SYNC_SECONDS:
                    os.fsync(self._file.fileno())
                    self._synced = time.monotonic()

    def close(self, held: Collection[str]) -> None:
        """Terraform has ended by itself; what began and is not held by the state stays in the file.

        Args:
            held: the addresses in the state now.
        """
        if self._file is not None:
            self._file.close()
            self._file = None
        settled(self._folder, held)


def unfinished(folder: Path, held: Collection[str]) -> Unfinished | None:
    """What an earlier apply began to create and the state does not hold; None where there is nothing of the kind.

    A creation that was refused is told only where an import can find out whether it was made nevertheless (the answer
    came too late, say).
    """
    head, entries, began, refused = _read(folder / _FILE)
    if head.get("boot") not in (None, _boot()):
        began |= {entry.address for entry in entries}
    left = tuple(
        entry
        for entry in entries
        if entry.address in began and entry.address not in held and (entry.id or entry.address not in refused)
    )
    return Unfinished(str(head.get("since", "?")), str(head.get("command", "?")), left) if left else None


def settled(folder: Path, held: Collection[str]) -> Unfinished | None:
    """Like `unfinished`; a journal that tells of nothing any more is taken away. For who holds the environment."""
    found = unfinished(folder, held)
    if found is None:
        (folder / _FILE).unlink(missing_ok=True)
    return found


@dataclass(frozen=True)
class Stopped:
    """An apply that did not end by itself, and the state before it (a file name in `backups`; None: there was none)."""

    since: str
    command: str
    backup: str | None


def stopped(folder: Path) -> Stopped | None:
    """The apply whose journal is open. For who holds the environment: nobody else is at work."""
    head, *_ = _read(folder / _FILE)
    if "backup" not in head:
        return None
    return Stopped(str(head.get("since", "?")), str(head.get("command", "?")), head["backup"])


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _read(path: Path) -> tuple[dict[str, Any], list[LeftBehind], set[str], set[str]]:
    """Head, creations, what began and what was refused; lines that a crash cut short say nothing."""
    head: dict[str, Any] = {}
    entries: list[LeftBehind] = []
    found: dict[str, set[str]] = {"began": set(), "refused": set()}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return head, entries, found["began"], found["refused"]
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            for key, value in json.loads(line).items():
                if key == "create":
                    entries.append(LeftBehind(**value))
                elif key in found:
                    found[key].add(str(value))
                else:
                    head[key] = value
    ids: dict[str, str] = {}
    for key, event in _said(path.with_name(_APPLY_LOG)) if entries else ():
        if key in found:
            found[key].add(event.address)
        elif event.id:
            ids[event.address] = event.id
    entries = [
        replace(each, id=ids[each.address], told=False) if each.id is None and each.address in ids else each
        for each in entries
    ]
    return head, entries, found["began"], found["refused"]


def _said(log: Path) -> Iterable[tuple[str, ResourceEvent]]:
    """The same from Terraform's own words, and what was made: it may have gone on when `infra` was killed already."""
    steps = {**_STEPS, "apply_complete": "made"}
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if any(step in line for step in steps):
                    event = parse_line(line)
                    if isinstance(event, ResourceEvent) and event.action == "create" and event.step in steps:
                        yield steps[event.step], event
    except OSError:
        return


def _boot() -> int:
    """Tells one run of the machine from another; to the minute, since clocks are corrected."""
    import psutil

    return round(psutil.boot_time() / 60)


def _plain(entry: LeftBehind) -> dict[str, Any]:
    return {"address": entry.address, "type": entry.type, "id": entry.id if entry.told else None}


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
