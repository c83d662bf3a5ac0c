"""Promotion shows what differs, writes what was asked for, keeps the rest of the file and never leaves it broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modules.environment import load_environment
from modules.environment.promote import differences, promote
from modules.errors import ConfigError
from modules.project import Project
from tests.environment.conftest import REAL

BASE = """\
topics:
  orders: {partitions: 6, retention: 30d}
"""
DEV = """\
extends: base
platform: confluent
topics:
  orders: {retention: 7d}
  clicks.raw:   # new this week
    partitions: 3
workload: {ingress: 2GB/day}
"""
STAGING = """\
# What the release is tried on.
extends: base
platform: msk   # brokers of our own
topics:
  old: {partitions: 1}
msk: {brokers: 3}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(REAL, tmp_path / "environments")
    for name, text in (("base", BASE), ("dev", DEV), ("staging", STAGING)):
        (tmp_path / "environments" / f"{name}.yaml").write_text(text)
    return Project(tmp_path)


def test_topics_move_and_what_is_the_environments_own_stays(project: Project) -> None:
    found = {each.name: each for each in differences(project, "dev", "staging")}
    assert {name for name, each in found.items() if each.moves} == {
        "topics.orders.retention", "topics.clicks.raw", "topics.old",
    }  # fmt: skip
    assert {name for name, each in found.items() if not each.moves} == {"platform", "workload", "msk"}
    retention = found["topics.orders.retention"]
    assert (retention.kind, retention.source, retention.target) == ("change", "7d", "30d")
    assert str(retention.place) == "environments/dev.yaml:4"
    assert (found["topics.clicks.raw"].kind, found["topics.old"].kind) == ("add", "remove")


def test_writing_makes_the_pipelines_equal_and_keeps_comments(project: Project) -> None:
    file = promote(project, differences(project, "dev", "staging"), "staging")
    assert load_environment(project, "staging").topics == load_environment(project, "dev").topics
    text = file.read_text()
    assert text.startswith("# What the release is tried on.\nextends: base\nplatform: msk   # brokers of our own\n")
    assert not [each for each in differences(project, "dev", "staging") if each.moves]
    assert load_environment(project, "staging").platform == "msk"


def test_what_a_file_extends_is_taken_out_by_null(project: Project) -> None:
    (project.environments / "dev.yaml").write_text("extends: base\nplatform: confluent\ntopics: {orders: null}\n")
    file = promote(project, differences(project, "dev", "staging"), "staging")
    assert "orders: null" in file.read_text()
    assert load_environment(project, "staging").topics == {}


@pytest.mark.parametrize("key", ["topics.clicks.raw", "workload", "topics.orders.retention"])
def test_one_key_alone_can_be_named(project: Project, key: str) -> None:
    found = differences(project, "dev", "staging", [key])
    assert [each.name for each in found if each.moves] == [key]
    promote(project, found, "staging")
    assert key not in [each.name for each in differences(project, "dev", "staging")]


def test_a_result_that_would_not_load_is_taken_back(project: Project) -> None:
    dev, file = (project.environments / f"{name}.yaml" for name in ("dev", "staging"))
    dev.write_text("extends: base\nplatform: confluent\ntopics: {a_b: {partitions: 1}}\n")
    file.write_text("extends: base\nplatform: msk\ntopics: {a.b: {partitions: 1}}\n")
    before = file.read_text()
    found = differences(project, "dev", "staging", ["topics.a_b"])
    with pytest.raises(ConfigError) as refused:
        promote(project, found, "staging")
    assert refused.value.what == "promoted, `staging` would not load, so its file was left as it was"
    assert any("collide" in line for line in refused.value.details)
    assert file.read_text() == before
    assert not list(project.environments.glob(".*"))


def test_an_environment_and_itself_an_unknown_one_and_an_unknown_key(project: Project) -> None:
    with pytest.raises(ConfigError, match="`dev` cannot be promoted to itself"):
        differences(project, "dev", "dev")
    with pytest.raises(ConfigError, match="there is no environment `stagin`"):
        differences(project, "dev", "stagin")
    with pytest.raises(ConfigError, match="there is no key `topcs`"):
        differences(project, "dev", "staging", ["topcs"])


def infra(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())", "promote"]
    variables = {**os.environ, "INFRA_PROJECT": str(project.root)}
    where = Path(__file__).parents[2]
    return subprocess.run([*command, *arguments], cwd=where, env=variables, capture_output=True, text=True, check=False)


def test_the_command_shows_asks_and_writes(project: Project) -> None:
    shown = infra(project, "--from", "dev", "--to", "staging")
    assert shown.returncode == 2
    assert shown.stdout.splitlines() == [
        "~ topics.orders.retention: 30d → 7d   environments/dev.yaml:4",
        '+ topics.clicks.raw: {"partitions": 3}   environments/dev.yaml:5',
        '- topics.old: {"partitions": 1} (taken out)',
        "each environment's own, left as it is: platform, workload, msk",
    ]
    unasked = infra(project, "--from", "dev", "--to", "staging", "--write")
    assert unasked.returncode == 1 and "there is nobody to confirm" in unasked.stderr
    written = infra(project, "--from", "dev", "--to", "staging", "--write", "--yes", "--json")
    assert written.returncode == 0, written.stderr
    assert json.loads(written.stdout)["written"] is True
    assert infra(project, "--from", "dev", "--to", "staging").returncode == 0
