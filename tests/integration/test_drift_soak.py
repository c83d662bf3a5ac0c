"""The long form of drift: fifty looks at an untouched environment, and every kind of outside change one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import new_project
from tests.integration.drift_parts import CHANGES, HARMLESS, Hand, look, named
from tests.integration.program import Infra

pytestmark = [pytest.mark.platform, pytest.mark.soak, pytest.mark.timeout(3600)]

LOOKS = 50


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    infra = Infra(new_project(tmp_path_factory.mktemp("drift-soak")))
    try:
        assert infra("local", "up").code == 0
        deployed = infra("deploy", "--env", "local", "--yes")
        assert deployed.code == 0, deployed.err
        yield infra
    finally:
        infra("local", "down")


def test_fifty_looks_at_an_untouched_environment_report_nothing(infra: Infra) -> None:
    """With events flowing, and with what happens every day in between."""
    hand = Hand(infra.project)
    for number in range(LOOKS):
        if number % 10 == 5:
            assert infra("produce", "--env", "local", "--count", "200").code == 0
            for change in HARMLESS:
                change.do(hand)
        ran = look(infra)
        assert (ran.code, ran.json["drifts"], ran.json["unlisted"]) == (0, [], []), f"look {number}: {ran.out}"


def test_each_kind_of_outside_change_adds_its_own_drift_and_no_other(infra: Infra) -> None:
    """One after the other, a look after each; after the test before this one."""
    hand = Hand(infra.project)
    made: set[tuple[str, ...]] = set()
    for change in CHANGES:
        change.do(hand)
        made.add(change.found)
        ran = look(infra)
        assert ran.code == 2, change.name
        assert named(ran.json) == made, change.name
