"""`infra drift` from the command line, on a rehearsal: editing the simulated objects is what somebody does outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from modules.project import Project
from modules.simulated import LABEL
from modules.simulated.store import Store
from tests.drift.parts import new_project

Run = tuple[int, str, str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("INFRA_TERRAFORM", raising=False)
    project = new_project(tmp_path)
    with (project.environments / "local.yaml").open("a") as file:
        file.write("warehouse: {preset: none}\n")  # what there is little of is planned quickly
    return project


@pytest.fixture
def store(project: Project) -> Iterator[Store]:
    store = Store(project.state / "offline" / "env" / "local" / "simulated.sqlite")
    yield store
    store.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Run:
    code = main([*arguments, "--env", "local", "--offline"])
    out, err = capsys.readouterr()
    return code, out, err


def drift(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code, out, err = run(capsys, "drift", "--json", *arguments)
    assert code in (0, 2), err
    return code, json.loads(out)


def go_around(store: Store) -> None:
    """A retention is changed, an ACL taken away."""
    topic = store.get("kafka_topic", "order-events")
    assert topic is not None
    store.put("kafka_topic", "order-events", {**topic, "config": {**topic["config"], "retention.ms": "3600000"}})
    acl = store.find("kafka_acl", acl_principal="User:producer", resource_name="order-events")
    assert acl is not None
    store.remove("kafka_acl", acl["id"])


def test_drift_is_shown_asked_about_and_taken_back(
    project: Project, store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(capsys, "deploy", "--yes")[0] == 0
    go_around(store)
    before = (project.environments / "local.yaml").read_text()
    code, out, err = run(capsys, "drift", "--markdown", str(tmp_path / "drift.md"), "--adopt")
    assert out.splitlines()[0] == LABEL
    assert "  - ACL producer write topic order-events" in out
    assert "      topics.order-events.retention: 30d → 1h" in out
    assert "+    retention: 1h\n" in out, "the diff comes before the question"
    assert (code, "error: there is nobody to confirm\n  → review it, then add --yes" in err) == (1, True)
    assert "| topic order-events | `topics.order-events.retention` |" in (tmp_path / "drift.md").read_text()
    assert (project.environments / "local.yaml").read_text() == before

    code, found = drift(capsys, "--revert", "--only", "ACL *", "--yes")
    assert found["counts"] == {"missing": 1, "changed": 0, "unmanaged": 0}
    assert (code, found["reverted"]["plan"]["counts"]) == (0, {"create": 1})
    assert store.find("kafka_acl", acl_principal="User:producer", resource_name="order-events") is not None


@pytest.mark.soak
def test_what_was_adopted_or_taken_back_is_drift_no_more(
    project: Project, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "deploy", "--yes")[0] == 0
    go_around(store)
    before = (project.environments / "local.yaml").read_text()
    code, found = drift(capsys, "--adopt", "--only", "topic *", "--yes")
    assert (code, found["adopted"]["still"], found["adopted"]["written"]) == (0, [], ["environments/local.yaml"])
    after = (project.environments / "local.yaml").read_text()
    assert after.startswith(before) and "retention: 1h" in after

    code, found = drift(capsys, "--revert", "--yes")
    assert found["counts"] == {"missing": 1, "changed": 0, "unmanaged": 0}, "what was adopted is no drift any more"
    code, found = drift(capsys)
    assert (code, found["drifted"], found["complete"], found["drifts"]) == (0, False, True, [])
    assert run(capsys, "plan")[0] == 0

    code, out, _ = run(capsys, "drift", "--history", "--json")
    history = json.loads(out)
    assert (code, history["looks"]) == (0, 3)
    assert {(each["what"], each["gone"] is None) for each in history["drifts"]} == {
        ("ACL producer write topic order-events", False),
        ("topic order-events", False),
    }


def test_the_two_ways_do_not_go_together(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "drift", "--adopt", "--revert")
    assert code == 1
    assert "error: --adopt --revert: what is there is either adopted or taken back\n  → leave one out" in err


def test_a_markdown_file_that_cannot_be_written_is_told(
    project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = run(capsys, "drift", "--markdown", str(tmp_path / "no" / "drift.md"))
    assert code == 1
    assert "drift.md: cannot write: No such file or directory\n  → name another file" in err
