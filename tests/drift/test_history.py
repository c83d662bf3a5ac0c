"""When a drift was first seen and whether it went away; the file stays small and survives a crash."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from modules.drift import history
from modules.drift.model import Drift, DriftReport, Unlisted
from modules.project import Project
from tests.drift.parts import AT, report

CLICKS = Drift("unmanaged", "topic", "clicks")
SIZE = Drift("changed", "warehouse", "WH", "warehouse", 'snowflake_warehouse.warehouse["WH"]')


def look(project: Project, hour: int, *drifts: Drift, hidden: bool = False) -> DriftReport:
    unlisted = (Unlisted("topics", "refused", "Describe"),) if hidden else ()
    return history.remember(project, report(*drifts, at=AT + timedelta(hours=hour), unlisted=unlisted))


def test_each_drift_has_its_first_sight_and_its_end(tmp_path: Path) -> None:
    project = Project(tmp_path)
    look(project, 0)
    look(project, 1, CLICKS)
    seen = look(project, 2, CLICKS, SIZE)
    assert seen.seen_since == {CLICKS.id: "2026-11-22T04:00:00+00:00", SIZE.id: "2026-11-22T05:00:00+00:00"}
    look(project, 3, SIZE)
    again = look(project, 4, SIZE, CLICKS)
    assert again.seen_since[CLICKS.id] == "2026-11-22T07:00:00+00:00", "it came back"
    episodes = history.episodes(history.read_history(project, "local"))
    assert [(each.what, each.first[11:13], each.gone and each.gone[11:13]) for each in episodes] == [
        ("topic clicks", "04", "06"),
        ("warehouse WH", "05", None),
        ("topic clicks", "07", None),
    ]


def test_what_could_not_be_listed_did_not_go_away(tmp_path: Path) -> None:
    project = Project(tmp_path)
    look(project, 0, CLICKS, SIZE)
    look(project, 1, hidden=True)
    seen = look(project, 2, CLICKS, SIZE)
    assert seen.seen_since == {CLICKS.id: "2026-11-22T03:00:00+00:00", SIZE.id: "2026-11-22T05:00:00+00:00"}


def test_only_the_newest_looks_are_kept_and_a_broken_line_is_passed_over(tmp_path: Path) -> None:
    project = Project(tmp_path)
    look(project, 0, CLICKS)
    path = history.history_file(project, "local")
    with path.open("a") as file:
        file.write('{"at": "2026-\n' + "[]\n" * 3)
    for hour in range(1, history.KEPT + 5):
        if hour > 3 and hour < history.KEPT:
            continue
        look(project, hour, SIZE)
    assert len(history.read_history(project, "local")) == 9
    path.write_text(path.read_text().splitlines()[-1].join(["", "\n"]) * (history.KEPT + 50))
    look(project, 9_000, SIZE)
    assert len(path.read_text().splitlines()) == history.KEPT
