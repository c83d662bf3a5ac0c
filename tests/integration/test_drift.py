"""Drift on the local platform: what is changed outside through the services' own clients is found, all of it, and on an
untouched environment there is none. One environment, deployed once, all kinds of changes at once.

One by one, taken back or adopted, and fifty looks at an untouched environment, are in `test_drift_soak.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import new_project
from tests.integration.drift_parts import CHANGES, HARMLESS, Hand, look, named
from tests.integration.program import Infra, up_and_deployed

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    with up_and_deployed(new_project(tmp_path_factory.mktemp("drift"))) as infra:
        yield infra


@pytest.fixture(scope="module")
def hand(infra: Infra) -> Hand:
    return Hand(infra.project)


def test_on_an_untouched_environment_there_is_no_drift(infra: Infra, hand: Hand) -> None:
    assert infra("produce", "--env", "local", "--count", "200").code == 0
    for change in HARMLESS:
        change.do(hand)
    ran = look(infra)
    assert (ran.code, ran.json["drifts"], ran.json["unlisted"]) == (0, [], [])
    assert ran.json["looked_at"] == ["cluster", "warehouse", "topics", "connect"]
    ignored = {(each["type"], each["name"]): each["rule"] for each in ran.json["ignored"]}
    assert ignored["topic", "__consumer_offsets"] == "kafka-internal"
    assert ignored["role", "SYSADMIN"] == "snowflake-roles"


def test_every_kind_of_outside_change_is_found_and_nothing_else(infra: Infra, hand: Hand) -> None:
    assert len(CHANGES) >= 20
    for change in CHANGES:
        change.do(hand)
    ran = look(infra)
    assert ran.code == 2
    assert named(ran.json) == {change.found for change in CHANGES}
    dropped = next(each for each in ran.json["drifts"] if each["name"] == "ANALYTICS.MARTS")
    assert 'snowflake_view.view["ANALYTICS.MARTS.ORDER_EVENTS_CURRENT"]' in dropped["with_it"]
