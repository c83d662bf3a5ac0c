"""SIGKILL at any moment of `infra deploy --env local`: the next deploy converges, no lock is stuck, nothing is doubled
or lost. And two deploys at once.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import new_project
from tests.integration.kill_parts import Kill, Storm, Way
from tests.integration.program import Infra

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    infra = Infra(new_project(tmp_path_factory.mktemp("kills")))
    try:
        assert infra("local", "up").code == 0
        yield Storm(infra)
    finally:
        infra("local", "down")


def kill_and_converge(storm: Storm, way: Way, window: float) -> Kill | None:
    met = storm.kill(way, window)
    storm.deploy()
    storm.check()
    if met is not None:
        print(f"killed: {met}", file=sys.stderr, flush=True)
    return met


def test_a_killed_deploy_is_finished_by_the_next_one(storm: Storm) -> None:
    # From nothing, everything killed at once; then more topics, with Terraform living on.
    assert kill_and_converge(storm, "machine", 1.0)
    before = storm.records()
    storm.write(100)
    storm.add("more-1", "more-2")
    met = kill_and_converge(storm, "group", 0.2)
    assert met and met.began
    assert storm.records() == before + 100


def test_two_deploys_at_once_are_one_and_a_clean_refusal(storm: Storm) -> None:
    storm.add("both-1", "both-2")
    runs = [
        subprocess.Popen(
            [str(Path(sys.executable).parent / "infra"), "deploy", "--env", "local", "--yes"],
            cwd=storm.infra.project.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=300)[0] for run in runs]
    # Either may be the later one; where they just miss each other, the second finds nothing left to do.
    assert sorted(run.returncode for run in runs)[0] == 0, said
    for run, text in zip(runs, said, strict=True):
        if run.returncode:
            assert "is locked by `infra deploy --env local --yes`, process " in text, text
            assert "→ wait until it has finished, then run the command again" in text, text
    storm.check()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_what_a_killed_deploy_of_hundreds_had_made_is_found_again(storm: Storm) -> None:
    # So many that the state is written from time to time only: what was made since is in the journal.
    storm.deploy()
    before = storm.records()
    storm.write(100)
    for number in range(4):
        storm.add(*(f"hundreds-{number}-{each:03d}" for each in range(200)))
        met = kill_and_converge(storm, "machine", 2.0)
        if met and met.unknown > 50:
            break
    else:
        pytest.fail("no kill met a deploy that had made much and written nothing")
    assert storm.records() == before + 100


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_five_kills(storm: Storm) -> None:
    kills: list[Kill] = []
    # Whole environments from nothing: every kind of object, warehouse included.
    for number in range(8):
        assert storm.infra("destroy", "--env", "local", "--yes").code == 0
        storm.topics.clear()
        storm.add("keep", *(f"fresh-{number}-{each}" for each in range(4)))
        if met := kill_and_converge(storm, "group" if number % 4 == 3 else "machine", 3.0):
            kills.append(met)
    # More of what carries data meanwhile.
    before = storm.records()
    storm.write(1_000)
    number = 0
    while len(kills) < 25:
        assert number < 60, f"the deploys are over too soon: {kills}"
        storm.add(*(f"more-{number}-{each}" for each in range(6)))
        if met := kill_and_converge(storm, "group" if number % 4 == 3 else "machine", 0.8):
            kills.append(met)
        number += 1
    assert storm.records() == before + 1_000
    between = [each for each in kills if each.began and each.unfinished]
    print(f"{len(kills)} kills, {len(between)} between the first create and the last state write: {kills}")
    assert len(between) >= 15
