"""When each drift was first seen and whether it went away: a line a look, in a small file beside the states.

The file is this machine's; a CI job that starts from nothing has no history but its own runs'.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modules.drift.model import DriftReport
from modules.errors import InfraError
from modules.project import Project

__all__ = ["KEPT", "Episode", "episodes", "read_history", "remember", "seen_since"]

KEPT = 500
"""Looks that are kept, the newest."""

Look = dict[str, Any]


@dataclass(frozen=True)
class Episode:
    """One drift from when it was first seen to when it was no longer there (`gone`); None while it is."""

    id: str
    what: str
    kind: str
    first: str
    last: str
    gone: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "what": self.what,
            "kind": self.kind,
            "first_seen": self.first,
            "last_seen": self.last,
            "gone": self.gone,
        }


def history_file(project: Project, environment: str) -> Path:
    return project.environment_state(environment) / "drift-history.jsonl"


def read_history(project: Project, environment: str) -> list[Look]:
    """The looks, oldest first; a line that is broken (a crash while writing) is left out."""
    try:
        lines = history_file(project, environment).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    looks = []
    for line in lines:
        try:
            look = json.loads(line)
        except ValueError:
            continue
        if isinstance(look, dict) and isinstance(look.get("drifts"), list) and isinstance(look.get("at"), str):
            looks.append(look)
    return looks


def remember(project: Project, report: DriftReport) -> DriftReport:
    """Appends the look; the report with when each drift was first seen.

    Raises:
        InfraError: the file cannot be written.
    """
    looks = [*read_history(project, report.environment), _look(report)][-KEPT:]
    path = history_file(project, report.environment)
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in looks), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise InfraError(
            f"the look cannot be remembered: {error.strerror}", where=str(path), do="free space or check the folder"
        ) from None
    return replace(report, seen_since=seen_since(looks))


def _look(report: DriftReport) -> Look:
    return {
        "at": report.at.isoformat(timespec="seconds"),
        "complete": not report.unlisted,
        "drifts": [{"id": each.id, "kind": each.kind, "what": each.what} for each in report.drifts],
    }


def seen_since(looks: Sequence[Look]) -> dict[str, str]:
    """Drift that is still there → when it was first seen."""
    return {each.id: each.first for each in episodes(looks) if each.gone is None}


def episodes(looks: Iterable[Look]) -> list[Episode]:
    """Every drift's time, in the order of first sight. What a look could not list does not end."""
    found: list[Episode] = []
    open_: dict[str, int] = {}
    for look in looks:
        there = {each["id"]: each for each in look["drifts"] if isinstance(each, dict) and "id" in each}
        for id_, place in list(open_.items()):
            hidden = not look.get("complete", True) and found[place].kind == "unmanaged"
            if id_ not in there and not hidden:
                found[place] = replace(found[place], gone=look["at"])
                del open_[id_]
        for id_, each in there.items():
            if id_ in open_:
                found[open_[id_]] = replace(found[open_[id_]], last=look["at"])
            else:
                open_[id_] = len(found)
                words = str(each.get("what", id_)), str(each.get("kind", ""))
                found.append(Episode(id_, *words, first=look["at"], last=look["at"]))
    return found
