"""The long form of drift: fifty looks at an untouched environment, every kind of outside change one by one, and an end
of them all. One environment, and each test goes on from where the one before left it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import new_project
from tests.integration.drift_parts import CHANGES, HARMLESS, Hand, look, named, take_away
from tests.integration.program import Infra, up_and_deployed

pytestmark = [pytest.mark.platform, pytest.mark.soak, pytest.mark.timeout(3600)]

LOOKS = 50


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    with up_and_deployed(new_project(tmp_path_factory.mktemp("drift-soak"))) as infra:
        yield infra


@pytest.fixture(scope="module")
def hand(infra: Infra) -> Hand:
    return Hand(infra.project)


def test_fifty_looks_at_an_untouched_environment_report_nothing(infra: Infra, hand: Hand) -> None:
    """With events flowing, and with what happens every day in between."""
    for number in range(LOOKS):
        if number % 10 == 5:
            assert infra("produce", "--env", "local", "--count", "200").code == 0
            for change in HARMLESS:
                change.do(hand)
        ran = look(infra)
        assert (ran.code, ran.json["drifts"], ran.json["unlisted"]) == (0, [], []), f"look {number}: {ran.out}"


def test_each_kind_of_outside_change_adds_its_own_drift_and_no_other(infra: Infra, hand: Hand) -> None:
    """One after the other, a look after each."""
    made: set[tuple[str, ...]] = set()
    for change in CHANGES:
        change.do(hand)
        made.add(change.found)
        ran = look(infra)
        assert ran.code == 2, change.name
        assert named(ran.json) == made, change.name


def test_the_outside_changes_are_adopted_or_taken_back_and_then_there_is_no_drift(infra: Infra, hand: Hand) -> None:
    adopted = look(infra, "--adopt", "--yes").json["adopted"]
    assert adopted["still"] == [] and "environments/local.yaml" in adopted["written"]
    look(infra, "--revert", "--yes")
    left = look(infra).json["drifts"]
    for each in sorted(left, key=lambda one: one["type"] not in ("grant", "role granted")):
        take_away(hand, each)  # rights before the roles that have them
    assert infra("deploy", "--env", "local", "--yes").code == 0
    assert look(infra).code == 0
    assert infra.plan().code == 0
